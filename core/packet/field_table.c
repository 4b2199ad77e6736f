/* SPDX-License-Identifier: Apache-2.0 */
/* The table of fields.  Names, widths, codes, masks and access are those of ovs-fields(7). */
#include "core/packet/field.h"

/* Where: the container in the key. */
#define IN(MEMBER)                                                                                 \
	.ofs = offsetof(struct flow_key, MEMBER), .size = sizeof(((struct flow_key *)0)->MEMBER)
/* Which bits of it, and how many bytes a value has on a wire. */
#define BITS(SHIFT, N_BITS, N_BYTES) .shift = (SHIFT), .n_bits = (N_BITS), .n_bytes = (N_BYTES)
#define WHOLE(N_BYTES) BITS(0, 8 * (N_BYTES), N_BYTES)

#define HEADER(CLASS, CODE, LEN) ((uint32_t)(CLASS) << 16 | (CODE) << 9 | (LEN))
#define NXM_OF(NAME, CODE, LEN) .nxm = HEADER(0x0000, CODE, LEN), .nxm_name = "NXM_OF_" NAME
#define NXM_NX(NAME, CODE, LEN) .nxm = HEADER(0x0001, CODE, LEN), .nxm_name = "NXM_NX_" NAME
/* VERSION: 3 is OpenFlow 1.2, 4 is 1.3, 6 is 1.5. */
#define OXM_CLASS(CLASS, NAME, CODE, LEN, VERSION)                                                 \
	.oxm = HEADER(CLASS, CODE, LEN), .oxm_name = "OXM_OF_" NAME, .oxm_version = (VERSION)
#define OXM(NAME, CODE, LEN) OXM_CLASS(0x8000, NAME, CODE, LEN, 3)
#define OXM13(NAME, CODE, LEN) OXM_CLASS(0x8000, NAME, CODE, LEN, 4)
#define OXM15(NAME, CODE, LEN) OXM_CLASS(0x8000, NAME, CODE, LEN, 6)

#define ROW(ID, NAME) .id = FIELD_##ID, .name = (NAME)
#define AKA(OTHER) .extra_name = (OTHER)
/* The other name is the one that set_field prints. */
#define SET_AKA(OTHER) .extra_name = (OTHER), .set_name = (OTHER)
#define FMT(X) .fmt = FIELD_FMT_##X
#define PRE(X) .prereq = FIELD_PRE_##X
#define MASK .maskable = true
#define RW .writable = true
#define OF10 .of10 = 1

#define REG(N)                                                                                     \
	[FIELD_REG0 + (N)] = { .id = (enum field_id)(FIELD_REG0 + (N)),                            \
			       .name = "reg" #N,                                                   \
			       IN(regs[N]),                                                        \
			       WHOLE(4),                                                           \
			       FMT(HEX),                                                           \
			       MASK,                                                               \
			       RW,                                                                 \
			       NXM_NX("REG" #N, N, 4) }
#define XREG(N)                                                                                    \
	[FIELD_XREG0 + (N)] = { .id = (enum field_id)(FIELD_XREG0 + (N)),                          \
				.name = "xreg" #N,                                                 \
				.ofs = offsetof(struct flow_key, regs[2 * (N)]),                   \
				.size = 8,                                                         \
				WHOLE(8),                                                          \
				FMT(HEX),                                                          \
				MASK,                                                              \
				RW,                                                                \
				OXM_CLASS(0x8001, "PKT_REG" #N, N, 8, 4) }
#define XXREG(N)                                                                                   \
	[FIELD_XXREG0 + (N)] = { .id = (enum field_id)(FIELD_XXREG0 + (N)),                        \
				 .name = "xxreg" #N,                                               \
				 .ofs = offsetof(struct flow_key, regs[4 * (N)]),                  \
				 .size = 16,                                                       \
				 WHOLE(16),                                                        \
				 FMT(HEX),                                                         \
				 MASK,                                                             \
				 RW,                                                               \
				 NXM_NX("XXREG" #N, 111 + (N), 16) }
/* Twelve bits and the "present" bit, wherever they are matched from. */
#define VLAN_ROW(ID, NAME) ROW(ID, NAME), IN(vlans[0].tci)

const struct field field_table[FIELD_N_IDS] = {
	[FIELD_TUN_ID] = { ROW(TUN_ID, "tun_id"), AKA("tunnel_id"), IN(tunnel.tun_id), WHOLE(8),
			   FMT(HEX), MASK, RW, NXM_NX("TUN_ID", 16, 8), OXM13("TUNNEL_ID", 38, 8) },
	[FIELD_TUN_SRC] = { ROW(TUN_SRC, "tun_src"), IN(tunnel.src), WHOLE(4), FMT(IPV4), MASK, RW,
			    NXM_NX("TUN_IPV4_SRC", 31, 4) },
	[FIELD_TUN_DST] = { ROW(TUN_DST, "tun_dst"), IN(tunnel.dst), WHOLE(4), FMT(IPV4), MASK, RW,
			    NXM_NX("TUN_IPV4_DST", 32, 4) },
	[FIELD_TUN_IPV6_SRC] = { ROW(TUN_IPV6_SRC, "tun_ipv6_src"), IN(tunnel.src6), WHOLE(16),
				 FMT(IPV6), MASK, RW, NXM_NX("TUN_IPV6_SRC", 109, 16) },
	[FIELD_TUN_IPV6_DST] = { ROW(TUN_IPV6_DST, "tun_ipv6_dst"), IN(tunnel.dst6), WHOLE(16),
				 FMT(IPV6), MASK, RW, NXM_NX("TUN_IPV6_DST", 110, 16) },
	[FIELD_TUN_FLAGS] = { ROW(TUN_FLAGS, "tun_flags"), IN(tunnel.flags), BITS(0, 4, 2),
			      FMT(TNL_FLAGS), MASK, RW, NXM_NX("TUN_FLAGS", 104, 2) },
	[FIELD_TUN_GBP_ID] = { ROW(TUN_GBP_ID, "tun_gbp_id"), IN(tunnel.gbp_id), WHOLE(2), FMT(DEC),
			       MASK, RW, NXM_NX("TUN_GBP_ID", 38, 2) },
	[FIELD_TUN_GBP_FLAGS] = { ROW(TUN_GBP_FLAGS, "tun_gbp_flags"), IN(tunnel.gbp_flags),
				  WHOLE(1), FMT(HEX), MASK, RW, NXM_NX("TUN_GBP_FLAGS", 39, 1) },
	[FIELD_TUN_TOS] = { ROW(TUN_TOS, "tun_tos"), IN(tunnel.tos), WHOLE(1), FMT(HEX) },
	[FIELD_TUN_TTL] = { ROW(TUN_TTL, "tun_ttl"), IN(tunnel.ttl), WHOLE(1), FMT(DEC) },
	[FIELD_TUN_TP_SRC] = { ROW(TUN_TP_SRC, "tun_tp_src"), IN(tunnel.tp_src), WHOLE(2), FMT(DEC),
			       MASK },
	[FIELD_TUN_TP_DST] = { ROW(TUN_TP_DST, "tun_tp_dst"), IN(tunnel.tp_dst), WHOLE(2), FMT(DEC),
			       MASK },
	[FIELD_METADATA] = { ROW(METADATA, "metadata"), IN(metadata), WHOLE(8), FMT(HEX), MASK, RW,
			     OXM("METADATA", 2, 8) },
	/* The key has the 32-bit number; OpenFlow 1.0's reserved ports are its low half. */
	[FIELD_IN_PORT] = { ROW(IN_PORT, "in_port"), IN(in_port), BITS(0, 16, 2), FMT(OFP_PORT), RW,
			    NXM_OF("IN_PORT", 0, 2), OF10 },
	[FIELD_IN_PORT_OXM] = { ROW(IN_PORT_OXM, "in_port_oxm"), IN(in_port), WHOLE(4),
				FMT(OFP_PORT_OXM), RW, OXM("IN_PORT", 0, 4) },
	[FIELD_SKB_PRIORITY] = { ROW(SKB_PRIORITY, "skb_priority"), IN(skb_priority), WHOLE(4),
				 FMT(HEX) },
	[FIELD_PKT_MARK] = { ROW(PKT_MARK, "pkt_mark"), IN(pkt_mark), WHOLE(4), FMT(HEX), MASK, RW,
			     NXM_NX("PKT_MARK", 33, 4) },
	[FIELD_DP_HASH] = { ROW(DP_HASH, "dp_hash"), IN(dp_hash), WHOLE(4), FMT(HEX), MASK,
			    NXM_NX("DP_HASH", 35, 4) },
	[FIELD_RECIRC_ID] = { ROW(RECIRC_ID, "recirc_id"), IN(recirc_id), WHOLE(4), FMT(HEX),
			      NXM_NX("RECIRC_ID", 36, 4) },
	[FIELD_CONJ_ID] = { ROW(CONJ_ID, "conj_id"), IN(conj_id), WHOLE(4), FMT(DEC),
			    NXM_NX("CONJ_ID", 37, 4) },
	[FIELD_PACKET_TYPE] = { ROW(PACKET_TYPE, "packet_type"), IN(packet_type), WHOLE(4),
				FMT(PACKET_TYPE), OXM15("PACKET_TYPE", 44, 4) },
	[FIELD_ACTSET_OUTPUT] = { ROW(ACTSET_OUTPUT, "actset_output"), IN(actset_output), WHOLE(4),
				  FMT(OFP_PORT_OXM), OXM15("ACTSET_OUTPUT", 43, 4) },
	[FIELD_CT_STATE] = { ROW(CT_STATE, "ct_state"), IN(ct_state), WHOLE(4), FMT(CT_STATE), MASK,
			     NXM_NX("CT_STATE", 105, 4) },
	[FIELD_CT_ZONE] = { ROW(CT_ZONE, "ct_zone"), IN(ct_zone), WHOLE(2), FMT(DEC),
			    NXM_NX("CT_ZONE", 106, 2) },
	[FIELD_CT_MARK] = { ROW(CT_MARK, "ct_mark"), IN(ct_mark), WHOLE(4), FMT(HEX), MASK, RW,
			    NXM_NX("CT_MARK", 107, 4) },
	[FIELD_CT_LABEL] = { ROW(CT_LABEL, "ct_label"), IN(ct_label), WHOLE(16), FMT(HEX), MASK, RW,
			     NXM_NX("CT_LABEL", 108, 16) },
	[FIELD_CT_NW_PROTO] = { ROW(CT_NW_PROTO, "ct_nw_proto"), IN(ct_nw_proto), WHOLE(1),
				FMT(DEC), PRE(CT), NXM_NX("CT_NW_PROTO", 119, 1) },
	[FIELD_CT_NW_SRC] = { ROW(CT_NW_SRC, "ct_nw_src"), IN(ct_nw_src), WHOLE(4), FMT(IPV4),
			      PRE(CT), MASK, NXM_NX("CT_NW_SRC", 120, 4) },
	[FIELD_CT_NW_DST] = { ROW(CT_NW_DST, "ct_nw_dst"), IN(ct_nw_dst), WHOLE(4), FMT(IPV4),
			      PRE(CT), MASK, NXM_NX("CT_NW_DST", 121, 4) },
	[FIELD_CT_IPV6_SRC] = { ROW(CT_IPV6_SRC, "ct_ipv6_src"), IN(ct_ipv6_src), WHOLE(16),
				FMT(IPV6), PRE(CT), MASK, NXM_NX("CT_IPV6_SRC", 122, 16) },
	[FIELD_CT_IPV6_DST] = { ROW(CT_IPV6_DST, "ct_ipv6_dst"), IN(ct_ipv6_dst), WHOLE(16),
				FMT(IPV6), PRE(CT), MASK, NXM_NX("CT_IPV6_DST", 123, 16) },
	[FIELD_CT_TP_SRC] = { ROW(CT_TP_SRC, "ct_tp_src"), IN(ct_tp_src), WHOLE(2), FMT(DEC),
			      PRE(CT), MASK, NXM_NX("CT_TP_SRC", 124, 2) },
	[FIELD_CT_TP_DST] = { ROW(CT_TP_DST, "ct_tp_dst"), IN(ct_tp_dst), WHOLE(2), FMT(DEC),
			      PRE(CT), MASK, NXM_NX("CT_TP_DST", 125, 2) },

	REG(0),
	REG(1),
	REG(2),
	REG(3),
	REG(4),
	REG(5),
	REG(6),
	REG(7),
	REG(8),
	REG(9),
	REG(10),
	REG(11),
	REG(12),
	REG(13),
	REG(14),
	REG(15),
	XREG(0),
	XREG(1),
	XREG(2),
	XREG(3),
	XREG(4),
	XREG(5),
	XREG(6),
	XREG(7),
	XXREG(0),
	XXREG(1),
	XXREG(2),
	XXREG(3),

	[FIELD_ETH_SRC] = { ROW(ETH_SRC, "dl_src"), SET_AKA("eth_src"), IN(dl_src), WHOLE(6),
			    FMT(ETH), MASK, RW, OF10, NXM_OF("ETH_SRC", 2, 6),
			    OXM("ETH_SRC", 4, 6) },
	[FIELD_ETH_DST] = { ROW(ETH_DST, "dl_dst"), SET_AKA("eth_dst"), IN(dl_dst), WHOLE(6),
			    FMT(ETH), MASK, RW, OF10, NXM_OF("ETH_DST", 1, 6),
			    OXM("ETH_DST", 3, 6) },
	[FIELD_ETH_TYPE] = { ROW(ETH_TYPE, "dl_type"), SET_AKA("eth_type"), IN(dl_type), WHOLE(2),
			     FMT(HEX), OF10, NXM_OF("ETH_TYPE", 3, 2), OXM("ETH_TYPE", 5, 2) },
	[FIELD_VLAN_TCI] = { VLAN_ROW(VLAN_TCI, "vlan_tci"), WHOLE(2), FMT(HEX), MASK, RW,
			     NXM_OF("VLAN_TCI", 4, 2) },
	[FIELD_DL_VLAN] = { VLAN_ROW(DL_VLAN, "dl_vlan"), BITS(0, 12, 2), FMT(DEC), RW, OF10 },
	[FIELD_DL_VLAN_PCP] = { VLAN_ROW(DL_VLAN_PCP, "dl_vlan_pcp"), BITS(13, 3, 1), FMT(DEC), RW,
				OF10 },
	[FIELD_VLAN_VID] = { VLAN_ROW(VLAN_VID, "vlan_vid"), BITS(0, 13, 2), FMT(DEC), MASK, RW,
			     OXM("VLAN_VID", 6, 2) },
	[FIELD_VLAN_PCP] = { VLAN_ROW(VLAN_PCP, "vlan_pcp"), BITS(13, 3, 1), FMT(DEC), PRE(VLAN),
			     RW, OXM("VLAN_PCP", 7, 1) },
	[FIELD_MPLS_LABEL] = { ROW(MPLS_LABEL, "mpls_label"), IN(mpls_lse[0]), BITS(12, 20, 4),
			       FMT(DEC), PRE(MPLS), RW, OXM("MPLS_LABEL", 34, 4) },
	[FIELD_MPLS_TC] = { ROW(MPLS_TC, "mpls_tc"), IN(mpls_lse[0]), BITS(9, 3, 1), FMT(DEC),
			    PRE(MPLS), RW, OXM("MPLS_TC", 35, 1) },
	[FIELD_MPLS_BOS] = { ROW(MPLS_BOS, "mpls_bos"), IN(mpls_lse[0]), BITS(8, 1, 1), FMT(DEC),
			     PRE(MPLS), OXM13("MPLS_BOS", 36, 1) },
	[FIELD_MPLS_TTL] = { ROW(MPLS_TTL, "mpls_ttl"), IN(mpls_lse[0]), BITS(0, 8, 1), FMT(DEC),
			     PRE(MPLS), RW, NXM_NX("MPLS_TTL", 30, 1) },

	[FIELD_IPV4_SRC] = { ROW(IPV4_SRC, "nw_src"), SET_AKA("ip_src"), IN(nw_src), WHOLE(4),
			     FMT(IPV4), PRE(IPV4), MASK, RW, OF10, NXM_OF("IP_SRC", 7, 4),
			     OXM("IPV4_SRC", 11, 4) },
	[FIELD_IPV4_DST] = { ROW(IPV4_DST, "nw_dst"), SET_AKA("ip_dst"), IN(nw_dst), WHOLE(4),
			     FMT(IPV4), PRE(IPV4), MASK, RW, OF10, NXM_OF("IP_DST", 8, 4),
			     OXM("IPV4_DST", 12, 4) },
	[FIELD_IPV6_SRC] = { ROW(IPV6_SRC, "ipv6_src"), IN(ipv6_src), WHOLE(16), FMT(IPV6),
			     PRE(IPV6), MASK, RW, NXM_NX("IPV6_SRC", 19, 16),
			     OXM("IPV6_SRC", 26, 16) },
	[FIELD_IPV6_DST] = { ROW(IPV6_DST, "ipv6_dst"), IN(ipv6_dst), WHOLE(16), FMT(IPV6),
			     PRE(IPV6), MASK, RW, NXM_NX("IPV6_DST", 20, 16),
			     OXM("IPV6_DST", 27, 16) },
	[FIELD_IPV6_LABEL] = { ROW(IPV6_LABEL, "ipv6_label"), IN(ipv6_label), BITS(0, 20, 4),
			       FMT(HEX), PRE(IPV6), MASK, RW, NXM_NX("IPV6_LABEL", 27, 4),
			       OXM("IPV6_FLABEL", 28, 4) },
	[FIELD_IP_PROTO] = { ROW(IP_PROTO, "nw_proto"), AKA("ip_proto"), IN(nw_proto), WHOLE(1),
			     FMT(DEC), PRE(IP), OF10, NXM_OF("IP_PROTO", 6, 1),
			     OXM("IP_PROTO", 10, 1) },
	[FIELD_IP_DSCP] = { ROW(IP_DSCP, "nw_tos"), IN(nw_tos), WHOLE(1), FMT(DEC), PRE(IP), RW,
			    OF10, NXM_OF("IP_TOS", 5, 1) },
	[FIELD_IP_DSCP_SHIFTED] = { ROW(IP_DSCP_SHIFTED, "ip_dscp"), IN(nw_tos), BITS(2, 6, 1),
				    FMT(DEC), PRE(IP), RW, OXM("IP_DSCP", 8, 1) },
	[FIELD_IP_ECN] = { ROW(IP_ECN, "nw_ecn"), AKA("ip_ecn"), IN(nw_tos), BITS(0, 2, 1),
			   FMT(DEC), PRE(IP), RW, NXM_NX("IP_ECN", 28, 1), OXM("IP_ECN", 9, 1) },
	[FIELD_IP_TTL] = { ROW(IP_TTL, "nw_ttl"), IN(nw_ttl), WHOLE(1), FMT(DEC), PRE(IP), RW,
			   NXM_NX("IP_TTL", 29, 1) },
	[FIELD_IP_FRAG] = { ROW(IP_FRAG, "nw_frag"), SET_AKA("ip_frag"), IN(nw_frag), BITS(0, 2, 1),
			    FMT(FRAG), PRE(IP), MASK, NXM_NX("IP_FRAG", 26, 1) },
	[FIELD_ARP_OP] = { ROW(ARP_OP, "arp_op"), IN(nw_proto), BITS(0, 16, 2), FMT(DEC), PRE(ARP),
			   RW, OF10, NXM_OF("ARP_OP", 15, 2), OXM("ARP_OP", 21, 2) },
	[FIELD_ARP_SPA] = { ROW(ARP_SPA, "arp_spa"), IN(nw_src), WHOLE(4), FMT(IPV4), PRE(ARP),
			    MASK, RW, OF10, NXM_OF("ARP_SPA", 16, 4), OXM("ARP_SPA", 22, 4) },
	[FIELD_ARP_TPA] = { ROW(ARP_TPA, "arp_tpa"), IN(nw_dst), WHOLE(4), FMT(IPV4), PRE(ARP),
			    MASK, RW, OF10, NXM_OF("ARP_TPA", 17, 4), OXM("ARP_TPA", 23, 4) },
	[FIELD_ARP_SHA] = { ROW(ARP_SHA, "arp_sha"), IN(arp_sha), WHOLE(6), FMT(ETH), PRE(ARP),
			    MASK, RW, NXM_NX("ARP_SHA", 17, 6), OXM("ARP_SHA", 24, 6) },
	[FIELD_ARP_THA] = { ROW(ARP_THA, "arp_tha"), IN(arp_tha), WHOLE(6), FMT(ETH), PRE(ARP),
			    MASK, RW, NXM_NX("ARP_THA", 18, 6), OXM("ARP_THA", 25, 6) },

	[FIELD_TCP_SRC] = { ROW(TCP_SRC, "tcp_src"), AKA("tp_src"), IN(tp_src), WHOLE(2), FMT(DEC),
			    PRE(TCP), MASK, RW, OF10, NXM_OF("TCP_SRC", 9, 2),
			    OXM("TCP_SRC", 13, 2) },
	[FIELD_TCP_DST] = { ROW(TCP_DST, "tcp_dst"), AKA("tp_dst"), IN(tp_dst), WHOLE(2), FMT(DEC),
			    PRE(TCP), MASK, RW, OF10, NXM_OF("TCP_DST", 10, 2),
			    OXM("TCP_DST", 14, 2) },
	[FIELD_TCP_FLAGS] = { ROW(TCP_FLAGS, "tcp_flags"), IN(tcp_flags), BITS(0, 12, 2),
			      FMT(TCP_FLAGS), PRE(TCP), MASK, NXM_NX("TCP_FLAGS", 34, 2),
			      OXM15("TCP_FLAGS", 42, 2) },
	[FIELD_UDP_SRC] = { ROW(UDP_SRC, "udp_src"), IN(tp_src), WHOLE(2), FMT(DEC), PRE(UDP), MASK,
			    RW, OF10, NXM_OF("UDP_SRC", 11, 2), OXM("UDP_SRC", 15, 2) },
	[FIELD_UDP_DST] = { ROW(UDP_DST, "udp_dst"), IN(tp_dst), WHOLE(2), FMT(DEC), PRE(UDP), MASK,
			    RW, OF10, NXM_OF("UDP_DST", 12, 2), OXM("UDP_DST", 16, 2) },
	[FIELD_SCTP_SRC] = { ROW(SCTP_SRC, "sctp_src"), IN(tp_src), WHOLE(2), FMT(DEC), PRE(SCTP),
			     MASK, RW, OXM("SCTP_SRC", 17, 2) },
	[FIELD_SCTP_DST] = { ROW(SCTP_DST, "sctp_dst"), IN(tp_dst), WHOLE(2), FMT(DEC), PRE(SCTP),
			     MASK, RW, OXM("SCTP_DST", 18, 2) },
	[FIELD_ICMPV4_TYPE] = { ROW(ICMPV4_TYPE, "icmp_type"), IN(tp_src), BITS(0, 8, 1), FMT(DEC),
				PRE(ICMPV4), RW, OF10, NXM_OF("ICMP_TYPE", 13, 1),
				OXM("ICMPV4_TYPE", 19, 1) },
	[FIELD_ICMPV4_CODE] = { ROW(ICMPV4_CODE, "icmp_code"), IN(tp_dst), BITS(0, 8, 1), FMT(DEC),
				PRE(ICMPV4), RW, OF10, NXM_OF("ICMP_CODE", 14, 1),
				OXM("ICMPV4_CODE", 20, 1) },
	[FIELD_ICMPV6_TYPE] = { ROW(ICMPV6_TYPE, "icmpv6_type"), IN(tp_src), BITS(0, 8, 1),
				FMT(DEC), PRE(ICMPV6), RW, NXM_NX("ICMPV6_TYPE", 21, 1),
				OXM("ICMPV6_TYPE", 29, 1) },
	[FIELD_ICMPV6_CODE] = { ROW(ICMPV6_CODE, "icmpv6_code"), IN(tp_dst), BITS(0, 8, 1),
				FMT(DEC), PRE(ICMPV6), RW, NXM_NX("ICMPV6_CODE", 22, 1),
				OXM("ICMPV6_CODE", 30, 1) },
	[FIELD_ND_TARGET] = { ROW(ND_TARGET, "nd_target"), IN(nd_target), WHOLE(16), FMT(IPV6),
			      PRE(ND), MASK, RW, NXM_NX("ND_TARGET", 23, 16),
			      OXM("IPV6_ND_TARGET", 31, 16) },
	[FIELD_ND_SLL] = { ROW(ND_SLL, "nd_sll"), IN(arp_sha), WHOLE(6), FMT(ETH), PRE(ND_SOL),
			   MASK, RW, NXM_NX("ND_SLL", 24, 6), OXM("IPV6_ND_SLL", 32, 6) },
	[FIELD_ND_TLL] = { ROW(ND_TLL, "nd_tll"), IN(arp_tha), WHOLE(6), FMT(ETH), PRE(ND_ADV),
			   MASK, RW, NXM_NX("ND_TLL", 25, 6), OXM("IPV6_ND_TLL", 33, 6) },
};
