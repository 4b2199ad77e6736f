/* SPDX-License-Identifier: Apache-2.0 */
#include "core/packet/dp_text.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

static bool of_any(const struct flow_key *k)
{
	return true;
}

static bool of_tunnel(const struct flow_key *k)
{
	const uint64_t *w = flow_words_const(k);
	uint64_t any = 0;

	for (unsigned i = FLOW_WORD(tunnel); i < FLOW_WORD(in_port); i++)
		any |= w[i];
	return any;
}

static bool of_ct4(const struct flow_key *k)
{
	return k->ct_nw_src || k->ct_nw_dst;
}

static bool of_ct6(const struct flow_key *k)
{
	return !of_ct4(k) && (k->ct_ipv6_src.d[0] || k->ct_ipv6_src.d[1] || k->ct_ipv6_dst.d[0] ||
			      k->ct_ipv6_dst.d[1]);
}

static bool of_proto(const struct flow_key *k, uint8_t proto)
{
	return flow_has_l4(k) && k->nw_proto == proto;
}

static bool of_tcp(const struct flow_key *k)
{
	return of_proto(k, 6);
}

static bool of_udp(const struct flow_key *k)
{
	return of_proto(k, 17);
}

static bool of_sctp(const struct flow_key *k)
{
	return of_proto(k, 132);
}

static bool of_icmp(const struct flow_key *k)
{
	return flow_is_ipv4(k) && of_proto(k, 1);
}

static bool of_igmp(const struct flow_key *k)
{
	return flow_is_ipv4(k) && of_proto(k, 2);
}

static bool of_icmpv6(const struct flow_key *k)
{
	return flow_is_ipv6(k) && of_proto(k, 58);
}

static bool of_nd(const struct flow_key *k)
{
	return field_prereq_ok(FIELD_PRE_ND, k);
}

#define PART(NAME, FMT, MEMBER, SHIFT, BITS, BYTES)                                                \
	{                                                                                          \
		.id = FIELD_N_IDS, .name = (NAME), .fmt = FIELD_FMT_##FMT,                         \
		.ofs = offsetof(struct flow_key, MEMBER),                                          \
		.size = sizeof(((struct flow_key *)0)->MEMBER), .shift = (SHIFT),                  \
		.n_bits = (BITS), .n_bytes = (BYTES), .maskable = true                             \
	}
#define WHOLE(NAME, FMT, MEMBER)                                                                   \
	PART(NAME, FMT, MEMBER, 0, 8 * sizeof(((struct flow_key *)0)->MEMBER),                     \
	     sizeof(((struct flow_key *)0)->MEMBER))
#define ALONE(FMT, MEMBER) .n = 1, .part = { WHOLE(NULL, FMT, MEMBER) }
#define PORTS .n = 2, .part = { WHOLE("src", DEC, tp_src), WHOLE("dst", DEC, tp_dst) }
#define TYPE_CODE                                                                                  \
	.n = 2, .part = { PART("type", DEC, tp_src, 0, 8, 1), PART("code", DEC, tp_dst, 0, 8, 1) }

const struct dp_group dp_groups[] = {
	{ "recirc_id", of_any, true, ALONE(HEX, recirc_id) },
	{ "dp_hash", of_any, false, ALONE(HEX, dp_hash) },
	{ "skb_priority", of_any, false, ALONE(HEX, skb_priority) },
	{ "tunnel", of_tunnel, false, .n = 12,
	  .part = {
		  WHOLE("tun_id", HEX, tunnel.tun_id),
		  WHOLE("src", IPV4, tunnel.src),
		  WHOLE("dst", IPV4, tunnel.dst),
		  WHOLE("ipv6_src", IPV6, tunnel.src6),
		  WHOLE("ipv6_dst", IPV6, tunnel.dst6),
		  WHOLE("tos", HEX, tunnel.tos),
		  WHOLE("ttl", DEC, tunnel.ttl),
		  WHOLE("tp_src", DEC, tunnel.tp_src),
		  WHOLE("tp_dst", DEC, tunnel.tp_dst),
		  WHOLE("gbp_id", DEC, tunnel.gbp_id),
		  WHOLE("gbp_flags", HEX, tunnel.gbp_flags),
		  PART("flags", TNL_FLAGS, tunnel.flags, 0, 4, 2),
	  } },
	{ "in_port", of_any, true, ALONE(DEC, in_port) },
	{ "skb_mark", of_any, false, ALONE(HEX, pkt_mark) },
	{ "ct_state", of_any, false, ALONE(CT_STATE, ct_state) },
	{ "ct_zone", of_any, false, ALONE(HEX, ct_zone) },
	{ "ct_mark", of_any, false, ALONE(HEX, ct_mark) },
	{ "ct_label", of_any, false, ALONE(HEX, ct_label) },
	{ "ct_tuple4", of_ct4, false, .n = 5,
	  .part = {
		  WHOLE("src", IPV4, ct_nw_src),
		  WHOLE("dst", IPV4, ct_nw_dst),
		  WHOLE("proto", DEC, ct_nw_proto),
		  WHOLE("tp_src", DEC, ct_tp_src),
		  WHOLE("tp_dst", DEC, ct_tp_dst),
	  } },
	{ "ct_tuple6", of_ct6, false, .n = 5,
	  .part = {
		  WHOLE("src", IPV6, ct_ipv6_src),
		  WHOLE("dst", IPV6, ct_ipv6_dst),
		  WHOLE("proto", DEC, ct_nw_proto),
		  WHOLE("tp_src", DEC, ct_tp_src),
		  WHOLE("tp_dst", DEC, ct_tp_dst),
	  } },
	{ "eth", of_any, true, .n = 2,
	  .part = { WHOLE("src", ETH, dl_src), WHOLE("dst", ETH, dl_dst) } },
	{ "eth_type", of_any, true, ALONE(HEX, dl_type) },
	{ "mpls", flow_is_mpls, true, .n = 6,
	  .part = {
		  PART("label", DEC, mpls_lse[0], 12, 20, 4),
		  PART("tc", DEC, mpls_lse[0], 9, 3, 1),
		  PART("ttl", DEC, mpls_lse[0], 0, 8, 1),
		  PART("bos", DEC, mpls_lse[0], 8, 1, 1),
		  WHOLE("lse1", HEX, mpls_lse[1]),
		  WHOLE("lse2", HEX, mpls_lse[2]),
	  } },
	{ "ipv4", flow_is_ipv4, true, .n = 6,
	  .part = {
		  WHOLE("src", IPV4, nw_src),
		  WHOLE("dst", IPV4, nw_dst),
		  WHOLE("proto", DEC, nw_proto),
		  WHOLE("tos", HEX, nw_tos),
		  WHOLE("ttl", DEC, nw_ttl),
		  PART("frag", FRAG, nw_frag, 0, 2, 1),
	  } },
	{ "ipv6", flow_is_ipv6, true, .n = 7,
	  .part = {
		  WHOLE("src", IPV6, ipv6_src),
		  WHOLE("dst", IPV6, ipv6_dst),
		  PART("label", HEX, ipv6_label, 0, 20, 4),
		  WHOLE("proto", DEC, nw_proto),
		  WHOLE("tclass", HEX, nw_tos),
		  WHOLE("hlimit", DEC, nw_ttl),
		  PART("frag", FRAG, nw_frag, 0, 2, 1),
	  } },
	{ "arp", flow_is_arp, true, .n = 5,
	  .part = {
		  WHOLE("sip", IPV4, nw_src),
		  WHOLE("tip", IPV4, nw_dst),
		  WHOLE("op", DEC, nw_proto),
		  WHOLE("sha", ETH, arp_sha),
		  WHOLE("tha", ETH, arp_tha),
	  } },
	{ "tcp", of_tcp, true, PORTS },
	{ "tcp_flags", of_tcp, true, .n = 1,
	  .part = { PART(NULL, TCP_FLAGS, tcp_flags, 0, 12, 2) } },
	{ "udp", of_udp, true, PORTS },
	{ "sctp", of_sctp, true, PORTS },
	{ "icmp", of_icmp, true, TYPE_CODE },
	{ "igmp", of_igmp, true, .n = 3,
	  .part = {
		  PART("type", DEC, tp_src, 0, 8, 1),
		  PART("code", DEC, tp_dst, 0, 8, 1),
		  WHOLE("group", IPV4, igmp_group),
	  } },
	{ "icmpv6", of_icmpv6, true, TYPE_CODE },
	{ "nd", of_nd, true, .n = 3,
	  .part = {
		  WHOLE("target", IPV6, nd_target),
		  WHOLE("sll", ETH, arp_sha),
		  WHOLE("tll", ETH, arp_tha),
	  } },
};
const unsigned dp_n_groups = ARRAY_SIZE(dp_groups);

const struct dp_group dp_vlan_group = { "vlan", of_any, true, .n = 2,
					.part = { PART("vid", DEC, vlans[0].tci, 0, 12, 2),
						  PART("pcp", DEC, vlans[0].tci, 13, 3, 1) } };

bool dp_group_is_eth_type(const struct dp_group *g)
{
	return g->part[0].ofs == offsetof(struct flow_key, dl_type);
}

/* By what the field needs; a field that needs nothing is known by its place. */
const struct dp_group *dp_group_of_field(const struct field *f)
{
	static const char *const by_prereq[] = {
		[FIELD_PRE_ARP] = "arp",       [FIELD_PRE_VLAN] = "vlan",
		[FIELD_PRE_IPV4] = "ipv4",     [FIELD_PRE_IPV6] = "ipv6",
		[FIELD_PRE_IP] = "ipv4",       [FIELD_PRE_MPLS] = "mpls",
		[FIELD_PRE_TCP] = "tcp",       [FIELD_PRE_UDP] = "udp",
		[FIELD_PRE_SCTP] = "sctp",     [FIELD_PRE_ICMPV4] = "icmp",
		[FIELD_PRE_ICMPV6] = "icmpv6", [FIELD_PRE_ND] = "nd",
		[FIELD_PRE_ND_SOL] = "nd",     [FIELD_PRE_ND_ADV] = "nd",
		[FIELD_PRE_CT] = NULL,
	};
	const char *name = by_prereq[f->prereq];

	if (name)
		return dp_group_by_name(name, strlen(name));
	for (unsigned i = 0; i < dp_n_groups; i++)
		for (unsigned j = 0; j < dp_groups[i].n; j++)
			if (dp_groups[i].part[j].ofs == f->ofs)
				return &dp_groups[i];
	return f->ofs == dp_vlan_group.part[0].ofs ? &dp_vlan_group : NULL;
}

const struct dp_group *dp_group_by_name(const char *name, size_t n)
{
	for (unsigned i = 0; i < dp_n_groups; i++)
		if (!strncmp(dp_groups[i].name, name, n) && !dp_groups[i].name[n])
			return &dp_groups[i];
	return !strncmp(dp_vlan_group.name, name, n) && !dp_vlan_group.name[n] ? &dp_vlan_group
									       : NULL;
}

const struct field *dp_part_by_name(const struct dp_group *g, const char *name, size_t n)
{
	for (unsigned i = 0; i < g->n; i++)
		if (g->part[i].name && !strncmp(g->part[i].name, name, n) && !g->part[i].name[n])
			return &g->part[i];
	return NULL;
}

/* --- printing --- */

static void format_eth_type(const union field_value *v, const union field_value *mask,
			    struct str *out)
{
	str_printf(out, "0x%04x", ntohs(v->be16));
	if (mask->be16 != htons(0xffff))
		str_printf(out, "/0x%04x", ntohs(mask->be16));
}

static bool is_flags(const struct field *f)
{
	return f->fmt == FIELD_FMT_TNL_FLAGS;
}

static void format_named(const struct field *f, const char *name, const struct flow_key *key,
			 const struct flow_key *mask, struct str *out)
{
	union field_value v, m;

	field_read(f, mask, &m);
	if (field_value_is_zero(f, &m))
		return;
	field_read(f, key, &v);
	if (name)
		str_printf(out, "%s%c", name, is_flags(f) ? '(' : '=');
	if (f->ofs == offsetof(struct flow_key, dl_type))
		format_eth_type(&v, &m, out);
	else if (f->ofs == offsetof(struct flow_key, tunnel.tun_id) && !v.be64 && !~m.be64)
		str_puts(out, "0x0"); /* as a number of that base even then */
	else
		field_format(f, &v, &m, out);
	str_puts(out, name && is_flags(f) ? ")," : ",");
}

/* Parts that VXLAN's group policy has stand in parentheses of their own: vxlan(gbp(id=1,flags=0)),
 * where the table has gbp_id and gbp_flags, one after the other. */
static const char gbp_prefix[] = "gbp_";

static bool is_gbp(const struct field *f)
{
	return f->name && !strncmp(f->name, gbp_prefix, strlen(gbp_prefix));
}

static void format_gbp(const struct field *id, const struct flow_key *key,
		       const struct flow_key *mask, struct str *out)
{
	static const char open[] = "vxlan(gbp(";
	size_t before = out->len;

	str_puts(out, open);
	for (unsigned i = 0; i < 2; i++)
		format_named(&id[i], id[i].name + strlen(gbp_prefix), key, mask, out);
	if (out->len == before + strlen(open)) {
		out->len = before;
		out->s[before] = '\0';
		return;
	}
	str_chomp(out, ",");
	str_puts(out, ")),");
}

void dp_group_format(const struct dp_group *g, const struct flow_key *key,
		     const struct flow_key *mask, struct str *out)
{
	size_t before = out->len;

	for (unsigned i = 0; i < g->n; i++) {
		if (is_gbp(&g->part[i]))
			format_gbp(&g->part[i++], key, mask, out);
		else
			format_named(&g->part[i], g->part[i].name, key, mask, out);
	}
	if (out->len > before)
		str_chomp(out, ",");
}

/* --- parsing --- */

int dp_text_next(char **pos, char **name, char **body, struct error *err)
{
	char *s = *pos, *end;
	int depth = 0;

	while (*s == ',' || isspace((unsigned char)*s))
		s++;
	*name = s;
	*body = NULL;
	if (!*s)
		return 0;
	for (end = s; *end; end++) {
		if (*end == '(' && !depth++)
			*body = *body ? *body : end + 1;
		else if (*end == ')' && !--depth)
			break;
		else if (depth < 0)
			break;
		else if (!depth && (*end == ',' || isspace((unsigned char)*end)))
			break;
	}
	if (depth)
		return error_set(err, EINVAL, NULL, "parentheses do not match in \"%.40s\"", s);
	*pos = end + (*end != '\0');
	if (*body) {
		(*body)[-1] = '\0';
		if (**pos && **pos != ',' && !isspace((unsigned char)**pos))
			return error_set(err, EINVAL, NULL, "a comma is missing before \"%.40s\"",
					 *pos);
	}
	*end = '\0';
	return 1;
}

static int set_part(const struct field *f, const char *word, const char *text, struct flow_key *key,
		    struct flow_key *mask, struct error *err)
{
	union field_value v, m;
	struct field named = *f;
	int r;

	named.name = word;
	r = field_parse(&named, text, &v, &m, err);
	if (r)
		return r;
	field_write(f, &v, key);
	field_write(f, &m, mask);
	return 0;
}

static int no_part(const struct dp_group *g, const char *word, struct error *err)
{
	return error_set(err, EINVAL, g->name, "there is no \"%s\" in it", word);
}

/* The inside of gbp(…). */
static int parse_gbp_parts(const struct dp_group *g, char *body, struct flow_key *key,
			   struct flow_key *mask, struct error *err)
{
	char *word, *inner, name[16];
	int r;

	while ((r = dp_text_next(&body, &word, &inner, err)) > 0) {
		size_t n = strcspn(word, "=");
		const struct field *f;

		(void)snprintf(name, sizeof(name), "%s%.*s", gbp_prefix, (int)MIN(n, sizeof(name)),
			       word);
		f = dp_part_by_name(g, name, strlen(name));
		if (!f || inner || word[n] != '=')
			return no_part(g, word, err);
		r = set_part(f, g->name, word + n + 1, key, mask, err);
		if (r)
			return r;
	}
	return r;
}

/* The inside of vxlan(…). */
static int parse_vxlan(const struct dp_group *g, char *body, struct flow_key *key,
		       struct flow_key *mask, struct error *err)
{
	char *word, *inner;
	int r;

	while ((r = dp_text_next(&body, &word, &inner, err)) > 0) {
		if (strcmp(word, "gbp") || !inner)
			return no_part(g, word, err);
		r = parse_gbp_parts(g, inner, key, mask, err);
		if (r)
			return r;
	}
	return r;
}

/* `part=value`, or `flags(…)` */
static int parse_part(const struct dp_group *g, char *word, char *body, struct flow_key *key,
		      struct flow_key *mask, struct error *err)
{
	size_t n = strcspn(word, "=");
	const struct field *f = dp_part_by_name(g, word, n);

	if (body && !strcmp(word, "vxlan") && dp_part_by_name(g, "gbp_id", 6))
		return parse_vxlan(g, body, key, mask, err);
	if (!f || is_gbp(f) || (word[n] != '=' && !(body && is_flags(f))) || (body && !is_flags(f)))
		return no_part(g, word, err);
	return set_part(f, g->name, body ? body : word + n + 1, key, mask, err);
}

int dp_group_parse(const struct dp_group *g, char *body, struct flow_key *key,
		   struct flow_key *mask, struct error *err)
{
	char *word, *inner;
	int r;

	if (g->n == 1 && !g->part[0].name)
		return set_part(&g->part[0], g->name, body, key, mask, err);
	while ((r = dp_text_next(&body, &word, &inner, err)) > 0) {
		r = parse_part(g, word, inner, key, mask, err);
		if (r)
			return r;
	}
	return r;
}
