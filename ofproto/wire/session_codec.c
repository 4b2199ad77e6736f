/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection says about itself: hello, echo, errors, roles, async and Nicira's switches. */
#include "ofproto/wire/codec.h"

#define HELLO_BITMAP 1  /* OFPHET_VERSIONBITMAP */
#define ERROR_NX 0xb0c2 /* the type under which 1.0 carries experimenters' errors */
#define ERROR_EXPERIMENTER 0xffff

/* --- hello -------------------------------------------------------------------------------------
 */

static uint8_t highest(uint32_t versions)
{
	return versions ? (uint8_t)(31 - __builtin_clz(versions)) : 0;
}

/* Every version from 1.0 to `version`. */
static uint32_t versions_up_to(uint8_t version)
{
	return version >= 31 ? UINT32_MAX & ~1u : (2u << version) - 2;
}

void ofp_put_hello(struct buf *out, uint32_t versions, uint32_t xid)
{
	uint8_t version = highest(versions);
	size_t start = out->len;

	buf_put_u8(out, version);
	buf_put_u8(out, 0);
	buf_put_be16(out, 0);
	buf_put_be32(out, xid);
	if (versions != versions_up_to(version)) {
		buf_put_be16(out, HELLO_BITMAP);
		buf_put_be16(out, 8);
		buf_put_be32(out, versions);
	}
	ofp_msg_end(out, start);
}

enum ofperr ofp_decode_hello(const struct ofp_msg *m, uint32_t *versions)
{
	struct cursor c = m->body;

	*versions = versions_up_to(m->version);
	/* What is not an element ends the elements: a hello's body was free until 1.3.1. */
	while (cursor_left(&c) >= 4) {
		uint16_t type = cursor_be16(&c), len = cursor_be16(&c);
		struct cursor body;

		if (len < 4)
			break;
		body = cursor_sub(&c, len - 4u);
		if (body.bad)
			break;
		if (type == HELLO_BITMAP && cursor_left(&body) >= 4)
			*versions = cursor_be32(&body);
		(void)cursor_take(&c, MIN(ROUND_UP((size_t)len, 8) - len, cursor_left(&c)));
	}
	return OFPERR_OK;
}

uint8_t ofp_negotiate(uint32_t ours, uint32_t theirs)
{
	return highest(ours & theirs);
}

/* --- echo --------------------------------------------------------------------------------------
 */

void ofp_put_echo_request(struct buf *out, uint8_t version, uint32_t xid)
{
	ofp_put_empty(out, OFP_ECHO_REQUEST, version, xid);
}

void ofp_put_echo_reply(struct buf *out, const struct ofp_msg *request)
{
	size_t start = out->len;

	buf_put(out, request->all.p, cursor_left(&request->all));
	out->data[start + 1] = 3; /* OFPT_ECHO_REPLY; version, length and xid as they came */
}

/* --- errors ------------------------------------------------------------------------------------
 */

static size_t begin_error(struct buf *out, uint8_t version, uint32_t xid, enum ofperr e)
{
	struct ofperr_number n = ofperr_to_wire(e, version);
	size_t start = ofp_msg_begin(out, OFP_ERROR, version == OFP10 ? OFP10 : OFP13, xid);

	out->data[start] = version;
	if (!n.experimenter) {
		buf_put_be16(out, n.type);
		buf_put_be16(out, n.code);
	} else if (version == OFP10) {
		buf_put_be16(out, ERROR_NX);
		buf_put_be16(out, 0);
		buf_put_be32(out, n.experimenter);
		buf_put_be16(out, n.type);
		buf_put_be16(out, n.code);
	} else {
		buf_put_be16(out, ERROR_EXPERIMENTER);
		buf_put_be16(out, n.type);
		buf_put_be32(out, n.experimenter);
	}
	return start;
}

void ofp_put_error(struct buf *out, uint8_t version, enum ofperr e, const void *msg, size_t len)
{
	size_t start = begin_error(out, version, len >= OFP_HEADER_LEN ? ofp_msg_xid(msg) : 0, e);

	buf_put(out, msg, MIN(len, (size_t)OFP_ERROR_DATA));
	ofp_msg_end(out, start);
}

void ofp_put_hello_failed(struct buf *out, uint8_t version, uint32_t xid, const char *text)
{
	size_t start = begin_error(out, version, xid, OFPERR_HELLO_INCOMPATIBLE);

	buf_put(out, text, MIN(strlen(text), (size_t)OFP_ERROR_DATA));
	ofp_msg_end(out, start);
}

enum ofperr ofp_decode_error(const struct ofp_msg *m, struct ofp_error_msg *e)
{
	struct cursor c = m->body;
	struct ofperr_number n = { 0, cursor_be16(&c), 0 };
	uint16_t code = cursor_be16(&c);

	n.code = code;
	e->type = n.type;
	e->subcode = code;
	if (n.type == ERROR_NX && m->version == OFP10) {
		n.experimenter = cursor_be32(&c);
		n.type = cursor_be16(&c);
		n.code = cursor_be16(&c);
	} else if (n.type == ERROR_EXPERIMENTER && m->version != OFP10) {
		n.experimenter = cursor_be32(&c);
		n.type = code;
		n.code = 0;
	}
	if (c.bad)
		return OFPERR_BAD_LEN;
	e->code = ofperr_from_wire(n, m->version);
	e->data = c.p;
	e->len = cursor_left(&c);
	return OFPERR_OK;
}

/* --- roles -------------------------------------------------------------------------------------
 */

/* Nicira's roles: other 0, master 1, slave 2; 1.3 has "no change" in front. */
void ofp_put_role(struct buf *out, enum ofp_msg_kind kind, uint8_t version, uint32_t xid,
		  const struct ofp_role_msg *r)
{
	size_t start = ofp_msg_begin(out, kind, version, xid);

	if (version == OFP10) {
		buf_put_be32(out, r->role ? r->role - 1 : 0);
	} else {
		buf_put_be32(out, r->role);
		buf_put_be32(out, 0);
		buf_put_be64(out, r->have_generation ? r->generation : UINT64_MAX);
	}
	ofp_msg_end(out, start);
}

enum ofperr ofp_decode_role(const struct ofp_msg *m, struct ofp_role_msg *r)
{
	struct cursor c = m->body;
	uint32_t role = cursor_be32(&c);

	memset(r, 0, sizeof(*r));
	r->nicira = m->version == OFP10;
	if (r->nicira) {
		if (role > 2)
			return OFPERR_ROLE_BAD_ROLE;
		r->role = role + 1;
		return OFPERR_OK;
	}
	if (role > OFPCR_SLAVE_)
		return OFPERR_ROLE_BAD_ROLE;
	r->role = role;
	(void)cursor_be32(&c);
	r->generation = cursor_be64(&c);
	r->have_generation = role == OFPCR_MASTER_ || role == OFPCR_SLAVE_ ||
			     (m->kind == OFP_ROLE_REPLY && r->generation != UINT64_MAX);
	return OFPERR_OK;
}

/* --- async -------------------------------------------------------------------------------------
 */

void ofp_put_async(struct buf *out, enum ofp_msg_kind kind, uint8_t version, uint32_t xid,
		   const struct ofp_async *a)
{
	size_t start = ofp_msg_begin(out, kind, version, xid);

	for (unsigned i = 0; i < 2; i++)
		buf_put_be32(out, a->packet_in[i]);
	for (unsigned i = 0; i < 2; i++)
		buf_put_be32(out, a->port_status[i]);
	for (unsigned i = 0; i < 2; i++)
		buf_put_be32(out, a->flow_removed[i]);
	ofp_msg_end(out, start);
}

enum ofperr ofp_decode_async(const struct ofp_msg *m, struct ofp_async *a)
{
	struct cursor c = m->body;

	for (unsigned i = 0; i < 2; i++)
		a->packet_in[i] = cursor_be32(&c);
	for (unsigned i = 0; i < 2; i++)
		a->port_status[i] = cursor_be32(&c);
	for (unsigned i = 0; i < 2; i++)
		a->flow_removed[i] = cursor_be32(&c);
	return c.bad ? OFPERR_BAD_LEN : OFPERR_OK;
}

/* --- Nicira's switches -------------------------------------------------------------------------
 */

enum ofperr ofp_decode_set_flow_format(const struct ofp_msg *m, bool *nxm)
{
	struct cursor c = m->body;
	uint32_t format = cursor_be32(&c);

	if (format != 0 && format != 2) /* NXFF_OPENFLOW10, NXFF_NXM */
		return OFPERR_EPERM;
	*nxm = format;
	return OFPERR_OK;
}

enum ofperr ofp_decode_flow_mod_table_id(const struct ofp_msg *m, bool *on)
{
	struct cursor c = m->body;

	*on = cursor_u8(&c);
	return OFPERR_OK;
}

enum ofperr ofp_decode_set_packet_in_format(const struct ofp_msg *m, uint8_t *format)
{
	struct cursor c = m->body;
	uint32_t f = cursor_be32(&c);

	if (f > OFP_PACKET_IN_NXT2)
		return OFPERR_EPERM;
	*format = (uint8_t)f;
	return OFPERR_OK;
}

enum ofperr ofp_decode_set_controller_id(const struct ofp_msg *m, uint16_t *id)
{
	struct cursor c = m->body;

	for (unsigned i = 0; i < 6; i++)
		if (cursor_u8(&c))
			return OFPERR_MUST_BE_ZERO;
	*id = cursor_be16(&c);
	return OFPERR_OK;
}

void ofp_put_nicira_u32(struct buf *out, enum ofp_msg_kind kind, uint8_t version, uint32_t xid,
			uint32_t value)
{
	size_t start = ofp_msg_begin(out, kind, version, xid);

	if (kind == OFP_NXT_FLOW_MOD_TABLE_ID) {
		buf_put_u8(out, value != 0);
		buf_put_zeros(out, 7);
	} else if (kind == OFP_NXT_SET_CONTROLLER_ID) {
		buf_put_zeros(out, 6);
		buf_put_be16(out, (uint16_t)value);
	} else {
		buf_put_be32(out, value);
	}
	ofp_msg_end(out, start);
}
