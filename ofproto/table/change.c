/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/table/tables_private.h"

#include <stdlib.h>

#include "core/base/xalloc.h"

void rule_vec_add(struct rule_vec *v, struct rule *r)
{
	if (v->n == v->cap)
		v->r = xgrow(v->r, &v->cap, v->n + 1, sizeof(*v->r));
	v->r[v->n++] = r;
}

void rule_vec_done(struct rule_vec *v)
{
	free(v->r);
	*v = (struct rule_vec){ NULL, 0, 0 };
}

/* --- what rules hang on while they are in --- */

struct counting {
	struct ofp_tables *t;
	int32_t by;
};

static bool count_one(uint32_t id, void *aux)
{
	const struct counting *k = aux;
	struct group *g;

	rcu_read_lock();
	g = tables_group(k->t, id);
	if (g)
		g->ref_count += (uint32_t)k->by;
	rcu_read_unlock();
	return true;
}

static void count_group(struct ofp_tables *t, struct rule *r, int32_t by)
{
	struct counting k = { t, by };

	(void)ofpacts_each_group(rule_actions_get(r), count_one, &k); /* never stops */
}

static void attach_learners(struct ofp_tables *t, const struct rule *r)
{
	const struct ofpact_learn *l;
	const struct ofpact *a = NULL;

	while ((l = ofpacts_next_learn_delete(rule_actions_get(r), &a)))
		cookie_index_add_learner(&t->cookies, l->cookie, l->table);
}

/* Rules that nobody is left to learn anew go with their last learner. */
static void detach_learners(struct change *c, const struct rule *r)
{
	const struct ofpact_learn *l;
	const struct ofpact *a = NULL;

	while ((l = ofpacts_next_learn_delete(rule_actions_get(r), &a))) {
		struct cookie_set *s =
			cookie_index_remove_learner(&c->t->cookies, l->cookie, l->table);
		struct rule *orphan;

		if (!s)
			continue;
		cds_list_for_each_entry (orphan, &s->rules, cookie_link) {
			rule_vec_add(&c->orphans, orphan);
		}
	}
}

static void schedule(struct ofp_tables *t, struct rule *r)
{
	uint64_t hard = rule_hard_due_ns(r), idle = rule_idle_due_ns(r);

	if (MIN(hard, idle) != UINT64_MAX)
		wheel_add(&t->wheel, &r->expirable, MIN(hard, idle));
}

static void attach(struct change *c, struct rule *r)
{
	struct ofp_tables *t = c->t;
	struct flow_table *ft = tables_get(t, r->table);

	classifier_insert(ft->cls, &r->cr, c->version);
	schedule(t, r);
	if (r->deletes_learned)
		attach_learners(t, r);
	if (r->uses_groups) {
		cds_list_add_tail(&r->group_link, &t->group_users);
		count_group(t, r, 1);
	}
	if (r->uses_meter) {
		cds_list_add_tail(&r->meter_link, &t->meter_users);
		tables_count_meter(t, r, 1);
	}
	if (!r->hidden) {
		cookie_index_add(&t->cookies, r);
		ft->n++;
		t->n_rules++;
	}
	c->dirty = true;
}

static void detach(struct change *c, struct rule *r)
{
	struct ofp_tables *t = c->t;

	cls_rule_hide(&r->cr, c->version);
	r->removed = true;
	wheel_remove(&t->wheel, &r->expirable);
	if (!r->hidden) {
		cookie_index_remove(&t->cookies, r);
		t->tables[r->table]->n--;
		t->n_rules--;
	}
	if (r->uses_groups) {
		cds_list_del(&r->group_link);
		count_group(t, r, -1);
	}
	if (r->uses_meter) {
		cds_list_del(&r->meter_link);
		tables_count_meter(t, r, -1);
	}
	if (r->deletes_learned)
		detach_learners(c, r);
	rule_vec_add(&c->gone, r);
	c->dirty = true;
}

/* --- a change --- */

void change_begin(struct change *c, struct ofp_tables *t)
{
	*c = (struct change){ .t = t, .version = t->version + 1, .now_ns = clock_mono_ns() };
}

void change_insert(struct change *c, struct rule *r)
{
	attach(c, r);
	c->n_touched++;
}

void change_replace(struct change *c, struct rule *old, struct rule *new_rule)
{
	/* First in, then out: a set of learned rules keeps a learner. */
	attach(c, new_rule);
	detach(c, old);
	c->n_touched++;
}

void change_remove(struct change *c, struct rule *r, enum ofp_removed_reason reason)
{
	if (r->removed)
		return;
	detach(c, r);
	c->n_touched++;
	if (!r->hidden && !c->quiet && c->t->ops && c->t->ops->removed)
		c->t->ops->removed(c->t->ctx, r, reason);
}

struct purge {
	struct ofp_tables *t; /* referenced */
	struct rule_vec gone; /* the tables' references */
};

static void purge(void *arg)
{
	struct purge *p = arg;

	for (size_t i = 0; i < p->gone.n; i++) {
		classifier_remove(p->t->tables[p->gone.r[i]->table]->cls, &p->gone.r[i]->cr);
		rule_unref(p->gone.r[i]);
	}
	rule_vec_done(&p->gone);
	tables_unref(p->t);
	free(p);
}

static void purge_later(struct change *c)
{
	struct purge *p;

	if (!c->gone.n)
		return;
	p = xmalloc(sizeof(*p));
	tables_ref(c->t);
	*p = (struct purge){ c->t, c->gone };
	c->gone = (struct rule_vec){ NULL, 0, 0 };
	rcu_defer(purge, p);
}

static void remove_orphans(struct change *c)
{
	/* Removing one may make more. */
	for (size_t i = 0; i < c->orphans.n; i++)
		change_remove(c, c->orphans.r[i], OFPRR_DELETE_);
	rule_vec_done(&c->orphans);
}

void change_commit(struct change *c)
{
	struct ofp_tables *t = c->t;

	remove_orphans(c);
	if (!c->dirty)
		return;
	t->version = c->version;
	purge_later(c);
	tables_changed(t);
}
