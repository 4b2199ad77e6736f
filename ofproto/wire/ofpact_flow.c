/* SPDX-License-Identifier: Apache-2.0 */
/* Nicira's actions that steer a flow's processing, both ways: clone, the stack, packet length,
 * truncated output, samples, conjunctions, TCP's end (ovs-actions(7)). */
#include "ofproto/wire/ofpact_codec_impl.h"

/* --- lists in actions --- */

enum ofperr ofpact_decode_nested(struct act_in *in, size_t record)
{
	struct cursor rest = in->c;
	enum ofperr e;
	size_t len;

	if (in->depth >= OFPACT_MAX_DEPTH)
		return OFPERR_ACT_TOO_MANY;
	(void)cursor_take(&in->c, cursor_left(&in->c));
	e = ofpact_decode_list(rest, in->version, in->depth + 1, in->list);
	len = in->list->len - record - sizeof(struct ofpact);
	if (!e && len > UINT16_MAX)
		e = OFPERR_ACT_TOO_MANY;
	if (!e)
		((struct ofpact *)(void *)(in->list->data + record))->len = (uint16_t)len;
	return e;
}

enum ofperr ofpact_decode_clone(struct act_in *in)
{
	size_t record = in->list->len;

	(void)cursor_take(&in->c, 6);
	ofpact_put(in->list, OFPACT_CLONE, NULL, 0);
	return ofpact_decode_nested(in, record);
}

void ofpact_encode_clone(const struct ofpact *a, uint8_t version, struct buf *out)
{
	size_t start = ofpact_wire_begin_nx(out, 42);

	buf_put_zeros(out, 6);
	ofpacts_encode(ofpact_nested(a), version, out);
	ofpact_wire_end(out, start);
}

/* --- stack --- */

enum ofperr ofpact_decode_stack(struct act_in *in)
{
	uint16_t ofs = cursor_be16(&in->c);
	struct cursor field = in->c;
	struct ofpact_bits b = { 0, 0, 0, 0 };
	const struct field *f;
	bool hasmask;
	enum ofperr e = nx_field_decode(&in->c, &f, &hasmask); /* where the number of bits is */
	uint16_t n = cursor_be16(&in->c);

	if (!e)
		e = ofpact_read_bits(&field, ofs, n, &b);
	if (e)
		return e;
	if (in->kind == OFPACT_POP && !f->writable)
		return OFPERR_BAD_SET_ARGUMENT;
	ofpact_put(in->list, (enum ofpact_kind)in->kind, &b, sizeof(b));
	return OFPERR_OK;
}

void ofpact_encode_stack(const struct ofpact *a, uint8_t version, struct buf *out)
{
	const struct ofpact_bits *b = ofpact_payload(a);
	const struct field *f = field_get((enum field_id)b->field);
	size_t start = ofpact_wire_begin_nx(out, a->kind == OFPACT_PUSH ? 27 : 28);

	(void)version;
	buf_put_be16(out, b->ofs);
	nx_header_encode(f, OFP10, false, f->n_bytes, out);
	buf_put_be16(out, b->n);
	ofpact_wire_end(out, start);
}

/* --- packet length --- */

enum ofperr ofpact_decode_check_len(struct act_in *in)
{
	struct ofpact_check_len k = { .len = cursor_be16(&in->c) };
	uint16_t ofs = cursor_be16(&in->c);
	enum ofperr e = ofpact_read_bits(&in->c, ofs, 1, &k.dst);

	if (e)
		return e;
	if (!field_get((enum field_id)k.dst.field)->writable)
		return OFPERR_BAD_SET_ARGUMENT;
	ofpact_put(in->list, OFPACT_CHECK_PKT_LARGER, &k, sizeof(k));
	return OFPERR_OK;
}

void ofpact_encode_check_len(const struct ofpact *a, uint8_t version, struct buf *out)
{
	const struct ofpact_check_len *k = ofpact_payload(a);
	const struct field *f = field_get((enum field_id)k->dst.field);
	size_t start = ofpact_wire_begin_nx(out, 49), to = start + 24;

	(void)version;
	buf_put_be16(out, k->len);
	buf_put_be16(out, k->dst.ofs);
	nx_header_encode(f, OFP10, false, f->n_bytes, out);
	if (out->len < to)
		buf_put_zeros(out, to - out->len);
	ofpact_wire_end(out, start);
}

enum ofperr ofpact_decode_trunc(struct act_in *in)
{
	struct ofpact_output_trunc t;
	enum ofperr e = ofp_port_from_of10(cursor_be16(&in->c), &t.port);

	t.max_len = cursor_be32(&in->c);
	if (e)
		return e;
	if (t.max_len < OFPACT_TRUNC_MIN)
		return OFPERR_BAD_ARGUMENT;
	ofpact_put(in->list, OFPACT_OUTPUT_TRUNC, &t, sizeof(t));
	return OFPERR_OK;
}

void ofpact_encode_trunc(const struct ofpact *a, uint8_t version, struct buf *out)
{
	const struct ofpact_output_trunc *t = ofpact_payload(a);
	size_t start = ofpact_wire_begin_nx(out, 39);

	(void)version;
	buf_put_be16(out, ofp_port_to_of10(t->port));
	buf_put_be32(out, t->max_len);
	ofpact_wire_end(out, start);
}

/* --- samples --- */

/* arg: 1 to 3, as in NXAST_SAMPLE, _SAMPLE2, _SAMPLE3. */
enum ofperr ofpact_decode_sample(struct act_in *in)
{
	struct ofpact_sample s = { .port = { OFPP_NONE_ } };
	enum ofperr e = OFPERR_OK;

	s.probability = cursor_be16(&in->c);
	s.collector_set = cursor_be32(&in->c);
	s.domain = cursor_be32(&in->c);
	s.point = cursor_be32(&in->c);
	if (in->arg >= 2)
		e = ofp_port_from_of10(cursor_be16(&in->c), &s.port);
	if (in->arg >= 3)
		s.way = cursor_u8(&in->c);
	if (e)
		return e;
	if (!s.probability || s.way > SAMPLE_WAY_EGRESS)
		return OFPERR_BAD_ARGUMENT;
	ofpact_put(in->list, OFPACT_SAMPLE, &s, sizeof(s));
	return OFPERR_OK;
}

/* The oldest form that can say it. */
void ofpact_encode_sample(const struct ofpact *a, uint8_t version, struct buf *out)
{
	const struct ofpact_sample *s = ofpact_payload(a);
	unsigned form = s->way ? 3 : s->port.v != OFPP_NONE_ ? 2 : 1;
	static const uint16_t subtypes[] = { 0, 29, 38, 41 };
	size_t start = ofpact_wire_begin_nx(out, subtypes[form]);

	(void)version;
	buf_put_be16(out, s->probability);
	buf_put_be32(out, s->collector_set);
	buf_put_be32(out, s->domain);
	buf_put_be32(out, s->point);
	if (form >= 2)
		buf_put_be16(out, ofp_port_to_of10(s->port));
	if (form >= 3)
		buf_put_u8(out, s->way);
	ofpact_wire_end(out, start);
}

/* --- conjunctions and TCP's end --- */

enum ofperr ofpact_decode_conjunction(struct act_in *in)
{
	struct ofpact_conjunction k = { .clause = cursor_u8(&in->c) };

	k.n_clauses = cursor_u8(&in->c);
	k.id = cursor_be32(&in->c);
	if (k.n_clauses < 2 || k.n_clauses > OFPACT_CLAUSES_MAX || k.clause >= k.n_clauses)
		return OFPERR_BAD_CONJUNCTION;
	ofpact_put(in->list, OFPACT_CONJUNCTION, &k, sizeof(k));
	return OFPERR_OK;
}

void ofpact_encode_conjunction(const struct ofpact *a, uint8_t version, struct buf *out)
{
	const struct ofpact_conjunction *k = ofpact_payload(a);
	size_t start = ofpact_wire_begin_nx(out, 34);

	(void)version;
	buf_put_u8(out, k->clause);
	buf_put_u8(out, k->n_clauses);
	buf_put_be32(out, k->id);
	ofpact_wire_end(out, start);
}

enum ofperr ofpact_decode_fin_timeout(struct act_in *in)
{
	struct ofpact_fin_timeout t = { .idle = cursor_be16(&in->c) };

	t.hard = cursor_be16(&in->c);
	ofpact_put(in->list, OFPACT_FIN_TIMEOUT, &t, sizeof(t));
	return OFPERR_OK;
}

void ofpact_encode_fin_timeout(const struct ofpact *a, uint8_t version, struct buf *out)
{
	const struct ofpact_fin_timeout *t = ofpact_payload(a);
	size_t start = ofpact_wire_begin_nx(out, 19);

	(void)version;
	buf_put_be16(out, t->idle);
	buf_put_be16(out, t->hard);
	ofpact_wire_end(out, start);
}
