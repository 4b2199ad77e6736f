/* SPDX-License-Identifier: Apache-2.0 */
/* Flows of the fallback datapath that somebody else took out.
 *
 * A dump of every flow that came to its end shows each one that was there when it began.  One that
 * was put before and is not shown is put again, idle or not: it is what the tables say, its rule in
 * a device stays, and the revalidator takes idle ones out as ever.  A dump under churn may leave
 * one out: one that is there the datapath refuses to put again.  It refuses as well when a packet
 * was quicker and has brought another flow of the same match; then the lost one is its owner's to
 * delete.
 *
 * What a lost flow counted since its last reading is gone with it; the new one counts from zero. */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "offload/engine_priv.h"

LOG_MODULE("offload.lost");

#define CHUNK 64u

struct chunk {
	size_t n;
	struct engine_flow *flow[CHUNK]; /* referenced, as acts */
	struct flow_acts *acts[CHUNK];
	struct match match[CHUNK];
	struct dp_flow_op ops[CHUNK];
	bool open[CHUNK]; /* the operation is to be done */
};

struct lost {
	struct engine_flow **v; /* referenced */
	size_t n, cap;
	uint64_t put, failed; /* put: or brought again by a packet */
	int error;            /* the last */
};

void lost_begin(struct engine *e)
{
	e->whole_run++;
	e->n_unseen = e->flows.n;
}

void lost_seen(struct engine *e, struct engine_flow *f)
{
	e->n_unseen -= f->shown != e->whole_run;
	f->shown = e->whole_run;
}

/* As a rule there is none, which their number tells without a look at each. */
static void collect(struct engine *e, struct lost *l) EXCLUDES(e->lock)
{
	struct engine_flow *f;

	lock_take(&e->lock);
	if (e->n_unseen && !e->holding)
		HTABLE_FOR_EACH (f, struct engine_flow, by_ufid, &e->flows) {
			if (f->shown == e->whole_run)
				continue;
			if (l->n == l->cap)
				l->v = xgrow(l->v, &l->cap, l->n + 1, sizeof(struct engine_flow *));
			l->v[l->n++] = engine_flow_ref(f);
		}
	lock_give(&e->lock);
}

static void fill(struct engine *e, struct chunk *c, struct engine_flow *const v[], size_t n)
	EXCLUDES(e->lock)
{
	c->n = 0;
	lock_take(&e->lock);
	for (size_t i = 0; i < n; i++) {
		if (v[i]->deleted)
			continue;
		c->flow[c->n] = engine_flow_ref(v[i]);
		c->acts[c->n++] = flow_acts_ref(v[i]->acts);
	}
	lock_give(&e->lock);
	for (size_t i = 0; i < c->n; i++) {
		minimatch_expand(&c->flow[i]->match, &c->match[i]);
		c->ops[i] = (struct dp_flow_op){ .kind = DP_FLOW_PUT,
						 .ufid = c->flow[i]->ufid,
						 .key = &c->match[i].key,
						 .mask = &c->match[i].mask,
						 .actions = flow_acts_list(c->acts[i]) };
	}
}

/* Counts from zero.  What remains to be done is then in c->ops again: a flow that was deleted in
 * the meantime comes out again, and one that was refused is asked for. */
static void take_results(struct engine *e, struct chunk *c, struct lost *l) EXCLUDES(e->lock)
{
	lock_take(&e->lock);
	for (size_t i = 0; i < c->n; i++) {
		struct engine_flow *f = c->flow[i];
		int rc = c->ops[i].result;

		c->ops[i].kind = rc ? DP_FLOW_GET : DP_FLOW_DEL;
		c->open[i] = rc == -EEXIST || (!rc && f->deleted);
		if (!rc && !f->deleted) {
			ledger_open(&f->ledger, e->sw_tier);
			flow_remark(e, f, OFFLOAD_PUT_AGAIN);
			l->put++;
		} else if (rc && rc != -EEXIST) {
			l->failed++;
			l->error = -rc;
		}
	}
	lock_give(&e->lock);
}

/* As a rule nothing: one by one. */
static void finish(struct engine *e, struct chunk *c, struct lost *l)
{
	for (size_t i = 0; i < c->n; i++) {
		struct dp_flow_op *op = &c->ops[i];

		if (!c->open[i])
			continue;
		if (dp_flow_do(e->dp, op) == -ENOENT && op->kind == DP_FLOW_GET)
			l->put += !atomic_exchange(&c->flow[i]->lost, true);
	}
}

static void put_again(struct engine *e, struct lost *l) EXCLUDES(e->lock)
{
	struct chunk *c = xmalloc(sizeof(*c));

	for (size_t at = 0; at < l->n; at += CHUNK) {
		fill(e, c, l->v + at, MIN(l->n - at, (size_t)CHUNK));
		if (c->n)
			(void)e->dp->ops->flow_batch(e->dp, c->ops, c->n); /* each has its result */
		take_results(e, c, l);
		finish(e, c, l);
		for (size_t i = 0; i < c->n; i++) {
			engine_flow_unref(c->flow[i]);
			flow_acts_unref(c->acts[i]);
		}
	}
	free(c);
}

static void tell(struct engine *e, const struct lost *l) EXCLUDES(e->lock)
{
	char text[64];

	lock_take(&e->lock);
	e->totals.put_again += l->put;
	lock_give(&e->lock);
	if (l->put)
		log_warn_rl("datapath %s: somebody else took out %llu flows: put back", e->dp->name,
			    (unsigned long long)l->put);
	if (l->failed)
		log_warn_rl("datapath %s: somebody else took out %llu flows that cannot be put "
			    "back now: %s",
			    e->dp->name, (unsigned long long)l->failed,
			    strerror_r(l->error, text, sizeof(text)));
}

void lost_sweep(struct engine *e)
{
	struct lost l = { .v = NULL };

	collect(e, &l);
	if (!l.n)
		return;
	put_again(e, &l);
	tell(e, &l);
	for (size_t i = 0; i < l.n; i++)
		engine_flow_unref(l.v[i]);
	free(l.v);
}

bool engine_flow_lost(const struct engine_flow *f)
{
	return atomic_load_explicit(&f->lost, memory_order_relaxed);
}
