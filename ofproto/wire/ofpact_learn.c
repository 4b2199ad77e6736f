/* SPDX-License-Identifier: Apache-2.0 */
/* NXAST_LEARN and NXAST_LEARN2, both ways.  A learn is a flow-mod template: a fixed part, and specs
 * that say which bits of the packet or which constant go into the new flow's match, its actions or
 * its output (ovs-actions(7), "The learn action"). */
#include "ofproto/wire/ofpact_codec_impl.h"

#define SPEC_N_BITS 0x03ff
#define SPEC_SRC_VALUE (1 << 13)
#define SPEC_DST_LOAD (1 << 11)
#define SPEC_DST_OUTPUT (2 << 11)
#define SPEC_DST_MASK (3 << 11)
#define SPEC_ZERO 0xc400
#define LEARN_KNOWN_FLAGS (OFPACT_LEARN_SEND_FLOW_REM | OFPACT_LEARN_DELETE)

/* A constant's bytes on the wire: whole 16-bit words. */
static size_t value_bytes(unsigned n_bits)
{
	return 2 * DIV_ROUND_UP(n_bits, 16u);
}

static enum ofperr read_value(struct cursor *c, struct ofpact_learn_spec *s)
{
	size_t wire = value_bytes(s->n_bits), keep = DIV_ROUND_UP(s->n_bits, 8u);
	const uint8_t *p;

	if (s->n_bits > 8 * sizeof(s->value))
		return OFPERR_BAD_SET_LEN;
	p = cursor_take(c, wire);
	if (!p)
		return OFPERR_BAD_ACT_LEN;
	memcpy(&s->value, p + wire - keep, keep);
	if (s->n_bits % 8)
		s->value.b[0] &= (uint8_t)((1u << s->n_bits % 8) - 1);
	return OFPERR_OK;
}

static enum ofperr read_part(struct cursor *c, unsigned n, struct ofpact_bits *b)
{
	struct cursor ahead = *c;
	const struct field *f;
	bool hasmask;
	enum ofperr e = nx_field_decode(&ahead, &f, &hasmask);
	uint16_t ofs = cursor_be16(&ahead);

	if (!e)
		e = ofpact_read_bits(c, ofs, n, b);
	(void)cursor_be16(c);
	return e;
}

static enum ofperr read_spec(struct cursor *c, uint16_t header, struct ofpact_learn_spec *s)
{
	enum ofperr e;

	memset(s, 0, sizeof(*s));
	s->n_bits = header & SPEC_N_BITS;
	s->src_type = header & SPEC_SRC_VALUE ? LEARN_SRC_VALUE : LEARN_SRC_FIELD;
	s->dst_type = (uint8_t)((header & SPEC_DST_MASK) >> 11);
	if (header & SPEC_ZERO || s->dst_type > LEARN_DST_OUTPUT || !s->n_bits)
		return OFPERR_BAD_ARGUMENT;
	if (s->src_type == LEARN_SRC_VALUE)
		e = read_value(c, s);
	else
		e = read_part(c, s->n_bits, &s->src);
	if (!e && s->dst_type != LEARN_DST_OUTPUT)
		e = read_part(c, s->n_bits, &s->dst);
	if (e)
		return e;
	if (s->dst_type == LEARN_DST_LOAD && !field_get((enum field_id)s->dst.field)->writable)
		return OFPERR_BAD_SET_ARGUMENT;
	return OFPERR_OK;
}

static bool rest_is_zero(struct cursor *c)
{
	while (cursor_left(c))
		if (cursor_u8(c))
			return false;
	return true;
}

static enum ofperr read_specs(struct act_in *in, size_t record)
{
	struct ofpact_learn_spec s;
	uint32_t n = 0;

	while (cursor_left(&in->c) >= 2) {
		uint16_t header = cursor_be16(&in->c);
		enum ofperr e;

		if (!header)
			break;
		if (n++ == OFPACT_MAX_LEARN_SPECS)
			return OFPERR_ACT_TOO_MANY;
		e = read_spec(&in->c, header, &s);
		if (e)
			return e;
		buf_put(in->list, &s, sizeof(s));
	}
	if (in->c.bad || !rest_is_zero(&in->c))
		return OFPERR_BAD_ARGUMENT;
	struct ofpact *a = (struct ofpact *)(void *)(in->list->data + record);
	struct ofpact_learn *l = (struct ofpact_learn *)(void *)(a + 1);

	l->n_specs = n;
	a->len = (uint16_t)(sizeof(*l) + n * sizeof(s));
	return OFPERR_OK;
}

/* arg 1: NXAST_LEARN2, with a limit. */
enum ofperr ofpact_decode_learn(struct act_in *in)
{
	size_t record = in->list->len;
	struct ofpact_learn l = { .limit = 0 };
	uint16_t flags;

	_Static_assert(sizeof(struct ofpact_learn) % 8 == 0, "specs follow without padding");
	l.idle_timeout = cursor_be16(&in->c);
	l.hard_timeout = cursor_be16(&in->c);
	l.priority = cursor_be16(&in->c);
	cursor_copy(&in->c, &l.cookie, 8);
	flags = cursor_be16(&in->c);
	l.table = cursor_u8(&in->c);
	(void)cursor_u8(&in->c);
	l.fin_idle = cursor_be16(&in->c);
	l.fin_hard = cursor_be16(&in->c);
	if (in->arg) {
		l.limit = cursor_be32(&in->c);
		(void)cursor_be32(&in->c); /* where to write the result: a flag that is refused */
	}
	if (flags & ~LEARN_KNOWN_FLAGS || l.table == 255)
		return OFPERR_BAD_ARGUMENT;
	l.flags = (uint8_t)flags;
	ofpact_put(in->list, OFPACT_LEARN, &l, sizeof(l));
	return read_specs(in, record);
}

/* --- writing -----------------------------------------------------------------------------------
 */

static void write_part(const struct ofpact_bits *b, struct buf *out)
{
	const struct field *f = field_get((enum field_id)b->field);

	nx_header_encode(f, OFP10, false, f->n_bytes, out);
	buf_put_be16(out, b->ofs);
}

static void write_spec(const struct ofpact_learn_spec *s, struct buf *out)
{
	uint16_t header = (uint16_t)(s->n_bits | s->dst_type << 11);

	if (s->src_type == LEARN_SRC_VALUE) {
		size_t keep = DIV_ROUND_UP(s->n_bits, 8u);

		buf_put_be16(out, header | SPEC_SRC_VALUE);
		buf_put_zeros(out, value_bytes(s->n_bits) - keep);
		buf_put(out, &s->value, keep);
	} else {
		buf_put_be16(out, header);
		write_part(&s->src, out);
	}
	if (s->dst_type != LEARN_DST_OUTPUT)
		write_part(&s->dst, out);
}

void ofpact_encode_learn(const struct ofpact *a, uint8_t version, struct buf *out)
{
	const struct ofpact_learn *l = ofpact_payload(a);
	const struct ofpact_learn_spec *s = (const void *)(l + 1);
	size_t start = ofpact_wire_begin_nx(out, l->limit ? 45 : 16);

	(void)version;
	buf_put_be16(out, l->idle_timeout);
	buf_put_be16(out, l->hard_timeout);
	buf_put_be16(out, l->priority);
	buf_put(out, &l->cookie, 8);
	buf_put_be16(out, l->flags);
	buf_put_u8(out, l->table);
	buf_put_u8(out, 0);
	buf_put_be16(out, l->fin_idle);
	buf_put_be16(out, l->fin_hard);
	if (l->limit) {
		buf_put_be32(out, l->limit);
		buf_put_be32(out, 0);
	}
	for (uint32_t i = 0; i < l->n_specs; i++)
		write_spec(&s[i], out);
	ofpact_wire_end(out, start);
}
