/* SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>
#include <stdlib.h>

#include "core/base/xalloc.h"
#include "ofproto/table/tables_private.h"

#define AGAIN_NS (100 * NSEC_PER_MSEC) /* when counters may have come meanwhile */

struct ofp_tables *tables_new(const struct tables_ops *ops, void *ctx)
{
	struct ofp_tables *t = xzalloc(sizeof(*t));

	lock_init(&t->lock);
	t->ops = ops;
	t->ctx = ctx;
	t->refs = 1;
	t->version = CLS_VERSION_MIN;
	t->seq = 1;
	t->max_rules = TABLES_RULES_MAX;
	wheel_init(&t->wheel, clock_mono_ns());
	cookie_index_init(&t->cookies);
	CDS_INIT_LIST_HEAD(&t->group_users);
	CDS_INIT_LIST_HEAD(&t->meter_users);
	CDS_INIT_LIST_HEAD(&t->chained_groups);
	t->groups = cds_lfht_new(16, 16, 0, CDS_LFHT_AUTO_RESIZE, NULL);
	t->meters = cds_lfht_new(16, 16, 0, CDS_LFHT_AUTO_RESIZE, NULL);
	return t;
}

static void destroy(struct ofp_tables *t)
{
	for (unsigned i = 0; i < TABLES_MAX; i++) {
		if (!t->tables[i])
			continue;
		classifier_free(t->tables[i]->cls);
		free(t->tables[i]);
	}
	(void)cds_lfht_destroy(t->groups, NULL); /* empty: tables_free() saw to it */
	(void)cds_lfht_destroy(t->meters, NULL);
	cookie_index_done(&t->cookies);
	lock_done(&t->lock);
	free(t);
}

void tables_ref(struct ofp_tables *t)
{
	atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
}

void tables_unref(struct ofp_tables *t)
{
	if (atomic_fetch_sub(&t->refs, 1) == 1)
		destroy(t);
}

static void unref_later(void *t)
{
	tables_unref(t);
}

void tables_free(struct ofp_tables *t)
{
	if (!t)
		return;
	t->ops = NULL;
	tables_flush(t, false);
	(void)tables_group_mod(t, &(struct ofp_group_mod){ .command = OFPGC_DELETE_,
							   .id = OFPG_ALL_ }); /* cannot fail */
	tables_meter_delete(t, OFPM_ALL_, NULL, NULL);
	rcu_defer(unref_later, t);
}

struct flow_table *tables_get(struct ofp_tables *t, uint8_t table)
{
	struct flow_table *ft = t->tables[table];

	if (ft)
		return ft;
	ft = xzalloc(sizeof(*ft));
	ft->cls = classifier_new();
	rcu_assign_pointer(t->tables[table], ft);
	return ft;
}

void tables_changed(struct ofp_tables *t)
{
	t->seq++;
	if (t->ops && t->ops->changed)
		t->ops->changed(t->ctx);
}

uint64_t tables_version(const struct ofp_tables *t)
{
	return t->version;
}

uint64_t tables_seq(const struct ofp_tables *t)
{
	return t->seq;
}

struct rule *tables_lookup(struct ofp_tables *t, uint8_t table, uint64_t version,
			   const struct flow_key *key, struct flow_key *mask, bool count)
{
	const struct cls_rule *cr = NULL;
	struct flow_table *ft;

	if (table >= TABLES_MAX)
		return NULL;
	ft = rcu_dereference(t->tables[table]);
	if (ft && classifier_n_soft(ft->cls))
		cr = conjunctive_lookup(ft->cls, version, key, mask);
	else if (ft)
		cr = classifier_lookup(ft->cls, version, key, mask);
	if (count)
		tables_credit(t, table, cr != NULL, 1);
	return cr ? rule_of_cls(cr) : NULL;
}

void tables_credit(struct ofp_tables *t, uint8_t table, bool matched, uint64_t n)
{
	struct table_counters *k;

	if (table >= TABLES_MAX)
		return;
	k = &t->counters[table];
	atomic_fetch_add_explicit(&k->lookups, n, memory_order_relaxed);
	if (matched)
		atomic_fetch_add_explicit(&k->matched, n, memory_order_relaxed);
}

static void expire_one(struct wheel_entry *e, void *aux)
{
	struct rule *r = container_of(e, struct rule, expirable);
	uint64_t hard = rule_hard_due_ns(r), idle = rule_idle_due_ns(r);
	struct change *c = aux;

	if (hard <= c->now_ns)
		change_remove(c, r, OFPRR_HARD_TIMEOUT_);
	else if (idle <= MIN(c->now_ns, c->counted_ns))
		change_remove(c, r, OFPRR_IDLE_TIMEOUT_);
	else /* used, or learned anew, since it was put in; or it is not known yet whether it was */
		wheel_add(&c->t->wheel, &r->expirable, MIN(hard, MAX(idle, c->now_ns + AGAIN_NS)));
}

static bool is_shorter(uint16_t want, uint16_t is)
{
	return want && (!is || want < is);
}

void tables_shorten(struct rule *r, uint16_t idle, uint16_t hard)
{
	struct ofp_tables *t = r->tables;

	if (!is_shorter(idle, r->idle_timeout) && !is_shorter(hard, r->hard_timeout))
		return;
	lock_take(&t->lock);
	if (is_shorter(idle, r->idle_timeout))
		r->idle_timeout = idle;
	if (is_shorter(hard, r->hard_timeout))
		r->hard_timeout = hard;
	if (!r->removed) {
		wheel_remove(&t->wheel, &r->expirable);
		wheel_add(&t->wheel, &r->expirable, MIN(rule_hard_due_ns(r), rule_idle_due_ns(r)));
	}
	lock_give(&t->lock);
}

uint64_t tables_expire(struct ofp_tables *t, uint64_t now_ns, uint64_t counted_ns)
{
	struct change c;
	uint64_t next;

	lock_take(&t->lock);
	change_begin(&c, t);
	c.now_ns = now_ns;
	c.counted_ns = counted_ns;
	wheel_expire(&t->wheel, now_ns, expire_one, &c);
	change_commit(&c);
	next = wheel_next_ns(&t->wheel);
	lock_give(&t->lock);
	return next;
}

static bool flush_one(struct cls_rule *cr, void *aux)
{
	rule_vec_add(aux, container_of(cr, struct rule, cr));
	return true;
}

static void flush_locked(struct ofp_tables *t, bool keep_hidden) REQUIRES(&t->lock)
{
	struct rule_vec all = { NULL, 0, 0 };
	struct change c;

	change_begin(&c, t);
	c.quiet = true;
	rcu_read_lock();
	for (unsigned i = 0; i < TABLES_MAX; i++)
		if (t->tables[i])
			classifier_visit(t->tables[i]->cls, NULL, t->version, flush_one, &all);
	rcu_read_unlock();
	for (size_t i = 0; i < all.n; i++)
		if (!all.r[i]->hidden || !keep_hidden)
			change_remove(&c, all.r[i], OFPRR_DELETE_);
	rule_vec_done(&all);
	change_commit(&c);
}

void tables_flush(struct ofp_tables *t, bool keep_hidden)
{
	lock_take(&t->lock);
	flush_locked(t, keep_hidden);
	lock_give(&t->lock);
}

size_t tables_n_rules(const struct ofp_tables *t)
{
	return t->n_rules;
}

void tables_set_limit(struct ofp_tables *t, uint32_t max_rules)
{
	lock_take(&t->lock);
	t->max_rules = max_rules;
	lock_give(&t->lock);
}
