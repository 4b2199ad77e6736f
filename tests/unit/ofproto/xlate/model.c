/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ofproto/xlate/model.h"

#include <string.h>

static void do_list(struct model *m, struct ofpacts l, uint8_t table);
static void enter(struct model *m);

static bool tagged(const struct model *m)
{
	return m->key.vlans[0].tci & htons(VLAN_CFI);
}

static void pop_vlan(struct model *m)
{
	m->key.vlans[0] = m->key.vlans[1];
	memset(&m->key.vlans[1], 0, sizeof(m->key.vlans[1]));
}

static void push_vlan(struct model *m, struct flow_vlan tag)
{
	m->key.vlans[1] = m->key.vlans[0];
	m->key.vlans[0] = tag;
}

/* --- what is put back after a bucket, a clone, a peer --- */

struct saved {
	const struct xl_bridge *br;
	struct flow_key key, inner;
	be32 labels[8], nat_src;
	struct buf set;
	unsigned n_labels;
	bool exit, natted, metered;
};

static void save(struct model *m, struct saved *s)
{
	*s = (struct saved){ .br = m->br,
			     .key = m->key,
			     .inner = m->inner,
			     .nat_src = m->nat_src,
			     .set = m->set,
			     .n_labels = m->n_labels,
			     .exit = m->exit,
			     .natted = m->natted,
			     .metered = m->metered };
	memcpy(s->labels, m->labels, sizeof(s->labels));
	buf_init(&m->set);
}

static void restore(struct model *m, const struct saved *s)
{
	buf_done(&m->set);
	m->br = s->br;
	m->key = s->key;
	m->inner = s->inner;
	m->nat_src = s->nat_src;
	m->set = s->set;
	m->n_labels = s->n_labels;
	m->exit = s->exit || m->failed || m->unknown;
	m->natted = s->natted;
	m->metered = s->metered;
	memcpy(m->labels, s->labels, sizeof(m->labels));
	m->stop = false;
}

static void copy_buf(struct buf *to, const struct buf *from)
{
	buf_init(to);
	buf_put(to, from->data, from->len);
}

static void forget_connection(struct model *m)
{
	memset(&m->key.ct_state, 0, sizeof(m->key.ct_state));
	memset(&m->key.ct_mark, 0,
	       offsetof(struct flow_key, dl_dst) - offsetof(struct flow_key, ct_mark));
}

/* --- outputs --- */

static bool is_ip(const struct model *m)
{
	return m->key.dl_type == htons(0x0800) || m->key.dl_type == htons(0x86dd);
}

/* The outer header, or none. */
static bool outer_of(const struct model *m, const struct tunnel_conf *c, struct flow_tnl *o)
{
	const struct flow_tnl *t = &m->key.tunnel;
	uint8_t ecn = m->key.nw_tos & 3;
	bool v4;

	memset(o, 0, sizeof(*o));
	tunnel_set_dst(o, &c->remote);
	if (c->remote_flow && t->dst)
		o->dst = t->dst;
	else if (c->remote_flow)
		o->dst6 = t->dst6;
	v4 = o->dst;
	if ((v4 && o->dst == m->outer.dst) ||
	    (!v4 && (!o->dst6.d[0] || !memcmp(&o->dst6, &m->outer.dst6, 16))))
		return false;
	tunnel_set_src(o, &c->local);
	if (c->local_flow && v4)
		o->src = t->src;
	else if (c->local_flow && !t->src)
		o->src6 = t->src6;
	if (c->local_set && v4 != !!o->src)
		return false;
	o->tun_id = c->out_key_flow ? t->tun_id : c->out_key;
	o->ttl = c->ttl_inherit && is_ip(m) ? m->key.nw_ttl : c->ttl;
	o->tos = c->tos_inherit && is_ip(m) ? m->key.nw_tos & 0xfc : c->tos;
	if (is_ip(m))
		o->tos |= ecn == 3 ? 2 : ecn;
	o->flags = htons((uint16_t)(c->df * FLOW_TNL_F_DF + c->csum * FLOW_TNL_F_CSUM +
				    c->out_key_set * FLOW_TNL_F_KEY));
	o->tp_dst = htons(c->dst_port);
	o->gbp_id = c->gbp ? t->gbp_id : 0;
	o->gbp_flags = c->gbp ? t->gbp_flags : 0;
	return true;
}

static uint32_t length(const struct model *m)
{
	return m->len + 4 * m->n_labels + (m->key.vlans[0].tci ? 4 : 0) +
	       (m->key.vlans[1].tci ? 4 : 0);
}

static void put_out(struct model *m, const struct xl_port *p, const struct flow_tnl *outer,
		    uint32_t max_len)
{
	struct model_output *o = &m->out[m->n_out];

	if (m->metered || !p->up || m->n_out >= MODEL_OUTPUTS)
		return;
	*o = (struct model_output){ .dp_port = p->dp.v,
				    .key = m->key,
				    .outer = *outer,
				    .len = MIN(length(m), max_len),
				    .cut = length(m) > max_len };
	if (m->natted)
		o->key.nw_src = m->nat_src;
	m->n_out++;
}

static void send_to(struct model *m, const struct xl_port *p)
{
	struct flow_tnl outer = { 0 };
	struct buf stack = m->stack;
	struct saved saved;

	if (p->config & XL_PC_NO_FWD)
		return;
	if (p->tunnel && !outer_of(m, p->tunnel, &outer))
		return;
	if (p->dp.v != DP_PORT_NONE) {
		put_out(m, p, &outer, UINT32_MAX);
		return;
	}
	if (!p->peer)
		return;
	if (++m->depth > XLATE_MAX_DEPTH) {
		m->failed = m->exit = true;
		return;
	}
	save(m, &saved);
	buf_init(&m->stack);
	m->br = p->peer->bridge;
	memset(&m->key, 0, offsetof(struct flow_key, in_port));
	forget_connection(m);
	m->key.in_port = htonl(p->peer->ofp.v);
	enter(m);
	buf_done(&m->stack);
	m->stack = stack;
	restore(m, &saved);
	m->depth--;
}

static void send_bundle(struct model *m, const struct xl_bundle *b, const struct vlan_in *in)
{
	struct flow_vlan saved[FLOW_N_VLANS];
	struct vlan_out out;

	if (!vlan_output(&b->vlan, in, &out) ||
	    (!b->ports[0]->up && b->ports[0]->dp.v != DP_PORT_NONE))
		return;
	memcpy(saved, m->key.vlans, sizeof(saved));
	if (in->strip)
		pop_vlan(m);
	if (out.push)
		push_vlan(m, out.tag);
	send_to(m, b->ports[0]);
	memcpy(m->key.vlans, saved, sizeof(saved));
}

static void normal(struct model *m)
{
	const struct xl_port *in = xl_port_by_ofp(m->br, flow_in_ofp(&m->key));
	static const struct vlan_conf any;
	struct vlan_in v;
	uint32_t id;

	if (in && !in->bundle)
		return;
	if (vlan_input(in ? &in->bundle->vlan : &any, m->key.vlans, &v) < 0)
		return;
	id = eth_addr_is_multicast(m->key.dl_dst) ? MAC_NONE
						  : mac_lookup(m->br->macs, v.vid, m->key.dl_dst);
	if (id != MAC_NONE && xl_bundle_by_id(m->br, id)) {
		const struct xl_bundle *to = xl_bundle_by_id(m->br, id);

		if (!in || to != in->bundle)
			send_bundle(m, to, &v);
		return;
	}
	for (size_t i = 0; i < m->br->n_bundles; i++) {
		const struct xl_bundle *b = &m->br->bundles[i];

		if ((!in || b != in->bundle) && vlan_carries(&b->vlan, v.vid, v.cvid))
			send_bundle(m, b, &v);
	}
}

static void output(struct model *m, uint32_t port)
{
	uint32_t in = ntohl(m->key.in_port);
	const struct xl_port *p;

	if (port == OFPP_NORMAL_) {
		normal(m);
	} else if (port == OFPP_FLOOD_ || port == OFPP_ALL_) {
		for (size_t i = 0; i < m->br->n_ports; i++)
			if (m->br->ports[i].ofp.v != in)
				send_to(m, &m->br->ports[i]);
	} else if (port != OFPP_CONTROLLER_ && (port == OFPP_IN_PORT_ || port != in)) {
		p = xl_port_by_ofp(m->br, (struct ofp_port){ port == OFPP_IN_PORT_ ? in : port });
		if (p)
			send_to(m, p);
	}
}

/* --- groups --- */

static void run_set(struct model *m);

static void bucket(struct model *m, const struct group_bucket *b)
{
	struct saved saved;

	save(m, &saved);
	buf_put(&m->set, b->actions.data, b->actions.len);
	run_set(m);
	restore(m, &saved);
}

static bool live(const struct model *m, const struct group_bucket *b)
{
	const struct xl_port *p = xl_port_by_ofp(m->br, b->watch_port);

	return b->watch_port.v == OFPP_NONE_ || (p && p->up);
}

static void group(struct model *m, uint32_t id)
{
	const struct group *g = tables_group(m->br->tables, id);

	if (!g)
		return;
	for (uint32_t i = 0; i < g->n_buckets; i++) {
		if (g->type != OFPGT_ALL_ && g->type != OFPGT_INDIRECT_ && !live(m, &g->buckets[i]))
			continue;
		bucket(m, &g->buckets[i]);
		if (g->type != OFPGT_ALL_)
			return;
	}
}

/* --- fields --- */

static void set_field(struct model *m, const struct field *f, const union field_value *v,
		      const union field_value *mask)
{
	bool had = tagged(m);

	if (f->id >= FIELD_VLAN_TCI && f->id <= FIELD_VLAN_PCP) {
		if (!had && (f->id == FIELD_VLAN_VID || f->id == FIELD_VLAN_PCP))
			return;
		field_write_masked(f, v, mask, &m->key);
		if (f->id != FIELD_VLAN_TCI)
			m->key.vlans[0].tci |= htons(VLAN_CFI);
		if (had && !tagged(m))
			pop_vlan(m);
		else if (!tagged(m))
			m->key.vlans[0].tci = 0;
		else if (!had)
			m->key.vlans[0].tpid = htons(0x8100);
		return;
	}
	if (!field_prereq_ok((enum field_prereq)f->prereq, &m->key))
		return;
	field_write_masked(f, v, mask, &m->key);
	m->labels[0] = m->key.mpls_lse[0];
	if (f->id == FIELD_IPV4_SRC)
		m->nat_src = (m->nat_src & ~mask->be32) | (v->be32 & mask->be32);
}

static void set_number(struct model *m, enum field_id id, uint16_t x)
{
	const struct field *f = field_get(id);
	union field_value v = { .b = { 0 } }, ones;

	if (f->n_bytes == 2)
		v.be16 = htons(x);
	else
		v.b[0] = (uint8_t)x;
	field_ones(f, &ones);
	set_field(m, f, &v, &ones);
}

static void move(struct model *m, const struct ofpact_move *mv)
{
	const struct field *src = field_get((enum field_id)mv->src.field),
			   *dst = field_get((enum field_id)mv->dst.field);
	struct flow_key value, mask;
	union field_value v, w;

	memset(&value, 0, sizeof(value));
	memset(&mask, 0, sizeof(mask));
	for (unsigned i = 0; i < mv->src.n; i++) { /* bit by bit */
		uint64_t bit = field_read_bits(src, &m->key, mv->src.ofs + i, 1);

		field_write_bits(dst, mv->dst.ofs + i, 1, bit, &value);
		field_write_bits(dst, mv->dst.ofs + i, 1, 1, &mask);
	}
	field_read(dst, &value, &v);
	field_read(dst, &mask, &w);
	set_field(m, dst, &v, &w);
}

/* --- tables and lists --- */

struct best {
	const struct flow_key *key;
	struct rule *rule;
};

static bool better(struct rule *r, void *aux)
{
	struct best *b = aux;

	if (minimatch_hits(&r->cr.match, b->key) &&
	    (!b->rule || r->cr.priority > b->rule->cr.priority))
		b->rule = r;
	return true;
}

/* By the addresses that the connection's first packet had. */
static void swap_original(struct flow_key *k)
{
	const struct flow_key was = *k;

	k->nw_proto = was.ct_nw_proto;
	if (flow_is_ipv4(k)) {
		k->nw_src = was.ct_nw_src;
		k->nw_dst = was.ct_nw_dst;
		k->ct_nw_src = was.nw_src;
		k->ct_nw_dst = was.nw_dst;
	} else {
		k->ipv6_src = was.ct_ipv6_src;
		k->ipv6_dst = was.ct_ipv6_dst;
		k->ct_ipv6_src = was.ipv6_src;
		k->ct_ipv6_dst = was.ipv6_dst;
	}
	k->tp_src = was.ct_tp_src;
	k->tp_dst = was.ct_tp_dst;
	k->ct_nw_proto = was.nw_proto;
	k->ct_tp_src = was.tp_src;
	k->ct_tp_dst = was.tp_dst;
}

static void table(struct model *m, uint8_t t, bool original)
{
	struct ofp_flow_stats_request req = { .table = t,
					      .out_port = { OFPP_NONE_ },
					      .out_group = OFPG_ANY_ };
	struct flow_key key = m->key;
	struct best b = { &key, NULL };

	if (++m->lookups > XLATE_MAX_RESUBMITS) {
		m->failed = m->exit = true;
		return;
	}
	if (original)
		swap_original(&key);
	match_init_catchall(&req.match);
	tables_visit(m->br->tables, &req, better, &b);
	if (b.rule)
		do_list(m, rule_actions_get(b.rule), t);
}

static void transport(struct model *m, uint16_t port)
{
	if (!flow_is_ip(&m->key))
		return;
	set_number(m,
		   m->key.nw_proto == 17    ? FIELD_UDP_DST
		   : m->key.nw_proto == 132 ? FIELD_SCTP_DST
					    : FIELD_TCP_DST,
		   port);
}

static void dec_mpls_ttl(struct model *m)
{
	uint16_t ttl = (uint16_t)(ntohl(m->key.mpls_lse[0]) & 0xff);

	if (!flow_is_mpls(&m->key))
		return;
	if (ttl > 1)
		set_number(m, FIELD_MPLS_TTL, ttl - 1);
	else
		m->stop = true;
}

static void resubmit(struct model *m, const struct ofpact_resubmit *r)
{
	if (!r->ct || (field_prereq_ok(FIELD_PRE_CT, &m->key) && flow_is_ip(&m->key)))
		table(m, r->table, r->ct);
}

static void do_clone(struct model *m, const struct ofpact *a, uint8_t t)
{
	struct saved saved;
	struct buf stack;
	bool exits;

	save(m, &saved);
	copy_buf(&m->set, &saved.set);
	copy_buf(&stack, &m->stack);
	do_list(m, ofpact_nested(a), t);
	exits = m->exit;
	if (exits && m->n_passes) /* another pass cannot end this one */
		m->unknown = true;
	buf_done(&m->stack);
	m->stack = stack;
	restore(m, &saved);
	m->exit |= exits;
}

static void output_trunc(struct model *m, const struct ofpact_output_trunc *t)
{
	const struct xl_port *p = xl_port_by_ofp(m->br, t->port);
	struct flow_tnl outer = { 0 };

	if (p && p->tunnel && !outer_of(m, p->tunnel, &outer))
		return;
	if (p && p->dp.v != DP_PORT_NONE && t->port.v != ntohl(m->key.in_port))
		put_out(m, p, &outer, t->max_len);
}

static void push(struct model *m, const struct ofpact_bits *b)
{
	const struct field *f = field_get((enum field_id)b->field);
	union field_value v = { .b = { 0 } };

	for (unsigned i = 0; i < b->n; i++)
		field_value_set_bits(&v, 16, i, 1, field_read_bits(f, &m->key, b->ofs + i, 1));
	buf_put(&m->stack, &v, sizeof(v));
}

static void pop(struct model *m, const struct ofpact_bits *b)
{
	const struct field *f = field_get((enum field_id)b->field);
	union field_value top, v = { .b = { 0 } }, mask = { .b = { 0 } };

	if (!m->stack.len) {
		m->failed = m->exit = true;
		return;
	}
	m->stack.len -= sizeof(top);
	memcpy(&top, m->stack.data + m->stack.len, sizeof(top));
	for (unsigned i = 0; i < b->n; i++) {
		field_value_set_bits(&v, f->n_bytes, b->ofs + i, 1,
				     field_value_get_bits(&top, 16, i, 1));
		field_value_set_bits(&mask, f->n_bytes, b->ofs + i, 1, 1);
	}
	set_field(m, f, &v, &mask);
}

static void check_len(struct model *m, const struct ofpact_check_len *k)
{
	const struct field *f = field_get((enum field_id)k->dst.field);
	union field_value v = { .b = { 0 } }, mask = { .b = { 0 } };

	field_value_set_bits(&v, f->n_bytes, k->dst.ofs, 1, length(m) > k->len);
	field_value_set_bits(&mask, f->n_bytes, k->dst.ofs, 1, 1);
	m->n_passes++; /* which looks at the packet */
	if (m->natted)
		m->key.nw_src = m->nat_src;
	m->natted = false;
	set_field(m, f, &v, &mask);
}

/* The tracked copy, in a table of its own; and the translated packet, for both. */
static void ct(struct model *m, const struct ofpact *a)
{
	const struct ofpact_ct *c = ofpact_payload(a);
	struct act_ct act = { .zone = c->zone };
	const struct ofpact *n;
	struct flow_key key;
	struct saved saved;

	if (c->zone_src.n)
		act.zone = (uint16_t)field_read_bits(field_get((enum field_id)c->zone_src.field),
						     &m->key, c->zone_src.ofs, 16);
	OFPACT_FOR_EACH (n, ofpact_nested(a)) {
		const struct ofpact_nat *nat = ofpact_payload(n);
		const struct ofpact_set_field *s = ofpact_payload(n);

		if (n->kind == OFPACT_NAT) {
			act.flags |= ACT_CT_NAT_SRC;
			act.nat_min = nat->addr_min;
		} else {
			act.mark = ntohl(s->value.be32);
			act.mark_mask = ntohl(s->mask.be32);
		}
	}
	key = m->key;
	if (m->natted)
		key.nw_src = m->nat_src;
	key.ct_mark = 0;
	world_track(&key, &act, NULL);
	m->nat_src = key.nw_src;
	m->natted = flow_is_ipv4(&key);
	if (c->table != OFPACT_CT_NO_TABLE) {
		struct buf stack;

		save(m, &saved);
		copy_buf(&m->set, &saved.set);
		copy_buf(&stack, &m->stack);
		m->key = key;
		m->natted = false;
		table(m, c->table, false);
		run_set(m);
		buf_done(&m->stack);
		m->stack = stack;
		restore(m, &saved);
	}
	forget_connection(m);
}

static void meter(struct model *m, uint32_t id)
{
	const struct meter *mt = tables_meter(m->br->tables, id);

	if (mt && !world_meter_passes(mt->dp_id))
		m->metered = m->dropped = true;
}

static void do_one(struct model *m, const struct ofpact *a, uint8_t t)
{
	const void *p = ofpact_payload(a);
	const struct ofpact_set_field *s = p;

	switch ((enum ofpact_kind)a->kind) {
	case OFPACT_OUTPUT: output(m, ((const struct ofpact_output *)p)->port.v); break;
	case OFPACT_GROUP: group(m, ((const struct ofpact_group *)p)->id); break;
	case OFPACT_SET_FIELD:
		set_field(m, field_get((enum field_id)s->field), &s->value, &s->mask);
		break;
	case OFPACT_MOVE: move(m, p); break;
	case OFPACT_SET_VLAN_VID:
		set_number(m, FIELD_DL_VLAN, ((const struct ofpact_u16 *)p)->v);
		break;
	case OFPACT_STRIP_VLAN: pop_vlan(m); break;
	case OFPACT_PUSH_VLAN:
		if (m->key.vlans[1].tci)
			m->exit = true;
		else
			push_vlan(m, (struct flow_vlan){ ((const struct ofpact_ethertype *)p)->v,
							 m->key.vlans[0].tci | htons(VLAN_CFI) });
		break;
	case OFPACT_SET_L4_DST: transport(m, ((const struct ofpact_u16 *)p)->v); break;
	case OFPACT_DEC_TTL:
		if (flow_is_ip(&m->key) && m->key.nw_ttl > 1)
			m->key.nw_ttl--;
		else if (flow_is_ip(&m->key))
			m->stop = true;
		break;
	case OFPACT_PUSH_MPLS: model_push_mpls(m, ((const struct ofpact_ethertype *)p)->v); break;
	case OFPACT_POP_MPLS: model_pop_mpls(m, ((const struct ofpact_ethertype *)p)->v); break;
	case OFPACT_SET_MPLS_TTL:
		set_number(m, FIELD_MPLS_TTL, ((const struct ofpact_u16 *)p)->v);
		break;
	case OFPACT_DEC_MPLS_TTL: dec_mpls_ttl(m); break;
	case OFPACT_RESUBMIT: resubmit(m, p); break;
	case OFPACT_WRITE_ACTIONS: buf_put(&m->set, p, a->len); break;
	case OFPACT_WRITE_METADATA:
		m->key.metadata = ((const struct ofpact_metadata *)p)->value;
		break;
	case OFPACT_GOTO_TABLE: table(m, ((const struct ofpact_u8 *)p)->v, false); break;
	case OFPACT_METER: meter(m, ((const struct ofpact_u32 *)p)->v); break;
	case OFPACT_CT: ct(m, a); break;
	case OFPACT_CT_CLEAR: forget_connection(m); break;
	case OFPACT_CLONE: do_clone(m, a, t); break;
	case OFPACT_OUTPUT_TRUNC: output_trunc(m, p); break;
	case OFPACT_PUSH: push(m, p); break;
	case OFPACT_POP: pop(m, p); break;
	case OFPACT_CHECK_PKT_LARGER: check_len(m, p); break;
	default: break; /* the plain world makes nothing else */
	}
}

static void do_list(struct model *m, struct ofpacts l, uint8_t t)
{
	const struct ofpact *a;

	OFPACT_FOR_EACH (a, l) {
		if (!m->exit && !m->stop)
			do_one(m, a, t);
	}
	m->stop = false;
}

static bool is_change(uint16_t kind)
{
	return kind == OFPACT_MOVE || kind == OFPACT_SET_FIELD || kind == OFPACT_SET_VLAN_VID ||
	       kind == OFPACT_SET_L4_DST || kind == OFPACT_SET_MPLS_TTL;
}

static void put(struct buf *list, const struct ofpact *a)
{
	buf_put(list, a, sizeof(*a) + ROUND_UP((size_t)a->len, 8));
}

/* The last of a kind; all changes of fields where `kind` is one of those. */
static bool put_kind(struct buf *list, struct ofpacts set, enum ofpact_kind kind)
{
	const struct ofpact *a, *last = NULL;

	OFPACT_FOR_EACH (a, set) {
		if (is_change((uint16_t)kind) && is_change(a->kind))
			put(list, a);
		else if (a->kind == kind)
			last = a;
	}
	if (last && !is_change((uint16_t)kind))
		put(list, last);
	return last;
}

static void run_set(struct model *m)
{
	static const enum ofpact_kind order[] = {
		OFPACT_STRIP_VLAN, OFPACT_POP_MPLS,     OFPACT_PUSH_MPLS, OFPACT_PUSH_VLAN,
		OFPACT_DEC_TTL,    OFPACT_DEC_MPLS_TTL, OFPACT_SET_FIELD,
	};
	struct buf mine = m->set, list = BUF_INIT;
	bool exit = m->exit;

	buf_init(&m->set);
	m->exit = m->failed || m->unknown;
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		put_kind(&list, ofpacts_of(&mine), order[i]);
	if (!put_kind(&list, ofpacts_of(&mine), OFPACT_GROUP))
		put_kind(&list, ofpacts_of(&mine), OFPACT_OUTPUT);
	do_list(m, ofpacts_of(&list), UINT8_MAX);
	m->exit = exit;
	buf_done(&list);
	buf_done(&mine);
}

static void enter(struct model *m)
{
	bool exit = m->exit;

	m->exit = false;
	table(m, 0, false);
	run_set(m);
	m->exit = exit || m->failed;
}

static bool comes_by(const struct xl_port *p, const struct flow_key *key)
{
	const struct tunnel_conf *c = p->tunnel;
	struct be128 src = tunnel_src(&key->tunnel), dst = tunnel_dst(&key->tunnel);

	if (p->dp.v != ntohl(key->in_port) || !c)
		return p->dp.v == ntohl(key->in_port);
	return (c->in_key_flow || c->in_key == key->tunnel.tun_id) &&
	       (c->remote_flow || !memcmp(&c->remote, &src, sizeof(src))) &&
	       (!c->local_set || !memcmp(&c->local, &dst, sizeof(dst)));
}

static unsigned specific(const struct xl_port *p)
{
	return p->tunnel ? !p->tunnel->in_key_flow * 8u + !p->tunnel->remote_flow * 4u +
				   p->tunnel->local_set * 2u
			 : 0;
}

static const struct xl_port *input_port(const struct xl_snapshot *s, const struct flow_key *key)
{
	const struct xl_port *best = NULL;

	for (size_t b = 0; b < s->n_bridges; b++) {
		for (size_t i = 0; i < s->bridges[b].n_ports; i++) {
			const struct xl_port *p = &s->bridges[b].ports[i];

			if (comes_by(p, key) && (!best || specific(p) > specific(best)))
				best = p;
		}
	}
	return best;
}

void model_run(struct model *m, const struct xl_snapshot *snap, const struct flow_key *key,
	       const struct packet *p)
{
	static struct model_output out[MODEL_OUTPUTS];
	const struct xl_port *in = input_port(snap, key);

	memset(m, 0, sizeof(*m));
	m->out = out;
	if (!in)
		return;
	m->key = *key;
	m->outer = key->tunnel;
	m->key.tunnel.flags &= htons(FLOW_TNL_F_OAM);
	if (in->tunnel && (key->tunnel.tos & 3) == 3 && is_ip(m)) {
		if (!(key->nw_tos & 3))
			return;
		m->key.nw_tos |= 3;
	}
	model_read_labels(m, p);
	m->len = p->len - length(m);
	m->br = in->bridge;
	m->key.in_port = htonl(in->ofp.v);
	enter(m);
	buf_done(&m->set);
	buf_done(&m->stack);
	if (m->failed)
		m->n_out = 0;
}
