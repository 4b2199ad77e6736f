/* SPDX-License-Identifier: Apache-2.0 */
/* Chains: what a rule leads to is in the device before it, and leaves after it.
 *
 * A chain is a recirc_id.  Its rules are those that match it, its leaders those whose actions
 * recirculate to it.  A leader is asked for only while the chain has a rule; before the last rule
 * leaves, the leaders do, and wait (OFFLOAD_CHAIN) until there is one again.  Without this a packet
 * would be begun in hardware only to be finished in software.
 *
 * All of it under the engine's lock, for one device each. */
#include <stdlib.h>

#include "core/base/hash.h"
#include "core/base/xalloc.h"
#include "offload/engine_priv.h"

struct chain {
	struct hnode node; /* engine_dev.chains, by id */
	uint32_t id;
	uint32_t n_rules;   /* in the device */
	uint32_t n_leaders; /* in the device */
	/* Of these, on their way out in the batch that is being collected. */
	uint32_t rules_leaving, leaders_leaving;
	struct cds_list_head leads;   /* chain_lead.node */
	struct cds_list_head waiters; /* engine_flow.place */
};

struct chain_lead { /* a rule in the device leads to a chain */
	struct cds_list_head node;
	struct chain *c;
	struct engine_flow *f;
	struct chain_lead *next; /* of the same rule */
};

static struct chain *chain_find(struct engine_dev *d, uint32_t id)
{
	struct chain *c;

	HTABLE_FOR_EACH_WITH (c, struct chain, node, hash_u64(id, 0), &d->chains)
		if (c->id == id)
			return c;
	return NULL;
}

static struct chain *chain_get(struct engine_dev *d, uint32_t id)
{
	struct chain *c = chain_find(d, id);

	if (c)
		return c;
	c = xzalloc(sizeof(*c));
	c->id = id;
	CDS_INIT_LIST_HEAD(&c->leads);
	CDS_INIT_LIST_HEAD(&c->waiters);
	htable_insert(&d->chains, &c->node, hash_u64(id, 0));
	return c;
}

static void chain_put(struct engine_dev *d, struct chain *c)
{
	if (c->n_rules || c->n_leaders || !cds_list_empty(&c->waiters))
		return;
	htable_remove(&d->chains, &c->node);
	free(c);
}

/* Calls fn for each recirc_id that the actions lead to; a non-zero return ends it. */
static uint32_t each_target(struct dp_actions acts, uint32_t (*fn)(void *ctx, uint32_t id),
			    void *ctx)
{
	const struct dp_action *a;

	DP_ACTION_FOR_EACH (a, acts) {
		const struct act_recirc *re = dp_action_payload(a);
		unsigned n_lists = a->kind == DP_ACT_CHECK_PKT_LEN ? 2 : 1;
		uint32_t rc = a->kind == DP_ACT_RECIRC ? fn(ctx, re->id) : 0;

		for (unsigned i = 0; !rc && dp_action_table[a->kind].nested && i < n_lists; i++)
			rc = each_target(dp_action_nested(a, i), fn, ctx);
		if (rc)
			return rc;
	}
	return 0;
}

/* --- what is in the device --- */

struct linker {
	struct engine_dev *d;
	struct engine_flow *f;
};

static uint32_t link_lead(void *ctx, uint32_t id)
{
	struct linker *l = ctx;
	struct chain *c = chain_get(l->d, id);
	struct chain_lead *lead;

	for (lead = l->f->leads; lead; lead = lead->next)
		if (lead->c == c)
			return 0; /* twice to the same */
	lead = xzalloc(sizeof(*lead));
	lead->c = c;
	lead->f = l->f;
	lead->next = l->f->leads;
	l->f->leads = lead;
	cds_list_add_tail(&lead->node, &c->leads);
	c->n_leaders++;
	return 0;
}

/* Those that wait for it may come in. */
static void wake_waiters(struct engine_dev *d, struct chain *c) REQUIRES(&d->e->lock)
{
	CDS_LIST_HEAD(all);
	struct engine_flow *w, *next;

	cds_list_splice(&c->waiters, &all); /* the chain has a rule: none comes back to it now */
	CDS_INIT_LIST_HEAD(&c->waiters);
	cds_list_for_each_entry_safe (w, next, &all, place) {
		w->waiting = false;
		w->wait_chain = 0;
		cds_list_del_init(&w->place);
		place_flow(d->e, w);
	}
}

void chain_rule_here(struct engine_dev *d, struct engine_flow *f)
{
	struct linker l = { d, f };
	struct chain *c;

	(void)each_target(flow_acts_list(f->hw_acts), link_lead, &l); /* never ends early */
	if (!f->recirc_id || f->in_chain)
		return;
	f->in_chain = true;
	c = chain_get(d, f->recirc_id);
	c->n_rules++;
	wake_waiters(d, c);
}

/* Its leaders leave, where they are not leaving already. */
static void expel(struct engine_dev *d, const struct chain *c) REQUIRES(&d->e->lock)
{
	struct why w = why_of(OFFLOAD_CHAIN);
	struct chain_lead *lead;

	w.limit = c->id;
	cds_list_for_each_entry (lead, &c->leads, node) {
		struct engine_flow *f = lead->f;

		if (!f->want || f->deleted || f->state == OFFLOAD_ST_LOST)
			continue; /* it is leaving */
		f->want = false;
		place_remove(d->e, f, AFTER_REFUSED, OFFLOAD_ST_EVICTING, &w);
	}
}

void chain_rule_gone(struct engine_dev *d, struct engine_flow *f, bool replaced)
{
	struct chain_lead *lead;
	struct chain *c;

	while ((lead = f->leads)) {
		f->leads = lead->next;
		cds_list_del(&lead->node);
		lead->c->n_leaders--;
		chain_put(d, lead->c);
		free(lead);
	}
	if (!f->in_chain || replaced)
		return;
	f->in_chain = false;
	c = chain_find(d, f->recirc_id);
	if (!--c->n_rules)
		expel(d, c);
	chain_put(d, c);
}

void chain_sweep(struct engine_dev *d)
{
	struct chain *c;

	HTABLE_FOR_EACH (c, struct chain, node, &d->chains)
		if (!c->n_rules)
			expel(d, c);
}

static uint32_t is_missing(void *ctx, uint32_t id)
{
	const struct chain *c = chain_find(ctx, id);

	return c && c->n_rules > c->rules_leaving ? 0 : id;
}

uint32_t chain_missing(struct engine_dev *d, struct dp_actions acts)
{
	if (!(d->caps.actions >> DP_ACT_RECIRC & 1))
		return 0; /* plan() has a better reason */
	return each_target(acts, is_missing, d);
}

bool chain_wait(struct engine_flow *f)
{
	struct chain *c = chain_get(f->dev, (uint32_t)f->why.limit);

	if (c->n_rules)
		return false;
	f->wait_chain = c->id;
	cds_list_add_tail(&f->place, &c->waiters);
	return true;
}

void chain_unwait(struct engine_flow *f)
{
	struct chain *c = chain_find(f->dev, f->wait_chain);

	f->wait_chain = 0;
	cds_list_del_init(&f->place);
	chain_put(f->dev, c);
}

/* --- order within a batch --- */

enum chain_turn chain_may_leave(struct engine_dev *d, struct engine_flow *f)
{
	struct chain *c = f->recirc_id ? chain_find(d, f->recirc_id) : NULL;
	enum chain_turn turn = CHAIN_LATER;
	struct chain_lead *lead;

	if (!c || c->n_rules > c->rules_leaving + 1 || c->n_leaders == c->leaders_leaving) {
		if (c)
			c->rules_leaving++;
		for (lead = f->leads; lead; lead = lead->next)
			lead->c->leaders_leaving++;
		return CHAIN_NOW;
	}
	expel(d, c);
	cds_list_for_each_entry (lead, &c->leads, node)
		if (lead->f->stuck)
			turn = CHAIN_STUCK;
	return turn;
}

void chain_batch_done(struct engine_dev *d)
{
	struct chain *c;

	HTABLE_FOR_EACH (c, struct chain, node, &d->chains)
		c->rules_leaving = c->leaders_leaving = 0;
}
