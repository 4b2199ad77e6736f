/* SPDX-License-Identifier: Apache-2.0 */
/* Flow and aggregate statistics. */
#include "ofproto/wire/flow_impl.h"

static bool is_nxst(enum ofp_msg_kind kind)
{
	return kind == OFP_NXST_FLOW_REQUEST || kind == OFP_NXST_AGGREGATE_REQUEST ||
	       kind == OFP_NXST_FLOW_REPLY || kind == OFP_NXST_AGGREGATE_REPLY;
}

/* --- requests ----------------------------------------------------------------------------------
 */

static enum ofperr get_request10(struct cursor *c, struct ofp_flow_stats_request *r)
{
	enum ofperr e = of10_match_decode(c, &r->match);

	r->table = cursor_u8(c);
	(void)cursor_u8(c);
	return e ? e : ofp_port_from_of10(cursor_be16(c), &r->out_port);
}

static enum ofperr get_request_nxst(struct cursor *c, struct ofp_flow_stats_request *r)
{
	enum ofperr e = ofp_port_from_of10(cursor_be16(c), &r->out_port);
	uint16_t len = cursor_be16(c);
	struct nx_cookie cookie;

	r->table = cursor_u8(c);
	(void)cursor_take(c, 3);
	if (!e)
		e = flow_get_nx_match(c, len, &r->match, &cookie);
	if (e)
		return e;
	r->cookie = cookie.cookie;
	r->cookie_mask = cookie.mask;
	return cursor_left(c) ? OFPERR_BAD_LEN : OFPERR_OK;
}

static enum ofperr get_request13(struct cursor *c, struct ofp_flow_stats_request *r)
{
	enum ofperr e;

	r->table = cursor_u8(c);
	(void)cursor_take(c, 3);
	e = ofpact_out_port13(cursor_be32(c), &r->out_port);
	r->out_group = cursor_be32(c);
	(void)cursor_take(c, 4);
	cursor_copy(c, &r->cookie, 8);
	cursor_copy(c, &r->cookie_mask, 8);
	r->cookie &= r->cookie_mask;
	return e ? e : oxm_match_decode(c, &r->match);
}

enum ofperr ofp_decode_flow_stats_request(const struct ofp_msg *m, struct ofp_flow_stats_request *r)
{
	struct cursor c = m->body;

	memset(r, 0, sizeof(*r));
	r->out_group = OFPG_ANY_;
	r->aggregate = m->kind == OFP_AGGREGATE_REQUEST || m->kind == OFP_NXST_AGGREGATE_REQUEST;
	if (is_nxst(m->kind))
		return get_request_nxst(&c, r);
	return m->version == OFP10 ? get_request10(&c, r) : get_request13(&c, r);
}

static void put_request13(struct buf *out, const struct ofp_flow_stats_request *r)
{
	buf_put_u8(out, r->table);
	buf_put_zeros(out, 3);
	buf_put_be32(out, r->out_port.v);
	buf_put_be32(out, r->out_group);
	buf_put_zeros(out, 4);
	buf_put(out, &r->cookie, 8);
	buf_put(out, &r->cookie_mask, 8);
	oxm_match_encode(&r->match, OFP13, out);
}

static void put_request_nxst(struct buf *out, const struct ofp_flow_stats_request *r)
{
	struct nx_cookie cookie = { r->cookie & r->cookie_mask, r->cookie_mask };
	size_t len_at;

	buf_put_be16(out, ofp_port_to_of10(r->out_port));
	len_at = out->len;
	buf_put_be16(out, 0);
	buf_put_u8(out, r->table);
	buf_put_zeros(out, 3);
	flow_put_nx_match(out, len_at, &r->match, &cookie);
}

void ofp_put_flow_stats_request(struct buf *out, const struct ofp_proto *proto, uint32_t xid,
				const struct ofp_flow_stats_request *r)
{
	bool nxst = proto->version == OFP10 &&
		    (proto->nxm || r->cookie_mask || !of10_match_fits(&r->match));
	enum ofp_msg_kind kind;
	size_t start;

	if (nxst)
		kind = r->aggregate ? OFP_NXST_AGGREGATE_REQUEST : OFP_NXST_FLOW_REQUEST;
	else
		kind = r->aggregate ? OFP_AGGREGATE_REQUEST : OFP_FLOW_STATS_REQUEST;
	start = ofp_msg_begin(out, kind, proto->version, xid);
	if (nxst) {
		put_request_nxst(out, r);
	} else if (proto->version == OFP10) {
		of10_match_encode(&r->match, out);
		buf_put_u8(out, r->table);
		buf_put_u8(out, 0);
		buf_put_be16(out, ofp_port_to_of10(r->out_port));
	} else {
		put_request13(out, r);
	}
	ofp_msg_end(out, start);
}

/* --- reply entries -----------------------------------------------------------------------------
 */

static void put_timeouts(struct buf *out, const struct ofp_flow_stats *s)
{
	flow_put_duration(out, s->duration_ns);
	buf_put_be16(out, s->priority);
	buf_put_be16(out, s->idle_timeout);
	buf_put_be16(out, s->hard_timeout);
}

static void put_counts(struct buf *out, const struct ofp_flow_stats *s)
{
	buf_put(out, &s->cookie, 8);
	buf_put_be64(out, s->packets);
	buf_put_be64(out, s->bytes);
}

static void put_entry10(struct buf *out, const struct ofp_flow_stats *s)
{
	of10_match_encode(&s->match, out);
	put_timeouts(out, s);
	buf_put_zeros(out, 6);
	put_counts(out, s);
	ofpacts_encode(s->actions, OFP10, out);
}

/* Ages on the wire are one more than they are, so that 0 says "unknown". */
static uint16_t age(uint64_t seconds)
{
	if (seconds == UINT64_MAX)
		return 0;
	return seconds < UINT16_MAX ? (uint16_t)(seconds + 1) : UINT16_MAX;
}

static void put_entry_nxst(struct buf *out, const struct ofp_flow_stats *s)
{
	size_t len_at;

	put_timeouts(out, s);
	len_at = out->len;
	buf_put_be16(out, 0);
	buf_put_be16(out, age(s->idle_age_s));
	buf_put_be16(out, age(s->hard_age_s));
	put_counts(out, s);
	flow_put_nx_match(out, len_at, &s->match, NULL);
	ofpacts_encode(s->actions, OFP10, out);
}

static void put_entry13(struct buf *out, const struct ofp_flow_stats *s)
{
	put_timeouts(out, s);
	buf_put_be16(out, s->flags & 0x1f);
	buf_put_zeros(out, 4);
	put_counts(out, s);
	oxm_match_encode(&s->match, OFP13, out);
	ofpacts_encode_instructions(s->actions, OFP13, out);
}

void ofp_put_flow_stats(struct ofp_multipart *mp, const struct ofp_flow_stats *s)
{
	struct buf *out = mp->out;
	size_t start;

	ofp_multipart_entry(mp);
	start = out->len;
	buf_put_be16(out, 0);
	buf_put_u8(out, s->table);
	buf_put_u8(out, 0);
	if (is_nxst(mp->kind))
		put_entry_nxst(out, s);
	else if (mp->version == OFP10)
		put_entry10(out, s);
	else
		put_entry13(out, s);
	buf_set_be16(out, start, (uint16_t)(out->len - start));
	ofp_multipart_entry_end(mp);
}

static void get_timeouts(struct cursor *c, struct ofp_flow_stats *s)
{
	s->duration_ns = flow_get_duration(c);
	s->priority = cursor_be16(c);
	s->idle_timeout = cursor_be16(c);
	s->hard_timeout = cursor_be16(c);
}

static void get_counts(struct cursor *c, struct ofp_flow_stats *s)
{
	cursor_copy(c, &s->cookie, 8);
	s->packets = cursor_be64(c);
	s->bytes = cursor_be64(c);
}

static enum ofperr get_entry10(struct cursor *c, struct ofp_flow_stats *s, struct buf *acts)
{
	enum ofperr e = of10_match_decode(c, &s->match);

	get_timeouts(c, s);
	(void)cursor_take(c, 6);
	get_counts(c, s);
	if (c->bad)
		return OFPERR_BAD_LEN;
	return e ? e : ofpacts_decode(*c, OFP10, acts);
}

static enum ofperr get_entry_nxst(struct cursor *c, struct ofp_flow_stats *s, struct buf *acts)
{
	uint16_t len, idle, hard;
	enum ofperr e;

	get_timeouts(c, s);
	len = cursor_be16(c);
	idle = cursor_be16(c);
	hard = cursor_be16(c);
	s->idle_age_s = idle ? idle - 1u : UINT64_MAX;
	s->hard_age_s = hard ? hard - 1u : UINT64_MAX;
	get_counts(c, s);
	e = flow_get_nx_match(c, len, &s->match, NULL);
	return e ? e : ofpacts_decode(*c, OFP10, acts);
}

static enum ofperr get_entry13(struct cursor *c, struct ofp_flow_stats *s, struct buf *acts)
{
	enum ofperr e;

	get_timeouts(c, s);
	s->flags = cursor_be16(c);
	(void)cursor_take(c, 4);
	get_counts(c, s);
	e = oxm_match_decode(c, &s->match);
	return e ? e : ofpacts_decode_instructions(*c, OFP13, acts);
}

enum ofperr ofp_decode_flow_stats(const struct ofp_msg *m, struct cursor *body,
				  struct ofp_flow_stats *s, struct buf *acts, bool *done)
{
	struct cursor c;
	uint16_t len;
	enum ofperr e;

	buf_clear(acts);
	*done = !cursor_left(body);
	if (*done)
		return OFPERR_OK;
	memset(s, 0, sizeof(*s));
	s->idle_age_s = s->hard_age_s = UINT64_MAX;
	len = cursor_be16(body);
	if (body->bad || len < 2)
		return OFPERR_BAD_LEN;
	c = cursor_sub(body, len - 2u);
	if (c.bad)
		return OFPERR_BAD_LEN;
	s->table = cursor_u8(&c);
	(void)cursor_u8(&c);
	if (is_nxst(m->kind))
		e = get_entry_nxst(&c, s, acts);
	else
		e = m->version == OFP10 ? get_entry10(&c, s, acts) : get_entry13(&c, s, acts);
	s->actions = ofpacts_of(acts);
	return e;
}

/* --- aggregate ---------------------------------------------------------------------------------
 */

void ofp_put_aggregate_reply(struct buf *out, const struct ofp_msg *request,
			     const struct ofp_aggregate *a)
{
	size_t start =
		ofp_msg_begin(out, ofp_reply_kind(request->kind), request->version, request->xid);

	buf_put_be64(out, a->packets);
	buf_put_be64(out, a->bytes);
	buf_put_be32(out, a->flows);
	buf_put_zeros(out, 4);
	ofp_msg_end(out, start);
}

enum ofperr ofp_decode_aggregate_reply(const struct ofp_msg *m, struct ofp_aggregate *a)
{
	struct cursor c = m->body;

	a->packets = cursor_be64(&c);
	a->bytes = cursor_be64(&c);
	a->flows = cursor_be32(&c);
	return c.bad ? OFPERR_BAD_LEN : OFPERR_OK;
}

/* Requests stand in front of their replies in the enum, wherever a kind has both. */
enum ofp_msg_kind ofp_reply_kind(enum ofp_msg_kind request)
{
	return (enum ofp_msg_kind)(request + 1);
}
