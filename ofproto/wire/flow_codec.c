/* SPDX-License-Identifier: Apache-2.0 */
/* Flow-mod and flow-removed, in 1.0's, Nicira's and 1.3's form. */
#include "ofproto/wire/flow_impl.h"

#define FLAGS10 0x7u
#define FLAGS10_EMERG 0x4u
#define FLAGS13 0x1fu
#define OF10_WILDCARDS_ALL ((1u << 22) - 1)
#define PRIORITY_EXACT 0xffff

/* --- pieces ------------------------------------------------------------------------------------
 */

enum ofperr flow_get_nx_match(struct cursor *c, uint16_t len, struct match *m,
			      struct nx_cookie *cookie)
{
	struct cursor body = cursor_sub(c, len);

	(void)cursor_take(c, ROUND_UP((size_t)len, 8) - len);
	return c->bad ? OFPERR_MATCH_BAD_LEN : nx_match_decode(body, NX_MATCH_STRICT, m, cookie);
}

void flow_put_nx_match(struct buf *out, size_t len_at, const struct match *m,
		       const struct nx_cookie *cookie)
{
	size_t at = out->len;

	nx_match_encode(m, OFP10, cookie, out);
	buf_set_be16(out, len_at, (uint16_t)(out->len - at));
	buf_pad(out, at, 8);
}

void flow_put_duration(struct buf *out, uint64_t ns)
{
	buf_put_be32(out, (uint32_t)(ns / 1000000000));
	buf_put_be32(out, (uint32_t)(ns % 1000000000));
}

uint64_t flow_get_duration(struct cursor *c)
{
	uint64_t s = cursor_be32(c);

	return s * 1000000000 + cursor_be32(c);
}

/* The protocol that the match names, for setters of ports that later versions want to name it. */
static uint8_t matched_l4(const struct match *m)
{
	if (field_prereq_matched(FIELD_PRE_TCP, &m->key, &m->mask) ||
	    field_prereq_matched(FIELD_PRE_UDP, &m->key, &m->mask) ||
	    field_prereq_matched(FIELD_PRE_SCTP, &m->key, &m->mask))
		return m->key.nw_proto;
	return 0;
}

static void note_l4(struct buf *acts, const struct match *m)
{
	uint8_t proto = matched_l4(m);
	struct ofpacts l = ofpacts_of(acts);
	size_t at = 0;

	for (const struct ofpact *a = ofpact_first(l); a; a = ofpact_next(l, a)) {
		at = (size_t)((const uint8_t *)a - acts->data);
		if (a->kind == OFPACT_SET_L4_SRC || a->kind == OFPACT_SET_L4_DST)
			((struct ofpact *)(void *)(acts->data + at))->raw = proto;
	}
}

/* --- reading -----------------------------------------------------------------------------------
 */

static bool deletes(const struct ofp_flow_mod *fm)
{
	return fm->command == OFPFC_DELETE_ || fm->command == OFPFC_DELETE_STRICT_;
}

/* 1.0's command; with Nicira's table extension the upper byte is the table. */
static enum ofperr set_command10(struct ofp_flow_mod *fm, uint16_t command, bool table_id)
{
	fm->table = 255;
	if (table_id) {
		fm->table = (uint8_t)(command >> 8);
		command &= 0xff;
	}
	if (command > OFPFC_DELETE_STRICT_)
		return OFPERR_FM_BAD_COMMAND;
	fm->command = (uint8_t)command;
	return OFPERR_OK;
}

/* 1.0 always starts an added flow's counters at zero. */
static enum ofperr set_flags10(struct ofp_flow_mod *fm, uint16_t flags)
{
	if (flags & ~FLAGS10)
		return OFPERR_FM_BAD_FLAGS;
	fm->flags = flags & (OFPFF_SEND_FLOW_REM_ | OFPFF_CHECK_OVERLAP_);
	if (flags & FLAGS10_EMERG)
		fm->flags |= OFPFF_EMERG_;
	if (fm->command == OFPFC_ADD_)
		fm->flags |= OFPFF_RESET_COUNTS_;
	return OFPERR_OK;
}

/* cookie, command, timeouts, priority, buffer, out_port, flags: 1.0 and Nicira have them alike. */
static enum ofperr get_fixed10(struct cursor *c, bool table_id, struct ofp_flow_mod *fm)
{
	uint16_t out_port;
	enum ofperr e;

	cursor_copy(c, &fm->cookie, 8);
	e = set_command10(fm, cursor_be16(c), table_id);
	fm->idle_timeout = cursor_be16(c);
	fm->hard_timeout = cursor_be16(c);
	fm->priority = cursor_be16(c);
	fm->buffer_id = cursor_be32(c);
	out_port = cursor_be16(c);
	if (!e)
		e = set_flags10(fm, cursor_be16(c));
	if (!e && deletes(fm))
		e = ofp_port_from_of10(out_port, &fm->out_port);
	fm->set_cookie = fm->cookie != UINT64_MAX;
	return e;
}

static enum ofperr get_of10(struct cursor *c, bool table_id, struct ofp_flow_mod *fm,
			    struct buf *acts)
{
	struct cursor ahead = *c;
	uint32_t wildcards = cursor_be32(&ahead);
	enum ofperr e = of10_match_decode(c, &fm->match);

	if (!e)
		e = get_fixed10(c, table_id, fm);
	if (e)
		return e;
	/* section 3.4: exact entries are always above those with wildcards */
	if (!(wildcards & OF10_WILDCARDS_ALL))
		fm->priority = PRIORITY_EXACT;
	return ofpacts_decode(*c, OFP10, acts);
}

static enum ofperr get_nxt(struct cursor *c, bool table_id, struct ofp_flow_mod *fm,
			   struct buf *acts)
{
	struct nx_cookie cookie;
	enum ofperr e = get_fixed10(c, table_id, fm);
	uint16_t len = cursor_be16(c);

	(void)cursor_take(c, 6);
	if (!e)
		e = flow_get_nx_match(c, len, &fm->match, &cookie);
	if (e)
		return e;
	if (fm->command == OFPFC_ADD_ && cookie.mask)
		return OFPERR_NXM_INVALID; /* an added flow has no cookie to look for yet */
	fm->filter_cookie = cookie.cookie;
	fm->filter_mask = cookie.mask;
	return ofpacts_decode(*c, OFP10, acts);
}

/* out_port and out_group filter deletions only. */
static enum ofperr get_filter13(struct cursor *c, struct ofp_flow_mod *fm)
{
	uint32_t port = cursor_be32(c), group = cursor_be32(c);

	if (!deletes(fm))
		return OFPERR_OK;
	fm->out_group = group;
	return ofpact_out_port13(port, &fm->out_port);
}

static enum ofperr get_of13(struct cursor *c, struct ofp_flow_mod *fm, struct buf *acts)
{
	be64 cookie, mask;
	enum ofperr e;

	cursor_copy(c, &cookie, 8);
	cursor_copy(c, &mask, 8);
	fm->table = cursor_u8(c);
	fm->command = cursor_u8(c);
	if (fm->command > OFPFC_DELETE_STRICT_)
		return OFPERR_FM_BAD_COMMAND;
	if (fm->table == OFPTT_ALL_ && !deletes(fm))
		return OFPERR_FM_BAD_TABLE_ID;
	fm->cookie = cookie;
	if (fm->command != OFPFC_ADD_) {
		fm->filter_cookie = cookie & mask;
		fm->filter_mask = mask;
	}
	fm->idle_timeout = cursor_be16(c);
	fm->hard_timeout = cursor_be16(c);
	fm->priority = cursor_be16(c);
	fm->buffer_id = cursor_be32(c);
	e = get_filter13(c, fm);
	fm->flags = cursor_be16(c);
	(void)cursor_be16(c);
	if (!e && fm->flags & ~FLAGS13)
		e = OFPERR_FM_BAD_FLAGS;
	if (!e)
		e = oxm_match_decode(c, &fm->match);
	return e ? e : ofpacts_decode_instructions(*c, OFP13, acts);
}

enum ofperr ofp_decode_flow_mod(const struct ofp_msg *m, const struct ofp_proto *proto,
				struct ofp_flow_mod *fm, struct buf *acts)
{
	struct cursor c = m->body;
	enum ofperr e;

	buf_clear(acts);
	memset(fm, 0, sizeof(*fm));
	fm->out_port.v = OFPP_NONE_;
	fm->out_group = OFPG_ANY_;
	if (m->kind == OFP_NXT_FLOW_MOD)
		e = get_nxt(&c, proto->table_id, fm, acts);
	else if (m->version == OFP10)
		e = get_of10(&c, proto->table_id, fm, acts);
	else
		e = get_of13(&c, fm, acts);
	if (e)
		return e;
	if (deletes(fm))
		buf_clear(acts);
	note_l4(acts, &fm->match);
	fm->actions = ofpacts_of(acts);
	return OFPERR_OK;
}

/* --- writing -----------------------------------------------------------------------------------
 */

static void put_fixed10(struct buf *out, bool table_id, const struct ofp_flow_mod *fm)
{
	uint16_t flags = fm->flags & (OFPFF_SEND_FLOW_REM_ | OFPFF_CHECK_OVERLAP_);

	if (fm->flags & OFPFF_EMERG_)
		flags |= FLAGS10_EMERG;
	if (fm->command == OFPFC_ADD_ || fm->set_cookie)
		buf_put(out, &fm->cookie, 8);
	else
		buf_put_be64(out, deletes(fm) ? 0 : UINT64_MAX);
	buf_put_be16(out, (uint16_t)(fm->command | (table_id ? fm->table << 8 : 0)));
	buf_put_be16(out, fm->idle_timeout);
	buf_put_be16(out, fm->hard_timeout);
	buf_put_be16(out, fm->priority);
	buf_put_be32(out, fm->buffer_id);
	buf_put_be16(out, ofp_port_to_of10(fm->out_port));
	buf_put_be16(out, flags);
}

static void put_nxt(struct buf *out, bool table_id, const struct ofp_flow_mod *fm)
{
	struct nx_cookie cookie = { fm->filter_cookie & fm->filter_mask, fm->filter_mask };
	size_t len_at;

	put_fixed10(out, table_id, fm);
	len_at = out->len;
	buf_put_zeros(out, 8);
	flow_put_nx_match(out, len_at, &fm->match, &cookie);
}

static void put_of13(struct buf *out, const struct ofp_flow_mod *fm)
{
	be64 cookie = fm->command == OFPFC_ADD_ ? fm->cookie : fm->filter_cookie;

	buf_put(out, &cookie, 8);
	buf_put(out, &fm->filter_mask, 8);
	buf_put_u8(out, fm->table);
	buf_put_u8(out, fm->command);
	buf_put_be16(out, fm->idle_timeout);
	buf_put_be16(out, fm->hard_timeout);
	buf_put_be16(out, fm->priority);
	buf_put_be32(out, fm->buffer_id);
	buf_put_be32(out, fm->out_port.v);
	buf_put_be32(out, fm->out_group);
	buf_put_be16(out, fm->flags & FLAGS13);
	buf_put_be16(out, 0);
	oxm_match_encode(&fm->match, OFP13, out);
	ofpacts_encode_instructions(fm->actions, OFP13, out);
}

void ofp_put_flow_mod(struct buf *out, const struct ofp_proto *proto, uint32_t xid,
		      const struct ofp_flow_mod *fm)
{
	bool of13 = proto->version != OFP10;
	bool nxm = !of13 && (proto->nxm || fm->filter_mask || !of10_match_fits(&fm->match));
	size_t start =
		ofp_msg_begin(out, nxm ? OFP_NXT_FLOW_MOD : OFP_FLOW_MOD, proto->version, xid);

	if (of13) {
		put_of13(out, fm);
	} else if (nxm) {
		put_nxt(out, proto->table_id, fm);
	} else {
		of10_match_encode(&fm->match, out);
		put_fixed10(out, proto->table_id, fm);
	}
	if (!of13)
		ofpacts_encode(fm->actions, OFP10, out);
	ofp_msg_end(out, start);
}

/* --- flow-removed ------------------------------------------------------------------------------
 */

static void put_removed_nxt(struct buf *out, const struct ofp_flow_removed *r)
{
	size_t len_at;

	buf_put(out, &r->cookie, 8);
	buf_put_be16(out, r->priority);
	buf_put_u8(out, r->reason);
	buf_put_u8(out, (uint8_t)(r->table + 1)); /* 0: not said */
	flow_put_duration(out, r->duration_ns);
	buf_put_be16(out, r->idle_timeout);
	len_at = out->len;
	buf_put_be16(out, 0);
	buf_put_be64(out, r->packets);
	buf_put_be64(out, r->bytes);
	flow_put_nx_match(out, len_at, &r->match, NULL);
}

static void put_removed10(struct buf *out, const struct ofp_flow_removed *r)
{
	of10_match_encode(&r->match, out);
	buf_put(out, &r->cookie, 8);
	buf_put_be16(out, r->priority);
	buf_put_u8(out, r->reason);
	buf_put_u8(out, 0);
	flow_put_duration(out, r->duration_ns);
	buf_put_be16(out, r->idle_timeout);
	buf_put_zeros(out, 2);
	buf_put_be64(out, r->packets);
	buf_put_be64(out, r->bytes);
}

static void put_removed13(struct buf *out, const struct ofp_flow_removed *r)
{
	buf_put(out, &r->cookie, 8);
	buf_put_be16(out, r->priority);
	buf_put_u8(out, r->reason);
	buf_put_u8(out, r->table);
	flow_put_duration(out, r->duration_ns);
	buf_put_be16(out, r->idle_timeout);
	buf_put_be16(out, r->hard_timeout);
	buf_put_be64(out, r->packets);
	buf_put_be64(out, r->bytes);
	oxm_match_encode(&r->match, OFP13, out);
}

void ofp_put_flow_removed(struct buf *out, const struct ofp_proto *proto,
			  const struct ofp_flow_removed *r)
{
	bool nxm = proto->version == OFP10 && proto->nxm;
	size_t start = ofp_msg_begin(out, nxm ? OFP_NXT_FLOW_REMOVED : OFP_FLOW_REMOVED,
				     proto->version, 0);

	if (nxm)
		put_removed_nxt(out, r);
	else if (proto->version == OFP10)
		put_removed10(out, r);
	else
		put_removed13(out, r);
	ofp_msg_end(out, start);
}

enum ofperr ofp_decode_flow_removed(const struct ofp_msg *m, struct ofp_flow_removed *r)
{
	struct cursor c = m->body;
	bool nxt = m->kind == OFP_NXT_FLOW_REMOVED, of10 = m->version == OFP10 && !nxt;
	uint16_t last;
	enum ofperr e;

	memset(r, 0, sizeof(*r));
	e = of10 ? of10_match_decode(&c, &r->match) : OFPERR_OK;
	if (e)
		return e;
	cursor_copy(&c, &r->cookie, 8);
	r->priority = cursor_be16(&c);
	r->reason = cursor_u8(&c);
	r->table = cursor_u8(&c);
	r->duration_ns = flow_get_duration(&c);
	r->idle_timeout = cursor_be16(&c);
	last = cursor_be16(&c); /* hard timeout, the match's length, or padding */
	r->packets = cursor_be64(&c);
	r->bytes = cursor_be64(&c);
	if (nxt) {
		r->table = r->table ? r->table - 1 : 255;
		return flow_get_nx_match(&c, last, &r->match, NULL);
	}
	if (of10) {
		r->table = 255;
		return OFPERR_OK;
	}
	r->hard_timeout = last;
	return oxm_match_decode(&c, &r->match);
}
