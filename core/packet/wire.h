/* SPDX-License-Identifier: Apache-2.0 */
/* Header layouts as offsets, and unaligned access, for the files that read or write frames.
 *
 * Offsets instead of structs: a frame has no alignment, and an offset reads the same in a check of
 * room and in the access behind it.  Everything here is pure; bounds are the caller's. */
#pragma once

#include "core/packet/packet.h"

#define ETH_HLEN 14
#define ETH_TYPE_OFS 12
#define ETH_TYPE_MIN 0x0600 /* smaller: an IEEE 802.3 length */
#define VLAN_HLEN 4
#define MPLS_HLEN 4
#define MPLS_BOS 0x00000100u
#define SNAP_HLEN 8
#define ARP_ETH_LEN 28
#define IPV4_HLEN 20
#define IPV6_HLEN 40
#define TCP_HLEN 20
#define UDP_HLEN 8
#define SCTP_HLEN 12
#define ICMP_HLEN 8
#define ICMPV6_HLEN 4
#define ND_HLEN 24 /* ICMPv6 header, reserved word, target */

enum {
	ETH_IPV4 = 0x0800,
	ETH_ARP = 0x0806,
	ETH_RARP = 0x8035,
	ETH_VLAN = 0x8100,
	ETH_IPV6 = 0x86dd,
	ETH_MPLS = 0x8847,
	ETH_MPLS_MCAST = 0x8848,
	ETH_QINQ = 0x88a8,
};
enum {
	IPP_HOPOPTS = 0,
	IPP_ICMP = 1,
	IPP_IGMP = 2,
	IPP_TCP = 6,
	IPP_UDP = 17,
	IPP_ROUTING = 43,
	IPP_FRAGMENT = 44,
	IPP_AH = 51,
	IPP_ICMPV6 = 58,
	IPP_NONE = 59,
	IPP_DSTOPTS = 60,
	IPP_SCTP = 132,
	IPP_MOBILITY = 135,
};
enum { ND_SOLICIT = 135, ND_ADVERT = 136, ND_OPT_SLL = 1, ND_OPT_TLL = 2 };

static inline uint16_t ld16(const void *p) /* as it lies in memory */
{
	uint16_t x;

	memcpy(&x, p, sizeof(x));
	return x;
}

static inline uint32_t ld32(const void *p)
{
	uint32_t x;

	memcpy(&x, p, sizeof(x));
	return x;
}

static inline uint64_t ld64(const void *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return x;
}

static inline void st16(void *p, uint16_t x)
{
	memcpy(p, &x, sizeof(x));
}

static inline void st32(void *p, uint32_t x)
{
	memcpy(p, &x, sizeof(x));
}

static inline uint16_t rd16(const void *p) /* wire -> host */
{
	return ntohs(ld16(p));
}

static inline uint32_t rd32(const void *p)
{
	return ntohl(ld32(p));
}

static inline bool eth_type_is_vlan(be16 type)
{
	return type == htons(ETH_VLAN) || type == htons(ETH_QINQ);
}

static inline bool eth_type_is_mpls(be16 type)
{
	return type == htons(ETH_MPLS) || type == htons(ETH_MPLS_MCAST);
}

/* What an IPv6 extension chain leads to (RFC 8200 section 4). */
struct ipv6_chain {
	uint32_t l4_ofs; /* from the IPv6 header */
	uint8_t proto;   /* of what stands there; IPP_FRAGMENT for a later fragment */
	uint8_t frag;    /* FLOW_FRAG_* */
	bool routed;     /* a routing header with segments left: the L4 checksum covers another
			    destination */
};

/* Walks the chain of the IPv6 header at ip6; `end` is bytes from there to the end of the payload.
 * False when a header is cut or there are more than IPV6_MAX_EXT. */
#define IPV6_MAX_EXT 16
bool ipv6_chain_walk(const uint8_t *ip6, uint32_t end, struct ipv6_chain *ret);

/* Where L3 and L4 of a packet are, found again from its bytes and offsets (which packet_parse() has
 * set): for edits and checksums.  False when it is not a sound IP packet. */
struct ip_view {
	uint8_t *l3, *l4;
	uint32_t l4_len; /* bytes of the datagram from l4, padding of the frame left out */
	bool v6;
	uint8_t proto;
	uint8_t frag; /* FLOW_FRAG_* */
	bool routed;
};
bool ip_view_of(const struct packet *p, struct ip_view *ret);

/* Bytes of the L4 checksum in its header, or -1 for protocols without an Internet checksum. */
int l4_csum_ofs(uint8_t proto, bool v6);
