/* SPDX-License-Identifier: Apache-2.0 */
/* OpenFlow 1.0's fixed match struct (section 5.2.3), and the rules for values that are not plain
 * (dl_vlan 0xffff, address prefixes as a count of wildcard bits, ICMP in the port fields). */
#include "ofproto/wire/msg.h"
#include "ofproto/wire/nx_match.h"

#define W_IN_PORT (1u << 0)
#define W_DL_VLAN (1u << 1)
#define W_DL_SRC (1u << 2)
#define W_DL_DST (1u << 3)
#define W_DL_TYPE (1u << 4)
#define W_NW_PROTO (1u << 5)
#define W_TP_SRC (1u << 6)
#define W_TP_DST (1u << 7)
#define W_NW_SRC_SHIFT 8
#define W_NW_DST_SHIFT 14
#define W_DL_VLAN_PCP (1u << 20)
#define W_NW_TOS (1u << 21)
#define VLAN_NONE 0xffff
#define MAC_ONES                                                                                   \
	{                                                                                          \
		{                                                                                  \
			0xff, 0xff, 0xff, 0xff, 0xff, 0xff                                         \
		}                                                                                  \
	}

/* The struct as it is on the wire, values in host order. */
struct of10_match {
	uint32_t wildcards;
	uint16_t in_port;
	struct eth_addr dl_src, dl_dst;
	uint16_t dl_vlan;
	uint8_t dl_vlan_pcp;
	uint16_t dl_type;
	uint8_t nw_tos, nw_proto;
	uint32_t nw_src, nw_dst;
	uint16_t tp_src, tp_dst;
};

static void read_struct(struct cursor *c, struct of10_match *o)
{
	o->wildcards = cursor_be32(c);
	o->in_port = cursor_be16(c);
	cursor_copy(c, &o->dl_src, 6);
	cursor_copy(c, &o->dl_dst, 6);
	o->dl_vlan = cursor_be16(c);
	o->dl_vlan_pcp = cursor_u8(c);
	(void)cursor_u8(c);
	o->dl_type = cursor_be16(c);
	o->nw_tos = cursor_u8(c);
	o->nw_proto = cursor_u8(c);
	(void)cursor_be16(c);
	o->nw_src = cursor_be32(c);
	o->nw_dst = cursor_be32(c);
	o->tp_src = cursor_be16(c);
	o->tp_dst = cursor_be16(c);
}

static void write_struct(const struct of10_match *o, struct buf *out)
{
	buf_put_be32(out, o->wildcards);
	buf_put_be16(out, o->in_port);
	buf_put(out, &o->dl_src, 6);
	buf_put(out, &o->dl_dst, 6);
	buf_put_be16(out, o->dl_vlan);
	buf_put_u8(out, o->dl_vlan_pcp);
	buf_put_u8(out, 0);
	buf_put_be16(out, o->dl_type);
	buf_put_u8(out, o->nw_tos);
	buf_put_u8(out, o->nw_proto);
	buf_put_be16(out, 0);
	buf_put_be32(out, o->nw_src);
	buf_put_be32(out, o->nw_dst);
	buf_put_be16(out, o->tp_src);
	buf_put_be16(out, o->tp_dst);
}

/* --- reading --------------------------------------------------------------------------------- */

/* The netmask of a wildcard count: 0 matches all 32 bits, 32 and above none. */
static uint32_t wild_to_mask(uint32_t wildcards, unsigned shift)
{
	unsigned n = (wildcards >> shift) & 0x3f;

	return n >= 32 ? 0 : UINT32_MAX << n;
}

static enum ofperr read_in_port(const struct of10_match *o, struct match *m)
{
	struct ofp_port port;

	if (o->wildcards & W_IN_PORT)
		return OFPERR_OK;
	if (ofp_port_from_of10(o->in_port, &port))
		return OFPERR_MATCH_BAD_VALUE;
	m->key.in_port = htonl(port.v);
	m->mask.in_port = UINT32_MAX;
	return OFPERR_OK;
}

static void read_vlan(const struct of10_match *o, struct match *m)
{
	bool vid = !(o->wildcards & W_DL_VLAN), pcp = !(o->wildcards & W_DL_VLAN_PCP);
	uint16_t tci = VLAN_CFI, mask = VLAN_CFI;

	if (!vid && !pcp)
		return;
	if (vid && o->dl_vlan == VLAN_NONE) {
		m->mask.vlans[0].tci = htons(0xffff);
		return;
	}
	if (vid) {
		tci |= o->dl_vlan & 0xfff;
		mask |= 0xfff;
	}
	if (pcp) {
		tci |= (uint16_t)((o->dl_vlan_pcp & 7) << 13);
		mask |= 0xe000;
	}
	m->key.vlans[0].tci = htons(tci);
	m->mask.vlans[0].tci = htons(mask);
}

static void read_l2(const struct of10_match *o, struct match *m)
{
	static const struct eth_addr ones = MAC_ONES;

	if (!(o->wildcards & W_DL_SRC)) {
		m->key.dl_src = o->dl_src;
		m->mask.dl_src = ones;
	}
	if (!(o->wildcards & W_DL_DST)) {
		m->key.dl_dst = o->dl_dst;
		m->mask.dl_dst = ones;
	}
	if (!(o->wildcards & W_DL_TYPE)) {
		m->key.dl_type = htons(o->dl_type);
		m->mask.dl_type = 0xffff;
	}
	read_vlan(o, m);
}

/* IPv4 and ARP have addresses, IP has TOS, both have nw_proto. */
static void read_l3(const struct of10_match *o, struct match *m)
{
	bool ip = flow_is_ip(&m->key);

	if (flow_is_ipv4(&m->key) || flow_is_arp(&m->key)) {
		m->mask.nw_src = htonl(wild_to_mask(o->wildcards, W_NW_SRC_SHIFT));
		m->mask.nw_dst = htonl(wild_to_mask(o->wildcards, W_NW_DST_SHIFT));
		m->key.nw_src = htonl(o->nw_src) & m->mask.nw_src;
		m->key.nw_dst = htonl(o->nw_dst) & m->mask.nw_dst;
	}
	if (ip && !(o->wildcards & W_NW_TOS)) {
		m->key.nw_tos = o->nw_tos & 0xfc;
		m->mask.nw_tos = 0xfc;
	}
	if ((ip || flow_is_arp(&m->key)) && !(o->wildcards & W_NW_PROTO)) {
		m->key.nw_proto = o->nw_proto;
		m->mask.nw_proto = 0xff;
	}
}

/* Which bits of the two port fields mean something: ports have 16, ICMP's type and code 8. */
static uint16_t l4_bits(const struct match *m)
{
	static const enum field_prereq ports[] = { FIELD_PRE_TCP, FIELD_PRE_UDP, FIELD_PRE_SCTP };

	for (unsigned i = 0; i < ARRAY_SIZE(ports); i++)
		if (field_prereq_matched(ports[i], &m->key, &m->mask))
			return 0xffff;
	if (field_prereq_matched(FIELD_PRE_ICMPV4, &m->key, &m->mask) ||
	    field_prereq_matched(FIELD_PRE_ICMPV6, &m->key, &m->mask))
		return 0xff;
	return 0;
}

static void read_l4(const struct of10_match *o, struct match *m)
{
	uint16_t bits = l4_bits(m);

	if (!(o->wildcards & W_TP_SRC)) {
		m->mask.tp_src = htons(bits);
		m->key.tp_src = htons(o->tp_src & bits);
	}
	if (!(o->wildcards & W_TP_DST)) {
		m->mask.tp_dst = htons(bits);
		m->key.tp_dst = htons(o->tp_dst & bits);
	}
}

enum ofperr of10_match_decode(struct cursor *c, struct match *m)
{
	struct of10_match o;
	enum ofperr err;

	read_struct(c, &o);
	if (c->bad)
		return OFPERR_BAD_LEN;
	match_init_catchall(m);
	err = read_in_port(&o, m);
	if (err)
		return err;
	read_l2(&o, m);
	read_l3(&o, m);
	read_l4(&o, m);
	return OFPERR_OK;
}

/* --- writing --------------------------------------------------------------------------------- */

/* The wildcard count of a netmask: bits below the lowest one that counts. */
static uint32_t mask_to_wild(be32 mask, unsigned shift)
{
	return (mask ? (uint32_t)__builtin_ctz(ntohl(mask)) : 32) << shift;
}

static void write_vlan(const struct match *m, struct of10_match *o)
{
	uint16_t tci = ntohs(m->key.vlans[0].tci), mask = ntohs(m->mask.vlans[0].tci);

	o->wildcards |= W_DL_VLAN | W_DL_VLAN_PCP;
	if (mask & VLAN_CFI && !(tci & VLAN_CFI)) {
		o->wildcards &= ~W_DL_VLAN;
		o->dl_vlan = VLAN_NONE;
		return;
	}
	if ((mask & 0xfff) == 0xfff) {
		o->wildcards &= ~W_DL_VLAN;
		o->dl_vlan = tci & 0xfff;
	}
	if ((mask & 0xe000) == 0xe000) {
		o->wildcards &= ~W_DL_VLAN_PCP;
		o->dl_vlan_pcp = (uint8_t)(tci >> 13);
	}
}

static void write_l2(const struct match *m, struct of10_match *o)
{
	static const struct eth_addr ones = MAC_ONES;

	if (m->mask.in_port)
		o->in_port = ofp_port_to_of10(flow_in_ofp(&m->key));
	else
		o->wildcards |= W_IN_PORT;
	if (eth_addr_equal(m->mask.dl_src, ones))
		o->dl_src = m->key.dl_src;
	else
		o->wildcards |= W_DL_SRC;
	if (eth_addr_equal(m->mask.dl_dst, ones))
		o->dl_dst = m->key.dl_dst;
	else
		o->wildcards |= W_DL_DST;
	if (m->mask.dl_type)
		o->dl_type = ntohs(m->key.dl_type);
	else
		o->wildcards |= W_DL_TYPE;
	write_vlan(m, o);
}

static void write_l3_l4(const struct match *m, struct of10_match *o)
{
	o->wildcards |= mask_to_wild(m->mask.nw_src, W_NW_SRC_SHIFT) |
			mask_to_wild(m->mask.nw_dst, W_NW_DST_SHIFT);
	o->nw_src = ntohl(m->key.nw_src);
	o->nw_dst = ntohl(m->key.nw_dst);
	if ((m->mask.nw_tos & 0xfc) == 0xfc)
		o->nw_tos = m->key.nw_tos & 0xfc;
	else
		o->wildcards |= W_NW_TOS;
	if (m->mask.nw_proto == 0xff)
		o->nw_proto = m->key.nw_proto;
	else
		o->wildcards |= W_NW_PROTO;
	if (m->mask.tp_src && ntohs(m->mask.tp_src) == l4_bits(m))
		o->tp_src = ntohs(m->key.tp_src);
	else
		o->wildcards |= W_TP_SRC;
	if (m->mask.tp_dst && ntohs(m->mask.tp_dst) == l4_bits(m))
		o->tp_dst = ntohs(m->key.tp_dst);
	else
		o->wildcards |= W_TP_DST;
}

void of10_match_encode(const struct match *m, struct buf *out)
{
	struct of10_match o = { 0 };

	write_l2(m, &o);
	write_l3_l4(m, &o);
	write_struct(&o, out);
}

bool of10_match_fits(const struct match *m)
{
	struct buf b = BUF_INIT;
	struct match back;
	struct cursor c;
	bool fits;

	of10_match_encode(m, &b);
	c = cursor_init(b.data, b.len);
	fits = !of10_match_decode(&c, &back) && match_equal(m, &back);
	buf_done(&b);
	return fits;
}
