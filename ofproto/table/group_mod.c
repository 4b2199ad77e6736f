/* SPDX-License-Identifier: Apache-2.0 */
/* Group-mods: OpenFlow 1.3.5 section 6.7. */
#include <stdlib.h>

#include "core/base/hash.h"
#include "core/base/xalloc.h"
#include "ofproto/table/tables_private.h"

static unsigned long id_hash(uint32_t id)
{
	return (unsigned long)hash_u64(id, 0);
}

static int id_matches(struct cds_lfht_node *n, const void *key)
{
	return container_of(n, struct group, node)->id == *(const uint32_t *)key;
}

static struct group *group_at(const struct cds_lfht_iter *it)
{
	struct cds_lfht_node *n = it->node;

	return n ? container_of(n, struct group, node) : NULL;
}

struct group *tables_group(struct ofp_tables *t, uint32_t id)
{
	struct cds_lfht_iter it;

	cds_lfht_lookup(t->groups, id_hash(id), id_matches, &id, &it);
	return group_at(&it);
}

static void unref_later(void *g)
{
	group_unref(g);
}

/* --- chains of groups --- */

struct search {
	struct ofp_tables *t;
	uint32_t goal;
	uint64_t mark;
	struct group **todo; /* owned array */
	size_t n, cap;
	bool missing, found;
};

static void come_by(uint32_t id, void *aux)
{
	struct search *s = aux;
	struct group *g = tables_group(s->t, id);

	if (id == s->goal) {
		s->found = true;
		return;
	}
	if (!g) {
		s->missing = true;
		return;
	}
	if (g->mark == s->mark)
		return;
	g->mark = s->mark;
	if (s->n == s->cap)
		s->todo = xgrow(s->todo, &s->cap, s->n + 1, sizeof(struct group *));
	s->todo[s->n++] = g;
}

/* Everything that g forwards to or watches is there, and nothing leads back to g.  No loop can
 * come about but through the group that changes. */
static enum ofperr check_chains(struct ofp_tables *t, const struct group *g)
{
	struct search s = { .t = t, .goal = g->id, .mark = ++t->group_mark };
	enum ofperr e = OFPERR_OK;

	if (!g->chained)
		return OFPERR_OK;
	rcu_read_lock();
	group_each_group(g, false, come_by, &s);
	if (s.missing)
		e = OFPERR_BAD_OUT_GROUP;
	group_each_group(g, true, come_by, &s);
	if (s.missing && !e)
		e = OFPERR_GM_BAD_WATCH;
	while (!e && !s.found && s.n)
		group_each_group(s.todo[--s.n], true, come_by, &s);
	rcu_read_unlock();
	free(s.todo);
	return s.found ? OFPERR_GM_LOOP : e;
}

struct counting {
	struct ofp_tables *t;
	uint32_t by;
};

static void count_one(uint32_t id, void *aux)
{
	const struct counting *k = aux;
	struct group *g = tables_group(k->t, id);

	if (g)
		g->ref_count += k->by;
}

static void link_chain(struct ofp_tables *t, struct group *g)
{
	struct counting k = { t, 1 };

	if (!g->chained)
		return;
	cds_list_add_tail(&g->chained_link, &t->chained_groups);
	group_each_group(g, false, count_one, &k);
}

static void unlink_chain(struct ofp_tables *t, struct group *g)
{
	struct counting k = { t, UINT32_MAX }; /* minus one */

	if (!g->chained)
		return;
	cds_list_del(&g->chained_link);
	group_each_group(g, false, count_one, &k);
}

struct tally {
	uint32_t id, n;
};

static void tally_one(uint32_t id, void *aux)
{
	struct tally *k = aux;

	k->n += id == k->id;
}

/* Buckets that kept naming a group while it was deleted. */
static uint32_t dangling_refs(struct ofp_tables *t, uint32_t id)
{
	struct tally k = { id, 0 };
	const struct group *g;

	cds_list_for_each_entry (g, &t->chained_groups, chained_link) {
		group_each_group(g, false, tally_one, &k);
	}
	return k.n;
}

/* --- commands --- */

static enum ofperr group_add(struct ofp_tables *t, const struct ofp_group_mod *gm)
	REQUIRES(&t->lock)
{
	enum ofperr e = group_check(gm);
	struct group *g;

	if (e)
		return e;
	if (tables_group(t, gm->id))
		return OFPERR_GM_GROUP_EXISTS;
	if (t->n_groups >= GROUPS_MAX)
		return OFPERR_GM_OUT_OF_GROUPS;
	g = group_new(gm, NULL, clock_mono_ns());
	e = check_chains(t, g);
	if (e) {
		group_unref(g);
		return e;
	}
	g->ref_count = dangling_refs(t, g->id);
	cds_lfht_add(t->groups, id_hash(g->id), &g->node);
	link_chain(t, g);
	t->n_groups++;
	tables_changed(t);
	return OFPERR_OK;
}

static enum ofperr group_modify(struct ofp_tables *t, const struct ofp_group_mod *gm)
	REQUIRES(&t->lock)
{
	enum ofperr e = group_check(gm);
	struct group *old, *g;

	if (e)
		return e;
	old = tables_group(t, gm->id);
	if (!old)
		return OFPERR_GM_UNKNOWN_GROUP;
	g = group_new(gm, old, clock_mono_ns());
	e = check_chains(t, g);
	if (e) {
		group_unref(g);
		return e;
	}
	g->ref_count = old->ref_count;
	unlink_chain(t, old);
	/* Cannot fail: only the lock's holder takes nodes out. */
	(void)cds_lfht_add_replace(t->groups, id_hash(g->id), id_matches, &g->id, &g->node);
	link_chain(t, g);
	rcu_defer(unref_later, old);
	tables_changed(t);
	return OFPERR_OK;
}

/* Flows that forward to the group (OFPG_ALL_: to any) go first, so that none is seen without. */
static void remove_flows(struct ofp_tables *t, uint32_t id) REQUIRES(&t->lock)
{
	struct rule_vec v = { NULL, 0, 0 };
	struct change c;
	struct rule *r;

	cds_list_for_each_entry (r, &t->group_users, group_link) {
		if (id == OFPG_ALL_ || ofpacts_output_to_group(rule_actions_get(r), id))
			rule_vec_add(&v, r);
	}
	change_begin(&c, t);
	for (size_t i = 0; i < v.n; i++)
		change_remove(&c, v.r[i], OFPRR_GROUP_DELETE_);
	change_commit(&c);
	rule_vec_done(&v);
}

static void drop(struct ofp_tables *t, struct group *g) REQUIRES(&t->lock)
{
	unlink_chain(t, g);
	(void)cds_lfht_del(t->groups, &g->node); /* it is in: see the lock */
	t->n_groups--;
	rcu_defer(unref_later, g);
}

static enum ofperr group_delete(struct ofp_tables *t, const struct ofp_group_mod *gm)
	REQUIRES(&t->lock)
{
	struct group *g = gm->id == OFPG_ALL_ ? NULL : tables_group(t, gm->id);
	struct cds_lfht_iter it;

	if (gm->id != OFPG_ALL_ && gm->id > OFPG_MAX_)
		return OFPERR_GM_INVALID_GROUP;
	if (gm->id == OFPG_ALL_ ? !t->n_groups : !g)
		return OFPERR_OK;
	if (!g || g->ref_count)
		remove_flows(t, gm->id);
	if (g) {
		drop(t, g);
	} else {
		for (cds_lfht_first(t->groups, &it); (g = group_at(&it));
		     cds_lfht_next(t->groups, &it))
			drop(t, g);
	}
	tables_changed(t);
	return OFPERR_OK;
}

enum ofperr tables_group_mod(struct ofp_tables *t, const struct ofp_group_mod *gm)
{
	enum ofperr e = OFPERR_GM_BAD_COMMAND;

	lock_take(&t->lock);
	rcu_read_lock();
	if (gm->command == OFPGC_ADD_)
		e = group_add(t, gm);
	else if (gm->command == OFPGC_ADD_OR_MODIFY_)
		e = tables_group(t, gm->id) ? group_modify(t, gm) : group_add(t, gm);
	else if (gm->command == OFPGC_MODIFY_)
		e = group_modify(t, gm);
	else if (gm->command == OFPGC_DELETE_)
		e = group_delete(t, gm);
	rcu_read_unlock();
	lock_give(&t->lock);
	return e;
}

void tables_group_visit(struct ofp_tables *t, uint32_t id, tables_group_visit_fn *fn, void *aux)
{
	struct cds_lfht_iter it;
	struct group *g;

	rcu_read_lock();
	if (id != OFPG_ALL_) {
		g = tables_group(t, id);
		if (g)
			(void)fn(g, aux); /* there is no next one to stop at */
	} else {
		cds_lfht_first(t->groups, &it);
		while ((g = group_at(&it)) && fn(g, aux))
			cds_lfht_next(t->groups, &it);
	}
	rcu_read_unlock();
}
