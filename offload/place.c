/* SPDX-License-Identifier: Apache-2.0 */
/* From wishes to queues: what a flow's place should be, and what must be asked of its device. */
#include <float.h>

#include "core/base/clock.h"
#include "offload/engine_priv.h"

#define BACKOFF_MAX 6 /* 1 s << 6, cut to 60 s */

static enum offload_retry retry_of(const struct why *w)
{
	return offload_reason_table[w->reason].retry;
}

void place_wake(struct engine_dev *d)
{
	if (!d->idle)
		return;
	d->idle = false;
	thread_wake(&d->thread);
}

/* First come, first served has one value for all. */
static double value_of(const struct engine_flow *f)
{
	return flow_placement(f) == PLACEMENT_GREEDY ? 0 : flow_value(f);
}

void place_shelve(struct engine_flow *f)
{
	struct shelf *s = &f->port->out[flow_is_pinned(f)];

	if (f->shelved.on && f->shelf != s)
		shelf_drop(f->shelf, &f->shelved);
	f->shelf = s;
	shelf_put(s, &f->shelved, value_of(f));
}

void place_counted(struct engine_flow *f)
{
	if (f->shelved.on)
		place_shelve(f);
	else if (f->queued.place == QUEUE_INSTALLS)
		queue_raise(&f->dev->queue, &f->queued, value_of(f));
}

void place_wait(struct engine_flow *f)
{
	enum offload_retry r = retry_of(&f->why);

	if (f->waiting || !f->dev || f->deleted)
		return;
	if (r == OFFLOAD_RETRY_CHAIN) {
		f->waiting = chain_wait(f);
		f->dirty |= !f->waiting; /* busy: placed again when that ends */
		return;
	}
	if (r != OFFLOAD_RETRY_SPACE && r != OFFLOAD_RETRY_BACKOFF)
		return;
	f->waiting = true;
	if (r == OFFLOAD_RETRY_SPACE && f->port) {
		place_shelve(f);
		return;
	}
	cds_list_add_tail(&f->place, &f->dev->out);
	f->dev->n_out++;
}

void place_unwait(struct engine_flow *f)
{
	if (!f->waiting || !f->dev) /* a waiting flow has a device */
		return;
	f->waiting = false;
	if (f->wait_chain) {
		chain_unwait(f);
		return;
	}
	if (f->shelved.on) {
		shelf_drop(f->shelf, &f->shelved);
		return;
	}
	cds_list_del_init(&f->place);
	f->dev->n_out--;
}

void place_backoff(struct engine_flow *f, struct why *w)
{
	uint64_t s;

	if (retry_of(w) != OFFLOAD_RETRY_BACKOFF)
		return;
	s = UINT64_C(1) << MIN(f->backoff, BACKOFF_MAX);
	w->retry_ns = clock_mono_ns() + MIN(s, UINT64_C(60)) * NSEC_PER_SEC;
	f->backoff = (uint8_t)MIN(f->backoff + 1, BACKOFF_MAX);
}

void place_refuse(struct engine *e, struct engine_flow *f, struct why why)
{
	place_backoff(f, &why);
	flow_set_state(e, f, OFFLOAD_ST_REFUSED, &why);
	place_wait(f);
}

/* The queue had no room for it. */
static void shed(struct engine *e, struct engine_flow *f) ENGINE_LOCKED(e)
{
	struct why w = why_of(OFFLOAD_QUEUE_FULL);

	w.limit = f->dev->queue.max;
	place_refuse(e, f, w);
}

void place_install(struct engine *e, struct engine_flow *f)
{
	struct engine_dev *d = f->dev;
	struct why pending = why_of(OFFLOAD_PENDING);
	uint64_t now = clock_mono_ns();
	struct queue_item *out;

	f->want = true;
	place_unwait(f);
	flow_set_state(e, f, OFFLOAD_ST_QUEUED, &pending);
	out = queue_add_install(&d->queue, &f->queued, flow_is_pinned(f) ? DBL_MAX : value_of(f),
				now);
	if (out)
		shed(e, container_of(out, struct engine_flow, queued));
	place_wake(d);
}

void place_change(struct engine_flow *f)
{
	if (f->queued.place != QUEUE_NOWHERE || f->busy)
		return; /* its turn comes, or is now and is looked at again when it ends */
	queue_add_change(&f->dev->queue, &f->queued, clock_mono_ns());
	place_wake(f->dev);
}

void place_remove(struct engine *e, struct engine_flow *f, enum after_removal after,
		  enum offload_state via, const struct why *why)
{
	f->after = (uint8_t)after;
	f->leave = *why;
	flow_set_state(e, f, via, why);
	place_change(f);
}

void place_evict(struct engine_flow *f, enum offload_reason reason) NO_TSA
{
	struct why w = why_of(reason);

	f->want = false;
	f->dev->stat.evictions++;
	place_remove(f->dev->e, f, AFTER_SOFTWARE, OFFLOAD_ST_EVICTING, &w);
}

enum offload_policy place_policy(const struct engine *e, const struct engine_flow *f)
{
	enum offload_policy p = f->port && f->port->policy >= 0
					? (enum offload_policy)f->port->policy
					: e->cfg.policy;

	if (p == OFFLOAD_POLICY_SKIP_SW && f->needs_sw)
		return OFFLOAD_POLICY_NONE;
	return p;
}

/* Why nobody need be asked; OFFLOAD_OK when the device shall have it. */
static enum offload_reason no_reason_to_ask(const struct engine *e, const struct engine_flow *f)
	ENGINE_LOCKED(e)
{
	if (!e->cfg.hw_offload || (f->port && !f->port->enabled))
		return OFFLOAD_DISABLED;
	if (!f->dev)
		return OFFLOAD_NO_DEVICE;
	if (f->dev->hung)
		return OFFLOAD_HUNG;
	if (f->dev->away)
		return OFFLOAD_GONE;
	if (!f->hw_ok)
		return OFFLOAD_SLOW_PATH;
	if (place_policy(e, f) == OFFLOAD_POLICY_SKIP_HW && !f->dev->caps.software)
		return OFFLOAD_TC_POLICY;
	return OFFLOAD_OK;
}

static void stay_out(struct engine *e, struct engine_flow *f, enum offload_reason reason)
	ENGINE_LOCKED(e)
{
	struct why w = why_of(reason);

	if (reason == OFFLOAD_SLOW_PATH)
		w.action = DP_ACT_USERSPACE;
	f->want = false;
	if (f->handle) {
		place_remove(e, f, AFTER_SOFTWARE,
			     reason == OFFLOAD_GONE ? OFFLOAD_ST_LOST : OFFLOAD_ST_EVICTING, &w);
		return;
	}
	if (f->busy) {
		f->dirty = true;
		return;
	}
	if (f->dev)
		queue_drop(&f->dev->queue, &f->queued);
	place_unwait(f);
	flow_set_state(e, f, OFFLOAD_ST_SOFTWARE, &w);
}

void place_flow(struct engine *e, struct engine_flow *f)
{
	enum offload_reason reason;

	if (f->deleted)
		return;
	reason = no_reason_to_ask(e, f);
	if (reason == OFFLOAD_HUNG && f->handle)
		return; /* it is looked at again when the device is back */
	if (f->adopted && reason != OFFLOAD_DISABLED && reason != OFFLOAD_GONE)
		return;
	if (reason != OFFLOAD_OK) {
		stay_out(e, f, reason);
		return;
	}
	f->want = true;
	f->dirty |= f->busy;
	if (f->busy || f->state == OFFLOAD_ST_LOST)
		return;
	if (!f->handle) {
		if (f->queued.place == QUEUE_NOWHERE)
			place_install(e, f);
	} else if (f->hw_acts != f->acts || !flow_placed(f) || f->anew ||
		   f->hw_policy != place_policy(e, f)) {
		place_change(f);
	}
}

void place_anew(struct engine_flow *f)
{
	f->anew = true;
	place_change(f);
}

void place_all(struct engine *e, const struct engine_port *only_port,
	       const struct engine_dev *only_dev)
{
	struct engine_flow *f;

	HTABLE_FOR_EACH (f, struct engine_flow, by_ufid, &e->flows) {
		if ((only_port && f->port != only_port) || (only_dev && f->dev != only_dev))
			continue;
		f->backoff = 0;
		place_flow(e, f);
	}
}

void place_reshelve(struct engine *e, const struct engine_port *only_port)
{
	struct engine_flow *f;

	HTABLE_FOR_EACH (f, struct engine_flow, by_ufid, &e->flows)
		if (f->shelved.on && (!only_port || f->port == only_port))
			place_shelve(f);
}
