/* SPDX-License-Identifier: Apache-2.0 */
#include "tc/flower_keymap.h"

#include <linux/pkt_cls.h>

#define BYTES(NAME)                                                                                \
	{                                                                                          \
		FLOWER_BYTES, TCA_FLOWER_KEY_##NAME, TCA_FLOWER_KEY_##NAME##_MASK, 0               \
	}
#define HOST(NAME)                                                                                 \
	{                                                                                          \
		FLOWER_HOST, TCA_FLOWER_KEY_##NAME, TCA_FLOWER_KEY_##NAME##_MASK, 0                \
	}
#define ONLY(HOW)                                                                                  \
	{                                                                                          \
		FLOWER_##HOW, 0, 0, 0                                                              \
	}
#define WITH(LEADER)                                                                               \
	{                                                                                          \
		FLOWER_WITH, 0, 0, FIELD_##LEADER                                                  \
	}

const struct flower_row flower_keymap[FIELD_N_IDS] = {
	[FIELD_TUN_ID] = ONLY(GROUP), /* 32 bits of 64 */
	[FIELD_TUN_SRC] = BYTES(ENC_IPV4_SRC),
	[FIELD_TUN_DST] = BYTES(ENC_IPV4_DST),
	[FIELD_TUN_IPV6_SRC] = BYTES(ENC_IPV6_SRC),
	[FIELD_TUN_IPV6_DST] = BYTES(ENC_IPV6_DST),
	[FIELD_TUN_FLAGS] = ONLY(GROUP),
	[FIELD_TUN_GBP_ID] = ONLY(GROUP),
	[FIELD_TUN_GBP_FLAGS] = WITH(TUN_GBP_ID),
	[FIELD_TUN_TOS] = BYTES(ENC_IP_TOS),
	[FIELD_TUN_TTL] = BYTES(ENC_IP_TTL),
	[FIELD_TUN_TP_SRC] = BYTES(ENC_UDP_SRC_PORT),
	[FIELD_TUN_TP_DST] = BYTES(ENC_UDP_DST_PORT),
	[FIELD_METADATA] = ONLY(NO),
	[FIELD_IN_PORT] = WITH(IN_PORT_OXM),
	[FIELD_IN_PORT_OXM] = ONLY(PLACE),
	[FIELD_SKB_PRIORITY] = ONLY(ABSENT),
	[FIELD_PKT_MARK] = ONLY(ABSENT),
	[FIELD_DP_HASH] = ONLY(ABSENT),
	[FIELD_RECIRC_ID] = ONLY(PLACE),
	[FIELD_CONJ_ID] = ONLY(NO),
	[FIELD_PACKET_TYPE] = ONLY(ABSENT),
	[FIELD_ACTSET_OUTPUT] = ONLY(NO),
	[FIELD_CT_STATE] = ONLY(GROUP),
	[FIELD_CT_ZONE] = HOST(CT_ZONE),
	[FIELD_CT_MARK] = HOST(CT_MARK),
	[FIELD_CT_LABEL] = HOST(CT_LABELS),
	[FIELD_CT_NW_PROTO] = ONLY(NO),
	[FIELD_CT_NW_SRC] = ONLY(NO),
	[FIELD_CT_NW_DST] = ONLY(NO),
	[FIELD_CT_IPV6_SRC] = ONLY(NO),
	[FIELD_CT_IPV6_DST] = ONLY(NO),
	[FIELD_CT_TP_SRC] = ONLY(NO),
	[FIELD_CT_TP_DST] = ONLY(NO),
	[FIELD_REG0... FIELD_XXREG_LAST] = ONLY(NO),
	[FIELD_ETH_SRC] = BYTES(ETH_SRC),
	[FIELD_ETH_DST] = BYTES(ETH_DST),
	[FIELD_ETH_TYPE] = ONLY(GROUP), /* with both VLAN tags, which say where it is */
	[FIELD_VLAN_TCI] = WITH(ETH_TYPE),
	[FIELD_DL_VLAN] = WITH(ETH_TYPE),
	[FIELD_DL_VLAN_PCP] = WITH(ETH_TYPE),
	[FIELD_VLAN_VID] = WITH(ETH_TYPE),
	[FIELD_VLAN_PCP] = WITH(ETH_TYPE),
	[FIELD_MPLS_LABEL] = ONLY(GROUP), /* with the entries below it */
	[FIELD_MPLS_TC] = WITH(MPLS_LABEL),
	[FIELD_MPLS_BOS] = WITH(MPLS_LABEL),
	[FIELD_MPLS_TTL] = WITH(MPLS_LABEL),
	[FIELD_IPV4_SRC] = BYTES(IPV4_SRC),
	[FIELD_IPV4_DST] = BYTES(IPV4_DST),
	[FIELD_IPV6_SRC] = BYTES(IPV6_SRC),
	[FIELD_IPV6_DST] = BYTES(IPV6_DST),
	[FIELD_IPV6_LABEL] = ONLY(NO),
	[FIELD_IP_PROTO] = ONLY(GROUP), /* no mask */
	[FIELD_IP_DSCP] = ONLY(GROUP),  /* the whole octet */
	[FIELD_IP_DSCP_SHIFTED] = WITH(IP_DSCP),
	[FIELD_IP_ECN] = WITH(IP_DSCP),
	[FIELD_IP_TTL] = BYTES(IP_TTL),
	[FIELD_IP_FRAG] = ONLY(GROUP),
	[FIELD_ARP_OP] = ONLY(GROUP),
	[FIELD_ARP_SPA] = BYTES(ARP_SIP),
	[FIELD_ARP_TPA] = BYTES(ARP_TIP),
	[FIELD_ARP_SHA] = BYTES(ARP_SHA),
	[FIELD_ARP_THA] = BYTES(ARP_THA),
	[FIELD_TCP_SRC] = BYTES(TCP_SRC),
	[FIELD_TCP_DST] = BYTES(TCP_DST),
	[FIELD_TCP_FLAGS] = BYTES(TCP_FLAGS),
	[FIELD_UDP_SRC] = BYTES(UDP_SRC),
	[FIELD_UDP_DST] = BYTES(UDP_DST),
	[FIELD_SCTP_SRC] = BYTES(SCTP_SRC),
	[FIELD_SCTP_DST] = BYTES(SCTP_DST),
	[FIELD_ICMPV4_TYPE] = BYTES(ICMPV4_TYPE),
	[FIELD_ICMPV4_CODE] = BYTES(ICMPV4_CODE),
	[FIELD_ICMPV6_TYPE] = BYTES(ICMPV6_TYPE),
	[FIELD_ICMPV6_CODE] = BYTES(ICMPV6_CODE),
	[FIELD_ND_TARGET] = ONLY(NO),
	[FIELD_ND_SLL] = ONLY(NO),
	[FIELD_ND_TLL] = ONLY(NO),
};

bool flower_type_is_opaque(be16 dl_type)
{
	static const uint16_t types[] = {
		0x4305, /* B.A.T.M.A.N. Advanced */
		0x8864, /* PPPoE session */
		0x88fb, /* PRP */
		0x892f, /* HSR */
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (dl_type == htons(types[i]))
			return true;
	return false;
}
