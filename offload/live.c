/* SPDX-License-Identifier: Apache-2.0 */
#include "offload/live.h"

#include <stdlib.h>

#include "core/base/xalloc.h"
#include "offload/engine_priv.h"

const char *const live_kind_name[LIVE_N_KINDS] = {
	[LIVE_INSTALLED] = "installed", [LIVE_TC] = "tc",           [LIVE_REMOVED] = "removed",
	[LIVE_LOST] = "lost",           [LIVE_REFUSED] = "refused",
};

const char *const live_order_name[LIVE_N_ORDERS] = {
	[LIVE_BY_RATE] = "rate",
	[LIVE_BY_PACKETS] = "packets",
	[LIVE_BY_AGE] = "newest",
};

/* --- moves --- */

struct moved {
	struct ufid ufid;
	struct why why;
	struct dp_port port;
	uint8_t from, to;
};

struct live {
	uint64_t moves[LIVE_N_KINDS], n;
	struct moved latest[LIVE_MOVES]; /* a ring: n % LIVE_MOVES comes next */
};

struct live *live_new(void)
{
	return xzalloc(sizeof(struct live));
}

/* Which states a flow comes to by a move that a person wants to see; LIVE_N_KINDS: the steps in
 * between, and flows that end. */
static enum live_kind kind_of(enum offload_state to)
{
	static const enum live_kind kinds[OFFLOAD_N_STATES] = {
		[OFFLOAD_ST_SOFTWARE] = LIVE_N_KINDS,
		[OFFLOAD_ST_QUEUED] = LIVE_N_KINDS,
		[OFFLOAD_ST_INSTALLING] = LIVE_N_KINDS,
		[OFFLOAD_ST_HARDWARE] = LIVE_INSTALLED,
		[OFFLOAD_ST_TC] = LIVE_TC,
		[OFFLOAD_ST_EVICTING] = LIVE_REMOVED,
		[OFFLOAD_ST_LOST] = LIVE_LOST,
		[OFFLOAD_ST_REFUSED] = LIVE_REFUSED,
		[OFFLOAD_ST_REMOVING] = LIVE_N_KINDS,
	};

	return kinds[to];
}

void live_moved(struct engine *e, const struct engine_flow *f, enum offload_state from)
{
	enum live_kind kind = kind_of((enum offload_state)f->state);
	struct moved *m;

	if (kind == LIVE_N_KINDS || from == (enum offload_state)f->state)
		return;
	e->live->moves[kind]++;
	m = &e->live->latest[e->live->n++ % LIVE_MOVES];
	m->ufid = f->ufid;
	m->why = f->why;
	m->port.v = f->port ? f->port->no.v : DP_PORT_NONE;
	m->from = (uint8_t)from;
	m->to = f->state;
}

static void copy_moves(const struct live *l, struct live_look *look)
{
	look->n_latest = (unsigned)MIN(l->n, (uint64_t)LIVE_MOVES);
	for (unsigned i = 0; i < look->n_latest; i++) {
		const struct moved *m = &l->latest[(l->n - 1 - i) % LIVE_MOVES];
		struct live_move *out = &look->latest[i];

		out->from = (enum offload_state)m->from;
		out->to = (enum offload_state)m->to;
		out->kind = kind_of(out->to);
		out->ufid = m->ufid;
		out->port = m->port;
		why_to(&m->why, &out->why);
	}
	memcpy(look->moves, l->moves, sizeof(look->moves));
}

/* --- the first n flows --- */

struct first {
	struct engine_flow *f; /* referenced */
	double rank;
};

struct firsts {          /* a heap whose root is the last of them */
	struct first *v; /* owned */
	size_t n, max;
};

static void swap(struct first *a, struct first *b)
{
	struct first t = *a;

	*a = *b;
	*b = t;
}

static void sift_down(struct firsts *h)
{
	size_t i = 0, kid;

	while ((kid = 2 * i + 1) < h->n) {
		if (kid + 1 < h->n && h->v[kid + 1].rank < h->v[kid].rank)
			kid++;
		if (h->v[i].rank <= h->v[kid].rank)
			return;
		swap(&h->v[i], &h->v[kid]);
		i = kid;
	}
}

static void sift_up(struct firsts *h, size_t i)
{
	for (; i && h->v[(i - 1) / 2].rank > h->v[i].rank; i = (i - 1) / 2)
		swap(&h->v[(i - 1) / 2], &h->v[i]);
}

static void offer(struct firsts *h, struct engine_flow *f, double rank)
{
	if (h->n < h->max) {
		h->v[h->n] = (struct first){ engine_flow_ref(f), rank };
		sift_up(h, h->n++);
	} else if (h->n && rank > h->v[0].rank) {
		engine_flow_unref(h->v[0].f);
		h->v[0] = (struct first){ engine_flow_ref(f), rank };
		sift_down(h);
	}
}

static int first_first(const void *a, const void *b)
{
	const struct first *x = a, *y = b;

	return (x->rank < y->rank) - (x->rank > y->rank);
}

static double rank_of(const struct engine_flow *f, enum live_order order, double pps)
{
	struct flow_stats total;

	switch (order) {
	case LIVE_BY_PACKETS: ledger_total(&f->ledger, &total); return (double)total.packets;
	case LIVE_BY_AGE: return (double)f->created_ns;
	case LIVE_BY_RATE:
	case LIVE_N_ORDERS: break;
	}
	return pps;
}

static void walk(struct engine *e, enum live_order order, struct firsts *h, struct live_look *look)
	ENGINE_LOCKED(e)
{
	struct engine_flow *f;

	HTABLE_FOR_EACH (f, struct engine_flow, by_ufid, &e->flows) {
		double pps = flow_pps(f);

		if (f->state != OFFLOAD_ST_HARDWARE) {
			look->out[f->why.reason].flows++;
			look->out[f->why.reason].pps += pps;
		}
		offer(h, f, rank_of(f, order, pps));
	}
}

void engine_live(struct engine *e, enum live_order order, size_t n, struct live_look *look,
		 engine_visit_fn *fn, void *aux)
{
	struct firsts h = { .v = xcalloc(MAX(n, (size_t)1), sizeof(struct first)), .max = n };
	struct engine_flow_info *info = xmalloc(sizeof(*info));
	bool more = true;

	memset(look, 0, sizeof(*look));
	lock_take(&e->lock);
	copy_moves(e->live, look);
	walk(e, order, &h, look);
	lock_give(&e->lock);
	qsort(h.v, h.n, sizeof(h.v[0]), first_first);
	for (size_t i = 0; i < h.n; i++) {
		if (more) {
			lock_take(&e->lock);
			flow_info_fill(e, h.v[i].f, info);
			lock_give(&e->lock);
			more = fn(info, aux);
			engine_flow_info_done(info);
		}
		engine_flow_unref(h.v[i].f);
	}
	free(h.v);
	free(info);
}
