/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/openvswitch.h>

#include "core/datapath/kernel/key.h"

#define MATCH(ATTR)                                                                                \
	{                                                                                          \
		OVS_KEY_ATTR_##ATTR, false, NULL                                                   \
	}
#define SET(ATTR)                                                                                  \
	{                                                                                          \
		OVS_KEY_ATTR_##ATTR, true, NULL                                                    \
	}
#define NO(WHY)                                                                                    \
	{                                                                                          \
		0, false, (WHY)                                                                    \
	}
#define OWN NO("a datapath does not see it")

/* The kernel's set_masked() knows no ARP, ND, ICMP or VLAN tag; tags are popped and pushed. */
const struct kdp_field kdp_field_table[FIELD_N_IDS] = {
	[FIELD_TUN_ID] = SET(TUNNEL),
	[FIELD_TUN_SRC] = SET(TUNNEL),
	[FIELD_TUN_DST] = SET(TUNNEL),
	[FIELD_TUN_IPV6_SRC] = SET(TUNNEL),
	[FIELD_TUN_IPV6_DST] = SET(TUNNEL),
	[FIELD_TUN_FLAGS] = SET(TUNNEL),
	[FIELD_TUN_GBP_ID] = SET(TUNNEL),
	[FIELD_TUN_GBP_FLAGS] = SET(TUNNEL),
	[FIELD_TUN_TOS] = SET(TUNNEL),
	[FIELD_TUN_TTL] = SET(TUNNEL),
	[FIELD_TUN_TP_SRC] = SET(TUNNEL),
	[FIELD_TUN_TP_DST] = SET(TUNNEL),
	[FIELD_METADATA] = OWN,
	[FIELD_IN_PORT] = MATCH(IN_PORT),
	[FIELD_IN_PORT_OXM] = MATCH(IN_PORT),
	[FIELD_SKB_PRIORITY] = SET(PRIORITY),
	[FIELD_PKT_MARK] = SET(SKB_MARK),
	[FIELD_DP_HASH] = MATCH(DP_HASH),
	[FIELD_RECIRC_ID] = MATCH(RECIRC_ID),
	[FIELD_CONJ_ID] = OWN,
	[FIELD_PACKET_TYPE] = NO("only Ethernet frames come in"),
	[FIELD_ACTSET_OUTPUT] = OWN,
	[FIELD_CT_STATE] = MATCH(CT_STATE),
	[FIELD_CT_ZONE] = MATCH(CT_ZONE),
	[FIELD_CT_MARK] = MATCH(CT_MARK),
	[FIELD_CT_LABEL] = MATCH(CT_LABELS),
	[FIELD_CT_NW_PROTO] = MATCH(CT_ORIG_TUPLE_IPV4),
	[FIELD_CT_NW_SRC] = MATCH(CT_ORIG_TUPLE_IPV4),
	[FIELD_CT_NW_DST] = MATCH(CT_ORIG_TUPLE_IPV4),
	[FIELD_CT_IPV6_SRC] = MATCH(CT_ORIG_TUPLE_IPV6),
	[FIELD_CT_IPV6_DST] = MATCH(CT_ORIG_TUPLE_IPV6),
	[FIELD_CT_TP_SRC] = MATCH(CT_ORIG_TUPLE_IPV4),
	[FIELD_CT_TP_DST] = MATCH(CT_ORIG_TUPLE_IPV4),
	[FIELD_REG0... FIELD_XXREG_LAST] = OWN,
	[FIELD_ETH_SRC] = SET(ETHERNET),
	[FIELD_ETH_DST] = SET(ETHERNET),
	[FIELD_ETH_TYPE] = MATCH(ETHERTYPE),
	[FIELD_VLAN_TCI] = MATCH(VLAN),
	[FIELD_DL_VLAN] = MATCH(VLAN),
	[FIELD_DL_VLAN_PCP] = MATCH(VLAN),
	[FIELD_VLAN_VID] = MATCH(VLAN),
	[FIELD_VLAN_PCP] = MATCH(VLAN),
	[FIELD_MPLS_LABEL] = SET(MPLS),
	[FIELD_MPLS_TC] = SET(MPLS),
	[FIELD_MPLS_BOS] = MATCH(MPLS),
	[FIELD_MPLS_TTL] = SET(MPLS),
	[FIELD_IPV4_SRC] = SET(IPV4),
	[FIELD_IPV4_DST] = SET(IPV4),
	[FIELD_IPV6_SRC] = SET(IPV6),
	[FIELD_IPV6_DST] = SET(IPV6),
	[FIELD_IPV6_LABEL] = SET(IPV6),
	[FIELD_IP_PROTO] = MATCH(IPV4),
	[FIELD_IP_DSCP] = SET(IPV4),
	[FIELD_IP_DSCP_SHIFTED] = SET(IPV4),
	[FIELD_IP_ECN] = SET(IPV4),
	[FIELD_IP_TTL] = SET(IPV4),
	[FIELD_IP_FRAG] = MATCH(IPV4),
	[FIELD_ARP_OP] = MATCH(ARP),
	[FIELD_ARP_SPA] = MATCH(ARP),
	[FIELD_ARP_TPA] = MATCH(ARP),
	[FIELD_ARP_SHA] = MATCH(ARP),
	[FIELD_ARP_THA] = MATCH(ARP),
	[FIELD_TCP_SRC] = SET(TCP),
	[FIELD_TCP_DST] = SET(TCP),
	[FIELD_TCP_FLAGS] = MATCH(TCP_FLAGS),
	[FIELD_UDP_SRC] = SET(UDP),
	[FIELD_UDP_DST] = SET(UDP),
	[FIELD_SCTP_SRC] = SET(SCTP),
	[FIELD_SCTP_DST] = SET(SCTP),
	[FIELD_ICMPV4_TYPE] = MATCH(ICMP),
	[FIELD_ICMPV4_CODE] = MATCH(ICMP),
	[FIELD_ICMPV6_TYPE] = MATCH(ICMPV6),
	[FIELD_ICMPV6_CODE] = MATCH(ICMPV6),
	[FIELD_ND_TARGET] = MATCH(ND),
	[FIELD_ND_SLL] = MATCH(ND),
	[FIELD_ND_TLL] = MATCH(ND),
};
