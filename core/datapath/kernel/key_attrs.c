/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/openvswitch.h>
#include <string.h>

#include "core/datapath/kernel/key_priv.h"

#define MAX_PAYLOAD 40u /* of an attribute that is in the tables */

/* ---- the pieces of attributes ---- */

enum conv {
	COPY,   /* network order on both sides */
	HOST16, /* host order there */
	HOST32,
	REVERSE, /* 128 bits, least significant byte first there */
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
	WHOLE(CT_LABELS, REVERSE, ct_label),
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

void kdp_label_swap(const void *from, void *to)
{
	const uint8_t *f = from;
	uint8_t *t = to;

	for (unsigned i = 0; i < 16; i++)
		t[i] = f[15 - i];
}

static void member_write(const struct member *m, const struct flow_key *key, bool mask, void *there)
{
	const uint8_t *here = (const uint8_t *)key + m->at;
	uint8_t *t = (uint8_t *)there + m->ofs;

	switch ((enum conv)m->conv) {
	case COPY: memcpy(t, here, m->size); break;
	case HOST16: st16(t, rd16(here)); break;
	case HOST32: st32(t, rd32(here)); break;
	case REVERSE: kdp_label_swap(here, t); break;
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
	case REVERSE: kdp_label_swap(t, here); break;
	case LOW8: here[1] = *t; break;
	case WIDE8: *here = t[1]; break;
	case FRAGMENT: *here = frag_here(*t, mask); break;
	}
}

/* ---- attributes, and when a key has them ---- */

static bool has_tcp(const struct flow_key *k)
{
	return kdp_has_l4(k, IPP_TCP);
}

static bool has_udp(const struct flow_key *k)
{
	return kdp_has_l4(k, IPP_UDP);
}

static bool has_sctp(const struct flow_key *k)
{
	return kdp_has_l4(k, IPP_SCTP);
}

static bool has_icmp(const struct flow_key *k)
{
	return flow_is_ipv4(k) && kdp_has_l4(k, IPP_ICMP);
}

static bool has_nd(const struct flow_key *k)
{
	return kdp_has_icmpv6(k) &&
	       (k->tp_src == htons(ND_SOLICIT) || k->tp_src == htons(ND_ADVERT));
}

/* The kernel keeps the tuple where it has ND's fields. */
static bool has_orig6(const struct flow_key *k)
{
	return flow_is_ipv6(k) && !has_nd(k);
}

const struct kdp_attr kdp_attrs_[] = {
#define ATTR(NAME, SIZE, L3, OPTIONAL, HAS)                                                        \
	{                                                                                          \
		OVS_KEY_ATTR_##NAME, SIZE, L3, OPTIONAL, HAS                                       \
	}
	ATTR(PRIORITY, 4, false, false, NULL),
	ATTR(IN_PORT, 4, false, false, NULL),
	ATTR(SKB_MARK, 4, false, false, NULL),
	ATTR(DP_HASH, 4, false, false, NULL),
	ATTR(RECIRC_ID, 4, false, false, NULL),
	ATTR(CT_STATE, 4, false, true, NULL),
	ATTR(CT_ZONE, 2, false, true, NULL),
	ATTR(CT_MARK, 4, false, true, NULL),
	ATTR(CT_LABELS, 16, false, true, NULL),
	ATTR(CT_ORIG_TUPLE_IPV4, sizeof(struct ovs_key_ct_tuple_ipv4), false, true, flow_is_ipv4),
	ATTR(CT_ORIG_TUPLE_IPV6, sizeof(struct ovs_key_ct_tuple_ipv6), false, true, has_orig6),
	ATTR(ETHERNET, sizeof(struct ovs_key_ethernet), false, false, NULL),
	ATTR(IPV4, sizeof(struct ovs_key_ipv4), true, false, flow_is_ipv4),
	ATTR(IPV6, sizeof(struct ovs_key_ipv6), true, false, flow_is_ipv6),
	ATTR(ARP, sizeof(struct ovs_key_arp), true, false, flow_is_arp),
	ATTR(TCP, sizeof(struct ovs_key_tcp), true, false, has_tcp),
	ATTR(TCP_FLAGS, 2, true, false, has_tcp),
	ATTR(UDP, sizeof(struct ovs_key_udp), true, false, has_udp),
	ATTR(SCTP, sizeof(struct ovs_key_sctp), true, false, has_sctp),
	ATTR(ICMP, sizeof(struct ovs_key_icmp), true, false, has_icmp),
	ATTR(ICMPV6, sizeof(struct ovs_key_icmpv6), true, false, kdp_has_icmpv6),
	ATTR(ND, sizeof(struct ovs_key_nd), true, false, has_nd),
};

const unsigned kdp_n_attrs_ = ARRAY_SIZE(kdp_attrs_);

const struct kdp_attr *kdp_attr_of(unsigned type)
{
	for (size_t i = 0; i < ARRAY_SIZE(kdp_attrs_); i++) {
		if (kdp_attrs_[i].attr == type)
			return &kdp_attrs_[i];
	}
	return NULL;
}

size_t kdp_key_attr_size(unsigned attr)
{
	const struct kdp_attr *a = kdp_attr_of(attr);

	if (attr == OVS_KEY_ATTR_MPLS)
		return sizeof(struct ovs_key_mpls);
	return a ? a->size : 0;
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

bool kdp_attr_is_zero(const struct kdp_attr *a, const struct flow_key *k, bool mask)
{
	uint8_t payload[MAX_PAYLOAD];

	kdp_key_attr_write(a->attr, k, mask, payload);
	for (unsigned i = 0; i < a->size; i++) {
		if (payload[i])
			return false;
	}
	return true;
}

void kdp_attrs_seen(const struct flow_key *key, struct flow_key *seen)
{
	memset(seen, 0, sizeof(*seen));
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		const struct kdp_attr *row = kdp_attr_of(members[i].attr);

		if (row && row->l3 && kdp_attr_has(row, key))
			memset((uint8_t *)seen + members[i].at, 0xff,
			       members[i].conv == LOW8 ? 2u : MAX(members[i].size, 1u));
	}
}
