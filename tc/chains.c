/* SPDX-License-Identifier: Apache-2.0 */
#include "tc/chains.h"

#include <stdlib.h>

#include "core/base/hash.h"
#include "core/base/xalloc.h"
#include "core/packet/wire.h"
#include "tc/device.h"

#define MPLS_HLEN 4

struct tc_chain {
	struct hnode node; /* tc_device.chains */
	struct cds_list_head queued;
	struct cds_list_head onward; /* tc_rule.onward: of the rules here, those that lead on */
	uint64_t block;
	uint32_t id;
	unsigned refs; /* rules here, and rules that lead here */
	bool known;
	int moved; /* bytes */
};

/* --- what a list of actions does to the length --- */

struct walk {
	unsigned tags;
	int moved;
	uint32_t to;
};

static void walk(struct walk *w, struct dp_actions acts)
{
	const struct dp_action *a;

	DP_ACTION_FOR_EACH (a, acts) {
		const struct act_recirc *re = dp_action_payload(a);

		if (a->kind == DP_ACT_PUSH_VLAN)
			w->moved += w->tags++ ? VLAN_HLEN : 0;
		else if (a->kind == DP_ACT_POP_VLAN)
			w->moved -= w->tags && --w->tags ? VLAN_HLEN : 0;
		else if (a->kind == DP_ACT_PUSH_MPLS)
			w->moved += MPLS_HLEN;
		else if (a->kind == DP_ACT_POP_MPLS)
			w->moved -= MPLS_HLEN;
		else if (a->kind == DP_ACT_CLONE)
			walk(w, dp_action_nested(a, 0)); /* of outputs, or the end of the list */
		else if (a->kind == DP_ACT_RECIRC)
			w->to = re->id;
	}
}

static void walk_rule(struct walk *w, const struct flow_key *key, const struct flow_key *mask,
		      struct dp_actions acts)
{
	*w = (struct walk){ 0 };
	while (w->tags < FLOW_N_VLANS &&
	       key->vlans[w->tags].tci & mask->vlans[w->tags].tci & htons(VLAN_CFI))
		w->tags++;
	walk(w, acts);
}

/* --- chains --- */

static struct tc_chain *get(struct tc_device *d, uint64_t block, uint32_t id) REQUIRES(&d->lock)
{
	uint64_t hash = hash_u64(block, id);
	struct tc_chain *c;

	HTABLE_FOR_EACH_WITH (c, struct tc_chain, node, hash, &d->chains)
		if (c->block == block && c->id == id)
			break;
	if (!c) {
		c = xzalloc(sizeof(*c));
		CDS_INIT_LIST_HEAD(&c->onward);
		c->block = block;
		c->id = id;
		htable_insert(&d->chains, &c->node, hash);
	}
	c->refs++;
	return c;
}

static void put(struct tc_device *d, struct tc_chain *c) REQUIRES(&d->lock)
{
	if (!c || --c->refs)
		return;
	htable_remove(&d->chains, &c->node);
	free(c);
}

/* False: it is known otherwise. */
static bool learn(struct tc_chain *c, int moved, struct cds_list_head *queue)
{
	if (c->known)
		return c->moved == moved;
	c->known = true;
	c->moved = moved;
	cds_list_add_tail(&c->queued, queue);
	return true;
}

/* What is known of a chain is known of those that it leads to; all of it, or nothing. */
static bool learn_on(struct tc_chain *first, int moved)
{
	CDS_LIST_HEAD(queue);
	struct tc_rule *r;
	struct tc_chain *c;
	bool ok = learn(first, moved, &queue);

	cds_list_for_each_entry (c, &queue, queued)
		cds_list_for_each_entry (r, &c->onward, onward)
			ok = ok && learn(r->to, c->moved + r->moved, &queue);
	cds_list_for_each_entry (c, &queue, queued)
		c->known = ok;
	return ok;
}

bool tc_chain_join(struct tc_device *d, struct tc_rule *r, const struct flow_key *key,
		   const struct flow_key *mask, struct dp_actions acts) NO_TSA /* chains.h */
{
	uint64_t block = (uint64_t)(uint32_t)r->at.ifindex << 32 | r->at.parent;
	struct walk w;
	bool ok = true;

	walk_rule(&w, key, mask, acts);
	r->moved = w.moved;
	if (r->at.chain)
		r->in = get(d, block, r->at.chain);
	if (!w.to)
		return true;
	r->to = get(d, block, w.to);
	if (r->in)
		cds_list_add(&r->onward, &r->in->onward);
	if (!r->in || r->in->known)
		ok = learn_on(r->to, tc_chain_moved(r) + r->moved);
	if (!ok)
		tc_chain_leave(d, r);
	return ok;
}

void tc_chain_leave(struct tc_device *d, struct tc_rule *r) NO_TSA
{
	if (r->in && r->to)
		cds_list_del(&r->onward);
	put(d, r->to);
	put(d, r->in);
	r->to = r->in = NULL;
}

int tc_chain_moved(const struct tc_rule *r)
{
	return r->in && r->in->known ? r->in->moved : 0;
}
