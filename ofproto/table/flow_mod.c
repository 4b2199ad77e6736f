/* SPDX-License-Identifier: Apache-2.0 */
/* Flow-mods: OpenFlow 1.0 section 4.6, OpenFlow 1.3.5 section 6.4. */

#include "ofproto/table/tables_private.h"

/* --- what an action list refers to --- */

static bool group_exists(uint32_t id, void *aux)
{
	bool found;

	rcu_read_lock();
	found = tables_group(aux, id) != NULL;
	rcu_read_unlock();
	return found;
}

enum ofperr tables_check_groups(struct ofp_tables *t, struct ofpacts l)
{
	return ofpacts_each_group(l, group_exists, t) ? OFPERR_OK : OFPERR_BAD_OUT_GROUP;
}

static enum ofperr check_meter(struct ofp_tables *t, struct ofpacts l)
{
	uint32_t id = ofpacts_meter(l);
	bool found;

	if (!id)
		return OFPERR_OK;
	rcu_read_lock();
	found = tables_meter(t, id);
	rcu_read_unlock();
	return found ? OFPERR_OK : OFPERR_MM_INVALID_METER;
}

/* --- add --- */

static enum ofperr check_add(struct change *c, uint8_t table, const struct ofp_flow_mod *fm,
			     const struct rule *old, bool hidden)
{
	struct ofp_tables *t = c->t;
	int32_t priority = fm->priority + (hidden ? RULE_HIDDEN_PRIORITY : 0);
	bool overlaps;

	/* OpenFlow 1.0's emergency table is not there, so it is always full. */
	if (fm->flags & OFPFF_EMERG_)
		return fm->idle_timeout || fm->hard_timeout ? OFPERR_FM_BAD_EMERG_TIMEOUT
							    : OFPERR_FM_TABLE_FULL;
	/* What is replaced adds no overlap that was not there. */
	if (!old && fm->flags & OFPFF_CHECK_OVERLAP_ && t->tables[table]) {
		rcu_read_lock();
		overlaps = classifier_overlaps(t->tables[table]->cls, &fm->match, priority,
					       t->version);
		rcu_read_unlock();
		if (overlaps)
			return OFPERR_FM_OVERLAP;
	}
	return !old && !hidden && t->n_rules >= t->max_rules ? OFPERR_FM_TABLE_FULL : OFPERR_OK;
}

static enum ofperr flow_add(struct change *c, const struct ofp_flow_mod *fm, bool hidden)
{
	int32_t priority = fm->priority + (hidden ? RULE_HIDDEN_PRIORITY : 0);
	uint8_t table = fm->table == OFPTT_ALL_ ? 0 : fm->table;
	struct rule *old = tables_find(c->t, table, &fm->match, priority);
	enum ofperr e = check_add(c, table, fm, old, hidden);
	struct rule *r;

	if (e)
		return e;
	r = rule_new(c->t, table, fm, hidden, c->now_ns);
	if (!old) {
		change_insert(c, r);
		return OFPERR_OK;
	}
	if (!(fm->flags & OFPFF_RESET_COUNTS_))
		rule_share_stats(r, old);
	change_replace(c, old, r);
	return OFPERR_OK;
}

/* --- modify and delete --- */

static struct selection selection_of(const struct ofp_flow_mod *fm, bool hidden)
{
	bool delete = fm->command == OFPFC_DELETE_ || fm->command == OFPFC_DELETE_STRICT_;

	return (struct selection){
		.match = &fm->match,
		.table = fm->table,
		.strict =
			fm->command == OFPFC_MODIFY_STRICT_ || fm->command == OFPFC_DELETE_STRICT_,
		.hidden = hidden,
		.priority = fm->priority,
		.cookie = fm->filter_cookie,
		.cookie_mask = fm->filter_mask,
		/* a modify has no output filter */
		.out_port = { delete ? fm->out_port.v : OFPP_NONE_ },
		.out_group = delete ? fm->out_group : OFPG_ANY_,
	};
}

static enum ofperr flow_modify(struct change *c, const struct ofp_flow_mod *fm, bool hidden)
{
	struct selection s = selection_of(fm, hidden);
	struct rule_vec v = { NULL, 0, 0 };

	selection_collect(c->t, &s, &v);
	/* OpenFlow 1.0: a modify that finds nothing adds.  Later versions never do, and never set
	 * the cookie; nor does a modify that chooses by cookie. */
	if (!v.n && fm->set_cookie && !fm->filter_mask)
		return flow_add(c, fm, hidden);
	for (size_t i = 0; i < v.n; i++)
		change_replace(c, v.r[i], rule_modified(v.r[i], fm, c->now_ns));
	rule_vec_done(&v);
	return OFPERR_OK;
}

static enum ofperr flow_delete(struct change *c, const struct ofp_flow_mod *fm, bool hidden)
{
	struct selection s = selection_of(fm, hidden);
	struct rule_vec v = { NULL, 0, 0 };

	selection_collect(c->t, &s, &v);
	for (size_t i = 0; i < v.n; i++)
		change_remove(c, v.r[i], OFPRR_DELETE_);
	rule_vec_done(&v);
	return OFPERR_OK;
}

static const struct command {
	enum ofperr (*run)(struct change *c, const struct ofp_flow_mod *fm, bool hidden);
	bool has_actions;
} commands[] = {
	[OFPFC_ADD_] = { flow_add, true },
	[OFPFC_MODIFY_] = { flow_modify, true },
	[OFPFC_MODIFY_STRICT_] = { flow_modify, true },
	[OFPFC_DELETE_] = { flow_delete, false },
	[OFPFC_DELETE_STRICT_] = { flow_delete, false },
};

static enum ofperr run(struct ofp_tables *t, const struct ofp_flow_mod *fm, bool hidden,
		       size_t *n_changed) REQUIRES(&t->lock)
{
	const struct command *cmd = &commands[fm->command];
	struct change c;
	enum ofperr e = cmd->has_actions ? tables_check_groups(t, fm->actions) : OFPERR_OK;

	if (!e && cmd->has_actions)
		e = check_meter(t, fm->actions);
	if (e)
		return e;
	change_begin(&c, t);
	e = cmd->run(&c, fm, hidden);
	if (e) /* refused before anything was done */
		return e;
	change_commit(&c);
	if (n_changed)
		*n_changed = c.n_touched;
	return OFPERR_OK;
}

static enum ofperr locked_run(struct ofp_tables *t, const struct ofp_flow_mod *fm, bool hidden,
			      size_t *n_changed)
{
	enum ofperr e;

	if (fm->command >= ARRAY_SIZE(commands))
		return OFPERR_FM_BAD_COMMAND;
	lock_take(&t->lock);
	e = run(t, fm, hidden, n_changed);
	lock_give(&t->lock);
	return e;
}

enum ofperr tables_flow_mod(struct ofp_tables *t, const struct ofp_flow_mod *fm, size_t *n_changed)
{
	return locked_run(t, fm, false, n_changed);
}

enum ofperr tables_flow_mod_hidden(struct ofp_tables *t, const struct ofp_flow_mod *fm)
{
	return locked_run(t, fm, true, NULL);
}

/* --- learn --- */

/* fm would change nothing of r but its age.  (A modify leaves timeouts and flags alone.) */
static bool says_the_same(const struct rule *r, const struct ofp_flow_mod *fm)
{
	bool add = fm->command == OFPFC_ADD_;

	if ((add || fm->set_cookie) && r->cookie != fm->cookie)
		return false;
	if (add && (r->idle_timeout != fm->idle_timeout || r->hard_timeout != fm->hard_timeout ||
		    (r->flags ^ fm->flags) & OFPFF_SEND_FLOW_REM_))
		return false;
	return ofpacts_equal(rule_actions_get(r), fm->actions);
}

/* The usual packet teaches nothing new: no lock. */
static bool refresh(struct ofp_tables *t, uint8_t table, const struct ofp_flow_mod *fm)
{
	struct rule *r;
	bool same;

	rcu_read_lock();
	r = tables_find(t, table, &fm->match, fm->priority);
	same = r && says_the_same(r, fm);
	if (same)
		r->modified_ns = clock_mono_ns();
	rcu_read_unlock();
	return same;
}

static enum ofperr learn_locked(struct ofp_tables *t, uint8_t table, const struct ofp_flow_mod *fm,
				uint32_t limit) REQUIRES(&t->lock)
{
	const struct cookie_set *s;
	struct ofp_flow_mod add;

	if (refresh(t, table, fm)) /* another thread was first */
		return OFPERR_OK;
	if (tables_find(t, table, &fm->match, fm->priority))
		return run(t, fm, false, NULL);
	s = cookie_index_find(&t->cookies, fm->cookie, table);
	if (limit && s && s->n >= limit)
		return OFPERR_FM_TABLE_FULL;
	add = *fm;
	add.command = OFPFC_ADD_;
	return run(t, &add, false, NULL);
}

enum ofperr tables_learn(struct ofp_tables *t, const struct ofp_flow_mod *fm, uint32_t limit)
{
	uint8_t table = fm->table == OFPTT_ALL_ ? 0 : fm->table;
	enum ofperr e;

	if (fm->command != OFPFC_ADD_ && fm->command != OFPFC_MODIFY_STRICT_)
		return OFPERR_FM_BAD_COMMAND;
	if (refresh(t, table, fm))
		return OFPERR_OK;
	lock_take(&t->lock);
	e = learn_locked(t, table, fm, limit);
	lock_give(&t->lock);
	return e;
}
