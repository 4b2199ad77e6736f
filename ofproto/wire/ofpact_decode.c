/* SPDX-License-Identifier: Apache-2.0 */
/* Actions and instructions from the wire: the table of actions, and the standard ones. */
#include "ofproto/wire/ofpact_codec_impl.h"

#define EXPERIMENTER 0xffff

enum ofperr ofpact_out_port13(uint32_t no, struct ofp_port *port)
{
	if (no >= 0xff00 && no < OFPP_IN_PORT_)
		return OFPERR_BAD_OUT_PORT;
	port->v = no;
	return OFPERR_OK;
}

/* --- shapes that several actions share ---------------------------------------------------------
 */

static enum ofperr decode_empty(struct act_in *in)
{
	ofpact_set_raw(ofpact_put(in->list, (enum ofpact_kind)in->kind, NULL, 0), in->arg);
	return OFPERR_OK;
}

static enum ofperr put_u16(struct act_in *in, uint16_t v, uint16_t max)
{
	struct ofpact_u16 p = { v };

	if (v > max)
		return OFPERR_BAD_ARGUMENT;
	ofpact_put(in->list, (enum ofpact_kind)in->kind, &p, sizeof(p));
	return OFPERR_OK;
}

static enum ofperr decode_u8(struct act_in *in)
{
	return put_u16(in, cursor_u8(&in->c), in->kind == OFPACT_SET_VLAN_PCP ? 7 : UINT8_MAX);
}

static enum ofperr decode_u16(struct act_in *in)
{
	return put_u16(in, cursor_be16(&in->c),
		       in->kind == OFPACT_SET_VLAN_VID ? 0xfff : UINT16_MAX);
}

static enum ofperr decode_u32(struct act_in *in)
{
	struct ofpact_u32 p = { cursor_be32(&in->c) };

	ofpact_put(in->list, (enum ofpact_kind)in->kind, &p, sizeof(p));
	return OFPERR_OK;
}

static bool ethertype_ok(enum ofpact_kind kind, uint16_t type)
{
	if (kind == OFPACT_PUSH_VLAN)
		return type == 0x8100 || type == 0x88a8;
	return kind != OFPACT_PUSH_MPLS || type == 0x8847 || type == 0x8848;
}

static enum ofperr decode_ethertype(struct act_in *in)
{
	uint16_t type = cursor_be16(&in->c);
	struct ofpact_ethertype p = { htons(type) };

	if (!ethertype_ok((enum ofpact_kind)in->kind, type))
		return OFPERR_BAD_ARGUMENT;
	ofpact_put(in->list, (enum ofpact_kind)in->kind, &p, sizeof(p));
	return OFPERR_OK;
}

/* --- standard actions --------------------------------------------------------------------------
 */

static enum ofperr put_output(struct act_in *in, struct ofp_port port, uint16_t max_len)
{
	struct ofpact_output o = { port, port.v == OFPP_CONTROLLER_ ? max_len : 0 };

	ofpact_put(in->list, OFPACT_OUTPUT, &o, sizeof(o));
	return OFPERR_OK;
}

static enum ofperr decode_output10(struct act_in *in)
{
	struct ofp_port port;
	enum ofperr e = ofp_port_from_of10(cursor_be16(&in->c), &port);

	return e ? e : put_output(in, port, cursor_be16(&in->c));
}

static enum ofperr decode_output13(struct act_in *in)
{
	struct ofp_port port;
	enum ofperr e = ofpact_out_port13(cursor_be32(&in->c), &port);

	return e ? e : put_output(in, port, cursor_be16(&in->c));
}

static enum ofperr decode_enqueue(struct act_in *in)
{
	struct ofpact_enqueue q;
	enum ofperr e = ofp_port_from_of10(cursor_be16(&in->c), &q.port);

	if (e)
		return e;
	if (q.port.v >= 0xff00 && q.port.v != OFPP_IN_PORT_ && q.port.v != OFPP_LOCAL_)
		return OFPERR_BAD_OUT_PORT;
	(void)cursor_take(&in->c, 6);
	q.queue = cursor_be32(&in->c);
	ofpact_put(in->list, OFPACT_ENQUEUE, &q, sizeof(q));
	return OFPERR_OK;
}

/* A setter of 1.0: in->arg is the field, its value comes first. */
static enum ofperr decode_setter10(struct act_in *in)
{
	const struct field *f = field_get((enum field_id)in->arg);
	union field_value v = { .b = { 0 } };

	cursor_copy(&in->c, &v, f->n_bytes);
	if (!field_value_ok(f, &v))
		return OFPERR_BAD_ARGUMENT;
	ofpact_put_set_field(in->list, f->id, &v, NULL, OFPACT_RAW_OF10);
	return OFPERR_OK;
}

/* The label stands on a boundary of 4. */
static enum ofperr decode_mpls_label(struct act_in *in)
{
	(void)cursor_take(&in->c, 2);
	return decode_setter10(in);
}

/* The match codec's errors in the words of set-field. */
static enum ofperr set_error(enum ofperr e)
{
	if (e == OFPERR_MATCH_BAD_FIELD)
		return OFPERR_BAD_SET_TYPE;
	if (e == OFPERR_MATCH_BAD_LEN)
		return OFPERR_BAD_SET_LEN;
	return OFPERR_BAD_SET_ARGUMENT;
}

static enum ofperr decode_tlv(struct act_in *in, bool may_mask)
{
	union field_value v, mask, ones;
	const struct field *f;
	enum ofperr e = nx_entry_decode(&in->c, &f, &v, &mask);

	if (e)
		return set_error(e);
	if (!f->writable)
		return OFPERR_BAD_SET_ARGUMENT;
	field_ones(f, &ones);
	if (!may_mask && memcmp(ones.b, mask.b, sizeof(ones.b)))
		return OFPERR_BAD_SET_TYPE;
	if (cursor_left(&in->c) >= 8)
		return OFPERR_BAD_SET_LEN;
	ofpact_put_set_field(in->list, f->id, &v, &mask,
			     may_mask ? OFPACT_RAW_LOAD2 : OFPACT_RAW_STD);
	return OFPERR_OK;
}

static enum ofperr decode_set_field(struct act_in *in)
{
	return decode_tlv(in, false);
}

enum ofperr ofpact_decode_load2(struct act_in *in)
{
	(void)cursor_take(&in->c, 6);
	return decode_tlv(in, true);
}

/* --- the table ---------------------------------------------------------------------------------
 */

#define MORE 1 /* may be longer than its shortest form */
#define NX 0   /* in place of a version: Nicira's number, in every version */

struct action_row {
	uint8_t version; /* OFP10, OFP13, or NX */
	uint8_t flags;
	uint16_t type; /* type or Nicira subtype */
	uint16_t len;  /* whole action, shortest form */
	uint8_t kind, arg;
	act_decode_fn *decode;
};

/* clang-format off */
static const struct action_row action_rows[] = {
	{ OFP10, 0, 0, 8, OFPACT_OUTPUT, 0, decode_output10 },
	{ OFP10, 0, 1, 8, OFPACT_SET_VLAN_VID, 0, decode_u16 },
	{ OFP10, 0, 2, 8, OFPACT_SET_VLAN_PCP, 0, decode_u8 },
	{ OFP10, 0, 3, 8, OFPACT_STRIP_VLAN, OFPACT_RAW_OF10, decode_empty },
	{ OFP10, 0, 4, 16, OFPACT_SET_FIELD, FIELD_ETH_SRC, decode_setter10 },
	{ OFP10, 0, 5, 16, OFPACT_SET_FIELD, FIELD_ETH_DST, decode_setter10 },
	{ OFP10, 0, 6, 8, OFPACT_SET_FIELD, FIELD_IPV4_SRC, decode_setter10 },
	{ OFP10, 0, 7, 8, OFPACT_SET_FIELD, FIELD_IPV4_DST, decode_setter10 },
	{ OFP10, 0, 8, 8, OFPACT_SET_FIELD, FIELD_IP_DSCP, decode_setter10 },
	{ OFP10, 0, 9, 8, OFPACT_SET_L4_SRC, 0, decode_u16 },
	{ OFP10, 0, 10, 8, OFPACT_SET_L4_DST, 0, decode_u16 },
	{ OFP10, 0, 11, 16, OFPACT_ENQUEUE, 0, decode_enqueue },
	{ OFP13, 0, 0, 16, OFPACT_OUTPUT, 0, decode_output13 },
	{ OFP13, 0, 15, 8, OFPACT_SET_MPLS_TTL, 0, decode_u8 },
	{ OFP13, 0, 16, 8, OFPACT_DEC_MPLS_TTL, 0, decode_empty },
	{ OFP13, 0, 17, 8, OFPACT_PUSH_VLAN, 0, decode_ethertype },
	{ OFP13, 0, 18, 8, OFPACT_STRIP_VLAN, 0, decode_empty },
	{ OFP13, 0, 19, 8, OFPACT_PUSH_MPLS, 0, decode_ethertype },
	{ OFP13, 0, 20, 8, OFPACT_POP_MPLS, 0, decode_ethertype },
	{ OFP13, 0, 21, 8, OFPACT_SET_QUEUE, 0, decode_u32 },
	{ OFP13, 0, 22, 8, OFPACT_GROUP, 0, decode_u32 },
	{ OFP13, 0, 23, 8, OFPACT_SET_TTL, 0, decode_u8 },
	{ OFP13, 0, 24, 8, OFPACT_DEC_TTL, 0, ofpact_decode_dec_ttl_ids },
	{ OFP13, MORE, 25, 16, OFPACT_SET_FIELD, 0, decode_set_field },
	{ NX, 0, 1, 16, OFPACT_RESUBMIT, 0, ofpact_decode_resubmit },
	{ NX, 0, 2, 16, OFPACT_SET_FIELD, 4, ofpact_decode_set_tunnel },
	{ NX, 0, 4, 16, OFPACT_SET_QUEUE, 0, ofpact_decode_nx_u32 },
	{ NX, 0, 5, 16, OFPACT_POP_QUEUE, 0, decode_empty },
	{ NX, MORE, 6, 24, OFPACT_MOVE, 0, ofpact_decode_move },
	{ NX, 0, 7, 24, OFPACT_SET_FIELD, 0, ofpact_decode_load },
	{ NX, MORE, 8, 16, OFPACT_NOTE, 0, ofpact_decode_note },
	{ NX, 0, 9, 24, OFPACT_SET_FIELD, 8, ofpact_decode_set_tunnel },
	{ NX, 0, 14, 16, OFPACT_RESUBMIT, 1, ofpact_decode_resubmit },
	{ NX, 0, 15, 24, OFPACT_OUTPUT_REG, 0, ofpact_decode_output_reg },
	{ NX, MORE, 16, 32, OFPACT_LEARN, 0, ofpact_decode_learn },
	{ NX, 0, 17, 16, OFPACT_EXIT, 0, decode_empty },
	{ NX, 0, 18, 16, OFPACT_DEC_TTL, 0, ofpact_decode_dec_ttl_ids },
	{ NX, 0, 19, 16, OFPACT_FIN_TIMEOUT, 0, ofpact_decode_fin_timeout },
	{ NX, 0, 20, 16, OFPACT_CONTROLLER, 0, ofpact_decode_controller },
	{ NX, MORE, 21, 16, OFPACT_DEC_TTL, 1, ofpact_decode_dec_ttl_ids },
	{ NX, 0, 22, 32, OFPACT_WRITE_METADATA, 0, ofpact_decode_metadata },
	{ NX, 0, 23, 16, OFPACT_PUSH_MPLS, 0, decode_ethertype },
	{ NX, 0, 24, 16, OFPACT_POP_MPLS, 0, decode_ethertype },
	{ NX, 0, 25, 16, OFPACT_SET_MPLS_TTL, 0, decode_u8 },
	{ NX, 0, 26, 16, OFPACT_DEC_MPLS_TTL, 0, decode_empty },
	{ NX, MORE, 27, 24, OFPACT_PUSH, 0, ofpact_decode_stack },
	{ NX, MORE, 28, 24, OFPACT_POP, 0, ofpact_decode_stack },
	{ NX, 0, 29, 24, OFPACT_SAMPLE, 1, ofpact_decode_sample },
	{ NX, 0, 30, 16, OFPACT_SET_FIELD, FIELD_MPLS_LABEL, decode_mpls_label },
	{ NX, 0, 31, 16, OFPACT_SET_FIELD, FIELD_MPLS_TC, decode_setter10 },
	{ NX, MORE, 32, 24, OFPACT_OUTPUT_REG, 2, ofpact_decode_output_reg },
	{ NX, MORE, 33, 24, OFPACT_SET_FIELD, 0, ofpact_decode_load2 },
	{ NX, 0, 34, 16, OFPACT_CONJUNCTION, 0, ofpact_decode_conjunction },
	{ NX, MORE, 35, 24, OFPACT_CT, 0, ofpact_decode_ct },
	{ NX, MORE, 36, 16, OFPACT_NAT, 0, ofpact_decode_nat },
	{ NX, 0, 38, 32, OFPACT_SAMPLE, 2, ofpact_decode_sample },
	{ NX, 0, 39, 16, OFPACT_OUTPUT_TRUNC, 0, ofpact_decode_trunc },
	{ NX, 0, 40, 16, OFPACT_GROUP, 0, ofpact_decode_nx_u32 },
	{ NX, 0, 41, 32, OFPACT_SAMPLE, 3, ofpact_decode_sample },
	{ NX, MORE, 42, 16, OFPACT_CLONE, 0, ofpact_decode_clone },
	{ NX, 0, 43, 16, OFPACT_CT_CLEAR, 0, decode_empty },
	{ NX, 0, 44, 16, OFPACT_RESUBMIT, 2, ofpact_decode_resubmit },
	{ NX, MORE, 45, 40, OFPACT_LEARN, 1, ofpact_decode_learn },
	{ NX, MORE, 49, 24, OFPACT_CHECK_PKT_LARGER, 0, ofpact_decode_check_len },
};
/* clang-format on */

static const struct action_row *find_action(uint8_t version, uint16_t type)
{
	for (size_t i = 0; i < ARRAY_SIZE(action_rows); i++)
		if (action_rows[i].version == version && action_rows[i].type == type)
			return &action_rows[i];
	return NULL;
}

/* Which row an action's header means; leaves the cursor behind the header. */
static enum ofperr identify(struct cursor *c, uint8_t version, uint16_t type,
			    const struct action_row **row)
{
	uint32_t vendor;
	uint16_t subtype;

	if (type != EXPERIMENTER) {
		*row = find_action(version, type);
		return *row ? OFPERR_OK : OFPERR_BAD_ACT_TYPE;
	}
	vendor = cursor_be32(c);
	if (!c->bad && vendor != NX_VENDOR)
		return OFPERR_BAD_ACT_EXPERIMENTER;
	subtype = cursor_be16(c);
	if (c->bad)
		return OFPERR_BAD_ACT_LEN;
	*row = find_action(NX, subtype);
	return *row ? OFPERR_OK : OFPERR_BAD_ACT_EXP_TYPE;
}

static enum ofperr decode_action(struct cursor *c, uint8_t version, unsigned depth,
				 struct buf *list)
{
	uint16_t type = cursor_be16(c), len = cursor_be16(c);
	const struct action_row *row;
	struct act_in in = { .version = version, .depth = (uint8_t)depth, .list = list };
	enum ofperr e;

	if (c->bad || len < 8 || len % 8)
		return OFPERR_BAD_ACT_LEN;
	in.c = cursor_sub(c, len - 4u);
	if (in.c.bad)
		return OFPERR_BAD_ACT_LEN;
	e = identify(&in.c, version, type, &row);
	if (e)
		return e;
	if (len < row->len || (!(row->flags & MORE) && len != row->len))
		return OFPERR_BAD_ACT_LEN;
	in.kind = row->kind;
	in.arg = row->arg;
	e = row->decode(&in);
	return e ? e : in.c.bad ? OFPERR_BAD_ACT_LEN : OFPERR_OK;
}

/* An instruction that 1.0 spells as an action must be the last thing of its list. */
enum ofperr ofpact_decode_list(struct cursor c, uint8_t version, unsigned depth, struct buf *list)
{
	bool metadata = false;

	while (cursor_left(&c)) {
		size_t at = list->len;
		enum ofperr e = decode_action(&c, version, depth, list);

		if (e)
			return e;
		if (metadata)
			return OFPERR_UNSUPPORTED_ORDER;
		metadata = ((const struct ofpact *)(const void *)(list->data + at))->kind ==
			   OFPACT_WRITE_METADATA;
	}
	return OFPERR_OK;
}

static struct ofpacts list_from(const struct buf *list, size_t start)
{
	return (struct ofpacts){ list->data + start, (uint32_t)(list->len - start) };
}

enum ofperr ofpacts_decode(struct cursor c, uint8_t version, struct buf *list)
{
	size_t start = list->len;
	enum ofperr e = ofpact_decode_list(c, version, 0, list);

	if (!e)
		e = ofpacts_verify(list_from(list, start));
	if (e)
		list->len = start;
	return e;
}

/* --- instructions ------------------------------------------------------------------------------
 */

enum {
	INST_GOTO_TABLE = 1,
	INST_WRITE_METADATA,
	INST_WRITE_ACTIONS,
	INST_APPLY_ACTIONS,
	INST_CLEAR_ACTIONS,
	INST_METER,
	INST_N
};

struct instruction {
	bool present;
	struct cursor c; /* behind type and length */
};

static enum ofperr split_instructions(struct cursor c, struct instruction inst[INST_N])
{
	static const uint8_t exact[INST_N] = { [INST_GOTO_TABLE] = 8,
					       [INST_WRITE_METADATA] = 24,
					       [INST_CLEAR_ACTIONS] = 8,
					       [INST_METER] = 8 };

	while (cursor_left(&c)) {
		uint16_t type = cursor_be16(&c), len = cursor_be16(&c);
		struct cursor body;

		if (c.bad || len < 8 || len % 8)
			return OFPERR_INST_BAD_LEN;
		body = cursor_sub(&c, len - 4u);
		if (body.bad)
			return OFPERR_INST_BAD_LEN;
		if (type == EXPERIMENTER)
			return OFPERR_INST_BAD_EXPERIMENTER;
		if (!type || type >= INST_N)
			return OFPERR_UNKNOWN_INST;
		if (exact[type] && len != exact[type])
			return OFPERR_INST_BAD_LEN;
		if (inst[type].present)
			return OFPERR_DUP_INST;
		inst[type] = (struct instruction){ true, body };
	}
	return OFPERR_OK;
}

/* What an action set may hold (OpenFlow 1.3.5 section 5.10, ovs-actions(7) "Action Sets"). */
static bool in_action_set(uint16_t kind)
{
	static const bool no[OFPACT_N_KINDS] = {
		[OFPACT_CONTROLLER] = true,   [OFPACT_OUTPUT_REG] = true,
		[OFPACT_ENQUEUE] = true,      [OFPACT_POP_QUEUE] = true,
		[OFPACT_LEARN] = true,        [OFPACT_NOTE] = true,
		[OFPACT_EXIT] = true,         [OFPACT_WRITE_METADATA] = true,
		[OFPACT_NAT] = true,          [OFPACT_CLONE] = true,
		[OFPACT_OUTPUT_TRUNC] = true, [OFPACT_PUSH] = true,
		[OFPACT_POP] = true,          [OFPACT_CHECK_PKT_LARGER] = true,
		[OFPACT_SAMPLE] = true,       [OFPACT_CONJUNCTION] = true,
		[OFPACT_FIN_TIMEOUT] = true,
	};

	return !no[kind];
}

static enum ofperr decode_write_actions(struct cursor c, uint8_t version, struct buf *list)
{
	size_t start = list->len;
	const struct ofpact *a;
	struct ofpacts nested;
	enum ofperr e;

	(void)cursor_take(&c, 4);
	ofpact_put(list, OFPACT_WRITE_ACTIONS, NULL, 0);
	e = ofpact_decode_list(c, version, 0, list);
	if (e)
		return e;
	nested.data = list->data + start + sizeof(*a);
	nested.len = (uint32_t)(list->len - start - sizeof(*a));
	if (nested.len > UINT16_MAX)
		return OFPERR_ACT_TOO_MANY;
	OFPACT_FOR_EACH (a, nested) {
		if (!in_action_set(a->kind))
			return OFPERR_BAD_ACT_TYPE;
	}
	((struct ofpact *)(void *)(list->data + start))->len = (uint16_t)nested.len;
	return OFPERR_OK;
}

/* WRITE_METADATA has no place among the actions of 1.1 and later. */
static enum ofperr decode_apply(struct cursor c, uint8_t version, struct buf *list)
{
	size_t start = list->len;
	const struct ofpact *a;
	struct ofpacts l;
	enum ofperr e;

	(void)cursor_take(&c, 4);
	e = ofpact_decode_list(c, version, 0, list);
	if (e || list->len == start)
		return e;
	l = (struct ofpacts){ list->data + start, (uint32_t)(list->len - start) };
	OFPACT_FOR_EACH (a, l) {
		if (a->kind == OFPACT_WRITE_METADATA)
			return OFPERR_BAD_ACT_TYPE;
	}
	return OFPERR_OK;
}

static void decode_inst_metadata(struct cursor c, struct buf *list)
{
	struct ofpact_metadata md;

	(void)cursor_take(&c, 4);
	cursor_copy(&c, &md.value, 8);
	cursor_copy(&c, &md.mask, 8);
	md.value &= md.mask;
	ofpact_put(list, OFPACT_WRITE_METADATA, &md, sizeof(md));
}

static enum ofperr decode_instructions(struct instruction inst[INST_N], uint8_t version,
				       struct buf *list)
{
	enum ofperr e = OFPERR_OK;

	if (inst[INST_METER].present) {
		struct ofpact_u32 id = { cursor_be32(&inst[INST_METER].c) };

		ofpact_put(list, OFPACT_METER, &id, sizeof(id));
	}
	if (inst[INST_APPLY_ACTIONS].present)
		e = decode_apply(inst[INST_APPLY_ACTIONS].c, version, list);
	if (!e && inst[INST_CLEAR_ACTIONS].present)
		ofpact_put(list, OFPACT_CLEAR_ACTIONS, NULL, 0);
	if (!e && inst[INST_WRITE_ACTIONS].present)
		e = decode_write_actions(inst[INST_WRITE_ACTIONS].c, version, list);
	if (!e && inst[INST_WRITE_METADATA].present)
		decode_inst_metadata(inst[INST_WRITE_METADATA].c, list);
	if (!e && inst[INST_GOTO_TABLE].present) {
		struct ofpact_u8 table = { cursor_u8(&inst[INST_GOTO_TABLE].c) };

		ofpact_put(list, OFPACT_GOTO_TABLE, &table, sizeof(table));
	}
	return e;
}

enum ofperr ofpacts_decode_instructions(struct cursor c, uint8_t version, struct buf *list)
{
	struct instruction inst[INST_N] = { { false, { NULL, NULL, false } } };
	size_t start = list->len;
	enum ofperr e = split_instructions(c, inst);

	if (!e)
		e = decode_instructions(inst, version, list);
	if (!e)
		e = ofpacts_verify(list_from(list, start));
	if (e)
		list->len = start;
	return e;
}
