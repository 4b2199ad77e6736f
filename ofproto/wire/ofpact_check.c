/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a list fits the flow that it belongs to: what each action needs must be guaranteed by the
 * match and by the actions before it (OpenFlow 1.3.5 sections 5.9 and 7.2.4; ovs-actions(7),
 * "Inconsistencies"). */
#include <sys/socket.h>

#include "ofproto/wire/ofpact_codec_impl.h"

/* The walk: what is known of the packet at this point of the list. */
struct walk {
	const struct ofpacts_check *c;
	struct match m;
	bool known;  /* there is a match */
	bool strict; /* setters need the match that their field needs */
};

static bool matched(const struct walk *w, enum field_prereq p)
{
	return !w->known || field_prereq_matched(p, &w->m.key, &w->m.mask);
}

static enum ofperr need(const struct walk *w, enum field_prereq p)
{
	return matched(w, p) || !w->strict ? OFPERR_OK : OFPERR_MATCH_INCONSISTENT;
}

/* The fields of a move, a load and a learn need their match in every version. */
static enum ofperr check_bits(const struct walk *w, const struct ofpact_bits *b, bool write)
{
	const struct field *f = field_get((enum field_id)b->field);

	if (write && !f->writable)
		return OFPERR_BAD_SET_ARGUMENT;
	return matched(w, (enum field_prereq)f->prereq) ? OFPERR_OK : OFPERR_MATCH_INCONSISTENT;
}

static enum ofperr check_port(const struct walk *w, struct ofp_port port)
{
	if (port.v >= OFPP_IN_PORT_)
		return port.v == OFPP_NONE_ ? OFPERR_BAD_OUT_PORT : OFPERR_OK;
	return port.v < w->c->max_ports ? OFPERR_OK : OFPERR_BAD_OUT_PORT;
}

static void know_vlan(struct walk *w, bool present)
{
	w->m.key.vlans[0].tci = present ? htons(VLAN_CFI) : 0;
	w->m.mask.vlans[0].tci = present ? htons(VLAN_CFI) : 0;
}

/* A new Ethernet type hides what is behind it. */
static void know_type(struct walk *w, be16 type)
{
	w->m.key.dl_type = type;
	w->m.mask.dl_type = 0xffff;
	w->m.key.nw_proto = w->m.mask.nw_proto = 0;
}

static enum ofperr check_output(struct walk *w, const struct ofpact *a)
{
	return check_port(w, ((const struct ofpact_output *)ofpact_payload(a))->port);
}

static enum ofperr check_output_reg(struct walk *w, const struct ofpact *a)
{
	return check_bits(w, &((const struct ofpact_output_reg *)ofpact_payload(a))->src, false);
}

static enum ofperr check_enqueue(struct walk *w, const struct ofpact *a)
{
	return check_port(w, ((const struct ofpact_enqueue *)ofpact_payload(a))->port);
}

static enum ofperr check_group(struct walk *w, const struct ofpact *a)
{
	(void)w;
	return ((const struct ofpact_group *)ofpact_payload(a))->id > OFPG_MAX_
		       ? OFPERR_BAD_OUT_GROUP
		       : OFPERR_OK;
}

static enum ofperr check_set_field(struct walk *w, const struct ofpact *a)
{
	const struct ofpact_set_field *sf = ofpact_payload(a);
	const struct field *f = field_get((enum field_id)sf->field);
	bool vid = f->id == FIELD_VLAN_VID || f->id == FIELD_DL_VLAN;

	if (!f->writable)
		return OFPERR_BAD_SET_ARGUMENT;
	if (!field_value_ok(f, &sf->value))
		return OFPERR_BAD_SET_ARGUMENT;
	if (a->raw == OFPACT_RAW_OF10 || a->raw == OFPACT_RAW_TUNNEL)
		return need(w, (enum field_prereq)f->prereq);
	if (!matched(w, (enum field_prereq)f->prereq) ||
	    (vid && a->raw != OFPACT_RAW_LOAD && w->strict && !matched(w, FIELD_PRE_VLAN)))
		return OFPERR_MATCH_INCONSISTENT;
	if (f->id == FIELD_VLAN_TCI && sf->mask.be16 & htons(VLAN_CFI))
		know_vlan(w, sf->value.be16 & htons(VLAN_CFI));
	return OFPERR_OK;
}

static enum ofperr check_move(struct walk *w, const struct ofpact *a)
{
	const struct ofpact_move *m = ofpact_payload(a);
	enum ofperr e = check_bits(w, &m->src, false);

	return e ? e : check_bits(w, &m->dst, true);
}

static enum ofperr check_set_vlan(struct walk *w, const struct ofpact *a)
{
	(void)a;
	know_vlan(w, true);
	return OFPERR_OK;
}

static enum ofperr check_strip_vlan(struct walk *w, const struct ofpact *a)
{
	enum ofperr e = need(w, FIELD_PRE_VLAN);

	(void)a;
	know_vlan(w, false);
	return e;
}

static enum ofperr check_set_l4(struct walk *w, const struct ofpact *a)
{
	(void)a;
	if (matched(w, FIELD_PRE_TCP) || matched(w, FIELD_PRE_UDP))
		return OFPERR_OK;
	return need(w, FIELD_PRE_SCTP);
}

static enum ofperr check_push_mpls(struct walk *w, const struct ofpact *a)
{
	know_type(w, ((const struct ofpact_ethertype *)ofpact_payload(a))->v);
	return OFPERR_OK;
}

static enum ofperr check_pop_mpls(struct walk *w, const struct ofpact *a)
{
	enum ofperr e = need(w, FIELD_PRE_MPLS);

	know_type(w, ((const struct ofpact_ethertype *)ofpact_payload(a))->v);
	return e;
}

static enum ofperr check_ip(struct walk *w, const struct ofpact *a)
{
	(void)a;
	return need(w, FIELD_PRE_IP);
}

static enum ofperr check_mpls(struct walk *w, const struct ofpact *a)
{
	(void)a;
	return need(w, FIELD_PRE_MPLS);
}

static enum ofperr check_learn(struct walk *w, const struct ofpact *a)
{
	const struct ofpact_learn *l = ofpact_payload(a);
	const struct ofpact_learn_spec *s = (const void *)(l + 1);

	for (uint32_t i = 0; i < l->n_specs; i++) {
		enum ofperr e = OFPERR_OK;

		if (s[i].src_type == LEARN_SRC_FIELD)
			e = check_bits(w, &s[i].src, false);
		if (e)
			return e;
	}
	return l->table == 255 || l->table >= w->c->n_tables ? OFPERR_BAD_ARGUMENT : OFPERR_OK;
}

static enum ofperr check_meter(struct walk *w, const struct ofpact *a)
{
	uint32_t id = ((const struct ofpact_u32 *)ofpact_payload(a))->v;

	if (!w->c->meters)
		return OFPERR_UNSUP_INST;
	return id && id <= OFPM_MAX_ ? OFPERR_OK : OFPERR_MM_INVALID_METER;
}

static enum ofperr check_goto(struct walk *w, const struct ofpact *a)
{
	uint8_t table = ((const struct ofpact_u8 *)ofpact_payload(a))->v;

	return table <= w->c->table || table >= w->c->n_tables ? OFPERR_INST_BAD_TABLE_ID
							       : OFPERR_OK;
}

static enum ofperr check_write_actions(struct walk *w, const struct ofpact *a);
static enum ofperr check_clone(struct walk *w, const struct ofpact *a);
static enum ofperr check_ct(struct walk *w, const struct ofpact *a);

static enum ofperr check_nat(struct walk *w, const struct ofpact *a)
{
	const struct ofpact_nat *n = ofpact_payload(a);

	if (n->family)
		return need(w, n->family == AF_INET ? FIELD_PRE_IPV4 : FIELD_PRE_IPV6);
	return need(w, FIELD_PRE_IP);
}

/* A truncated packet goes to a port, not to what treats it further. */
static enum ofperr check_trunc(struct walk *w, const struct ofpact *a)
{
	const struct ofpact_output_trunc *t = ofpact_payload(a);

	if (t->port.v >= OFPP_IN_PORT_ && t->port.v != OFPP_IN_PORT_ && t->port.v != OFPP_LOCAL_)
		return OFPERR_BAD_OUT_PORT;
	return check_port(w, t->port);
}

static enum ofperr check_stack(struct walk *w, const struct ofpact *a)
{
	return check_bits(w, ofpact_payload(a), a->kind == OFPACT_POP);
}

static enum ofperr check_len(struct walk *w, const struct ofpact *a)
{
	return check_bits(w, &((const struct ofpact_check_len *)ofpact_payload(a))->dst, true);
}

static enum ofperr check_tcp(struct walk *w, const struct ofpact *a)
{
	(void)a;
	return need(w, FIELD_PRE_TCP);
}

/* Looking up by a connection's original addresses needs a connection. */
static enum ofperr check_resubmit(struct walk *w, const struct ofpact *a)
{
	const struct ofpact_resubmit *r = ofpact_payload(a);

	return r->ct && !matched(w, FIELD_PRE_CT) ? OFPERR_MATCH_INCONSISTENT : OFPERR_OK;
}

static enum ofperr check_nothing(struct walk *w, const struct ofpact *a)
{
	(void)w;
	(void)a;
	return OFPERR_OK;
}

typedef enum ofperr check_fn(struct walk *w, const struct ofpact *a);
static check_fn *const checkers[OFPACT_N_KINDS] = {
	[OFPACT_OUTPUT] = check_output,
	[OFPACT_CONTROLLER] = check_nothing,
	[OFPACT_OUTPUT_REG] = check_output_reg,
	[OFPACT_ENQUEUE] = check_enqueue,
	[OFPACT_GROUP] = check_group,
	[OFPACT_SET_FIELD] = check_set_field,
	[OFPACT_MOVE] = check_move,
	[OFPACT_SET_VLAN_VID] = check_set_vlan,
	[OFPACT_SET_VLAN_PCP] = check_set_vlan,
	[OFPACT_STRIP_VLAN] = check_strip_vlan,
	[OFPACT_PUSH_VLAN] = check_set_vlan,
	[OFPACT_SET_L4_SRC] = check_set_l4,
	[OFPACT_SET_L4_DST] = check_set_l4,
	[OFPACT_PUSH_MPLS] = check_push_mpls,
	[OFPACT_POP_MPLS] = check_pop_mpls,
	[OFPACT_DEC_TTL] = check_ip,
	[OFPACT_SET_TTL] = check_ip,
	[OFPACT_DEC_MPLS_TTL] = check_mpls,
	[OFPACT_SET_MPLS_TTL] = check_mpls,
	[OFPACT_SET_QUEUE] = check_nothing,
	[OFPACT_POP_QUEUE] = check_nothing,
	[OFPACT_RESUBMIT] = check_resubmit,
	[OFPACT_LEARN] = check_learn,
	[OFPACT_NOTE] = check_nothing,
	[OFPACT_EXIT] = check_nothing,
	[OFPACT_CT] = check_ct,
	[OFPACT_NAT] = check_nat,
	[OFPACT_CT_CLEAR] = check_nothing,
	[OFPACT_CLONE] = check_clone,
	[OFPACT_OUTPUT_TRUNC] = check_trunc,
	[OFPACT_PUSH] = check_stack,
	[OFPACT_POP] = check_stack,
	[OFPACT_CHECK_PKT_LARGER] = check_len,
	[OFPACT_SAMPLE] = check_nothing,
	[OFPACT_CONJUNCTION] = check_nothing,
	[OFPACT_FIN_TIMEOUT] = check_tcp,
	[OFPACT_METER] = check_meter,
	[OFPACT_CLEAR_ACTIONS] = check_nothing,
	[OFPACT_WRITE_ACTIONS] = check_write_actions,
	[OFPACT_WRITE_METADATA] = check_nothing,
	[OFPACT_GOTO_TABLE] = check_goto,
};

static enum ofperr check_list(struct walk *w, struct ofpacts l)
{
	const struct ofpact *a;

	OFPACT_FOR_EACH (a, l) {
		enum ofperr e = checkers[a->kind](w, a);

		if (e)
			return e;
	}
	return OFPERR_OK;
}

/* What a clone does to its packet does not last. */
static enum ofperr check_clone(struct walk *w, const struct ofpact *a)
{
	struct walk inside = *w;

	return check_list(&inside, ofpact_nested(a));
}

static enum ofperr check_ct(struct walk *w, const struct ofpact *a)
{
	const struct ofpact_ct *ct = ofpact_payload(a);
	enum ofperr e = need(w, FIELD_PRE_IP);

	if (!e && w->known && ct->flags & OFPACT_CT_COMMIT &&
	    w->m.key.ct_state & w->m.mask.ct_state & htonl(CT_INV))
		e = OFPERR_MATCH_INCONSISTENT; /* what is invalid cannot be kept */
	if (!e && ct->zone_src.n)
		e = check_bits(w, &ct->zone_src, false);
	if (!e && ct->alg == OFPACT_ALG_FTP)
		e = need(w, FIELD_PRE_TCP);
	if (!e && ct->alg == OFPACT_ALG_TFTP)
		e = need(w, FIELD_PRE_UDP);
	if (!e && ct->table != OFPACT_CT_NO_TABLE && ct->table >= w->c->n_tables)
		e = OFPERR_BAD_ARGUMENT;
	return e ? e : check_list(w, ofpact_nested(a));
}

/* The set runs at the end of the pipeline, on a packet that nothing here knows: ports and groups
 * are checked, matches are not. */
static enum ofperr check_write_actions(struct walk *w, const struct ofpact *a)
{
	struct walk later = { .c = w->c };

	return check_list(&later, ofpact_nested(a));
}

enum ofperr ofpacts_check(struct ofpacts l, const struct ofpacts_check *c)
{
	struct walk w = { .c = c, .known = c->match, .strict = c->version != OFP10 };

	if (c->match)
		w.m = *c->match;
	return check_list(&w, l);
}
