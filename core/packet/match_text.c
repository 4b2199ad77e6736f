/* SPDX-License-Identifier: Apache-2.0 */
/* A match as ovs-ofctl prints it: the fields in a fixed order, a shorthand in place of Ethertype
 * and protocol, VLAN tags by the part that is matched. */
#include <ctype.h>

#include "core/packet/match.h"
#include "core/packet/protocols.h"

const struct protocol protocol_table[] = {
	{ "icmp", 0x0800, 1 },   { "tcp", 0x0800, 6 },   { "udp", 0x0800, 17 },
	{ "sctp", 0x0800, 132 }, { "ip", 0x0800, 0 },    { "icmp6", 0x86dd, 58 },
	{ "tcp6", 0x86dd, 6 },   { "udp6", 0x86dd, 17 }, { "sctp6", 0x86dd, 132 },
	{ "ipv6", 0x86dd, 0 },   { "arp", 0x0806, 0 },   { "rarp", 0x8035, 0 },
	{ "mpls", 0x8847, 0 },   { "mplsm", 0x8848, 0 }, { NULL, 0, 0 },
};

struct printer {
	const struct match *m;
	const struct protocol *proto; /* shorthand that was printed, or NULL */
	match_port_name_fn *port_name;
	void *aux;
	struct str *out;
};

/* --- which of the fields that share bits is meant --- */

static bool is_ipv6(const struct printer *p)
{
	return flow_is_ipv6(&p->m->key);
}

static bool is_arp(const struct printer *p)
{
	return flow_is_arp(&p->m->key);
}

static bool is_neither(const struct printer *p)
{
	return !is_ipv6(p) && !is_arp(p);
}

static bool is_icmp6(const struct printer *p)
{
	return is_ipv6(p) && p->m->key.nw_proto == 58;
}

static bool is_icmp(const struct printer *p)
{
	return is_icmp6(p) || (flow_is_ipv4(&p->m->key) && p->m->key.nw_proto == 1);
}

static bool has_ports(const struct printer *p)
{
	return !is_icmp(p);
}

static bool is_tcp(const struct printer *p)
{
	return flow_is_ip(&p->m->key) && p->m->key.nw_proto == 6;
}

static bool type_unsaid(const struct printer *p)
{
	return !p->proto;
}

static bool proto_unsaid(const struct printer *p)
{
	return !is_arp(p) && (!p->proto || !p->proto->nw_proto);
}

/* --- one field --- */

static void put_field(struct printer *p, const struct field *f, const char *name)
{
	union field_value v, mask;
	bool whole;

	field_read(f, &p->m->mask, &mask);
	if (field_value_is_zero(f, &mask))
		return;
	whole = field_value_is_ones(f, &mask);
	field_read(f, &p->m->key, &v);
	str_printf(p->out, "%s=", name ? name : f->name);
	if (f->fmt == FIELD_FMT_DEC && !whole && f->n_bytes == 2)
		str_printf(p->out, "0x%x/0x%x", ntohs(v.be16), ntohs(mask.be16));
	else
		field_format(f, &v, &mask, p->out);
	str_putc(p->out, ',');
}

static void put_ipv6_label(struct printer *p)
{
	uint32_t mask = ntohl(p->m->mask.ipv6_label);

	if (!mask || !is_ipv6(p))
		return;
	str_printf(p->out, "ipv6_label=0x%05x", ntohl(p->m->key.ipv6_label));
	if (mask != 0xfffff)
		str_printf(p->out, "/0x%05x", mask);
	str_putc(p->out, ',');
}

/* Names that could be taken for something else are quoted. */
static void put_port_name(struct str *out, const char *name)
{
	bool plain = isalpha((unsigned char)*name);

	for (const char *c = name; *c; c++)
		plain &= isalnum((unsigned char)*c) || *c == '_';
	if (plain) {
		str_puts(out, name);
		return;
	}
	str_putc(out, '"');
	for (; *name; name++) {
		if (*name == '"' || *name == '\\')
			str_putc(out, '\\');
		str_putc(out, *name);
	}
	str_putc(out, '"');
}

static void put_port(struct printer *p, const char *name, be32 key, be32 mask)
{
	uint32_t port = ntohl(key);
	const char *known = ofp_port_reserved_name(port);

	if (!mask)
		return;
	str_printf(p->out, "%s=", name);
	if (!known && p->port_name)
		known = p->port_name(p->aux, port);
	if (known && !ofp_port_reserved_name(port))
		put_port_name(p->out, known);
	else if (known)
		str_puts(p->out, known);
	else
		str_printf(p->out, "%u", port >= 0xffffff00 ? port & 0xffff : port);
	str_putc(p->out, ',');
}

static void put_in_port(struct printer *p)
{
	put_port(p, "in_port", p->m->key.in_port, p->m->mask.in_port);
}

static void put_actset_output(struct printer *p)
{
	put_port(p, "actset_output", p->m->key.actset_output, p->m->mask.actset_output);
}

/* A tag that is matched to be there prints its VLAN ID and priority where each is matched whole;
 * anything else prints the bits. */
static void put_vlan(struct printer *p, unsigned i)
{
	uint16_t tci = ntohs(p->m->key.vlans[i].tci), mask = ntohs(p->m->mask.vlans[i].tci);
	uint16_t vid = mask & 0xfff, pcp = mask & 0xe000;
	const char *n = i ? "1" : "";

	if (!mask)
		return;
	if (tci & mask & VLAN_CFI && (!vid || vid == 0xfff) && (!pcp || pcp == 0xe000) &&
	    (vid || pcp)) {
		if (vid)
			str_printf(p->out, "dl_vlan%s=%u,", n, tci & 0xfff);
		if (pcp)
			str_printf(p->out, "dl_vlan_pcp%s=%u,", n, tci >> 13);
		return;
	}
	str_printf(p->out, "vlan_tci%s=0x%04x", n, tci);
	if (mask != 0xffff)
		str_printf(p->out, "/0x%04x", mask);
	str_putc(p->out, ',');
}

static void put_vlans(struct printer *p)
{
	for (unsigned i = 0; i < FLOW_N_VLANS; i++)
		put_vlan(p, i);
}

static void put_dl_type(struct printer *p)
{
	if (type_unsaid(p) && p->m->mask.dl_type)
		str_printf(p->out, "dl_type=0x%04x,", ntohs(p->m->key.dl_type));
}

/* Labels below the top one: only a datapath matches on them. */
static void put_lower_mpls(struct printer *p)
{
	for (unsigned i = 1; i < FLOW_N_MPLS; i++)
		if (p->m->mask.mpls_lse[i])
			str_printf(p->out, "mpls_lse%u=%#x/%#x,", i, ntohl(p->m->key.mpls_lse[i]),
				   ntohl(p->m->mask.mpls_lse[i]));
}

static bool matches_frames(const struct match *m)
{
	const uint64_t *w = flow_words_const(&m->mask);

	for (unsigned i = FLOW_L2_WORD; i < FLOW_WORDS; i++)
		if (w[i])
			return true;
	return m->mask.packet_type;
}

/* A match that a datapath may have made says that the packet is an Ethernet frame. */
static void put_packet_type(struct printer *p)
{
	const struct match *m = p->m;

	if (m->key.packet_type)
		put_field(p, field_get(FIELD_PACKET_TYPE), NULL);
	else if (m->mask.recirc_id && matches_frames(m))
		str_puts(p->out, "eth,");
}

static void put_protocol(struct printer *p)
{
	const struct match *m = p->m;

	if (m->mask.dl_type != htons(0xffff))
		return;
	for (const struct protocol *r = protocol_table; r->name; r++) {
		if (r->dl_type != flow_dl_type(&m->key) ||
		    (r->nw_proto && (m->mask.nw_proto != 0xff || m->key.nw_proto != r->nw_proto)))
			continue;
		p->proto = r;
		str_printf(p->out, "%s,", r->name);
		return;
	}
}

static void put_regs(struct printer *p)
{
	for (unsigned i = 0; i < FLOW_N_REGS; i++)
		put_field(p, field_get((enum field_id)(FIELD_REG0 + i)), NULL);
}

/* The order of the text.  A row is a field, under a name when not its own and a condition when not
 * always; or something that more than one field makes. */
struct item {
	enum field_id id;
	const char *name;
	bool (*when)(const struct printer *p);
	void (*put)(struct printer *p);
};

static const struct item items[] = {
	{ FIELD_PKT_MARK },
	{ FIELD_RECIRC_ID },
	{ FIELD_DP_HASH },
	{ FIELD_CONJ_ID },
	{ FIELD_SKB_PRIORITY },
	{ .put = put_actset_output },
	{ FIELD_CT_STATE },
	{ FIELD_CT_ZONE },
	{ FIELD_CT_MARK },
	{ FIELD_CT_LABEL },
	{ FIELD_CT_NW_SRC },
	{ FIELD_CT_IPV6_SRC },
	{ FIELD_CT_NW_DST },
	{ FIELD_CT_IPV6_DST },
	{ FIELD_CT_NW_PROTO },
	{ FIELD_CT_TP_SRC },
	{ FIELD_CT_TP_DST },
	{ .put = put_packet_type },
	{ .put = put_protocol },
	{ .put = put_regs },
	{ FIELD_TUN_ID },
	{ FIELD_TUN_SRC },
	{ FIELD_TUN_DST },
	{ FIELD_TUN_IPV6_SRC },
	{ FIELD_TUN_IPV6_DST },
	{ FIELD_TUN_GBP_ID },
	{ FIELD_TUN_GBP_FLAGS },
	{ FIELD_TUN_TOS },
	{ FIELD_TUN_TTL },
	{ FIELD_TUN_TP_SRC },
	{ FIELD_TUN_TP_DST },
	{ FIELD_TUN_FLAGS },
	{ FIELD_METADATA },
	{ .put = put_in_port },
	{ .put = put_vlans },
	{ FIELD_ETH_SRC },
	{ FIELD_ETH_DST },
	{ .put = put_dl_type },
	{ FIELD_IPV6_SRC, NULL, is_ipv6 },
	{ FIELD_IPV6_DST, NULL, is_ipv6 },
	{ .put = put_ipv6_label },
	{ FIELD_ARP_SPA, NULL, is_arp },
	{ FIELD_ARP_TPA, NULL, is_arp },
	{ FIELD_IPV4_SRC, NULL, is_neither },
	{ FIELD_IPV4_DST, NULL, is_neither },
	{ FIELD_ARP_OP, NULL, is_arp },
	{ FIELD_IP_PROTO, NULL, proto_unsaid },
	{ FIELD_ARP_SHA, NULL, is_arp },
	{ FIELD_ARP_THA, NULL, is_arp },
	{ FIELD_IP_DSCP },
	{ FIELD_IP_ECN },
	{ FIELD_IP_TTL },
	{ FIELD_MPLS_LABEL },
	{ FIELD_MPLS_TC },
	{ FIELD_MPLS_TTL },
	{ FIELD_MPLS_BOS },
	{ .put = put_lower_mpls },
	{ FIELD_IP_FRAG },
	{ FIELD_ICMPV4_TYPE, "icmp_type", is_icmp },
	{ FIELD_ICMPV4_CODE, "icmp_code", is_icmp },
	{ FIELD_ND_TARGET, NULL, is_icmp6 },
	{ FIELD_ND_SLL, NULL, is_icmp6 },
	{ FIELD_ND_TLL, NULL, is_icmp6 },
	{ FIELD_TCP_SRC, "tp_src", has_ports },
	{ FIELD_TCP_DST, "tp_dst", has_ports },
	{ FIELD_TCP_FLAGS, NULL, is_tcp },
};

void match_format(const struct match *m, match_port_name_fn *port_name, void *aux, struct str *out)
{
	struct printer p = { m, NULL, port_name, aux, out };
	size_t before = out->len;

	for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
		const struct item *it = &items[i];

		if (it->put)
			it->put(&p);
		else if (!it->when || it->when(&p))
			put_field(&p, field_get(it->id), it->name);
	}
	if (out->len > before)
		str_chomp(out, ",");
}
