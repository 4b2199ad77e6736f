/* SPDX-License-Identifier: Apache-2.0 */
/* Doing OpenFlow actions and instructions: one function per kind, one row each. */
#include <string.h>

#include "ofproto/text/ofpact_text.h"

#include "ofproto/xlate/xlate_priv.h"

typedef void do_fn(struct xl *x, const struct ofpact *a);

static uint8_t first_byte(const union field_value *v)
{
	return v->b[0];
}

/* --- VLAN --- */

void xl_pop_vlan(struct xl *x)
{
	struct flow_vlan *v = x->f.flow.vlans;

	xl_know_vlans(x);
	memmove(&v[0], &v[1], sizeof(v[0]) * (FLOW_N_VLANS - 1));
	memset(&v[FLOW_N_VLANS - 1], 0, sizeof(v[0]));
}

bool xl_push_vlan(struct xl *x, be16 tpid, be16 tci)
{
	struct flow_vlan *v = x->f.flow.vlans;

	xl_know_vlans(x);
	if (v[FLOW_N_VLANS - 1].tci & htons(VLAN_CFI)) {
		xl_note(x, "more than %d VLAN tags: drop", FLOW_N_VLANS);
		x->exit = true;
		return false;
	}
	memmove(&v[1], &v[0], sizeof(v[0]) * (FLOW_N_VLANS - 1));
	v[0].tpid = tpid;
	v[0].tci = tci | htons(VLAN_CFI);
	return true;
}

static bool is_vlan_field(enum field_id id)
{
	return id >= FIELD_VLAN_TCI && id <= FIELD_VLAN_PCP;
}

/* A write to the outer tag may add it (the tag-present bit goes on) or take it off (NXM_OF_VLAN_TCI
 * := 0). */
static void set_vlan_field(struct xl *x, const struct field *f, const union field_value *v,
			   const union field_value *mask)
{
	struct flow_vlan *outer = &x->f.flow.vlans[0];
	bool had;

	xl_know_vlans(x);
	had = outer->tci & htons(VLAN_CFI);
	if (!had && f->id != FIELD_VLAN_TCI && f->id != FIELD_DL_VLAN && f->id != FIELD_DL_VLAN_PCP)
		return;
	field_write_masked(f, v, mask, &x->f.flow);
	if (f->id != FIELD_VLAN_TCI)
		outer->tci |= htons(VLAN_CFI);
	if (!had && outer->tci & htons(VLAN_CFI))
		outer->tpid = htons(0x8100);
	else if (had && !(outer->tci & htons(VLAN_CFI)))
		xl_pop_vlan(x);
	else if (!(outer->tci & htons(VLAN_CFI)))
		outer->tci = 0;
}

/* --- fields --- */

void xl_set_field(struct xl *x, const struct field *f, const union field_value *v,
		  const union field_value *mask)
{
	if (is_vlan_field(f->id)) {
		set_vlan_field(x, f, v, mask);
		return;
	}
	if (f->prereq != FIELD_PRE_NONE) {
		xl_look_prereq(x, (enum field_prereq)f->prereq);
		if (!field_prereq_ok((enum field_prereq)f->prereq, &x->f.flow))
			return;
	}
	field_write_masked(f, v, mask, &x->f.flow);
	field_write_masked(f, mask, mask, &x->f.written);
	field_write_masked(f, mask, mask, &x->f.pending);
}

static void do_set_field(struct xl *x, const struct ofpact *a)
{
	const struct ofpact_set_field *s = ofpact_payload(a);

	xl_set_field(x, field_get((enum field_id)s->field), &s->value, &s->mask);
}

void xl_look_bits(struct xl *x, const struct ofpact_bits *b)
{
	const struct field *f = field_get((enum field_id)b->field);
	struct flow_key m;

	memset(&m, 0, sizeof(m));
	for (unsigned done = 0; done < b->n;) {
		unsigned n = MIN(b->n - done, 64u);

		field_write_bits(f, b->ofs + done, n, UINT64_MAX, &m);
		done += n;
	}
	if (f->prereq != FIELD_PRE_NONE)
		xl_look_prereq(x, (enum field_prereq)f->prereq);
	xl_look_mask(x, &m);
}

static void do_move(struct xl *x, const struct ofpact *a)
{
	const struct ofpact_move *m = ofpact_payload(a);
	const struct field *src = field_get((enum field_id)m->src.field);
	const struct field *dst = field_get((enum field_id)m->dst.field);
	struct flow_key value, mask;
	union field_value v, w;

	xl_look_bits(x, &m->src);
	memset(&value, 0, sizeof(value));
	memset(&mask, 0, sizeof(mask));
	for (unsigned done = 0; done < m->src.n;) {
		unsigned n = MIN(m->src.n - done, 64u);
		uint64_t bits = field_read_bits(src, &x->f.flow, m->src.ofs + done, n);

		field_write_bits(dst, m->dst.ofs + done, n, bits, &value);
		field_write_bits(dst, m->dst.ofs + done, n, UINT64_MAX, &mask);
		done += n;
	}
	field_read(dst, &value, &v);
	field_read(dst, &mask, &w);
	xl_set_field(x, dst, &v, &w);
}

static void set_u16(struct xl *x, enum field_id id, uint16_t value)
{
	const struct field *f = field_get(id);
	union field_value v, mask;

	memset(&v, 0, sizeof(v));
	if (f->n_bytes == 2)
		v.be16 = htons(value);
	else
		v.b[0] = (uint8_t)value;
	field_ones(f, &mask);
	xl_set_field(x, f, &v, &mask);
}

static void do_set_vlan_vid(struct xl *x, const struct ofpact *a)
{
	set_u16(x, FIELD_DL_VLAN, ((const struct ofpact_u16 *)ofpact_payload(a))->v);
}

static void do_set_vlan_pcp(struct xl *x, const struct ofpact *a)
{
	set_u16(x, FIELD_DL_VLAN_PCP, ((const struct ofpact_u16 *)ofpact_payload(a))->v);
}

static void do_strip_vlan(struct xl *x, const struct ofpact *a)
{
	xl_pop_vlan(x);
}

static void do_push_vlan(struct xl *x, const struct ofpact *a)
{
	const struct ofpact_ethertype *e = ofpact_payload(a);
	be16 tci;

	xl_know_vlans(x);
	tci = x->f.flow.vlans[0]
		      .tci; /* a new tag copies the outer one (OpenFlow 1.3.5 section 5.12.1) */
	(void)xl_push_vlan(x, e->v, tci);
}

/* mod_tp_src/dst of OpenFlow 1.0: whatever transport the packet has. */
static void set_l4(struct xl *x, const struct ofpact *a, enum field_id tcp, enum field_id udp,
		   enum field_id sctp)
{
	uint16_t port = ((const struct ofpact_u16 *)ofpact_payload(a))->v;

	xl_look(x, FIELD_ETH_TYPE);
	if (!flow_is_ip(&x->f.flow))
		return;
	xl_look(x, FIELD_IP_PROTO);
	set_u16(x, x->f.flow.nw_proto == 17 ? udp : x->f.flow.nw_proto == 132 ? sctp : tcp, port);
}

static void do_set_l4_src(struct xl *x, const struct ofpact *a)
{
	set_l4(x, a, FIELD_TCP_SRC, FIELD_UDP_SRC, FIELD_SCTP_SRC);
}

static void do_set_l4_dst(struct xl *x, const struct ofpact *a)
{
	set_l4(x, a, FIELD_TCP_DST, FIELD_UDP_DST, FIELD_SCTP_DST);
}

static void do_push_mpls(struct xl *x, const struct ofpact *a)
{
	xl_push_mpls(x, ((const struct ofpact_ethertype *)ofpact_payload(a))->v);
}

static void do_pop_mpls(struct xl *x, const struct ofpact *a)
{
	xl_pop_mpls(x, ((const struct ofpact_ethertype *)ofpact_payload(a))->v);
}

static void do_dec_ttl(struct xl *x, const struct ofpact *a)
{
	const struct ofpact_dec_ttl *d = ofpact_payload(a);

	xl_look(x, FIELD_ETH_TYPE);
	if (!flow_is_ip(&x->f.flow))
		return;
	xl_look(x, FIELD_IP_TTL);
	if (x->f.flow.nw_ttl > 1) {
		set_u16(x, FIELD_IP_TTL, x->f.flow.nw_ttl - 1);
		return;
	}
	xl_note(x, "TTL expired: to the controllers");
	for (unsigned i = 0; i < MAX(d->n, 1); i++)
		xl_controller(x, UINT16_MAX, d->n ? d->ids[i] : 0, OFPR_INVALID_TTL_, false);
	x->stop = true;
}

static void do_set_ttl(struct xl *x, const struct ofpact *a)
{
	set_u16(x, FIELD_IP_TTL, ((const struct ofpact_u16 *)ofpact_payload(a))->v);
}

static void do_dec_mpls_ttl(struct xl *x, const struct ofpact *a)
{
	union field_value ttl;

	xl_look(x, FIELD_ETH_TYPE);
	if (!flow_is_mpls(&x->f.flow))
		return;
	xl_look(x, FIELD_MPLS_TTL);
	field_read(field_get(FIELD_MPLS_TTL), &x->f.flow, &ttl);
	if (first_byte(&ttl) > 1) {
		set_u16(x, FIELD_MPLS_TTL, (uint16_t)(first_byte(&ttl) - 1));
		return;
	}
	xl_note(x, "MPLS TTL expired: to the controllers");
	xl_controller(x, UINT16_MAX, 0, OFPR_INVALID_TTL_, false);
	x->stop = true;
}

static void do_set_mpls_ttl(struct xl *x, const struct ofpact *a)
{
	set_u16(x, FIELD_MPLS_TTL, ((const struct ofpact_u16 *)ofpact_payload(a))->v);
}

/* --- where to --- */

static void do_output(struct xl *x, const struct ofpact *a)
{
	const struct ofpact_output *o = ofpact_payload(a);

	xl_output(x, o->port, o->max_len);
}

static void do_controller(struct xl *x, const struct ofpact *a)
{
	const struct ofpact_controller *c = ofpact_payload(a);

	xl_controller(x, c->max_len, c->controller_id, c->reason, false);
}

static void do_output_reg(struct xl *x, const struct ofpact *a)
{
	const struct ofpact_output_reg *o = ofpact_payload(a);
	uint64_t port;

	xl_look_bits(x, &o->src);
	port = field_read_bits(field_get((enum field_id)o->src.field), &x->f.flow, o->src.ofs,
			       MIN(o->src.n, 64));
	if (o->src.n <= 16 && port >= 0xff00)
		port |= 0xffff0000u;
	if (port <= UINT32_MAX)
		xl_output(x, (struct ofp_port){ (uint32_t)port }, o->max_len);
}

static void do_enqueue(struct xl *x, const struct ofpact *a)
{
	const struct ofpact_enqueue *e = ofpact_payload(a);

	xl_output(x, e->port, 0);
}

static void do_group(struct xl *x, const struct ofpact *a)
{
	xl_group(x, ((const struct ofpact_group *)ofpact_payload(a))->id);
}

/* The key has the addresses that the connection's first packet had. */
static bool is_tracked(struct xl *x)
{
	xl_look_prereq(x, FIELD_PRE_CT);
	xl_look(x, FIELD_ETH_TYPE);
	return field_prereq_ok(FIELD_PRE_CT, &x->f.flow) && flow_is_ip(&x->f.flow);
}

static void do_resubmit(struct xl *x, const struct ofpact *a)
{
	const struct ofpact_resubmit *r = ofpact_payload(a);

	if (r->ct && !is_tracked(x)) {
		xl_note(x, "the packet belongs to no connection: not looked up");
		return;
	}
	xl_table(x, &(struct xl_lookup){ .table = r->table == 255 ? x->origin.table : r->table,
					 .miss = XL_MISS_NOTHING,
					 .original = r->ct,
					 .in_port = r->in_port });
}

static void do_learn(struct xl *x, const struct ofpact *a)
{
	xl_learn(x, ofpact_payload(a));
}

static void do_ct_clear(struct xl *x, const struct ofpact *a)
{
	xl_ct_clear(x);
}

static void do_output_trunc(struct xl *x, const struct ofpact *a)
{
	const struct ofpact_output_trunc *t = ofpact_payload(a);

	xl_output_trunc(x, t->port, t->max_len);
}

/* The rule that the action is in, when TCP ends. */
static void do_fin_timeout(struct xl *x, const struct ofpact *a)
{
	const struct ofpact_fin_timeout *t = ofpact_payload(a);
	struct effect *e;

	xl_look_prereq(x, FIELD_PRE_TCP);
	if (!field_prereq_ok(FIELD_PRE_TCP, &x->f.flow) || !x->origin.rule)
		return;
	e = effects_add(&x->out->effects, EFFECT_FIN);
	e->fin.rule = rule_ref(x->origin.rule);
	e->fin.idle = t->idle;
	e->fin.hard = t->hard;
}

static void do_exit(struct xl *x, const struct ofpact *a)
{
	x->exit = true;
}

static void do_nothing(struct xl *x, const struct ofpact *a)
{
}

/* --- instructions --- */

static void do_clear_actions(struct xl *x, const struct ofpact *a)
{
	buf_clear(&x->f.action_set);
}

static void do_write_actions(struct xl *x, const struct ofpact *a)
{
	struct ofpacts l = ofpact_nested(a);

	buf_put(&x->f.action_set, l.data, l.len);
}

static void do_write_metadata(struct xl *x, const struct ofpact *a)
{
	const struct ofpact_metadata *m = ofpact_payload(a);
	union field_value v = { .be64 = m->value }, mask = { .be64 = m->mask };

	xl_set_field(x, field_get(FIELD_METADATA), &v, &mask);
}

/* What the meter lets through goes on; nothing takes the metering back. */
static void do_meter(struct xl *x, const struct ofpact *a)
{
	uint32_t id = ((const struct ofpact_u32 *)ofpact_payload(a))->v;
	const struct meter *m = tables_meter(x->f.br->tables, id);
	struct act_meter act;

	if (!m) { /* it is going, and this rule with it */
		xl_note(x, "meter %u does not exist", id);
		return;
	}
	if (!xl_can(x, DP_ACT_METER))
		return;
	act.id = m->dp_id;
	dp_actions_put(&x->out->actions, DP_ACT_METER, &act, sizeof(act));
	x->lasting = true;
}

static void do_goto_table(struct xl *x, const struct ofpact *a)
{
	/* The nested table's text stands beside, not below, the table that leads there. */
	x->indent--;
	xl_table(x, &(struct xl_lookup){ .table = ((const struct ofpact_u8 *)ofpact_payload(a))->v,
					 .miss = XL_MISS_CONTROLLER,
					 .in_port = { OFPP_IN_PORT_ } });
	x->indent++;
}

static do_fn *const do_table[OFPACT_N_KINDS] = {
	[OFPACT_OUTPUT] = do_output,
	[OFPACT_CONTROLLER] = do_controller,
	[OFPACT_OUTPUT_REG] = do_output_reg,
	[OFPACT_ENQUEUE] = do_enqueue,
	[OFPACT_GROUP] = do_group,
	[OFPACT_SET_FIELD] = do_set_field,
	[OFPACT_MOVE] = do_move,
	[OFPACT_SET_VLAN_VID] = do_set_vlan_vid,
	[OFPACT_SET_VLAN_PCP] = do_set_vlan_pcp,
	[OFPACT_STRIP_VLAN] = do_strip_vlan,
	[OFPACT_PUSH_VLAN] = do_push_vlan,
	[OFPACT_SET_L4_SRC] = do_set_l4_src,
	[OFPACT_SET_L4_DST] = do_set_l4_dst,
	[OFPACT_PUSH_MPLS] = do_push_mpls,
	[OFPACT_POP_MPLS] = do_pop_mpls,
	[OFPACT_DEC_TTL] = do_dec_ttl,
	[OFPACT_SET_TTL] = do_set_ttl,
	[OFPACT_DEC_MPLS_TTL] = do_dec_mpls_ttl,
	[OFPACT_SET_MPLS_TTL] = do_set_mpls_ttl,
	[OFPACT_SET_QUEUE] = do_nothing, /* queues need QoS, which no port offers yet */
	[OFPACT_POP_QUEUE] = do_nothing,
	[OFPACT_RESUBMIT] = do_resubmit,
	[OFPACT_LEARN] = do_learn,
	[OFPACT_NOTE] = do_nothing,
	[OFPACT_EXIT] = do_exit,
	[OFPACT_CT] = xl_ct,
	[OFPACT_NAT] = do_nothing, /* its ct reads it */
	[OFPACT_CT_CLEAR] = do_ct_clear,
	[OFPACT_CLONE] = xl_clone,
	[OFPACT_OUTPUT_TRUNC] = do_output_trunc,
	[OFPACT_PUSH] = xl_push,
	[OFPACT_POP] = xl_pop,
	[OFPACT_CHECK_PKT_LARGER] = xl_check_len,
	[OFPACT_SAMPLE] = do_nothing,      /* no collectors can be configured yet */
	[OFPACT_CONJUNCTION] = do_nothing, /* the lookup's business: such a rule is never hit */
	[OFPACT_FIN_TIMEOUT] = do_fin_timeout,
	[OFPACT_METER] = do_meter,
	[OFPACT_CLEAR_ACTIONS] = do_clear_actions,
	[OFPACT_WRITE_ACTIONS] = do_write_actions,
	[OFPACT_WRITE_METADATA] = do_write_metadata,
	[OFPACT_GOTO_TABLE] = do_goto_table,
};

void xl_action(struct xl *x, const struct ofpact *a)
{
	do_table[a->kind](x, a);
}

static void note_action(struct xl *x, const struct ofpact *a)
{
	struct str s = STR_INIT;

	if (!x->in->notes)
		return;
	ofpacts_format((struct ofpacts){ a, (uint32_t)(sizeof(*a) + ROUND_UP((size_t)a->len, 8)) },
		       NULL, &s);
	xl_note(x, "%s", str_cstr(&s));
	str_done(&s);
}

/* What may be done behind a popped MPLS stack without knowing what came up; the rest waits for the
 * packet to be parsed again. */
static bool needs_parsing(const struct ofpact *a)
{
	static const bool blind[OFPACT_N_KINDS] = {
		[OFPACT_OUTPUT] = true,        [OFPACT_CONTROLLER] = true,
		[OFPACT_ENQUEUE] = true,       [OFPACT_SET_VLAN_VID] = true,
		[OFPACT_SET_VLAN_PCP] = true,  [OFPACT_STRIP_VLAN] = true,
		[OFPACT_PUSH_VLAN] = true,     [OFPACT_SET_QUEUE] = true,
		[OFPACT_POP_QUEUE] = true,     [OFPACT_NOTE] = true,
		[OFPACT_EXIT] = true,          [OFPACT_CLEAR_ACTIONS] = true,
		[OFPACT_WRITE_ACTIONS] = true, [OFPACT_WRITE_METADATA] = true,
		[OFPACT_CLONE] = true,
	};
	const struct ofpact_set_field *s = ofpact_payload(a);

	if (a->kind == OFPACT_SET_FIELD)
		return field_get((enum field_id)s->field)->ofs >=
		       offsetof(struct flow_key, mpls_lse);
	return !blind[a->kind];
}

static struct ofpacts list_from(struct ofpacts acts, const struct ofpact *a)
{
	size_t skip = a ? (size_t)((const uint8_t *)a - (const uint8_t *)acts.data) : acts.len;

	return (struct ofpacts){ a, acts.len - (uint32_t)skip };
}

void xl_actions(struct xl *x, struct ofpacts acts)
{
	struct xl_cont c = { .outer = x->cont, .kind = XL_CONT_ACTIONS, .origin = x->origin };
	const struct ofpact *a;

	x->cont = &c;
	x->stop = false;
	OFPACT_FOR_EACH (a, acts) {
		if (x->exit || x->stop)
			break;
		if (x->f.behind_mpls && needs_parsing(a)) {
			c.rest = list_from(acts, a);
			xl_freeze(x, &c);
			break;
		}
		c.rest = list_from(acts, ofpact_next(acts, a));
		note_action(x, a);
		xl_action(x, a);
	}
	x->stop = false; /* the lists around it go on */
	x->cont = c.outer;
}

/* --- the action set: ovs-actions(7), "Action Sets", fixes the order; all changes of fields are one
 * step, done as they were written --- */

static const enum ofpact_kind structure[] = {
	OFPACT_STRIP_VLAN, OFPACT_POP_MPLS, OFPACT_PUSH_MPLS,
	OFPACT_PUSH_VLAN,  OFPACT_DEC_TTL,  OFPACT_DEC_MPLS_TTL,
};
static const enum ofpact_kind outputs[] = { OFPACT_GROUP,    OFPACT_OUTPUT,   OFPACT_CONTROLLER,
					    OFPACT_RESUBMIT, OFPACT_CT_CLEAR, OFPACT_CT };

static bool changes_field(uint16_t kind)
{
	static const bool yes[OFPACT_N_KINDS] = {
		[OFPACT_SET_FIELD] = true,    [OFPACT_MOVE] = true,
		[OFPACT_SET_VLAN_VID] = true, [OFPACT_SET_VLAN_PCP] = true,
		[OFPACT_SET_L4_SRC] = true,   [OFPACT_SET_L4_DST] = true,
		[OFPACT_SET_TTL] = true,      [OFPACT_SET_MPLS_TTL] = true,
	};

	return yes[kind];
}

static void copy_one(struct buf *list, const struct ofpact *a)
{
	buf_put(list, a, sizeof(*a) + ROUND_UP((size_t)a->len, 8));
}

/* The last one of a kind counts. */
static bool copy_last(struct buf *list, struct ofpacts set, enum ofpact_kind kind)
{
	const struct ofpact *a, *last = NULL;

	OFPACT_FOR_EACH (a, set) {
		if (a->kind == kind)
			last = a;
	}
	if (last)
		copy_one(list, last);
	return last;
}

static void order_set(struct ofpacts set, struct buf *list)
{
	const struct ofpact *a;

	for (size_t i = 0; i < ARRAY_SIZE(structure); i++)
		(void)copy_last(list, set, structure[i]); /* most are not there */
	OFPACT_FOR_EACH (a, set) {
		if (changes_field(a->kind))
			copy_one(list, a);
	}
	(void)copy_last(list, set, OFPACT_SET_QUEUE);
	for (size_t i = 0; i < ARRAY_SIZE(outputs); i++)
		if (copy_last(list, set, outputs[i]))
			return;
}

void xl_run_action_set(struct xl *x)
{
	struct buf mine = x->f.action_set, list = BUF_INIT;
	bool exit = x->exit;

	if (!mine.len)
		return;
	buf_init(&x->f.action_set);
	x->exit = x->out->error != XLATE_OK;
	xl_note(x, "--. Executing action set:");
	x->indent++;
	order_set(ofpacts_of(&mine), &list);
	xl_actions(x, ofpacts_of(&list));
	x->indent--;
	x->exit = exit;
	buf_done(&list);
	buf_done(&mine);
}
