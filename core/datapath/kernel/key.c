/* SPDX-License-Identifier: Apache-2.0 */
#include "core/datapath/kernel/key.h"

#include <errno.h>
#include <linux/openvswitch.h>
#include <string.h>

#include "core/packet/wire.h"

#define MAX_PAYLOAD 40u /* of an attribute that is in the tables */

/* ---- the pieces of attributes ---- */

enum conv {
	COPY,   /* network order on both sides */
	HOST16, /* host order there */
	HOST32,
	LOW8,    /* the low byte of a be16 here */
	WIDE8,   /* a byte here, a be16 there */
	FRAGMENT /* OVS_FRAG_TYPE_* there, FLOW_FRAG_* here */
};

static const struct member {
	uint8_t attr, ofs, size; /* there */
	uint8_t conv;
	uint16_t at; /* here: offset in struct flow_key */
} members[] = {
#define HERE(MEMBER) offsetof(struct flow_key, MEMBER)
#define WHOLE(ATTR, CONV, MEMBER)                                                                  \
	{                                                                                          \
		OVS_KEY_ATTR_##ATTR, 0, sizeof(((struct flow_key *)0)->MEMBER), CONV, HERE(MEMBER) \
	}
#define PART(ATTR, STRUCT, THERE, CONV, MEMBER)                                                    \
	{                                                                                          \
		OVS_KEY_ATTR_##ATTR, offsetof(struct STRUCT, THERE),                               \
			sizeof(((struct STRUCT *)0)->THERE), CONV, HERE(MEMBER)                    \
	}
	WHOLE(PRIORITY, HOST32, skb_priority),
	WHOLE(IN_PORT, HOST32, in_port),
	WHOLE(SKB_MARK, HOST32, pkt_mark),
	WHOLE(DP_HASH, HOST32, dp_hash),
	WHOLE(RECIRC_ID, HOST32, recirc_id),
	WHOLE(CT_STATE, HOST32, ct_state), /* the bits are the same, too */
	WHOLE(CT_ZONE, HOST16, ct_zone),
	WHOLE(CT_MARK, HOST32, ct_mark),
	WHOLE(CT_LABELS, COPY, ct_label),
	PART(CT_ORIG_TUPLE_IPV4, ovs_key_ct_tuple_ipv4, ipv4_src, COPY, ct_nw_src),
	PART(CT_ORIG_TUPLE_IPV4, ovs_key_ct_tuple_ipv4, ipv4_dst, COPY, ct_nw_dst),
	PART(CT_ORIG_TUPLE_IPV4, ovs_key_ct_tuple_ipv4, src_port, COPY, ct_tp_src),
	PART(CT_ORIG_TUPLE_IPV4, ovs_key_ct_tuple_ipv4, dst_port, COPY, ct_tp_dst),
	PART(CT_ORIG_TUPLE_IPV4, ovs_key_ct_tuple_ipv4, ipv4_proto, COPY, ct_nw_proto),
	PART(CT_ORIG_TUPLE_IPV6, ovs_key_ct_tuple_ipv6, ipv6_src, COPY, ct_ipv6_src),
	PART(CT_ORIG_TUPLE_IPV6, ovs_key_ct_tuple_ipv6, ipv6_dst, COPY, ct_ipv6_dst),
	PART(CT_ORIG_TUPLE_IPV6, ovs_key_ct_tuple_ipv6, src_port, COPY, ct_tp_src),
	PART(CT_ORIG_TUPLE_IPV6, ovs_key_ct_tuple_ipv6, dst_port, COPY, ct_tp_dst),
	PART(CT_ORIG_TUPLE_IPV6, ovs_key_ct_tuple_ipv6, ipv6_proto, COPY, ct_nw_proto),
	PART(ETHERNET, ovs_key_ethernet, eth_src, COPY, dl_src),
	PART(ETHERNET, ovs_key_ethernet, eth_dst, COPY, dl_dst),
	PART(IPV4, ovs_key_ipv4, ipv4_src, COPY, nw_src),
	PART(IPV4, ovs_key_ipv4, ipv4_dst, COPY, nw_dst),
	PART(IPV4, ovs_key_ipv4, ipv4_proto, COPY, nw_proto),
	PART(IPV4, ovs_key_ipv4, ipv4_tos, COPY, nw_tos),
	PART(IPV4, ovs_key_ipv4, ipv4_ttl, COPY, nw_ttl),
	PART(IPV4, ovs_key_ipv4, ipv4_frag, FRAGMENT, nw_frag),
	PART(IPV6, ovs_key_ipv6, ipv6_src, COPY, ipv6_src),
	PART(IPV6, ovs_key_ipv6, ipv6_dst, COPY, ipv6_dst),
	PART(IPV6, ovs_key_ipv6, ipv6_label, COPY, ipv6_label),
	PART(IPV6, ovs_key_ipv6, ipv6_proto, COPY, nw_proto),
	PART(IPV6, ovs_key_ipv6, ipv6_tclass, COPY, nw_tos),
	PART(IPV6, ovs_key_ipv6, ipv6_hlimit, COPY, nw_ttl),
	PART(IPV6, ovs_key_ipv6, ipv6_frag, FRAGMENT, nw_frag),
	PART(ARP, ovs_key_arp, arp_sip, COPY, nw_src),
	PART(ARP, ovs_key_arp, arp_tip, COPY, nw_dst),
	PART(ARP, ovs_key_arp, arp_op, WIDE8, nw_proto),
	PART(ARP, ovs_key_arp, arp_sha, COPY, arp_sha),
	PART(ARP, ovs_key_arp, arp_tha, COPY, arp_tha),
	PART(TCP, ovs_key_tcp, tcp_src, COPY, tp_src),
	PART(TCP, ovs_key_tcp, tcp_dst, COPY, tp_dst),
	WHOLE(TCP_FLAGS, COPY, tcp_flags),
	PART(UDP, ovs_key_udp, udp_src, COPY, tp_src),
	PART(UDP, ovs_key_udp, udp_dst, COPY, tp_dst),
	PART(SCTP, ovs_key_sctp, sctp_src, COPY, tp_src),
	PART(SCTP, ovs_key_sctp, sctp_dst, COPY, tp_dst),
	PART(ICMP, ovs_key_icmp, icmp_type, LOW8, tp_src),
	PART(ICMP, ovs_key_icmp, icmp_code, LOW8, tp_dst),
	PART(ICMPV6, ovs_key_icmpv6, icmpv6_type, LOW8, tp_src),
	PART(ICMPV6, ovs_key_icmpv6, icmpv6_code, LOW8, tp_dst),
	PART(ND, ovs_key_nd, nd_target, COPY, nd_target),
	PART(ND, ovs_key_nd, nd_sll, COPY, arp_sha),
	PART(ND, ovs_key_nd, nd_tll, COPY, arp_tha),
	WHOLE(MPLS, COPY, mpls_lse[0]), /* of set_masked(); a key has a list */
};

static uint8_t frag_there(uint8_t f, bool mask)
{
	if (mask)
		return f ? UINT8_MAX : 0;
	return f & FLOW_FRAG_LATER ? OVS_FRAG_TYPE_LATER
	       : f                 ? OVS_FRAG_TYPE_FIRST
				   : OVS_FRAG_TYPE_NONE;
}

static uint8_t frag_here(uint8_t f, bool mask)
{
	if (mask)
		return f ? FLOW_FRAG_ANY | FLOW_FRAG_LATER : 0;
	return f == OVS_FRAG_TYPE_LATER ? FLOW_FRAG_ANY | FLOW_FRAG_LATER : f ? FLOW_FRAG_ANY : 0;
}

static void member_write(const struct member *m, const struct flow_key *key, bool mask, void *there)
{
	const uint8_t *here = (const uint8_t *)key + m->at;
	uint8_t *t = (uint8_t *)there + m->ofs;

	switch ((enum conv)m->conv) {
	case COPY: memcpy(t, here, m->size); break;
	case HOST16: st16(t, rd16(here)); break;
	case HOST32: st32(t, rd32(here)); break;
	case LOW8: *t = here[1]; break;
	case WIDE8: st16(t, htons(*here)); break;
	case FRAGMENT: *t = frag_there(*here, mask); break;
	}
}

static void member_read(const struct member *m, const void *there, bool mask, struct flow_key *key)
{
	uint8_t *here = (uint8_t *)key + m->at;
	const uint8_t *t = (const uint8_t *)there + m->ofs;

	switch ((enum conv)m->conv) {
	case COPY: memcpy(here, t, m->size); break;
	case HOST16: st16(here, htons(ld16(t))); break;
	case HOST32: st32(here, htonl(ld32(t))); break;
	case LOW8: here[1] = *t; break;
	case WIDE8: *here = t[1]; break;
	case FRAGMENT: *here = frag_here(*t, mask); break;
	}
}

/* ---- attributes, and when a key has them ---- */

typedef bool has_fn(const struct flow_key *k);

static bool has_always(const struct flow_key *k UNUSED)
{
	return true;
}

/* In a key only when one of its members is set there or in the mask. */
static bool has_if_set(const struct flow_key *k UNUSED)
{
	return true;
}

static bool has_l4(const struct flow_key *k, uint8_t proto)
{
	return flow_has_l4(k) && k->nw_proto == proto;
}

static bool has_tcp(const struct flow_key *k)
{
	return has_l4(k, IPP_TCP);
}

static bool has_udp(const struct flow_key *k)
{
	return has_l4(k, IPP_UDP);
}

static bool has_sctp(const struct flow_key *k)
{
	return has_l4(k, IPP_SCTP);
}

static bool has_icmp(const struct flow_key *k)
{
	return flow_is_ipv4(k) && has_l4(k, IPP_ICMP);
}

static bool has_icmpv6(const struct flow_key *k)
{
	return flow_is_ipv6(k) && has_l4(k, IPP_ICMPV6);
}

static bool has_nd(const struct flow_key *k)
{
	return has_icmpv6(k) && (k->tp_src == htons(ND_SOLICIT) || k->tp_src == htons(ND_ADVERT));
}

/* The kernel keeps the tuple where it has ND's fields. */
static bool has_orig6(const struct flow_key *k)
{
	return flow_is_ipv6(k) && !has_nd(k);
}

/* In the order in which they are written. */
static const struct attr {
	uint8_t attr, size;
	bool l3; /* behind the VLAN tags */
	has_fn *has;
} attrs[] = {
#define ATTR(NAME, SIZE, L3, HAS)                                                                  \
	{                                                                                          \
		OVS_KEY_ATTR_##NAME, SIZE, L3, HAS                                                 \
	}
	ATTR(PRIORITY, 4, false, has_always),
	ATTR(IN_PORT, 4, false, has_always),
	ATTR(SKB_MARK, 4, false, has_always),
	ATTR(DP_HASH, 4, false, has_always),
	ATTR(RECIRC_ID, 4, false, has_always),
	ATTR(CT_STATE, 4, false, has_if_set),
	ATTR(CT_ZONE, 2, false, has_if_set),
	ATTR(CT_MARK, 4, false, has_if_set),
	ATTR(CT_LABELS, 16, false, has_if_set),
	ATTR(CT_ORIG_TUPLE_IPV4, sizeof(struct ovs_key_ct_tuple_ipv4), false, flow_is_ipv4),
	ATTR(CT_ORIG_TUPLE_IPV6, sizeof(struct ovs_key_ct_tuple_ipv6), false, has_orig6),
	ATTR(ETHERNET, sizeof(struct ovs_key_ethernet), false, has_always),
	ATTR(IPV4, sizeof(struct ovs_key_ipv4), true, flow_is_ipv4),
	ATTR(IPV6, sizeof(struct ovs_key_ipv6), true, flow_is_ipv6),
	ATTR(ARP, sizeof(struct ovs_key_arp), true, flow_is_arp),
	ATTR(TCP, sizeof(struct ovs_key_tcp), true, has_tcp),
	ATTR(TCP_FLAGS, 2, true, has_tcp),
	ATTR(UDP, sizeof(struct ovs_key_udp), true, has_udp),
	ATTR(SCTP, sizeof(struct ovs_key_sctp), true, has_sctp),
	ATTR(ICMP, sizeof(struct ovs_key_icmp), true, has_icmp),
	ATTR(ICMPV6, sizeof(struct ovs_key_icmpv6), true, has_icmpv6),
	ATTR(ND, sizeof(struct ovs_key_nd), true, has_nd),
};

/* Conntrack's attributes: kernels without it do not know them. */
static bool attr_is_optional(const struct attr *a)
{
	return a->has == has_if_set || a->attr == OVS_KEY_ATTR_CT_ORIG_TUPLE_IPV4 ||
	       a->attr == OVS_KEY_ATTR_CT_ORIG_TUPLE_IPV6;
}

size_t kdp_key_attr_size(unsigned attr)
{
	if (attr == OVS_KEY_ATTR_MPLS)
		return sizeof(struct ovs_key_mpls);
	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++) {
		if (attrs[i].attr == attr)
			return attrs[i].size;
	}
	return 0;
}

void kdp_key_attr_write(unsigned attr, const struct flow_key *key, bool mask, void *payload)
{
	memset(payload, 0, kdp_key_attr_size(attr));
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		if (members[i].attr == attr)
			member_write(&members[i], key, mask, payload);
	}
}

void kdp_key_attr_read(unsigned attr, const void *payload, bool mask, struct flow_key *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		if (members[i].attr == attr)
			member_read(&members[i], payload, mask, key);
	}
}

static bool attr_is_zero(const struct attr *a, const struct flow_key *k, bool mask)
{
	uint8_t payload[MAX_PAYLOAD];

	kdp_key_attr_write(a->attr, k, mask, payload);
	for (unsigned i = 0; i < a->size; i++) {
		if (payload[i])
			return false;
	}
	return true;
}

/* ---- fitting a mask ---- */

static bool all_zero(const void *p, size_t n)
{
	const uint8_t *b = p;

	while (n && !*b)
		b++, n--;
	return !n;
}

static bool has_tunnel(const struct flow_tnl *t)
{
	return t->dst || t->dst6.d[0] || t->dst6.d[1];
}

static bool has_gbp(const struct flow_tnl *t)
{
	return t->gbp_id || t->gbp_flags;
}

static int fit_tunnel(const struct flow_tnl *key, struct flow_tnl *fit)
{
	if (!has_tunnel(key)) {
		/* Whether there is one depends on the port, which is matched. */
		memset(fit, 0, sizeof(*fit));
		return 0;
	}
	return has_gbp(fit) && !has_gbp(key) ? -EOPNOTSUPP : 0;
}

static void fit_vlans(const struct flow_key *key, struct flow_key *fit)
{
	for (unsigned i = 0; i < FLOW_N_VLANS; i++) {
		fit->vlans[i].tpid = UINT16_MAX;
		if (key->vlans[i].tci & htons(VLAN_CFI))
			fit->vlans[i].tci |= htons(VLAN_CFI);
		else
			fit->vlans[i].tci = UINT16_MAX;
	}
}

static unsigned n_labels(const struct flow_key *key)
{
	unsigned n = 0;

	while (n < FLOW_N_MPLS && !(key->mpls_lse[n++] & htonl(MPLS_BOS)))
		;
	return n;
}

/* That a label is not there is seen by the bottom of the stack above it. */
static void fit_mpls(const struct flow_key *key, struct flow_key *fit)
{
	unsigned n = n_labels(key);

	for (unsigned i = n; i < FLOW_N_MPLS; i++) {
		if (fit->mpls_lse[i])
			fit->mpls_lse[n - 1] |= htonl(MPLS_BOS);
		fit->mpls_lse[i] = 0;
	}
}

static bool looks_at_nd(const struct flow_key *fit)
{
	return !all_zero(&fit->nd_target, sizeof(fit->nd_target)) ||
	       !all_zero(&fit->arp_sha, sizeof(fit->arp_sha)) ||
	       !all_zero(&fit->arp_tha, sizeof(fit->arp_tha));
}

static int fit_ip(const struct flow_key *key, struct flow_key *fit)
{
	bool ports = fit->tp_src || fit->tp_dst || fit->igmp_group;

	if (fit->nw_frag)
		fit->nw_frag = FLOW_FRAG_ANY | FLOW_FRAG_LATER;
	if (!ports && !fit->tcp_flags && !looks_at_nd(fit))
		return 0;
	fit->nw_proto = UINT8_MAX;
	if (key->nw_frag & FLOW_FRAG_LATER)
		fit->nw_frag = FLOW_FRAG_ANY | FLOW_FRAG_LATER;
	else if (flow_is_ipv4(key) && key->nw_proto == IPP_IGMP && ports)
		return -EOPNOTSUPP;
	if (has_icmpv6(key) && looks_at_nd(fit))
		fit->tp_src |= htons(UINT8_MAX);
	return 0;
}

int kdp_key_fit(const struct flow_key *key, const struct flow_key *mask, struct flow_key *fit)
{
	int rc;

	if (!all_zero(mask, offsetof(struct flow_key, tunnel)))
		return -EINVAL;
	*fit = *mask;
	fit->in_port = UINT32_MAX;
	fit->dl_type = UINT16_MAX;
	fit_vlans(key, fit);
	rc = fit_tunnel(&key->tunnel, &fit->tunnel);
	if (!rc && flow_is_ip(key))
		rc = fit_ip(key, fit);
	if (!rc && flow_is_mpls(key))
		fit_mpls(key, fit);
	return rc;
}

/* ---- writing ---- */

static void put_attr(struct buf *b, const struct attr *a, const struct flow_key *k, bool mask)
{
	kdp_key_attr_write(a->attr, k, mask, nlattr_put_zeros(b, a->attr, a->size));
}

/* Attributes of one side of the tags, of a key (mask NULL: it is a key) or a mask. */
static void put_attrs(struct buf *b, bool l3, const struct flow_key *key,
		      const struct flow_key *fit, bool mask)
{
	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++) {
		const struct attr *a = &attrs[i];

		if (a->l3 != l3 || !a->has(key))
			continue;
		if (mask ? attr_is_zero(a, fit, true)
			 : attr_is_optional(a) && attr_is_zero(a, key, false) &&
				    attr_is_zero(a, fit, true))
			continue;
		put_attr(b, a, mask ? fit : key, mask);
	}
}

static void put_mpls(struct buf *b, const struct flow_key *key, const struct flow_key *k)
{
	unsigned n = flow_is_mpls(key) ? n_labels(key) : 0;

	if (n && !all_zero(k->mpls_lse, n * sizeof(be32)))
		nlattr_put(b, OVS_KEY_ATTR_MPLS, k->mpls_lse, n * sizeof(be32));
}

/* The frame from its EtherType on, with the tags around it; k is key or its mask. */
static void put_frame(struct buf *b, const struct flow_key *key, const struct flow_key *fit,
		      bool mask)
{
	const struct flow_key *k = mask ? fit : key;
	size_t marks[FLOW_N_VLANS];
	unsigned n = 0;

	for (; n < FLOW_N_VLANS && key->vlans[n].tci & htons(VLAN_CFI); n++) {
		nlattr_put_be16(b, OVS_KEY_ATTR_ETHERTYPE, k->vlans[n].tpid);
		nlattr_put_be16(b, OVS_KEY_ATTR_VLAN, k->vlans[n].tci);
		marks[n] = nlattr_nest(b, OVS_KEY_ATTR_ENCAP);
	}
	/* An 802.3 frame has none in its key, but is matched exactly all the same. */
	if (mask || key->dl_type != htons(DL_TYPE_NONE))
		nlattr_put_be16(b, OVS_KEY_ATTR_ETHERTYPE, k->dl_type);
	put_attrs(b, true, key, fit, mask);
	put_mpls(b, key, k);
	while (n)
		nlattr_nest_end(b, marks[--n]);
}

void kdp_key_put(struct buf *b, const struct flow_key *key, const struct flow_key *fit)
{
	put_attrs(b, false, key, fit, false);
	if (has_tunnel(&key->tunnel)) {
		size_t mark = nlattr_nest(b, OVS_KEY_ATTR_TUNNEL);

		kdp_key_put_tunnel(b, &key->tunnel);
		nlattr_nest_end(b, mark);
	}
	put_frame(b, key, fit, false);
}

void kdp_key_put_metadata(struct buf *b, const struct flow_key *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++) {
		const struct attr *a = &attrs[i];

		if (a->attr == OVS_KEY_ATTR_IN_PORT && flow_in_dp(key).v == DP_PORT_NONE)
			continue; /* made here */
		if (!a->l3 && a->attr != OVS_KEY_ATTR_ETHERNET && a->has(key) &&
		    !(attr_is_optional(a) && attr_is_zero(a, key, false)))
			put_attr(b, a, key, false);
	}
	if (has_tunnel(&key->tunnel)) {
		size_t mark = nlattr_nest(b, OVS_KEY_ATTR_TUNNEL);

		kdp_key_put_tunnel(b, &key->tunnel);
		nlattr_nest_end(b, mark);
	}
}

/* ---- tunnels ---- */

static const struct tnl_member {
	uint8_t attr, size;
	uint8_t at; /* in struct flow_tnl */
} tnl_members[] = {
#define TNL(ATTR, MEMBER)                                                                          \
	{                                                                                          \
		OVS_TUNNEL_KEY_ATTR_##ATTR, sizeof(((struct flow_tnl *)0)->MEMBER),                \
			offsetof(struct flow_tnl, MEMBER)                                          \
	}
	TNL(IPV4_SRC, src),  TNL(IPV4_DST, dst),  TNL(IPV6_SRC, src6),
	TNL(IPV6_DST, dst6), TNL(TOS, tos),       TNL(TTL, ttl),
	TNL(TP_SRC, tp_src), TNL(TP_DST, tp_dst), TNL(ID, tun_id),
};

static const struct tnl_flag {
	uint8_t attr;
	uint16_t bit;
} tnl_flags[] = {
	{ OVS_TUNNEL_KEY_ATTR_DONT_FRAGMENT, FLOW_TNL_F_DF },
	{ OVS_TUNNEL_KEY_ATTR_CSUM, FLOW_TNL_F_CSUM },
	{ OVS_TUNNEL_KEY_ATTR_OAM, FLOW_TNL_F_OAM },
};

static void put_gbp(struct buf *b, const struct flow_tnl *t)
{
	size_t mark = nlattr_nest(b, OVS_TUNNEL_KEY_ATTR_VXLAN_OPTS);

	nlattr_put_u32(b, OVS_VXLAN_EXT_GBP, (uint32_t)t->gbp_flags << 16 | ntohs(t->gbp_id));
	nlattr_nest_end(b, mark);
}

/* `needed`: the TTL also when it is zero, as a key must have it. */
static void put_tunnel(struct buf *b, const struct flow_tnl *t, bool needed)
{
	for (size_t i = 0; i < ARRAY_SIZE(tnl_members); i++) {
		const struct tnl_member *m = &tnl_members[i];
		const uint8_t *p = (const uint8_t *)t + m->at;
		bool forced =
			(m->attr == OVS_TUNNEL_KEY_ATTR_TTL && needed) ||
			(m->attr == OVS_TUNNEL_KEY_ATTR_ID && t->flags & htons(FLOW_TNL_F_KEY));

		if (forced || !all_zero(p, m->size))
			nlattr_put(b, m->attr, p, m->size);
	}
	for (size_t i = 0; i < ARRAY_SIZE(tnl_flags); i++) {
		if (t->flags & htons(tnl_flags[i].bit))
			nlattr_put_flag(b, tnl_flags[i].attr);
	}
	if (has_gbp(t))
		put_gbp(b, t);
}

void kdp_key_put_tunnel(struct buf *b, const struct flow_tnl *tnl)
{
	put_tunnel(b, tnl, true);
}

void kdp_key_put_mask(struct buf *b, const struct flow_key *key, const struct flow_key *fit)
{
	put_attrs(b, false, key, fit, true);
	if (!all_zero(&fit->tunnel, sizeof(fit->tunnel))) {
		size_t mark = nlattr_nest(b, OVS_KEY_ATTR_TUNNEL);

		put_tunnel(b, &fit->tunnel, false);
		nlattr_nest_end(b, mark);
	}
	put_frame(b, key, fit, true);
}

static int get_gbp(const struct nlattr *a, struct flow_tnl *t)
{
	static const struct nlattr_policy policy[] = { [OVS_VXLAN_EXT_GBP] = NLATTR_EXACT(4) };
	const struct nlattr *in[ARRAY_SIZE(policy)];
	int rc = nlattr_parse_nested(a, policy, ARRAY_SIZE(policy), in);
	uint32_t gbp;

	if (rc < 0 || !in[OVS_VXLAN_EXT_GBP])
		return rc < 0 ? rc : 0;
	gbp = nlattr_u32(in[OVS_VXLAN_EXT_GBP]);
	t->gbp_flags = (uint8_t)(gbp >> 16);
	t->gbp_id = htons((uint16_t)gbp);
	return 0;
}

static int get_tunnel_attr(const struct nlattr *a, bool mask, struct flow_tnl *t)
{
	uint16_t type = nlattr_type(a);

	for (size_t i = 0; i < ARRAY_SIZE(tnl_members); i++) {
		if (tnl_members[i].attr != type)
			continue;
		if (nlattr_len(a) != tnl_members[i].size)
			return -EBADMSG;
		memcpy((uint8_t *)t + tnl_members[i].at, nlattr_data(a), tnl_members[i].size);
		if (type == OVS_TUNNEL_KEY_ATTR_ID)
			t->flags |= htons(FLOW_TNL_F_KEY);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(tnl_flags); i++) {
		if (tnl_flags[i].attr == type) {
			t->flags |= htons(tnl_flags[i].bit);
			return nlattr_len(a) ? -EBADMSG : 0;
		}
	}
	if (type == OVS_TUNNEL_KEY_ATTR_VXLAN_OPTS)
		return get_gbp(a, t);
	if (type == OVS_TUNNEL_KEY_ATTR_PAD)
		return 0;
	return mask ? -EOPNOTSUPP : 0; /* options: seen, but not matched */
}

int kdp_key_get_tunnel(const void *p, size_t len, bool mask, struct flow_tnl *tnl)
{
	const struct nlattr *a;
	bool bad = false;

	memset(tnl, 0, sizeof(*tnl));
	NLATTR_FOR_EACH (a, p, len, &bad) {
		int rc = get_tunnel_attr(a, mask, tnl);

		if (rc)
			return rc;
	}
	return bad ? -EBADMSG : 0;
}

/* ---- reading ---- */

struct reader {
	bool mask;
	unsigned depth; /* tags so far */
	bool has_type;  /* the innermost EtherType was there */
	struct flow_key *k;
};

static int get_mpls(const struct nlattr *a, struct flow_key *k)
{
	size_t len = nlattr_len(a);

	if (!len || len % sizeof(be32))
		return -EBADMSG;
	memcpy(k->mpls_lse, nlattr_data(a), MIN(len, sizeof(k->mpls_lse)));
	return 0;
}

static const struct attr *attr_of(unsigned type)
{
	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++) {
		if (attrs[i].attr == type)
			return &attrs[i];
	}
	return NULL;
}

/* A mask on something that we have no field for. */
static int get_other(const struct reader *r, const struct nlattr *a)
{
	return r->mask && !all_zero(nlattr_data(a), nlattr_len(a)) ? -EOPNOTSUPP : 0;
}

static int get_plain(struct reader *r, const struct nlattr *a)
{
	const struct attr *row = attr_of(nlattr_type(a));

	if (nlattr_type(a) == OVS_KEY_ATTR_TUNNEL)
		return kdp_key_get_tunnel(nlattr_data(a), nlattr_len(a), r->mask, &r->k->tunnel);
	if (nlattr_type(a) == OVS_KEY_ATTR_MPLS)
		return get_mpls(a, r->k);
	if (!row)
		return get_other(r, a);
	if (nlattr_len(a) != row->size)
		return -EBADMSG;
	kdp_key_attr_read(row->attr, nlattr_data(a), r->mask, r->k);
	return 0;
}

/* One level: returns the nest of the next one, if any, in *encap. */
static int get_level(struct reader *r, const void *p, size_t len, const struct nlattr **encap)
{
	const struct nlattr *a, *type = NULL, *tci = NULL;
	bool bad = false;
	int rc = 0;

	*encap = NULL;
	NLATTR_FOR_EACH (a, p, len, &bad) {
		switch (nlattr_type(a)) {
		case OVS_KEY_ATTR_ENCAP: *encap = a; break;
		case OVS_KEY_ATTR_ETHERTYPE: type = a; break;
		case OVS_KEY_ATTR_VLAN: tci = a; break;
		default: rc = get_plain(r, a); break;
		}
		if (rc)
			return rc;
	}
	if (bad || (type && nlattr_len(type) != 2) || (tci && nlattr_len(tci) != 2))
		return -EBADMSG;
	if (*encap && r->depth < FLOW_N_VLANS) {
		r->k->vlans[r->depth].tpid = type ? nlattr_be16(type) : 0;
		r->k->vlans[r->depth++].tci = tci ? nlattr_be16(tci) : 0;
		return 0;
	}
	r->has_type = type != NULL;
	r->k->dl_type = type ? nlattr_be16(type) : 0;
	return *encap ? -EBADMSG : 0;
}

static int get_levels(struct reader *r, const void *p, size_t len)
{
	const struct nlattr *encap;
	int rc;

	do {
		rc = get_level(r, p, len, &encap);
		if (encap) {
			p = nlattr_data(encap);
			len = nlattr_len(encap);
		}
	} while (!rc && encap);
	return rc;
}

int kdp_key_get(const void *p, size_t len, struct flow_key *key)
{
	struct reader r = { .k = key };
	int rc;

	memset(key, 0, sizeof(*key));
	rc = get_levels(&r, p, len);
	if (rc)
		return rc;
	if (!r.has_type)
		key->dl_type = htons(DL_TYPE_NONE);
	if (flow_is_mpls(key)) {
		for (unsigned i = n_labels(key); i < FLOW_N_MPLS; i++)
			key->mpls_lse[i] = 0;
	}
	return 0;
}

int kdp_key_get_mask(const void *p, size_t len, const struct flow_key *key, struct flow_key *mask)
{
	struct reader r = { .k = mask, .mask = true };
	int rc;

	memset(mask, 0, sizeof(*mask));
	/* Tags are always matched, also that there are none. */
	memset(mask->vlans, 0xff, sizeof(mask->vlans));
	rc = get_levels(&r, p, len);
	if (rc)
		return rc;
	/* What a tunnel's mask says of a packet that has none is nothing. */
	if (!has_tunnel(&key->tunnel))
		memset(&mask->tunnel, 0, sizeof(mask->tunnel));
	return 0;
}
