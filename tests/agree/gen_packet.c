/* SPDX-License-Identifier: Apache-2.0 */
/* Frames, built from the outside in.  Lengths are true; what else a sender may get wrong
 * (checksums, time to live, paddings) sometimes is. */
#include <string.h>

#include "core/base/buf.h"
#include "core/packet/csum.h"
#include "core/packet/wire.h"
#include "tests/agree/gen.h"

struct maker {
	struct rng *r;
	struct buf b;
	bool v6;
	const struct agree_gen_kinds *kinds;
	uint32_t l3, l4; /* offsets */
	uint8_t src[16], dst[16];
	bool whole; /* the datagram has its L4 header: no later fragment */
	uint8_t proto;
};

static uint32_t pick(struct maker *m, uint32_t n)
{
	return (uint32_t)rng_below(m->r, n);
}

static bool chance(struct maker *m, unsigned n, unsigned of)
{
	return gen_chance(m->r, n, of);
}

static void put_payload(struct maker *m, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		buf_put_u8(&m->b, (uint8_t)rng_next(m->r));
}

static void put_mac(struct maker *m)
{
	static const uint8_t special[][6] = {
		{ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
		{ 0x01, 0, 0x5e, 0, 0, 1 },
		{ 0x33, 0x33, 0, 0, 0, 1 },
		{ 0x01, 0x80, 0xc2, 0, 0, 0 },
		{ 0x01, 0x80, 0xc2, 0, 0, 2 },
		{ 0 },
	};
	uint8_t mac[6] = { 2, 0, 0, 0, 0, (uint8_t)(1 + pick(m, 4)) };

	if (chance(m, 1, 6))
		buf_put(&m->b, special[pick(m, ARRAY_SIZE(special))], 6);
	else
		buf_put(&m->b, mac, 6);
}

static void put_tags(struct maker *m)
{
	static const uint8_t numbers[] = { 0, 0, 0, 0, 0, 1, 1, 1, 2, 3 };
	unsigned n = numbers[pick(m, ARRAY_SIZE(numbers))];

	for (unsigned i = 0; i < n; i++) {
		buf_put_be16(&m->b, chance(m, i + 1 < n ? 2 : 1, 3) ? ETH_QINQ : ETH_VLAN);
		buf_put_be16(&m->b, (uint16_t)(pick(m, 8) << 13 | chance(m, 1, 10) << 12 |
					       (chance(m, 1, 8) ? 0xfff : pick(m, 4))));
	}
}

/* --- L4 --- */

static void put_sum(struct maker *m, uint32_t at, be16 right)
{
	if (m->kinds->wrong_sums && chance(m, 1, 8))
		right ^= htons((uint16_t)rng_next(m->r));
	st16(m->b.data + at, right);
}

static uint32_t pseudo(struct maker *m, uint8_t proto)
{
	unsigned n = m->v6 ? 16 : 4;
	uint8_t end[8] = { 0 };
	uint32_t sum;

	sum = csum_continue(0, m->src, n);
	sum = csum_continue(sum, m->dst, n);
	st16(end + 2, htons((uint16_t)(m->b.len - m->l4)));
	end[7] = proto;
	return csum_continue(sum, end, sizeof(end));
}

/* Over all from l4 on, in the field at l4 + ofs, which is zero. */
static void sum_l4(struct maker *m, uint8_t proto, unsigned ofs)
{
	uint32_t sum = proto == IPP_ICMP || proto == IPP_IGMP ? 0 : pseudo(m, proto);
	be16 right = csum_finish(csum_continue(sum, m->b.data + m->l4, m->b.len - m->l4));

	/* None; over IPv6 that is wrong (RFC 8200 section 8.1), and TC's csum action makes one. */
	if (proto == IPP_UDP && (!m->v6 || m->kinds->wrong_sums) && chance(m, 1, 5))
		return;
	if (proto == IPP_UDP && !right)
		right = 0xffff;
	put_sum(m, m->l4 + ofs, right);
}

static void put_ports(struct maker *m)
{
	buf_put_be16(&m->b, (uint16_t)(1000 + pick(m, 4)));
	buf_put_be16(&m->b, (uint16_t)(80 + pick(m, 4)));
}

static void put_tcp(struct maker *m)
{
	unsigned options = chance(m, 1, 3) ? pick(m, 4) : 0;

	put_ports(m);
	buf_put_be32(&m->b, pick(m, 1000));
	buf_put_be32(&m->b, pick(m, 1000));
	buf_put_be16(&m->b, (uint16_t)((5 + options) << 12 | 1u << pick(m, 9)));
	buf_put_be16(&m->b, 512);
	buf_put_be32(&m->b, chance(m, 1, 8) ? 7 : 0); /* checksum, urgent */
	for (unsigned i = 0; i < options; i++)
		buf_put_be32(&m->b, 0x01010101);
	put_payload(m, pick(m, 20));
	sum_l4(m, IPP_TCP, 16);
}

static void put_udp(struct maker *m)
{
	unsigned n = pick(m, 30);

	put_ports(m);
	buf_put_be16(&m->b, (uint16_t)(8 + n));
	buf_put_be16(&m->b, 0);
	put_payload(m, n);
	sum_l4(m, IPP_UDP, 6);
}

/* The CRC covers the whole message.  The kernel mends it over what there is when it writes a port,
 * also in a first fragment, which others drop, and over a trailer: there is neither. */
static void put_sctp(struct maker *m)
{
	be32 right;

	put_ports(m);
	buf_put_be32(&m->b, (uint32_t)rng_next(m->r));
	buf_put_be32(&m->b, 0);
	put_payload(m, 4 * pick(m, 6));
	right = crc32c(m->b.data + m->l4, m->b.len - m->l4);
	if (m->kinds->wrong_sums && chance(m, 1, 8))
		right ^= 1;
	memcpy(m->b.data + m->l4 + 8, &right, sizeof(right));
}

/* The datagram that an error speaks of: as long as it is sent back. */
static void put_inner(struct maker *m)
{
	if (m->v6) {
		buf_put_be32(&m->b, 0x60000000);
		buf_put_be32(&m->b, 8u << 16 | IPP_UDP << 8 | 1);
		buf_put(&m->b, m->dst, 16);
		buf_put(&m->b, m->src, 16);
	} else {
		buf_put_be32(&m->b, 0x4500001c);
		buf_put_be32(&m->b, 0x00010000);
		buf_put_be32(&m->b, 0x01110000);
		buf_put(&m->b, m->dst, 4);
		buf_put(&m->b, m->src, 4);
	}
	put_ports(m);
	buf_put_be32(&m->b, 0x00081234);
}

static void put_icmp(struct maker *m)
{
	static const uint8_t types[] = { 8, 0, 3, 11, 5, 12, 13, 42 };
	uint8_t type = types[pick(m, ARRAY_SIZE(types))];

	buf_put_be16(&m->b, (uint16_t)(type << 8 | pick(m, 3)));
	buf_put_be16(&m->b, 0);
	buf_put_be32(&m->b, 0x00010000 + pick(m, 3));
	if (type == 3 || type == 11 || type == 5 || type == 12)
		put_inner(m);
	else
		put_payload(m, pick(m, 20));
	sum_l4(m, IPP_ICMP, 2);
}

static void put_igmp(struct maker *m)
{
	buf_put_be32(&m->b, 0x16000000);
	buf_put_be32(&m->b, 0xe0000001 + pick(m, 3));
	sum_l4(m, IPP_IGMP, 2);
}

/* Neighbour solicitation or advertisement, with options. */
static void put_nd(struct maker *m, uint8_t type)
{
	uint8_t target[16] = { 0xfd, 0 };
	unsigned options = pick(m, 3);

	target[15] = (uint8_t)(1 + pick(m, 4));
	buf_put_be32(&m->b, (uint32_t)type << 24 | (chance(m, 1, 8) ? 1u << 16 : 0));
	buf_put_be32(&m->b, type == ND_ADVERT ? pick(m, 8) << 29 : 0);
	buf_put(&m->b, target, 16);
	for (unsigned i = 0; i < options; i++) {
		buf_put_be16(&m->b, (uint16_t)((chance(m, 1, 8) ? 5 : 1 + pick(m, 2)) << 8 | 1));
		put_mac(m);
	}
	if (chance(m, 1, 8))
		put_payload(m, 1 + pick(m, 7)); /* not an option */
}

static void put_icmp6(struct maker *m)
{
	static const uint8_t types[] = { 128,       129,       133, ND_SOLICIT, ND_SOLICIT,
					 ND_ADVERT, ND_ADVERT, 1,   2,          3 };
	uint8_t type = types[pick(m, ARRAY_SIZE(types))];

	if (type == ND_SOLICIT || type == ND_ADVERT) {
		put_nd(m, type);
	} else {
		buf_put_be32(&m->b, (uint32_t)type << 24 | pick(m, 3) << 16);
		buf_put_be32(&m->b, 0);
		if (type < 128)
			put_inner(m);
		else
			put_payload(m, pick(m, 20));
	}
	sum_l4(m, IPP_ICMPV6, 2);
}

static uint8_t pick_proto(struct maker *m)
{
	static const uint8_t v4[] = { IPP_TCP,  IPP_TCP,  IPP_UDP,  IPP_UDP, IPP_ICMP,
				      IPP_ICMP, IPP_SCTP, IPP_IGMP, 47,      IPP_ICMPV6 };
	static const uint8_t v6[] = { IPP_TCP,    IPP_TCP,    IPP_UDP,  IPP_UDP,  IPP_ICMPV6,
				      IPP_ICMPV6, IPP_ICMPV6, IPP_SCTP, IPP_NONE, IPP_ICMP };

	return m->v6 ? v6[pick(m, ARRAY_SIZE(v6))] : v4[pick(m, ARRAY_SIZE(v4))];
}

static void put_l4(struct maker *m, uint8_t proto)
{
	m->l4 = (uint32_t)m->b.len;
	if (!m->whole || (m->kinds->wrong_sums &&
			  chance(m, 1, 16))) { /* in a first fragment a header may be cut, too */
		put_payload(m, pick(m, 24));
		return;
	}
	switch (proto) {
	case IPP_TCP: put_tcp(m); return;
	case IPP_UDP: put_udp(m); return;
	case IPP_SCTP: put_sctp(m); return;
	case IPP_ICMP: m->v6 ? put_payload(m, 12) : put_icmp(m); return;
	case IPP_ICMPV6: m->v6 ? put_icmp6(m) : put_payload(m, 12); return;
	case IPP_IGMP: put_igmp(m); return;
	default: put_payload(m, pick(m, 20));
	}
}

/* --- L3 --- */

static uint8_t pick_ttl(struct maker *m)
{
	static const uint8_t ttls[] = { 64, 64, 64, 255, 2, 2, 1, 1, 0 };

	return ttls[pick(m, ARRAY_SIZE(ttls))];
}

static void put_ipv4(struct maker *m)
{
	static const uint16_t frags[] = { 0, 0, 0, 0, 0x4000, 0x4000, 0x2000, 0x2010, 0x0010 };
	uint16_t frag = frags[pick(m, ARRAY_SIZE(frags))];
	unsigned options = chance(m, 1, 8) ? 1 + pick(m, 3) : 0;
	uint8_t proto;

	m->v6 = false;
	m->whole = !(frag & 0x1fff);
	m->proto = proto = pick_proto(m);
	if (proto == IPP_SCTP && m->whole)
		frag &= 0x4000;
	m->l3 = (uint32_t)m->b.len;
	memcpy(m->src, (uint8_t[]){ 10, 0, (uint8_t)pick(m, 2), (uint8_t)(1 + pick(m, 3)) }, 4);
	memcpy(m->dst, (uint8_t[]){ 10, 0, (uint8_t)pick(m, 2), (uint8_t)(1 + pick(m, 3)) }, 4);
	buf_put_u8(&m->b, (uint8_t)(0x45 + options));
	buf_put_u8(&m->b, (uint8_t)(pick(m, 4) << 2 | pick(m, 4)));
	buf_put_be32(&m->b, pick(m, 100)); /* length, identification */
	buf_put_be16(&m->b, frag);
	buf_put_u8(&m->b, pick_ttl(m));
	buf_put_u8(&m->b, proto);
	buf_put_be16(&m->b, 0);
	buf_put(&m->b, m->src, 4);
	buf_put(&m->b, m->dst, 4);
	for (unsigned i = 0; i < options; i++)
		buf_put_be32(&m->b, 0x01010101);
	put_l4(m, proto);
	buf_set_be16(&m->b, m->l3 + 2, (uint16_t)(m->b.len - m->l3));
	put_sum(m, m->l3 + 10, csum(m->b.data + m->l3, 20 + 4 * options));
}

static const uint8_t extensions[] = { IPP_HOPOPTS, IPP_ROUTING, IPP_DSTOPTS, IPP_FRAGMENT, IPP_AH };

static void put_extension(struct maker *m, uint8_t kind, uint8_t next)
{
	static const uint16_t frags[] = { 0x0000, 0x0001, 0x0001, 0x0009, 0x0010 };
	uint16_t frag = frags[pick(m, ARRAY_SIZE(frags))];

	/* The kernel takes a later fragment for the first one when an extension is next in it. */
	if (memchr(extensions, next, sizeof(extensions)))
		frag &= 7;
	if (m->proto == IPP_SCTP && kind == IPP_FRAGMENT && frag < 8)
		frag = 0x0009; /* see put_sctp() */
	buf_put_u8(&m->b, next);
	switch (kind) {
	case IPP_FRAGMENT:
		buf_put_u8(&m->b, 0);
		buf_put_be16(&m->b, frag);
		buf_put_be32(&m->b, 99);
		m->whole &= frag < 8;
		return;
	case IPP_AH:
		buf_put_u8(&m->b, 1); /* 12 bytes */
		buf_put_zeros(&m->b, 10);
		return;
	case IPP_ROUTING:
		buf_put_u8(&m->b, 2); /* one address */
		buf_put_u8(&m->b, chance(m, 1, 2) ? 2 : 0);
		buf_put_u8(&m->b, (uint8_t)pick(m, 2)); /* segments left */
		buf_put_be32(&m->b, 0);
		put_payload(m, 16);
		return;
	default:
		buf_put_u8(&m->b, (uint8_t)pick(m, 2));
		buf_put_be16(&m->b, 0x0104);
		buf_put_zeros(&m->b, 4 + 8u * m->b.data[m->b.len - 3]);
	}
}

static void put_ipv6(struct maker *m)
{
	unsigned n = chance(m, 1, 3) ? 1 + pick(m, 3) : 0;
	uint8_t chain[4], proto;

	m->v6 = m->whole = true;
	m->proto = proto = pick_proto(m);
	for (unsigned i = 0; i < n; i++) {
		chain[i] = extensions[pick(m, ARRAY_SIZE(extensions))];
		/* A fragment of a fragment there is none, nor a first one of SCTP.  Behind an
		 * authentication header flower looks for none: to it such a packet is whole. */
		if (chain[i] == IPP_FRAGMENT &&
		    (memchr(chain, IPP_FRAGMENT, i) || memchr(chain, IPP_AH, i) ||
		     (proto == IPP_SCTP && i + 1 < n)))
			chain[i] = IPP_DSTOPTS;
	}
	chain[n] = proto;
	m->l3 = (uint32_t)m->b.len;
	memset(m->src, 0, 16);
	memset(m->dst, 0, 16);
	m->src[0] = m->dst[0] = 0xfd;
	m->src[15] = (uint8_t)(1 + pick(m, 3));
	m->dst[15] = (uint8_t)(1 + pick(m, 3));
	buf_put_be32(&m->b, 0x60000000 | pick(m, 4) << 22 | pick(m, 4) << 20 | pick(m, 3));
	buf_put_be16(&m->b, 0);
	buf_put_u8(&m->b, chain[0]);
	buf_put_u8(&m->b, pick_ttl(m));
	buf_put(&m->b, m->src, 16);
	buf_put(&m->b, m->dst, 16);
	for (unsigned i = 0; i < n && m->whole; i++)
		put_extension(m, chain[i], chain[i + 1]);
	put_l4(m, proto);
	buf_set_be16(&m->b, m->l3 + 4, (uint16_t)(m->b.len - m->l3 - IPV6_HLEN));
}

static void put_arp(struct maker *m)
{
	bool odd = chance(m, 1, 10);

	buf_put_be16(&m->b, odd ? 6 : 1);
	buf_put_be16(&m->b, ETH_IPV4);
	buf_put_be16(&m->b, 0x0604);
	buf_put_be16(&m->b, (uint16_t)(chance(m, 1, 10) ? 257 : 1 + pick(m, 2)));
	put_mac(m);
	buf_put_be32(&m->b, 0x0a000001 + pick(m, 3));
	put_mac(m);
	buf_put_be32(&m->b, 0x0a000001 + pick(m, 3));
}

/* An Ethertype (or a length) and what follows. */
static void put_l3(struct maker *m, bool in_mpls);

static void put_mpls(struct maker *m)
{
	for (unsigned i = 0, n = 1 + pick(m, 4); i < n; i++)
		buf_put_be32(&m->b, (16 + pick(m, 3)) << 12 | pick(m, 2) << 9 |
					    (i + 1 == n ? MPLS_BOS : 0) | pick_ttl(m));
	put_l3(m, true);
}

static void put_llc(struct maker *m)
{
	uint32_t at = (uint32_t)m->b.len;

	buf_put_be16(&m->b, 0);
	if (m->kinds->snap) {
		buf_put_be16(&m->b, 0xaaaa);
		buf_put_be32(&m->b, 0x03000000);
		buf_put_be16(&m->b, m->kinds->wrong_sums ? 0x9000 : ETH_IPV4);
		if (m->kinds->wrong_sums)
			put_payload(m, 30);
		else
			put_ipv4(m);
	} else {
		buf_put_be16(&m->b, 0x4242);
		put_payload(m, 6 + pick(m, 40)); /* shorter tagged frames a stack drops */
	}
	buf_set_be16(&m->b, at, (uint16_t)(m->b.len - at - 2));
}

static void put_typed(struct maker *m, uint16_t type, void (*put)(struct maker *), bool in_mpls)
{
	if (!in_mpls)
		buf_put_be16(&m->b, type);
	put(m);
}

static void put_l3(struct maker *m, bool in_mpls)
{
	switch (pick(m, in_mpls ? 14 : 20)) {
	case 0:
	case 1:
	case 2:
	case 3:
	case 4:
	case 5:
	case 6:
	case 7: put_typed(m, ETH_IPV4, put_ipv4, in_mpls); return;
	case 8:
	case 9:
	case 10:
	case 11:
	case 12: put_typed(m, ETH_IPV6, put_ipv6, in_mpls); return;
	case 14: put_typed(m, chance(m, 1, 5) ? ETH_RARP : ETH_ARP, put_arp, false); return;
	case 15: put_typed(m, ETH_ARP, put_arp, false); return;
	case 16:
	case 17: put_typed(m, chance(m, 1, 4) ? ETH_MPLS_MCAST : ETH_MPLS, put_mpls, false); return;
	case 18: put_llc(m); return;
	default:
		if (!in_mpls)
			buf_put_be16(&m->b, (uint16_t)(0x9000 + pick(m, 2)));
		put_payload(m, 6 + pick(m, 40)); /* shorter tagged frames a stack drops */
	}
}

/* A host's stack begins the sums of whole datagrams only. */
static bool can_be_partial(const struct maker *m)
{
	uint8_t proto = m->l4 ? m->b.data[m->l3 + (m->v6 ? 6 : 9)] : 0;
	const uint8_t *l3 = m->b.data + m->l3;

	if (proto == IPP_TCP ? m->b.len - m->l4 < TCP_HLEN : m->b.len - m->l4 < UDP_HLEN)
		return false;
	if (!m->whole || (proto != IPP_TCP && proto != IPP_UDP))
		return false;
	return m->v6 || !(rd16(l3 + 6) & 0x3fff);
}

/* The field holds the sum of the pseudo-header. */
static void make_partial(struct maker *m, struct agree_packet *p)
{
	uint8_t proto = m->b.data[m->l3 + (m->v6 ? 6 : 9)];
	unsigned ofs = proto == IPP_TCP ? 16 : 6;

	p->partial = true;
	st16(m->b.data + m->l4 + ofs, (be16)~csum_finish(pseudo(m, proto)));
}

void agree_gen_packet(struct rng *r, const struct agree_gen_kinds *kinds, struct agree_packet *p)
{
	struct maker m = { .r = r, .kinds = kinds };

	memset(p, 0, sizeof(*p));
	p->port = 1 + (unsigned)rng_below(r, AGREE_PORTS);
	put_mac(&m);
	put_mac(&m);
	put_tags(&m);
	put_l3(&m, false);
	if (kinds->partial && gen_chance(r, 1, 4) && m.l4 &&
	    ld16(m.b.data + m.l3 - 2) == htons(m.v6 ? ETH_IPV6 : ETH_IPV4) && can_be_partial(&m))
		make_partial(&m, p);
	else if (kinds->trailers && m.proto != IPP_SCTP &&
		 gen_chance(r, 1, 3)) /* as short frames have */
		buf_put_zeros(&m.b, m.b.len < 60 ? 60 - m.b.len : rng_below(r, 8));
	p->len = (uint32_t)MIN(m.b.len, (size_t)AGREE_FRAME);
	memcpy(p->data, m.b.data, p->len);
	buf_done(&m.b);
}
