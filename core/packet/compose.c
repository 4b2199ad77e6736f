/* SPDX-License-Identifier: Apache-2.0 */
#include "core/packet/csum.h"
#include "core/packet/parse.h"
#include "core/packet/wire.h"

#define COMPOSE_MAX_HEADERS 192
#define LATER_FRAG_OFS 100 /* of a later fragment, in 8-byte units */

/* Headers are written front to back; lengths are filled in when the whole is known. */
struct composer {
	uint8_t *b;
	uint32_t len;
};

static uint8_t *room(struct composer *c, uint32_t n)
{
	uint8_t *p = c->b + c->len;

	c->len += n;
	return p;
}

static void compose_l2(struct composer *c, const struct flow_key *k)
{
	memcpy(room(c, 12), &k->dl_dst, 12);
	for (unsigned i = 0; i < FLOW_N_VLANS && k->vlans[i].tci; i++) {
		uint8_t *tag = room(c, VLAN_HLEN);

		st16(tag, k->vlans[i].tpid ? k->vlans[i].tpid : htons(ETH_VLAN));
		st16(tag + 2, k->vlans[i].tci & htons(0xefff));
	}
}

static void compose_mpls(struct composer *c, const struct flow_key *k)
{
	for (unsigned i = 0; i < FLOW_N_MPLS; i++) {
		st32(room(c, MPLS_HLEN), k->mpls_lse[i]);
		if (k->mpls_lse[i] & htonl(MPLS_BOS))
			break;
	}
}

static void compose_arp(struct composer *c, const struct flow_key *k)
{
	static const uint8_t fixed[7] = { 0, 1, 8, 0, 6, 4, 0 };
	uint8_t *a = room(c, ARP_ETH_LEN);

	memcpy(a, fixed, sizeof(fixed));
	a[7] = k->nw_proto;
	memcpy(a + 8, k->arp_sha.b, 6);
	st32(a + 14, k->nw_src);
	memcpy(a + 18, k->arp_tha.b, 6);
	st32(a + 24, k->nw_dst);
}

static void compose_nd(struct composer *c, const struct flow_key *k)
{
	const struct eth_addr *lla[2] = { &k->arp_sha, &k->arp_tha };
	static const struct eth_addr none;

	memset(room(c, 4), 0, 4);
	memcpy(room(c, 16), k->nd_target.b, 16);
	for (unsigned i = 0; i < 2; i++) {
		uint8_t *o;

		if (eth_addr_equal(*lla[i], none))
			continue;
		o = room(c, 8);
		o[0] = (uint8_t)(ND_OPT_SLL + i);
		o[1] = 1;
		memcpy(o + 2, lla[i]->b, 6);
	}
}

static void compose_type_code(struct composer *c, const struct flow_key *k, uint32_t len)
{
	uint8_t *h = room(c, len);

	memset(h, 0, len);
	h[0] = (uint8_t)ntohs(k->tp_src);
	h[1] = (uint8_t)ntohs(k->tp_dst);
	if (k->nw_proto == IPP_IGMP)
		st32(h + 4, k->igmp_group);
}

static void compose_ports(struct composer *c, const struct flow_key *k, uint32_t len)
{
	uint8_t *h = room(c, len);

	memset(h, 0, len);
	st16(h, k->tp_src);
	st16(h + 2, k->tp_dst);
	if (k->nw_proto == IPP_TCP)
		st16(h + 12, (k->tcp_flags & htons(0x0fff)) | htons(5 << 12));
}

static bool is_nd(const struct flow_key *k)
{
	return (k->tp_src == htons(ND_SOLICIT) || k->tp_src == htons(ND_ADVERT)) && !k->tp_dst;
}

static void compose_l4(struct composer *c, const struct flow_key *k)
{
	bool v6 = flow_is_ipv6(k);

	if (k->nw_frag & FLOW_FRAG_LATER)
		return;
	if (k->nw_proto == IPP_TCP)
		compose_ports(c, k, TCP_HLEN);
	else if (k->nw_proto == IPP_UDP)
		compose_ports(c, k, UDP_HLEN);
	else if (k->nw_proto == IPP_SCTP)
		compose_ports(c, k, SCTP_HLEN);
	else if (!v6 && (k->nw_proto == IPP_ICMP || k->nw_proto == IPP_IGMP))
		compose_type_code(c, k, ICMP_HLEN);
	else if (v6 && k->nw_proto == IPP_ICMPV6) {
		compose_type_code(c, k, ICMPV6_HLEN);
		if (is_nd(k))
			compose_nd(c, k);
	}
}

static void compose_ipv4(struct composer *c, const struct flow_key *k)
{
	uint8_t *h = room(c, IPV4_HLEN);

	memset(h, 0, IPV4_HLEN);
	h[0] = 0x45;
	h[1] = k->nw_tos;
	if (k->nw_frag & FLOW_FRAG_LATER)
		st16(h + 6, htons(LATER_FRAG_OFS));
	else if (k->nw_frag)
		st16(h + 6, htons(0x2000)); /* more fragments */
	h[8] = k->nw_ttl;
	h[9] = k->nw_proto;
	st32(h + 12, k->nw_src);
	st32(h + 16, k->nw_dst);
}

static void compose_ipv6(struct composer *c, const struct flow_key *k)
{
	uint8_t *h = room(c, IPV6_HLEN), *f;

	memset(h, 0, IPV6_HLEN);
	st32(h, htonl(6u << 28 | (uint32_t)k->nw_tos << 20 | (ntohl(k->ipv6_label) & 0xfffff)));
	h[6] = k->nw_frag ? IPP_FRAGMENT : k->nw_proto;
	h[7] = k->nw_ttl;
	memcpy(h + 8, k->ipv6_src.b, 16);
	memcpy(h + 24, k->ipv6_dst.b, 16);
	if (!k->nw_frag)
		return;
	f = room(c, 8);
	memset(f, 0, 8);
	f[0] = k->nw_proto;
	st16(f + 2, k->nw_frag & FLOW_FRAG_LATER ? htons(LATER_FRAG_OFS << 3) : htons(1));
}

/* Lengths that depend on the payload, then checksums. */
static void finish_ip(struct packet *p, const struct flow_key *k)
{
	uint8_t *l3 = p->data + p->l3_ofs, *l4 = p->data + p->l4_ofs;
	uint32_t l3_len = p->len - p->l3_ofs, l4_len = p->len - p->l4_ofs;

	if (flow_is_ipv4(k))
		st16(l3 + 2, htons((uint16_t)l3_len));
	else
		st16(l3 + 4, htons((uint16_t)(l3_len - IPV6_HLEN)));
	if (k->nw_proto == IPP_UDP && !(k->nw_frag & FLOW_FRAG_LATER))
		st16(l4 + 4, htons((uint16_t)l4_len));
	p->flags |= PACKET_F_CSUM_PARTIAL;
	csum_fix_packet(p);
	p->flags &= (uint8_t)~PACKET_F_CSUM_PARTIAL;
}

static bool compose_l3(struct composer *c, const struct flow_key *k, uint32_t *l4)
{
	if (flow_is_arp(k)) {
		compose_arp(c, k);
	} else if (flow_is_mpls(k)) {
		compose_mpls(c, k);
	} else if (flow_is_ip(k)) {
		if (flow_is_ipv4(k))
			compose_ipv4(c, k);
		else
			compose_ipv6(c, k);
		*l4 = c->len;
		compose_l4(c, k);
		return true;
	}
	return false;
}

struct packet *packet_compose(const struct flow_key *key, size_t payload_len)
{
	uint8_t headers[COMPOSE_MAX_HEADERS];
	struct composer c = { headers, 0 };
	uint32_t l3, l4 = 0, l2_type;
	struct packet *p;
	bool ip;

	payload_len = MIN(payload_len, (size_t)(PACKET_MAX_LEN - COMPOSE_MAX_HEADERS));
	compose_l2(&c, key);
	l2_type = c.len;
	st16(room(&c, 2), key->dl_type);
	l3 = c.len;
	ip = compose_l3(&c, key, &l4);
	if (ntohs(key->dl_type) < ETH_TYPE_MIN) {
		static const uint8_t llc[3] = { 0x42, 0x42, 0x03 }; /* spanning tree's */

		memcpy(room(&c, 3), llc, 3);
		payload_len = MIN(payload_len, (size_t)DL_TYPE_NONE - 3);
		st16(headers + l2_type, htons((uint16_t)(3 + payload_len)));
	}
	p = packet_new(NULL, c.len + payload_len, 0);
	memcpy(p->data, headers, c.len);
	for (size_t i = 0; i < payload_len; i++)
		p->data[c.len + i] = (uint8_t)i;
	p->l3_ofs = (uint16_t)l3;
	if (ip) {
		p->l4_ofs = (uint16_t)l4;
		finish_ip(p, key);
	}
	return p;
}
