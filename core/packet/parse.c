/* SPDX-License-Identifier: Apache-2.0 */
#include "core/packet/parse.h"

#include "core/packet/wire.h"

const char *const parse_result_name[PARSE_N_RESULTS] = {
	[PARSE_OK] = "ok",
	[PARSE_SHORT_ETH] = "short_eth",
	[PARSE_SHORT_VLAN] = "short_vlan",
	[PARSE_SHORT_MPLS] = "short_mpls",
	[PARSE_SHORT_ARP] = "short_arp",
	[PARSE_SHORT_IPV4] = "short_ipv4",
	[PARSE_BAD_IPV4] = "bad_ipv4",
	[PARSE_SHORT_IPV6] = "short_ipv6",
	[PARSE_BAD_IPV6] = "bad_ipv6",
	[PARSE_SHORT_L4] = "short_l4",
};

/* The key is written one whole word at a time: a lookup reads words next, and a word that was
 * stored in pieces would stall there. */
struct out {
	uint64_t *w;
	uint64_t map;
};

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define WORD_SHIFT(BYTE, SIZE) (8 * (BYTE))
#else
#define WORD_SHIFT(BYTE, SIZE) (64 - 8 * ((BYTE) + (SIZE)))
#endif

/* A word with `x`, SIZE bytes in memory order, at byte BYTE. */
#define AT8(BYTE, X) ((uint64_t)(uint8_t)(X) << WORD_SHIFT(BYTE, 1))
#define AT16(BYTE, X) ((uint64_t)(uint16_t)(X) << WORD_SHIFT(BYTE, 2))
#define AT32(BYTE, X) ((uint64_t)(uint32_t)(X) << WORD_SHIFT(BYTE, 4))

enum {
	W_ETH = FLOW_WORD(dl_dst),
	W_VLAN = FLOW_WORD(vlans),
	W_MPLS = FLOW_WORD(mpls_lse),
	W_NW = FLOW_WORD(nw_src),
	W_IPV6_SRC = FLOW_WORD(ipv6_src),
	W_IPV6_DST = FLOW_WORD(ipv6_dst),
	W_IP = FLOW_WORD(ipv6_label),
	W_ND = FLOW_WORD(nd_target),
	W_ARP = FLOW_WORD(arp_sha),
	W_TCP = FLOW_WORD(tcp_flags),
	W_TP = FLOW_WORD(tp_src),
};
_Static_assert(W_VLAN == W_ETH + 2 && W_MPLS == W_VLAN + 1 && W_NW == W_MPLS + 2, "L2 layout");
_Static_assert(offsetof(struct flow_key, dl_type) == 8 * W_ETH + 12, "L2 layout");
_Static_assert(offsetof(struct flow_key, nw_frag) == 8 * W_IP + 4, "L3 layout");
_Static_assert(offsetof(struct flow_key, arp_tha) == 8 * W_ARP + 6, "L3 layout");
_Static_assert(offsetof(struct flow_key, tcp_flags) == 8 * W_TCP + 4, "L3 layout");
_Static_assert(W_TCP == W_ARP + 1 && W_TP == W_TCP + 1 && W_TP + 3 == FLOW_WORDS, "L4 layout");

static inline void put(struct out *o, unsigned i, uint64_t v)
{
	o->w[i] = v;
	o->map |= (uint64_t)(v != 0) << i;
}

static inline __attribute__((always_inline)) void put_zeros(struct out *o, unsigned from,
							    unsigned to)
{
	for (unsigned i = from; i < to; i++)
		o->w[i] = 0;
}

bool ipv6_chain_walk(const uint8_t *ip6, uint32_t end, struct ipv6_chain *ret)
{
	uint32_t ofs = IPV6_HLEN, len;
	uint8_t next = ip6[6];

	*ret = (struct ipv6_chain){ .frag = 0 };
	for (unsigned n = 0; n <= IPV6_MAX_EXT; n++) {
		switch (next) {
		case IPP_HOPOPTS:
		case IPP_DSTOPTS:
		case IPP_MOBILITY:
		case IPP_ROUTING:
		case IPP_AH:
		case IPP_FRAGMENT: break;
		default:
			ret->l4_ofs = ofs;
			ret->proto = next;
			return true;
		}
		if (end < ofs + 8)
			return false;
		len = next == IPP_FRAGMENT ? 8
		      : next == IPP_AH     ? (ip6[ofs + 1] + 2u) * 4
					   : (ip6[ofs + 1] + 1u) * 8;
		if (end < ofs + len)
			return false;
		if (next == IPP_ROUTING && ip6[ofs + 3])
			ret->routed = true;
		if (next == IPP_FRAGMENT) {
			ret->frag = FLOW_FRAG_ANY;
			if (rd16(ip6 + ofs + 2) & 0xfff8) {
				ret->frag |= FLOW_FRAG_LATER;
				ret->proto = IPP_FRAGMENT; /* as the kernel's datapath has it */
				ret->l4_ofs = ofs + len;
				return true;
			}
		}
		next = ip6[ofs];
		ofs += len;
	}
	return false;
}

bool ip_view_of(const struct packet *p, struct ip_view *ret)
{
	struct ipv6_chain c;
	uint32_t end, left;
	be16 type;

	if (p->l3_ofs == PACKET_NO_OFS || p->l4_ofs == PACKET_NO_OFS || p->l3_ofs < ETH_HLEN ||
	    p->l4_ofs < p->l3_ofs || p->l4_ofs > p->len)
		return false;
	ret->l3 = p->data + p->l3_ofs;
	ret->l4 = p->data + p->l4_ofs;
	type = ld16(ret->l3 - 2);
	left = p->len - p->l3_ofs;
	if (type == htons(ETH_IPV4) && left >= IPV4_HLEN) {
		uint16_t frag = rd16(ret->l3 + 6);

		end = MIN(rd16(ret->l3 + 2), left);
		ret->v6 = ret->routed = false;
		ret->proto = ret->l3[9];
		ret->frag = (uint8_t)((frag & 0x3fff ? FLOW_FRAG_ANY : 0) |
				      (frag & 0x1fff ? FLOW_FRAG_LATER : 0));
	} else if (type == htons(ETH_IPV6) && left >= IPV6_HLEN) {
		end = MIN(IPV6_HLEN + (uint32_t)rd16(ret->l3 + 4), left);
		if (!ipv6_chain_walk(ret->l3, end, &c))
			return false;
		ret->v6 = true;
		ret->routed = c.routed;
		ret->proto = c.proto;
		ret->frag = c.frag;
	} else {
		return false;
	}
	if ((uint32_t)(p->l4_ofs - p->l3_ofs) > end)
		return false;
	ret->l4_len = end - (uint32_t)(p->l4_ofs - p->l3_ofs);
	return true;
}

/* Neighbor discovery (RFC 4861 section 4.3, 4.4): target and link-layer options.  An option that is
 * malformed or comes twice makes the message invalid: then no ND field is shown. */
static void parse_nd(struct out *o, const uint8_t *l4, uint32_t len)
{
	struct eth_addr lla[2];
	uint32_t ofs = ND_HLEN;
	bool seen[2] = { false, false };

	memset(lla, 0, sizeof(lla));
	while (len - ofs >= 8) {
		uint32_t opt_len = l4[ofs + 1] * 8u;
		unsigned which = l4[ofs] - (unsigned)ND_OPT_SLL;

		if (!opt_len || opt_len > len - ofs)
			return;
		if (which < 2 && opt_len == 8) {
			if (seen[which])
				return;
			seen[which] = true;
			memcpy(&lla[which], l4 + ofs + 2, sizeof(lla[which]));
		}
		ofs += opt_len;
	}
	put(o, W_ND, ld64(l4 + 8));
	put(o, W_ND + 1, ld64(l4 + 16));
	put(o, W_ARP,
	    AT32(0, ld32(&lla[0].b[0])) | AT16(4, ld16(&lla[0].b[4])) |
		    AT16(6, ld16(&lla[1].b[0])));
	put(o, W_TCP, AT32(0, ld32(&lla[1].b[2])));
}

static inline uint64_t type_code(const uint8_t *l4)
{
	return AT8(1, l4[0]) | AT8(3, l4[1]);
}

/* Words from W_ND on are zero when this is called; `len`: bytes of the datagram from l4. */
static inline enum parse_result parse_l4(struct out *o, const uint8_t *l4, uint32_t len,
					 uint8_t proto, bool v6)
{
	switch (proto) {
	case IPP_TCP:
		if (unlikely(len < TCP_HLEN))
			return PARSE_SHORT_L4;
		put(o, W_TCP, AT16(4, ld16(l4 + 12) & htons(0x0fff)));
		put(o, W_TP, AT32(0, ld32(l4)));
		return PARSE_OK;
	case IPP_UDP:
		if (unlikely(len < UDP_HLEN))
			return PARSE_SHORT_L4;
		put(o, W_TP, AT32(0, ld32(l4)));
		return PARSE_OK;
	case IPP_SCTP:
		if (unlikely(len < SCTP_HLEN))
			return PARSE_SHORT_L4;
		put(o, W_TP, AT32(0, ld32(l4)));
		return PARSE_OK;
	case IPP_ICMP:
		if (v6)
			return PARSE_OK;
		if (unlikely(len < ICMP_HLEN))
			return PARSE_SHORT_L4;
		put(o, W_TP, type_code(l4));
		return PARSE_OK;
	case IPP_IGMP:
		if (v6)
			return PARSE_OK;
		if (unlikely(len < ICMP_HLEN))
			return PARSE_SHORT_L4;
		put(o, W_TP, type_code(l4) | AT32(4, ld32(l4 + 4)));
		return PARSE_OK;
	case IPP_ICMPV6:
		if (!v6)
			return PARSE_OK;
		if (unlikely(len < ICMPV6_HLEN))
			return PARSE_SHORT_L4;
		put(o, W_TP, type_code(l4));
		if ((l4[0] == ND_SOLICIT || l4[0] == ND_ADVERT) && !l4[1] && len >= ND_HLEN)
			parse_nd(o, l4, len);
		return PARSE_OK;
	default: return PARSE_OK;
	}
}

static inline enum parse_result parse_ipv4(struct packet *p, struct out *o, const uint8_t *l3,
					   uint32_t left)
{
	uint32_t hlen, tot_len;
	uint16_t frag_off;
	uint8_t frag = 0;

	put_zeros(o, W_IPV6_SRC, W_IP);
	put_zeros(o, W_ND, FLOW_WORDS);
	o->w[W_NW] = o->w[W_IP] = 0;
	if (unlikely(left < IPV4_HLEN))
		return PARSE_SHORT_IPV4;
	hlen = (l3[0] & 0x0fu) * 4;
	tot_len = rd16(l3 + 2);
	if (unlikely(l3[0] >> 4 != 4 || hlen < IPV4_HLEN))
		return PARSE_BAD_IPV4;
	if (unlikely(tot_len > left || hlen > tot_len))
		return PARSE_SHORT_IPV4;
	frag_off = rd16(l3 + 6) & 0x3fff;
	if (unlikely(frag_off))
		frag = frag_off & 0x1fff ? FLOW_FRAG_ANY | FLOW_FRAG_LATER : FLOW_FRAG_ANY;
	put(o, W_NW, ld64(l3 + 12));
	put(o, W_IP, AT8(4, frag) | AT8(5, l3[1]) | AT8(6, l3[8]) | AT8(7, l3[9]));
	p->l4_ofs = (uint16_t)(p->l3_ofs + hlen);
	if (unlikely(frag & FLOW_FRAG_LATER))
		return PARSE_OK;
	return parse_l4(o, l3 + hlen, tot_len - hlen, l3[9], false);
}

static enum parse_result parse_ipv6(struct packet *p, struct out *o, const uint8_t *l3,
				    uint32_t left)
{
	struct ipv6_chain c;
	uint32_t first, end;

	put_zeros(o, W_NW, FLOW_WORDS);
	if (unlikely(left < IPV6_HLEN))
		return PARSE_SHORT_IPV6;
	first = rd32(l3);
	end = IPV6_HLEN + (uint32_t)rd16(l3 + 4);
	if (unlikely(first >> 28 != 6))
		return PARSE_BAD_IPV6;
	if (unlikely(end > left))
		return PARSE_SHORT_IPV6;
	if (unlikely(!ipv6_chain_walk(l3, end, &c) || p->l3_ofs + c.l4_ofs >= PACKET_NO_OFS))
		return PARSE_BAD_IPV6;
	for (unsigned i = 0; i < 4; i++) /* both addresses */
		put(o, W_IPV6_SRC + i, ld64(l3 + 8 + 8 * i));
	put(o, W_IP,
	    AT32(0, htonl(first & 0xfffff)) | AT8(4, c.frag) | AT8(5, first >> 20) | AT8(6, l3[7]) |
		    AT8(7, c.proto));
	p->l4_ofs = (uint16_t)(p->l3_ofs + c.l4_ofs);
	if (unlikely(c.frag & FLOW_FRAG_LATER))
		return PARSE_OK;
	return parse_l4(o, l3 + c.l4_ofs, end - c.l4_ofs, c.proto, true);
}

/* RFC 826 for Ethernet and IPv4; other address families show no field. */
static enum parse_result parse_arp(struct out *o, const uint8_t *l3, uint32_t left)
{
	uint16_t op;

	put_zeros(o, W_NW, FLOW_WORDS);
	if (unlikely(left < ARP_ETH_LEN))
		return PARSE_SHORT_ARP;
	if (ld16(l3) != htons(1) || ld16(l3 + 2) != htons(ETH_IPV4) || l3[4] != 6 || l3[5] != 4)
		return PARSE_OK;
	op = rd16(l3 + 6);
	put(o, W_NW, AT32(0, ld32(l3 + 14)) | AT32(4, ld32(l3 + 24)));
	put(o, W_IP, AT8(7, op <= 0xff ? op : 0));
	put(o, W_ARP, AT32(0, ld32(l3 + 8)) | AT16(4, ld16(l3 + 12)) | AT16(6, ld16(l3 + 18)));
	put(o, W_ARP + 1, AT32(0, ld32(l3 + 20)));
	return PARSE_OK;
}

/* RFC 3032: the top FLOW_N_MPLS entries.  What is below the stack is not known. */
static enum parse_result parse_mpls(struct out *o, const uint8_t *l3, uint32_t left)
{
	uint32_t lse[FLOW_N_MPLS] = { 0 };
	enum parse_result r = PARSE_OK;

	put_zeros(o, W_NW, FLOW_WORDS);
	for (unsigned i = 0; i < FLOW_N_MPLS; i++) {
		if (left < (i + 1) * MPLS_HLEN) {
			r = PARSE_SHORT_MPLS;
			break;
		}
		lse[i] = ld32(l3 + i * MPLS_HLEN);
		if (lse[i] & htonl(MPLS_BOS))
			break;
	}
	put(o, W_MPLS, AT32(0, lse[0]) | AT32(4, lse[1]));
	put(o, W_MPLS + 1, AT32(0, lse[2]));
	return r;
}

/* The Ethertype of an IEEE 802.3 frame: SNAP's when it is encapsulated Ethernet II (RFC 1042), and
 * *l3 moves behind the LLC header then. */
static be16 parse_llc(const uint8_t *data, uint32_t len, uint32_t *l3)
{
	static const uint8_t snap[6] = { 0xaa, 0xaa, 0x03, 0, 0, 0 };

	if (len - *l3 < SNAP_HLEN || memcmp(data + *l3, snap, sizeof(snap)) ||
	    rd16(data + *l3 + 6) < ETH_TYPE_MIN)
		return htons(DL_TYPE_NONE);
	*l3 += SNAP_HLEN;
	return ld16(data + *l3 - 2);
}

static inline enum parse_result parse_l3(struct packet *p, struct out *o, be16 type)
{
	const uint8_t *l3 = p->data + p->l3_ofs;
	uint32_t left = p->len - p->l3_ofs;

	if (type == htons(ETH_IPV4))
		return parse_ipv4(p, o, l3, left);
	if (type == htons(ETH_IPV6))
		return parse_ipv6(p, o, l3, left);
	if (type == htons(ETH_ARP) || type == htons(ETH_RARP))
		return parse_arp(o, l3, left);
	if (eth_type_is_mpls(type))
		return parse_mpls(o, l3, left);
	put_zeros(o, W_NW, FLOW_WORDS);
	return PARSE_OK;
}

static enum parse_result parse_frame(struct packet *p, struct out *o)
{
	const uint8_t *d = p->data;
	uint32_t l3 = ETH_HLEN;
	uint64_t tags = 0;
	be16 type;

	p->l3_ofs = p->l4_ofs = PACKET_NO_OFS;
	if (unlikely(p->len < ETH_HLEN)) {
		put_zeros(o, W_ETH, FLOW_WORDS);
		return PARSE_SHORT_ETH;
	}
	type = ld16(d + ETH_TYPE_OFS);
	for (unsigned i = 0; i < FLOW_N_VLANS && unlikely(eth_type_is_vlan(type)); i++) {
		if (unlikely(p->len < l3 + VLAN_HLEN)) {
			put_zeros(o, W_ETH, FLOW_WORDS);
			return PARSE_SHORT_VLAN;
		}
		tags |= AT16(4 * i, type) | AT16(4 * i + 2, ld16(d + l3) | htons(VLAN_CFI));
		type = ld16(d + l3 + 2);
		l3 += VLAN_HLEN;
	}
	if (unlikely(ntohs(type) < ETH_TYPE_MIN))
		type = parse_llc(d, p->len, &l3);
	put(o, W_ETH, ld64(d));
	put(o, W_ETH + 1, AT32(0, ld32(d + 8)) | AT16(4, type));
	put(o, W_VLAN, tags);
	put_zeros(o, W_MPLS, W_NW);
	p->l3_ofs = (uint16_t)l3;
	return parse_l3(p, o, type);
}

enum parse_result packet_parse(struct packet *p, struct flow_key *key, uint64_t *map)
{
	struct out o = { flow_words(key), 0 };
	enum parse_result r = parse_frame(p, &o);

	if (map)
		*map = o.map;
	return r;
}
