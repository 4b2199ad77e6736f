/* SPDX-License-Identifier: Apache-2.0 */
/* Packet-in in its three forms, and packet-out. */
#include "ofproto/wire/codec.h"
#include "ofproto/wire/nx_match.h"
#include "ofproto/wire/ofpact_codec.h"

/* Properties of NXT_PACKET_IN2. */
enum {
	PIN_PACKET,
	PIN_FULL_LEN,
	PIN_BUFFER_ID,
	PIN_TABLE_ID,
	PIN_COOKIE,
	PIN_REASON,
	PIN_METADATA
};

/* A match on what came with the packet: the port, and whatever metadata is not zero. */
static void metadata_match(const struct flow_key *md, struct match *m)
{
	static const uint8_t fields[] = { FIELD_TUN_ID,       FIELD_TUN_SRC,       FIELD_TUN_DST,
					  FIELD_TUN_IPV6_SRC, FIELD_TUN_IPV6_DST,  FIELD_TUN_FLAGS,
					  FIELD_TUN_GBP_ID,   FIELD_TUN_GBP_FLAGS, FIELD_METADATA,
					  FIELD_PKT_MARK,     FIELD_CT_STATE,      FIELD_CT_ZONE,
					  FIELD_CT_MARK,      FIELD_CT_LABEL };
	union field_value v;

	match_init_catchall(m);
	for (size_t i = 0; i < sizeof(fields); i++) {
		const struct field *f = field_get((enum field_id)fields[i]);

		memset(&v, 0, sizeof(v));
		field_read(f, md, &v);
		if (!field_value_is_zero(f, &v))
			match_set_exact(m, f, &v);
	}
	for (unsigned i = 0; i < FLOW_N_REGS; i++)
		if (md->regs[i]) {
			m->key.regs[i] = md->regs[i];
			m->mask.regs[i] = UINT32_MAX;
		}
	m->key.in_port = md->in_port;
	m->mask.in_port = UINT32_MAX;
}

static void put_data(struct buf *out, size_t start, const struct ofp_packet_in *p)
{
	buf_put(out, p->data, MIN(p->len, OFP_MAX_LEN - (out->len - start)));
}

static void put_of10(struct buf *out, size_t start, const struct ofp_packet_in *p)
{
	buf_put_be32(out, p->buffer_id);
	buf_put_be16(out, (uint16_t)MIN(p->total_len, (uint32_t)UINT16_MAX));
	buf_put_be16(out, ofp_port_to_of10(flow_in_ofp(&p->md)));
	buf_put_u8(out, p->reason);
	buf_put_u8(out, 0);
	put_data(out, start, p);
}

static void put_fixed(struct buf *out, const struct ofp_packet_in *p)
{
	buf_put_be32(out, p->buffer_id);
	buf_put_be16(out, (uint16_t)MIN(p->total_len, (uint32_t)UINT16_MAX));
	buf_put_u8(out, p->reason);
	buf_put_u8(out, p->table);
	buf_put(out, &p->cookie, 8);
}

static void put_of13(struct buf *out, size_t start, const struct ofp_packet_in *p)
{
	struct match m;

	metadata_match(&p->md, &m);
	put_fixed(out, p);
	oxm_match_encode(&m, OFP13, out);
	buf_put_be16(out, 0);
	put_data(out, start, p);
}

static void put_nxt(struct buf *out, size_t start, const struct ofp_packet_in *p)
{
	struct match m;
	size_t len_at, at;

	metadata_match(&p->md, &m);
	put_fixed(out, p);
	len_at = out->len;
	buf_put_zeros(out, 8);
	at = out->len;
	nx_match_encode(&m, OFP10, NULL, out);
	buf_set_be16(out, len_at, (uint16_t)(out->len - at));
	buf_pad(out, at, 8);
	buf_put_be16(out, 0);
	put_data(out, start, p);
}

static size_t property_begin(struct buf *out, uint16_t type, size_t pad)
{
	size_t start = out->len;

	buf_put_be16(out, type);
	buf_put_be16(out, 0);
	buf_put_zeros(out, pad);
	return start;
}

static void property_end(struct buf *out, size_t start)
{
	buf_set_be16(out, start + 2, (uint16_t)(out->len - start));
	buf_pad(out, start, 8);
}

static void property_u32(struct buf *out, uint16_t type, uint32_t v)
{
	size_t at = property_begin(out, type, 0);

	buf_put_be32(out, v);
	property_end(out, at);
}

static void property_u8(struct buf *out, uint16_t type, uint8_t v)
{
	size_t at = property_begin(out, type, 0);

	buf_put_u8(out, v);
	property_end(out, at);
}

static void put_metadata(struct buf *out, uint8_t version, const struct ofp_packet_in *p)
{
	size_t at = property_begin(out, PIN_METADATA, 0);
	struct match m;

	metadata_match(&p->md, &m);
	nx_match_encode(&m, version, NULL, out);
	property_end(out, at);
}

static void put_nxt2(struct buf *out, size_t start, uint8_t version, const struct ofp_packet_in *p)
{
	size_t at = property_begin(out, PIN_PACKET, 0), room = OFP_MAX_LEN - 1024;

	buf_put(out, p->data, MIN(p->len, room - (out->len - start)));
	property_end(out, at);
	if (p->total_len > p->len)
		property_u32(out, PIN_FULL_LEN, p->total_len);
	if (p->buffer_id != OFP_NO_BUFFER_)
		property_u32(out, PIN_BUFFER_ID, p->buffer_id);
	property_u8(out, PIN_TABLE_ID, p->table);
	if (p->cookie != UINT64_MAX) {
		at = property_begin(out, PIN_COOKIE, 4);
		buf_put(out, &p->cookie, 8);
		property_end(out, at);
	}
	property_u8(out, PIN_REASON, p->reason);
	put_metadata(out, version, p);
}

void ofp_put_packet_in(struct buf *out, const struct ofp_proto *proto,
		       const struct ofp_packet_in *p)
{
	static const enum ofp_msg_kind kinds[] = { OFP_PACKET_IN, OFP_NXT_PACKET_IN,
						   OFP_NXT_PACKET_IN2 };
	size_t start = ofp_msg_begin(out, kinds[proto->packet_in], proto->version, 0);

	if (proto->packet_in == OFP_PACKET_IN_NXT2)
		put_nxt2(out, start, proto->version, p);
	else if (proto->packet_in == OFP_PACKET_IN_NXT)
		put_nxt(out, start, p);
	else if (proto->version == OFP10)
		put_of10(out, start, p);
	else
		put_of13(out, start, p);
	ofp_msg_end(out, start);
}

/* --- reading -----------------------------------------------------------------------------------
 */

static void take_data(struct cursor *c, struct ofp_packet_in *p)
{
	p->len = cursor_left(c);
	p->data = cursor_take(c, p->len);
}

static enum ofperr get_of10(struct cursor *c, struct ofp_packet_in *p)
{
	struct ofp_port port;

	p->buffer_id = cursor_be32(c);
	p->total_len = cursor_be16(c);
	if (ofp_port_from_of10(cursor_be16(c), &port))
		return OFPERR_BAD_PORT;
	p->md.in_port = htonl(port.v);
	p->reason = cursor_u8(c);
	(void)cursor_u8(c);
	take_data(c, p);
	return OFPERR_OK;
}

static enum ofperr get_match_packet_in(struct cursor *c, bool nxt, struct ofp_packet_in *p)
{
	struct match m;
	enum ofperr e;

	p->buffer_id = cursor_be32(c);
	p->total_len = cursor_be16(c);
	p->reason = cursor_u8(c);
	p->table = cursor_u8(c);
	cursor_copy(c, &p->cookie, 8);
	if (nxt) {
		uint16_t len = cursor_be16(c);
		struct cursor body;

		(void)cursor_take(c, 6);
		body = cursor_sub(c, len);
		(void)cursor_take(c, ROUND_UP((size_t)len, 8) - len);
		e = c->bad ? OFPERR_BAD_LEN : nx_match_decode(body, NX_MATCH_LOOSE, &m, NULL);
	} else {
		e = oxm_match_decode(c, &m);
	}
	if (e)
		return e;
	p->md = m.key;
	(void)cursor_be16(c);
	take_data(c, p);
	return OFPERR_OK;
}

static enum ofperr get_property(uint16_t type, struct cursor *c, struct ofp_packet_in *p)
{
	struct match m;
	enum ofperr e;

	switch (type) {
	case PIN_PACKET: take_data(c, p); break;
	case PIN_FULL_LEN: p->total_len = cursor_be32(c); break;
	case PIN_BUFFER_ID: p->buffer_id = cursor_be32(c); break;
	case PIN_TABLE_ID: p->table = cursor_u8(c); break;
	case PIN_REASON: p->reason = cursor_u8(c); break;
	case PIN_COOKIE:
		(void)cursor_take(c, 4);
		cursor_copy(c, &p->cookie, 8);
		break;
	case PIN_METADATA:
		e = nx_match_decode(*c, NX_MATCH_LOOSE, &m, NULL);
		if (e)
			return e;
		p->md = m.key;
		break;
	default: break; /* userdata, continuation: not ours */
	}
	return c->bad ? OFPERR_BAD_LEN : OFPERR_OK;
}

static enum ofperr get_nxt2(struct cursor *c, struct ofp_packet_in *p)
{
	p->buffer_id = OFP_NO_BUFFER_;
	p->cookie = UINT64_MAX;
	while (cursor_left(c)) {
		uint16_t type = cursor_be16(c), len = cursor_be16(c);
		struct cursor body;
		enum ofperr e;

		if (c->bad || len < 4)
			return OFPERR_BAD_LEN;
		body = cursor_sub(c, len - 4u);
		(void)cursor_take(c, ROUND_UP((size_t)len, 8) - len);
		if (c->bad)
			return OFPERR_BAD_LEN;
		e = get_property(type, &body, p);
		if (e)
			return e;
	}
	if (p->total_len < p->len)
		p->total_len = (uint32_t)p->len;
	return OFPERR_OK;
}

enum ofperr ofp_decode_packet_in(const struct ofp_msg *m, struct ofp_packet_in *p)
{
	struct cursor c = m->body;
	enum ofperr e;

	memset(p, 0, sizeof(*p));
	if (m->kind == OFP_NXT_PACKET_IN2)
		e = get_nxt2(&c, p);
	else if (m->kind == OFP_NXT_PACKET_IN || m->version != OFP10)
		e = get_match_packet_in(&c, m->kind == OFP_NXT_PACKET_IN, p);
	else
		e = get_of10(&c, p);
	return e ? e : c.bad ? OFPERR_BAD_LEN : OFPERR_OK;
}

/* --- packet-out --------------------------------------------------------------------------------
 */

void ofp_put_packet_out(struct buf *out, uint8_t version, uint32_t xid,
			const struct ofp_packet_out *p)
{
	size_t start = ofp_msg_begin(out, OFP_PACKET_OUT, version, xid), len_at, at;

	buf_put_be32(out, p->buffer_id);
	if (version == OFP10)
		buf_put_be16(out, ofp_port_to_of10(p->in_port));
	else
		buf_put_be32(out, p->in_port.v);
	len_at = out->len;
	buf_put_zeros(out, version == OFP10 ? 2 : 8);
	at = out->len;
	ofpacts_encode(p->actions, version, out);
	buf_set_be16(out, len_at, (uint16_t)(out->len - at));
	if (p->buffer_id == OFP_NO_BUFFER_)
		buf_put(out, p->data, p->len);
	ofp_msg_end(out, start);
}

static bool in_port_ok(struct ofp_port port)
{
	return port.v < 0xff00 || port.v == OFPP_LOCAL_ || port.v == OFPP_NONE_ ||
	       port.v == OFPP_CONTROLLER_;
}

enum ofperr ofp_decode_packet_out(const struct ofp_msg *m, struct ofp_packet_out *p,
				  struct buf *acts)
{
	struct cursor c = m->body, list;
	enum ofperr e = OFPERR_OK;
	uint16_t len;

	buf_clear(acts);
	memset(p, 0, sizeof(*p));
	p->buffer_id = cursor_be32(&c);
	if (m->version == OFP10)
		e = ofp_port_from_of10(cursor_be16(&c), &p->in_port);
	else
		p->in_port.v = cursor_be32(&c);
	if (e || !in_port_ok(p->in_port))
		return OFPERR_BAD_PORT;
	len = cursor_be16(&c);
	(void)cursor_take(&c, m->version == OFP10 ? 0 : 6);
	list = cursor_sub(&c, len);
	if (c.bad)
		return OFPERR_BAD_LEN;
	e = ofpacts_decode(list, m->version, acts);
	p->actions = ofpacts_of(acts);
	p->len = cursor_left(&c);
	p->data = cursor_take(&c, p->len);
	return e;
}
