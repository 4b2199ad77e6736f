/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets the entries when there are too few: gathers what offload/policy/rank.h decides about,
 * and carries its decision out.
 *
 * A tick of the device's thread first queues the flows whose time to be tried again has come.  When
 * counters have been read since, or there is free room, it then takes, port by port, the most
 * valuable flows that wait (a shelf for each port, so that this costs the same however many wait)
 * and, when they need more room than there is, the least valuable in hardware.  Where a limit was
 * lowered below what is there, those that are beyond it leave before (shrink.h), and nobody comes
 * while the device holds too much.  The engine's lock
 * is held for a few hundred flows at a time; sorting and deciding are done without it.  The
 * software entries of all of them are there all the time: an eviction moves packets, it loses none.
 */
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "offload/engine_priv.h"
#include "offload/policy/share.h"
#include "offload/policy/shrink.h"

#define CHUNK 512u     /* flows walked or moved under the lock at once */
#define VISITS 4096u   /* flows that wait and are looked at in one tick */
#define VISITS_MIN 64u /* of each port, however many ports there are */
#define VICTIMS 4096u  /* likewise of those in hardware */
#define NO_SLOT UINT32_MAX
#define PINNED_VALUE 1e15 /* above every rate: of those in hardware they are the last to leave */

struct tick {
	struct engine_dev *d;
	uint64_t now_ns;
	struct dp_port *no;      /* of the ports, by slot; owned */
	struct rank_port *ports; /* owned */
	struct rank_heap *have;  /* by slot; owned */
	struct rank_flow *want;  /* owned; flows referenced, as in have */
	size_t n_want, cap_want;
	uint32_t n_ports;
	uint64_t n_waiting, room, floor_ns;
	uint64_t going; /* entries of rules that are leaving, or may be */
	uint32_t evictions;
};

/* --- waiting flows whose time has come --- */

/* What stood from the head of the list to `last` goes to its end. */
static void rotate(struct cds_list_head *list, struct cds_list_head *last)
{
	struct cds_list_head *first = list->next, *after = last->next, *tail = list->prev;

	if (after == list)
		return;
	list->next = after;
	after->prev = list;
	tail->next = first;
	first->prev = tail;
	last->next = list;
	list->prev = last;
}

/* A flow that was shed comes back when it would not be shed again at once. */
static bool queue_has_room(const struct engine_dev *d, const struct engine_flow *f)
{
	return f->why.reason != OFFLOAD_QUEUE_FULL || d->queue.n_installs < d->queue.max;
}

static void try_again(struct engine_dev *d, uint64_t now)
{
	struct engine *e = d->e;
	uint32_t left;

	lock_take(&e->lock);
	left = d->n_out;
	while (left) {
		for (uint32_t i = 0; i < CHUNK && left; i++, left--) {
			struct engine_flow *f;

			if (cds_list_empty(&d->out)) {
				left = 1;
				continue;
			}
			f = cds_list_entry(d->out.next, struct engine_flow, place);
			rotate(&d->out, &f->place);
			if (now >= f->why.retry_ns && queue_has_room(d, f))
				place_install(e, f);
		}
		lock_give(&e->lock);
		lock_take(&e->lock);
	}
	lock_give(&e->lock);
}

static void retry_stuck(struct engine_dev *d) REQUIRES(&d->e->lock)
{
	struct engine_flow *f;

	cds_list_for_each_entry (f, &d->hw, place)
		if (f->stuck)
			place_change(f);
}

/* --- what is decided about --- */

uint64_t policy_spare(const struct engine_dev *d)
{
	return d->e->cfg.placement == PLACEMENT_GREEDY ? 0 : budget_spare(&d->budget);
}

/* No more than takes up half of the time of a device's thread. */
uint32_t policy_churn_bound(const struct engine_dev *d)
{
	double per_s = d->e->cfg.max_churn_per_s, able = per_s;

	if (d->batch_ns > 0)
		able = MAX(NSEC_PER_SEC / d->batch_ns / 4, 1); /* two requests each */
	return (uint32_t)(able < per_s ? able : per_s);
}

static void number_ports(struct engine_dev *d, struct tick *t) REQUIRES(&d->e->lock)
{
	struct engine_port *p;

	HTABLE_FOR_EACH (p, struct engine_port, node, &d->e->ports) {
		if (p->dev != d)
			continue;
		p->slot = t->n_ports++;
		t->n_waiting += p->out[0].n + p->out[1].n;
	}
	t->no = xcalloc(t->n_ports + 1u, sizeof(*t->no));
	t->ports = xcalloc(t->n_ports + 1u, sizeof(*t->ports));
	HTABLE_FOR_EACH (p, struct engine_port, node, &d->e->ports)
		if (p->dev == d) {
			t->no[p->slot] = p->no;
			t->ports[p->slot].used = (uint32_t)p->entries;
			t->ports[p->slot].limit = p->max_entries ? p->max_entries : UINT32_MAX;
		}
}

static void share(struct engine_dev *d, struct tick *t) REQUIRES(&d->e->lock)
{
	uint32_t *demand = xcalloc(2 * (t->n_ports + 1u), sizeof(*demand));
	uint32_t *part = demand + t->n_ports + 1;
	struct engine_port *p;

	HTABLE_FOR_EACH (p, struct engine_port, node, &d->e->ports)
		if (p->dev == d)
			demand[p->slot] =
				(uint32_t)MIN(p->entries + p->out[0].n_worth + p->out[1].n_worth,
					      (uint64_t)t->ports[p->slot].limit);
	share_fill(budget_capacity(&d->budget) * MIN(d->e->cfg.fair_percent, 100u) / 100,
		   t->n_ports, demand, part);
	for (uint32_t i = 0; i < t->n_ports; i++)
		t->ports[i].share = part[i];
	free(demand);
}

/* False when there is nothing to decide. */
static bool tick_begin(struct engine_dev *d, struct tick *t) REQUIRES(&d->e->lock)
{
	uint64_t spare = policy_spare(d), read_ns = MAX(d->read_ns, d->e->read_ns);

	t->room = budget_room(&d->budget, t->now_ns);
	t->room -= MIN(t->room, spare + d->queue.n_installs);
	swap_step(d, t->now_ns);
	if (!t->room && read_ns == d->decided_ns)
		return false;
	d->decided_ns = read_ns;
	swap_forget(d, t->now_ns); /* decided anew */
	t->evictions = budget_churn_left(&d->budget, policy_churn_bound(d), t->now_ns);
	number_ports(d, t);
	share(d, t);
	return t->n_waiting || d->n_tc_waiting;
}

static struct rank_flow entry_of(const struct engine_flow *f)
{
	bool lasting = flow_placement(f) == PLACEMENT_GREEDY;

	return (struct rank_flow){ .value = lasting && !flow_placed(f) ? 0 : flow_value(f),
				   .cost = MAX(f->cost, 1u),
				   .port = f->port->slot,
				   .pinned = flow_is_pinned(f),
				   .lasting = lasting };
}

static void want(struct tick *t, struct engine_flow *f, const struct rank_flow *r)
{
	if (t->n_want == t->cap_want)
		t->want = xgrow(t->want, &t->cap_want, t->n_want + 1, sizeof(*t->want));
	t->want[t->n_want] = *r;
	t->want[t->n_want++].flow = engine_flow_ref(f);
}

static bool want_shelved(struct shelf_item *it, double *value, void *aux)
{
	struct engine_flow *f = container_of(it, struct engine_flow, shelved);
	struct rank_flow r = entry_of(f);

	*value = r.value;
	if (!f->swapping)
		want(aux, f, &r);
	return true;
}

/* One hold of the lock for each port, which may have left meanwhile. */
static void gather(struct tick *t)
{
	unsigned each = MAX(VISITS / MAX(t->n_ports, 1u), VISITS_MIN);

	for (uint32_t i = 0; i < t->n_ports; i++) {
		struct engine_port *p;

		lock_take(&t->d->e->lock);
		p = port_find(t->d->e, t->no[i]);
		if (p && p->dev == t->d && p->slot == i) {
			shelf_visit(&p->out[1], each, want_shelved, t);
			shelf_visit(&p->out[0], each, want_shelved, t);
		}
		lock_give(&t->d->e->lock);
	}
}

/* A rule that the provider's software runs waits for hardware as flows without a rule do. */
static void want_software(struct tick *t, struct engine_flow *f)
{
	enum offload_retry retry = offload_reason_table[f->why.reason].retry;
	struct rank_flow r = entry_of(f);

	if (f->deleted || f->state != OFFLOAD_ST_TC)
		return;
	if (retry == OFFLOAD_RETRY_SPACE && !f->swapping)
		want(t, f, &r);
	else if (retry == OFFLOAD_RETRY_BACKOFF && t->now_ns >= f->why.retry_ns)
		place_anew(f);
}

static bool stands(const struct engine_flow *f)
{
	return f->state == OFFLOAD_ST_HARDWARE && !f->deleted && !f->swapping;
}

static void offer(struct tick *t, struct engine_flow *f, struct rank_flow r)
{
	r.flow = engine_flow_ref(f);
	engine_flow_unref(rank_heap_offer(&t->have[r.port], &r));
}

static void may_leave(struct tick *t, struct engine_flow *f)
{
	struct rank_flow r = entry_of(f);

	if (stands(f) && !r.pinned && t->now_ns >= f->installed_ns + t->floor_ns)
		offer(t, f, r);
}

typedef void rule_fn(struct tick *t, struct engine_flow *f);

/* All rules of the device but adopted ones. */
static void walk_rules(struct tick *t, rule_fn *fn)
{
	struct engine_dev *d = t->d;
	struct engine *e = d->e;
	uint64_t left;

	lock_take(&e->lock);
	t->floor_ns = e->cfg.min_residency_ms * NSEC_PER_MSEC;
	left = d->rules.n;
	while (left) {
		for (uint32_t i = 0; i < CHUNK && left; i++, left--) {
			struct engine_flow *f;

			if (cds_list_empty(&d->hw)) {
				left = 1;
				continue;
			}
			f = cds_list_entry(d->hw.next, struct engine_flow, place);
			rotate(&d->hw, &f->place);
			if (!f->adopted && f->port && f->port->dev == d &&
			    f->port->slot < t->n_ports)
				fn(t, f);
		}
		lock_give(&e->lock);
		lock_take(&e->lock);
	}
	lock_give(&e->lock);
}

static bool short_of_room(const struct tick *t)
{
	uint64_t need = 0;

	for (size_t i = 0; i < t->n_want; i++)
		need += t->want[i].cost;
	if (need > t->room)
		return true;
	for (uint32_t i = 0; i < t->n_ports; i++)
		if (t->ports[i].limit != UINT32_MAX)
			return true;
	return false;
}

/* --- the decision, carried out --- */

void policy_bring_in(struct engine *e, struct engine_flow *f)
{
	if (f->handle)
		place_anew(f);
	else
		place_install(e, f);
}

static bool still_waits(const struct engine_flow *f)
{
	return (f->waiting || f->state == OFFLOAD_ST_TC) && !f->deleted && !f->swapping;
}

static void stays_out(struct engine_dev *d, struct engine_flow *f, enum rank_verdict verdict)
	REQUIRES(&d->e->lock)
{
	static const uint8_t reason_of[] = { [RANK_NOT_WORTH] = OFFLOAD_NOT_WORTH,
					     [RANK_CHURN] = OFFLOAD_CHURN,
					     [RANK_PORT_LIMIT] = OFFLOAD_PORT_LIMIT,
					     [RANK_PINNED_OVER] = OFFLOAD_PINNED_OVER };
	struct why w = why_of((enum offload_reason)reason_of[verdict]);

	/* That it had an entry tells more than that others carry more now. */
	if (w.reason == f->why.reason ||
	    ((f->why.reason == OFFLOAD_EVICTED || f->why.reason == OFFLOAD_OVER_LIMIT) &&
	     (verdict == RANK_NOT_WORTH || verdict == RANK_CHURN)))
		return;
	w.limit = verdict == RANK_CHURN        ? policy_churn_bound(d)
		  : verdict == RANK_PORT_LIMIT ? f->port->max_entries
					       : budget_capacity(&d->budget);
	flow_set_state(d->e, f, (enum offload_state)f->state, &w);
}

static void exchange(struct engine_dev *d, const struct rank_in *in, const struct rank_out *out,
		     uint32_t i, uint64_t now_ns) REQUIRES(&d->e->lock)
{
	const struct rank_choice *c = &out->choice[i];
	struct engine_flow **v = xcalloc(c->n, sizeof(struct engine_flow *));

	for (uint32_t k = 0; k < c->n; k++)
		v[k] = in->have[out->victims[c->first + k]].flow;
	if (!swap_add(d, in->want[i].flow, v, c->n))
		budget_churn_spend(&d->budget, c->n, now_ns);
	free(v);
}

static void carry_out(struct tick *t, const struct rank_in *in, const struct rank_out *out)
{
	struct engine_dev *d = t->d;

	lock_take(&d->e->lock);
	for (uint32_t i = 0; i < in->n_want; i++) {
		struct engine_flow *f = in->want[i].flow;

		if (i % CHUNK == CHUNK - 1) {
			lock_give(&d->e->lock);
			lock_take(&d->e->lock);
		}
		if (!still_waits(f) || f->dev != d)
			continue;
		d->stat.churn_limited += out->choice[i].verdict == RANK_CHURN;
		if (out->choice[i].verdict == RANK_IN)
			policy_bring_in(d->e, f);
		else if (out->choice[i].verdict == RANK_SWAP)
			exchange(d, in, out, i, t->now_ns);
		else
			stays_out(d, f, out->choice[i].verdict);
	}
	swap_step(d, t->now_ns);
	lock_give(&d->e->lock);
}

static void open_heaps(struct tick *t)
{
	t->have = xcalloc(t->n_ports + 1u, sizeof(*t->have));
	for (uint32_t i = 0; i < t->n_ports; i++)
		rank_heap_init(&t->have[i], MAX(VICTIMS / t->n_ports, VISITS_MIN));
}

/* What the heaps hold, as one array (the caller's), with room for one more. */
static struct rank_flow *all_offered(const struct tick *t, uint32_t *n)
{
	struct rank_flow *all;
	uint32_t sum = 0;

	for (uint32_t i = 0; i < t->n_ports; i++)
		sum += t->have[i].n;
	all = xcalloc(sum + 1u, sizeof(*all));
	*n = 0;
	for (uint32_t i = 0; i < t->n_ports; *n += t->have[i++].n)
		if (t->have[i].n)
			memcpy(all + *n, t->have[i].v, t->have[i].n * sizeof(*all));
	return all;
}

static void decide(struct tick *t)
{
	struct rank_in in = { .want = t->want,
			      .n_want = (uint32_t)t->n_want,
			      .ports = t->ports,
			      .n_ports = t->n_ports,
			      .room = t->room,
			      .evictions = t->evictions };
	struct rank_out out;

	in.have = all_offered(t, &in.n_have);
	out.choice = xcalloc(in.n_want + 1u, sizeof(*out.choice));
	out.victims = xcalloc(in.n_have + 1u, sizeof(*out.victims));
	rank_decide(&in, &out);
	carry_out(t, &in, &out);
	free(in.have);
	free(out.choice);
	free(out.victims);
}

static void tick_end(struct tick *t)
{
	for (size_t i = 0; i < t->n_want; i++)
		engine_flow_unref(t->want[i].flow);
	for (uint32_t i = 0; t->have && i < t->n_ports; i++) {
		for (uint32_t k = 0; k < t->have[i].n; k++)
			engine_flow_unref(t->have[i].v[k].flow);
		rank_heap_done(&t->have[i]);
	}
	free(t->have);
	free(t->want);
	free(t->ports);
	free(t->no);
}

static void rank_flows(struct tick *t, bool software)
{
	if (t->n_waiting)
		gather(t);
	if (software)
		walk_rules(t, want_software);
	if (!t->n_want)
		return;
	open_heaps(t);
	if (short_of_room(t))
		walk_rules(t, may_leave);
	decide(t);
}

/* --- more than limits allow --- */

static bool is_over(const struct engine_dev *d) REQUIRES(&d->e->lock)
{
	const struct engine_port *p;

	if (budget_over(&d->budget))
		return true;
	HTABLE_FOR_EACH (p, struct engine_port, node, &d->e->ports)
		if (p->dev == d && p->max_entries && p->entries > p->max_entries)
			return true;
	return false;
}

/* Pinned ones leave too, when nothing else is left. */
static void may_have_to_leave(struct tick *t, struct engine_flow *f)
{
	struct rank_flow r = entry_of(f);

	if (!stands(f)) {
		t->going += f->charged;
		t->ports[r.port].used -= MIN(t->ports[r.port].used, f->charged);
		return;
	}
	r.value += r.pinned ? PINNED_VALUE : 0;
	if (t->now_ns >= f->installed_ns + t->floor_ns)
		offer(t, f, r);
}

static void send_out(struct tick *t, const struct shrink_in *in, const uint32_t victims[],
		     uint32_t n)
{
	struct engine_dev *d = t->d;
	uint32_t left = 0;

	lock_take(&d->e->lock);
	for (uint32_t i = 0; i < n; i++) {
		struct engine_flow *f = in->have[victims[i]].flow;

		if (i % CHUNK == CHUNK - 1) {
			lock_give(&d->e->lock);
			lock_take(&d->e->lock);
		}
		if (!stands(f) || f->dev != d || !f->want)
			continue;
		place_evict(f, OFFLOAD_OVER_LIMIT);
		left++;
	}
	budget_churn_spend(&d->budget, left, t->now_ns);
	lock_give(&d->e->lock);
}

/* False: the device holds more than it may, and takes nothing until that has left. */
static bool keep_limits(struct engine_dev *d, uint64_t now_ns)
{
	struct tick t = { .d = d, .now_ns = now_ns };
	struct shrink_in in = { 0 };
	uint32_t *victims, n;
	uint64_t over;
	bool too_much;

	lock_take(&d->e->lock);
	divide_entries(d->e);
	if (!is_over(d)) {
		lock_give(&d->e->lock);
		return true;
	}
	number_ports(d, &t);
	share(d, &t);
	if (budget_over(&d->budget))
		swap_forget(d, now_ns);
	lock_give(&d->e->lock);
	open_heaps(&t);
	walk_rules(&t, may_have_to_leave);
	lock_take(&d->e->lock);
	over = budget_over(&d->budget);
	in.evictions = budget_churn_left(&d->budget, policy_churn_bound(d), now_ns);
	lock_give(&d->e->lock);
	too_much = over;
	in.over = over - MIN(over, t.going);
	in.ports = t.ports;
	in.n_ports = t.n_ports;
	in.have = all_offered(&t, &in.n_have);
	victims = xcalloc(in.n_have + 1u, sizeof(*victims));
	n = shrink_decide(&in, victims);
	send_out(&t, &in, victims, n);
	free(victims);
	free(in.have);
	tick_end(&t);
	return !too_much;
}

/* --- a tick --- */

static void take_decisions(struct engine_dev *d, uint64_t now_ns)
{
	struct tick t = { .d = d, .now_ns = now_ns };
	bool retry, due, software;

	lock_take(&d->e->lock);
	if (d->n_stuck)
		retry_stuck(d);
	retry = d->n_out;
	lock_give(&d->e->lock);
	if (retry)
		try_again(d, now_ns);
	lock_take(&d->e->lock);
	due = tick_begin(d, &t);
	software = d->n_tc_waiting;
	lock_give(&d->e->lock);
	if (due)
		rank_flows(&t, software);
	tick_end(&t);
}

void policy_tick(struct engine_dev *d, uint64_t now_ns)
{
	uint64_t begun_ns = clock_thread_ns(), took_ns;

	if (keep_limits(d, now_ns))
		take_decisions(d, now_ns);
	took_ns = clock_thread_ns() - begun_ns;
	lock_take(&d->e->lock);
	d->stat.ticks++;
	d->stat.tick_ns += took_ns;
	d->stat.tick_max_ns = MAX(d->stat.tick_max_ns, took_ns);
	lock_give(&d->e->lock);
}
