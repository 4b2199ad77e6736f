/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets the entries when there are too few.
 *
 * A flow's value is its measured rate (packets a second, decayed) for each entry that it costs.
 * While there is room, waiting flows come in, the most valuable first.  When there is none, the
 * most valuable waiting flow takes the place of the least valuable one in hardware if it carries
 * clearly more (HYSTERESIS), if that one has been there for min_residency_ms, and if the device has
 * evictions left of its max_churn_per_s.  The software entries of both are there all the time: an
 * eviction moves packets, it loses none. */
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "offload/engine_priv.h"

#define HYSTERESIS 1.5
#define WORTH_PPS 1.0  /* and at least so much more */
#define PICK_MAX 2048u /* flows looked at closely in one tick */
#define CHUNK 4096u    /* flows walked under the lock at once */

struct pick {
	struct engine_flow *f; /* referenced */
	double value;
};

/* The best PICK_MAX of a walk: a heap whose root is the worst of them. */
struct picks {
	struct pick *v; /* owned */
	size_t n, cap;
	double sign; /* 1: keep the highest values, -1: the lowest */
};

uint64_t policy_room(const struct engine_dev *d, uint64_t now_ns)
{
	uint64_t limit = d->caps.capacity ? d->caps.capacity : UINT64_MAX;
	uint64_t held = d->used + d->foreign;

	if (d->full && now_ns < d->full_retry_ns)
		limit = MIN(limit, d->full_at + d->foreign);
	else if (d->full) /* one more, to see whether it still says so */
		limit = MIN(limit, MAX(d->full_at + d->foreign, held) + 1);
	return limit > held ? limit - held : 0;
}

void policy_full(struct engine_dev *d, uint64_t now_ns)
{
	d->full_backoff = (uint8_t)(d->full ? MIN(d->full_backoff + 1, 6) : 0);
	d->full = true;
	d->full_at = d->used;
	d->full_retry_ns =
		now_ns + MIN(UINT64_C(1) << d->full_backoff, UINT64_C(60)) * NSEC_PER_SEC;
}

void policy_took(struct engine_dev *d)
{
	if (d->full && d->used > d->full_at)
		d->full = false;
}

static void sift_down(struct picks *p, size_t i)
{
	for (;;) {
		size_t kid = 2 * i + 1;
		struct pick t;

		if (kid >= p->n)
			return;
		if (kid + 1 < p->n && p->v[kid + 1].value * p->sign < p->v[kid].value * p->sign)
			kid++;
		if (p->v[i].value * p->sign <= p->v[kid].value * p->sign)
			return;
		t = p->v[i];
		p->v[i] = p->v[kid];
		p->v[kid] = t;
		i = kid;
	}
}

static void sift_up(struct picks *p, size_t i)
{
	while (i) {
		size_t up = (i - 1) / 2;
		struct pick t = p->v[i];

		if (p->v[up].value * p->sign <= t.value * p->sign)
			return;
		p->v[i] = p->v[up];
		p->v[up] = t;
		i = up;
	}
}

static void offer(struct picks *p, struct engine_flow *f, double value)
{
	struct pick new = { f, value };

	if (p->n < PICK_MAX) {
		if (p->n == p->cap)
			p->v = xgrow(p->v, &p->cap, p->n + 1, sizeof(*p->v));
		(void)engine_flow_ref(f);
		p->v[p->n] = new;
		sift_up(p, p->n++);
	} else if (value * p->sign > p->v[0].value * p->sign) {
		engine_flow_unref(p->v[0].f);
		(void)engine_flow_ref(f);
		p->v[0] = new;
		sift_down(p, 0);
	}
}

static int by_value_down(const void *a, const void *b)
{
	const struct pick *x = a, *y = b;

	return (x->value < y->value) - (x->value > y->value);
}

static int by_value_up(const void *a, const void *b)
{
	return by_value_down(b, a);
}

static void picks_done(struct picks *p)
{
	for (size_t i = 0; i < p->n; i++)
		engine_flow_unref(p->v[i].f);
	free(p->v);
}

/* A flow that was shed comes back when it would not be shed again at once. */
static bool queue_has_room(const struct engine_dev *d, const struct engine_flow *f)
{
	return f->why.reason != OFFLOAD_QUEUE_FULL || d->queue.n_installs < d->queue.max;
}

/* Walks the flows that wait: those whose time has come are queued, those that wait for room are
 * offered.  Rotates the list, so that the lock can be let go in between. */
static void walk_waiting(struct engine_dev *d, struct picks *want, uint64_t now)
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
			cds_list_del(&f->place);
			cds_list_add_tail(&f->place, &d->out);
			if (offload_reason_table[f->why.reason].retry == OFFLOAD_RETRY_SPACE)
				offer(want, f, flow_value(f, now));
			else if (now >= f->why.retry_ns && queue_has_room(d, f))
				place_install(e, f);
		}
		lock_give(&e->lock);
		lock_take(&e->lock);
	}
	lock_give(&e->lock);
}

/* A rule that the provider's software runs waits for hardware as flows without a rule do. */
static void offer_software(struct picks *want, struct engine_flow *f, uint64_t now)
{
	enum offload_retry retry = offload_reason_table[f->why.reason].retry;

	if (retry == OFFLOAD_RETRY_SPACE)
		offer(want, f, flow_value(f, now));
	else if (retry == OFFLOAD_RETRY_BACKOFF && now >= f->why.retry_ns)
		place_anew(f);
}

/* The device's rules: those that wait for hardware (want), or those that have it (have). */
static void walk_rules(struct engine_dev *d, struct picks *want, struct picks *have, uint64_t now)
{
	struct engine *e = d->e;
	uint64_t left, floor_ns;

	lock_take(&e->lock);
	floor_ns = e->cfg.min_residency_ms * NSEC_PER_MSEC;
	left = d->rules.n;
	while (left) {
		for (uint32_t i = 0; i < CHUNK && left; i++, left--) {
			struct engine_flow *f;

			if (cds_list_empty(&d->hw)) {
				left = 1;
				continue;
			}
			f = cds_list_entry(d->hw.next, struct engine_flow, place);
			cds_list_del(&f->place);
			cds_list_add_tail(&f->place, &d->hw);
			if (f->adopted || f->deleted)
				continue;
			if (want && f->state == OFFLOAD_ST_TC)
				offer_software(want, f, now);
			else if (have && f->state == OFFLOAD_ST_HARDWARE &&
				 now >= f->installed_ns + floor_ns)
				offer(have, f, flow_value(f, now));
		}
		lock_give(&e->lock);
		lock_take(&e->lock);
	}
	lock_give(&e->lock);
}

static bool still_waits(const struct engine_flow *f)
{
	return (f->waiting || f->state == OFFLOAD_ST_TC) && !f->deleted;
}

static void bring_in(struct engine *e, struct engine_flow *f) ENGINE_LOCKED(e)
{
	if (f->handle)
		place_anew(f);
	else
		place_install(e, f);
}

static void evict(struct engine *e, struct engine_flow *f) ENGINE_LOCKED(e)
{
	struct why w = why_of(OFFLOAD_EVICTED);

	f->want = false;
	f->dev->stat.evictions++;
	place_remove(e, f, AFTER_SOFTWARE, OFFLOAD_ST_EVICTING, &w);
}

/* Frees at least `cost` entries for something of this value; false when that is not worth it. */
static bool make_room(struct engine_dev *d, struct picks *have, size_t *next, double value,
		      uint32_t cost) REQUIRES(&d->e->lock)
{
	uint32_t freed = 0;
	size_t i = *next;

	for (; i < have->n && freed < cost; i++) {
		const struct engine_flow *f = have->v[i].f;

		if (value <= have->v[i].value * HYSTERESIS + WORTH_PPS)
			return false;
		if (f->state == OFFLOAD_ST_HARDWARE && !f->deleted)
			freed += f->cost;
	}
	if (freed < cost || d->tokens < (double)(i - *next))
		return false;
	d->tokens -= (double)(i - *next);
	for (; *next < i; (*next)++) {
		struct engine_flow *f = have->v[*next].f;

		if (f->state == OFFLOAD_ST_HARDWARE && !f->deleted)
			evict(d->e, f);
	}
	return true;
}

static void not_worth(struct engine *e, struct engine_flow *f) ENGINE_LOCKED(e)
{
	struct why w = why_of(OFFLOAD_NOT_WORTH);

	if (f->why.reason != OFFLOAD_TABLE_FULL)
		return;
	w.limit = f->why.limit;
	flow_set_state(e, f, (enum offload_state)f->state, &w);
}

static void share_out(struct engine_dev *d, struct picks *want, struct picks *have, uint64_t now)
{
	uint64_t room, queued;
	size_t victim = 0;

	qsort(want->v, want->n, sizeof(*want->v), by_value_down);
	if (have->n)
		qsort(have->v, have->n, sizeof(*have->v), by_value_up);
	lock_take(&d->e->lock);
	room = policy_room(d, now);
	queued = d->queue.n_installs;
	room = room > queued ? room - queued : 0;
	for (size_t i = 0; i < want->n; i++) {
		struct engine_flow *f = want->v[i].f;
		uint32_t cost = MAX(f->cost, 1u);

		if (!still_waits(f))
			continue;
		if (cost <= room) {
			room -= cost;
			bring_in(d->e, f);
		} else if (make_room(d, have, &victim, want->v[i].value, cost)) {
			bring_in(d->e, f);
		} else {
			not_worth(d->e, f);
		}
	}
	lock_give(&d->e->lock);
}

static void refill(struct engine_dev *d, uint64_t now) REQUIRES(&d->e->lock)
{
	double per_s = d->e->cfg.max_churn_per_s, burst = MAX(per_s, 1.0);
	double passed = d->tokens_ns ? (double)(now - d->tokens_ns) / NSEC_PER_SEC : 1;

	d->tokens = MIN(d->tokens + per_s * passed, burst);
	d->tokens_ns = now;
}

static void retry_stuck(struct engine_dev *d) REQUIRES(&d->e->lock)
{
	struct engine_flow *f;

	cds_list_for_each_entry (f, &d->hw, place)
		if (f->stuck)
			place_change(f);
}

void policy_tick(struct engine_dev *d, uint64_t now_ns)
{
	struct picks want = { .sign = 1 }, have = { .sign = -1 };
	bool idle, software, full;

	lock_take(&d->e->lock);
	refill(d, now_ns);
	if (d->n_stuck)
		retry_stuck(d);
	idle = !d->n_out;
	software = d->n_tc_waiting;
	lock_give(&d->e->lock);
	if (!idle)
		walk_waiting(d, &want, now_ns);
	if (software)
		walk_rules(d, &want, NULL, now_ns);
	if (want.n) {
		lock_take(&d->e->lock);
		full = policy_room(d, now_ns) < want.n;
		lock_give(&d->e->lock);
		if (full)
			walk_rules(d, NULL, &have, now_ns);
		share_out(d, &want, &have, now_ns);
	}
	picks_done(&want);
	picks_done(&have);
}
