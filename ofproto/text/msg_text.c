/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/text/msg_text.h"

#include <inttypes.h>

#include "ofproto/text/flow_text.h"
#include "ofproto/wire/codec.h"

/* What a message says beyond its name; the buffers are scratch. */
struct say {
	const struct ofp_msg *m;
	struct buf acts, buckets;
	struct str *out;
};
typedef enum ofperr say_fn(struct say *s);

static const char *const commands[] = { "ADD", "MOD", "MOD_STRICT", "DEL", "DEL_STRICT" };
static const char *const group_commands[] = { "ADD", "MOD", "DEL", "ADD_OR_MOD" };

static enum ofperr say_hello(struct say *s)
{
	uint32_t versions;
	enum ofperr e = ofp_decode_hello(s->m, &versions);

	str_printf(s->out, "version bitmap: 0x%" PRIx32, versions);
	return e;
}

static enum ofperr say_error(struct say *s)
{
	struct ofp_error_msg em;
	enum ofperr e = ofp_decode_error(s->m, &em);

	if (e)
		return e;
	if (em.code)
		str_puts(s->out, ofperr_name(em.code));
	else
		str_printf(s->out, "type %u, code %u", em.type, em.subcode);
	return OFPERR_OK;
}

static enum ofperr say_flow_mod(struct say *s)
{
	const struct ofp_proto proto = { .version = s->m->version, .table_id = true };
	struct ofp_flow_mod fm;
	enum ofperr e = ofp_decode_flow_mod(s->m, &proto, &fm, &s->acts);

	if (e)
		return e;
	str_printf(s->out, "%s ", commands[fm.command]);
	flow_format(fm.table == OFPTT_ALL_ ? 0 : fm.table, fm.priority, &fm.match, fm.actions, NULL,
		    s->out);
	return OFPERR_OK;
}

static enum ofperr say_flow_removed(struct say *s)
{
	static const char *const reasons[] = { "idle", "hard", "delete", "group_delete",
					       "eviction" };
	struct ofp_flow_removed r;
	enum ofperr e = ofp_decode_flow_removed(s->m, &r);

	if (e)
		return e;
	match_format(&r.match, NULL, NULL, s->out);
	str_printf(s->out, " reason=%s pkts%" PRIu64 " bytes%" PRIu64,
		   r.reason < ARRAY_SIZE(reasons) ? reasons[r.reason] : "?", r.packets, r.bytes);
	return OFPERR_OK;
}

static enum ofperr say_packet_in(struct say *s)
{
	static const char *const reasons[] = { "no_match", "action", "invalid_ttl" };
	struct ofp_packet_in p;
	enum ofperr e = ofp_decode_packet_in(s->m, &p);

	if (e)
		return e;
	str_printf(s->out, "total_len=%" PRIu32 " in_port=", p.total_len);
	ofp_port_format(flow_in_ofp(&p.md), NULL, s->out);
	str_printf(s->out, " (via %s) data_len=%zu",
		   p.reason < ARRAY_SIZE(reasons) ? reasons[p.reason] : "?", p.len);
	return OFPERR_OK;
}

static enum ofperr say_packet_out(struct say *s)
{
	struct ofp_packet_out p;
	enum ofperr e = ofp_decode_packet_out(s->m, &p, &s->acts);

	if (e)
		return e;
	str_puts(s->out, "in_port=");
	ofp_port_format(p.in_port, NULL, s->out);
	str_puts(s->out, " actions=");
	ofpacts_format(p.actions, NULL, s->out);
	str_printf(s->out, " data_len=%zu", p.len);
	return OFPERR_OK;
}

static enum ofperr say_port_status(struct say *s)
{
	static const char *const reasons[] = { "ADD", "DEL", "MOD" };
	struct ofp_phy_port p;
	uint8_t reason;
	enum ofperr e = ofp_decode_port_status(s->m, &reason, &p);

	if (!e)
		str_printf(s->out, "%s: %" PRIu32 "(%s)", reasons[reason], p.no.v, p.name);
	return e;
}

static enum ofperr say_group_mod(struct say *s)
{
	struct ofp_group_mod gm;
	enum ofperr e = ofp_decode_group_mod(s->m, &gm, &s->acts, &s->buckets);

	if (e)
		return e;
	str_printf(s->out, "%s ", group_commands[gm.command]);
	group_format(&gm, NULL, s->out);
	return OFPERR_OK;
}

static enum ofperr say_role(struct say *s)
{
	static const char *const roles[] = { "nochange", "equal", "primary", "secondary" };
	struct ofp_role_msg r;
	enum ofperr e = ofp_decode_role(s->m, &r);

	if (e)
		return e;
	str_printf(s->out, "role=%s", roles[r.role]);
	if (r.have_generation)
		str_printf(s->out, " generation_id=%" PRIu64, r.generation);
	return OFPERR_OK;
}

static enum ofperr say_flow_request(struct say *s)
{
	struct ofp_flow_stats_request r;
	enum ofperr e = ofp_decode_flow_stats_request(s->m, &r);

	if (e)
		return e;
	if (r.table != OFPTT_ALL_)
		str_printf(s->out, "table=%u ", r.table);
	match_format(&r.match, NULL, NULL, s->out);
	return OFPERR_OK;
}

static enum ofperr say_flows(struct say *s)
{
	struct cursor body = s->m->body;
	struct ofp_flow_stats fs;
	bool done = false;
	enum ofperr e = OFPERR_OK;
	unsigned n = 0;

	while (!e && !done) {
		e = ofp_decode_flow_stats(s->m, &body, &fs, &s->acts, &done);
		n += !e && !done;
	}
	str_printf(s->out, "%u flows%s", n, s->m->more ? " (more)" : "");
	return e;
}

static say_fn *const sayers[OFP_MSG_N_KINDS] = {
	[OFP_HELLO] = say_hello,
	[OFP_ERROR] = say_error,
	[OFP_FLOW_MOD] = say_flow_mod,
	[OFP_NXT_FLOW_MOD] = say_flow_mod,
	[OFP_FLOW_REMOVED] = say_flow_removed,
	[OFP_NXT_FLOW_REMOVED] = say_flow_removed,
	[OFP_PACKET_IN] = say_packet_in,
	[OFP_NXT_PACKET_IN] = say_packet_in,
	[OFP_NXT_PACKET_IN2] = say_packet_in,
	[OFP_PACKET_OUT] = say_packet_out,
	[OFP_PORT_STATUS] = say_port_status,
	[OFP_GROUP_MOD] = say_group_mod,
	[OFP_ROLE_REQUEST] = say_role,
	[OFP_ROLE_REPLY] = say_role,
	[OFP_FLOW_STATS_REQUEST] = say_flow_request,
	[OFP_NXST_FLOW_REQUEST] = say_flow_request,
	[OFP_AGGREGATE_REQUEST] = say_flow_request,
	[OFP_NXST_AGGREGATE_REQUEST] = say_flow_request,
	[OFP_FLOW_STATS_REPLY] = say_flows,
	[OFP_NXST_FLOW_REPLY] = say_flows,
};

static void say(const struct ofp_msg *m, struct str *out)
{
	struct say s = { .m = m, .out = out };
	size_t at;
	enum ofperr e;

	if (!sayers[m->kind])
		return;
	str_puts(out, ": ");
	at = out->len;
	e = sayers[m->kind](&s);
	if (e)
		str_printf(out, "%s***decode error: %s***", out->len > at ? " " : "",
			   ofperr_name(e));
	buf_done(&s.acts);
	buf_done(&s.buckets);
}

void ofp_msg_format(const void *data, size_t len, struct str *out)
{
	struct ofp_msg m;
	enum ofperr e = ofp_msg_identify(data, len, &m);

	if (e) {
		str_printf(out, "***%s of %zu bytes***", ofperr_name(e), len);
		return;
	}
	str_puts(out, ofp_msg_name(m.kind));
	if (m.version != OFP10 && m.version <= OFP15)
		str_printf(out, " (OF1.%u)", m.version - 1u);
	str_printf(out, " (xid=0x%" PRIx32 ")", m.xid);
	say(&m, out);
}
