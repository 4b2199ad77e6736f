/* SPDX-License-Identifier: Apache-2.0 */
/* Meters that the tables know, and the flows that name them: OpenFlow 1.3.5 section 5.7. */
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/xalloc.h"
#include "ofproto/table/tables_private.h"

static unsigned long id_hash(uint32_t id)
{
	return (unsigned long)hash_u64(id, 0);
}

static int id_matches(struct cds_lfht_node *n, const void *key)
{
	return container_of(n, struct meter, node)->id == *(const uint32_t *)key;
}

static struct meter *meter_at(const struct cds_lfht_iter *it)
{
	struct cds_lfht_node *n = it->node;

	return n ? container_of(n, struct meter, node) : NULL;
}

struct meter *tables_meter(struct ofp_tables *t, uint32_t id)
{
	struct cds_lfht_iter it;

	cds_lfht_lookup(t->meters, id_hash(id), id_matches, &id, &it);
	return meter_at(&it);
}

void tables_count_meter(struct ofp_tables *t, const struct rule *r, int by)
{
	uint32_t id = ofpacts_meter(rule_actions_get(r));
	struct meter *m;

	if (!id)
		return;
	rcu_read_lock();
	m = tables_meter(t, id);
	if (m)
		m->n_flows += (uint32_t)by;
	rcu_read_unlock();
}

static struct meter *meter_new(const struct ofp_meter_mod *mm, uint32_t dp_id)
{
	struct meter *m = xzalloc(sizeof(*m) + mm->n_bands * sizeof(m->bands[0]));

	m->id = mm->id;
	m->dp_id = dp_id;
	m->flags = mm->flags;
	m->n_bands = mm->n_bands;
	m->created_ns = clock_mono_ns();
	if (mm->n_bands)
		memcpy(m->bands, mm->bands, mm->n_bands * sizeof(m->bands[0]));
	return m;
}

void tables_meter_put(struct ofp_tables *t, const struct ofp_meter_mod *mm, uint32_t dp_id)
{
	struct meter *m = meter_new(mm, dp_id), *old;
	struct cds_lfht_node *was;

	lock_take(&t->lock);
	rcu_read_lock();
	old = tables_meter(t, mm->id);
	if (old) {
		m->n_flows = old->n_flows;
		m->created_ns = old->created_ns;
	}
	was = cds_lfht_add_replace(t->meters, id_hash(m->id), id_matches, &m->id, &m->node);
	rcu_read_unlock();
	if (was)
		rcu_defer_free(container_of(was, struct meter, node));
	tables_changed(t);
	lock_give(&t->lock);
}

/* Flows that name the meter (OFPM_ALL_: any) go first, so that none is seen without. */
static void remove_flows(struct ofp_tables *t, uint32_t id) REQUIRES(&t->lock)
{
	struct rule_vec v = { NULL, 0, 0 };
	struct change c;
	struct rule *r;

	cds_list_for_each_entry (r, &t->meter_users, meter_link) {
		if (id == OFPM_ALL_ || ofpacts_meter(rule_actions_get(r)) == id)
			rule_vec_add(&v, r);
	}
	change_begin(&c, t);
	for (size_t i = 0; i < v.n; i++)
		change_remove(&c, v.r[i], OFPRR_DELETE_);
	change_commit(&c);
	rule_vec_done(&v);
}

static void drop(struct ofp_tables *t, struct meter *m, tables_meter_visit_fn *fn, void *aux)
	REQUIRES(&t->lock)
{
	(void)cds_lfht_del(t->meters, &m->node); /* it is in: see the lock */
	if (fn)
		(void)fn(m, aux); /* all of them, whatever it says */
	rcu_defer_free(m);
}

void tables_meter_delete(struct ofp_tables *t, uint32_t id, tables_meter_visit_fn *fn, void *aux)
{
	struct cds_lfht_iter it;
	struct meter *m;

	lock_take(&t->lock);
	remove_flows(t, id);
	rcu_read_lock();
	if (id != OFPM_ALL_) {
		m = tables_meter(t, id);
		if (m)
			drop(t, m, fn, aux);
	} else {
		for (cds_lfht_first(t->meters, &it); (m = meter_at(&it));
		     cds_lfht_next(t->meters, &it))
			drop(t, m, fn, aux);
	}
	rcu_read_unlock();
	tables_changed(t);
	lock_give(&t->lock);
}

void tables_meter_visit(struct ofp_tables *t, uint32_t id, tables_meter_visit_fn *fn, void *aux)
{
	struct cds_lfht_iter it;
	struct meter *m;

	rcu_read_lock();
	if (id != OFPM_ALL_) {
		m = tables_meter(t, id);
		if (m)
			(void)fn(m, aux); /* there is no next one to stop at */
	} else {
		cds_lfht_first(t->meters, &it);
		while ((m = meter_at(&it)) && fn(m, aux))
			cds_lfht_next(t->meters, &it);
	}
	rcu_read_unlock();
}
