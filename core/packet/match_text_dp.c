/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in the form of dpctl/dump-flows, both ways. */
#include <errno.h>
#include <stdlib.h>

#include "core/base/xalloc.h"
#include "core/packet/dp_text.h"
#include "core/packet/match.h"
#include "core/packet/wire.h"

/* --- printing --- */

/* Everything that a packet with this key has, and, of what comes with it, what is not zero. */
static void exact_mask(const struct flow_key *key, struct flow_key *mask)
{
	memset(mask, 0, sizeof(*mask));
	for (unsigned i = 0; i < dp_n_groups; i++) {
		const struct dp_group *g = &dp_groups[i];

		for (unsigned j = 0; g->applies(key) && j < g->n; j++)
			if (g->always || !field_mask_is_zero(&g->part[j], key))
				field_mask_set(&g->part[j], mask);
	}
	for (unsigned i = 0; i < FLOW_N_VLANS; i++)
		if (key->vlans[i].tpid)
			memset(&mask->vlans[i], 0xff, sizeof(mask->vlans[i]));
	for (unsigned i = 1; i < FLOW_N_MPLS; i++)
		mask->mpls_lse[i] &= key->mpls_lse[i] ? UINT32_MAX : 0;
}

static void put_group(const struct dp_group *g, const struct flow_key *key,
		      const struct flow_key *mask, struct str *out)
{
	size_t start = out->len, body;

	str_printf(out, "%s(", g->name);
	body = out->len;
	dp_group_format(g, key, mask, out);
	if (out->len == body) { /* nothing of it is in the mask */
		out->len = start;
		out->s[start] = '\0';
		return;
	}
	str_puts(out, "),");
}

static void put_in_port(const struct flow_key *key, match_port_name_fn *port_name, void *aux,
			struct str *out)
{
	const char *name = port_name ? port_name(aux, ntohl(key->in_port)) : NULL;

	if (name)
		str_printf(out, "in_port(%s),", name);
	else
		str_printf(out, "in_port(%u),", ntohl(key->in_port));
}

/* Is the tag matched to be there? */
static bool has_tag(const struct flow_key *key, const struct flow_key *mask, unsigned i)
{
	return i < FLOW_N_VLANS && (key->vlans[i].tpid || key->vlans[i].tci) &&
	       (mask->vlans[i].tpid || mask->vlans[i].tci);
}

static unsigned put_tags(const struct flow_key *key, const struct flow_key *mask, struct str *out)
{
	unsigned n = 0;

	for (; has_tag(key, mask, n); n++) {
		struct flow_key k = { 0 }, m = { 0 }; /* the part reads the first tag */

		k.vlans[0] = key->vlans[n];
		m.vlans[0] = mask->vlans[n];
		str_printf(out, "eth_type(0x%04x),vlan(",
			   key->vlans[n].tpid ? ntohs(key->vlans[n].tpid) : ETH_VLAN);
		dp_group_format(&dp_vlan_group, &k, &m, out);
		str_puts(out, "),encap(");
	}
	return n;
}

void match_format_dp(const struct flow_key *key, const struct flow_key *mask,
		     match_port_name_fn *port_name, void *aux, struct str *out)
{
	struct flow_key exact;
	size_t before = out->len;
	unsigned n_tags = 0;

	if (!mask) {
		exact_mask(key, &exact);
		mask = &exact;
	}
	for (unsigned i = 0; i < dp_n_groups; i++) {
		const struct dp_group *g = &dp_groups[i];

		if (dp_group_is_eth_type(g))
			n_tags = put_tags(key, mask, out);
		if (g->part[0].ofs == offsetof(struct flow_key, in_port)) {
			if (mask->in_port)
				put_in_port(key, port_name, aux, out);
		} else if (g->applies(key)) {
			put_group(g, key, mask, out);
		}
	}
	if (out->len > before)
		str_chomp(out, ",");
	while (n_tags--)
		str_putc(out, ')');
}

/* --- parsing --- */

struct dp_parser {
	struct flow_key *key, *mask;
	unsigned n_tags;
	unsigned depth; /* of encap() */
};

/* The eth_type before vlan() was the tag's. */
static int parse_vlan(struct dp_parser *p, char *body, struct error *err)
{
	struct flow_key k, m;
	int r;

	if (p->n_tags == FLOW_N_VLANS)
		return error_set(err, EINVAL, "vlan", "there are more than %d tags", FLOW_N_VLANS);
	if (!eth_type_is_vlan(p->key->dl_type))
		return error_set(err, EINVAL, "vlan",
				 "eth_type(0x8100) or (0x88a8) is missing before it");
	memset(&k, 0, sizeof(k));
	memset(&m, 0, sizeof(m));
	r = dp_group_parse(&dp_vlan_group, body, &k, &m, err);
	if (r)
		return r;
	k.vlans[0].tpid = p->key->dl_type;
	m.vlans[0].tpid = p->mask->dl_type;
	k.vlans[0].tci |= htons(VLAN_CFI);
	m.vlans[0].tci |= htons(VLAN_CFI);
	p->key->vlans[p->n_tags] = k.vlans[0];
	p->mask->vlans[p->n_tags++] = m.vlans[0];
	p->key->dl_type = p->mask->dl_type = 0;
	return 0;
}

static int parse_groups(struct dp_parser *p, char *text, struct error *err);

static int parse_group(struct dp_parser *p, char *name, char *body, struct error *err)
{
	const struct dp_group *g = dp_group_by_name(name, strlen(name));

	if (!strncmp(name, "ufid:", 5)) /* dump-flows puts it in front of the key */
		return 0;
	if (!body)
		return error_set(err, EINVAL, NULL, "\"%s\" is not of the form NAME(…)", name);
	if (g == &dp_vlan_group)
		return parse_vlan(p, body, err);
	if (g)
		return dp_group_parse(g, body, p->key, p->mask, err);
	if (!strcmp(name, "encap") && p->depth++ < FLOW_N_VLANS)
		return parse_groups(p, body, err);
	if (!strcmp(name, "packet_type")) /* all packets are Ethernet frames */
		return !strcmp(body, "ns=0,id=0")
			       ? 0
			       : error_set(err, EINVAL, name, "only (ns=0,id=0) is known");
	return error_set(err, EINVAL, NULL, "a datapath has no field \"%s\"", name);
}

static int parse_groups(struct dp_parser *p, char *text, struct error *err)
{
	char *name, *body;
	int r;

	while ((r = dp_text_next(&text, &name, &body, err)) > 0) {
		r = parse_group(p, name, body, err);
		if (r)
			return r;
	}
	return r;
}

static bool is_dp_style(const char *text)
{
	size_t n = strcspn(text, "=(:");

	return text[n] == '(' || !strncmp(text, "ufid:", 5);
}

int match_parse_dp(struct flow_key *key, struct flow_key *mask, const char *text, struct error *err)
{
	struct match m;
	struct dp_parser p = { &m.key, &m.mask, 0, 0 };
	char *copy;
	int r;

	text += strspn(text, " \t\r\n,");
	if (is_dp_style(text)) {
		match_init_catchall(&m);
		copy = xstrdup(text);
		r = parse_groups(&p, copy, err);
		free(copy);
		if (!r && m.mask.dl_type && !p.n_tags)
			m.mask.vlans[0].tci = htons(0xffff); /* no tag was said */
	} else {
		r = match_parse(&m, text, NULL, NULL, err);
	}
	if (r)
		return r;
	*key = m.key;
	if (mask)
		*mask = m.mask;
	return 0;
}
