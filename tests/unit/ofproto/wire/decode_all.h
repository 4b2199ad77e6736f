/* SPDX-License-Identifier: Apache-2.0 */
/* Every decoder on one message: whatever the bytes are, each returns, and what it accepted is sound
 * and can be encoded and decoded again to the same. */
#pragma once

#include "ofproto/text/msg_text.h"
#include "ofproto/wire/codec.h"
#include "ofproto/wire/ofpact_codec.h"

/* Aborts with the condition's text: usable in a fuzzer and in a test. */
#define DECODE_CHECK(CONDITION)                                                                    \
	do {                                                                                       \
		if (!(CONDITION)) {                                                                \
			(void)fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__,     \
				      #CONDITION);                                                 \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static inline void check_list(struct ofpacts l)
{
	const struct ofpact *a;
	size_t n = 0;

	OFPACT_FOR_EACH (a, l) {
		DECODE_CHECK(a->kind < OFPACT_N_KINDS);
		n += sizeof(*a) + ROUND_UP((size_t)a->len, 8);
		if (ofpact_has_nested(a))
			check_list(ofpact_nested(a));
	}
	DECODE_CHECK(n == l.len);
}

/* Twice encoded is once encoded: what the first encoding could not say is gone by then. */
static inline void decode_flow_mod(const struct ofp_msg *m)
{
	const struct ofp_proto proto = { m->version, m->kind == OFP_NXT_FLOW_MOD, true, 0 };
	const struct ofpacts_check ctx = { .n_tables = 254,
					   .max_ports = 0xff00,
					   .version = m->version };
	struct buf acts = BUF_INIT, once = BUF_INIT, twice = BUF_INIT;
	struct ofp_flow_mod fm;
	struct ofp_msg again;

	if (!ofp_decode_flow_mod(m, &proto, &fm, &acts)) {
		struct ofpacts_check c = ctx;

		check_list(fm.actions);
		c.match = &fm.match;
		(void)ofpacts_check(fm.actions, &c);
		ofp_put_flow_mod(&once, &proto, m->xid, &fm);
		DECODE_CHECK(!ofp_msg_identify(once.data, once.len, &again));
		DECODE_CHECK(!ofp_decode_flow_mod(&again, &proto, &fm, &acts));
		ofp_put_flow_mod(&twice, &proto, m->xid, &fm);
		DECODE_CHECK(once.len == twice.len && !memcmp(once.data, twice.data, once.len));
	}
	buf_done(&acts);
	buf_done(&once);
	buf_done(&twice);
}

static inline void decode_with_buffers(const struct ofp_msg *m)
{
	struct buf acts = BUF_INIT, more = BUF_INIT;
	struct ofp_switch_features f;
	struct ofp_packet_out po;
	struct ofp_group_mod gm;
	struct ofp_meter_mod mm;
	struct ofp_flow_stats fs;
	struct cursor body = m->body;
	bool done = false;

	if (m->kind == OFP_PACKET_OUT && !ofp_decode_packet_out(m, &po, &acts))
		check_list(po.actions);
	if (m->kind == OFP_GROUP_MOD && !ofp_decode_group_mod(m, &gm, &acts, &more))
		for (size_t i = 0; i < gm.n_buckets; i++)
			check_list(gm.buckets[i].actions);
	if (m->kind == OFP_METER_MOD && !ofp_decode_meter_mod(m, &mm, &more)) {
		ofp_put_meter_mod(&acts, m->version, m->xid, &mm);
		DECODE_CHECK(acts.len == 16 + mm.n_bands * 16);
	}
	if (m->kind == OFP_FEATURES_REPLY)
		(void)ofp_decode_features_reply(m, &f, &more);
	if (m->kind == OFP_FLOW_STATS_REPLY || m->kind == OFP_NXST_FLOW_REPLY)
		while (!ofp_decode_flow_stats(m, &body, &fs, &acts, &done) && !done)
			check_list(fs.actions);
	buf_done(&acts);
	buf_done(&more);
}

static inline void decode_plain(const struct ofp_msg *m)
{
	union {
		uint32_t versions;
		struct ofp_error_msg error;
		struct ofp_switch_config config;
		struct ofp_phy_port port;
		struct ofp_port_mod port_mod;
		struct ofp_table_mod table_mod;
		struct ofp_role_msg role;
		struct ofp_async async;
		struct ofp_packet_in packet_in;
		struct ofp_flow_removed removed;
		struct ofp_flow_stats_request request;
		struct ofp_aggregate aggregate;
		struct ofp_id_request id;
		bool on;
		uint16_t controller;
	} u;
	uint8_t small;

	switch ((int)m->kind) {
	case OFP_HELLO: (void)ofp_decode_hello(m, &u.versions); break;
	case OFP_ERROR: (void)ofp_decode_error(m, &u.error); break;
	case OFP_GET_CONFIG_REPLY:
	case OFP_SET_CONFIG: (void)ofp_decode_config(m, &u.config); break;
	case OFP_PORT_STATUS: (void)ofp_decode_port_status(m, &small, &u.port); break;
	case OFP_PORT_MOD: (void)ofp_decode_port_mod(m, &u.port_mod); break;
	case OFP_TABLE_MOD: (void)ofp_decode_table_mod(m, &u.table_mod); break;
	case OFP_ROLE_REQUEST:
	case OFP_ROLE_REPLY: (void)ofp_decode_role(m, &u.role); break;
	case OFP_GET_ASYNC_REPLY:
	case OFP_SET_ASYNC: (void)ofp_decode_async(m, &u.async); break;
	case OFP_NXT_SET_FLOW_FORMAT: (void)ofp_decode_set_flow_format(m, &u.on); break;
	case OFP_NXT_FLOW_MOD_TABLE_ID: (void)ofp_decode_flow_mod_table_id(m, &u.on); break;
	case OFP_NXT_SET_PACKET_IN_FORMAT: (void)ofp_decode_set_packet_in_format(m, &small); break;
	case OFP_NXT_SET_CONTROLLER_ID: (void)ofp_decode_set_controller_id(m, &u.controller); break;
	case OFP_PACKET_IN:
	case OFP_NXT_PACKET_IN:
	case OFP_NXT_PACKET_IN2: (void)ofp_decode_packet_in(m, &u.packet_in); break;
	case OFP_FLOW_REMOVED:
	case OFP_NXT_FLOW_REMOVED: (void)ofp_decode_flow_removed(m, &u.removed); break;
	case OFP_FLOW_STATS_REQUEST:
	case OFP_NXST_FLOW_REQUEST:
	case OFP_AGGREGATE_REQUEST:
	case OFP_NXST_AGGREGATE_REQUEST: (void)ofp_decode_flow_stats_request(m, &u.request); break;
	case OFP_AGGREGATE_REPLY:
	case OFP_NXST_AGGREGATE_REPLY: (void)ofp_decode_aggregate_reply(m, &u.aggregate); break;
	case OFP_PORT_STATS_REQUEST:
	case OFP_QUEUE_STATS_REQUEST:
	case OFP_QUEUE_GET_CONFIG_REQUEST:
	case OFP_GROUP_STATS_REQUEST:
	case OFP_METER_STATS_REQUEST:
	case OFP_METER_CONFIG_REQUEST: (void)ofp_decode_id_request(m, &u.id); break;
	case OFP_TABLE_FEATURES_REQUEST: (void)ofp_decode_table_features_request(m); break;
	default: break;
	}
}

static inline void decode_all(const uint8_t *data, size_t len)
{
	struct str s = STR_INIT;
	struct ofp_msg m;

	if (!ofp_msg_identify(data, len, &m)) {
		decode_plain(&m);
		decode_with_buffers(&m);
		if (m.kind == OFP_FLOW_MOD || m.kind == OFP_NXT_FLOW_MOD)
			decode_flow_mod(&m);
	}
	ofp_msg_format(data, len, &s);
	DECODE_CHECK(s.len);
	str_done(&s);
}
