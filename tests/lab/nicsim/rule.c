// SPDX-License-Identifier: GPL-2.0
/*
 * The table of rules.
 *
 * A rule is found by its block's chain, mask by mask in the order of priority: the masked key of
 * the frame and the number of the mask are looked up in one hash table for the whole NIC.  TC names
 * a rule by its cookie; a block that several ports share brings the same cookie to each of them, so
 * cookie and block together are its name here.
 */
#include <linux/delay.h>
#include <net/pkt_cls.h>

#include "nicsim.h"

static const struct rhashtable_params cookie_params = {
	.key_len = sizeof(((struct nicsim_rule *)0)->owner),
	.key_offset = offsetof(struct nicsim_rule, owner),
	.head_offset = offsetof(struct nicsim_rule, by_cookie),
	.automatic_shrinking = true,
};

static const struct rhashtable_params key_params = {
	.key_len = sizeof(struct nicsim_lookup),
	.key_offset = offsetof(struct nicsim_rule, lookup),
	.head_offset = offsetof(struct nicsim_rule, by_key),
	.automatic_shrinking = true,
};

int nicsim_rules_init(struct nicsim_nic *nic)
{
	int err;

	mutex_init(&nic->lock);
	xa_init_flags(&nic->rules, XA_FLAGS_ALLOC1);
	INIT_LIST_HEAD(&nic->polices);
	err = rhashtable_init(&nic->cookies, &cookie_params);
	if (err)
		return err;
	err = rhashtable_init(&nic->keys, &key_params);
	if (err)
		goto destroy_cookies;
	err = nicsim_ct_init(nic);
	if (err)
		goto destroy_keys;
	return 0;

destroy_keys:
	rhashtable_destroy(&nic->keys);
destroy_cookies:
	rhashtable_destroy(&nic->cookies);
	return err;
}

void nicsim_rules_done(struct nicsim_nic *nic)
{
	WARN_ON(!xa_empty(&nic->rules));
	nicsim_ct_done(nic);
	rhashtable_destroy(&nic->keys);
	rhashtable_destroy(&nic->cookies);
	xa_destroy(&nic->rules);
}

void nicsim_block_init(struct nicsim_block *block, struct nicsim_nic *nic)
{
	block->nic = nic;
	xa_init(&block->chains);
}

void nicsim_block_done(struct nicsim_block *block)
{
	WARN_ON(!xa_empty(&block->chains));
	xa_destroy(&block->chains);
}

/* --- looking up --- */

static void mask_key(struct nicsim_key *to, const struct nicsim_key *key,
		     const struct nicsim_key *mask)
{
	const u64 *k = (const u64 *)key, *m = (const u64 *)mask;
	u64 *t = (u64 *)to;
	unsigned int i;

	BUILD_BUG_ON(sizeof(*key) % sizeof(u64));
	for (i = 0; i < sizeof(*key) / sizeof(u64); i++)
		t[i] = k[i] & m[i];
}

/* Under RCU. */
struct nicsim_rule *nicsim_rule_find(struct nicsim_block *block, u32 chain,
				     const struct nicsim_key *key)
{
	struct nicsim_table *table = xa_load(&block->chains, chain);
	struct nicsim_lookup lookup;
	struct nicsim_mask *mask;
	struct nicsim_rule *rule;

	if (!table)
		return NULL;
	list_for_each_entry_rcu(mask, &table->masks, node) {
		mask_key(&lookup.key, key, &mask->bits);
		lookup.mask_id = mask->id;
		rule = rhashtable_lookup(&block->nic->keys, &lookup, key_params);
		if (rule)
			return rule;
	}
	return NULL;
}

/* --- masks and tables: under the NIC's lock --- */

static struct nicsim_table *table_get(struct nicsim_block *block, u32 chain)
{
	struct nicsim_table *table = xa_load(&block->chains, chain);
	int err;

	if (table)
		return table;
	table = kzalloc(sizeof(*table), GFP_KERNEL);
	if (!table)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&table->masks);
	err = xa_err(xa_store(&block->chains, chain, table, GFP_KERNEL));
	if (err) {
		kfree(table);
		return ERR_PTR(err);
	}
	return table;
}

static void table_put(struct nicsim_block *block, u32 chain)
{
	struct nicsim_table *table = xa_load(&block->chains, chain);

	if (table && list_empty(&table->masks)) {
		xa_erase(&block->chains, chain);
		kfree_rcu(table, rcu);
	}
}

static struct nicsim_mask *mask_get(struct nicsim_nic *nic, struct nicsim_table *table, u32 prio,
				    const struct nicsim_key *bits)
{
	struct nicsim_mask *mask, *next;

	list_for_each_entry(mask, &table->masks, node) {
		if (mask->prio == prio && !memcmp(&mask->bits, bits, sizeof(*bits))) {
			mask->refs++;
			return mask;
		}
	}
	mask = kzalloc(sizeof(*mask), GFP_KERNEL);
	if (!mask)
		return ERR_PTR(-ENOMEM);
	mask->prio = prio;
	mask->id = ++nic->next_mask;
	mask->refs = 1;
	mask->bits = *bits;
	list_for_each_entry(next, &table->masks, node) {
		if (next->prio > prio)
			break;
	}
	list_add_tail_rcu(&mask->node, &next->node);
	return mask;
}

static void mask_put(struct nicsim_mask *mask)
{
	if (--mask->refs)
		return;
	list_del_rcu(&mask->node);
	kfree_rcu(mask, rcu);
}

/* --- replace --- */

static int refuse_state(struct nicsim_nic *nic, struct flow_cls_offload *offload)
{
	struct netlink_ext_ack *extack = offload->common.extack;

	if (nic->fail_next) {
		nic->fail_next--;
		return -ENOMEM;
	}
	if (nic->n_rules >= nic->table_size) {
		NL_SET_ERR_MSG_MOD(extack, "the flow table is full");
		nic->n_full++;
		return -ENOSPC;
	}
	if (offload->common.chain_index && nic->no_chains) {
		NL_SET_ERR_MSG_MOD(extack, "rules in chains other than 0 are not supported");
		nic->n_refused++;
		return -EOPNOTSUPP;
	}
	return 0;
}

/* Puts a rule where frames find it; what is left undone on failure is its memory. */
static int publish(struct nicsim_block *block, struct nicsim_rule *rule,
		   const struct nicsim_key *bits)
{
	struct nicsim_nic *nic = block->nic;
	struct nicsim_table *table;
	int err;

	table = table_get(block, rule->chain);
	if (IS_ERR(table))
		return PTR_ERR(table);
	rule->mask = mask_get(nic, table, rule->prio, bits);
	if (IS_ERR(rule->mask)) {
		err = PTR_ERR(rule->mask);
		goto put_table;
	}
	rule->lookup.mask_id = rule->mask->id;
	err = xa_alloc_cyclic(&nic->rules, &rule->id, rule, xa_limit_31b, &nic->next_rule,
			      GFP_KERNEL);
	if (err < 0)
		goto put_mask;
	err = rhashtable_insert_fast(&nic->cookies, &rule->by_cookie, cookie_params);
	if (err)
		goto erase_number;
	err = rhashtable_lookup_insert_fast(&nic->keys, &rule->by_key, key_params);
	if (err)
		goto remove_cookie;
	rule->present = true;
	nic->n_rules++;
	block->n_rules++;
	return 0;

remove_cookie:
	rhashtable_remove_fast(&nic->cookies, &rule->by_cookie, cookie_params);
erase_number:
	xa_erase(&nic->rules, rule->id);
put_mask:
	mask_put(rule->mask);
put_table:
	table_put(block, rule->chain);
	return err;
}

static int replace(struct nicsim_block *block, struct flow_cls_offload *offload)
{
	struct nicsim_nic *nic = block->nic;
	struct flow_rule *flow_rule = flow_cls_offload_flow_rule(offload);
	struct nicsim_rule_match match;
	struct nicsim_rule *rule;
	int err;

	err = refuse_state(nic, offload);
	if (err)
		return err;
	rule = kzalloc(struct_size(rule, acts, flow_rule->action.num_entries), GFP_KERNEL);
	if (!rule)
		return -ENOMEM;
	rule->owner.cookie = offload->cookie;
	rule->owner.block = block;
	rule->chain = offload->common.chain_index;
	rule->prio = offload->common.prio;
	rule->last_used = rule->seen_at = jiffies;
	err = nicsim_match(nic, offload, &match);
	if (!err)
		err = nicsim_compile(block, offload, rule);
	if (err) {
		nic->n_refused++;
		goto free;
	}
	rule->used_keys = match.used_keys;
	mask_key(&rule->lookup.key, &match.key, &match.mask);
	if (nic->slow_us)
		usleep_range(nic->slow_us, nic->slow_us + 10);
	err = publish(block, rule, &match.mask);
	if (err)
		goto release;
	return 0;

release:
	nicsim_release(rule);
free:
	kfree(rule);
	return err;
}

/* --- destroy, statistics --- */

static struct nicsim_rule *by_cookie(struct nicsim_block *block, unsigned long cookie)
{
	typeof(((struct nicsim_rule *)0)->owner) owner = { .cookie = cookie, .block = block };

	return rhashtable_lookup_fast(&block->nic->cookies, &owner, cookie_params);
}

/* Takes a rule away from where frames find it; its name and number stay. */
void nicsim_rule_forget(struct nicsim_rule *rule)
{
	struct nicsim_block *block = rule->owner.block;

	if (!rule->present)
		return;
	rule->present = false;
	rhashtable_remove_fast(&block->nic->keys, &rule->by_key, key_params);
	mask_put(rule->mask);
	table_put(block, rule->chain);
}

static int destroy(struct nicsim_block *block, unsigned long cookie)
{
	struct nicsim_rule *rule = by_cookie(block, cookie);
	struct nicsim_nic *nic = block->nic;

	if (!rule)
		return -ENOENT;
	nicsim_rule_forget(rule);
	rhashtable_remove_fast(&nic->cookies, &rule->by_cookie, cookie_params);
	xa_erase(&nic->rules, rule->id);
	nic->n_rules--;
	block->n_rules--;
	nicsim_release(rule);
	kfree_rcu(rule, rcu);
	return 0;
}

/* The counters as the driver knows them: a reading that may be of some age. */
static void read_counters(struct nicsim_nic *nic, struct nicsim_rule *rule)
{
	if (nic->mute ||
	    (nic->lag_ms && time_before(jiffies, rule->seen_at + msecs_to_jiffies(nic->lag_ms))))
		return;
	rule->seen.packets = atomic64_read(&rule->packets);
	rule->seen.bytes = atomic64_read(&rule->bytes);
	rule->seen.drops = atomic64_read(&rule->drops);
	rule->seen_at = jiffies;
}

static int stats(struct nicsim_block *block, struct flow_cls_offload *offload)
{
	struct nicsim_rule *rule = by_cookie(block, offload->cookie);

	if (!rule)
		return -ENOENT;
	read_counters(block->nic, rule);
	flow_stats_update(&offload->stats, rule->seen.bytes - rule->told.bytes,
			  rule->seen.packets - rule->told.packets,
			  rule->seen.drops - rule->told.drops, READ_ONCE(rule->last_used),
			  FLOW_ACTION_HW_STATS_DELAYED);
	rule->told = rule->seen;
	return 0;
}

static int command(struct nicsim_block *block, struct flow_cls_offload *offload)
{
	switch (offload->command) {
	case FLOW_CLS_REPLACE: return replace(block, offload);
	case FLOW_CLS_DESTROY: return destroy(block, offload->cookie);
	case FLOW_CLS_STATS: return stats(block, offload);
	default: return -EOPNOTSUPP;
	}
}

int nicsim_block_cb(enum tc_setup_type type, void *type_data, void *priv)
{
	struct flow_cls_offload *offload = type_data;
	struct nicsim_block *block = priv;
	int err;

	if (type != TC_SETUP_CLSFLOWER)
		return -EOPNOTSUPP;
	/* A rule must be taken back also when hw-tc-offload has been turned off since. */
	if (offload->command == FLOW_CLS_REPLACE && block->port &&
	    !tc_can_offload_extack(block->port->host, offload->common.extack))
		return -EOPNOTSUPP;
	mutex_lock(&block->nic->lock);
	err = command(block, offload);
	mutex_unlock(&block->nic->lock);
	return err;
}
