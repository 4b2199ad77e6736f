/* SPDX-License-Identifier: Apache-2.0 */
/* Megaflows that a former process left: taken over as they are, and checked against the tables once
 * these are loaded.
 *
 * The engine hands over what the datapath and the devices hold; each becomes a megaflow without
 * effects that no round touches.  When the bridge of its port is no longer `loading`, it is
 * translated anew: where mask and actions agree it is kept, and its counters, from its first packet
 * on, go to the rules that it meets now; where the actions differ it is changed, and counts for the
 * new rules from there; else it goes.
 *
 * Before that, all of them teach: a megaflow stands for an address that is behind its port, also
 * one that has counted nothing since it was made of its first packet, and NORMAL would flood for
 * want of it.  The ones used last teach last. */
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "ofproto/flows/flows_priv.h"

LOG_MODULE("flows.adopt");

#define TEACH_NS (300 * NSEC_PER_SEC) /* a MAC table's usual age: older ones know nothing */

struct adopting {
	struct cds_list_head all;
	uint64_t n;
};

static void *adopted(void *ctx, struct engine_flow *ef)
{
	struct adopting *a = ctx;
	struct megaflow *mf = xzalloc(sizeof(*mf));

	mf->ef = ef;
	mf->unverified = true;
	mf->created_ns = clock_mono_ns();
	effects_init(&mf->effects);
	cds_list_add_tail(&mf->node, &a->all);
	a->n++;
	return mf;
}

/* All at once: what one teaches another may need. */
static void hand_over(struct flows *f, struct adopting *a)
{
	f->n_flows += a->n;
	f->adopted = a->n;
	lock_take(&f->lock);
	f->adopt_waiting = a->n;
	cds_list_splice(&a->all, &f->incoming);
	lock_give(&f->lock);
}

int flows_begin(struct flows *f)
{
	struct adopting a = { .n = 0 };
	struct engine_adoption report;
	int rc;

	if (!f->held)
		return 0;
	CDS_INIT_LIST_HEAD(&a.all);
	rc = engine_adopt(f->engine, adopted, &a, &report);
	hand_over(f, &a);
	f->held = false;
	flows_wake_handlers(f);
	flows_kick(f);
	return rc;
}

bool flows_adopting(const struct flows *f)
{
	return f->held || f->adopt_waiting;
}

/* --- which are due --- */

static bool any_loading(const struct xl_snapshot *snap)
{
	bool loading = snap->loading;

	for (size_t i = 0; i < snap->n_bridges; i++)
		loading |= snap->bridges[i].loading;
	return loading;
}

/* A port that is in no bridge may still come into one, while any is loading. */
static bool is_due(const struct xl_snapshot *snap, const struct megaflow *mf)
{
	const struct xl_port *p;
	struct match m;

	engine_flow_match(mf->ef, &m);
	p = xl_port_by_dp(snap, flow_in_dp(&m.key));
	return p ? !snap->loading && !p->bridge->loading : !any_loading(snap);
}

struct due {
	struct megaflow **v; /* owned; the megaflows are the round's */
	size_t n, cap;
};

static void find_due(struct flows *f, struct due *due)
{
	struct megaflow *mf;

	rcu_read_lock();
	cds_list_for_each_entry (mf, &f->live, node) {
		if (!mf->unverified || !is_due(flows_snapshot(f), mf))
			continue;
		if (due->n == due->cap)
			due->v = xgrow(due->v, &due->cap, due->n + 1, sizeof(struct megaflow *));
		due->v[due->n++] = mf;
	}
	rcu_read_unlock();
}

/* --- teaching --- */

static int used_last_last(const void *a, const void *b)
{
	const struct megaflow *x = *(struct megaflow *const *)a, *y = *(struct megaflow *const *)b;

	return (x->final.used_ns > y->final.used_ns) - (x->final.used_ns < y->final.used_ns);
}

static void translate(struct flows *f, const struct megaflow *mf, struct match *m,
		      struct xlate_out *out)
{
	struct xlate_in in = { 0 };

	engine_flow_match(mf->ef, m);
	in.key = m->key;
	rcu_read_lock();
	in.snap = flows_snapshot(f);
	xlate(&in, out);
	rcu_read_unlock();
}

static void teach(struct flows *f, struct due *due)
{
	uint64_t now = clock_mono_ns();

	for (size_t i = 0; i < due->n; i++)
		(void)engine_flow_total(due->v[i]->ef, &due->v[i]->final);
	if (due->n)
		qsort(due->v, due->n, sizeof(struct megaflow *), used_last_last);
	for (size_t i = 0; i < due->n; i++) {
		const struct megaflow *mf = due->v[i];
		struct xlate_out out;
		struct match m;

		if (mf->final.used_ns && mf->final.used_ns + TEACH_NS < now)
			continue;
		translate(f, mf, &m, &out);
		if (out.error == XLATE_OK)
			effects_learn(&out.effects);
		xlate_out_done(&out);
	}
}

/* --- checking --- */

/* Its counters so far were another set of rules'. */
static void change(struct round *r, struct megaflow *mf, struct xlate_out *out)
{
	(void)engine_flow_total(mf->ef, &mf->credited);
	r->f->adopt_uncredited += mf->credited.packets;
	r->f->adopt_changed++;
	megaflow_pin(r->f, mf, &out->effects);
	effects_take(&mf->effects, &out->effects);
	megaflow_set_seq(mf, out, r->seq);
	round_change_actions(r, mf, out);
}

static void keep(struct round *r, struct megaflow *mf, struct xlate_out *out)
{
	r->f->adopt_kept++;
	megaflow_pin(r->f, mf, &out->effects);
	effects_take(&mf->effects, &out->effects);
	megaflow_set_seq(mf, out, r->seq);
	mf->actions_hash = megaflow_actions_hash(dp_actions_of(&out->actions));
	mf->hw_ok = !out->to_controller;
	engine_confirm(r->f->engine, mf->ef, mf->hw_ok);
}

static void drop(struct round *r, struct megaflow *mf)
{
	r->f->adopt_removed++;
	r->f->adopt_uncredited += mf->final.packets;
	r->f->deleted_changed++;
	round_delete(r, mf);
}

/* False: nothing leads to it yet (recirculation), ask again. */
static bool check(struct round *r, struct megaflow *mf, bool last)
{
	struct xlate_out out;
	struct match m;
	bool stray;

	translate(r->f, mf, &m, &out);
	stray = xlate_is_stray(&out);
	if (stray && !last) {
		xlate_out_done(&out);
		return false;
	}
	mf->unverified = false;
	mf->bridge_id = out.bridge_id;
	if (stray || !megaflow_covers(&m, &out))
		drop(r, mf);
	else if (dp_actions_equal(engine_flow_actions(mf->ef), dp_actions_of(&out.actions)))
		keep(r, mf, &out);
	else
		change(r, mf, &out);
	r->f->adopt_waiting--; /* now that the others have been counted */
	xlate_out_done(&out);
	return true;
}

static void report(const struct flows *f)
{
	if (!f->adopt_waiting)
		log_info("of %llu adopted megaflows %llu were kept, %llu changed, %llu removed",
			 (unsigned long long)f->adopted, (unsigned long long)f->adopt_kept,
			 (unsigned long long)f->adopt_changed,
			 (unsigned long long)f->adopt_removed);
}

void adopt_teach(struct flows *f)
{
	struct due due = { NULL, 0, 0 };

	if (!f->adopt_waiting)
		return;
	find_due(f, &due);
	teach(f, &due);
	free(due.v);
}

/* A recirculated one is known only when the one that leads to it has been translated. */
void adopt_check(struct round *r)
{
	struct due due = { NULL, 0, 0 };
	size_t left, before;

	if (!r->f->adopt_waiting)
		return;
	find_due(r->f, &due);
	left = due.n;
	do {
		before = left;
		left = 0;
		for (size_t i = 0; i < before; i++)
			if (!check(r, due.v[i], false))
				due.v[left++] = due.v[i];
	} while (left && left < before);
	for (size_t i = 0; i < left; i++)
		(void)check(r, due.v[i], true);
	if (due.n)
		report(r->f);
	free(due.v);
}
