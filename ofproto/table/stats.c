/* SPDX-License-Identifier: Apache-2.0 */
/* Flow, aggregate and table statistics: OpenFlow 1.3.5 sections 7.3.5.2 to 7.3.5.4. */
#include <stdio.h>

#include "core/base/clock.h"
#include "ofproto/table/tables_private.h"

struct visiting {
	const struct selection *s;
	tables_visit_fn *fn;
	void *aux;
	bool stopped;
};

static bool visit_one(struct cls_rule *cr, void *aux)
{
	struct visiting *v = aux;
	struct rule *r = container_of(cr, struct rule, cr);

	if (selection_hits(v->s, r))
		v->stopped = !v->fn(r, v->aux);
	return !v->stopped;
}

static void visit_table(struct ofp_tables *t, uint8_t table, struct visiting *v)
{
	struct flow_table *ft = table < TABLES_MAX ? rcu_dereference(t->tables[table]) : NULL;
	const struct match *m = match_is_catchall(v->s->match) ? NULL : v->s->match;

	if (ft)
		classifier_visit(ft->cls, m, t->version, visit_one, v);
}

/* The index of cookies is the writer's: takes what it needs from it, then visits without the lock,
 * so that fn may change the tables. */
static void visit_by_cookie(struct ofp_tables *t, const struct selection *s, tables_visit_fn *fn,
			    void *aux)
{
	struct rule_vec v = { NULL, 0, 0 };
	size_t i = 0;

	lock_take(&t->lock);
	selection_collect(t, s, &v);
	for (size_t j = 0; j < v.n; j++)
		rule_ref(v.r[j]);
	lock_give(&t->lock);
	rcu_read_lock();
	while (i < v.n && fn(v.r[i], aux))
		i++;
	rcu_read_unlock();
	for (size_t j = 0; j < v.n; j++)
		rule_unref(v.r[j]);
	rule_vec_done(&v);
}

void tables_visit(struct ofp_tables *t, const struct ofp_flow_stats_request *req,
		  tables_visit_fn *fn, void *aux)
{
	const struct selection s = {
		.match = &req->match,
		.table = req->table,
		.cookie = req->cookie,
		.cookie_mask = req->cookie_mask,
		.out_port = req->out_port,
		.out_group = req->out_group,
	};
	struct visiting v = { .s = &s, .fn = fn, .aux = aux };
	unsigned first = req->table == OFPTT_ALL_ ? 0 : req->table;
	unsigned last = req->table == OFPTT_ALL_ ? TABLES_MAX - 1 : req->table;

	if (s.cookie_mask == UINT64_MAX) {
		visit_by_cookie(t, &s, fn, aux);
		return;
	}
	rcu_read_lock();
	for (unsigned i = first; i <= last && !v.stopped; i++)
		visit_table(t, (uint8_t)i, &v);
	rcu_read_unlock();
}

static uint64_t age_s(uint64_t now_ns, uint64_t since_ns)
{
	return now_ns > since_ns ? (now_ns - since_ns) / NSEC_PER_SEC : 0;
}

void tables_rule_stats(const struct rule *r, struct ofp_flow_stats *fs)
{
	uint64_t now = clock_mono_ns(), used = r->stats->used_ns;

	fs->table = r->table;
	fs->priority = rule_priority(r);
	fs->idle_timeout = r->idle_timeout;
	fs->hard_timeout = r->hard_timeout;
	fs->flags = r->flags;
	fs->cookie = r->cookie;
	fs->duration_ns = now - r->created_ns;
	fs->packets = r->stats->packets;
	fs->bytes = r->stats->bytes;
	fs->idle_age_s = age_s(now, MAX(used, r->created_ns));
	fs->hard_age_s = age_s(now, r->modified_ns);
	minimatch_expand(&r->cr.match, &fs->match);
	fs->actions = rule_actions_get(r);
}

struct sum {
	uint64_t packets, bytes;
	uint32_t flows;
};

static bool add_up(struct rule *r, void *aux)
{
	struct sum *s = aux;

	s->packets += r->stats->packets;
	s->bytes += r->stats->bytes;
	s->flows++;
	return true;
}

void tables_aggregate(struct ofp_tables *t, const struct ofp_flow_stats_request *req,
		      uint64_t *packets, uint64_t *bytes, uint32_t *flows)
{
	struct sum s = { 0, 0, 0 };

	tables_visit(t, req, add_up, &s);
	*packets = s.packets;
	*bytes = s.bytes;
	*flows = s.flows;
}

void tables_table_stats(struct ofp_tables *t, uint8_t table, struct ofp_table_stats *ts)
{
	const struct flow_table *ft;

	*ts = (struct ofp_table_stats){ .table = table };
	if (table >= TABLES_MAX)
		return;
	/* No name: tables that have none of their own print as numbers. */
	rcu_read_lock();
	ft = rcu_dereference(t->tables[table]);
	ts->active = ft ? ft->n : 0;
	rcu_read_unlock();
	lock_take(&t->lock);
	ts->max_entries = t->max_rules;
	lock_give(&t->lock);
	ts->lookups = t->counters[table].lookups;
	ts->matched = t->counters[table].matched;
}

void tables_group_stats(const struct group *g, struct ofp_group_stats *gs,
			struct ofp_bucket_stats *buckets)
{
	const struct group_stats *s = g->stats;

	for (uint32_t i = 0; i < g->n_buckets; i++)
		buckets[i] =
			(struct ofp_bucket_stats){ s->buckets[i].packets, s->buckets[i].bytes };
	*gs = (struct ofp_group_stats){
		.id = g->id,
		.ref_count = g->ref_count,
		.packets = s->packets,
		.bytes = s->bytes,
		.duration_ns = clock_mono_ns() - g->created_ns,
		.buckets = buckets,
		.n_buckets = g->n_buckets,
	};
}
