/* SPDX-License-Identifier: Apache-2.0 */
/* Nicira's actions from the wire (formats: ovs-actions(7)). */
#include "ofproto/wire/ofpact_codec_impl.h"

#define SUBFIELD_N(OFS_NBITS) (((OFS_NBITS)&0x3fu) + 1)
#define SUBFIELD_OFS(OFS_NBITS) ((unsigned)(OFS_NBITS) >> 6)

enum ofperr ofpact_read_bits(struct cursor *c, unsigned ofs, unsigned n, struct ofpact_bits *b)
{
	const struct field *f;
	bool hasmask;
	enum ofperr e = nx_field_decode(c, &f, &hasmask);

	if (e)
		return e;
	if (hasmask || !n || ofs + n > f->n_bits)
		return OFPERR_BAD_SET_LEN;
	*b = (struct ofpact_bits){ (uint16_t)f->id, (uint16_t)ofs, (uint16_t)n, 0 };
	return OFPERR_OK;
}

static bool writable(const struct ofpact_bits *b)
{
	return field_get((enum field_id)b->field)->writable;
}

enum ofperr ofpact_decode_resubmit(struct act_in *in)
{
	struct ofpact_resubmit r = { .table = 255 };
	enum ofperr e = ofp_port_from_of10(cursor_be16(&in->c), &r.in_port);
	uint8_t table = cursor_u8(&in->c);

	if (e)
		return e;
	if (in->arg)
		r.table = table;
	r.ct = in->arg == 2;
	ofpact_set_raw(ofpact_put(in->list, OFPACT_RESUBMIT, &r, sizeof(r)),
		       in->arg ? OFPACT_RAW_STD : OFPACT_RAW_RESUBMIT);
	return OFPERR_OK;
}

/* arg: bytes of the tunnel id, 4 or 8. */
enum ofperr ofpact_decode_set_tunnel(struct act_in *in)
{
	union field_value v = { .b = { 0 } };

	(void)cursor_take(&in->c, in->arg == 4 ? 2 : 6);
	v.be64 = hton64(in->arg == 4 ? cursor_be32(&in->c) : cursor_be64(&in->c));
	ofpact_put_set_field(in->list, FIELD_TUN_ID, &v, NULL,
			     in->arg == 4 ? OFPACT_RAW_TUNNEL : OFPACT_RAW_TUNNEL64);
	return OFPERR_OK;
}

/* set_queue, group: a number on a boundary of 4. */
enum ofperr ofpact_decode_nx_u32(struct act_in *in)
{
	struct ofpact_u32 p;

	(void)cursor_take(&in->c, 2);
	p.v = cursor_be32(&in->c);
	ofpact_put(in->list, (enum ofpact_kind)in->kind, &p, sizeof(p));
	return OFPERR_OK;
}

enum ofperr ofpact_decode_move(struct act_in *in)
{
	uint16_t n = cursor_be16(&in->c), src_ofs = cursor_be16(&in->c),
		 dst_ofs = cursor_be16(&in->c);
	struct ofpact_move m;
	enum ofperr e = ofpact_read_bits(&in->c, src_ofs, n, &m.src);

	if (!e)
		e = ofpact_read_bits(&in->c, dst_ofs, n, &m.dst);
	if (e)
		return e;
	if (cursor_left(&in->c) >= 8)
		return OFPERR_BAD_ACT_LEN;
	if (!writable(&m.dst))
		return OFPERR_BAD_SET_ARGUMENT;
	ofpact_put(in->list, OFPACT_MOVE, &m, sizeof(m));
	return OFPERR_OK;
}

enum ofperr ofpact_decode_load(struct act_in *in)
{
	union field_value v = { .b = { 0 } }, mask = { .b = { 0 } };
	uint16_t ofs_nbits = cursor_be16(&in->c);
	struct ofpact_bits b = { 0, 0, 0, 0 };
	const struct field *f;
	enum ofperr e =
		ofpact_read_bits(&in->c, SUBFIELD_OFS(ofs_nbits), SUBFIELD_N(ofs_nbits), &b);
	uint64_t x = cursor_be64(&in->c);

	if (e)
		return e;
	f = field_get((enum field_id)b.field);
	if (b.n < 64 && x >> b.n)
		return OFPERR_BAD_ARGUMENT;
	field_value_set_bits(&v, f->n_bytes, b.ofs, b.n, x);
	field_value_set_bits(&mask, f->n_bytes, b.ofs, b.n, UINT64_MAX);
	if (!f->writable || !field_value_ok(f, &v))
		return OFPERR_BAD_SET_ARGUMENT;
	ofpact_put_set_field(in->list, f->id, &v, &mask, OFPACT_RAW_LOAD);
	return OFPERR_OK;
}

enum ofperr ofpact_decode_note(struct act_in *in)
{
	size_t n = cursor_left(&in->c);

	ofpact_put(in->list, OFPACT_NOTE, cursor_take(&in->c, n), n);
	return OFPERR_OK;
}

/* arg 2: NXAST_OUTPUT_REG2, with the length in front of the field and a field header of any size.
 */
enum ofperr ofpact_decode_output_reg(struct act_in *in)
{
	uint16_t ofs_nbits = cursor_be16(&in->c);
	struct ofpact_output_reg o = { .max_len = 0 };
	enum ofperr e;

	if (in->arg == 2)
		o.max_len = cursor_be16(&in->c);
	e = ofpact_read_bits(&in->c, SUBFIELD_OFS(ofs_nbits), SUBFIELD_N(ofs_nbits), &o.src);
	if (e)
		return e;
	if (in->arg != 2)
		o.max_len = cursor_be16(&in->c);
	else if (cursor_left(&in->c) >= 8)
		return OFPERR_BAD_ACT_LEN;
	ofpact_put(in->list, OFPACT_OUTPUT_REG, &o, sizeof(o));
	return OFPERR_OK;
}

enum ofperr ofpact_decode_controller(struct act_in *in)
{
	struct ofpact_controller k = { .max_len = 0 };

	k.max_len = cursor_be16(&in->c);
	k.controller_id = cursor_be16(&in->c);
	k.reason = cursor_u8(&in->c);
	ofpact_put(in->list, OFPACT_CONTROLLER, &k, sizeof(k));
	return OFPERR_OK;
}

/* arg 1: a list of controller ids. */
enum ofperr ofpact_decode_dec_ttl_ids(struct act_in *in)
{
	struct ofpact_dec_ttl d = { .n = 0 };

	if (in->arg) {
		d.n = cursor_be16(&in->c);
		(void)cursor_take(&in->c, 4);
		if (!d.n || d.n > ARRAY_SIZE(d.ids) || cursor_left(&in->c) < 2u * d.n)
			return OFPERR_BAD_ACT_LEN;
		for (unsigned i = 0; i < d.n; i++)
			d.ids[i] = cursor_be16(&in->c);
	}
	ofpact_put(in->list, OFPACT_DEC_TTL, &d, sizeof(d));
	return OFPERR_OK;
}

enum ofperr ofpact_decode_metadata(struct act_in *in)
{
	struct ofpact_metadata md;

	(void)cursor_take(&in->c, 6);
	cursor_copy(&in->c, &md.value, 8);
	cursor_copy(&in->c, &md.mask, 8);
	md.value &= md.mask;
	ofpact_put(in->list, OFPACT_WRITE_METADATA, &md, sizeof(md));
	return OFPERR_OK;
}
