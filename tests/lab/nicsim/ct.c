// SPDX-License-Identifier: GPL-2.0
/*
 * Connections in the NIC.
 *
 * The kernel's act_ct keeps a flow table for each zone, of connections that are established; a
 * driver that has a rule with a ct action on a zone asks for that table's entries, one for each
 * direction, with what NAT does to it.  Here a ct action looks a frame up among them.  A hit makes
 * the frame tracked and established, as software would find it, and translates it when the action
 * says so; a miss (also of the ends of a TCP connection, which software must see, and of whatever
 * is to be committed) leaves the rule to software.
 *
 * Locks: the kernel calls with its flow table's lock held, also from work queues; ct_lock is inside
 * of that, and is never held when a callback is put on a table or taken off it.
 */
#include <linux/seq_file.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_flow_table.h>
#include <net/pkt_cls.h>
#include <net/tc_act/tc_ct.h>

#include "nicsim.h"

struct nicsim_ct_zone {
	struct list_head node;
	struct nicsim_nic *nic;
	struct nf_flowtable *table; /* held by the rules' actions */
	u64 id;
	u32 refs;
	u16 zone;
	struct rcu_head rcu;
};

struct tuple {
	struct in6_addr src, dst;
	u64 zone_id;
	__be16 sport, dport, n_proto;
	u8 ip_proto;
	u8 zero;
};

struct nicsim_ct_entry {
	struct rhash_head by_tuple, by_cookie;
	struct tuple tuple;
	unsigned long cookie; /* of the flow table's entry and direction */
	const struct nicsim_ct_zone *zone;
	struct nicsim_ct ct;
	atomic64_t packets, bytes;
	struct nicsim_reading told;
	unsigned long last_used;
	struct rcu_head rcu;
	unsigned int n_nat;
	struct nicsim_act nat[];
};

static const struct rhashtable_params tuple_params = {
	.key_len = sizeof(struct tuple),
	.key_offset = offsetof(struct nicsim_ct_entry, tuple),
	.head_offset = offsetof(struct nicsim_ct_entry, by_tuple),
	.automatic_shrinking = true,
};

static const struct rhashtable_params cookie_params = {
	.key_len = sizeof(unsigned long),
	.key_offset = offsetof(struct nicsim_ct_entry, cookie),
	.head_offset = offsetof(struct nicsim_ct_entry, by_cookie),
	.automatic_shrinking = true,
};

int nicsim_ct_init(struct nicsim_nic *nic)
{
	int err;

	mutex_init(&nic->ct_lock);
	INIT_LIST_HEAD(&nic->ct_zones);
	err = rhashtable_init(&nic->ct_tuples, &tuple_params);
	if (err)
		return err;
	err = rhashtable_init(&nic->ct_cookies, &cookie_params);
	if (err)
		rhashtable_destroy(&nic->ct_tuples);
	return err;
}

void nicsim_ct_done(struct nicsim_nic *nic)
{
	WARN_ON(!list_empty(&nic->ct_zones));
	rhashtable_destroy(&nic->ct_cookies);
	rhashtable_destroy(&nic->ct_tuples);
}

/* --- entries: under ct_lock --- */

static void entry_remove(struct nicsim_nic *nic, struct nicsim_ct_entry *entry)
{
	rhashtable_remove_fast(&nic->ct_tuples, &entry->by_tuple, tuple_params);
	rhashtable_remove_fast(&nic->ct_cookies, &entry->by_cookie, cookie_params);
	kfree_rcu(entry, rcu);
}

static int entry_insert(struct nicsim_nic *nic, struct nicsim_ct_entry *entry)
{
	int err = rhashtable_insert_fast(&nic->ct_cookies, &entry->by_cookie, cookie_params);

	if (err)
		return err;
	err = rhashtable_lookup_insert_fast(&nic->ct_tuples, &entry->by_tuple, tuple_params);
	if (err)
		rhashtable_remove_fast(&nic->ct_cookies, &entry->by_cookie, cookie_params);
	return err;
}

static struct nicsim_ct_entry *by_cookie(struct nicsim_nic *nic, unsigned long cookie)
{
	return rhashtable_lookup_fast(&nic->ct_cookies, &cookie, cookie_params);
}

static void read_tuple(const struct flow_rule *rule, struct tuple *tuple)
{
	struct flow_match_basic basic;
	struct flow_match_ipv4_addrs ipv4;
	struct flow_match_ipv6_addrs ipv6;
	struct flow_match_ports ports;

	flow_rule_match_basic(rule, &basic);
	tuple->n_proto = basic.key->n_proto;
	tuple->ip_proto = basic.key->ip_proto;
	if (flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_IPV4_ADDRS) &&
	    tuple->n_proto == htons(ETH_P_IP)) {
		flow_rule_match_ipv4_addrs(rule, &ipv4);
		tuple->src.s6_addr32[0] = ipv4.key->src;
		tuple->dst.s6_addr32[0] = ipv4.key->dst;
	} else if (flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_IPV6_ADDRS)) {
		flow_rule_match_ipv6_addrs(rule, &ipv6);
		tuple->src = ipv6.key->src;
		tuple->dst = ipv6.key->dst;
	}
	if (flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_PORTS)) {
		flow_rule_match_ports(rule, &ports);
		tuple->sport = ports.key->src;
		tuple->dport = ports.key->dst;
	}
}

/* What act_ct gives are numbers: a word of an address, or the port at one of two offsets. */
static void read_nat(const struct flow_action_entry *from, struct nicsim_act *act)
{
	bool ports = from->mangle.htype == FLOW_ACT_MANGLE_HDR_TYPE_TCP ||
		     from->mangle.htype == FLOW_ACT_MANGLE_HDR_TYPE_UDP;

	act->id = FLOW_ACTION_MANGLE;
	act->mangle.htype = from->mangle.htype;
	act->mangle.offset = from->mangle.offset & ~3;
	if (!ports) {
		act->mangle.value = cpu_to_be32(from->mangle.val);
	} else if (from->mangle.offset) {
		act->mangle.keep = cpu_to_be32(0xffff0000);
		act->mangle.value = cpu_to_be32(from->mangle.val);
	} else {
		act->mangle.keep = cpu_to_be32(0x0000ffff);
		act->mangle.value = cpu_to_be32(from->mangle.val << 16);
	}
}

static void read_metadata(const struct flow_action_entry *from, struct nicsim_ct *ct)
{
	ct->conn = from->ct_metadata.cookie;
	ct->mark = from->ct_metadata.mark;
	memcpy(ct->labels, from->ct_metadata.labels, sizeof(ct->labels));
	ct->state = TCA_FLOWER_KEY_CT_FLAGS_TRACKED | TCA_FLOWER_KEY_CT_FLAGS_ESTABLISHED;
	if (!from->ct_metadata.orig_dir)
		ct->state |= TCA_FLOWER_KEY_CT_FLAGS_REPLY;
}

static int connection_add(struct nicsim_ct_zone *zone, struct flow_cls_offload *offload)
{
	const struct flow_rule *rule = flow_cls_offload_flow_rule(offload);
	const struct flow_action_entry *from;
	struct nicsim_ct_entry *entry, *old;
	int i, err;

	entry = kzalloc(struct_size(entry, nat, rule->action.num_entries), GFP_KERNEL);
	if (!entry)
		return -ENOMEM;
	entry->cookie = offload->cookie;
	entry->zone = zone;
	entry->ct.zone = zone->zone;
	entry->tuple.zone_id = zone->id;
	entry->last_used = jiffies;
	read_tuple(rule, &entry->tuple);
	flow_action_for_each(i, from, &rule->action) {
		if (from->id == FLOW_ACTION_MANGLE)
			read_nat(from, &entry->nat[entry->n_nat++]);
		else if (from->id == FLOW_ACTION_CT_METADATA)
			read_metadata(from, &entry->ct);
	}
	old = by_cookie(zone->nic, offload->cookie);
	if (old)
		entry_remove(zone->nic, old);
	err = entry_insert(zone->nic, entry);
	if (err)
		kfree(entry);
	return err;
}

static int connection_stats(struct nicsim_ct_entry *entry, struct flow_cls_offload *offload)
{
	struct nicsim_reading now = {
		.packets = atomic64_read(&entry->packets),
		.bytes = atomic64_read(&entry->bytes),
	};

	flow_stats_update(&offload->stats, now.bytes - entry->told.bytes,
			  now.packets - entry->told.packets, 0, READ_ONCE(entry->last_used),
			  FLOW_ACTION_HW_STATS_DELAYED);
	entry->told = now;
	return 0;
}

/* The flow table's word about a direction of a connection. */
static int connection_cb(enum tc_setup_type type, void *type_data, void *priv)
{
	struct flow_cls_offload *offload = type_data;
	struct nicsim_ct_zone *zone = priv;
	struct nicsim_nic *nic = zone->nic;
	struct nicsim_ct_entry *entry;
	int err = 0;

	if (type != TC_SETUP_CLSFLOWER)
		return -EOPNOTSUPP;
	mutex_lock(&nic->ct_lock);
	entry = by_cookie(nic, offload->cookie);
	if (offload->command == FLOW_CLS_REPLACE)
		err = connection_add(zone, offload);
	else if (!entry)
		err = -ENOENT;
	else if (offload->command == FLOW_CLS_DESTROY)
		entry_remove(nic, entry);
	else if (offload->command == FLOW_CLS_STATS)
		err = connection_stats(entry, offload);
	else
		err = -EOPNOTSUPP;
	mutex_unlock(&nic->ct_lock);
	return err;
}

/* --- zones: under the NIC's lock --- */

struct nicsim_ct_zone *nicsim_ct_zone_get(struct nicsim_nic *nic, struct nf_flowtable *table,
					  u16 number)
{
	struct nicsim_ct_zone *zone;
	int err;

	list_for_each_entry(zone, &nic->ct_zones, node) {
		if (zone->table == table) {
			zone->refs++;
			return zone;
		}
	}
	zone = kzalloc(sizeof(*zone), GFP_KERNEL);
	if (!zone)
		return ERR_PTR(-ENOMEM);
	zone->nic = nic;
	zone->table = table;
	zone->zone = number;
	zone->id = ++nic->next_zone;
	zone->refs = 1;
	err = nf_flow_table_offload_add_cb(table, connection_cb, zone);
	if (err) {
		kfree(zone);
		return ERR_PTR(err);
	}
	list_add_tail(&zone->node, &nic->ct_zones);
	return zone;
}

static void forget_connections(struct nicsim_ct_zone *zone)
{
	struct nicsim_nic *nic = zone->nic;
	struct rhashtable_iter iter;
	struct nicsim_ct_entry *entry;

	mutex_lock(&nic->ct_lock);
	rhashtable_walk_enter(&nic->ct_cookies, &iter);
	rhashtable_walk_start(&iter);
	while ((entry = rhashtable_walk_next(&iter))) {
		if (!IS_ERR(entry) && entry->zone == zone)
			entry_remove(nic, entry);
	}
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);
	mutex_unlock(&nic->ct_lock);
}

void nicsim_ct_zone_put(struct nicsim_ct_zone *zone)
{
	if (--zone->refs)
		return;
	nf_flow_table_offload_del_cb(zone->table, connection_cb, zone);
	forget_connections(zone);
	list_del(&zone->node);
	kfree_rcu(zone, rcu);
}

/* A reset: connections are gone, until the kernel offers them again. */
void nicsim_ct_forget_all(struct nicsim_nic *nic)
{
	struct nicsim_ct_zone *zone;

	list_for_each_entry(zone, &nic->ct_zones, node)
		forget_connections(zone);
}

unsigned int nicsim_ct_count(const struct nicsim_nic *nic)
{
	return atomic_read(&nic->ct_cookies.nelems);
}

static void show(struct seq_file *s, const struct nicsim_ct_entry *entry)
{
	const struct tuple *t = &entry->tuple;

	seq_printf(s, "zone %u proto %u", entry->zone->zone, t->ip_proto);
	if (t->n_proto == htons(ETH_P_IP))
		seq_printf(s, " %pI4:%u > %pI4:%u", &t->src, ntohs(t->sport), &t->dst,
			   ntohs(t->dport));
	else
		seq_printf(s, " [%pI6c]:%u > [%pI6c]:%u", &t->src, ntohs(t->sport), &t->dst,
			   ntohs(t->dport));
	seq_printf(s, " state %#x mark %#x nat %u packets %lld bytes %lld\n", entry->ct.state,
		   entry->ct.mark, entry->n_nat, atomic64_read(&entry->packets),
		   atomic64_read(&entry->bytes));
}

void nicsim_ct_show(struct nicsim_nic *nic, struct seq_file *s)
{
	struct nicsim_ct_entry *entry;
	struct rhashtable_iter iter;

	mutex_lock(&nic->ct_lock);
	rhashtable_walk_enter(&nic->ct_cookies, &iter);
	rhashtable_walk_start(&iter);
	while ((entry = rhashtable_walk_next(&iter))) {
		if (!IS_ERR(entry))
			show(s, entry);
	}
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);
	mutex_unlock(&nic->ct_lock);
}

/* --- frames --- */

static struct nicsim_ct_entry *find(struct nicsim_run *run, const struct nicsim_ct_zone *zone)
{
	const struct nicsim_key *key = &run->key;
	struct tuple tuple;

	if (run->stale && !nicsim_frame_parse(run->skb, &run->key))
		return NULL;
	run->stale = false;
	if (key->frag || (key->ip_proto != IPPROTO_TCP && key->ip_proto != IPPROTO_UDP))
		return NULL;
	if (key->tcp_flags & htons(0x0005)) /* FIN, RST: software ends the connection */
		return NULL;
	memset(&tuple, 0, sizeof(tuple));
	tuple.src = key->src;
	tuple.dst = key->dst;
	tuple.zone_id = zone->id;
	tuple.sport = key->sport;
	tuple.dport = key->dport;
	tuple.n_proto = key->n_proto;
	tuple.ip_proto = key->ip_proto;
	return rhashtable_lookup(&run->nic->ct_tuples, &tuple, tuple_params);
}

static int translate(struct nicsim_run *run, const struct nicsim_ct_entry *entry)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < entry->n_nat && !err; i++)
		err = nicsim_mangle(run->skb, &entry->nat[i]);
	run->stale = true;
	return err;
}

enum nicsim_verdict nicsim_ct_run(struct nicsim_run *run, const struct nicsim_act *act)
{
	struct nicsim_ct_entry *entry;

	if (act->ct.flags & TCA_CT_ACT_CLEAR) {
		memset(&run->ct, 0, sizeof(run->ct));
		return NICSIM_NEXT;
	}
	entry = find(run, act->ct.zone);
	if (!entry)
		return NICSIM_MISS;
	atomic64_inc(&entry->packets);
	atomic64_add(run->skb->len, &entry->bytes);
	WRITE_ONCE(entry->last_used, jiffies);
	run->ct = entry->ct;
	if (act->ct.flags & TCA_CT_ACT_NAT && translate(run, entry))
		return NICSIM_MISS;
	return NICSIM_NEXT;
}

/* The frame goes on in software with the connection that was found for it. */
void nicsim_ct_restore(const struct nicsim_run *run, struct sk_buff *skb)
{
	struct nf_conn *conn = (struct nf_conn *)(run->ct.conn & NFCT_PTRMASK);

	if (conn && refcount_inc_not_zero(&conn->ct_general.use))
		nf_ct_set(skb, conn, run->ct.conn & NFCT_INFOMASK);
}
