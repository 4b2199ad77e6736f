// SPDX-License-Identifier: GPL-2.0
/*
 * From a flower rule's match to a key and a mask.
 *
 * A row for each group of fields that TC may ask for: its name (for profiles and for people), and
 * the function that copies it.  What has no function no NIC of this make can match; what the NIC's
 * profile refuses is refused by name.
 */
#include <net/flow_offload.h>
#include <net/pkt_cls.h>
#include <net/vxlan.h>

#include "nicsim.h"

typedef int copy_fn(const struct flow_rule *rule, struct nicsim_rule_match *m,
		    struct netlink_ext_ack *extack);

/* Key and mask of one field, from TC's struct to ours. */
#define COPY(to, from) (m->key.to = f.key->from, m->mask.to = f.mask->from)

static int copy_control(const struct flow_rule *rule, struct nicsim_rule_match *m,
			struct netlink_ext_ack *extack)
{
	struct flow_match_control f;

	flow_rule_match_control(rule, &f);
	if (f.mask->flags & ~(FLOW_DIS_IS_FRAGMENT | FLOW_DIS_FIRST_FRAG)) {
		NL_SET_ERR_MSG_MOD(extack,
				   "of the control flags only those of fragments can be matched");
		return -EOPNOTSUPP;
	}
	COPY(frag, flags);
	return 0;
}

static int copy_basic(const struct flow_rule *rule, struct nicsim_rule_match *m,
		      struct netlink_ext_ack *extack)
{
	struct flow_match_basic f;

	flow_rule_match_basic(rule, &f);
	COPY(n_proto, n_proto);
	COPY(ip_proto, ip_proto);
	return 0;
}

static int copy_eth(const struct flow_rule *rule, struct nicsim_rule_match *m,
		    struct netlink_ext_ack *extack)
{
	struct flow_match_eth_addrs f;

	flow_rule_match_eth_addrs(rule, &f);
	memcpy(m->key.dmac, f.key->dst, ETH_ALEN);
	memcpy(m->mask.dmac, f.mask->dst, ETH_ALEN);
	memcpy(m->key.smac, f.key->src, ETH_ALEN);
	memcpy(m->mask.smac, f.mask->src, ETH_ALEN);
	return 0;
}

static void copy_tag(const struct flow_match_vlan *f, struct nicsim_rule_match *m, int i)
{
	m->key.tci[i] = f->key->vlan_id | f->key->vlan_priority << VLAN_PRIO_SHIFT;
	m->mask.tci[i] = f->mask->vlan_id | f->mask->vlan_priority << VLAN_PRIO_SHIFT;
	m->key.tpid[i] = f->key->vlan_tpid;
	m->mask.tpid[i] = f->mask->vlan_tpid;
	m->key.behind[i] = f->key->vlan_eth_type;
	m->mask.behind[i] = f->mask->vlan_eth_type;
}

static int copy_vlan(const struct flow_rule *rule, struct nicsim_rule_match *m,
		     struct netlink_ext_ack *extack)
{
	struct flow_match_vlan f;

	flow_rule_match_vlan(rule, &f);
	copy_tag(&f, m, 0);
	return 0;
}

static int copy_cvlan(const struct flow_rule *rule, struct nicsim_rule_match *m,
		      struct netlink_ext_ack *extack)
{
	struct flow_match_vlan f;

	flow_rule_match_cvlan(rule, &f);
	copy_tag(&f, m, 1);
	return 0;
}

/* The API has no accessor of this one. */
static int copy_tags(const struct flow_rule *rule, struct nicsim_rule_match *m,
		     struct netlink_ext_ack *extack)
{
	const struct flow_match *match = &rule->match;
	unsigned short offset = match->dissector->offset[FLOW_DISSECTOR_KEY_NUM_OF_VLANS];
	const struct flow_dissector_key_num_of_vlans *key = match->key + offset,
						     *mask = match->mask + offset;

	m->key.tags = key->num_of_vlans;
	m->mask.tags = mask->num_of_vlans;
	return 0;
}

static int copy_ipv4(const struct flow_rule *rule, struct nicsim_rule_match *m,
		     struct netlink_ext_ack *extack)
{
	struct flow_match_ipv4_addrs f;

	flow_rule_match_ipv4_addrs(rule, &f);
	COPY(src.s6_addr32[0], src);
	COPY(dst.s6_addr32[0], dst);
	return 0;
}

static int copy_ipv6(const struct flow_rule *rule, struct nicsim_rule_match *m,
		     struct netlink_ext_ack *extack)
{
	struct flow_match_ipv6_addrs f;

	flow_rule_match_ipv6_addrs(rule, &f);
	COPY(src, src);
	COPY(dst, dst);
	return 0;
}

static int copy_ports(const struct flow_rule *rule, struct nicsim_rule_match *m,
		      struct netlink_ext_ack *extack)
{
	struct flow_match_ports f;

	flow_rule_match_ports(rule, &f);
	COPY(sport, src);
	COPY(dport, dst);
	return 0;
}

static int copy_icmp(const struct flow_rule *rule, struct nicsim_rule_match *m,
		     struct netlink_ext_ack *extack)
{
	struct flow_match_icmp f;

	flow_rule_match_icmp(rule, &f);
	if (f.mask->id) {
		NL_SET_ERR_MSG_MOD(extack, "the identifier of ICMP cannot be matched");
		return -EOPNOTSUPP;
	}
	COPY(icmp_type, type);
	COPY(icmp_code, code);
	return 0;
}

/* The API has no accessor of this one either. */
static int copy_arp(const struct flow_rule *rule, struct nicsim_rule_match *m,
		    struct netlink_ext_ack *extack)
{
	const struct flow_match *match = &rule->match;
	unsigned short offset = match->dissector->offset[FLOW_DISSECTOR_KEY_ARP];
	const struct flow_dissector_key_arp *key = match->key + offset,
					    *mask = match->mask + offset;

	m->key.arp_op = key->op;
	m->mask.arp_op = mask->op ? 0xffff : 0;
	m->key.src.s6_addr32[0] = (__force __be32)key->sip;
	m->mask.src.s6_addr32[0] = (__force __be32)mask->sip;
	m->key.dst.s6_addr32[0] = (__force __be32)key->tip;
	m->mask.dst.s6_addr32[0] = (__force __be32)mask->tip;
	memcpy(m->key.arp_sha, key->sha, ETH_ALEN);
	memcpy(m->mask.arp_sha, mask->sha, ETH_ALEN);
	memcpy(m->key.arp_tha, key->tha, ETH_ALEN);
	memcpy(m->mask.arp_tha, mask->tha, ETH_ALEN);
	return 0;
}

static u32 label_bits(const struct flow_dissector_mpls_lse *l)
{
	return (u32)l->mpls_label << 12 | l->mpls_tc << 9 | l->mpls_bos << 8 | l->mpls_ttl;
}

static int copy_mpls(const struct flow_rule *rule, struct nicsim_rule_match *m,
		     struct netlink_ext_ack *extack)
{
	struct flow_match_mpls f;
	int i;

	flow_rule_match_mpls(rule, &f);
	if (f.mask->used_lses >> NICSIM_MAX_LABELS) {
		NL_SET_ERR_MSG_MOD(extack, "only three MPLS labels can be matched");
		return -EOPNOTSUPP;
	}
	for (i = 0; i < NICSIM_MAX_LABELS; i++) {
		m->key.mpls[i] = label_bits(&f.key->ls[i]);
		m->mask.mpls[i] = label_bits(&f.mask->ls[i]);
	}
	return 0;
}

static int copy_ip(const struct flow_rule *rule, struct nicsim_rule_match *m,
		   struct netlink_ext_ack *extack)
{
	struct flow_match_ip f;

	flow_rule_match_ip(rule, &f);
	COPY(tos, tos);
	COPY(ttl, ttl);
	return 0;
}

static int copy_tcp(const struct flow_rule *rule, struct nicsim_rule_match *m,
		    struct netlink_ext_ack *extack)
{
	struct flow_match_tcp f;

	flow_rule_match_tcp(rule, &f);
	COPY(tcp_flags, flags);
	return 0;
}

static int copy_enc_control(const struct flow_rule *rule, struct nicsim_rule_match *m,
			    struct netlink_ext_ack *extack)
{
	return 0; /* says which family of addresses is meant, no more */
}

static int copy_enc_key(const struct flow_rule *rule, struct nicsim_rule_match *m,
			struct netlink_ext_ack *extack)
{
	struct flow_match_enc_keyid f;

	flow_rule_match_enc_keyid(rule, &f);
	COPY(enc.id, keyid);
	return 0;
}

static int copy_enc_ipv4(const struct flow_rule *rule, struct nicsim_rule_match *m,
			 struct netlink_ext_ack *extack)
{
	struct flow_match_ipv4_addrs f;

	flow_rule_match_enc_ipv4_addrs(rule, &f);
	COPY(enc.src.s6_addr32[0], src);
	COPY(enc.dst.s6_addr32[0], dst);
	m->key.enc.family = AF_INET;
	m->mask.enc.family = 0xff;
	return 0;
}

static int copy_enc_ipv6(const struct flow_rule *rule, struct nicsim_rule_match *m,
			 struct netlink_ext_ack *extack)
{
	struct flow_match_ipv6_addrs f;

	flow_rule_match_enc_ipv6_addrs(rule, &f);
	COPY(enc.src, src);
	COPY(enc.dst, dst);
	m->key.enc.family = AF_INET6;
	m->mask.enc.family = 0xff;
	return 0;
}

static int copy_enc_ports(const struct flow_rule *rule, struct nicsim_rule_match *m,
			  struct netlink_ext_ack *extack)
{
	struct flow_match_ports f;

	flow_rule_match_enc_ports(rule, &f);
	COPY(enc.sport, src);
	COPY(enc.dport, dst);
	return 0;
}

static int copy_enc_ip(const struct flow_rule *rule, struct nicsim_rule_match *m,
		       struct netlink_ext_ack *extack)
{
	struct flow_match_ip f;

	flow_rule_match_enc_ip(rule, &f);
	COPY(enc.tos, tos);
	COPY(enc.ttl, ttl);
	return 0;
}

/* Of options those of VXLAN's group policy. */
static int copy_enc_opts(const struct flow_rule *rule, struct nicsim_rule_match *m,
			 struct netlink_ext_ack *extack)
{
	struct flow_match_enc_opts f;

	flow_rule_match_enc_opts(rule, &f);
	if (f.key->dst_opt_type != TUNNEL_VXLAN_OPT ||
	    f.key->len != sizeof(struct vxlan_metadata)) {
		NL_SET_ERR_MSG_MOD(extack,
				   "of tunnel options only VXLAN's group policy can be matched");
		return -EOPNOTSUPP;
	}
	m->key.enc.gbp = ((const struct vxlan_metadata *)f.key->data)->gbp;
	m->mask.enc.gbp = ((const struct vxlan_metadata *)f.mask->data)->gbp;
	return 0;
}

/* Only established connections are in the NIC, so other frames never come to a rule that wants them
 * here. */
static int copy_ct(const struct flow_rule *rule, struct nicsim_rule_match *m,
		   struct netlink_ext_ack *extack)
{
	const u16 here = TCA_FLOWER_KEY_CT_FLAGS_TRACKED | TCA_FLOWER_KEY_CT_FLAGS_ESTABLISHED |
			 TCA_FLOWER_KEY_CT_FLAGS_REPLY;
	struct flow_match_ct f;

	flow_rule_match_ct(rule, &f);
	if (f.key->ct_state & f.mask->ct_state & ~here) {
		NL_SET_ERR_MSG_MOD(extack, "of ct_state only trk, est and rpl can be wanted");
		return -EOPNOTSUPP;
	}
	COPY(ct.state, ct_state);
	COPY(ct.zone, ct_zone);
	COPY(ct.mark, ct_mark);
	memcpy(m->key.ct.labels, f.key->ct_labels, sizeof(m->key.ct.labels));
	memcpy(m->mask.ct.labels, f.mask->ct_labels, sizeof(m->mask.ct.labels));
	return 0;
}

#define ROW(id, field, fn)                                                                         \
	[FLOW_DISSECTOR_KEY_##id] = { field, KBUILD_MODNAME ": no match on " field, fn }

static const struct row {
	const char *name;
	const char *refusal; /* extack takes texts that stay */
	copy_fn *copy;
} rows[] = {
	ROW(CONTROL, "control", copy_control),
	ROW(BASIC, "basic", copy_basic),
	ROW(IPV4_ADDRS, "ipv4", copy_ipv4),
	ROW(IPV6_ADDRS, "ipv6", copy_ipv6),
	ROW(PORTS, "ports", copy_ports),
	ROW(PORTS_RANGE, "ports_range", NULL),
	ROW(ICMP, "icmp", copy_icmp),
	ROW(ETH_ADDRS, "eth", copy_eth),
	ROW(TIPC, "tipc", NULL),
	ROW(ARP, "arp", copy_arp),
	ROW(VLAN, "vlan", copy_vlan),
	ROW(FLOW_LABEL, "flow_label", NULL),
	ROW(GRE_KEYID, "gre_key", NULL),
	ROW(MPLS_ENTROPY, "mpls_entropy", NULL),
	ROW(ENC_KEYID, "enc_key", copy_enc_key),
	ROW(ENC_IPV4_ADDRS, "enc_ipv4", copy_enc_ipv4),
	ROW(ENC_IPV6_ADDRS, "enc_ipv6", copy_enc_ipv6),
	ROW(ENC_CONTROL, "enc_control", copy_enc_control),
	ROW(ENC_PORTS, "enc_ports", copy_enc_ports),
	ROW(MPLS, "mpls", copy_mpls),
	ROW(TCP, "tcp", copy_tcp),
	ROW(IP, "ip", copy_ip),
	ROW(CVLAN, "cvlan", copy_cvlan),
	ROW(ENC_IP, "enc_ip", copy_enc_ip),
	ROW(ENC_OPTS, "enc_opts", copy_enc_opts),
	ROW(META, "indev", NULL),
	ROW(CT, "ct", copy_ct),
	ROW(HASH, "hash", NULL),
	ROW(NUM_OF_VLANS, "num_of_vlans", copy_tags),
	ROW(PPPOE, "pppoe", NULL),
	ROW(L2TPV3, "l2tpv3", NULL),
};
static_assert(ARRAY_SIZE(rows) == FLOW_DISSECTOR_KEY_MAX);

const char *nicsim_key_name(unsigned int id)
{
	return rows[id].name;
}

int nicsim_key_by_name(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!strcmp(rows[i].name, name))
			return i;
	}
	return -ENOENT;
}

static int copy_row(struct nicsim_nic *nic, unsigned int id, const struct flow_rule *rule,
		    struct nicsim_rule_match *m, struct netlink_ext_ack *extack)
{
	if (!rows[id].copy || test_bit(id, &nic->refused_keys)) {
		if (extack)
			extack->_msg = rows[id].refusal;
		return -EOPNOTSUPP;
	}
	return rows[id].copy(rule, m, extack);
}

/* Both families' addresses are one union, and flower says that it uses both: control says which one
 * is meant. */
static void choose_family(const struct flow_match_control *control, unsigned int ipv4,
			  unsigned int ipv6, unsigned long *used)
{
	if (control->key->addr_type != FLOW_DISSECTOR_KEY_IPV4_ADDRS)
		__clear_bit(ipv4, used);
	if (control->key->addr_type != FLOW_DISSECTOR_KEY_IPV6_ADDRS)
		__clear_bit(ipv6, used);
}

static void choose_families(const struct flow_rule *rule, unsigned long *used)
{
	struct flow_match_control f;

	if (flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_CONTROL)) {
		flow_rule_match_control(rule, &f);
		choose_family(&f, FLOW_DISSECTOR_KEY_IPV4_ADDRS, FLOW_DISSECTOR_KEY_IPV6_ADDRS,
			      used);
	}
	if (flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_ENC_CONTROL)) {
		flow_rule_match_enc_control(rule, &f);
		choose_family(&f, FLOW_DISSECTOR_KEY_ENC_IPV4_ADDRS,
			      FLOW_DISSECTOR_KEY_ENC_IPV6_ADDRS, used);
	}
}

/* Fills match; refuses with the reason in the request's extack. */
int nicsim_match(struct nicsim_nic *nic, struct flow_cls_offload *offload,
		 struct nicsim_rule_match *match)
{
	const struct flow_rule *rule = flow_cls_offload_flow_rule(offload);
	unsigned long used = rule->match.dissector->used_keys;
	unsigned int id;
	int err;

	memset(match, 0, sizeof(*match));
	choose_families(rule, &used);
	match->used_keys = used;
	if (offload->common.protocol != htons(ETH_P_ALL)) {
		match->key.proto = offload->common.protocol;
		match->mask.proto = htons(0xffff);
	}
	for_each_set_bit(id, &used, ARRAY_SIZE(rows)) {
		err = copy_row(nic, id, rule, match, offload->common.extack);
		if (err)
			return err;
	}
	return 0;
}
