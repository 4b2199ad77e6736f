/* SPDX-License-Identifier: Apache-2.0 */
/* Prerequisites: ovs-fields(7), "Prerequisites".  Each is a small program over the same few facts,
 * so that one row says what is required and three readers (packet, match, mask) agree on it. */
#include "core/packet/field.h"

enum ip_need { IP_NO, IP_V4, IP_V6, IP_ANY };

struct need {
	uint8_t ip;        /* enum ip_need */
	uint8_t proto;     /* 0 = any */
	uint16_t nd_types; /* bit 0: 135, bit 1: 136 */
};

static const struct need needs[] = {
	[FIELD_PRE_IPV4] = { IP_V4, 0, 0 },    [FIELD_PRE_IPV6] = { IP_V6, 0, 0 },
	[FIELD_PRE_IP] = { IP_ANY, 0, 0 },     [FIELD_PRE_TCP] = { IP_ANY, 6, 0 },
	[FIELD_PRE_UDP] = { IP_ANY, 17, 0 },   [FIELD_PRE_SCTP] = { IP_ANY, 132, 0 },
	[FIELD_PRE_ICMPV4] = { IP_V4, 1, 0 },  [FIELD_PRE_ICMPV6] = { IP_V6, 58, 0 },
	[FIELD_PRE_ND] = { IP_V6, 58, 3 },     [FIELD_PRE_ND_SOL] = { IP_V6, 58, 1 },
	[FIELD_PRE_ND_ADV] = { IP_V6, 58, 2 },
};

/* Any of these says that conntrack has an entry. */
#define CT_ENTRY (CT_NEW | CT_EST | CT_REL | CT_RPL | CT_SNAT | CT_DNAT)
#define CT_PACKET_ENTRY (CT_NEW | CT_EST | CT_RPL)

static bool ip_ok(uint8_t need, const struct flow_key *k)
{
	return (need != IP_V6 && flow_is_ipv4(k)) || (need != IP_V4 && flow_is_ipv6(k));
}

static bool nd_type_ok(uint16_t types, const struct flow_key *k)
{
	return (types & 1 && k->tp_src == htons(135)) || (types & 2 && k->tp_src == htons(136));
}

static bool need_ok(const struct need *n, const struct flow_key *k)
{
	if (!ip_ok(n->ip, k))
		return false;
	if (n->proto && (k->nw_proto != n->proto || k->nw_frag & FLOW_FRAG_LATER))
		return false;
	return !n->nd_types || (nd_type_ok(n->nd_types, k) && !k->tp_dst);
}

bool field_prereq_ok(enum field_prereq p, const struct flow_key *k)
{
	switch (p) {
	case FIELD_PRE_NONE: return true;
	case FIELD_PRE_ARP: return flow_is_arp(k);
	case FIELD_PRE_VLAN: return k->vlans[0].tci & htons(VLAN_CFI);
	case FIELD_PRE_MPLS: return flow_is_mpls(k);
	case FIELD_PRE_CT: return k->ct_state & htonl(CT_PACKET_ENTRY);
	case FIELD_PRE_IPV4:
	case FIELD_PRE_IPV6:
	case FIELD_PRE_IP:
	case FIELD_PRE_TCP:
	case FIELD_PRE_UDP:
	case FIELD_PRE_SCTP:
	case FIELD_PRE_ICMPV4:
	case FIELD_PRE_ICMPV6:
	case FIELD_PRE_ND:
	case FIELD_PRE_ND_SOL:
	case FIELD_PRE_ND_ADV: return need_ok(&needs[p], k);
	}
	return false;
}

/* In a match a fragment bit that is not matched may be either: only one that demands later
 * fragments contradicts, and so with the code of neighbour discovery, which is 0 in every packet
 * whose discovery fields are there.  The key of a match has no bit outside its mask, so that
 * need_ok() holds for its values already. */
static bool need_matched(const struct need *n, const struct flow_key *k,
			 const struct flow_key *mask)
{
	if (!need_ok(n, k) || (n->proto && mask->nw_proto != 0xff))
		return false;
	return !n->nd_types || (mask->tp_src & htons(0xff)) == htons(0xff);
}

bool field_prereq_matched(enum field_prereq p, const struct flow_key *k,
			  const struct flow_key *mask)
{
	switch (p) {
	case FIELD_PRE_NONE: return true;
	case FIELD_PRE_VLAN: return k->vlans[0].tci & mask->vlans[0].tci & htons(VLAN_CFI);
	case FIELD_PRE_CT:
		return k->ct_state & mask->ct_state & htonl(CT_ENTRY) ||
		       (k->ct_state & mask->ct_state & htonl(CT_TRK) &&
			mask->ct_state & ~k->ct_state & htonl(CT_INV));
	case FIELD_PRE_ARP: return flow_is_arp(k) && mask->dl_type == htons(0xffff);
	case FIELD_PRE_MPLS: return flow_is_mpls(k) && mask->dl_type == htons(0xffff);
	case FIELD_PRE_IPV4:
	case FIELD_PRE_IPV6:
	case FIELD_PRE_IP:
	case FIELD_PRE_TCP:
	case FIELD_PRE_UDP:
	case FIELD_PRE_SCTP:
	case FIELD_PRE_ICMPV4:
	case FIELD_PRE_ICMPV6:
	case FIELD_PRE_ND:
	case FIELD_PRE_ND_SOL:
	case FIELD_PRE_ND_ADV:
		return mask->dl_type == htons(0xffff) && need_matched(&needs[p], k, mask);
	}
	return false;
}

/* The same order in which need_ok() looks, and no further than it looked. */
static void need_mask(const struct need *n, const struct flow_key *k, struct flow_key *mask)
{
	mask->dl_type = htons(0xffff);
	if (!ip_ok(n->ip, k) || !n->proto)
		return;
	mask->nw_proto = 0xff;
	if (k->nw_proto != n->proto)
		return;
	mask->nw_frag |= FLOW_FRAG_LATER;
	if (k->nw_frag & FLOW_FRAG_LATER || !n->nd_types)
		return;
	mask->tp_src = htons(0xffff);
	if (nd_type_ok(n->nd_types, k))
		mask->tp_dst = htons(0xffff);
}

void field_prereq_mask(enum field_prereq p, const struct flow_key *k, struct flow_key *mask)
{
	switch (p) {
	case FIELD_PRE_NONE: break;
	case FIELD_PRE_VLAN: mask->vlans[0].tci |= htons(VLAN_CFI); break;
	case FIELD_PRE_CT: mask->ct_state |= htonl(CT_PACKET_ENTRY); break;
	case FIELD_PRE_ARP:
	case FIELD_PRE_MPLS: mask->dl_type = htons(0xffff); break;
	case FIELD_PRE_IPV4:
	case FIELD_PRE_IPV6:
	case FIELD_PRE_IP:
	case FIELD_PRE_TCP:
	case FIELD_PRE_UDP:
	case FIELD_PRE_SCTP:
	case FIELD_PRE_ICMPV4:
	case FIELD_PRE_ICMPV6:
	case FIELD_PRE_ND:
	case FIELD_PRE_ND_SOL:
	case FIELD_PRE_ND_ADV: need_mask(&needs[p], k, mask); break;
	}
}
