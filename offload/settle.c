/* SPDX-License-Identifier: Apache-2.0 */
/* What the driver said about the requests of a batch, and what follows for their flows. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "offload/batch_priv.h"

static void refusal_of(struct engine_dev *d, struct item *it, struct offload_refusal *why)
{
	const struct offload_req *req = it->req;

	*why = req->refusal;
	if (why->reason == OFFLOAD_OK && req->result >= 0) {
		offload_refusal_set(why, it->policy == OFFLOAD_POLICY_SKIP_HW ? OFFLOAD_TC_POLICY
									      : OFFLOAD_NOT_IN_HW);
	} else if (why->reason == OFFLOAD_OK) {
		char text[64];

		offload_refusal_set(why, req->result == -ENOSPC       ? OFFLOAD_TABLE_FULL
					 : req->result == -EOPNOTSUPP ? OFFLOAD_DRIVER_REFUSED
								      : OFFLOAD_IO_ERROR);
		(void)snprintf(why->driver, sizeof(why->driver), "%s",
			       strerror_r(-req->result, text, sizeof(text)));
	}
	if (why->reason == OFFLOAD_DRIVER_REFUSED)
		shapes_learn(d->shapes, &req->rule, why);
}

static void count_latency(struct engine_dev *d, uint64_t ns) REQUIRES(&d->e->lock)
{
	uint64_t bound = NSEC_PER_USEC;
	unsigned i = 0;

	for (; i < ENGINE_LATENCY_BUCKETS - 1 && ns > bound; i++)
		bound *= 4;
	d->stat.latency[i]++;
	d->stat.latency_sum_ns += ns;
}

void batch_rule_gone(struct engine_dev *d, struct engine_flow *f, bool replaced)
{
	chain_rule_gone(d, f, replaced);
	audit_gone(d, f->handle);
	htable_remove(&d->rules, &f->by_handle);
	cds_list_del_init(&f->place);
	flow_acts_unref(f->hw_acts);
	f->hw_acts = NULL;
	f->handle = 0;
	f->anew = false;
	if (f->tier == LEDGER_HARDWARE)
		d->budget.used -= MIN(d->budget.used, (uint64_t)f->cost);
	flow_charge(f, 0);
	if (f->stuck) {
		f->stuck = false;
		d->n_stuck--;
	}
}

void batch_rule_here(struct engine_dev *d, struct engine_flow *f, struct flow_acts *acts,
		     const struct rule_place *p)
{
	f->handle = p->handle;
	f->hw_acts = flow_acts_ref(acts);
	f->digest = p->digest;
	f->cost = p->cost;
	f->tier = p->tier;
	f->hw_policy = p->policy;
	f->anew = false;
	f->installed_ns = clock_mono_ns();
	f->audit_ns = 0;
	f->audit_back = f->ledger.tier[f->tier].went_back;
	f->seen = d->dump_run;
	ledger_open(&f->ledger, (enum ledger_tier)f->tier);
	if (f->tier == LEDGER_HARDWARE)
		d->budget.used += f->cost;
	flow_charge(f, f->tier == LEDGER_HARDWARE ? f->cost : 0);
	htable_insert(&d->rules, &f->by_handle, flow_hash_handle(f->handle));
	cds_list_add_tail(&f->place, &d->hw);
	chain_rule_here(d, f);
}

static void rule_here(struct engine_dev *d, struct item *it) REQUIRES(&d->e->lock)
{
	struct rule_place p = { .handle = it->req->handle,
				.digest = offload_rule_digest(&it->match.key, &it->match.mask,
							      flow_acts_list(it->acts)),
				.cost = it->cost,
				.tier = it->req->in_hw ? LEDGER_HARDWARE : LEDGER_TC,
				.policy = (uint8_t)it->policy };

	batch_rule_here(d, it->f, it->acts, &p);
}

/* The rule runs in the provider's software, which needs a reason as every flow outside hardware. */
static void in_software(struct engine_dev *d, struct item *it) REQUIRES(&d->e->lock)
{
	struct offload_refusal why = it->why;
	struct why w;

	if (!it->software)
		refusal_of(d, it, &why);
	if (why.reason == OFFLOAD_TABLE_FULL && !it->software)
		budget_full(&d->budget, clock_mono_ns());
	w = why_from(d->e, &why);
	place_backoff(it->f, &w);
	flow_set_state(d->e, it->f, OFFLOAD_ST_TC, &w);
}

/* The driver took the rule; hardware it is only when it says so. */
static void confirmed(struct engine_dev *d, struct item *it, struct why w) REQUIRES(&d->e->lock)
{
	struct engine_flow *f = it->f;

	if (it->req->in_hw)
		f->backoff = 0;
	if (f->deleted)
		return;
	if (it->req->in_hw) {
		flow_set_state(d->e, f, OFFLOAD_ST_HARDWARE, &w);
		return;
	}
	if (d->caps.software) {
		in_software(d, it);
		return;
	}
	w = why_of(OFFLOAD_ECHO_DIFFERS);
	f->want = false;
	f->after = AFTER_REFUSED;
	f->leave = w;
	flow_set_state(d->e, f, OFFLOAD_ST_EVICTING, &w);
}

static void settle_install(struct engine_dev *d, struct item *it) REQUIRES(&d->e->lock)
{
	struct offload_refusal why;

	if (it->req->result >= 0) {
		rule_here(d, it);
		d->stat.installs++;
		count_latency(d, clock_mono_ns() - it->since_ns);
		if (it->req->in_hw)
			budget_took(&d->budget);
		confirmed(d, it, why_of(OFFLOAD_OK));
		return;
	}
	d->stat.failures++;
	refusal_of(d, it, &why);
	if (why.reason == OFFLOAD_TABLE_FULL)
		budget_full(&d->budget, clock_mono_ns());
	if (it->req->result == -EEXIST && why.reason != OFFLOAD_COVERED) /* by an orphan? */
		audit_hurry(d);
	if (!it->f->deleted)
		place_refuse(d->e, it->f, why_from(d->e, &why));
}

static void replaced(struct engine_dev *d, struct item *it) REQUIRES(&d->e->lock)
{
	struct engine_flow *f = it->f;
	bool repaired = f->state == OFFLOAD_ST_LOST;

	if (it->req->final_ok)
		flow_fold(d->e, f, (enum ledger_tier)f->tier, &it->req->final);
	batch_rule_gone(d, f, true);
	rule_here(d, it);
	d->stat.replaces++;
	d->stat.repairs += repaired;
	count_latency(d, clock_mono_ns() - it->since_ns);
	confirmed(d, it, why_of(repaired ? OFFLOAD_OK : OFFLOAD_REPLACING));
}

static void settle_replace(struct engine_dev *d, struct item *it) REQUIRES(&d->e->lock)
{
	struct engine_flow *f = it->f;
	struct offload_refusal why;
	struct why w;

	if (it->req->result >= 0) {
		replaced(d, it);
		return;
	}
	d->stat.failures++;
	refusal_of(d, it, &why);
	if (f->deleted)
		return;
	if (f->state == OFFLOAD_ST_LOST) { /* the wrong one must not stay for that */
		f->anew = false;
		return;
	}
	w = why_from(d->e, &why);
	if (f->tier == LEDGER_TC && f->hw_acts == it->acts && it->policy == OFFLOAD_POLICY_NONE) {
		f->anew = false; /* what stands there in software is right */
		place_backoff(f, &w);
		flow_set_state(d->e, f, OFFLOAD_ST_TC, &w);
		return;
	}
	f->want = false;
	f->after = AFTER_REFUSED;
	f->leave = w;
	flow_set_state(d->e, f, OFFLOAD_ST_EVICTING, &w);
}

static void out_of_hardware(struct engine_dev *d, struct engine_flow *f) REQUIRES(&d->e->lock)
{
	struct why w = f->leave;

	switch ((enum after_removal)f->after) {
	case AFTER_REFUSED: place_refuse(d->e, f, w); break;
	case AFTER_SOFTWARE:
		flow_set_state(d->e, f, OFFLOAD_ST_SOFTWARE, &w);
		place_wait(f);
		break;
	case AFTER_REQUEUE:
		flow_set_state(d->e, f, OFFLOAD_ST_SOFTWARE, &w);
		d->stat.repairs++;
		f->dirty = true;
		break;
	}
}

static void settle_remove(struct engine_dev *d, struct item *it) REQUIRES(&d->e->lock)
{
	struct engine_flow *f = it->f;

	if (it->req->result < 0 && it->req->result != -ENOENT) {
		d->stat.failures++;
		d->n_stuck += !f->stuck;
		f->stuck = true;
		return;
	}
	if (it->req->final_ok)
		flow_fold(d->e, f, (enum ledger_tier)f->tier, &it->req->final);
	batch_rule_gone(d, f, false);
	d->stat.removes++;
	if (!f->deleted)
		out_of_hardware(d, f);
}

/* The provider had no time for it: back to where it was. */
static bool again(struct engine_dev *d, struct item *it) REQUIRES(&d->e->lock)
{
	if (!it->req || it->req->result != -EAGAIN)
		return false;
	if (it->todo == TODO_INSTALL && !it->f->deleted && it->f->want)
		it->f->dirty = true;
	return true;
}

/* The driver was not asked.  A rule that cannot become what it should be must not stay what it was.
 */
static void settle_refused(struct engine_dev *d, struct item *it) REQUIRES(&d->e->lock)
{
	struct engine_flow *f = it->f;
	struct why w = why_from(d->e, &it->why);

	if (f->deleted)
		return;
	if (f->handle) {
		f->want = false;
		f->after = AFTER_REFUSED;
		f->leave = w;
		flow_set_state(d->e, f, OFFLOAD_ST_EVICTING, &w);
		return;
	}
	f->cost = it->cost;
	place_refuse(d->e, f, w);
}

static void settle_done(struct engine_dev *d, struct item *it) REQUIRES(&d->e->lock)
{
	struct engine_flow *f = it->f;
	struct why w = why_of(OFFLOAD_OK);

	if (!it->req && it->refused) {
		settle_refused(d, it);
		return;
	}
	switch (it->todo) {
	case TODO_INSTALL: settle_install(d, it); break;
	case TODO_REPLACE: settle_replace(d, it); break;
	case TODO_REMOVE: settle_remove(d, it); break;
	case TODO_NOTHING: /* a rule that was to leave is wanted again in time */
		if (!f->handle || !f->want || f->state != OFFLOAD_ST_EVICTING)
			break;
		if (f->tier == LEDGER_HARDWARE) {
			flow_set_state(d->e, f, OFFLOAD_ST_HARDWARE, &w);
			break;
		}
		w = why_of(OFFLOAD_NOT_IN_HW);
		flow_set_state(d->e, f, OFFLOAD_ST_TC, &w);
		f->anew = f->dirty = true; /* the device may say why */
		break;
	}
}

void settle(struct engine_dev *d, struct item *it, struct gone_list *g) REQUIRES(&d->e->lock)
{
	struct engine_flow *f = it->f;
	bool retry = again(d, it);

	if (!retry)
		settle_done(d, it);
	f->busy = false;
	d->n_busy--;
	if (f->deleted && !f->handle && !f->sw_open)
		gone_add(d->e, g,
			 f); /* else whoever deletes it does this, when software has let go too */
	else if (f->deleted && f->handle && !f->stuck)
		place_change(f);
	else if (!f->deleted && f->dirty)
		place_flow(d->e, f);
	else if (!f->deleted && f->handle && (!f->want || retry || f->state == OFFLOAD_ST_LOST) &&
		 !f->stuck)
		place_change(f);
}
