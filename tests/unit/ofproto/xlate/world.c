/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ofproto/xlate/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/xalloc.h"
#include "core/packet/action_exec.h"
#include "core/packet/parse.h"

static uint32_t pick(struct world *w, uint32_t n)
{
	return (uint32_t)rng_below(&w->r, n);
}

/* --- packets: few values of each field, so that rules and packets meet --- */

static struct eth_addr mac_of(uint32_t i)
{
	return (struct eth_addr){ { i % 5 == 4 ? 0x01 : 0x02, 0, 0, 0, 0, (uint8_t)i } };
}

static void random_l3(struct world *w, struct flow_key *k)
{
	static const uint8_t protos[] = { 6, 17, 1, 132 };

	switch (pick(w, 6)) {
	case 0:
		k->dl_type = htons(0x0806);
		k->nw_proto = (uint8_t)(1 + pick(w, 2));
		k->nw_src = htonl(0x0a000000 + pick(w, 4));
		k->nw_dst = htonl(0x0a000000 + pick(w, 4));
		k->arp_sha = mac_of(pick(w, 4));
		k->arp_tha = mac_of(pick(w, 4));
		return;
	case 1:
		k->dl_type = htons(0x86dd);
		k->ipv6_src.w[3] = htonl(pick(w, 4));
		k->ipv6_src.w[0] = htonl(0xfd000000);
		k->ipv6_dst.w[3] = htonl(pick(w, 4));
		k->ipv6_dst.w[0] = htonl(0xfd000000);
		break;
	case 2: k->dl_type = htons((uint16_t)(0x9000 + pick(w, 2))); return;
	default:
		k->dl_type = htons(0x0800);
		k->nw_src = htonl(0x0a000000 + pick(w, 4) * 0x10001);
		k->nw_dst = htonl(0x0a000000 + pick(w, 4) * 0x10001);
		break;
	}
	k->nw_ttl = (uint8_t)(1 + pick(w, 3));
	k->nw_tos = (uint8_t)(pick(w, 4) << 2 | pick(w, 2));
	k->nw_proto = protos[pick(w, k->dl_type == htons(0x86dd) ? 2 : 4)];
	if (k->nw_proto == 1) {
		k->tp_src = htons(8);
		return;
	}
	k->tp_src = htons((uint16_t)(1000 + pick(w, 4)));
	k->tp_dst = htons((uint16_t)(80 + pick(w, 4)));
	if (k->nw_proto == 6)
		k->tcp_flags = htons((uint16_t)(1u << pick(w, 5)));
}

/* More labels than a key shows, now and then. */
static void put_labels(struct world *w, struct packet *frame, struct flow_key *key)
{
	for (unsigned i = 0, n = 1 + pick(w, FLOW_N_MPLS + 1); i < n; i++) {
		uint32_t lse = (1 + pick(w, 3)) << 12 | pick(w, 2) << 9 | (1 + pick(w, 3));

		(void)packet_push_mpls(frame, key, htons(0x8847),
				       htonl(lse | (i ? 0 : 0x100u))); /* fits */
	}
}

/* --- tunnels --- */

static struct be128 end_of(uint32_t i)
{
	struct be128 v6 = { .w = { htonl(0xfd000000), 0, 0, htonl(i) } };

	return i < 4 ? ip_addr4(htonl(0xc0000200 + i)) : v6;
}

/* Two kinds of each: where the key is, who is at the other end. */
static void tunnel_of(const struct world *w, unsigned bridge, unsigned i, struct tunnel_conf *c)
{
	*c = (struct tunnel_conf){ .dst_port = 4789, .gbp = true, .ttl = 60, .df = true };
	c->in_key_flow = c->out_key_flow = w->open_keys || bridge != i;
	c->out_key_set = i;
	if (!c->in_key_flow)
		c->in_key = c->out_key = hton64(1 + i);
	c->remote_flow = i && !bridge;
	if (!c->remote_flow)
		c->remote = end_of(bridge + i);
	c->local_set = bridge && i;
	if (c->local_set)
		c->local = end_of(3);
	c->local_flow = c->remote_flow;
	c->tos_inherit = c->ttl_inherit = c->csum = bridge;
	c->tos = (uint8_t)(i << 4);
}

static void random_outer(struct world *w, struct flow_tnl *t)
{
	bool v6 = !pick(w, 4);
	struct be128 src = end_of(v6 ? 4 + pick(w, 2) : pick(w, 4)),
		     dst = end_of(v6 ? 4 + pick(w, 2) : pick(w, 4));

	tunnel_set_src(t, &src);
	tunnel_set_dst(t, &dst);
	t->tun_id = hton64(pick(w, 3));
	t->tos = (uint8_t)pick(w, 8);
	t->ttl = (uint8_t)(1 + pick(w, 3));
	t->tp_src = htons((uint16_t)rng_next(&w->r));
	t->tp_dst = htons(4789);
	t->gbp_id = htons((uint16_t)pick(w, 2));
	t->flags = htons(FLOW_TNL_F_KEY);
}

void world_packet(struct world *w, struct flow_key *key, struct packet **p)
{
	struct flow_key want;
	struct packet *frame;

	memset(&want, 0, sizeof(want));
	want.dl_src = mac_of(pick(w, 4));
	want.dl_dst = mac_of(pick(w, 5));
	for (unsigned i = 0, n = pick(w, 3); i < n; i++) {
		want.vlans[i].tpid = htons(i + 1 < n ? 0x88a8 : 0x8100);
		want.vlans[i].tci =
			htons((uint16_t)(VLAN_CFI | pick(w, 3) << 13 | (1 + pick(w, 3))));
	}
	random_l3(w, &want);
	frame = packet_compose(&want, pick(w, 40));
	memset(key, 0, sizeof(*key));
	key->in_port = htonl(1 + pick(w, WORLD_BRIDGES * WORLD_PORTS));
	if (w->tunnels && !pick(w, 3)) {
		key->in_port = htonl(WORLD_TUNNEL_DP);
		random_outer(w, &key->tunnel);
	}
	(void)packet_parse(frame, key, NULL);
	if (!w->one_pass && !pick(w, 4))
		put_labels(w, frame, key);
	if (p)
		*p = frame;
	else
		packet_free(frame);
}

void world_track(struct flow_key *key, const struct act_ct *ct, struct packet *p)
{
	static const uint32_t states[] = { CT_NEW, CT_EST, CT_EST | CT_RPL, CT_INV };
	uint64_t h = hash_u64((uint64_t)key->nw_src << 32 | key->nw_dst, key->nw_proto);
	struct act_set set = { .field = FIELD_IPV4_SRC, .mask.be32 = ~0u };

	key->ct_state = htonl(CT_TRK | states[h % 4]);
	key->ct_zone = htons(ct->zone);
	key->ct_mark = htonl(((uint32_t)(h >> 8) % 3 & ~ct->mark_mask) | ct->mark);
	memset(&key->ct_label, 0, sizeof(key->ct_label));
	key->ct_nw_proto = key->nw_proto;
	key->ct_nw_src = htonl(0x0a000000 + (uint32_t)(h >> 16) % 4 * 0x10001);
	key->ct_nw_dst = htonl(0x0a000000 + (uint32_t)(h >> 24) % 4 * 0x10001);
	memset(&key->ct_ipv6_src, 0, sizeof(key->ct_ipv6_src));
	memset(&key->ct_ipv6_dst, 0, sizeof(key->ct_ipv6_dst));
	key->ct_tp_src = key->tp_src;
	key->ct_tp_dst = htons((uint16_t)(80 + (h >> 32) % 4));
	if (!(ct->flags & ACT_CT_NAT_SRC) || !flow_is_ipv4(key))
		return;
	set.value.be32 = ct->nat_min.w[0];
	if (p)
		(void)packet_set_field(p, key, &set); /* it is IPv4 */
	key->nw_src = set.value.be32;
}

static void mutate_tracking(struct world *w, struct flow_key *key, const struct flow_key *mask,
			    const struct flow_key *other)
{
	const struct act_ct ct = { .zone = (uint16_t)pick(w, 3), .mark = pick(w, 3) };
	struct flow_key tracked = *other;

	if (pick(w, 3))
		world_track(&tracked, &ct, NULL);
	for (size_t i = offsetof(struct flow_key, ct_state); i < offsetof(struct flow_key, dl_dst);
	     i++) {
		uint8_t m = ((const uint8_t *)mask)[i], *k = (uint8_t *)key + i;

		*k = (uint8_t)((*k & m) | (((const uint8_t *)&tracked)[i] & ~m));
	}
}

void world_mutate(struct world *w, struct flow_key *key, const struct flow_key *mask)
{
	const uint64_t *m = flow_words_const(mask);
	struct flow_key other, noise;

	/* Another packet's values, and noise, wherever the mask does not look: but the words that a
	 * parser leaves zero for a packet of this kind stay zero. */
	do
		world_packet(w, &other, NULL);
	while (other.dl_type != key->dl_type ||
	       (other.in_port != key->in_port && key->in_port == htonl(WORLD_TUNNEL_DP)) ||
	       (key->tunnel.dst && !other.tunnel.dst) ||
	       (key->tunnel.dst6.d[0] && other.tunnel.dst));
	memset(&noise, 0, sizeof(noise));
	noise.nw_src = htonl((uint32_t)rng_next(&w->r));
	noise.tp_src = htons((uint16_t)rng_next(&w->r));
	noise.dl_src.b[5] = (uint8_t)rng_next(&w->r);
	if (!flow_is_ipv4(key))
		noise.nw_src = 0;
	if (!flow_has_l4(key))
		noise.tp_src = 0;
	for (unsigned i = FLOW_WORD(tunnel); i < FLOW_WORDS; i++) {
		if (i == FLOW_WORD(in_port) ||
		    (i < FLOW_L2_WORD &&
		     (i > FLOW_WORD(in_port) || key->in_port != htonl(WORLD_TUNNEL_DP))))
			continue;
		uint64_t *k = &flow_words(key)[i];
		uint64_t v = flow_words_const(&other)[i] ^ flow_words_const(&noise)[i];

		*k = (*k & m[i]) | (v & ~m[i]);
	}
	for (unsigned i = 0; i < FLOW_N_VLANS; i++)
		if (!(key->vlans[i].tci & htons(VLAN_CFI)))
			memset(&key->vlans[i], 0, sizeof(key->vlans[i]));
	mutate_tracking(w, key, mask, &other);
}

/* --- rules --- */

static const enum field_id match_fields[] = {
	FIELD_ETH_SRC,    FIELD_ETH_DST,    FIELD_ETH_TYPE,  FIELD_VLAN_VID, FIELD_VLAN_PCP,
	FIELD_IPV4_SRC,   FIELD_IPV4_DST,   FIELD_IP_PROTO,  FIELD_IP_TTL,   FIELD_IP_DSCP,
	FIELD_TCP_SRC,    FIELD_TCP_DST,    FIELD_UDP_SRC,   FIELD_UDP_DST,  FIELD_IPV6_DST,
	FIELD_ARP_OP,     FIELD_ARP_SPA,    FIELD_TCP_FLAGS, FIELD_REG0,     FIELD_METADATA,
	FIELD_IP_FRAG,    FIELD_MPLS_LABEL, FIELD_MPLS_BOS,  FIELD_TUN_ID,   FIELD_TUN_SRC,
	FIELD_TUN_GBP_ID,
};

/* Values from a packet, so that the rule has prerequisites that can hold and a chance to be hit. */
static void random_match(struct world *w, struct match *m)
{
	struct flow_key from, mask;

	world_packet(w, &from, NULL);
	from.regs[0] = htonl(pick(w, 3));
	from.metadata = hton64(pick(w, 3));
	if (pick(w, 2))
		world_track(&from, &(struct act_ct){ .zone = (uint16_t)pick(w, 3) }, NULL);
	memset(&mask, 0, sizeof(mask));
	for (unsigned i = 0, n = pick(w, 4); i < n; i++) {
		const struct field *f = field_get(match_fields[pick(w, ARRAY_SIZE(match_fields))]);
		union field_value ones;

		if (!field_prereq_ok((enum field_prereq)f->prereq, &from))
			continue;
		field_prereq_mask((enum field_prereq)f->prereq, &from, &mask);
		field_ones(f, &ones);
		if (f->maskable && pick(w, 2))
			ones.b[f->n_bytes - 1] &= (uint8_t)(0xff << pick(w, 4));
		field_write_masked(f, &ones, &ones, &mask);
	}
	if (!pick(w, 4)) {
		mask.in_port = ~0u;
		from.in_port = htonl(1 + pick(w, WORLD_PATCH));
	}
	if (mask.vlans[0].tci)
		mask.vlans[0].tci |= htons(VLAN_CFI);
	mask.vlans[0].tpid = 0;
	match_init(m, &from, &mask);
}

static void put_set(struct world *w, struct buf *b)
{
	static const enum field_id fields[] = {
		FIELD_ETH_SRC,  FIELD_ETH_DST,    FIELD_IPV4_SRC, FIELD_IPV4_DST,   FIELD_IP_TTL,
		FIELD_IP_DSCP,  FIELD_TCP_SRC,    FIELD_UDP_DST,  FIELD_VLAN_VID,   FIELD_VLAN_PCP,
		FIELD_ARP_SPA,  FIELD_IPV6_SRC,   FIELD_METADATA, FIELD_REG0,       FIELD_REG0 + 1,
		FIELD_PKT_MARK, FIELD_VLAN_TCI,   FIELD_TUN_ID,   FIELD_MPLS_LABEL, FIELD_MPLS_TC,
		FIELD_TUN_DST,  FIELD_TUN_GBP_ID, FIELD_IP_ECN,
	};
	const struct field *f = field_get(fields[pick(w, ARRAY_SIZE(fields))]);
	struct ofpact_set_field s = { .field = (uint16_t)f->id };
	struct flow_key from;

	world_packet(w, &from, NULL);
	from.regs[0] = htonl(pick(w, 3));
	from.regs[1] = htonl(1 + pick(w, WORLD_PATCH));
	from.metadata = hton64(pick(w, 3));
	from.pkt_mark = htonl(pick(w, 3));
	random_outer(w, &from.tunnel);
	field_read(f, &from, &s.value);
	field_ones(f, &s.mask);
	if (f->maskable && !pick(w, 3))
		s.mask.b[f->n_bytes - 1] &= 0x3f;
	for (unsigned i = 0; i < f->n_bytes; i++)
		s.value.b[i] &= s.mask.b[i];
	ofpact_put(b, OFPACT_SET_FIELD, &s, sizeof(s));
}

static void put_output(struct buf *b, uint32_t port)
{
	struct ofpact_output o = { .port = { port }, .max_len = 64 };

	ofpact_put(b, OFPACT_OUTPUT, &o, sizeof(o));
}

static void put_random_output(struct world *w, struct buf *b)
{
	static const uint32_t special[] = { OFPP_IN_PORT_, OFPP_NORMAL_, OFPP_FLOOD_, OFPP_ALL_,
					    OFPP_CONTROLLER_ };

	uint32_t n = WORLD_PATCH + (w->tunnels ? WORLD_TUNNELS : 0);

	put_output(b, pick(w, 4) ? 1 + pick(w, n) : special[pick(w, ARRAY_SIZE(special))]);
}

static void put_move(struct world *w, struct buf *b)
{
	static const struct ofpact_move moves[] = {
		{ { FIELD_IPV4_SRC, 0, 32, 0 }, { FIELD_REG0, 0, 32, 0 } },
		{ { FIELD_ETH_DST, 0, 48, 0 }, { FIELD_ETH_SRC, 0, 48, 0 } },
		{ { FIELD_REG0, 0, 16, 0 }, { FIELD_TCP_DST, 0, 16, 0 } },
		{ { FIELD_IPV4_DST, 8, 8, 0 }, { FIELD_IPV4_DST, 0, 8, 0 } },
		{ { FIELD_VLAN_VID, 0, 12, 0 }, { FIELD_REG0, 4, 12, 0 } },
	};

	ofpact_put(b, OFPACT_MOVE, &moves[pick(w, ARRAY_SIZE(moves))], sizeof(moves[0]));
}

static void put_learn(struct world *w, struct buf *b)
{
	struct {
		struct ofpact_learn l;
		struct ofpact_learn_spec spec[2];
	} a;

	memset(&a, 0, sizeof(a));
	a.l.table = (uint8_t)(w->base + WORLD_TABLES - 1);
	a.l.priority = (uint16_t)(1 + pick(w, 3));
	a.l.idle_timeout = 10;
	a.l.n_specs = 2;
	a.spec[0] = (struct ofpact_learn_spec){ .src_type = LEARN_SRC_FIELD,
						.dst_type = LEARN_DST_MATCH,
						.n_bits = 48,
						.src = { FIELD_ETH_SRC, 0, 48, 0 },
						.dst = { FIELD_ETH_DST, 0, 48, 0 } };
	a.spec[1] = (struct ofpact_learn_spec){ .src_type = LEARN_SRC_FIELD,
						.dst_type = LEARN_DST_OUTPUT,
						.n_bits = 16,
						.src = { FIELD_IN_PORT, 0, 16, 0 } };
	ofpact_put(b, OFPACT_LEARN, &a, sizeof(a));
}

static void put_simple(struct buf *b, enum ofpact_kind kind, uint16_t v)
{
	struct ofpact_u16 a = { v };

	ofpact_put(b, kind, &a, sizeof(a));
}

static void put_mpls_action(struct world *w, struct buf *b)
{
	struct ofpact_ethertype mpls = { htons(0x8847) }, ip = { htons(0x0800) };

	switch (pick(w, w->one_pass ? 3 : 6)) {
	case 0: ofpact_put(b, OFPACT_PUSH_MPLS, &mpls, sizeof(mpls)); break;
	case 1: ofpact_put(b, OFPACT_DEC_MPLS_TTL, NULL, 0); break;
	case 2: put_simple(b, OFPACT_SET_MPLS_TTL, (uint16_t)pick(w, 3)); break;
	case 3: ofpact_put(b, OFPACT_POP_MPLS, &mpls, sizeof(mpls)); break;
	default: ofpact_put(b, OFPACT_POP_MPLS, &ip, sizeof(ip)); break;
	}
}

static uint8_t later_table(struct world *w, unsigned table)
{
	return table + 1u < w->base + (unsigned)WORLD_TABLES ? (uint8_t)(table + 1)
							     : OFPACT_CT_NO_TABLE;
}

static void put_ct(struct world *w, struct buf *b, unsigned table)
{
	struct ofpact_ct ct = { .zone = (uint16_t)pick(w, 3),
				.table = pick(w, 3) ? later_table(w, table) : OFPACT_CT_NO_TABLE };
	const struct ofpact_nat nat = { .flags = OFPACT_NAT_SRC,
					.family = AF_INET,
					.addr_min.w = {
						htonl(0x0a000000 + pick(w, 4) * 0x10001) } };
	struct buf all = BUF_INIT;
	union field_value mark = { .be32 = htonl(pick(w, 3)) };

	if (!pick(w, 3))
		ct.zone_src = (struct ofpact_bits){ FIELD_REG0, 0, 16, 0 };
	if (pick(w, 2))
		ct.flags = OFPACT_CT_COMMIT;
	buf_put(&all, &ct, sizeof(ct));
	if (ct.flags && !pick(w, 3))
		ofpact_put(&all, OFPACT_NAT, &nat, sizeof(nat));
	if (ct.flags && !pick(w, 3))
		ofpact_put_set_field(&all, FIELD_CT_MARK, &mark, NULL, 0);
	ofpact_put(b, OFPACT_CT, all.data, all.len);
	buf_done(&all);
}

/* Mostly in pairs, so that the stack seldom runs dry. */
static void put_stack(struct world *w, struct buf *b)
{
	static const struct ofpact_bits from[] = { { FIELD_IPV4_SRC, 0, 32, 0 },
						   { FIELD_ETH_DST, 4, 44, 0 },
						   { FIELD_REG0, 0, 16, 0 },
						   { FIELD_CT_MARK, 0, 32, 0 } };
	static const struct ofpact_bits to[] = { { FIELD_REG0, 0, 32, 0 },
						 { FIELD_REG0 + 1, 3, 5, 0 },
						 { FIELD_METADATA, 0, 64, 0 },
						 { FIELD_IPV4_DST, 8, 8, 0 } };
	unsigned which = pick(w, 8);

	if (which)
		ofpact_put(b, OFPACT_PUSH, &from[pick(w, 4)], sizeof(from[0]));
	if (which != 1)
		ofpact_put(b, OFPACT_POP, &to[pick(w, 4)], sizeof(to[0]));
}

static void put_check_len(struct world *w, struct buf *b)
{
	const struct ofpact_check_len k = {
		.dst = { (uint16_t)(pick(w, 2) ? FIELD_REG0 : FIELD_IP_ECN), 0, 1, 0 },
		.len = (uint16_t)(50 + pick(w, 30))
	};

	ofpact_put(b, OFPACT_CHECK_PKT_LARGER, &k, sizeof(k));
}

static void put_action(struct world *w, struct buf *b, unsigned table, bool in_bucket);

static void put_clone(struct world *w, struct buf *b, unsigned table)
{
	struct buf nested = BUF_INIT;

	for (unsigned i = 0, n = pick(w, 4); i < n && nested.len < 2000; i++)
		put_action(w, &nested, table, false);
	ofpact_put(b, OFPACT_CLONE, nested.data, nested.len);
	buf_done(&nested);
}

/* What wants recirculation, or branches. */
static void put_branch(struct world *w, struct buf *b, unsigned table, bool in_bucket)
{
	struct ofpact_output_trunc t = { { 1 + pick(w, WORLD_PATCH) }, 14 + pick(w, 40) };

	switch (pick(w, 8)) {
	case 0:
	case 1: put_ct(w, b, table); break;
	case 2: ofpact_put(b, OFPACT_CT_CLEAR, NULL, 0); break;
	case 3: put_stack(w, b); break;
	case 4: put_check_len(w, b); break;
	case 5: ofpact_put(b, OFPACT_OUTPUT_TRUNC, &t, sizeof(t)); break;
	default:
		if (!in_bucket)
			put_clone(w, b, table);
	}
}

static void put_action(struct world *w, struct buf *b, unsigned table, bool in_bucket)
{
	struct ofpact_resubmit re = { .in_port = { OFPP_IN_PORT_ }, .table = (uint8_t)(table + 1) };
	struct ofpact_ethertype vlan = { htons(pick(w, 2) ? 0x8100 : 0x88a8) };
	struct ofpact_group g = { 1 + pick(w, WORLD_GROUPS) };
	struct ofpact_dec_ttl dec = { 0 };

	switch (pick(w, w->one_pass ? 19 : 22)) {
	case 0:
	case 1:
	case 2: put_set(w, b); break;
	case 3:
		if (!in_bucket)
			ofpact_put(b, OFPACT_GROUP, &g, sizeof(g));
		break;
	case 4:
		re.ct = !w->one_pass && !pick(w, 3);
		if (table + 1u < w->base + (unsigned)WORLD_TABLES)
			ofpact_put(b, OFPACT_RESUBMIT, &re, sizeof(re));
		break;
	case 5: ofpact_put(b, OFPACT_PUSH_VLAN, &vlan, sizeof(vlan)); break;
	case 6: ofpact_put(b, OFPACT_STRIP_VLAN, NULL, 0); break;
	case 7: ofpact_put(b, OFPACT_DEC_TTL, &dec, sizeof(dec)); break;
	case 8: put_move(w, b); break;
	case 9:
		if (!w->plain)
			put_learn(w, b);
		break;
	case 10: put_simple(b, OFPACT_SET_VLAN_VID, (uint16_t)(1 + pick(w, 3))); break;
	case 11: put_simple(b, OFPACT_SET_L4_DST, 4242); break;
	case 12:
	case 13: put_mpls_action(w, b); break;
	case 19:
	case 20:
	case 21: put_branch(w, b, table, in_bucket); break;
	default: put_random_output(w, b); break;
	}
}

static void put_instructions(struct world *w, struct buf *b, unsigned table)
{
	struct ofpact_metadata md = { hton64(pick(w, 3)), UINT64_MAX };
	struct ofpact_u8 next = { (uint8_t)(table + 1) };
	struct buf set = BUF_INIT;

	if (!pick(w, 4)) {
		for (unsigned i = 0, n = 1 + pick(w, 3); i < n; i++)
			pick(w, 2) ? put_set(w, &set) : put_random_output(w, &set);
		ofpact_put(b, OFPACT_WRITE_ACTIONS, set.data, set.len);
		buf_done(&set);
	}
	if (!pick(w, 5))
		ofpact_put(b, OFPACT_WRITE_METADATA, &md, sizeof(md));
	if (table + 1u < w->base + (unsigned)WORLD_TABLES && pick(w, 2))
		ofpact_put(b, OFPACT_GOTO_TABLE, &next, sizeof(next));
}

static void put_meter(struct world *w, struct buf *b)
{
	const struct ofpact_u32 m = { 1 + pick(w, WORLD_METERS) };

	if (!pick(w, 10))
		ofpact_put(b, OFPACT_METER, &m, sizeof(m));
}

static void change_rule(struct world *w)
{
	struct ofp_flow_mod fm = { .command = OFPFC_ADD_,
				   .buffer_id = OFP_NO_BUFFER_,
				   .out_port = { OFPP_NONE_ },
				   .out_group = OFPG_ANY_ };
	struct buf acts = BUF_INIT;

	fm.table = (uint8_t)(w->base + pick(w, WORLD_TABLES));
	fm.priority = (uint16_t)pick(w, 60000); /* equal ones would leave the winner open */
	if (!pick(w, 5))
		fm.command = (uint8_t)(OFPFC_MODIFY_ + (int)pick(w, 4));
	random_match(w, &fm.match);
	put_meter(w, &acts);
	for (unsigned i = 0, n = pick(w, 5); i < n; i++)
		put_action(w, &acts, fm.table, false);
	put_instructions(w, &acts, fm.table);
	fm.actions = ofpacts_of(&acts);
	(void)tables_flow_mod(w->tables[pick(w, WORLD_BRIDGES)], &fm, NULL);
	buf_done(&acts);
}

static void change_group(struct world *w)
{
	struct ofp_bucket buckets[3];
	struct buf acts[3] = { BUF_INIT, BUF_INIT, BUF_INIT };
	struct ofp_group_mod gm = { .type = (uint8_t)pick(w, 4),
				    .id = 1 + pick(w, WORLD_GROUPS),
				    .buckets = buckets };

	gm.command = (uint16_t)(pick(w, 4) ? OFPGC_ADD_ : OFPGC_MODIFY_);
	gm.n_buckets = gm.type == OFPGT_INDIRECT_ || (w->plain && gm.type == OFPGT_SELECT_)
			       ? 1
			       : 1 + pick(w, 3);
	for (size_t i = 0; i < gm.n_buckets; i++) {
		for (unsigned j = 0, n = 1 + pick(w, 3); j < n; j++)
			put_action(w, &acts[i], UINT8_MAX, true);
		buckets[i] = (struct ofp_bucket){
			.weight = (uint16_t)(gm.type == OFPGT_SELECT_ ? 1 + pick(w, 3) : 0),
			.watch_port = { gm.type == OFPGT_FF_ ? 1 + pick(w, WORLD_PORTS)
							     : OFPP_NONE_ },
			.watch_group = OFPG_ANY_,
			.actions = ofpacts_of(&acts[i]),
		};
	}
	(void)tables_group_mod(w->tables[pick(w, WORLD_BRIDGES)], &gm);
	for (unsigned i = 0; i < 3; i++)
		buf_done(&acts[i]);
}

static void add_meter(struct world *w, unsigned b, uint32_t id)
{
	const struct ofp_meter_mod mm = { OFPMC_ADD_, OFPMF_KBPS_, id, NULL, 0 };

	tables_meter_put(w->tables[b], &mm, b * WORLD_METERS + id);
}

/* It goes, and its rules with it, or is there again. */
static void change_meter(struct world *w)
{
	unsigned b = pick(w, WORLD_BRIDGES);
	uint32_t id = 1 + pick(w, WORLD_METERS);

	if (pick(w, 4))
		add_meter(w, b, id);
	else
		tables_meter_delete(w->tables[b], id, NULL, NULL);
}

bool world_meter_passes(uint32_t dp_id)
{
	return dp_id % WORLD_METERS;
}

void world_change(struct world *w)
{
	if (!pick(w, 20))
		change_meter(w);
	else if (pick(w, 6))
		change_rule(w);
	else
		change_group(w);
}

/* --- ports --- */

static void build_bridge(struct world *w, unsigned b)
{
	struct xl_bridge *x = &w->snap->bridges[b];

	snprintf(x->name, sizeof(x->name), "br%u", b);
	x->id = b + 1;
	x->tables = w->tables[b];
	x->macs = w->macs[b];
	x->miss_to_controller = b == 0;
	x->n_bundles = x->n_ports = WORLD_PATCH + (w->tunnels ? WORLD_TUNNELS : 0);
	x->ports = xcalloc(x->n_ports, sizeof(*x->ports));
	x->bundles = xcalloc(x->n_bundles, sizeof(*x->bundles));
	for (unsigned i = 0; i < x->n_ports; i++) {
		struct xl_port *p = &x->ports[i];
		struct xl_bundle *xb = &x->bundles[i];

		snprintf(p->name, sizeof(p->name), "p%u", i + 1);
		p->ofp.v = i + 1;
		p->dp.v = i + 1 < WORLD_PATCH ? b * WORLD_PORTS + i + 1 : DP_PORT_NONE;
		p->up = i != 4;
		p->bundle = xb;
		if (i + 1 >= WORLD_PATCH)
			p->counters = xl_counters_new();
		if (i >= WORLD_PATCH) {
			p->dp.v = WORLD_TUNNEL_DP;
			p->tunnel = xzalloc(sizeof(*p->tunnel));
			tunnel_of(w, b, i - WORLD_PATCH, p->tunnel);
		}
		snprintf(xb->name, sizeof(xb->name), "p%u", i + 1);
		xb->id = i;
		xb->ports = xcalloc(1, sizeof(struct xl_port *));
		xb->ports[0] = p;
		xb->n_ports = 1;
		if (i < 2) {
			xb->vlan.mode = i ? VLAN_NATIVE_UNTAGGED : VLAN_ACCESS;
			xb->vlan.tag = 1;
		}
	}
}

static void build_snapshot(struct world *w)
{
	w->snap = xl_snapshot_new(WORLD_BRIDGES);
	for (unsigned b = 0; b < WORLD_BRIDGES; b++) {
		build_bridge(w, b);
		if (pick(w, 2))
			w->snap->bridges[b].sflow = (struct xl_sflow){ 1, 128 };
	}
	w->snap->bridges[0].ports[WORLD_PATCH - 1].peer =
		&w->snap->bridges[1].ports[WORLD_PATCH - 1];
	w->snap->bridges[1].ports[WORLD_PATCH - 1].peer =
		&w->snap->bridges[0].ports[WORLD_PATCH - 1];
	xl_snapshot_link(w->snap);
	w->snap->recirc = w->recirc;
	w->snap->features.actions = UINT32_MAX;
	w->snap->features.sample_depth = DP_ACTIONS_MAX_DEPTH;
}

void world_init(struct world *w, struct rng seed)
{
	static const struct tables_ops no_ops;

	memset(w, 0, sizeof(*w));
	w->r = seed;
	for (unsigned b = 0; b < WORLD_BRIDGES; b++) {
		w->tables[b] = tables_new(&no_ops, NULL);
		w->macs[b] = mac_table_new();
		mac_configure(w->macs[b], 1000, 300);
		for (unsigned i = 0; i < 3; i++)
			(void)mac_learn(w->macs[b], (uint16_t)pick(w, 3), mac_of(i), i * 3, false,
					clock_mono_ns());
		for (uint32_t id = 1; id <= WORLD_METERS; id++)
			add_meter(w, b, id);
	}
	w->recirc = recirc_table_new(RECIRC_MAX);
	build_snapshot(w);
}

void world_add_tunnels(struct world *w)
{
	w->tunnels = true;
	w->open_keys = pick(w, 2);
	xl_snapshot_free(w->snap);
	build_snapshot(w);
}

void world_done(struct world *w)
{
	xl_snapshot_free(w->snap); /* NULL is fine */
	recirc_table_free(w->recirc);
	for (unsigned b = 0; b < WORLD_BRIDGES; b++) {
		tables_flush(w->tables[b], false);
		tables_free(w->tables[b]);
		mac_table_free(w->macs[b]);
	}
}
