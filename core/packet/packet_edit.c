/* SPDX-License-Identifier: Apache-2.0 */
/* Edits of headers, with the checksums above them.
 *
 * The key goes first: it takes the value, and the packet is then made to agree with it, so that one
 * masked write serves all fields.  Checksums are updated by the difference (RFC 1624), which keeps
 * a wrong one wrong; SCTP's CRC the same way, by the CRCs of before and after. */
#include "core/packet/action_exec.h"
#include "core/packet/csum.h"
#include "core/packet/parse.h"
#include "core/packet/wire.h"

/* The L4 checksum of an IP packet, or NULL: none, cut off, or not this protocol's. */
static uint8_t *l4_csum(const struct ip_view *v)
{
	int ofs = v->frag & FLOW_FRAG_LATER ? -1 : l4_csum_ofs(v->proto, v->v6);

	if (ofs < 0 || v->l4_len < (uint32_t)ofs + 2)
		return NULL;
	if (v->proto == IPP_UDP && !ld16(v->l4 + ofs)) /* the sender made none */
		return NULL;
	return v->l4 + ofs;
}

static bool has_pseudo_header(const struct ip_view *v)
{
	return v->proto == IPP_TCP || v->proto == IPP_UDP || (v->v6 && v->proto == IPP_ICMPV6);
}

/* n bytes (even) at an even offset of what the checksum at `at` covers change from `was` to `now`.
 * `partial`: the field holds the bare sum of the pseudo header. */
static void csum_replace(uint8_t *at, const uint8_t *was, const uint8_t *now, unsigned n,
			 bool partial, bool udp)
{
	be16 c = ld16(at);

	if (partial)
		c = (be16)~c;
	for (unsigned i = 0; i < n; i += 2)
		c = csum_update16(c, ld16(was + i), ld16(now + i));
	if (partial)
		c = (be16)~c;
	else if (udp && !c)
		c = 0xffff;
	st16(at, c);
}

/* Replaces n bytes of the L4 header or what follows it. */
static void l4_replace(const struct packet *p, const struct ip_view *v, uint8_t *at,
		       const void *now, unsigned n)
{
	uint8_t *c = l4_csum(v);

	if (c && !(p->flags & PACKET_F_CSUM_PARTIAL))
		csum_replace(c, at, now, n, false, v->proto == IPP_UDP);
	/* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): callers have checked l4_len */
	memcpy(at, now, n);
}

/* Replaces n bytes of an IP address. */
static void addr_replace(const struct packet *p, const struct ip_view *v, uint8_t *at,
			 const void *now, unsigned n, bool in_pseudo_header)
{
	uint8_t *c = in_pseudo_header && has_pseudo_header(v) ? l4_csum(v) : NULL;

	if (c)
		csum_replace(c, at, now, n, p->flags & PACKET_F_CSUM_PARTIAL, v->proto == IPP_UDP);
	if (!v->v6)
		csum_replace(v->l3 + 10, at, now, n, false, false);
	memcpy(at, now, n);
}

/* One 16-bit word of the IPv4 header. */
static void ipv4_word(const struct ip_view *v, unsigned ofs, be16 now)
{
	be16 was = ld16(v->l3 + ofs);

	st16(v->l3 + 10, csum_update16(ld16(v->l3 + 10), was, now));
	st16(v->l3 + ofs, now);
}

/* --- one function per kind of header; the key has the new value --- */

typedef bool edit_fn(struct packet *p, const struct field *f, struct flow_key *key);

static bool edit_metadata(struct packet *p, const struct field *f, struct flow_key *key)
{
	return true;
}

/* Not the key's tunnel words: those are of the header that came in. */
static bool set_tunnel(struct packet *p, const struct field *f, const struct act_set *set)
{
	uint8_t *at = (uint8_t *)p->tnl + (f->ofs - offsetof(struct flow_key, tunnel));

	for (unsigned i = 0; p->tnl && i < f->n_bytes; i++)
		at[i] = (uint8_t)((at[i] & ~set->mask.b[i]) | (set->value.b[i] & set->mask.b[i]));
	return true;
}

static bool edit_eth(struct packet *p, const struct field *f, struct flow_key *key)
{
	if (p->l3_ofs ==
	    PACKET_NO_OFS) /* the parser gave the frame up: the key has nothing of it */
		return false;
	memcpy(p->data, key->dl_dst.b, 6);
	memcpy(p->data + 6, key->dl_src.b, 6);
	return true;
}

static bool edit_vlan(struct packet *p, const struct field *f, struct flow_key *key)
{
	uint8_t *tci = p->data + ETH_HLEN;
	be16 dei;

	if (p->l3_ofs == PACKET_NO_OFS || !eth_type_is_vlan(ld16(p->data + ETH_TYPE_OFS)) ||
	    !(key->vlans[0].tci & htons(VLAN_CFI)))
		return false;
	dei = ld16(tci) &
	      htons(VLAN_CFI); /* the key's bit says "present", the wire's "drop first" */
	st16(tci, (key->vlans[0].tci & htons(0xefff)) | dei);
	return true;
}

static bool edit_mpls(struct packet *p, const struct field *f, struct flow_key *key)
{
	if (p->l3_ofs == PACKET_NO_OFS || p->len < (uint32_t)p->l3_ofs + MPLS_HLEN)
		return false;
	st32(p->data + p->l3_ofs, key->mpls_lse[0]);
	return true;
}

static bool edit_ipv4_addr(struct packet *p, const struct field *f, struct flow_key *key)
{
	struct ip_view v;

	if (!ip_view_of(p, &v))
		return false;
	if (f->id == FIELD_IPV4_SRC)
		addr_replace(p, &v, v.l3 + 12, &key->nw_src, 4, true);
	else
		addr_replace(p, &v, v.l3 + 16, &key->nw_dst, 4, true);
	return true;
}

static bool edit_ipv6_addr(struct packet *p, const struct field *f, struct flow_key *key)
{
	struct ip_view v;

	if (!ip_view_of(p, &v))
		return false;
	if (f->id == FIELD_IPV6_SRC)
		addr_replace(p, &v, v.l3 + 8, &key->ipv6_src, 16, true);
	else /* on the way to another hop, the checksum covers the final destination */
		addr_replace(p, &v, v.l3 + 24, &key->ipv6_dst, 16, !v.routed);
	return true;
}

static bool edit_ip(struct packet *p, const struct field *f, struct flow_key *key)
{
	struct ip_view v;

	if (!ip_view_of(p, &v))
		return false;
	if (v.v6) {
		st32(v.l3, htonl(6u << 28 | (uint32_t)key->nw_tos << 20) |
				   (key->ipv6_label & htonl(0xfffff)));
		v.l3[7] = key->nw_ttl;
	} else if (f->id == FIELD_IP_TTL) {
		ipv4_word(&v, 8, htons((uint16_t)(key->nw_ttl << 8 | v.l3[9])));
	} else {
		ipv4_word(&v, 0, htons((uint16_t)(v.l3[0] << 8 | key->nw_tos)));
	}
	return true;
}

static bool edit_arp(struct packet *p, const struct field *f, struct flow_key *key)
{
	static const uint8_t fixed[6] = { 0, 1, 8, 0, 6, 4 };
	uint8_t *a = p->data + p->l3_ofs;

	if (p->l3_ofs == PACKET_NO_OFS || p->len < (uint32_t)p->l3_ofs + ARP_ETH_LEN ||
	    memcmp(a, fixed, sizeof(fixed)))
		return false;
	if (f->id == FIELD_ARP_OP)
		st16(a + 6, htons(key->nw_proto));
	memcpy(a + 8, key->arp_sha.b, 6);
	st32(a + 14, key->nw_src);
	memcpy(a + 18, key->arp_tha.b, 6);
	st32(a + 24, key->nw_dst);
	return true;
}

static bool edit_sctp(struct packet *p, const struct field *f, struct flow_key *key)
{
	be32 was, sent, now;
	struct ip_view v;

	if (!ip_view_of(p, &v) || v.frag || v.l4_len < SCTP_HLEN)
		return false; /* of a fragment, the CRC cannot be known */
	sent = ld32(v.l4 + 8);
	st32(v.l4 + 8, 0);
	was = crc32c(v.l4, v.l4_len);
	st16(v.l4, key->tp_src);
	st16(v.l4 + 2, key->tp_dst);
	now = crc32c(v.l4, v.l4_len);
	st32(v.l4 + 8, p->flags & PACKET_F_CSUM_PARTIAL ? sent : sent ^ was ^ now);
	return true;
}

static bool edit_ports(struct packet *p, const struct field *f, struct flow_key *key)
{
	be16 ports[2] = { key->tp_src, key->tp_dst };
	struct ip_view v;

	if (!ip_view_of(p, &v) || v.l4_len < (v.proto == IPP_TCP ? TCP_HLEN : UDP_HLEN))
		return false;
	l4_replace(p, &v, v.l4, ports, sizeof(ports));
	return true;
}

static bool edit_icmp(struct packet *p, const struct field *f, struct flow_key *key)
{
	uint8_t type_code[2] = { (uint8_t)ntohs(key->tp_src), (uint8_t)ntohs(key->tp_dst) };
	struct ip_view v;

	if (!ip_view_of(p, &v) || v.l4_len < (v.v6 ? ICMPV6_HLEN : ICMP_HLEN))
		return false;
	l4_replace(p, &v, v.l4, type_code, sizeof(type_code));
	if (v.v6) /* it may have become, or be no more, neighbor discovery */
		(void)packet_parse(p, key, NULL);
	return true;
}

static bool edit_nd_target(struct packet *p, const struct field *f, struct flow_key *key)
{
	struct ip_view v;

	if (!ip_view_of(p, &v) || v.l4_len < ND_HLEN)
		return false;
	l4_replace(p, &v, v.l4 + 8, &key->nd_target, 16);
	(void)packet_parse(p, key, NULL); /* which shows nothing of an invalid message */
	return true;
}

/* A message without the option stays as it is. */
static bool edit_nd_option(struct packet *p, const struct field *f, struct flow_key *key)
{
	bool sll = f->id == FIELD_ND_SLL;
	struct ip_view v;
	uint32_t ofs = ND_HLEN;

	if (!ip_view_of(p, &v) || v.l4_len < ND_HLEN)
		return false;
	while (v.l4_len - ofs >= 8) {
		uint8_t *o = v.l4 + ofs;
		uint32_t len = o[1] * 8u;

		if (!len || len > v.l4_len - ofs)
			break;
		if (o[0] == (sll ? ND_OPT_SLL : ND_OPT_TLL) && len == 8)
			l4_replace(p, &v, o + 2, sll ? &key->arp_sha : &key->arp_tha, 6);
		ofs += len;
	}
	(void)packet_parse(p, key, NULL);
	return true;
}

/* What act_set can write: dp_field_settable(), tunnel fields apart, and these rows agree, which a
 * test holds. */
static edit_fn *const edits[FIELD_N_IDS] = {
	[FIELD_SKB_PRIORITY] = edit_metadata,
	[FIELD_PKT_MARK] = edit_metadata,
	[FIELD_ETH_SRC] = edit_eth,
	[FIELD_ETH_DST] = edit_eth,
	[FIELD_VLAN_TCI] = edit_vlan,
	[FIELD_DL_VLAN] = edit_vlan,
	[FIELD_DL_VLAN_PCP] = edit_vlan,
	[FIELD_VLAN_VID] = edit_vlan,
	[FIELD_VLAN_PCP] = edit_vlan,
	[FIELD_MPLS_LABEL] = edit_mpls,
	[FIELD_MPLS_TC] = edit_mpls,
	[FIELD_MPLS_TTL] = edit_mpls,
	[FIELD_IPV4_SRC] = edit_ipv4_addr,
	[FIELD_IPV4_DST] = edit_ipv4_addr,
	[FIELD_IPV6_SRC] = edit_ipv6_addr,
	[FIELD_IPV6_DST] = edit_ipv6_addr,
	[FIELD_IPV6_LABEL] = edit_ip,
	[FIELD_IP_DSCP] = edit_ip,
	[FIELD_IP_DSCP_SHIFTED] = edit_ip,
	[FIELD_IP_ECN] = edit_ip,
	[FIELD_IP_TTL] = edit_ip,
	[FIELD_ARP_OP] = edit_arp,
	[FIELD_ARP_SPA] = edit_arp,
	[FIELD_ARP_TPA] = edit_arp,
	[FIELD_ARP_SHA] = edit_arp,
	[FIELD_ARP_THA] = edit_arp,
	[FIELD_TCP_SRC] = edit_ports,
	[FIELD_TCP_DST] = edit_ports,
	[FIELD_UDP_SRC] = edit_ports,
	[FIELD_UDP_DST] = edit_ports,
	[FIELD_SCTP_SRC] = edit_sctp,
	[FIELD_SCTP_DST] = edit_sctp,
	[FIELD_ICMPV4_TYPE] = edit_icmp,
	[FIELD_ICMPV4_CODE] = edit_icmp,
	[FIELD_ICMPV6_TYPE] = edit_icmp,
	[FIELD_ICMPV6_CODE] = edit_icmp,
	[FIELD_ND_TARGET] = edit_nd_target,
	[FIELD_ND_SLL] = edit_nd_option,
	[FIELD_ND_TLL] = edit_nd_option,
};

bool packet_set_field(struct packet *p, struct flow_key *key, const struct act_set *set)
{
	const struct field *f;
	union field_value was;

	if (set->field >= FIELD_N_IDS)
		return false;
	f = field_get(set->field);
	if (dp_field_is_tunnel(f->id))
		return set_tunnel(p, f, set);
	if (!edits[f->id])
		return false;
	if (!field_prereq_ok(f->prereq, key))
		return false;
	field_read(f, key, &was);
	field_write_masked(f, &set->value, &set->mask, key);
	if (!edits[f->id](p, f, key)) {
		field_write(f, &was, key);
		return false;
	}
	if (f->ofs >= FLOW_L3_WORD * 8)
		p->flags &= (uint8_t)~PACKET_F_HASH;
	return true;
}

/* --- tags and labels --- */

static void move_offsets(struct packet *p, int by)
{
	if (p->l3_ofs != PACKET_NO_OFS)
		p->l3_ofs = (uint16_t)(p->l3_ofs + by);
	if (p->l4_ofs != PACKET_NO_OFS)
		p->l4_ofs = (uint16_t)(p->l4_ofs + by);
}

bool packet_push_vlan(struct packet *p, struct flow_key *key, be16 tpid, be16 tci)
{
	uint8_t *d;

	if (p->len < ETH_HLEN || !packet_push(p, VLAN_HLEN))
		return false;
	d = p->data;
	memmove(d, d + VLAN_HLEN, ETH_TYPE_OFS);
	st16(d + ETH_TYPE_OFS, tpid);
	st16(d + ETH_HLEN, tci & htons(0xefff));
	move_offsets(p, VLAN_HLEN);
	/* The innermost leaves the key, or the parser could not read the tags that there are. */
	if (key->vlans[FLOW_N_VLANS - 1].tpid || p->l3_ofs == PACKET_NO_OFS) {
		(void)packet_parse(p, key, NULL);
		return true;
	}
	memmove(&key->vlans[1], &key->vlans[0], sizeof(key->vlans[0]) * (FLOW_N_VLANS - 1));
	key->vlans[0].tpid = tpid;
	key->vlans[0].tci = tci | htons(VLAN_CFI);
	return true;
}

bool packet_pop_vlan(struct packet *p, struct flow_key *key)
{
	if (p->l3_ofs == PACKET_NO_OFS || !eth_type_is_vlan(ld16(p->data + ETH_TYPE_OFS)))
		return false;
	memmove(p->data + VLAN_HLEN, p->data, ETH_TYPE_OFS);
	packet_pull(p, VLAN_HLEN);
	move_offsets(p, -VLAN_HLEN);
	if (eth_type_is_vlan(key->dl_type)) { /* one that the key had no room for comes up */
		(void)packet_parse(p, key, NULL);
		return true;
	}
	memmove(&key->vlans[0], &key->vlans[1], sizeof(key->vlans[0]) * (FLOW_N_VLANS - 1));
	memset(&key->vlans[FLOW_N_VLANS - 1], 0, sizeof(key->vlans[0]));
	return true;
}

/* Where the Ethertype in front of L3 is; false for IEEE 802.3 frames, whose length field would have
 * to follow. */
static bool has_ethertype(const struct packet *p)
{
	uint32_t ofs = ETH_TYPE_OFS;

	if (p->l3_ofs == PACKET_NO_OFS)
		return false;
	for (unsigned i = 0; i < FLOW_N_VLANS && eth_type_is_vlan(ld16(p->data + ofs)); i++)
		ofs += VLAN_HLEN;
	return p->l3_ofs == ofs + 2 && rd16(p->data + ofs) >= ETH_TYPE_MIN;
}

bool packet_push_mpls(struct packet *p, struct flow_key *key, be16 ethertype, be32 lse)
{
	if (!has_ethertype(p) || !packet_push(p, MPLS_HLEN))
		return false;
	memmove(p->data, p->data + MPLS_HLEN, p->l3_ofs);
	st16(p->data + p->l3_ofs - 2, ethertype);
	st32(p->data + p->l3_ofs, lse);
	p->flags &= (uint8_t)~PACKET_F_HASH;
	(void)packet_parse(p, key, NULL);
	return true;
}

bool packet_pop_mpls(struct packet *p, struct flow_key *key, be16 ethertype)
{
	if (!flow_is_mpls(key) || !has_ethertype(p) || p->len < (uint32_t)p->l3_ofs + MPLS_HLEN)
		return false;
	memmove(p->data + MPLS_HLEN, p->data, p->l3_ofs);
	packet_pull(p, MPLS_HLEN);
	st16(p->data + p->l3_ofs - 2, ethertype);
	p->flags &= (uint8_t)~PACKET_F_HASH;
	(void)packet_parse(p, key, NULL);
	return true;
}
