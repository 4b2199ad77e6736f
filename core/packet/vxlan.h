/* SPDX-License-Identifier: Apache-2.0 */
/* VXLAN frames (RFC 7348): the outer headers, Ethernet to VXLAN, written in front of a frame and
 * read again, with the group policy extension (draft-smith-vxlan-group-policy-05).
 *
 * What the header says is a struct flow_tnl, addresses of one family in it.  Reserved bits are sent
 * as zero and not looked at.  Pure; any thread. */
#pragma once

#include "core/packet/packet.h"

#define VXLAN_HLEN 8u
#define VXLAN_OVERHEAD4 (14u + 20 + 8 + VXLAN_HLEN)
#define VXLAN_OVERHEAD6 (14u + 40 + 8 + VXLAN_HLEN)
/* Of the underlay's MTU, what does not hold the inner frame's IP packet. */
#define VXLAN_MTU_COST4 (VXLAN_OVERHEAD4)
#define VXLAN_MTU_COST6 (VXLAN_OVERHEAD6)

/* Source ports: the dynamic range, by a hash of the inner flow (RFC 7348 section 5). */
#define VXLAN_SPORT_MIN 49152u
#define VXLAN_SPORT_MAX 65535u
be16 vxlan_sport(uint32_t hash);
/* A hash of the packet's addresses and ports, as far as its offsets say where they are: equal for
 * packets of one flow in one direction, fragments included among themselves. */
uint32_t packet_flow_hash(const struct packet *p);

struct vxlan_outer {
	struct eth_addr dl_dst, dl_src;
	const struct flow_tnl
		*tnl; /* tun_id, addresses, tos, ttl, tp_dst, flags, gbp_*; borrowed */
	be16 sport;
	uint16_t ip_id; /* IPv4 without FLOW_TNL_F_DF */
	bool gbp;       /* the group policy extension is spoken */
};

static inline unsigned vxlan_overhead(const struct flow_tnl *t)
{
	return t->dst ? VXLAN_OVERHEAD4 : VXLAN_OVERHEAD6;
}

/* Writes the headers into the vxlan_overhead() bytes before `inner`, behind which inner_len bytes
 * of frame stand (checksums finished, when FLOW_TNL_F_CSUM asks for one of the whole).  Returns the
 * first byte.  At most 65535 - 36 bytes of frame. */
uint8_t *vxlan_push(uint8_t *inner, uint32_t inner_len, const struct vxlan_outer *o);

/* Reads the header of a UDP payload: sets tun_id, gbp_id and gbp_flags (where `gbp`) and the key
 * flag of *t, and returns how many bytes stand before the inner frame; 0 when there is no such
 * header. */
unsigned vxlan_parse(const uint8_t *payload, size_t len, bool gbp, struct flow_tnl *t);
