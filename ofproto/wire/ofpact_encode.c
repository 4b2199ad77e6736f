/* SPDX-License-Identifier: Apache-2.0 */
/* Actions and instructions to the wire: one encoder per kind. */
#include "ofproto/wire/ofpact_codec_impl.h"

size_t ofpact_wire_begin(struct buf *out, uint16_t type)
{
	size_t start = out->len;

	buf_put_be16(out, type);
	buf_put_be16(out, 0);
	return start;
}

size_t ofpact_wire_begin_nx(struct buf *out, uint16_t subtype)
{
	size_t start = ofpact_wire_begin(out, 0xffff);

	buf_put_be32(out, NX_VENDOR);
	buf_put_be16(out, subtype);
	return start;
}

void ofpact_wire_end(struct buf *out, size_t start)
{
	buf_pad(out, start, 8);
	buf_set_be16(out, start + 2, (uint16_t)(out->len - start));
}

/* A whole action of 8 bytes with a number of `bytes` in front. */
static void put_std(struct buf *out, uint16_t type, unsigned bytes, uint32_t v)
{
	size_t start = ofpact_wire_begin(out, type);

	if (bytes == 1)
		buf_put_u8(out, (uint8_t)v);
	else if (bytes == 2)
		buf_put_be16(out, (uint16_t)v);
	else if (bytes == 4)
		buf_put_be32(out, v);
	ofpact_wire_end(out, start);
}

/* A Nicira action of 16 bytes, likewise; 32 bits stand on a boundary of 4. */
static void put_nx(struct buf *out, uint16_t subtype, unsigned bytes, uint32_t v)
{
	size_t start = ofpact_wire_begin_nx(out, subtype);

	if (bytes == 1)
		buf_put_u8(out, (uint8_t)v);
	else if (bytes == 2)
		buf_put_be16(out, (uint16_t)v);
	else if (bytes == 4) {
		buf_put_be16(out, 0);
		buf_put_be32(out, v);
	}
	ofpact_wire_end(out, start);
}

/* NXAST_REG_LOAD of bits of a value, in pieces of 64.  Nicira's actions name fields by NXM's code
 * in every version, as long as there is one. */
static void put_load(struct buf *out, const struct field *f, const union field_value *v,
		     const union field_value *mask)
{
	unsigned ofs = 0, n;

	while (field_value_run(mask, f->n_bytes, ofs, &ofs, &n)) {
		size_t start = ofpact_wire_begin_nx(out, 7);

		n = MIN(n, 64u);
		buf_put_be16(out, OFPACT_OFS_NBITS(ofs, n));
		nx_header_encode(f, OFP10, false, f->n_bytes, out);
		buf_put_be64(out, field_value_get_bits(v, f->n_bytes, ofs, n));
		ofpact_wire_end(out, start);
		ofs += n;
	}
}

static void put_load_bits(struct buf *out, enum field_id id, unsigned ofs, unsigned n, uint64_t x)
{
	const struct field *f = field_get(id);
	union field_value v = { .b = { 0 } }, mask = { .b = { 0 } };

	field_value_set_bits(&v, f->n_bytes, ofs, n, x);
	field_value_set_bits(&mask, f->n_bytes, ofs, n, UINT64_MAX);
	put_load(out, f, &v, &mask);
}

/* What came as the 16-bit in_port keeps NXM's code: OXM's ingress port may not be set (OpenFlow
 * 1.3.5 section 7.2.3.7). */
static void put_set_field13(struct buf *out, const struct field *f, const union field_value *v)
{
	size_t start = ofpact_wire_begin(out, 25);

	nx_entry_encode(f, f->id == FIELD_IN_PORT ? OFP10 : OFP13, v, NULL, out);
	ofpact_wire_end(out, start);
}

static void put_load2(struct buf *out, const struct field *f, uint8_t version,
		      const union field_value *v, const union field_value *mask)
{
	size_t start = ofpact_wire_begin_nx(out, 33);

	buf_put_zeros(out, 6);
	nx_entry_encode(f, version, v, mask, out);
	ofpact_wire_end(out, start);
}

/* --- SET_FIELD, by how it came and which version it goes to ------------------------------------
 */

/* The setters of 1.0. */
static const struct {
	uint8_t field;
	uint16_t type;
} setters10[] = {
	{ FIELD_ETH_SRC, 4 },  { FIELD_ETH_DST, 5 },  { FIELD_IPV4_SRC, 6 },  { FIELD_IPV4_DST, 7 },
	{ FIELD_IP_DSCP, 8 },  { FIELD_TCP_SRC, 9 },  { FIELD_TCP_DST, 10 },  { FIELD_UDP_SRC, 9 },
	{ FIELD_UDP_DST, 10 }, { FIELD_SCTP_SRC, 9 }, { FIELD_SCTP_DST, 10 },
};

/* DSCP is 8 bits with the low two zero in 1.0, 6 bits in OXM: the other one of the two. */
static const struct field *convert_dscp(const struct field *f, uint8_t version,
					union field_value *v)
{
	if (version == OFP10 && f->id == FIELD_IP_DSCP_SHIFTED) {
		v->b[0] = (uint8_t)(v->b[0] << 2);
		return field_get(FIELD_IP_DSCP);
	}
	if (version != OFP10 && f->id == FIELD_IP_DSCP) {
		v->b[0] >>= 2;
		return field_get(FIELD_IP_DSCP_SHIFTED);
	}
	return f;
}

/* What 1.0 lacks and Nicira's set_mpls_label and set_mpls_tc say. */
static bool put_mpls10(struct buf *out, const struct field *f, const union field_value *v)
{
	if (f->id == FIELD_MPLS_LABEL)
		put_nx(out, 30, 4, ntohl(v->be32));
	else if (f->id == FIELD_MPLS_TC)
		put_nx(out, 31, 1, v->b[0]);
	return f->id == FIELD_MPLS_LABEL || f->id == FIELD_MPLS_TC;
}

static bool put_setter10(struct buf *out, const struct field *f, const union field_value *v)
{
	for (size_t i = 0; i < ARRAY_SIZE(setters10); i++) {
		size_t start;

		if (setters10[i].field != f->id)
			continue;
		start = ofpact_wire_begin(out, setters10[i].type);
		buf_put(out, v, f->n_bytes);
		ofpact_wire_end(out, start);
		return true;
	}
	return false;
}

/* set_tunnel of 1.0; later versions set the field. */
static void put_tunnel10(struct buf *out, const union field_value *v, bool wide)
{
	uint64_t id = ntoh64(v->be64);
	size_t start = ofpact_wire_begin_nx(out, wide || id >> 32 ? 9 : 2);

	if (wide || id >> 32) {
		buf_put_zeros(out, 6);
		buf_put_be64(out, id);
	} else {
		buf_put_be16(out, 0);
		buf_put_be32(out, (uint32_t)id);
	}
	ofpact_wire_end(out, start);
}

static bool mask_is_ones(const struct field *f, const union field_value *mask)
{
	union field_value ones;

	field_ones(f, &ones);
	return !memcmp(mask, &ones, f->n_bytes);
}

static void put_whole(struct buf *out, const struct field *f, uint8_t version, uint8_t raw,
		      union field_value v)
{
	const union field_value as_is = v;
	const struct field *same = convert_dscp(f, version, &v);
	union field_value ones;

	field_ones(f, &ones);
	if (version != OFP10)
		put_set_field13(out, same, &v);
	else if (raw == OFPACT_RAW_TUNNEL || raw == OFPACT_RAW_TUNNEL64)
		put_tunnel10(out, &v, raw == OFPACT_RAW_TUNNEL64);
	else if (!put_setter10(out, same, &v) && !put_mpls10(out, same, &v))
		put_load(out, f, &as_is, &ones);
}

static void encode_set_field(const struct ofpact *a, uint8_t version, struct buf *out)
{
	const struct ofpact_set_field *sf = ofpact_payload(a);
	const struct field *f = field_get((enum field_id)sf->field);
	bool whole = mask_is_ones(f, &sf->mask);

	if (!nx_field_encodable(f, version))
		return;
	if (a->raw == OFPACT_RAW_LOAD2)
		put_load2(out, f, version, &sf->value, whole ? NULL : &sf->mask);
	else if (a->raw == OFPACT_RAW_LOAD || !whole)
		put_load(out, f, &sf->value, &sf->mask);
	else
		put_whole(out, f, version, a->raw, sf->value);
}

/* --- the others --------------------------------------------------------------------------------
 */

static void put_output(struct buf *out, uint8_t version, struct ofp_port port, uint16_t max_len)
{
	size_t start = ofpact_wire_begin(out, 0);

	if (version == OFP10) {
		buf_put_be16(out, ofp_port_to_of10(port));
		buf_put_be16(out, max_len);
	} else {
		buf_put_be32(out, port.v);
		buf_put_be16(out, max_len);
		buf_put_zeros(out, 6);
	}
	ofpact_wire_end(out, start);
}

static void encode_output(const struct ofpact *a, uint8_t version, struct buf *out)
{
	const struct ofpact_output *o = ofpact_payload(a);

	put_output(out, version, o->port, (uint16_t)o->max_len);
}

static void encode_controller(const struct ofpact *a, uint8_t version, struct buf *out)
{
	const struct ofpact_controller *k = ofpact_payload(a);
	size_t start = ofpact_wire_begin_nx(out, 20);

	(void)version;
	buf_put_be16(out, k->max_len);
	buf_put_be16(out, k->controller_id);
	buf_put_u8(out, k->reason);
	ofpact_wire_end(out, start);
}

static void encode_output_reg(const struct ofpact *a, uint8_t version, struct buf *out)
{
	const struct ofpact_output_reg *o = ofpact_payload(a);
	const struct field *f = field_get((enum field_id)o->src.field);
	size_t start = ofpact_wire_begin_nx(out, 15);

	(void)version;
	buf_put_be16(out, OFPACT_OFS_NBITS(o->src.ofs, o->src.n));
	nx_header_encode(f, OFP10, false, f->n_bytes, out);
	buf_put_be16(out, o->max_len);
	ofpact_wire_end(out, start);
}

/* 1.3 has no enqueue: queue, output, and the default queue again. */
static void encode_enqueue(const struct ofpact *a, uint8_t version, struct buf *out)
{
	const struct ofpact_enqueue *q = ofpact_payload(a);
	size_t start;

	if (version != OFP10) {
		put_std(out, 21, 4, q->queue);
		put_output(out, version, q->port, 0);
		put_nx(out, 5, 0, 0);
		return;
	}
	start = ofpact_wire_begin(out, 11);
	buf_put_be16(out, ofp_port_to_of10(q->port));
	buf_put_zeros(out, 6);
	buf_put_be32(out, q->queue);
	ofpact_wire_end(out, start);
}

static void encode_move(const struct ofpact *a, uint8_t version, struct buf *out)
{
	const struct ofpact_move *m = ofpact_payload(a);
	const struct field *src = field_get((enum field_id)m->src.field);
	const struct field *dst = field_get((enum field_id)m->dst.field);
	size_t start = ofpact_wire_begin_nx(out, 6);

	buf_put_be16(out, m->src.n);
	buf_put_be16(out, m->src.ofs);
	buf_put_be16(out, m->dst.ofs);
	(void)version;
	nx_header_encode(src, OFP10, false, src->n_bytes, out);
	nx_header_encode(dst, OFP10, false, dst->n_bytes, out);
	ofpact_wire_end(out, start);
}

/* 1.0's VLAN setters add a tag where there is none; later versions say so by writing the "present"
 * bit along with the number. */
static void encode_set_vlan(const struct ofpact *a, uint8_t version, struct buf *out)
{
	const struct ofpact_u16 *u = ofpact_payload(a);
	bool vid = a->kind == OFPACT_SET_VLAN_VID;

	if (version == OFP10)
		put_std(out, vid ? 1 : 2, vid ? 2 : 1, u->v);
	else if (vid)
		put_load_bits(out, FIELD_VLAN_TCI, 0, 13, u->v | VLAN_CFI);
	else
		put_load_bits(out, FIELD_VLAN_TCI, 12, 4, u->v << 1 | 1u);
}

static enum field_id l4_field(uint8_t proto, bool src)
{
	if (proto == 17)
		return src ? FIELD_UDP_SRC : FIELD_UDP_DST;
	if (proto == 132)
		return src ? FIELD_SCTP_SRC : FIELD_SCTP_DST;
	return src ? FIELD_TCP_SRC : FIELD_TCP_DST;
}

static void encode_set_l4(const struct ofpact *a, uint8_t version, struct buf *out)
{
	const struct ofpact_u16 *u = ofpact_payload(a);
	bool src = a->kind == OFPACT_SET_L4_SRC;
	union field_value v = { .b = { 0 } };

	if (version == OFP10) {
		put_std(out, src ? 9 : 10, 2, u->v);
		return;
	}
	v.be16 = htons(u->v);
	put_set_field13(out, field_get(l4_field(a->raw, src)), &v);
}

/* Type and length of the ones that carry one number, in 1.3 and as Nicira's subtype for 1.0. */
struct number_row {
	uint8_t bytes;
	uint16_t std13, std10, nx; /* UINT16_MAX: none */
};
#define NONE UINT16_MAX
static const struct number_row number_rows[OFPACT_N_KINDS] = {
	[OFPACT_STRIP_VLAN] = { 0, 18, 3, NONE },    [OFPACT_PUSH_VLAN] = { 2, 17, NONE, NONE },
	[OFPACT_PUSH_MPLS] = { 2, 19, NONE, 23 },    [OFPACT_POP_MPLS] = { 2, 20, NONE, 24 },
	[OFPACT_DEC_MPLS_TTL] = { 0, 16, NONE, 26 }, [OFPACT_SET_MPLS_TTL] = { 1, 15, NONE, 25 },
	[OFPACT_GROUP] = { 4, 22, NONE, 40 },        [OFPACT_POP_QUEUE] = { 0, NONE, NONE, 5 },
	[OFPACT_EXIT] = { 0, NONE, NONE, 17 },       [OFPACT_CT_CLEAR] = { 0, NONE, NONE, 43 },
};

static uint32_t payload_number(const struct ofpact *a)
{
	const void *p = ofpact_payload(a);

	switch (a->kind) {
	case OFPACT_PUSH_VLAN:
	case OFPACT_PUSH_MPLS:
	case OFPACT_POP_MPLS: return ntohs(((const struct ofpact_ethertype *)p)->v);
	case OFPACT_SET_MPLS_TTL: return ((const struct ofpact_u16 *)p)->v;
	case OFPACT_GROUP: return ((const struct ofpact_group *)p)->id;
	default: return 0;
	}
}

/* A tag that 1.0 cannot push is pushed by the setter that follows it. */
static void encode_number(const struct ofpact *a, uint8_t version, struct buf *out)
{
	const struct number_row *r = &number_rows[a->kind];
	uint16_t std = version == OFP10 ? r->std10 : r->std13;

	if (std != NONE)
		put_std(out, std, r->bytes, payload_number(a));
	else if (r->nx != NONE)
		put_nx(out, r->nx, r->bytes, payload_number(a));
}

static void encode_dec_ttl(const struct ofpact *a, uint8_t version, struct buf *out)
{
	const struct ofpact_dec_ttl *d = ofpact_payload(a);
	size_t start;

	if (!d->n && version != OFP10) {
		put_std(out, 24, 0, 0);
		return;
	}
	start = ofpact_wire_begin_nx(out, d->n ? 21 : 18);
	if (d->n) {
		buf_put_be16(out, d->n);
		buf_put_zeros(out, 4);
	}
	for (unsigned i = 0; i < d->n; i++)
		buf_put_be16(out, d->ids[i]);
	ofpact_wire_end(out, start);
}

static void encode_set_ttl(const struct ofpact *a, uint8_t version, struct buf *out)
{
	const struct ofpact_u16 *u = ofpact_payload(a);

	if (version == OFP10)
		put_load_bits(out, FIELD_IP_TTL, 0, 8, u->v);
	else
		put_std(out, 23, 1, u->v);
}

static void encode_set_queue(const struct ofpact *a, uint8_t version, struct buf *out)
{
	const struct ofpact_u32 *q = ofpact_payload(a);

	if (version != OFP10)
		put_std(out, 21, 4, q->v);
	else
		put_nx(out, 4, 4, q->v);
}

#define RESUBMIT 1
#define RESUBMIT_TABLE 14
#define RESUBMIT_TABLE_CT 44

static void put_resubmit(struct buf *out, struct ofp_port in_port, uint8_t table, uint16_t subtype)
{
	size_t start = ofpact_wire_begin_nx(out, subtype);

	buf_put_be16(out, ofp_port_to_of10(in_port));
	if (subtype != RESUBMIT)
		buf_put_u8(out, table);
	ofpact_wire_end(out, start);
}

static void encode_resubmit(const struct ofpact *a, uint8_t version, struct buf *out)
{
	const struct ofpact_resubmit *r = ofpact_payload(a);

	(void)version;
	put_resubmit(out, r->in_port, r->table,
		     r->ct                                              ? RESUBMIT_TABLE_CT
		     : a->raw == OFPACT_RAW_RESUBMIT && r->table == 255 ? RESUBMIT
									: RESUBMIT_TABLE);
}

static void encode_note(const struct ofpact *a, uint8_t version, struct buf *out)
{
	size_t start = ofpact_wire_begin_nx(out, 8);

	(void)version;
	buf_put(out, ofpact_payload(a), a->len);
	ofpact_wire_end(out, start);
}

/* Instructions as 1.0 spells them: those that it has no word for are left out. */
static void encode_metadata(const struct ofpact *a, uint8_t version, struct buf *out)
{
	const struct ofpact_metadata *md = ofpact_payload(a);
	size_t start;

	if (version != OFP10)
		return;
	start = ofpact_wire_begin_nx(out, 22);
	buf_put_zeros(out, 6);
	buf_put(out, &md->value, 8);
	buf_put(out, &md->mask, 8);
	ofpact_wire_end(out, start);
}

static void encode_goto(const struct ofpact *a, uint8_t version, struct buf *out)
{
	const struct ofpact_u8 *table = ofpact_payload(a);

	if (version == OFP10)
		put_resubmit(out, (struct ofp_port){ OFPP_IN_PORT_ }, table->v, RESUBMIT_TABLE);
}

static void encode_nothing(const struct ofpact *a, uint8_t version, struct buf *out)
{
	(void)a;
	(void)version;
	(void)out;
}

static act_encode_fn *const encoders[OFPACT_N_KINDS] = {
	[OFPACT_OUTPUT] = encode_output,
	[OFPACT_CONTROLLER] = encode_controller,
	[OFPACT_OUTPUT_REG] = encode_output_reg,
	[OFPACT_ENQUEUE] = encode_enqueue,
	[OFPACT_GROUP] = encode_number,
	[OFPACT_SET_FIELD] = encode_set_field,
	[OFPACT_MOVE] = encode_move,
	[OFPACT_SET_VLAN_VID] = encode_set_vlan,
	[OFPACT_SET_VLAN_PCP] = encode_set_vlan,
	[OFPACT_STRIP_VLAN] = encode_number,
	[OFPACT_PUSH_VLAN] = encode_number,
	[OFPACT_SET_L4_SRC] = encode_set_l4,
	[OFPACT_SET_L4_DST] = encode_set_l4,
	[OFPACT_PUSH_MPLS] = encode_number,
	[OFPACT_POP_MPLS] = encode_number,
	[OFPACT_DEC_TTL] = encode_dec_ttl,
	[OFPACT_SET_TTL] = encode_set_ttl,
	[OFPACT_DEC_MPLS_TTL] = encode_number,
	[OFPACT_SET_MPLS_TTL] = encode_number,
	[OFPACT_SET_QUEUE] = encode_set_queue,
	[OFPACT_POP_QUEUE] = encode_number,
	[OFPACT_RESUBMIT] = encode_resubmit,
	[OFPACT_LEARN] = ofpact_encode_learn,
	[OFPACT_NOTE] = encode_note,
	[OFPACT_EXIT] = encode_number,
	[OFPACT_CT] = ofpact_encode_ct,
	[OFPACT_NAT] = ofpact_encode_nat,
	[OFPACT_CT_CLEAR] = encode_number,
	[OFPACT_CLONE] = ofpact_encode_clone,
	[OFPACT_OUTPUT_TRUNC] = ofpact_encode_trunc,
	[OFPACT_PUSH] = ofpact_encode_stack,
	[OFPACT_POP] = ofpact_encode_stack,
	[OFPACT_CHECK_PKT_LARGER] = ofpact_encode_check_len,
	[OFPACT_SAMPLE] = ofpact_encode_sample,
	[OFPACT_CONJUNCTION] = ofpact_encode_conjunction,
	[OFPACT_FIN_TIMEOUT] = ofpact_encode_fin_timeout,
	[OFPACT_METER] = encode_nothing,
	[OFPACT_CLEAR_ACTIONS] = encode_nothing,
	[OFPACT_WRITE_ACTIONS] = encode_nothing,
	[OFPACT_WRITE_METADATA] = encode_metadata,
	[OFPACT_GOTO_TABLE] = encode_goto,
};

void ofpacts_encode(struct ofpacts l, uint8_t version, struct buf *out)
{
	const struct ofpact *a;

	OFPACT_FOR_EACH (a, l) {
		encoders[a->kind](a, version, out);
	}
}

/* --- instructions ------------------------------------------------------------------------------
 */

static bool is_instruction(uint16_t kind)
{
	return kind >= OFPACT_METER;
}

/* The run of actions of a list (one, by the order of instructions) as APPLY_ACTIONS. */
static void put_apply(struct ofpacts l, struct buf *out)
{
	size_t start = 0;
	const struct ofpact *a;
	bool open = false;

	OFPACT_FOR_EACH (a, l) {
		if (is_instruction(a->kind))
			continue;
		if (!open) {
			start = ofpact_wire_begin(out, 4);
			buf_put_zeros(out, 4);
			open = true;
		}
		encoders[a->kind](a, OFP13, out);
	}
	if (open)
		ofpact_wire_end(out, start);
}

static void put_instruction(const struct ofpact *a, struct buf *out)
{
	static const uint8_t types[OFPACT_N_KINDS] = { [OFPACT_METER] = 6,
						       [OFPACT_CLEAR_ACTIONS] = 5,
						       [OFPACT_WRITE_ACTIONS] = 3,
						       [OFPACT_WRITE_METADATA] = 2,
						       [OFPACT_GOTO_TABLE] = 1 };
	size_t start = ofpact_wire_begin(out, types[a->kind]);
	const struct ofpact_metadata *md = ofpact_payload(a);

	if (a->kind == OFPACT_METER)
		buf_put_be32(out, ((const struct ofpact_u32 *)ofpact_payload(a))->v);
	else if (a->kind == OFPACT_GOTO_TABLE)
		buf_put_u8(out, ((const struct ofpact_u8 *)ofpact_payload(a))->v);
	else
		buf_put_zeros(out, 4);
	if (a->kind == OFPACT_WRITE_ACTIONS)
		ofpacts_encode(ofpact_nested(a), OFP13, out);
	if (a->kind == OFPACT_WRITE_METADATA) {
		buf_put(out, &md->value, 8);
		buf_put(out, &md->mask, 8);
	}
	ofpact_wire_end(out, start);
}

void ofpacts_encode_instructions(struct ofpacts l, uint8_t version, struct buf *out)
{
	const struct ofpact *a;

	if (version == OFP10) {
		ofpacts_encode(l, version, out);
		return;
	}
	OFPACT_FOR_EACH (a, l) {
		if (a->kind == OFPACT_METER)
			put_instruction(a, out);
	}
	put_apply(l, out);
	OFPACT_FOR_EACH (a, l) {
		if (is_instruction(a->kind) && a->kind != OFPACT_METER)
			put_instruction(a, out);
	}
}
