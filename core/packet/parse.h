/* SPDX-License-Identifier: Apache-2.0 */
/* From a frame to a flow key.
 *
 * packet_parse() writes the L2-L4 words of a key and the header offsets of the packet; it never
 * reads behind the end of the frame.  A header that is cut short leaves its fields zero and the
 * reason in the return value, so that the datapath can count it; the packet may still be switched
 * by what was readable only when the reason says so. Sources: IEEE 802.3/802.1Q, RFC 791, 8200,
 * 9293, 768, 9260, 792, 4443, 4861, 826, 3032.  Any thread. */
#pragma once

#include "core/packet/packet.h"

enum parse_result {
	PARSE_OK,
	PARSE_SHORT_ETH,  /* shorter than an Ethernet header: drop */
	PARSE_SHORT_VLAN, /* a VLAN tag is cut: drop */
	PARSE_SHORT_MPLS, /* label stack cut or without bottom */
	PARSE_SHORT_ARP,
	PARSE_SHORT_IPV4, /* header cut, or its length fields claim more than there is: drop */
	PARSE_BAD_IPV4,   /* version or IHL wrong */
	PARSE_SHORT_IPV6,
	PARSE_BAD_IPV6, /* version wrong, extension chain cut or too long */
	PARSE_SHORT_L4, /* TCP, UDP, SCTP, ICMP header cut */
	PARSE_N_RESULTS
};
extern const char *const parse_result_name[PARSE_N_RESULTS]; /* "short_ipv4", for metrics */

/* Whether the frame claims more than it has, so that it must be dropped (and counted as such).  The
 * others are switched by the fields that were readable: a first fragment may well cut its L4
 * header, and an IPv4 header of another version says nothing about L2. */
static inline bool parse_result_is_drop(enum parse_result r)
{
	return r != PARSE_OK && r != PARSE_BAD_IPV4 && r != PARSE_BAD_IPV6 && r != PARSE_SHORT_L4;
}

/* Fills the packet-borne words (L2, L3, L4) of *key, zeroing those that the packet lacks; leaves
 * all metadata words alone.  Sets p->l3_ofs, p->l4_ofs.  *map gets the non-zero words of L2-L4 (map
 * may be NULL). */
enum parse_result packet_parse(struct packet *p, struct flow_key *key, uint64_t *map);

/* A frame with the headers that `key` describes and `payload_len` bytes (0, 1, 2, …) behind them,
 * checksums right: for tests, trace and packet templates.  Returns a packet that the caller frees.
 */
struct packet *packet_compose(const struct flow_key *key, size_t payload_len);
