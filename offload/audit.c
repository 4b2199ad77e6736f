/* SPDX-License-Identifier: Apache-2.0 */
/* Is what the device holds what we think it holds?
 *
 * The device is dumped, and each rule of ours is looked for:
 *   missing   confirmed once, not held now: LOST(forgotten)
 *   altered   the digest of what it holds is not that of what was placed: LOST(altered)
 *   orphaned  held, but no flow of ours: taken out
 *   mute      held, never hit, while the flow's entry in the fallback datapath counts:
 *             LOST(forgotten)
 * A repair takes the rule out (its last reading with it) and places the flow again. */
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "offload/engine_priv.h"

LOG_MODULE("offload.audit");

#define CHUNK 256
#define ORPHANS_MAX 1024 /* taken out in one run */
/* Packets that the twin must have counted alone: fewer may have been under way at the installation.
 */
#define MUTE_PACKETS 16
#define MUTE_WINDOW_NS NSEC_PER_SEC

struct finding {
	uint64_t rules, missing, altered, orphaned, mute;
	uint64_t *orphans; /* handles; owned */
	size_t n_orphans, cap_orphans;
	bool repair;
	struct str *out; /* may be NULL */
};

static void report(struct finding *x, const struct engine_flow *f, const char *what)
{
	char text[UFID_TEXT_LEN + 1];

	if (x->out)
		str_printf(x->out, "  %s: %s\n", offload_ufid_print(f->ufid, text), what);
}

void audit_lose(struct engine_dev *d, struct engine_flow *f, enum offload_reason reason,
		const char *words)
{
	struct why w = why_of(reason);

	w.driver = words;
	if (!f->deleted)
		place_remove(d->e, f, AFTER_REQUEUE, OFFLOAD_ST_LOST, &w);
}

static void see(struct engine_dev *d, struct finding *x, const struct offload_dump_rec *r)
	REQUIRES(&d->e->lock)
{
	struct engine_flow *f = device_flow_of(d, r->handle);

	x->rules++;
	if (!f) {
		x->orphaned++;
		if (x->n_orphans == x->cap_orphans)
			x->orphans = xgrow(x->orphans, &x->cap_orphans, x->n_orphans + 1,
					   sizeof(*x->orphans));
		if (x->n_orphans < ORPHANS_MAX)
			x->orphans[x->n_orphans++] = r->handle;
		return;
	}
	f->seen = d->dump_run;
	if (r->digest == f->digest || f->state == OFFLOAD_ST_LOST)
		return;
	x->altered++;
	report(x, f, "altered");
	if (x->repair)
		audit_lose(d, f, OFFLOAD_ALTERED, "");
}

/* Marks every flow whose rule the device holds with the number of this run; false: it cannot tell.
 */
static bool dump(struct engine_dev *d, struct finding *x)
{
	struct offload_dump_rec recs[CHUNK];
	uint64_t cursor = 0;
	int n;

	if (!d->od->ops->dump)
		return false;
	d->dump_run++;
	do {
		device_call(d);
		n = d->od->ops->dump(d->od, &cursor, recs, CHUNK);
		device_called(d);
		lock_take(&d->e->lock);
		for (int i = 0; i < n; i++)
			see(d, x, &recs[i]);
		lock_give(&d->e->lock);
	} while (n > 0);
	return !n;
}

/* Only in a window that is long enough for the device's counters to have caught up. */
static bool is_mute(const struct engine_dev *d, struct engine_flow *f, uint64_t now)
{
	uint64_t hw = f->ledger.tier[f->tier].total.packets;
	uint64_t sw = f->ledger.tier[d->e->sw_tier].total.packets;
	uint64_t window = MAX(2 * d->caps.counter_lag_ms * NSEC_PER_MSEC, MUTE_WINDOW_NS);
	bool mute;

	if (f->audit_ns && now - f->audit_ns < window)
		return false;
	mute = f->audit_ns && hw == f->audit_hw && sw >= f->audit_sw + MUTE_PACKETS;
	f->audit_ns = now;
	f->audit_hw = hw;
	f->audit_sw = sw;
	return mute;
}

static void judge(struct engine_dev *d, struct finding *x) REQUIRES(&d->e->lock)
{
	uint64_t now = clock_mono_ns();
	struct engine_flow *f, *next;

	cds_list_for_each_entry_safe (f, next, &d->hw, place) {
		if (!flow_placed(f))
			continue;
		if (f->seen != d->dump_run) {
			x->missing++;
			report(x, f, "missing");
			if (x->repair)
				audit_lose(d, f, OFFLOAD_FORGOTTEN, "");
		} else if (is_mute(d, f, now)) {
			x->mute++;
			report(x, f, "in hardware, never hit while its software twin counts");
			if (x->repair)
				audit_lose(d, f, OFFLOAD_FORGOTTEN,
					   "never hit while its software twin counts");
		}
	}
}

void audit_remove(struct engine_dev *d, const uint64_t *handles, size_t n)
{
	struct offload_req *req = xmalloc(sizeof(*req));

	for (size_t i = 0; i < n; i++) {
		memset(req, 0, sizeof(*req));
		req->kind = OFFLOAD_REMOVE;
		req->handle = handles[i];
		device_call(d);
		(void)d->od->ops->apply(d->od, req, 1); /* the next run sees what is left */
		device_called(d);
	}
	free(req);
}

void audit_run(struct engine_dev *d, bool repair, struct str *out)
{
	struct finding x = { .repair = repair, .out = out };
	bool can, holding;

	lock_take(&d->e->lock);
	holding = d->e->holding; /* rules of a former process are not orphans yet */
	lock_give(&d->e->lock);
	can = !holding && dump(d, &x);
	lock_take(&d->e->lock);
	if (can)
		judge(d, &x);
	d->stat.audit_runs += can;
	d->stat.audit_missing += x.missing;
	d->stat.audit_altered += x.altered;
	d->stat.audit_orphaned += x.orphaned;
	d->stat.audit_mute += x.mute;
	lock_give(&d->e->lock);
	if (repair)
		audit_remove(d, x.orphans, x.n_orphans);
	free(x.orphans);
	if (out && can)
		str_printf(
			out,
			"%s: %llu rules, %llu missing, %llu altered, %llu orphaned, %llu mute%s\n",
			d->od->name, (unsigned long long)x.rules, (unsigned long long)x.missing,
			(unsigned long long)x.altered, (unsigned long long)x.orphaned,
			(unsigned long long)x.mute, repair ? "; repaired" : "");
	else if (out)
		str_printf(out, "%s: cannot tell what it holds\n", d->od->name);
	if (x.missing || x.altered || x.orphaned || x.mute)
		log_warn_rl("%s: audit: %llu missing, %llu altered, %llu orphaned, %llu mute",
			    d->od->name, (unsigned long long)x.missing,
			    (unsigned long long)x.altered, (unsigned long long)x.orphaned,
			    (unsigned long long)x.mute);
}

/* The device's epoch changed.  First the last readings of what it lost, then which flows those are:
 * a device that cannot be dumped lost all that was there before.  Their handles are removed like
 * others, because a rule may also be missing for another reason and have a last reading still to
 * give. */
void audit_reset(struct engine_dev *d)
{
	struct finding x = { .repair = false };
	struct engine_flow *f;
	uint64_t lost = 0;

	device_stats_pass(d);
	if (!dump(d, &x))
		d->dump_run++;
	free(x.orphans);

	lock_take(&d->e->lock);
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
}
