/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/table/rule.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "core/base/xalloc.h"

static void stats_unref(struct rule_stats *s)
{
	if (atomic_fetch_sub(&s->refs, 1) == 1)
		free(s);
}

static void rule_free(void *arg)
{
	struct rule *r = arg;

	cls_rule_done(&r->cr);
	stats_unref(r->stats);
	free(r->actions);
	free(r);
}

struct rule *rule_ref(struct rule *r)
{
	atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
	return r;
}

void rule_unref(struct rule *r)
{
	if (r && atomic_fetch_sub(&r->refs, 1) == 1)
		rcu_defer(rule_free, r);
}

void rule_credit(struct rule *r, uint64_t packets, uint64_t bytes, uint64_t used_ns)
{
	struct rule_stats *s = r->stats;
	uint64_t used = s->used_ns;

	atomic_fetch_add_explicit(&s->packets, packets, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->bytes, bytes, memory_order_relaxed);
	while (used < used_ns && !atomic_compare_exchange_weak(&s->used_ns, &used, used_ns))
		;
}

uint64_t rule_hard_due_ns(const struct rule *r)
{
	return r->hard_timeout ? r->modified_ns + r->hard_timeout * NSEC_PER_SEC : UINT64_MAX;
}

uint64_t rule_idle_due_ns(const struct rule *r)
{
	uint64_t used = r->stats->used_ns;

	return r->idle_timeout ? MAX(used, r->created_ns) + r->idle_timeout * NSEC_PER_SEC
			       : UINT64_MAX;
}

bool ofpacts_each_group(struct ofpacts l, ofpacts_group_fn *fn, void *aux)
{
	const struct ofpact *a;

	OFPACT_FOR_EACH_FLATTENED (a, l) {
		const struct ofpact_group *g = ofpact_payload(a);

		if (a->kind == OFPACT_GROUP && !fn(g->id, aux))
			return false;
	}
	return true;
}

bool ofpacts_conjoin(struct ofpacts l)
{
	const struct ofpact *a;

	OFPACT_FOR_EACH (a, l) {
		if (a->kind == OFPACT_CONJUNCTION)
			return true;
	}
	return false;
}

uint32_t ofpacts_meter(struct ofpacts l)
{
	const struct ofpact *a = ofpact_first(l); /* of the instructions it is the first */

	return a && a->kind == OFPACT_METER ? ((const struct ofpact_u32 *)ofpact_payload(a))->v : 0;
}

const struct ofpact_learn *ofpacts_next_learn_delete(struct ofpacts l, const struct ofpact **a)
{
	for (*a = *a ? ofpact_next_flattened(l, *a) : ofpact_first(l); *a;
	     *a = ofpact_next_flattened(l, *a)) {
		const struct ofpact_learn *learn = ofpact_payload(*a);

		if ((*a)->kind == OFPACT_LEARN && learn->flags & OFPACT_LEARN_DELETE)
			return learn;
	}
	return NULL;
}

static struct rule_actions *copy_actions(struct ofpacts l)
{
	struct rule_actions *a;

	if (!l.len)
		return NULL;
	a = xmalloc(sizeof(*a) + l.len);
	a->len = l.len;
	a->pad = 0;
	memcpy(a->data, l.data, l.len);
	return a;
}

static bool stop_at_first(uint32_t group UNUSED, void *aux UNUSED)
{
	return false;
}

/* What every rule has, however it comes about. */
static struct rule *make(struct ofp_tables *t, uint8_t table, struct ofpacts actions,
			 uint64_t now_ns)
{
	struct rule *r = xzalloc(sizeof(*r));
	const struct ofpact *a = NULL;

	r->refs = 1;
	r->tables = t;
	r->table = table;
	r->created_ns = now_ns;
	r->modified_ns = now_ns;
	r->actions = copy_actions(actions);
	r->uses_groups = !ofpacts_each_group(actions, stop_at_first, NULL);
	r->uses_meter = ofpacts_meter(actions) != 0;
	r->deletes_learned = ofpacts_next_learn_delete(actions, &a) != NULL;
	r->stats = xzalloc(sizeof(*r->stats));
	r->stats->refs = 1;
	return r;
}

struct rule *rule_new(struct ofp_tables *t, uint8_t table, const struct ofp_flow_mod *fm,
		      bool hidden, uint64_t now_ns)
{
	struct rule *r = make(t, table, fm->actions, now_ns);

	cls_rule_init(&r->cr, &fm->match, fm->priority + (hidden ? RULE_HIDDEN_PRIORITY : 0));
	r->cr.soft = ofpacts_conjoin(fm->actions);
	r->hidden = hidden;
	r->flags = fm->flags;
	r->idle_timeout = fm->idle_timeout;
	r->hard_timeout = fm->hard_timeout;
	r->cookie = fm->cookie;
	return r;
}

struct rule *rule_modified(const struct rule *old, const struct ofp_flow_mod *fm, uint64_t now_ns)
{
	struct rule *r = make(old->tables, old->table, fm->actions, now_ns);
	struct match m;

	minimatch_expand(&old->cr.match, &m);
	cls_rule_init(&r->cr, &m, old->cr.priority);
	r->cr.soft = ofpacts_conjoin(fm->actions);
	r->hidden = old->hidden;
	r->flags = old->flags;
	r->idle_timeout = old->idle_timeout;
	r->hard_timeout = old->hard_timeout;
	r->cookie = fm->set_cookie ? fm->cookie : old->cookie;
	r->created_ns = old->created_ns;
	if (!(fm->flags & OFPFF_RESET_COUNTS_))
		rule_share_stats(r, old);
	return r;
}

void rule_share_stats(struct rule *r, const struct rule *old)
{
	stats_unref(r->stats);
	r->stats = old->stats;
	atomic_fetch_add_explicit(&r->stats->refs, 1, memory_order_relaxed);
}
