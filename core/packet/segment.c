/* SPDX-License-Identifier: Apache-2.0 */
#include "core/packet/segment.h"

#include "core/packet/csum.h"
#include "core/packet/wire.h"

#define TCP_FIN 0x01
#define TCP_PSH 0x08
#define TCP_CWR 0x80
#define TCP_FLAGS_OFS 13

/* Bytes of the L4 header at l4, of which n bytes are there; 0: cut. */
static uint32_t l4_header(const uint8_t *l4, uint32_t n, bool tcp)
{
	uint32_t len;

	if (!tcp)
		return n >= UDP_HLEN ? UDP_HLEN : 0;
	if (n < TCP_HLEN)
		return 0;
	len = (uint32_t)(l4[12] >> 4) * 4;
	return len >= TCP_HLEN && len <= n ? len : 0;
}

bool segment_begin(struct segmenter *s, const struct packet *p)
{
	struct ip_view v;
	uint32_t hlen;

	memset(s, 0, sizeof(*s));
	if (!p->gso_size || !ip_view_of(p, &v) || v.frag || v.routed)
		return false;
	s->tcp = v.proto == IPP_TCP;
	if (!s->tcp && v.proto != IPP_UDP)
		return false;
	hlen = l4_header(v.l4, v.l4_len, s->tcp);
	if (!hlen)
		return false;
	s->p = p;
	s->v6 = v.v6;
	s->l3_ofs = (uint32_t)(v.l3 - p->data);
	s->l4_ofs = (uint32_t)(v.l4 - p->data);
	s->payload_ofs = s->next = s->l4_ofs + hlen;
	s->end = s->l4_ofs + v.l4_len;
	s->size = p->gso_size;
	return true;
}

uint32_t segment_max_len(const struct segmenter *s)
{
	return s->payload_ofs + MIN((uint32_t)s->size, s->end - s->payload_ofs);
}

/* Lengths and identification; the header's checksum. */
static void fix_l3(const struct segmenter *s, uint8_t *l3, uint32_t l4_len)
{
	uint32_t l3_hlen = s->l4_ofs - s->l3_ofs;

	if (s->v6) {
		st16(l3 + 4, htons((uint16_t)(l3_hlen - IPV6_HLEN + l4_len)));
		return;
	}
	st16(l3 + 2, htons((uint16_t)(l3_hlen + l4_len)));
	st16(l3 + 4, htons((uint16_t)(rd16(l3 + 4) + s->n)));
	st16(l3 + 10, 0);
	st16(l3 + 10, csum(l3, l3_hlen));
}

static void fix_l4(const struct segmenter *s, uint8_t *l4, uint32_t l4_len, bool last)
{
	if (!s->tcp) {
		st16(l4 + 4, htons((uint16_t)l4_len));
		return;
	}
	st32(l4 + 4, htonl(rd32(l4 + 4) + (s->next - s->payload_ofs)));
	if (!last)
		l4[TCP_FLAGS_OFS] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	if (s->n)
		l4[TCP_FLAGS_OFS] &= (uint8_t)~TCP_CWR;
}

static void fix_l4_csum(const struct segmenter *s, const uint8_t *l3, uint8_t *l4, uint32_t l4_len)
{
	uint8_t *at = l4 + l4_csum_ofs(s->tcp ? IPP_TCP : IPP_UDP, s->v6);
	uint32_t sum = (uint32_t)htons(s->tcp ? IPP_TCP : IPP_UDP) + htons((uint16_t)l4_len);
	be16 c;

	sum = s->v6 ? csum_continue(sum, l3 + 8, 32) : csum_continue(sum, l3 + 12, 8);
	st16(at, 0);
	c = csum_finish(csum_continue(sum, l4, l4_len));
	st16(at, c || s->tcp ? c : 0xffff);
}

uint32_t segment_next(struct segmenter *s, uint8_t *out)
{
	uint32_t n = MIN((uint32_t)s->size, s->end - s->next), l4_len;
	bool last = s->next + n == s->end;

	if (!n && (s->n || s->payload_ofs != s->end)) /* a whole without payload is one frame */
		return 0;
	memcpy(out, s->p->data, s->payload_ofs);
	memcpy(out + s->payload_ofs, s->p->data + s->next, n);
	l4_len = s->payload_ofs - s->l4_ofs + n;
	fix_l3(s, out + s->l3_ofs, l4_len);
	fix_l4(s, out + s->l4_ofs, l4_len, last);
	fix_l4_csum(s, out + s->l3_ofs, out + s->l4_ofs, l4_len);
	s->next += n;
	s->n++;
	return s->payload_ofs + n;
}
