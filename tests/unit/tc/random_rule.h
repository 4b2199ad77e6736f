/* SPDX-License-Identifier: Apache-2.0 */
/* Random megaflows for TC: ports 1 to 4 are devices, 5 the host's, 6 VXLAN.  Masks are closed as
 * translation closes them: who looks at a header looks at what says that it is there. */
#pragma once

#include "core/base/buf.h"
#include "offload/provider.h"
#include "tc/flower.h"
#include "tc/flower_sample.h"
#include "tests/unit/core/packet/random_key.h"

#define RULE_PORTS 6
#define RULE_INTERNAL 5
#define RULE_VXLAN 6

struct random_rule {
	struct flow_key key, mask;
	struct buf actions;
	bool meters;  /* wanted among the actions */
	bool samples; /* at their head */
	struct offload_rule rule;
};

static inline void random_rule_tunnel(struct rng *r, struct flow_key *k)
{
	k->tunnel.tun_id = hton64(rng_below(r, 1 << 24));
	if (rng_below(r, 2)) {
		random_bytes(r, &k->tunnel.src, 8);
	} else {
		random_bytes(r, &k->tunnel.src6, 32);
	}
	k->tunnel.flags = htons(FLOW_TNL_F_KEY);
	k->tunnel.tos = (uint8_t)rng_next(r);
	k->tunnel.ttl = (uint8_t)rng_next(r);
	random_bytes(r, &k->tunnel.tp_src, 4);
	k->tunnel.gbp_id = (be16)rng_next(r);
	k->tunnel.gbp_flags = rng_below(r, 2) ? 0x08 : 0x40;
}

static inline void random_rule_ct(struct rng *r, struct flow_key *k)
{
	static const uint32_t states[] = { 0,
					   CT_TRK | CT_NEW,
					   CT_TRK | CT_EST,
					   CT_TRK | CT_EST | CT_RPL,
					   CT_TRK | CT_REL,
					   CT_TRK | CT_REL | CT_RPL,
					   CT_TRK | CT_INV };

	k->ct_state = htonl(states[rng_below(r, ARRAY_SIZE(states))]);
	if (!(ntohl(k->ct_state) & (CT_EST | CT_NEW | CT_REL)))
		return;
	k->ct_zone = (be16)rng_next(r);
	k->ct_mark = (be32)rng_next(r);
	random_bytes(r, &k->ct_label, sizeof(k->ct_label));
}

static inline void random_rule_key(struct rng *r, struct flow_key *k)
{
	random_packet_key(r, k);
	if (flow_is_arp(k) && rng_below(r, 8))
		k->nw_proto = (uint8_t)(1 + rng_below(r, 2));
	k->in_port = htonl((uint32_t)(1 + rng_below(r, RULE_PORTS)));
	if (k->in_port == htonl(RULE_VXLAN))
		random_rule_tunnel(r, k);
	if (!rng_below(r, 3)) {
		k->recirc_id = htonl((uint32_t)(1 + rng_below(r, FLOWER_CHAIN_MAX - 1)));
		if (rng_below(r, 2))
			random_rule_ct(r, k);
	}
}

static inline bool random_rule_tunnel_field(const struct field *f)
{
	return f->ofs >= offsetof(struct flow_key, tunnel) &&
	       f->ofs < offsetof(struct flow_key, in_port);
}

static inline void random_rule_close(const struct flow_key *key, struct flow_key *m)
{
	m->in_port = m->recirc_id = UINT32_MAX;
	m->dl_type = UINT16_MAX;
	if (flow_is_ip(key))
		m->nw_frag = FLOW_FRAG_ANY | FLOW_FRAG_LATER;
	for (unsigned i = 0; i < FLOW_N_VLANS; i++)
		if (m->vlans[i].tci | m->vlans[i].tpid) {
			m->vlans[i].tci |= htons(VLAN_CFI);
			m->vlans[i].tpid = UINT16_MAX;
		}
	if (m->vlans[1].tci) {
		m->vlans[0].tci |= htons(VLAN_CFI);
		m->vlans[0].tpid = UINT16_MAX;
	}
}

/* One field in `sparse` is looked at, some of them in part. */
static inline void random_rule_mask(struct rng *r, const struct flow_key *key, unsigned sparse,
				    struct flow_key *mask)
{
	union field_value v;

	memset(mask, 0, sizeof(*mask));
	for (unsigned i = 0; i < FIELD_N_IDS; i++) {
		const struct field *f = &field_table[i];

		if (f->ofs < offsetof(struct flow_key, tunnel) || rng_below(r, sparse) ||
		    !field_prereq_ok((enum field_prereq)f->prereq, key) ||
		    (random_rule_tunnel_field(f) && key->in_port != htonl(RULE_VXLAN)))
			continue;
		field_prereq_mask((enum field_prereq)f->prereq, key, mask);
		field_mask_set(f, mask);
		if (!f->maskable || rng_below(r, 4))
			continue;
		random_bytes(r, &v, f->n_bytes);
		for (unsigned j = 0; j < f->n_bytes; j++)
			v.b[j] &= (uint8_t)(0xff >> (j ? 0 : 8 * f->n_bytes - f->n_bits));
		field_write(f, &v, mask);
	}
	random_rule_close(key, mask);
}

static inline void random_rule_set(struct rng *r, const struct flow_key *key, struct buf *b)
{
	union field_value v, ones;

	for (unsigned tries = 0; tries < 20; tries++) {
		const struct field *f = &field_table[rng_below(r, FIELD_N_IDS)];

		if (f->id < FIELD_ETH_SRC || !dp_field_settable(f) ||
		    !field_prereq_ok((enum field_prereq)f->prereq, key))
			continue;
		memset(&v, 0, sizeof(v));
		field_ones(f, &ones);
		random_bytes(r, v.b, f->n_bytes);
		for (unsigned i = 0; i < f->n_bytes; i++)
			v.b[i] &= ones.b[i];
		if (!field_value_ok(f, &v))
			continue;
		dp_actions_put_set(b, f->id, &v, &ones);
		return;
	}
}

static inline void random_rule_tunnel_set(struct rng *r, struct buf *b)
{
	static const enum field_id ids[] = { FIELD_TUN_ID,  FIELD_TUN_SRC,    FIELD_TUN_DST,
					     FIELD_TUN_TOS, FIELD_TUN_TP_DST, FIELD_TUN_TTL };
	union field_value v, ones;

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		const struct field *f = field_get(ids[i]);

		memset(&v, 0, sizeof(v));
		random_bytes(r, v.b, f->n_bytes);
		if (f->id == FIELD_TUN_ID)
			memset(v.b, 0, 5);
		field_ones(f, &ones);
		dp_actions_put_set(b, f->id, &v, &ones);
	}
	memset(&v, 0, sizeof(v));
	v.be16 = htons(FLOW_TNL_F_KEY | (rng_below(r, 4) ? 0 : FLOW_TNL_F_DF));
	field_ones(field_get(FIELD_TUN_FLAGS), &ones);
	dp_actions_put_set(b, FIELD_TUN_FLAGS, &v, &ones);
}

static inline void random_rule_output(struct rng *r, struct buf *b)
{
	struct dp_port to = { (uint32_t)(1 + rng_below(r, RULE_PORTS)) };

	if (to.v == RULE_VXLAN)
		random_rule_tunnel_set(r, b);
	dp_actions_put_output(b, to);
}

static inline void random_rule_vlan(struct rng *r, struct flow_key *now, struct buf *b)
{
	if (now->vlans[0].tci && rng_below(r, 2)) {
		dp_actions_put(b, DP_ACT_POP_VLAN, NULL, 0);
		now->vlans[0] = now->vlans[1];
		memset(&now->vlans[1], 0, sizeof(now->vlans[1]));
	} else if (!now->vlans[1].tci) {
		struct act_push_vlan push = { htons(rng_below(r, 2) ? 0x8100 : 0x88a8),
					      (be16)rng_next(r) | htons(VLAN_CFI) };

		dp_actions_put(b, DP_ACT_PUSH_VLAN, &push, sizeof(push));
		now->vlans[1] = now->vlans[0];
		now->vlans[0] = (struct flow_vlan){ push.tpid, push.tci };
	}
}

static inline void random_rule_ct_action(struct rng *r, const struct flow_key *key, struct buf *b)
{
	struct act_ct c;

	memset(&c, 0, sizeof(c));
	c.zone = (uint16_t)rng_next(r);
	if (rng_below(r, 2)) {
		c.flags |= ACT_CT_COMMIT;
		c.mark_mask = (uint32_t)rng_next(r);
		c.mark = (uint32_t)rng_next(r) & c.mark_mask;
		random_bytes(r, &c.label, sizeof(c.label));
		memset(&c.label_mask, 0xff, sizeof(c.label_mask));
	}
	if (rng_below(r, 2)) {
		c.flags |= ACT_CT_NAT;
		if (c.flags & ACT_CT_COMMIT) {
			c.flags |= rng_below(r, 2) ? ACT_CT_NAT_SRC : ACT_CT_NAT_DST;
			c.nat_family = flow_is_ipv4(key) ? 2 : 10;
			random_bytes(r, &c.nat_min, flow_is_ipv4(key) ? 4 : 16);
			c.nat_max = c.nat_min;
			c.nat_port_min = (uint16_t)(1 + rng_below(r, 1000));
			c.nat_port_max = (uint16_t)(c.nat_port_min + rng_below(r, 1000));
		}
	}
	dp_actions_put(b, DP_ACT_CT, &c, sizeof(c));
}

static inline void random_rule_meter(struct rng *r, struct buf *b)
{
	struct act_meter m = { 1 + (uint32_t)rng_below(r, 30) };

	dp_actions_put(b, DP_ACT_METER, &m, sizeof(m));
}

/* One that an agent of sFlow asks for. */
static inline void random_rule_sample(struct rng *r, struct buf *b)
{
	struct flower_sample s = { .what = { .output = (uint32_t)rng_below(r, 20),
					     .rate = 1 + (uint32_t)rng_below(r, 500),
					     .retagged = rng_below(r, 2) },
				   .max_len = rng_below(r, 4) ? 14 + (uint32_t)rng_below(r, 999)
							      : UINT32_MAX };

	if (s.what.retagged)
		s.what.tci = (uint16_t)rng_next(r) & SFLOW_COOKIE_TCI;
	flower_sample_action(&s, b);
}

static inline void random_rule_actions(struct rng *r, const struct flow_key *key, bool meters,
				       struct buf *b)
{
	struct flow_key now = *key;
	unsigned n = (unsigned)rng_below(r, 8);
	struct act_recirc recirc;

	for (unsigned i = 0; i < n; i++) {
		uint64_t what = rng_below(r, meters ? 10 : 8);

		if (what < 4)
			random_rule_set(r, &now, b);
		else if (what == 4)
			random_rule_vlan(r, &now, b);
		else if (what >= 8)
			random_rule_meter(r, b);
		else
			random_rule_output(r, b);
	}
	if (flow_is_ip(key) && !rng_below(r, 4))
		random_rule_ct_action(r, key, b);
	recirc.id = (uint32_t)(1 + rng_below(r, FLOWER_CHAIN_MAX - 1));
	if (!rng_below(r, 4))
		dp_actions_put(b, DP_ACT_RECIRC, &recirc, sizeof(recirc));
	else if (rng_below(r, 4))
		random_rule_output(r, b);
}

static inline void random_rule_start(struct random_rule *x)
{
	buf_init(&x->actions);
	x->meters = x->samples = false;
}

static inline void random_rule_done(struct random_rule *x)
{
	buf_done(&x->actions);
}

static inline void random_rule(struct rng *r, struct random_rule *x)
{
	struct flow_key whole;

	random_rule_key(r, &whole);
	random_rule_mask(r, &whole, 2 + (unsigned)rng_below(r, 12), &x->mask);
	flow_key_mask(&x->key, &whole, &x->mask);
	buf_clear(&x->actions);
	if (x->samples && !rng_below(r, 3))
		random_rule_sample(r, &x->actions);
	random_rule_actions(r, &whole, x->meters, &x->actions);
	memset(&x->rule, 0, sizeof(x->rule));
	x->rule.ufid = (struct ufid){ { rng_next(r), rng_next(r) } };
	x->rule.key = &x->key;
	x->rule.mask = &x->mask;
	x->rule.actions = dp_actions_of(&x->actions);
}
