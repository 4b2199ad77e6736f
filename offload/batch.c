/* SPDX-License-Identifier: Apache-2.0 */
/* One batch from a device's queue to the device: what each flow needs, whether the device can do
 * it, and the call to the driver.  What its answers mean is in settle.c. */
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "offload/batch_priv.h"

#define BATCH_NS (50 * NSEC_PER_MSEC) /* a call to the provider shall not last much longer */

/* --- which flows, and what to do about each --- */

static enum todo what_to_do(const struct engine *e, const struct engine_flow *f) ENGINE_LOCKED(e)
{
	/* What was lost goes; but what was altered makes way for the right one. */
	bool lost = f->state == OFFLOAD_ST_LOST && !(f->handle && f->anew);
	bool want = f->want && !f->deleted && !lost;

	if (!f->handle)
		return want ? TODO_INSTALL : TODO_NOTHING;
	if (!want)
		return TODO_REMOVE;
	return f->hw_acts != f->acts || f->anew || f->hw_policy != place_policy(e, f)
		       ? TODO_REPLACE
		       : TODO_NOTHING;
}

static unsigned batch_size(const struct engine_dev *d)
{
	unsigned max = d->caps.max_batch ? MIN(d->caps.max_batch, BATCH_MAX) : BATCH_MAX;
	double n = d->batch_ns > 0 ? (double)BATCH_NS / d->batch_ns : max;

	return n < 1 ? 1 : n > max ? max : (unsigned)n;
}

static bool refuse(struct item *it, const struct offload_refusal *why)
{
	it->refused = true;
	it->why = *why;
	it->todo = TODO_NOTHING;
	return false;
}

/* The provider still knows a port that is on its way out; nothing new shall lead to it. */
static void refuse_leaving(const struct engine_dev *d, struct item *it)
{
	struct offload_refusal why;

	if (!d->leaving || it->todo == TODO_REMOVE || it->todo == TODO_NOTHING ||
	    !port_touches(d->leaving, it->f))
		return;
	offload_refusal_set(&why, OFFLOAD_OUT_DEVICE);
	why.action = DP_ACT_OUTPUT;
	(void)refuse(it, &why);
}

/* What it leads to must be there before it. */
static void refuse_leader(struct engine_dev *d, struct item *it) REQUIRES(&d->e->lock)
{
	struct offload_refusal why;
	uint32_t chain;

	if (it->todo != TODO_INSTALL && it->todo != TODO_REPLACE)
		return;
	chain = chain_missing(d, flow_acts_list(it->acts));
	if (!chain)
		return;
	offload_refusal_set(&why, OFFLOAD_CHAIN);
	why.limit = chain;
	(void)refuse(it, &why);
}

/* True when it must not leave yet, because of what leads to it. */
static bool put_off(struct engine_dev *d, struct engine_flow *f) REQUIRES(&d->e->lock)
{
	switch (chain_may_leave(d, f)) {
	case CHAIN_NOW: return false;
	case CHAIN_LATER: queue_add_change(&d->queue, &f->queued, f->queued.since_ns); return true;
	case CHAIN_STUCK: break;
	}
	d->n_stuck += !f->stuck; /* looked at again with what is stuck */
	f->stuck = true;
	return true;
}

static uint64_t port_left(const struct engine_flow *f)
{
	const struct engine_port *p = f->port;

	if (!p || !p->max_entries)
		return UINT64_MAX;
	return p->max_entries > p->entries ? p->max_entries - p->entries : 0;
}

/* The queue gives changes first, so an installation is in the batch only behind every change. */
static void collect(struct engine_dev *d, struct batch *b) REQUIRES(&d->e->lock)
{
	unsigned max = d->e->frozen || d->e->holding ? 0 : batch_size(d);
	struct engine_flow *first_off = NULL;
	struct queue_item *q;

	b->n = b->n_reqs = 0;
	while (b->n < max && (q = queue_next(&d->queue))) {
		struct engine_flow *f = container_of(q, struct engine_flow, queued);
		enum todo todo = what_to_do(d->e, f);
		struct item *it;

		if (todo == TODO_REMOVE && put_off(d, f)) {
			if (f == first_off)
				break; /* all that is left waits */
			first_off = first_off ? first_off : f;
			continue;
		}
		it = &b->items[b->n++];
		it->f = engine_flow_ref(f);
		it->acts = flow_acts_ref(f->acts);
		it->todo = todo;
		it->policy = place_policy(d->e, f);
		it->was_hw = f->handle && f->tier == LEDGER_HARDWARE;
		it->since_ns = q->since_ns;
		it->cost = f->cost;
		it->swapping = f->swapping;
		it->port = f->port;
		it->port_left = port_left(f);
		it->port_limit = f->port ? f->port->max_entries : 0;
		it->refused = it->software = false;
		it->req = NULL;
		refuse_leaving(d, it);
		refuse_leader(d, it);
		f->busy = true;
		f->dirty = false;
		d->n_busy++;
	}
	chain_batch_done(d);
}

/* --- before the driver is asked --- */

static struct offload_rule rule_of(struct item *it)
{
	return (struct offload_rule){ .ufid = it->f->ufid,
				      .key = &it->match.key,
				      .mask = &it->match.mask,
				      .actions = flow_acts_list(it->acts),
				      .policy =
					      it->software ? OFFLOAD_POLICY_SKIP_HW : it->policy };
}

/* The hardware will not do; where the configuration allows it the provider's software shall. */
static bool no_hardware(const struct engine_dev *d, struct item *it,
			const struct offload_refusal *why)
{
	if (!d->caps.software || it->policy == OFFLOAD_POLICY_SKIP_SW)
		return refuse(it, why);
	it->software = true;
	it->why = *why;
	return true;
}

static bool shape_ok(struct engine_dev *d, struct item *it, const struct offload_rule *r)
{
	const struct offload_refusal *known = shapes_find(d->shapes, r);
	struct offload_refusal why;

	if (!known || it->policy == OFFLOAD_POLICY_SKIP_HW)
		return true;
	why = *known;
	why.reason = OFFLOAD_SHAPE_REFUSED;
	why.at_ns = clock_wall_ns();
	return no_hardware(d, it, &why);
}

static bool plan_ok(struct engine_dev *d, struct item *it, const struct offload_rule *r)
{
	struct offload_plan plan;

	memset(&plan, 0, sizeof(plan));
	offload_refusal_set(&plan.refusal, OFFLOAD_DRIVER_REFUSED);
	if (d->od->ops->plan(d->od, r, &plan) < 0)
		return refuse(it, &plan.refusal);
	it->cost = MAX(plan.cost, 1u);
	return true;
}

struct room {
	uint64_t free, spare; /* spare: of those free, for exchanges alone */
	uint64_t capacity;
};

static bool room_ok(const struct engine_dev *d, struct item *it, struct room *room)
{
	struct offload_refusal why;
	uint64_t keep = it->swapping ? 0 : room->spare;

	if (it->was_hw || it->software || it->policy == OFFLOAD_POLICY_SKIP_HW)
		return true;
	if (it->cost + keep <= room->free) {
		room->free -= it->cost;
		return true;
	}
	offload_refusal_set(&why, OFFLOAD_TABLE_FULL);
	why.limit = room->capacity;
	/* A rule that is there in software need not leave for that; a new one is no quicker there.
	 */
	return it->todo == TODO_REPLACE ? no_hardware(d, it, &why) : refuse(it, &why);
}

/* A port with a limit: what stands there, and what this batch has planned before. */
static bool port_ok(const struct batch *b, struct item *it)
{
	struct offload_refusal why;
	uint64_t left = it->port_left;

	if (left == UINT64_MAX || it->was_hw || it->swapping || it->software)
		return true;
	for (const struct item *o = b->items; o < it; o++)
		if (o->port == it->port && o->todo == TODO_INSTALL)
			left -= MIN(left, (uint64_t)o->cost);
	if (it->cost <= left)
		return true;
	offload_refusal_set(&why, OFFLOAD_PORT_LIMIT);
	why.limit = it->port_limit;
	return refuse(it, &why);
}

/* Asks caps and memory, not hardware.  The provider's thread, io held. */
static void plan_batch(struct engine_dev *d, struct batch *b, struct room room)
{
	for (unsigned i = 0; i < b->n; i++) {
		struct item *it = &b->items[i];
		struct offload_rule r;

		minimatch_expand(&it->f->match, &it->match);
		r = rule_of(it);
		if (it->todo == TODO_REMOVE) {
			room.free +=
				it->was_hw
					? it->cost
					: 0; /* it leaves before the installations of this batch */
			continue;
		}
		if (it->todo != TODO_NOTHING)
			(void)(shape_ok(d, it, &r) && plan_ok(d, it, &r) && port_ok(b, it) &&
			       room_ok(d, it, &room)); /* refuse() has noted it */
	}
}

static void make_requests(struct batch *b)
{
	static const enum offload_req_kind kind_of[] = { [TODO_INSTALL] = OFFLOAD_INSTALL,
							 [TODO_REPLACE] = OFFLOAD_REPLACE,
							 [TODO_REMOVE] = OFFLOAD_REMOVE };

	for (unsigned i = 0; i < b->n; i++) {
		struct item *it = &b->items[i];

		if (it->todo == TODO_NOTHING)
			continue;
		it->req = &b->reqs[b->n_reqs++];
		memset(it->req, 0, sizeof(*it->req));
		offload_refusal_set(&it->req->refusal, OFFLOAD_OK);
		it->req->kind = kind_of[it->todo];
		it->req->rule = rule_of(it);
		it->req->handle = it->f->handle;
	}
}

/* Says what is under way, for whoever looks meanwhile. */
static bool mark_batch(struct engine_dev *d, struct batch *b) EXCLUDES(d->e->lock)
{
	bool go;

	struct why w = why_of(OFFLOAD_PENDING);

	lock_take(&d->e->lock);
	go = !b->abandoned;
	for (unsigned i = 0; go && i < b->n; i++) {
		struct item *it = &b->items[i];

		if (it->todo == TODO_INSTALL && !it->f->deleted)
			flow_set_state(d->e, it->f, OFFLOAD_ST_INSTALLING, &w);
	}
	lock_give(&d->e->lock);
	return go;
}

static void apply_batch(struct engine_dev *d, struct batch *b) REQUIRES(d->io)
{
	if (b->n_reqs)
		(void)d->od->ops->apply(d->od, b->reqs, b->n_reqs); /* each has its result */
}

/* What a request takes, its planning included. */
static void measure(struct engine_dev *d, const struct batch *b, uint64_t took_ns)
	REQUIRES(&d->e->lock)
{
	double each;

	if (!b->applied || !b->n_reqs)
		return;
	each = (double)took_ns / b->n_reqs;
	d->batch_ns = d->batch_ns > 0 ? d->batch_ns * 0.75 + each * 0.25 : each;
}

/* The device hung over it and is back: what it did counts for flows that are still there, which
 * nobody else can have moved meanwhile. */
static bool take_up(struct engine_dev *d, struct item *it) REQUIRES(&d->e->lock)
{
	struct engine_flow *f = it->f;

	if (!d->batch->applied || d->stray || f->gone || f->deleted || f->dev != d)
		return false;
	f->busy = true;
	d->n_busy++;
	return true;
}

bool batch_step(struct engine_dev *d)
{
	struct batch *b = d->batch;
	struct gone_list gone = { NULL, 0, 0 };
	struct room room;
	uint64_t begin, took;

	clock_hold();
	lock_take(&d->e->lock);
	collect(d, b);
	room = (struct room){ .free = budget_room(&d->budget, clock_mono_ns()),
			      .spare = policy_spare(d),
			      .capacity = budget_capacity(&d->budget) };
	lock_give(&d->e->lock);
	clock_let_go();
	if (!b->n)
		return false;

	clock_hold(); /* of the time when the call is let in */
	begin = device_call(d);
	plan_batch(d, b, room);
	make_requests(b);
	b->applied = mark_batch(d, b);
	clock_let_go();
	if (b->applied)
		apply_batch(d, b);
	device_called(d);

	clock_hold();
	took = clock_mono_ns() - begin;
	lock_take(&d->e->lock);
	measure(d, b, took);
	for (unsigned i = 0; i < b->n; i++)
		if (!b->abandoned || take_up(d, &b->items[i]))
			settle(d, &b->items[i], &gone);
	b->abandoned = false;
	swap_step(d, clock_mono_ns());
	d->stat.learned_shapes = shapes_count(d->shapes);
	pthread_cond_broadcast(&d->e->changed);
	lock_give(&d->e->lock);
	clock_let_go();
	for (unsigned i = 0; i < b->n; i++) {
		flow_acts_unref(b->items[i].acts);
		engine_flow_unref(b->items[i].f);
	}
	gone_call(d->e, &gone);
	return true;
}

struct batch *batch_new(void)
{
	return xzalloc(sizeof(struct batch));
}

void batch_abandon(struct engine_dev *d, struct gone_list *g)
{
	struct batch *b = d->batch;

	if (!d->n_busy)
		return;
	b->abandoned = true;
	d->n_busy = 0;
	for (unsigned i = 0; i < b->n; i++) {
		struct engine_flow *f = b->items[i].f;

		f->busy = false;
		if (f->deleted && f->handle)
			batch_rule_gone(d, f, false);
		if (f->deleted && !f->sw_open)
			gone_add(d->e, g, f);
	}
}

bool batch_works_on(const struct engine_dev *d, const struct engine_port *p)
{
	for (unsigned i = 0; d->n_busy && i < d->batch->n; i++)
		if (d->batch->items[i].f->busy && port_touches(p, d->batch->items[i].f))
			return true;
	return false;
}
