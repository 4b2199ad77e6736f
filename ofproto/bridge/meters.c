/* SPDX-License-Identifier: Apache-2.0 */
/* Meters of OpenFlow 1.3, each a meter of the datapath's under a number of the backend's choice.
 *
 * The datapath counts, and so do the providers that police for it.  Where a modification makes it
 * begin anew, what it counted before stands in the backend, so that a controller never sees a
 * counter run backwards.  A deleted meter stays in the datapath until no megaflow can name it any
 * more; only then its number is given out again. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "ofproto/bridge/bridge_priv.h"

struct dying_meter {
	struct cds_list_head node; /* in meters->dying, oldest first */
	uint32_t dp_id;
};

static const struct dp_meter_ops *ops_of(const struct backend *be)
{
	return dp_features_have(&be->dp->features, DP_ACT_METER) ? be->dp->ops->meters : NULL;
}

bool backend_has_meters(const struct backend *be)
{
	return ops_of(be);
}

void backend_meters_init(struct backend *be)
{
	struct backend_meters *ms = &be->meters;

	CDS_INIT_LIST_HEAD(&ms->dying);
	memset(&ms->caps, 0, sizeof(ms->caps));
	if (ops_of(be))
		ops_of(be)->caps(be->dp, &ms->caps);
	ms->caps.max_bands = MIN(ms->caps.max_bands, DP_METER_MAX_BANDS);
	id_pool_init(&ms->ids, 0, ms->caps.max_meters);
}

static void remove_now(struct backend *be, uint32_t dp_id)
{
	(void)ops_of(be)->del(be->dp, dp_id, NULL); /* gone already is as well */
	offload_meter_del(be->dp, dp_id);
	id_pool_give(&be->meters.ids, dp_id);
}

void backend_meters_done(struct backend *be)
{
	struct backend_meters *ms = &be->meters;
	struct dying_meter *d, *next;

	cds_list_for_each_entry_safe (d, next, &ms->dying, node) {
		if (!be->leaving)
			remove_now(be, d->dp_id);
		free(d);
	}
	CDS_INIT_LIST_HEAD(&ms->dying);
	free(ms->before);
	ms->before = NULL;
	id_pool_done(&ms->ids);
}

/* --- counts --- */

static struct dp_meter_stats *before(struct backend_meters *ms, uint32_t dp_id)
{
	size_t had = ms->n_before;

	if (dp_id >= had) {
		ms->before = xgrow(ms->before, &ms->n_before, dp_id + 1u, sizeof(*ms->before));
		memset(&ms->before[had], 0, (ms->n_before - had) * sizeof(*ms->before));
	}
	return &ms->before[dp_id];
}

static void read_meter(struct backend *be, uint32_t dp_id, struct dp_meter_stats *st)
{
	memset(st, 0, sizeof(*st));
	if (ops_of(be)->get(be->dp, dp_id, st))
		memset(st, 0, sizeof(*st));
}

/* --- commands --- */

static enum ofperr check(const struct dp_meter_caps *caps, const struct ofp_meter_mod *mm)
{
	if (!mm->id || mm->id > OFPM_MAX_)
		return OFPERR_MM_INVALID_METER;
	if (!caps->max_meters)
		return OFPERR_MM_OUT_OF_METERS;
	if (mm->n_bands > caps->max_bands)
		return OFPERR_MM_OUT_OF_BANDS;
	if (mm->flags & OFPMF_PKTPS_ && !caps->packets)
		return OFPERR_MM_BAD_FLAGS;
	for (size_t i = 0; i < mm->n_bands; i++) {
		if (mm->bands[i].type != OFPMBT_DROP_)
			return OFPERR_MM_BAD_BAND;
		if (!mm->bands[i].rate)
			return OFPERR_MM_BAD_RATE;
	}
	return OFPERR_OK;
}

static enum ofperr set(struct backend *be, uint32_t dp_id, const struct ofp_meter_mod *mm,
		       bool fresh, struct dp_meter_stats *lost)
{
	struct dp_meter m = { .packets = mm->flags & OFPMF_PKTPS_,
			      .n_bands = (unsigned)mm->n_bands };
	int rc;

	for (size_t i = 0; i < mm->n_bands; i++)
		m.bands[i] = (struct dp_meter_band){ .rate = mm->bands[i].rate,
						     .burst = mm->flags & OFPMF_BURST_
								      ? mm->bands[i].burst
								      : 0 };
	rc = ops_of(be)->set(be->dp, dp_id, &m, lost, NULL);
	if (!rc)
		offload_meter_set(be->dp, dp_id, &m, fresh);
	if (rc == -ENOSPC || rc == -EFBIG)
		return OFPERR_MM_OUT_OF_METERS;
	return !rc ? OFPERR_OK : rc == -EINVAL ? OFPERR_MM_BAD_RATE : OFPERR_MM_UNKNOWN;
}

static bool find(struct bridge *br, uint32_t id, uint32_t *dp_id)
{
	const struct meter *m;

	rcu_read_lock();
	m = tables_meter(br->tables, id);
	if (m)
		*dp_id = m->dp_id;
	rcu_read_unlock();
	return m;
}

/* OpenFlow's own number where it is free: so the next process's meters have it too, and megaflows
 * that are left name what they named. */
static bool take_number(struct backend_meters *ms, uint32_t id, uint32_t *dp_id)
{
	*dp_id = id;
	return id_pool_take_at(&ms->ids, id) || id_pool_take(&ms->ids, dp_id);
}

/* What a former process's meter of this number has counted is the new one's while the tables are
 * being loaded, as it is with megaflows. */
static enum ofperr meter_add(struct bridge *br, const struct ofp_meter_mod *mm)
{
	struct backend_meters *ms = &br->be->meters;
	enum ofperr e = check(&ms->caps, mm);
	struct dp_meter_stats left;
	uint32_t dp_id;

	if (e)
		return e;
	if (find(br, mm->id, &dp_id))
		return OFPERR_MM_METER_EXISTS;
	if (!take_number(ms, mm->id, &dp_id))
		return OFPERR_MM_OUT_OF_METERS;
	memset(&left, 0, sizeof(left));
	e = set(br->be, dp_id, mm, br->loaded, &left);
	if (e) {
		id_pool_give(&ms->ids, dp_id);
		return e;
	}
	if (br->loaded)
		memset(&left, 0, sizeof(left));
	*before(ms, dp_id) = left;
	tables_meter_put(br->tables, mm, dp_id);
	return OFPERR_OK;
}

static enum ofperr meter_modify(struct bridge *br, const struct ofp_meter_mod *mm)
{
	enum ofperr e = check(&br->be->meters.caps, mm);
	struct dp_meter_stats lost;
	uint32_t dp_id;

	if (e)
		return e;
	if (!find(br, mm->id, &dp_id))
		return OFPERR_MM_UNKNOWN_METER;
	e = set(br->be, dp_id, mm, false, &lost);
	if (e)
		return e;
	dp_meter_stats_add(before(&br->be->meters, dp_id), &lost);
	tables_meter_put(br->tables, mm, dp_id);
	return OFPERR_OK;
}

/* The oldest one's round is over: each round that is waited for stands for one. */
static void bury_one(void *arg)
{
	struct backend *be = arg;
	struct dying_meter *d;

	if (cds_list_empty(&be->meters.dying)) /* the backend has been taken down meanwhile */
		return;
	d = cds_list_entry(be->meters.dying.next, struct dying_meter, node);
	cds_list_del(&d->node);
	remove_now(be, d->dp_id);
	free(d);
}

static void round_ended(void *arg) /* revalidator thread */
{
	struct backend *be = arg;

	loop_post(be->loop, bury_one, be);
}

static bool let_die(struct meter *m, void *aux)
{
	struct backend *be = aux;
	struct dying_meter *d = xzalloc(sizeof(*d));

	d->dp_id = m->dp_id;
	cds_list_add_tail(&d->node, &be->meters.dying);
	return true;
}

static enum ofperr meter_delete(struct bridge *br, const struct ofp_meter_mod *mm)
{
	struct backend *be = br->be;
	struct cds_list_head *last = be->meters.dying.prev, *n;

	if (mm->id > OFPM_MAX_ && mm->id != OFPM_ALL_)
		return OFPERR_MM_INVALID_METER;
	tables_meter_delete(br->tables, mm->id, let_die, be);
	for (n = last->next; n != &be->meters.dying; n = n->next)
		flows_after_round(be->flows, round_ended, be);
	return OFPERR_OK;
}

enum ofperr bridge_meter_mod(struct bridge *br, const struct ofp_meter_mod *mm)
{
	switch ((enum ofp_meter_command)mm->command) {
	case OFPMC_ADD_: return meter_add(br, mm);
	case OFPMC_MODIFY_: return meter_modify(br, mm);
	case OFPMC_DELETE_: return meter_delete(br, mm);
	}
	return OFPERR_MM_BAD_COMMAND;
}

void bridge_meters_free(struct bridge *br)
{
	struct backend *be = br->be;
	struct cds_list_head *last = be->meters.dying.prev, *n, *next;
	struct dying_meter *d;

	tables_meter_delete(br->tables, OFPM_ALL_, let_die, be);
	for (n = last->next; n != &be->meters.dying; n = next) {
		next = n->next;
		d = cds_list_entry(n, struct dying_meter, node);
		cds_list_del(n);
		if (!be->leaving)
			remove_now(be, d->dp_id);
		free(d);
	}
}

/* --- statistics --- */

void bridge_meter_features(const struct bridge *br, struct ofp_meter_features *f)
{
	const struct dp_meter_caps *caps = &br->be->meters.caps;

	*f = (struct ofp_meter_features){ .max_meter = caps->max_meters };
	if (!caps->max_meters)
		return;
	f->band_types = 1u << OFPMBT_DROP_;
	f->capabilities =
		OFPMF_KBPS_ | OFPMF_BURST_ | OFPMF_STATS_ | (caps->packets ? OFPMF_PKTPS_ : 0u);
	f->max_bands = (uint8_t)caps->max_bands;
}

void bridge_put_meter_stats(struct bridge *br, const struct meter *m, struct ofp_multipart *mp)
{
	struct ofp_band_stats bands[DP_METER_MAX_BANDS];
	struct ofp_meter_stats s = { .id = m->id,
				     .n_flows = m->n_flows,
				     .duration_ns = clock_mono_ns() - m->created_ns,
				     .bands = bands,
				     .n_bands = m->n_bands };
	struct dp_meter_stats st;

	read_meter(br->be, m->dp_id, &st);
	dp_meter_stats_add(&st, before(&br->be->meters, m->dp_id));
	offload_meter_add(br->be->dp, m->dp_id, &st);
	s.packets = st.packets;
	s.bytes = st.bytes;
	for (size_t i = 0; i < m->n_bands; i++)
		bands[i] = (struct ofp_band_stats){ st.bands[i].packets, st.bands[i].bytes };
	ofp_put_meter_stats(mp, &s);
}
