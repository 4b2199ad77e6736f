/* SPDX-License-Identifier: Apache-2.0 */
/* Which rules a flow-mod or a statistics request means: OpenFlow 1.3.5 section 6.4 and 7.3.5.2. */
#include "ofproto/table/tables_private.h"

bool selection_hits(const struct selection *s, const struct rule *r)
{
	if (r->hidden != s->hidden || (r->cookie ^ s->cookie) & s->cookie_mask)
		return false;
	if (s->out_port.v != OFPP_NONE_ &&
	    !ofpacts_output_to_port(rule_actions_get(r), s->out_port))
		return false;
	return s->out_group == OFPG_ANY_ ||
	       ofpacts_output_to_group(rule_actions_get(r), s->out_group);
}

bool match_is_catchall(const struct match *m)
{
	return !flow_map_of(&m->mask);
}

static struct flow_table *table_of(struct ofp_tables *t, unsigned table)
{
	return table < TABLES_MAX ? rcu_dereference(t->tables[table]) : NULL;
}

struct rule *tables_find(struct ofp_tables *t, uint8_t table, const struct match *m,
			 int32_t priority)
{
	struct cls_rule *cr = NULL;
	struct flow_table *ft;

	/* A purge may take other rules out meanwhile. */
	rcu_read_lock();
	ft = table_of(t, table);
	if (ft)
		cr = classifier_find(ft->cls, m, priority, t->version);
	rcu_read_unlock();
	return cr ? container_of(cr, struct rule, cr) : NULL;
}

struct collecting {
	const struct selection *s;
	struct rule_vec *v;
};

static bool collect_one(struct cls_rule *cr, void *aux)
{
	struct collecting *c = aux;
	struct rule *r = container_of(cr, struct rule, cr);

	if (selection_hits(c->s, r))
		rule_vec_add(c->v, r);
	return true;
}

static void collect_strict(struct ofp_tables *t, uint8_t table, const struct selection *s,
			   struct rule_vec *v)
{
	int32_t priority = s->priority + (s->hidden ? RULE_HIDDEN_PRIORITY : 0);
	struct rule *r = tables_find(t, table, s->match, priority);

	if (r && selection_hits(s, r))
		rule_vec_add(v, r);
}

static void collect_by_cookie(struct ofp_tables *t, uint8_t table, const struct selection *s,
			      struct rule_vec *v)
{
	struct cookie_set *set = cookie_index_find(&t->cookies, s->cookie, table);
	bool all = match_is_catchall(s->match);
	struct rule *r;
	struct match m;

	if (!set)
		return;
	cds_list_for_each_entry (r, &set->rules, cookie_link) {
		if (!selection_hits(s, r))
			continue;
		if (!all)
			minimatch_expand(&r->cr.match, &m);
		if (all || match_within(&m, s->match))
			rule_vec_add(v, r);
	}
}

static void collect_table(struct ofp_tables *t, uint8_t table, const struct selection *s,
			  struct rule_vec *v)
{
	struct flow_table *ft = table_of(t, table);
	struct collecting c = { s, v };

	if (!ft)
		return;
	if (s->strict)
		collect_strict(t, table, s, v);
	else if (s->cookie_mask == UINT64_MAX && !s->hidden)
		collect_by_cookie(t, table, s, v);
	else
		classifier_visit(ft->cls, match_is_catchall(s->match) ? NULL : s->match, t->version,
				 collect_one, &c);
}

void selection_collect(struct ofp_tables *t, const struct selection *s, struct rule_vec *v)
{
	rcu_read_lock();
	if (s->table != OFPTT_ALL_) {
		collect_table(t, s->table, s, v);
	} else {
		for (unsigned i = 0; i < TABLES_MAX; i++)
			collect_table(t, (uint8_t)i, s, v);
	}
	rcu_read_unlock();
}
