/* SPDX-License-Identifier: Apache-2.0 */
/* Is what the device holds what we think it holds?
 *
 * The device is dumped, and each rule of ours is looked for:
 *   missing   confirmed once, not held now: LOST(forgotten)
 *   altered   the digest of what it holds is not that of what was placed: LOST(altered)
 *   orphaned  held with our mark, but no flow's: taken out
 *   mute      held, its counter stands still while the flow's entry in the fallback datapath
 *             counts: LOST(forgotten)
 *   ran back  its counter went back since it was placed: a new one, that counts from zero
 * What is repaired is made before it is broken: an altered rule, and one whose counter ran back, is
 * replaced where it stands.  What the device does not have, or never hits, has the fallback
 * datapath's entry under it: it is taken out, its last reading with it, and placed again.
 *
 * A run is made in steps of CHUNK rules by the device's thread, with requests in between; the
 * continuous one rests as well, so that it takes one part in AUDIT_REST + 1 of the thread's time.
 * What changes during a run is not judged by it: rules that are placed meanwhile, and the records
 * of rules that are removed meanwhile. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "offload/engine_priv.h"

LOG_MODULE("offload.audit");

#define CHUNK 256
#define JUDGE_CHUNK 4096
#define REMOVE_CHUNK 32
#define AUDIT_REST 9
#define ORPHANS_MAX 1024 /* taken out in one run */
/* Packets that the twin must have counted alone: fewer may have been under way at the installation.
 */
#define MUTE_PACKETS 16
#define MUTE_WINDOW_NS NSEC_PER_SEC

enum phase { PHASE_IDLE, PHASE_DUMP, PHASE_JUDGE, PHASE_ORPHANS };

struct audit {
	enum phase phase;
	bool repair;
	bool hurry;  /* without rests */
	bool wanted; /* audit_hurry() */
	uint64_t cursor, left, begun_ns;
	uint64_t next_ns;     /* of the next step */
	uint64_t next_run_ns; /* of the continuous audit; 0: not yet known */
	struct engine_audit found;
	struct audit_job *job; /* whose answer this run is; NULL */
	uint64_t *orphans;     /* handles; owned */
	size_t n_orphans, cap_orphans, orphans_done;

	uint64_t *gone; /* engine.lock: handles removed during the run; owned */
	size_t n_gone, cap_gone;
};

struct audit *audit_new(void)
{
	return xzalloc(sizeof(struct audit));
}

void audit_free(struct audit *a)
{
	if (!a)
		return;
	free(a->found.list);
	free(a->orphans);
	free(a->gone);
	free(a);
}

/* --- what is wrong --- */

void audit_lose(struct engine_dev *d, struct engine_flow *f, enum offload_reason reason,
		const char *words)
{
	struct why w = why_of(reason);

	w.driver = words;
	if (f->deleted)
		return;
	f->anew = reason == OFFLOAD_ALTERED;
	place_remove(d->e, f, AFTER_REQUEUE, OFFLOAD_ST_LOST, &w);
}

void audit_gone(struct engine_dev *d, uint64_t handle)
{
	struct audit *a = d->run;

	if (a->phase != PHASE_DUMP)
		return;
	if (a->n_gone == a->cap_gone)
		a->gone = xgrow(a->gone, &a->cap_gone, a->n_gone + 1, sizeof(*a->gone));
	a->gone[a->n_gone++] = handle;
}

static void add_orphan(struct audit *a, const struct offload_dump_rec *r)
{
	if (a->n_orphans == ORPHANS_MAX)
		return;
	if (a->n_orphans == a->cap_orphans)
		a->orphans =
			xgrow(a->orphans, &a->cap_orphans, a->n_orphans + 1, sizeof(*a->orphans));
	a->orphans[a->n_orphans++] = r->handle;
	finding_add(&a->found, ENGINE_ORPHANED, r->ufid, r->handle,
		    "the device holds it with our mark, and it is no flow's");
}

static void see(struct engine_dev *d, const struct offload_dump_rec *r) REQUIRES(&d->e->lock)
{
	struct engine_flow *f = device_flow_of(d, r->handle);
	struct audit *a = d->run;

	a->found.rules++;
	if (!f) {
		add_orphan(a, r);
		return;
	}
	f->seen = d->dump_run;
	if (r->digest == f->digest || f->state == OFFLOAD_ST_LOST || f->installed_ns > a->begun_ns)
		return;
	finding_add(&a->found, ENGINE_ALTERED, f->ufid, r->handle,
		    "placed as %016llx, held as %016llx (digests of match and actions)",
		    (unsigned long long)f->digest, (unsigned long long)r->digest);
	d->stat.audit_altered++;
	if (a->repair)
		audit_lose(d, f, OFFLOAD_ALTERED, "");
}

/* Marks the flows whose rules the device holds with the number of this run; a count as the
 * provider's. */
static int dump_chunk(struct engine_dev *d)
{
	struct offload_dump_rec recs[CHUNK];
	int n;

	device_call(d);
	n = d->od->ops->dump(d->od, &d->run->cursor, recs, CHUNK);
	device_called(d);
	lock_take(&d->e->lock);
	for (int i = 0; i < n; i++)
		see(d, &recs[i]);
	lock_give(&d->e->lock);
	return n;
}

/* Only in a window that is long enough for the device's counters to have caught up. */
static void judge_mute(struct engine_dev *d, struct engine_flow *f, uint64_t now)
	REQUIRES(&d->e->lock)
{
	uint64_t hw = f->ledger.tier[f->tier].total.packets;
	uint64_t sw = f->ledger.tier[d->e->sw_tier].total.packets;
	uint64_t window = MAX(2 * d->caps.counter_lag_ms * NSEC_PER_MSEC, MUTE_WINDOW_NS);
	uint64_t since = f->audit_ns, was_hw = f->audit_hw, was_sw = f->audit_sw;
	struct audit *a = d->run;

	if (since && now - since < window)
		return;
	f->audit_ns = now;
	f->audit_hw = hw;
	f->audit_sw = sw;
	if (!since || hw != was_hw || sw < was_sw + MUTE_PACKETS)
		return;
	finding_add(&a->found, ENGINE_MUTE, f->ufid, f->handle,
		    "its counter stands at %llu packets for %.1f s, in which its software twin "
		    "counted %llu",
		    (unsigned long long)hw, (double)(now - since) / NSEC_PER_SEC,
		    (unsigned long long)(sw - was_sw));
	d->stat.audit_mute++;
	mute_raise(d, f, now - since, hw, sw - was_sw);
	if (a->repair)
		audit_lose(d, f, OFFLOAD_MUTE, "");
}

static void judge_one(struct engine_dev *d, struct engine_flow *f, uint64_t now)
	REQUIRES(&d->e->lock)
{
	const struct ledger_entry *l = &f->ledger.tier[f->tier];
	struct audit *a = d->run;

	if (f->seen != d->dump_run) {
		finding_add(&a->found, ENGINE_MISSING, f->ufid, f->handle,
			    "placed %.1f s ago, counted %llu packets in all; the device does not "
			    "hold it",
			    (double)(now - MIN(now, f->installed_ns)) / NSEC_PER_SEC,
			    (unsigned long long)l->total.packets);
		d->stat.audit_missing++;
		if (a->repair)
			audit_lose(d, f, OFFLOAD_FORGOTTEN, "");
		return;
	}
	if (l->went_back != f->audit_back) {
		finding_add(&a->found, ENGINE_RAN_BACK, f->ufid, f->handle,
			    "its counter ran back %u times since it was placed %.1f s ago, and "
			    "stands at %llu packets",
			    l->went_back - f->audit_back,
			    (double)(now - MIN(now, f->installed_ns)) / NSEC_PER_SEC,
			    (unsigned long long)l->last_packets);
		if (a->repair && !f->deleted)
			place_anew(f);
	}
	judge_mute(d, f, now);
}

/* --- phases: each a step, and what comes next --- */

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* What was removed while the dump went on was shown all the same. */
static void forget_removed(struct audit *a)
{
	size_t kept = 0, shown = 0;

	if (!a->n_gone || !a->n_orphans)
		return;
	qsort(a->gone, a->n_gone, sizeof(*a->gone), by_number);
	for (size_t i = 0; i < a->n_orphans; i++)
		if (!bsearch(&a->orphans[i], a->gone, a->n_gone, sizeof(*a->gone), by_number))
			a->orphans[kept++] = a->orphans[i];
	a->found.n[ENGINE_ORPHANED] -= a->n_orphans - kept;
	a->n_orphans = kept;
	for (size_t i = 0; i < a->found.n_list; i++) {
		const struct engine_finding *x = &a->found.list[i];

		if (x->kind != ENGINE_ORPHANED ||
		    !bsearch(&x->handle, a->gone, a->n_gone, sizeof(*a->gone), by_number))
			a->found.list[shown++] = *x;
	}
	a->found.n_list = shown;
}

static void begin(struct engine_dev *d)
{
	struct audit *a = d->run;

	lock_take(&d->e->lock);
	/* rules of a former process are not orphans yet */
	a->found.can_tell = d->od->ops->dump && !d->e->holding;
	a->phase = PHASE_DUMP;
	a->n_gone = 0;
	d->dump_run++;
	lock_give(&d->e->lock);
	a->found.rules = 0;
	memset(a->found.n, 0, sizeof(a->found.n));
	a->found.n_list = 0;
	a->found.repair = a->repair;
	a->found.answered = true;
	memcpy(a->found.device, d->od->name, sizeof(a->found.device));
	a->cursor = a->n_orphans = a->orphans_done = 0;
	a->begun_ns = clock_mono_ns();
	a->next_ns = 0;
}

/* A reset that nobody has noticed yet would look like many faults. */
static bool was_reset(struct engine_dev *d)
{
	uint32_t run = d->dump_run;

	device_look(d);
	return d->dump_run != run;
}

static void step_dump(struct engine_dev *d)
{
	struct audit *a = d->run;
	int n = a->found.can_tell ? dump_chunk(d) : -1;

	if (n > 0 || was_reset(d)) /* then it has begun anew */
		return;
	lock_take(&d->e->lock);
	a->phase = n ? PHASE_ORPHANS : PHASE_JUDGE;
	a->left = d->rules.n;
	forget_removed(a);
	lock_give(&d->e->lock);
	if (!n)
		return;
	a->found.can_tell = false; /* what was seen is not the whole */
	a->n_orphans = 0;
}

static void step_judge(struct engine_dev *d)
{
	struct audit *a = d->run;
	uint64_t now = clock_mono_ns();

	lock_take(&d->e->lock);
	for (unsigned i = 0; i < JUDGE_CHUNK && a->left; i++, a->left--) {
		struct engine_flow *f;

		if (cds_list_empty(&d->hw)) {
			a->left = 1;
			continue;
		}
		f = cds_list_entry(d->hw.next, struct engine_flow, place);
		cds_list_del(&f->place);
		cds_list_add_tail(&f->place, &d->hw);
		if (flow_placed(f) && f->installed_ns <= a->begun_ns)
			judge_one(d, f, now);
	}
	lock_give(&d->e->lock);
	if (!a->left)
		a->phase = PHASE_ORPHANS;
}

void audit_remove(struct engine_dev *d, const uint64_t *handles, size_t n)
{
	struct offload_req *req = xcalloc(REMOVE_CHUNK, sizeof(*req));

	for (size_t at = 0; at < n; at += REMOVE_CHUNK) {
		size_t m = MIN(n - at, (size_t)REMOVE_CHUNK);

		memset(req, 0, m * sizeof(*req));
		for (size_t i = 0; i < m; i++) {
			req[i].kind = OFFLOAD_REMOVE;
			req[i].handle = handles[at + i];
		}
		device_call(d);
		(void)d->od->ops->apply(d->od, req, m); /* the next run sees what is left */
		device_called(d);
	}
	free(req);
}

static void count(struct engine_dev *d) REQUIRES(&d->e->lock)
{
	const struct engine_audit *x = &d->run->found;
	struct engine_device_info *s = &d->stat;

	s->audit_runs++;
	s->audit_orphaned += x->n[ENGINE_ORPHANED];
	memcpy(s->audit_drift, x->n, sizeof(s->audit_drift));
	s->audit_ended_ns = clock_mono_ns();
	s->audit_took_ns = x->took_ns;
}

/* Nobody may be waiting for it any more. */
static void answer(struct engine_dev *d) REQUIRES(&d->e->lock)
{
	struct audit *a = d->run;

	if (a->job && d->audit == a->job && d->audit->taken) {
		a->job->result = a->found;
		a->found.list = NULL;
		a->found.n_list = 0;
		a->job->done = true;
		d->audit = NULL;
		pthread_cond_broadcast(&d->e->changed);
	}
	a->job = NULL;
}

static void finish(struct engine_dev *d)
{
	struct audit *a = d->run;

	a->found.took_ns = clock_mono_ns() - a->begun_ns;
	a->phase = PHASE_IDLE;
	a->next_run_ns = 0;
	if (a->found.can_tell)
		finding_log(&a->found);
	lock_take(&d->e->lock);
	if (a->found.can_tell)
		count(d);
	answer(d);
	lock_give(&d->e->lock);
}

static void step_orphans(struct engine_dev *d)
{
	struct audit *a = d->run;
	size_t left = a->repair ? a->n_orphans - a->orphans_done : 0;
	size_t n = MIN(left, (size_t)REMOVE_CHUNK);

	if (n)
		audit_remove(d, a->orphans + a->orphans_done, n);
	a->orphans_done += n;
	if (n == left)
		finish(d);
}

static void step(struct engine_dev *d)
{
	switch (d->run->phase) {
	case PHASE_IDLE: break;
	case PHASE_DUMP: step_dump(d); break;
	case PHASE_JUDGE: step_judge(d); break;
	case PHASE_ORPHANS: step_orphans(d); break;
	}
}

/* --- when --- */

/* Somebody waits for an answer: what is under way makes way. */
static bool take_job(struct engine_dev *d)
{
	struct audit *a = d->run;
	bool news;

	lock_take(&d->e->lock);
	news = d->audit && !d->audit->taken;
	if (news) {
		a->job = d->audit;
		a->job->taken = true;
		a->repair = a->job->repair;
	}
	lock_give(&d->e->lock);
	return news;
}

static uint64_t period_ns(struct engine_dev *d)
{
	uint64_t ns;

	lock_take(&d->e->lock);
	ns = d->e->holding ? 0 : d->e->cfg.audit_period_ms * NSEC_PER_MSEC;
	lock_give(&d->e->lock);
	return ns;
}

static bool is_due(struct engine_dev *d, uint64_t now)
{
	struct audit *a = d->run;
	uint64_t period = period_ns(d);

	if (!period) {
		a->next_run_ns = 0;
		return false;
	}
	if (!a->next_run_ns || a->next_run_ns > now + period)
		a->next_run_ns = now + period;
	return now >= a->next_run_ns;
}

/* A run begins, or begins anew. */
static void look(struct engine_dev *d, uint64_t now)
{
	struct audit *a = d->run;

	if (take_job(d)) {
		a->hurry = true;
	} else if (a->wanted && !(a->phase != PHASE_IDLE && a->job)) {
		a->wanted = false;
		a->repair = a->hurry = true;
	} else if (a->phase == PHASE_IDLE && is_due(d, now)) {
		a->repair = true;
		a->hurry = false;
	} else {
		return;
	}
	begin(d);
}

bool audit_step(struct engine_dev *d, uint64_t now)
{
	struct audit *a = d->run;

	look(d, now);
	if (a->phase == PHASE_IDLE || now < a->next_ns)
		return false;
	now = clock_mono_ns();
	step(d);
	if (a->hurry)
		return a->phase != PHASE_IDLE;
	a->next_ns = clock_mono_ns() + (clock_mono_ns() - now) * AUDIT_REST;
	return false;
}

uint64_t audit_due_ns(const struct engine_dev *d)
{
	const struct audit *a = d->run;

	if (a->phase != PHASE_IDLE)
		return a->next_ns;
	return a->next_run_ns ? a->next_run_ns : UINT64_MAX;
}

void audit_hurry(struct engine_dev *d)
{
	d->run->wanted = true;
}

void audit_run(struct engine_dev *d)
{
	struct audit *a = d->run;

	a->wanted = true;
	do {
		look(d, clock_mono_ns());
		step(d);
	} while (a->phase != PHASE_IDLE);
}

/* First the last readings of what it lost, then which flows those are: a device that cannot be
 * dumped lost all that was there before.  Their handles are removed like others, because a rule may
 * also be missing for another reason and have a last reading still to give.  A run that was under
 * way begins anew. */
void audit_reset(struct engine_dev *d)
{
	struct audit *a = d->run;
	struct engine_flow *f;
	uint64_t lost = 0;
	bool repair = a->repair, running = a->phase != PHASE_IDLE;
	int n;

	device_stats_pass(d);
	a->repair = false;
	begin(d);
	do
		n = d->od->ops->dump ? dump_chunk(d) : -EOPNOTSUPP;
	while (n > 0);
	lock_take(&d->e->lock);
	a->phase = PHASE_IDLE;
	d->dump_run += n < 0;
	d->stat.resets++;
	cds_list_for_each_entry (f, &d->hw, place) {
		if (f->seen == d->dump_run || !flow_placed(f))
			continue;
		lost++;
		audit_lose(d, f, OFFLOAD_RESET, "");
	}
	lock_give(&d->e->lock);
	log_warn("%s: was reset and lost %llu rules; their flows are placed again", d->od->name,
		 (unsigned long long)lost);
	a->repair = repair;
	if (running)
		begin(d);
}
