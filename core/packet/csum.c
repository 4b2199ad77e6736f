/* SPDX-License-Identifier: Apache-2.0 */
#include "core/packet/csum.h"

#include "core/packet/wire.h"

/* One's complement sums do not care about byte order: words are added as they lie in memory and the
 * result is written back the same way. */
static inline uint64_t fold64(uint64_t s)
{
	s = (s >> 32) + (uint32_t)s;
	return (s >> 32) + (uint32_t)s;
}

uint32_t csum_continue(uint32_t sum, const void *data, size_t n)
{
	const uint8_t *p = data;
	uint64_t a = sum, b = 0;

	for (; n >= 16; n -= 16, p += 16) {
		uint64_t x = ld64(p), y = ld64(p + 8);

		a += (x & UINT32_MAX) + (x >> 32);
		b += (y & UINT32_MAX) + (y >> 32);
	}
	a = fold64(a) + fold64(b);
	for (; n >= 2; n -= 2, p += 2)
		a += ld16(p);
	if (n) {
		uint16_t last = 0;

		memcpy(&last, p, 1);
		a += last;
	}
	return (uint32_t)fold64(a);
}

be16 csum_finish(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (be16)~sum;
}

be16 csum(const void *data, size_t n)
{
	return csum_finish(csum_continue(0, data, n));
}

/* RFC 1624 equation 3: HC' = ~(~HC + ~m + m'). */
be16 csum_update16(be16 old_csum, be16 old_v, be16 new_v)
{
	return csum_finish((uint32_t)(uint16_t)~old_csum + (uint16_t)~old_v + new_v);
}

be16 csum_update32(be16 old_csum, be32 old_v, be32 new_v)
{
	return csum_update16(csum_update16(old_csum, (be16)old_v, (be16)new_v), (be16)(old_v >> 16),
			     (be16)(new_v >> 16));
}

be16 csum_update128(be16 old_csum, const struct be128 *old_v, const struct be128 *new_v)
{
	for (unsigned i = 0; i < 4; i++)
		old_csum = csum_update32(old_csum, old_v->w[i], new_v->w[i]);
	return old_csum;
}

/* CRC32c, reflected polynomial 0x82f63b78, four bits at a time: the path for machines without an
 * instruction for it. */
static uint32_t crc32c_soft(uint32_t crc, const uint8_t *p, size_t n)
{
	static const uint32_t t[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
		0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
		0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};

	for (; n; n--, p++) {
		crc = (crc >> 4) ^ t[(crc ^ *p) & 15];
		crc = (crc >> 4) ^ t[(crc ^ (*p >> 4)) & 15];
	}
	return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_hard(uint32_t crc, const uint8_t *p,
							      size_t n)
{
	uint64_t c = crc;

	for (; n >= 8; n -= 8, p += 8)
		c = __builtin_ia32_crc32di(c, ld64(p));
	for (; n; n--, p++)
		c = __builtin_ia32_crc32qi((uint32_t)c, *p);
	return (uint32_t)c;
}
#endif

/* The value as it goes on the wire: least significant byte first (RFC 9260 appendix A). */
be32 crc32c(const void *data, size_t n)
{
	uint32_t crc;

#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2"))
		crc = crc32c_hard(UINT32_MAX, data, n);
	else
#endif
		crc = crc32c_soft(UINT32_MAX, data, n);
	return (be32)htole32(~crc);
}

int l4_csum_ofs(uint8_t proto, bool v6)
{
	switch (proto) {
	case IPP_TCP: return 16;
	case IPP_UDP: return 6;
	case IPP_ICMPV6: return v6 ? 2 : -1;
	case IPP_ICMP:
	case IPP_IGMP: return v6 ? -1 : 2;
	default: return -1;
	}
}

/* RFC 9293 section 3.1, RFC 8200 section 8.1. */
static uint32_t pseudo_header(const struct ip_view *v)
{
	uint32_t sum = v->v6 ? csum_continue(0, v->l3 + 8, 32) : csum_continue(0, v->l3 + 12, 8);
	uint8_t tail[8] = { 0, 0, 0, 0, 0, 0, 0, v->proto };

	st32(tail, htonl(v->l4_len));
	return csum_continue(sum, tail, sizeof(tail));
}

/* Where L3 is, without offsets; false: not IP. */
static bool find_l3(const struct packet *p, uint32_t *l3, bool *v6)
{
	uint32_t ofs = ETH_TYPE_OFS;

	for (unsigned i = 0; i < FLOW_N_VLANS && p->len >= ofs + VLAN_HLEN + 2; i++) {
		if (!eth_type_is_vlan(ld16(p->data + ofs)))
			break;
		ofs += VLAN_HLEN;
	}
	*l3 = ofs + 2;
	if (p->len < *l3 + IPV4_HLEN)
		return false;
	*v6 = ld16(p->data + ofs) == htons(ETH_IPV6);
	return *v6 ? p->len >= *l3 + IPV6_HLEN : ld16(p->data + ofs) == htons(ETH_IPV4);
}

/* The datagram behind the header at ofs; false: it is a fragment, or cut short. */
static bool find_l4(struct packet *p, uint32_t ofs, struct ip_view *v)
{
	uint32_t hlen, len;

	v->l3 = p->data + ofs;
	if (v->v6) {
		hlen = IPV6_HLEN;
		len = hlen + rd16(v->l3 + 4);
		v->proto = v->l3[6];
	} else {
		hlen = (v->l3[0] & 15) * 4u;
		len = rd16(v->l3 + 2);
		v->proto = v->l3[9];
		if (rd16(v->l3 + 6) & 0x3fff)
			return false;
	}
	if (hlen < IPV4_HLEN || len < hlen || len > p->len - ofs)
		return false;
	v->l4 = v->l3 + hlen;
	v->l4_len = len - hlen;
	return true;
}

void csum_note_partial(struct packet *p)
{
	struct ip_view v;
	be16 pseudo;
	uint32_t l3;
	int ofs;

	memset(&v, 0, sizeof(v));
	if (!find_l3(p, &l3, &v.v6) || !find_l4(p, l3, &v) ||
	    (v.proto != IPP_TCP && v.proto != IPP_UDP))
		return;
	ofs = l4_csum_ofs(v.proto, v.v6);
	if (v.l4_len < (uint32_t)ofs + 2)
		return;
	pseudo = (be16)~csum_finish(pseudo_header(&v));
	if (ld16(v.l4 + ofs) != pseudo)
		return;
	p->flags |= PACKET_F_CSUM_PARTIAL;
	p->csum_start = (uint16_t)(v.l4 - p->data);
	p->csum_ofs = (uint8_t)ofs;
}

static void fix_sctp(const struct ip_view *v)
{
	if (v->l4_len < SCTP_HLEN)
		return;
	st32(v->l4 + 8, 0);
	st32(v->l4 + 8, crc32c(v->l4, v->l4_len));
}

static void fix_l4(const struct ip_view *v, bool partial)
{
	int ofs = l4_csum_ofs(v->proto, v->v6);
	uint32_t sum = 0;
	be16 c;

	if (v->proto == IPP_SCTP)
		fix_sctp(v);
	if (ofs < 0 || v->l4_len < (uint32_t)ofs + 2)
		return;
	/* RFC 768: zero says that the sender made no checksum (IPv4 only). */
	if (v->proto == IPP_UDP && !partial && !v->v6 && !ld16(v->l4 + ofs))
		return;
	if (v->v6 || v->proto == IPP_TCP || v->proto == IPP_UDP)
		sum = pseudo_header(v);
	st16(v->l4 + ofs, 0);
	c = csum_finish(csum_continue(sum, v->l4, v->l4_len));
	if (v->proto == IPP_UDP && !c)
		c = 0xffff;
	st16(v->l4 + ofs, c);
}

void csum_fix_packet(struct packet *p)
{
	bool partial = p->flags & PACKET_F_CSUM_PARTIAL;
	struct ip_view v;

	if (!ip_view_of(p, &v))
		return;
	if (!v.v6) {
		st16(v.l3 + 10, 0);
		st16(v.l3 + 10, csum(v.l3, (size_t)(v.l4 - v.l3)));
	}
	/* A fragment's L4 checksum covers bytes that are not here; behind a routing header it
	 * covers the final destination. */
	if (v.frag || v.routed)
		return;
	fix_l4(&v, partial);
	p->flags &= (uint8_t)~PACKET_F_CSUM_PARTIAL;
}
