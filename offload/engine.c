/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "offload/engine_priv.h"

LOG_MODULE("offload.engine");

#define CHUNK 64 /* operations that go to the datapath at once */
/* Removals: each batch waits for a grace period, which is long where workers wait for a CPU. */
#define DEL_CHUNK 512
#define WHOLE_NS (2 * NSEC_PER_SEC)
#define DUMP_CHUNK 128
#define STRAY_S 2 /* how long the end waits for a device that hangs */

void engine_config_default(struct engine_config *cfg)
{
	*cfg = (struct engine_config){ .hw_offload = true,
				       .queue_max = 65536,
				       .stats_period_ms = 500,
				       .audit_period_ms = 10000,
				       .min_residency_ms = 500,
				       .max_churn_per_s = 4000,
				       .fair_percent = 50,
				       .placement = PLACEMENT_RATE,
				       .hang_ms = 5000 };
}

struct engine *engine_new(struct dp *dp, const struct engine_ops *ops, void *ctx)
{
	struct engine *e = xzalloc(sizeof(*e));
	pthread_condattr_t attr;

	lock_init(&e->lock);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&e->changed, &attr);
	pthread_condattr_destroy(&attr);
	e->dp = dp;
	e->sw_tier = strcmp(dp->ops->type, "system") ? LEDGER_USER : LEDGER_KERNEL;
	if (ops)
		e->ops = *ops;
	e->ctx = ctx;
	engine_config_default(&e->cfg);
	htable_init(&e->flows);
	outlook_init(&e->outlook, clock_mono_ns());
	htable_init(&e->ports);
	htable_init(&e->past);
	htable_init(&e->texts);
	htable_init(&e->unknown);
	e->altered = altered_new();
	e->live = live_new();
	CDS_INIT_LIST_HEAD(&e->devs);
	CDS_INIT_LIST_HEAD(&e->strays);
	CDS_INIT_LIST_HEAD(&e->closing);
	return e;
}

void engine_configure(struct engine *e, const struct engine_config *cfg)
{
	struct engine_dev *d;
	bool turned, reordered;

	lock_take(&e->lock);
	turned = cfg->hw_offload != e->cfg.hw_offload || cfg->policy != e->cfg.policy;
	reordered = cfg->placement != e->cfg.placement;
	e->cfg = *cfg;
	cds_list_for_each_entry (d, &e->devs, node) {
		d->queue.max = cfg->queue_max;
		d->budget.allowed = cfg->max_entries;
		place_wake(d);
	}
	divide_entries(e);
	if (turned)
		place_all(e, NULL, NULL);
	if (reordered)
		place_reshelve(e, NULL);
	lock_give(&e->lock);
}

void engine_pin(struct engine *e, struct engine_flow *f, bool pinned)
{
	lock_take(&e->lock);
	if (f->pinned != pinned && !f->deleted) {
		f->pinned = pinned;
		if (f->shelved.on)
			place_shelve(f);
	}
	lock_give(&e->lock);
}

/* --- put --- */

static void put_into_dp(struct engine *e, struct engine_put *puts, size_t n)
{
	struct dp_flow_op ops[CHUNK];
	size_t map[CHUNK], m = 0;

	lock_take(&e->lock);
	for (size_t i = 0; i < n; i++) {
		puts[i].flow = NULL;
		puts[i].result = flow_find(e, puts[i].ufid) ? -EEXIST : 0;
		if (puts[i].result)
			continue;
		ops[m] = (struct dp_flow_op){ .kind = DP_FLOW_PUT,
					      .ufid = puts[i].ufid,
					      .key = puts[i].key,
					      .mask = puts[i].mask,
					      .actions = puts[i].actions };
		map[m++] = i;
	}
	lock_give(&e->lock);
	if (m)
		(void)e->dp->ops->flow_batch(e->dp, ops, m); /* each has its result */
	for (size_t k = 0; k < m; k++)
		puts[map[k]].result = ops[k].result;
}

static unsigned put_chunk(struct engine *e, struct engine_put *puts, size_t n)
{
	unsigned failed = 0;

	put_into_dp(e, puts, n);
	clock_hold();
	for (size_t i = 0; i < n; i++) {
		if (puts[i].result < 0)
			failed++;
		else
			puts[i].flow = engine_flow_ref(flow_new(e, &puts[i]));
	}
	lock_take(&e->lock);
	for (size_t i = 0; i < n; i++) {
		if (!puts[i].flow)
			continue;
		flow_enter(e, puts[i].flow);
		place_flow(e, puts[i].flow);
	}
	lock_give(&e->lock);
	clock_let_go();
	return failed;
}

unsigned engine_put(struct engine *e, struct engine_put *puts, size_t n)
{
	unsigned failed = 0;

	for (size_t i = 0; i < n; i += CHUNK)
		failed += put_chunk(e, puts + i, MIN(n - i, (size_t)CHUNK));
	return failed;
}

/* --- modify --- */

static unsigned modify_chunk(struct engine *e, struct engine_modify *mods, size_t n)
{
	struct dp_flow_op ops[CHUNK];
	unsigned failed = 0;

	for (size_t i = 0; i < n; i++)
		ops[i] = (struct dp_flow_op){ .kind = DP_FLOW_MODIFY,
					      .ufid = mods[i].flow->ufid,
					      .actions = mods[i].actions };
	(void)e->dp->ops->flow_batch(e->dp, ops, n); /* each has its result */
	for (size_t i = 0; i < n; i++) {
		struct engine_flow *f = mods[i].flow;
		struct flow_acts *acts;

		mods[i].result = ops[i].result;
		if (ops[i].result < 0) {
			failed++;
			continue;
		}
		acts = flow_acts_new(mods[i].actions);
		lock_take(&e->lock);
		if (dp_actions_equal(flow_acts_list(f->acts), mods[i].actions)) {
			flow_acts_unref(acts); /* the device need not hear of it */
		} else {
			flow_acts_unref(f->acts);
			f->acts = acts;
		}
		f->hw_ok = mods[i].hw_ok;
		f->adopted = false;
		f->needs_sw = flow_needs_software(f);
		place_flow(e, f);
		lock_give(&e->lock);
	}
	return failed;
}

unsigned engine_modify(struct engine *e, struct engine_modify *mods, size_t n)
{
	unsigned failed = 0;

	for (size_t i = 0; i < n; i += CHUNK)
		failed += modify_chunk(e, mods + i, MIN(n - i, (size_t)CHUNK));
	return failed;
}

/* --- del --- */

/* Out of the table, so that a new flow may take the ufid and no dump counts it twice.  Until
 * sw_open is false the flow is not gone, whatever its device's thread does meanwhile. */
static void claim(struct engine *e, struct engine_flow *const flows[], size_t n,
		  struct engine_flow *mine[], struct closing *c)
{
	size_t m = 0;

	lock_take(&e->lock);
	for (size_t i = 0; i < n; i++) {
		struct engine_flow *f = flows[i];

		if (f->deleted)
			continue;
		f->deleted = true;
		f->want = false;
		lost_seen(e, f); /* no longer waited for */
		htable_remove(&e->flows, &f->by_ufid);
		mine[m++] = f;
	}
	c->flows = mine;
	c->n = m;
	cds_list_add_tail(&c->node, &e->closing);
	lock_give(&e->lock);
}

static void drop_from_hw(struct engine *e, struct engine_flow *f, struct gone_list *g)
	ENGINE_LOCKED(e)
{
	struct why w = why_of(OFFLOAD_OK);

	place_unwait(f);
	hang_give_up(e, f);
	if (!f->handle && !f->busy) {
		if (f->dev)
			queue_drop(&f->dev->queue, &f->queued);
		gone_add(e, g, f);
		return;
	}
	e->n_removing++;
	place_remove(e, f, AFTER_SOFTWARE, OFFLOAD_ST_REMOVING, &w);
}

/* A moment without memory leaves nothing behind that nobody knows of. */
static void del_from_dp(struct engine *e, struct dp_flow_op *ops, size_t n)
{
	(void)e->dp->ops->flow_batch(e->dp, ops, n); /* one that was gone has no reading */
	for (size_t i = 0; i < n; i++)
		if (ops[i].result == -ENOMEM || ops[i].result == -ENOBUFS)
			(void)dp_flow_do(e->dp, &ops[i]); /* else unknown.c comes upon it */
}

static void del_chunk(struct engine *e, struct engine_flow *const flows[], size_t n)
{
	struct engine_flow **mine = xcalloc(n, sizeof(struct engine_flow *));
	struct gone_list gone = { NULL, 0, 0 };
	struct dp_flow_op *ops;
	struct closing c;

	claim(e, flows, n, mine, &c);
	ops = xcalloc(MAX(c.n, (size_t)1), sizeof(*ops));
	for (size_t i = 0; i < c.n; i++)
		ops[i] = (struct dp_flow_op){ .kind = DP_FLOW_DEL, .ufid = mine[i]->ufid };
	if (c.n)
		del_from_dp(e, ops, c.n);
	clock_hold();
	lock_take(&e->lock);
	cds_list_del(&c.node);
	for (size_t i = 0; i < c.n; i++) {
		if (ops[i].result >= 0)
			flow_fold(e, mine[i], e->sw_tier, &ops[i].stats);
		mine[i]->sw_open = false;
		drop_from_hw(e, mine[i], &gone);
	}
	pthread_cond_broadcast(&e->changed);
	lock_give(&e->lock);
	clock_let_go();
	gone_call(e, &gone);
	free(ops);
	free(mine);
}

void engine_del(struct engine *e, struct engine_flow *const flows[], size_t n)
{
	for (size_t i = 0; i < n; i += DEL_CHUNK)
		del_chunk(e, flows + i, MIN(n - i, (size_t)DEL_CHUNK));
}

/* --- counters of the fallback datapath --- */

/* Counters that moved, and now and then every flow, for those that nobody knows of and
 * those that are gone. */
static unsigned dump_flags(struct engine *e, uint64_t now)
{
	bool whole;

	lock_take(&e->lock);
	whole = e->unknown.n || now - e->whole_ns >= WHOLE_NS;
	if (whole) {
		e->whole_ns = now;
		lost_begin(e);
	}
	lock_give(&e->lock);
	return whole ? 0 : DP_DUMP_NEWS;
}

void engine_refresh(struct engine *e)
{
	struct dp_flow_rec *recs = xcalloc(DUMP_CHUNK, sizeof(*recs));
	uint64_t now = clock_mono_ns();
	unsigned flags = dump_flags(e, now);
	struct dp_dump cur = { .flags = flags };
	int n;

	hang_check(e);
	do {
		n = e->dp->ops->flow_dump(e->dp, &cur, recs, DUMP_CHUNK);
		if (n == -EINTR) { /* readings are absolute: what was read before does no harm */
			e->dp->ops->flow_dump_end(e->dp, &cur);
			cur = (struct dp_dump){ .flags = flags };
			continue;
		}
		clock_hold();
		lock_take(&e->lock);
		for (int i = 0; i < n; i++) {
			struct engine_flow *f = flow_find(e, recs[i].ufid);

			if (!f) {
				unknown_see(e, recs[i].ufid, now);
				continue;
			}
			if (f->sw_open)
				flow_fold(e, f, e->sw_tier, &recs[i].stats);
			lost_seen(e, f);
		}
		lock_give(&e->lock);
		clock_let_go();
	} while (n > 0 || n == -EINTR);
	e->dp->ops->flow_dump_end(e->dp, &cur);
	free(recs);
	lock_take(&e->lock);
	e->read_ns = now;
	lock_give(&e->lock);
	if (!n)
		unknown_sweep(e, now);
	if (!n && !(flags & DP_DUMP_NEWS))
		lost_sweep(e);
	altered_step(e, now);
}

/* --- waiting and ending --- */

static bool quiet(const struct engine *e)
{
	const struct engine_dev *d;

	cds_list_for_each_entry (d, &e->devs, node)
		if (!device_quiet(d))
			return false;
	return !e->n_removing;
}

bool engine_quiesce(struct engine *e, uint64_t timeout_ms)
{
	uint64_t until = clock_mono_ns() + timeout_ms * NSEC_PER_MSEC;
	struct gone_list gone = { NULL, 0, 0 };
	bool done;

	lock_take(&e->lock);
	while (!(done = quiet(e)) && clock_mono_ns() < until)
		hang_wait(e, &gone);
	lock_give(&e->lock);
	gone_call(e, &gone);
	return done;
}

static void take_all_out(struct engine *e)
{
	struct engine_config cfg;

	lock_take(&e->lock);
	cfg = e->cfg;
	lock_give(&e->lock);
	cfg.hw_offload = false;
	engine_configure(e, &cfg);
	(void)engine_quiesce(e, 10000); /* what is left then, the provider drops with its device */
}

static void free_flows(struct engine *e)
{
	struct gone_list gone = { NULL, 0, 0 };
	struct engine_flow *f;

	lock_take(&e->lock);
	HTABLE_FOR_EACH (f, struct engine_flow, by_ufid, &e->flows) {
		htable_remove(&e->flows, &f->by_ufid);
		f->deleted = true;
		gone_add(e, &gone, f);
	}
	lock_give(&e->lock);
	gone_call(e, &gone);
}

/* One that was only slow is not left behind. */
static bool reaped(struct engine *e)
{
	uint64_t until = clock_mono_ns() + STRAY_S * NSEC_PER_SEC;
	struct timespec ts = { .tv_nsec = 10 * (long)NSEC_PER_MSEC };
	bool all;

	while (!(all = hang_reap(e)) && clock_mono_ns() < until)
		(void)nanosleep(&ts, NULL); /* a signal only makes it shorter */
	return all;
}

void engine_free(struct engine *e, bool leave)
{
	struct engine_port *p;
	struct hnode *n;

	if (!e)
		return;
	lock_take(&e->lock);
	e->frozen = leave;
	lock_give(&e->lock);
	if (!leave)
		take_all_out(e);
	while ((n = htable_first(&e->ports))) {
		p = container_of(n, struct engine_port, node);
		port_forget(e, p, leave);
	}
	free_flows(e);
	if (!reaped(e)) { /* its thread still looks at the engine when it comes back */
		log_warn("a device does not answer: it is left in its call");
		return;
	}
	while ((n = htable_first(&e->texts))) {
		htable_remove(&e->texts, n);
		free(container_of(n, struct text, node));
	}
	htable_done(&e->texts);
	unknown_done(e);
	altered_free(e);
	free(e->live);
	conns_forget(e);
	htable_done(&e->ports);
	past_done(e);
	htable_done(&e->flows);
	pthread_cond_destroy(&e->changed);
	lock_done(&e->lock);
	free(e);
}
