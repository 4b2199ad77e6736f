/* SPDX-License-Identifier: Apache-2.0 */
/* Tables, as text.  A match takes its values from one of the case's packets, under few or many of
 * the fields that this packet has; so do the values that actions write. */
#include "tests/agree/gen.h"

#include <string.h>

#include "core/packet/parse.h"
#include "ofproto/text/flow_text.h"
#include "tests/agree/tier.h"
#include "tests/agree/wires.h"

#define TABLES 4u
#define GROUPS_AT_MOST 4u
#define ACTIONS_DEEP 2 /* lists in lists */

struct gen {
	struct rng r;
	struct agree_case *c;
	struct flow_key key[AGREE_PACKETS];
	unsigned n_groups;
	/* Sources belong to ports and NORMAL is used: what is learned does not depend on the order
	 * in which tiers learn it. */
	bool learns;
	bool tracks;   /* connections */
	uint16_t zone; /* that, and the next */
	struct agree_gen_kinds kinds;
};

static uint32_t pick(struct gen *g, uint32_t n)
{
	return (uint32_t)rng_below(&g->r, n);
}

static const struct flow_key *some_key(struct gen *g)
{
	return &g->key[pick(g, g->c->n_packets)];
}

/* --- matches --- */

static bool can_match(enum field_id id)
{
	return id == FIELD_METADATA || id == FIELD_REG0 || id == FIELD_IN_PORT_OXM ||
	       id >= FIELD_ETH_SRC;
}

static void thin(struct gen *g, const struct field *f, union field_value *mask)
{
	unsigned keep;

	if (!f->maskable || pick(g, 3))
		return;
	if (pick(g, 2)) { /* a prefix, in bytes and bits */
		keep = pick(g, f->n_bytes);
		for (unsigned i = keep + 1; i < f->n_bytes; i++)
			mask->b[i] = 0;
		mask->b[keep] &= (uint8_t)(0xff << pick(g, 8));
		return;
	}
	for (unsigned i = 0; i < f->n_bytes; i++)
		mask->b[i] &= (uint8_t)(rng_next(&g->r) | rng_next(&g->r));
}

static void match_field(struct gen *g, const struct field *f, const struct flow_key *from,
			struct flow_key *mask)
{
	union field_value ones;

	if (!can_match(f->id) || !field_prereq_ok((enum field_prereq)f->prereq, from))
		return;
	if (f->id == FIELD_DL_VLAN || f->id == FIELD_DL_VLAN_PCP)
		return; /* another spelling */
	field_prereq_mask((enum field_prereq)f->prereq, from, mask);
	field_ones(f, &ones);
	thin(g, f, &ones);
	field_write_masked(f, &ones, &ones, mask);
}

static void random_match(struct gen *g, struct match *m)
{
	struct flow_key from = *some_key(g), mask;

	memset(&mask, 0, sizeof(mask));
	if (!pick(g, 4))
		from.regs[0] = htonl(pick(g, 3));
	from.metadata = hton64(pick(g, 3));
	for (unsigned i = 0, n = pick(g, 2) ? pick(g, 5) : pick(g, 25); i < n; i++)
		match_field(g, field_get((enum field_id)pick(g, FIELD_N_IDS)), &from, &mask);
	if (mask.vlans[0].tci)
		mask.vlans[0].tci |= htons(VLAN_CFI);
	if (g->tracks && pick(g, 2))
		gen_ct_match(&g->r, g->zone, &from, &mask);
	mask.vlans[0].tpid = 0;
	memset(&mask.vlans[1], 0, sizeof(mask.vlans[1]));
	match_init(m, &from, &mask);
}

/* --- actions --- */

static void put_actions(struct gen *g, struct str *s, unsigned table, unsigned depth, unsigned n);

typedef void put_fn(struct gen *g, struct str *s, unsigned table, unsigned depth);

static void put_output(struct gen *g, struct str *s, unsigned table, unsigned depth)
{
	static const char *const special[] = { "in_port", "all", "flood" };

	(void)table;
	(void)depth;
	if (g->learns && !pick(g, 3))
		str_puts(s, "normal");
	else if (pick(g, 10))
		str_printf(s, "output:%u", 1 + pick(g, AGREE_PORTS));
	else
		str_puts(s, special[pick(g, ARRAY_SIZE(special))]);
}

static void put_cut_output(struct gen *g, struct str *s, unsigned table, unsigned depth)
{
	if (g->kinds.partial) {
		put_output(g, s, table, depth);
		return;
	}
	str_printf(s, "output(port=%u,max_len=%u)", 1 + pick(g, AGREE_PORTS),
		   20 + pick(g, 80)); /* shorter tagged frames a far stack drops */
}

static bool can_write(const struct field *f)
{
	return f->writable && (f->id == FIELD_METADATA || f->id == FIELD_REG0 ||
			       f->id == FIELD_PKT_MARK || f->id >= FIELD_ETH_SRC);
}

/* Of those that the packet that gives the value has. */
static const struct field *some_field(struct gen *g, const struct flow_key *from)
{
	for (unsigned i = 0; i < 200; i++) {
		const struct field *f = field_get((enum field_id)pick(g, FIELD_N_IDS));

		if (can_write(f) &&
		    (field_prereq_ok((enum field_prereq)f->prereq, from) || i > 150) &&
		    !(g->learns && f->id == FIELD_ETH_SRC))
			return f;
	}
	return field_get(FIELD_ETH_DST);
}

static void put_set(struct gen *g, struct str *s, unsigned table, unsigned depth)
{
	const struct flow_key *from = some_key(g);
	const struct field *f = some_field(g, from);
	struct ofpact_set_field a = { .field = (uint16_t)f->id };
	union field_value all;
	struct buf b = BUF_INIT;

	(void)table;
	(void)depth;
	field_read(f, from, &a.value);
	field_ones(f, &all);
	a.mask = all;
	if (pick(g, 3) == 0)
		a.value.b[f->n_bytes - 1] ^= (uint8_t)rng_next(&g->r);
	thin(g, f, &a.mask);
	for (unsigned i = 0; i < f->n_bytes; i++)
		a.value.b[i] &= a.mask.b[i] & all.b[i];
	ofpact_put(&b, OFPACT_SET_FIELD, &a, sizeof(a));
	ofpacts_format(ofpacts_of(&b), NULL, s);
	buf_done(&b);
}

static void put_move(struct gen *g, struct str *s, unsigned table, unsigned depth)
{
	static const char *const moves[] = {
		"move:NXM_OF_IP_SRC[]->NXM_NX_REG0[]",
		"move:NXM_OF_ETH_DST[0..31]->NXM_OF_ETH_SRC[8..39]",
		"move:NXM_NX_REG0[0..15]->NXM_OF_TCP_DST[]",
		"move:NXM_OF_IP_DST[8..15]->NXM_OF_IP_DST[0..7]",
		"move:NXM_OF_VLAN_TCI[0..11]->NXM_NX_REG0[4..15]",
		"move:NXM_OF_UDP_SRC[]->NXM_OF_UDP_DST[]",
		"move:NXM_NX_IPV6_SRC[0..63]->NXM_NX_IPV6_DST[0..63]",
		"move:NXM_OF_ARP_SPA[]->NXM_OF_ARP_TPA[]",
		"move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[]",
		"load:0xfd->NXM_NX_IPV6_SRC[120..127]",
		"load:3->NXM_OF_IP_TOS[2..4]",
		"push:NXM_OF_IP_SRC[],pop:NXM_OF_IP_DST[]",
	};

	(void)table;
	(void)depth;
	str_puts(s, g->learns ? moves[0] : moves[pick(g, ARRAY_SIZE(moves))]);
}

static void put_vlan(struct gen *g, struct str *s, unsigned table, unsigned depth)
{
	(void)table;
	(void)depth;
	switch (pick(g, 6)) {
	case 0: str_puts(s, "push_vlan:0x8100"); return;
	case 1: str_puts(s, "push_vlan:0x88a8"); return;
	case 2: str_printf(s, "mod_vlan_vid:%u", pick(g, 5)); return;
	case 3: str_printf(s, "mod_vlan_pcp:%u", pick(g, 8)); return;
	default: str_puts(s, "pop_vlan"); return;
	}
}

static void put_mpls(struct gen *g, struct str *s, unsigned table, unsigned depth)
{
	static const char *const words[] = {
		"push_mpls:0x8847", "push_mpls:0x8848", "pop_mpls:0x0800", "pop_mpls:0x86dd",
		"pop_mpls:0x8847",  "dec_mpls_ttl",     "set_mpls_ttl:7",  "pop_mpls:0x0800",
	};

	(void)table;
	(void)depth;
	str_puts(s, g->kinds.snap ? words[2] : words[pick(g, ARRAY_SIZE(words))]);
}

static void put_ttl(struct gen *g, struct str *s, unsigned table, unsigned depth)
{
	(void)table;
	(void)depth;
	if (pick(g, 5))
		str_puts(s, "dec_ttl");
	else
		str_printf(s, "mod_nw_ttl:%u", pick(g, 3));
}

static void put_resubmit(struct gen *g, struct str *s, unsigned table, unsigned depth)
{
	if (table + 1 >= TABLES || g->tracks)
		put_output(g, s, table, depth);
	else
		str_printf(s, "resubmit(,%u)", table + 1 + pick(g, TABLES - table - 1));
}

static void put_group(struct gen *g, struct str *s, unsigned table, unsigned depth)
{
	if (g->n_groups)
		str_printf(s, "group:%u", 1 + pick(g, g->n_groups));
	else
		put_output(g, s, table, depth);
}

static void put_clone(struct gen *g, struct str *s, unsigned table, unsigned depth)
{
	if (depth >= ACTIONS_DEEP) {
		put_set(g, s, table, depth);
		return;
	}
	str_puts(s, "clone(");
	put_actions(g, s, table, depth + 1, 1 + pick(g, 3));
	str_puts(s, ")");
}

/* Without a copy that goes on in a table: put_rule() has those. */
static void put_ct(struct gen *g, struct str *s, unsigned table, unsigned depth)
{
	if (g->tracks)
		gen_ct_action(&g->r, g->zone, -1, s);
	else
		put_output(g, s, table, depth);
}

/* Sources belong to ports then, so that all packets teach the same. */
static void put_learn(struct gen *g, struct str *s, unsigned table, unsigned depth)
{
	if (!g->learns) {
		put_output(g, s, table, depth);
		return;
	}
	str_printf(s, "learn(table=%u,priority=%u,", TABLES - 1, 1000 + pick(g, 2));
	if (pick(g, 2))
		str_puts(s, "NXM_OF_VLAN_TCI[0..11],");
	str_puts(s, "NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],");
	str_puts(s,
		 pick(g, 2) ? "output:NXM_OF_IN_PORT[])" : "load:NXM_OF_IN_PORT[]->NXM_NX_REG0[])");
}

static void put_length(struct gen *g, struct str *s, unsigned table, unsigned depth)
{
	(void)table;
	(void)depth;
	str_printf(s, "check_pkt_larger(%u)->NXM_NX_REG0[0]", 40 + pick(g, 60));
}

static const struct {
	unsigned weight;
	put_fn *put;
} actions[] = {
	{ 30, put_output }, { 3, put_cut_output }, { 28, put_set },   { 4, put_move },
	{ 12, put_vlan },   { 5, put_mpls },       { 6, put_ttl },    { 8, put_resubmit },
	{ 6, put_group },   { 3, put_clone },      { 2, put_length }, { 8, put_ct },
	{ 4, put_learn },
};

static void put_action(struct gen *g, struct str *s, unsigned table, unsigned depth)
{
	unsigned all = 0, x;

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		all += actions[i].weight;
	x = pick(g, all);
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		if (x < actions[i].weight) {
			actions[i].put(g, s, table, depth);
			return;
		}
		x -= actions[i].weight;
	}
}

static void put_actions(struct gen *g, struct str *s, unsigned table, unsigned depth, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (i)
			str_puts(s, ",");
		put_action(g, s, table, depth);
	}
}

/* --- lines --- */

static void add_group(struct gen *g)
{
	static const char *const types[] = { "all", "select", "indirect" };
	const char *type = types[pick(g, ARRAY_SIZE(types))];
	unsigned n = type == types[2] ? 1 : 1 + pick(g, 3);
	struct str s = STR_INIT;

	str_printf(&s, "group group_id=%u,type=%s", g->n_groups + 1, type);
	for (unsigned i = 0; i < n; i++) {
		str_puts(&s, ",bucket=");
		if (type == types[1])
			str_printf(&s, "weight:%u,", 1 + pick(g, 3));
		str_puts(&s, "actions=");
		put_actions(g, &s, TABLES, ACTIONS_DEEP, pick(g, 3));
		if (s.s[s.len - 1] != '=')
			str_puts(&s, ",");
		put_output(g, &s, TABLES, ACTIONS_DEEP);
	}
	agree_case_add_line(g->c, str_cstr(&s));
	g->n_groups++;
	str_done(&s);
}

/* Mostly a list of actions; now and then an action set and a table to go on in. */
static void put_rule(struct gen *g, struct str *s, unsigned table)
{
	bool more = table + 1 < TABLES;
	/* What the copy of a packet does to a connection comes before or after what follows here,
	 * as a datapath likes: so nothing of that kind follows. */
	bool forks = g->tracks && more && pick(g, 3);

	if (!pick(g, 12)) {
		str_puts(s, "drop");
		return;
	}
	if (!pick(g, 8))
		str_printf(s, "meter:%u,", AGREE_METER);
	put_actions(g, s, table, 0, 1 + pick(g, 5));
	if (forks) {
		str_puts(s, ",");
		gen_ct_action(&g->r, g->zone, (int)table + 1, s);
	}
	if (!pick(g, 6)) {
		str_puts(s, ",write_actions(");
		put_set(g, s, table, ACTIONS_DEEP);
		str_puts(s, ",");
		put_output(g, s, table, ACTIONS_DEEP);
		str_puts(s, ")");
	}
	if (!pick(g, 10))
		str_printf(s, ",write_metadata:%u", pick(g, 3));
	if (more && !pick(g, g->tracks ? 2 : 3) && !forks)
		str_printf(s, ",goto_table:%u", table + 1);
}

/* Priorities differ, so that no two rules that overlap have the same. */
static void add_flow(struct gen *g, unsigned i, bool catchall)
{
	unsigned table = pick(g, 5) ? pick(g, 2) : pick(g, TABLES);
	struct str s = STR_INIT;
	struct match m;

	match_init_catchall(&m);
	if (catchall)
		table = i % TABLES;
	else
		random_match(g, &m);
	str_printf(&s, "flow table=%u,priority=%u", table, catchall ? 1 : 2 + i);
	if (flow_map_of(&m.mask)) {
		str_puts(&s, ",");
		match_format(&m, NULL, NULL, &s);
	}
	str_puts(&s, " actions=");
	put_rule(g, &s, table);
	agree_case_add_line(g->c, str_cstr(&s));
	str_done(&s);
}

static void add_packet(struct gen *g)
{
	struct agree_packet *p = &g->c->packet[g->c->n_packets];
	struct flow_key *k = &g->key[g->c->n_packets];
	struct packet *frame;

	if (g->tracks && pick(g, 5))
		gen_ct_packet(&g->r, g->key, g->c->n_packets, p);
	else
		agree_gen_packet(&g->r, &g->kinds, p);
	if (g->learns) {
		memset(&p->data[6], 0, 6);
		p->data[6] = 2;
		p->data[11] = (uint8_t)p->port;
	}
	frame = wires_packet(p);
	memset(k, 0, sizeof(*k));
	k->in_port = htonl(p->port);
	/* Fragments are put together by a tracker, some time. */
	if (!parse_result_is_drop(packet_parse(frame, k, NULL)) && !(g->tracks && k->nw_frag))
		g->c->n_packets++;
	packet_free(frame);
}

static void add_ports(struct gen *g)
{
	static const char *const modes[] = { "access", "native-tagged", "native-untagged" };

	for (unsigned i = 1; i <= AGREE_PORTS; i++) {
		struct str s = STR_INIT;

		if (pick(g, 2))
			continue;
		str_printf(&s, "port %u %s tag=%u", i, modes[pick(g, ARRAY_SIZE(modes))],
			   1 + pick(g, 3));
		agree_case_add_line(g->c, str_cstr(&s));
		str_done(&s);
	}
}

void agree_gen(struct agree_case *c, struct rng r, bool tracks)
{
	struct gen g = { .r = r, .c = c };
	unsigned n;

	g.learns = !pick(&g, 5);
	g.tracks = tracks && !g.learns && !pick(&g, 3);
	g.zone = (uint16_t)(1 + pick(&g, 60000));
	c->wrong_sums = !g.tracks && !pick(&g, 4);
	g.kinds = (struct agree_gen_kinds){ c->wrong_sums, pick(&g, 3), !pick(&g, 3), !g.tracks };
	for (n = 3 + pick(&g, AGREE_PACKETS - 3); c->n_packets < n;)
		add_packet(&g);
	if (g.learns)
		add_ports(&g);
	for (n = pick(&g, GROUPS_AT_MOST + 1); g.n_groups < n;)
		add_group(&g);
	for (unsigned i = 0; i < TABLES; i++)
		if (pick(&g, 4))
			add_flow(&g, i, true);
	n = 2 + pick(&g, 20);
	for (unsigned i = 0; i < n; i++)
		add_flow(&g, i, false);
}
