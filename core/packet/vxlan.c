/* SPDX-License-Identifier: Apache-2.0 */
#include "core/packet/vxlan.h"

#include "core/base/hash.h"
#include "core/packet/csum.h"
#include "core/packet/wire.h"

#define F_VNI 0x08     /* first byte: the VNI is valid */
#define F_GBP 0x80     /* first byte: a group policy is there */
#define GBP_FLAGS 0x48 /* second byte: do not learn, policy applied */
#define IPV4_DF 0x4000
#define TRAFFIC_CLASS_SHIFT 20

be16 vxlan_sport(uint32_t hash)
{
	uint64_t n = VXLAN_SPORT_MAX - VXLAN_SPORT_MIN + 1;

	return htons((uint16_t)(VXLAN_SPORT_MIN + (n * hash >> 32)));
}

static bool has_ports(uint8_t proto)
{
	return proto == IPP_TCP || proto == IPP_UDP || proto == IPP_SCTP;
}

uint32_t packet_flow_hash(const struct packet *p)
{
	const uint8_t *l3 = p->data + p->l3_ofs;
	struct ip_view v;
	uint64_t h;

	if (!ip_view_of(p, &v)) {
		h = p->len < 12 ? 0 : hash_add64(ld32(p->data + 8), ld64(p->data));
		return (uint32_t)hash_u64(h, 0);
	}
	if (v.v6)
		h = hash_add64(hash_add64(hash_add64(v.proto, ld64(l3 + 8)), ld64(l3 + 16)),
			       hash_add64(ld64(l3 + 24), ld64(l3 + 32)));
	else
		h = hash_add64(v.proto, ld64(l3 + 12));
	if (has_ports(v.proto) && !v.frag && v.l4_len >= 4)
		h = hash_add64(h, ld32(v.l4));
	return (uint32_t)hash_u64(h, 0);
}

/* --- writing --- */

static void put_ipv4(uint8_t *d, uint16_t len, const struct vxlan_outer *o)
{
	const struct flow_tnl *t = o->tnl;
	bool df = t->flags & htons(FLOW_TNL_F_DF);

	d[0] = 0x45;
	d[1] = t->tos;
	st16(d + 2, htons(len));
	st16(d + 4, df ? 0 : htons(o->ip_id)); /* RFC 6864: it means nothing then */
	st16(d + 6, df ? htons(IPV4_DF) : 0);
	d[8] = t->ttl;
	d[9] = IPP_UDP;
	st16(d + 10, 0);
	st32(d + 12, t->src);
	st32(d + 16, t->dst);
	st16(d + 10, csum(d, IPV4_HLEN));
}

static void put_ipv6(uint8_t *d, uint16_t len, const struct flow_tnl *t)
{
	st32(d, htonl(6u << 28 | (uint32_t)t->tos << TRAFFIC_CLASS_SHIFT));
	st16(d + 4, htons(len));
	d[6] = IPP_UDP;
	d[7] = t->ttl;
	memcpy(d + 8, &t->src6, sizeof(t->src6));
	memcpy(d + 24, &t->dst6, sizeof(t->dst6));
}

/* Of the UDP datagram of `len` bytes at d (RFC 768, RFC 8200 section 8.1). */
static void put_udp_csum(uint8_t *d, uint16_t len, const struct flow_tnl *t)
{
	uint32_t sum = (uint32_t)htons(IPP_UDP) + htons(len);
	be16 c;

	if (t->dst)
		sum = csum_continue(csum_continue(sum, &t->src, 4), &t->dst, 4);
	else
		sum = csum_continue(csum_continue(sum, &t->src6, 16), &t->dst6, 16);
	c = csum_finish(csum_continue(sum, d, len));
	st16(d + 6, c ? c : 0xffff);
}

static void put_vxlan(uint8_t *d, const struct vxlan_outer *o)
{
	const struct flow_tnl *t = o->tnl;
	uint32_t vni = (uint32_t)ntoh64(t->tun_id) & 0xffffff;

	memset(d, 0, VXLAN_HLEN);
	d[0] = F_VNI;
	st32(d + 4, htonl(vni << 8));
	if (!o->gbp || !(t->gbp_id | (t->gbp_flags & GBP_FLAGS)))
		return;
	d[0] |= F_GBP;
	d[1] = t->gbp_flags & GBP_FLAGS;
	st16(d + 2, t->gbp_id);
}

uint8_t *vxlan_push(uint8_t *inner, uint32_t inner_len, const struct vxlan_outer *o)
{
	const struct flow_tnl *t = o->tnl;
	uint16_t udp_len = (uint16_t)(UDP_HLEN + VXLAN_HLEN + inner_len);
	uint8_t *start = inner - vxlan_overhead(t), *l3 = start + ETH_HLEN;
	uint8_t *udp = inner - VXLAN_HLEN - UDP_HLEN;

	memcpy(start, &o->dl_dst, sizeof(o->dl_dst));
	memcpy(start + 6, &o->dl_src, sizeof(o->dl_src));
	st16(start + ETH_TYPE_OFS, htons(t->dst ? ETH_IPV4 : ETH_IPV6));
	if (t->dst)
		put_ipv4(l3, (uint16_t)(udp_len + IPV4_HLEN), o);
	else
		put_ipv6(l3, udp_len, t);
	st16(udp, o->sport);
	st16(udp + 2, t->tp_dst);
	st16(udp + 4, htons(udp_len));
	st16(udp + 6, 0);
	put_vxlan(inner - VXLAN_HLEN, o);
	if (t->flags & htons(FLOW_TNL_F_CSUM))
		put_udp_csum(udp, udp_len, t);
	return start;
}

/* --- reading --- */

unsigned vxlan_parse(const uint8_t *d, size_t len, bool gbp, struct flow_tnl *t)
{
	if (len < VXLAN_HLEN || !(d[0] & F_VNI))
		return 0;
	t->tun_id = hton64(rd32(d + 4) >> 8);
	t->flags |= htons(FLOW_TNL_F_KEY);
	if (gbp && d[0] & F_GBP) {
		t->gbp_flags = d[1] & GBP_FLAGS;
		t->gbp_id = ld16(d + 2);
	}
	return VXLAN_HLEN;
}
