/* SPDX-License-Identifier: Apache-2.0 */
/* Taking over what a former process left in the fallback datapath and in devices.
 *
 * First the datapath's flows, then each device's rules, which find their flow by its ufid.  A rule
 * without a flow gets one, put into the datapath under it.  What cannot be right (a second rule of
 * one flow, another match than the flow's, a port that is not the device's) is taken out: its
 * packets then meet the datapath's flow. */
#include <errno.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "offload/caps.h"
#include "offload/engine_priv.h"

LOG_MODULE("offload.adopt");

#define CHUNK 64

struct adopt {
	struct engine *e;
	engine_adopted_fn *fn;
	void *ctx;
	struct engine_adoption n;
	uint64_t *leftovers; /* handles of one device; owned */
	size_t n_leftovers, cap_leftovers;
};

void engine_hold(struct engine *e)
{
	lock_take(&e->lock);
	e->holding = true;
	lock_give(&e->lock);
}

/* The reading is where counting begins: it belongs to the flow, but says nothing about its rate. */
static void baseline(struct engine *e, struct engine_flow *f, enum ledger_tier t,
		     const struct flow_stats *st) ENGINE_LOCKED(e)
{
	flow_fold(e, f, t, st);
	rate_init(&f->outlook.rate, clock_mono_ns());
	f->outlook.packets = 0;
}

static struct engine_flow *take_flow(struct adopt *a, const struct engine_put *put,
				     const struct flow_stats *st)
{
	struct engine_flow *f = flow_new(a->e, put);
	struct why w = why_of(OFFLOAD_ADOPTED);

	f->adopted = true;
	lock_take(&a->e->lock);
	flow_enter(a->e, f);
	flow_set_state(a->e, f, OFFLOAD_ST_SOFTWARE, &w);
	baseline(a->e, f, a->e->sw_tier, st);
	lock_give(&a->e->lock);
	a->n.flows++;
	f->aux = a->fn(a->ctx, engine_flow_ref(f));
	return f;
}

/* --- the datapath --- */

static void take_record(struct adopt *a, const struct dp_flow_rec *r)
{
	struct flow_key mask = r->mask;
	struct engine_put put = {
		.ufid = r->ufid, .key = &r->key, .mask = &mask, .actions = r->actions
	};
	bool known;

	caps_mask_plain(&r->key, &mask);

	lock_take(&a->e->lock);
	known = flow_find(a->e, r->ufid) != NULL;
	lock_give(&a->e->lock);
	if (!known)
		(void)take_flow(a, &put, &r->stats);
}

static int take_datapath(struct adopt *a)
{
	struct dp_flow_rec *recs = xcalloc(CHUNK, sizeof(*recs));
	struct dp_dump cur = { .flags = DP_DUMP_FULL };
	struct dp *dp = a->e->dp;
	int n;

	do {
		n = dp->ops->flow_dump(dp, &cur, recs, CHUNK);
		if (n == -EINTR) { /* what is known already is not taken twice */
			dp->ops->flow_dump_end(dp, &cur);
			cur = (struct dp_dump){ .flags = DP_DUMP_FULL };
			continue;
		}
		for (int i = 0; i < n; i++)
			take_record(a, &recs[i]);
	} while (n > 0 || n == -EINTR);
	dp->ops->flow_dump_end(dp, &cur);
	free(recs);
	return n;
}

/* --- devices --- */

static void leave_over(struct adopt *a, uint64_t handle)
{
	if (a->n_leftovers == a->cap_leftovers)
		a->leftovers = xgrow(a->leftovers, &a->cap_leftovers, a->n_leftovers + 1,
				     sizeof(*a->leftovers));
	a->leftovers[a->n_leftovers++] = handle;
}

/* The datapath lost the flow, or its table died with the process: put in under its rule. */
static struct engine_flow *flow_for_rule(struct adopt *a, const struct offload_held *h)
{
	struct dp_flow_op op = { .kind = DP_FLOW_PUT,
				 .ufid = h->ufid,
				 .key = &h->key,
				 .mask = &h->mask,
				 .actions = h->actions };
	struct flow_key mask = h->mask;
	struct engine_put put = {
		.ufid = h->ufid, .key = &h->key, .mask = &mask, .actions = h->actions
	};
	struct flow_stats none = { .packets = 0 };

	caps_mask_plain(&h->key, &mask);

	if (dp_flow_do(a->e->dp, &op))
		return NULL;
	a->n.put_back++;
	return take_flow(a, &put, &none);
}

static bool rule_fits(const struct engine_dev *d, const struct engine_flow *f,
		      const struct offload_held *h)
{
	struct match has, is;

	match_init(&has, &h->key, &h->mask);
	minimatch_expand(&f->match, &is);
	return caps_same_frames(&has, &is) && f->dev == d && !f->handle;
}

static void place_rule(struct engine_dev *d, struct engine_flow *f, struct flow_acts *acts,
		       const struct rule_place *p, const struct flow_stats *st)
	REQUIRES(&d->e->lock)
{
	bool hw = p->tier == LEDGER_HARDWARE;
	struct why w = why_of(OFFLOAD_ADOPTED);

	f->want = true;
	batch_rule_here(d, f, acts, p);
	baseline(d->e, f, (enum ledger_tier)p->tier, st);
	flow_set_state(d->e, f, hw ? OFFLOAD_ST_HARDWARE : OFFLOAD_ST_TC, &w);
}

static void take_rule(struct adopt *a, struct engine_dev *d, const struct offload_held *h)
{
	struct rule_place p = { .handle = h->handle,
				.digest = offload_rule_digest(&h->key, &h->mask, h->actions),
				.cost = MAX(h->cost, 1u),
				.tier = h->in_hw ? LEDGER_HARDWARE : LEDGER_TC,
				.policy = (uint8_t)h->policy };
	struct engine_flow *f;
	struct flow_acts *acts;

	lock_take(&a->e->lock);
	f = flow_find(a->e, h->ufid);
	lock_give(&a->e->lock);
	if (!f)
		f = flow_for_rule(a, h);
	if (!f || !rule_fits(d, f, h)) {
		leave_over(a, h->handle);
		return;
	}
	acts = dp_actions_equal(flow_acts_list(f->acts), h->actions) ? flow_acts_ref(f->acts)
								     : flow_acts_new(h->actions);
	lock_take(&d->e->lock);
	place_rule(d, f, acts, &p, &h->stats);
	lock_give(&d->e->lock);
	flow_acts_unref(acts);
	a->n.rules++;
}

static void take_device(struct adopt *a, struct engine_dev *d)
{
	struct offload_held *held = xcalloc(CHUNK, sizeof(*held));
	uint64_t cursor = 0;
	int n = 0;

	while (d->od->ops->read_back) {
		device_call(d);
		n = d->od->ops->read_back(d->od, &cursor, held, CHUNK);
		device_called(d);
		if (n <= 0)
			break;
		for (int i = 0; i < n; i++)
			take_rule(a, d, &held[i]);
	}
	free(held);
	if (n < 0)
		log_warn("%s: cannot tell what a former process left in it (%d)", d->od->name, -n);
	a->n.removed += a->n_leftovers;
	audit_remove(d, a->leftovers, a->n_leftovers);
	a->n_leftovers = 0;
	lock_take(&d->e->lock);
	chain_sweep(d);
	lock_give(&d->e->lock);
}

int engine_adopt(struct engine *e, engine_adopted_fn *fn, void *ctx, struct engine_adoption *report)
{
	struct adopt a = { .e = e, .fn = fn, .ctx = ctx };
	struct engine_dev *d;
	int rc = take_datapath(&a);

	/* Devices come and go by this thread only. */
	cds_list_for_each_entry (d, &e->devs, node)
		take_device(&a, d);
	free(a.leftovers);
	lock_take(&e->lock);
	e->holding = false;
	cds_list_for_each_entry (d, &e->devs, node)
		place_wake(d);
	lock_give(&e->lock);
	if (a.n.flows || a.n.removed)
		log_info("took over %llu flows and %llu rules of devices; %llu rules removed",
			 (unsigned long long)a.n.flows, (unsigned long long)a.n.rules,
			 (unsigned long long)a.n.removed);
	*report = a.n;
	return rc;
}

void engine_confirm(struct engine *e, struct engine_flow *f, bool hw_ok)
{
	enum offload_state st;
	struct why w;

	lock_take(&e->lock);
	if (f->adopted && !f->deleted) {
		f->adopted = false;
		f->hw_ok = hw_ok;
		st = (enum offload_state)f->state;
		w = why_of(st == OFFLOAD_ST_TC ? OFFLOAD_NOT_IN_HW : OFFLOAD_OK);
		if (f->why.reason == OFFLOAD_ADOPTED)
			flow_set_state(e, f, st, &w);
		place_flow(e, f);
	}
	lock_give(&e->lock);
}
