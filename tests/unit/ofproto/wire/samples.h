/* SPDX-License-Identifier: Apache-2.0 */
/* One message of every kind that the encoders write, in both versions: what ofp-print is asked
 * about, what is cut short and damaged, and what the fuzzer starts from. */
#pragma once

#include <check.h>

#include "ofproto/text/flow_text.h"
#include "ofproto/wire/codec.h"

#define SAMPLE_FLOW                                                                                \
	"table=3,priority=7,idle_timeout=5,cookie=0x12,tcp,reg1=5/0xff,nw_src=10.0.0.0/"           \
	"8,tp_dst=80 "                                                                             \
	"actions=load:1->NXM_NX_REG0[],set_field:2->tun_id,note:01.02,learn(table=1,NXM_OF_ETH_"   \
	"DST[]="                                                                                   \
	"NXM_OF_ETH_SRC[],load:5->NXM_NX_REG1[0..7],output:NXM_OF_IN_PORT[]),resubmit(,4),output:" \
	"3"
#define SAMPLE_FLOW13                                                                              \
	"table=3,ip,actions=meter:3,dec_ttl,set_field:1.2.3.4->ip_dst,clear_actions,write_"        \
	"actions("                                                                                 \
	"group:2,output:5),write_metadata:5/7,goto_table:7"
#define SAMPLE_GROUP                                                                               \
	"group_id=3,type=select,bucket=weight:5,actions=output:1,bucket=watch_port:2,actions=2,"   \
	"set_"                                                                                     \
	"field:1->reg0"

struct sample_flow {
	struct ofp_flow_mod fm;
	struct buf acts;
};

static inline void sample_flow(struct sample_flow *s, const char *text)
{
	struct error err = ERROR_INIT;

	*s = (struct sample_flow){ .acts = BUF_INIT };
	ck_assert_msg(!flow_mod_parse(text, OFPFC_ADD_, NULL, &s->fm, &s->acts, &err), "%s: %s: %s",
		      text, err.field, err.cause);
}

static inline struct ofp_phy_port sample_port(void)
{
	return (struct ofp_phy_port){ .no = { 5 },
				      .mac = { { 2, 0, 0, 0, 0, 5 } },
				      .name = "veth5",
				      .config = 0x20,
				      .state = 1,
				      .curr = 0x40 | 0x800 | 0x2000,
				      .supported = 0x60 | 0x8000,
				      .curr_kbps = 10000000,
				      .max_kbps = 40000000 };
}

static inline void sample_session(struct buf *b, uint8_t v)
{
	const uint8_t bad[] = { v, 0, 0, 8, 0, 0, 0, 9 }; /* a hello, to send back */
	const struct ofp_role_msg role = { .role = OFPCR_MASTER_,
					   .generation = 5,
					   .have_generation = true };
	const struct ofp_async async = { { 7, 0 }, { 7, 7 }, { 15, 0 } };

	ofp_put_hello(b, OFP_VERSIONS, 7);
	ofp_put_echo_request(b, v, 3);
	ofp_put_error(b, v, OFPERR_BAD_LEN, bad, sizeof(bad));
	ofp_put_error(b, v, OFPERR_MATCH_BAD_PREREQ, bad, sizeof(bad));
	ofp_put_error(b, v, OFPERR_DUP_INST, bad, sizeof(bad));
	ofp_put_role(b, OFP_ROLE_REQUEST, v, 5, &role);
	ofp_put_role(b, OFP_ROLE_REPLY, v, 5, &role);
	ofp_put_async(b, OFP_SET_ASYNC, v, 5, &async);
	ofp_put_nicira_u32(b, OFP_NXT_FLOW_MOD_TABLE_ID, v, 5, 1);
	ofp_put_nicira_u32(b, OFP_NXT_SET_PACKET_IN_FORMAT, v, 5, 2);
	ofp_put_nicira_u32(b, OFP_NXT_SET_CONTROLLER_ID, v, 5, 9);
	if (v == OFP10)
		ofp_put_nicira_u32(b, OFP_NXT_SET_FLOW_FORMAT, v, 5, 2);
	else
		ofp_put_async(b, OFP_GET_ASYNC_REPLY, v, 5, &async);
	ofp_put_empty(b, OFP_BARRIER_REQUEST, v, 5);
}

static inline void sample_switch(struct buf *b, uint8_t v)
{
	const struct ofp_phy_port port = sample_port();
	const struct ofp_switch_features f = {
		.datapath_id = 0x1234, .n_tables = 254, .capabilities = 0x4f, .of10_actions = 0xfff
	};
	const struct ofp_switch_config c = { 0, 128 };
	const struct ofp_switch_desc d = { "Shunt", "hw", "sw 1", "None", "dp br0" };
	const struct ofp_port_mod pm = { { 5 }, port.mac, 1, 0x61, 0x40 | 0x4000 };
	const struct ofp_queue_config q[] = { { 1, 100, UINT16_MAX }, { 2, UINT16_MAX, 500 } };

	ofp_put_features_reply(b, v, 5, &f, &port, 1);
	ofp_put_config(b, OFP_GET_CONFIG_REPLY, v, 5, &c);
	ofp_put_config(b, OFP_SET_CONFIG, v, 5, &c);
	ofp_put_port_status(b, v, OFPPR_MODIFY_, &port);
	ofp_put_port_mod(b, v, 5, &pm);
	ofp_put_desc_reply(b, v, 1, &d);
	ofp_put_queue_get_config_reply(b, v, 5, (struct ofp_port){ 1 }, q, ARRAY_SIZE(q));
}

static inline void sample_packets(struct buf *b, uint8_t v)
{
	static const uint8_t frame[60] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 8, 6 };
	struct ofp_packet_in in = { .data = frame,
				    .len = 40,
				    .total_len = 60,
				    .buffer_id = OFP_NO_BUFFER_,
				    .reason = OFPR_ACTION_,
				    .table = 3,
				    .cookie = hton64(0x55) };
	struct ofp_packet_out out = {
		.buffer_id = OFP_NO_BUFFER_, .data = frame, .len = 60, .in_port = { OFPP_NONE_ }
	};
	struct sample_flow s;

	in.md.in_port = htonl(7);
	in.md.metadata = hton64(5);
	in.md.regs[2] = htonl(9);
	in.md.tunnel.tun_id = hton64(77);
	for (uint8_t form = 0; form < 3; form++) {
		const struct ofp_proto proto = { .version = v, .packet_in = form };

		ofp_put_packet_in(b, &proto, &in);
	}
	sample_flow(&s, "actions=output:3,load:1->NXM_NX_REG0[]");
	out.actions = ofpacts_of(&s.acts);
	ofp_put_packet_out(b, v, 3, &out);
	buf_done(&s.acts);
}

static inline void sample_flow_stats(struct buf *b, const struct ofp_proto *proto,
				     const struct ofp_flow_mod *fm)
{
	const struct ofp_flow_stats fs = { .table = 3,
					   .priority = 7,
					   .idle_timeout = 5,
					   .cookie = fm->cookie,
					   .duration_ns = 2500000000,
					   .packets = 5,
					   .bytes = 500,
					   .idle_age_s = 3,
					   .hard_age_s = UINT64_MAX,
					   .match = fm->match,
					   .actions = fm->actions };
	struct ofp_multipart mp;

	ofp_multipart_begin(&mp, b, proto->nxm ? OFP_NXST_FLOW_REPLY : OFP_FLOW_STATS_REPLY,
			    proto->version, 5);
	ofp_put_flow_stats(&mp, &fs);
	ofp_put_flow_stats(&mp, &fs);
	ck_assert_uint_eq(ofp_multipart_end(&mp), 0);
}

static inline void sample_flows(struct buf *b, const struct ofp_proto *proto, const char *text)
{
	struct ofp_flow_stats_request rq = { .table = 255,
					     .out_port = { OFPP_NONE_ },
					     .out_group = OFPG_ANY_ };
	const struct ofp_aggregate ag = { 5, 500, 2 };
	struct ofp_flow_removed fr = { .priority = 7,
				       .idle_timeout = 5,
				       .hard_timeout = 6,
				       .reason = OFPRR_HARD_TIMEOUT_,
				       .table = 3,
				       .duration_ns = 1500000000,
				       .packets = 5,
				       .bytes = 500 };
	struct sample_flow s;
	struct ofp_msg m;
	size_t at;

	sample_flow(&s, text);
	rq.match = fr.match = s.fm.match;
	fr.cookie = s.fm.cookie;
	ofp_put_flow_mod(b, proto, 5, &s.fm);
	ofp_put_flow_removed(b, proto, &fr);
	sample_flow_stats(b, proto, &s.fm);
	ofp_put_flow_stats_request(b, proto, 5, &rq);
	rq.aggregate = true;
	at = b->len;
	ofp_put_flow_stats_request(b, proto, 5, &rq);
	ck_assert_int_eq(ofp_msg_identify(b->data + at, b->len - at, &m), 0);
	ofp_put_aggregate_reply(b, &(struct ofp_msg){ .kind = m.kind, .version = m.version }, &ag);
	buf_done(&s.acts);
}

static inline void sample_stats(struct buf *b, uint8_t v)
{
	const struct ofp_table_stats ts = { 1, "tone", 3, 1000, 5, 4 };
	const struct ofp_port_stats ps = { .no = { 1 },
					   .rx_packets = 1,
					   .tx_packets = 2,
					   .rx_bytes = 3,
					   .tx_bytes = 4,
					   .rx_frame_err = UINT64_MAX,
					   .duration_ns = 5500000000 };
	const struct ofp_queue_stats qs = { { 1 }, 2, 3, 4, 0, 5500000000 };
	const struct ofp_phy_port port = sample_port();
	struct ofp_multipart mp;

	ofp_multipart_begin(&mp, b, OFP_TABLE_STATS_REPLY, v, 5);
	ofp_put_table_stats(&mp, &ts);
	ck_assert_uint_eq(ofp_multipart_end(&mp), 0);
	ofp_multipart_begin(&mp, b, OFP_PORT_STATS_REPLY, v, 5);
	ofp_put_port_stats(&mp, &ps);
	ck_assert_uint_eq(ofp_multipart_end(&mp), 0);
	ofp_multipart_begin(&mp, b, OFP_QUEUE_STATS_REPLY, v, 5);
	ofp_put_queue_stats(&mp, &qs);
	ck_assert_uint_eq(ofp_multipart_end(&mp), 0);
	ofp_multipart_begin(&mp, b, OFP_PORT_DESC_REPLY, v, 5);
	ofp_put_port_desc(&mp, &port);
	ck_assert_uint_eq(ofp_multipart_end(&mp), 0);
}

static inline void sample_groups(struct buf *b)
{
	static const struct ofp_bucket_stats bs[] = { { 1, 2 }, { 3, 4 } };
	const struct ofp_group_stats gs = { 3, 1, 5, 6, 7, bs, ARRAY_SIZE(bs) };
	const struct ofp_group_features gf = { 0xf, 7, { 1, 2, 3, 4 }, { 1, 3, 0x3ff, 0xfff } };
	const struct ofp_table_features tf = { .table = 252, .n_tables = 254, .name = "x" };
	struct buf acts = BUF_INIT, buckets = BUF_INIT;
	struct ofp_multipart mp;
	struct ofp_group_mod gm;

	ck_assert_int_eq(
		group_mod_parse(SAMPLE_GROUP, OFPGC_ADD_, NULL, &gm, &acts, &buckets, NULL), 0);
	ofp_put_group_mod(b, OFP13, 5, &gm);
	ofp_multipart_begin(&mp, b, OFP_GROUP_DESC_REPLY, OFP13, 5);
	ofp_put_group_desc(&mp, &gm);
	ck_assert_uint_eq(ofp_multipart_end(&mp), 0);
	ofp_multipart_begin(&mp, b, OFP_GROUP_STATS_REPLY, OFP13, 5);
	ofp_put_group_stats(&mp, &gs);
	ck_assert_uint_eq(ofp_multipart_end(&mp), 0);
	ofp_put_group_features_reply(b, OFP13, 5, &gf);
	ofp_multipart_begin(&mp, b, OFP_TABLE_FEATURES_REPLY, OFP13, 5);
	ofp_put_table_features(&mp, &tf);
	ck_assert_uint_eq(ofp_multipart_end(&mp), 0);
	buf_done(&acts);
	buf_done(&buckets);
}

static inline void sample_meters(struct buf *b)
{
	static const struct ofp_meter_band bands[] = {
		{ .type = OFPMBT_DROP_, .rate = 1000, .burst = 2000 },
		{ .type = OFPMBT_DSCP_REMARK_, .rate = 500, .prec_level = 1 }
	};
	static const struct ofp_band_stats counts[] = { { 1, 2 }, { 3, 4 } };
	const struct ofp_meter_mod mm = { OFPMC_ADD_, OFPMF_KBPS_ | OFPMF_BURST_, 3, bands, 2 };
	const struct ofp_meter_mod gone = { .command = OFPMC_DELETE_, .id = OFPM_ALL_ };
	const struct ofp_meter_stats ms = { 3, 1, 5, 6, 7500000000, counts, 2 };
	const struct ofp_meter_features mf = { 65536, 1u << OFPMBT_DROP_, 0xf, 8, 0 };
	struct ofp_multipart mp;

	ofp_put_meter_mod(b, OFP13, 5, &mm);
	ofp_put_meter_mod(b, OFP13, 5, &gone);
	ofp_multipart_begin(&mp, b, OFP_METER_STATS_REPLY, OFP13, 5);
	ofp_put_meter_stats(&mp, &ms);
	ck_assert_uint_eq(ofp_multipart_end(&mp), 0);
	ofp_multipart_begin(&mp, b, OFP_METER_CONFIG_REPLY, OFP13, 5);
	ofp_put_meter_config(&mp, &mm);
	ck_assert_uint_eq(ofp_multipart_end(&mp), 0);
	ofp_put_meter_features_reply(b, OFP13, 5, &mf);
}

/* All of them, one behind the other. */
static inline void samples(struct buf *b)
{
	static const struct ofp_proto protos[] = { { .version = OFP10 },
						   { .version = OFP10, .nxm = true },
						   { .version = OFP13 } };

	for (uint8_t v = OFP10; v <= OFP13; v = (uint8_t)(v + OFP13 - OFP10)) {
		sample_session(b, v);
		sample_switch(b, v);
		sample_packets(b, v);
		sample_stats(b, v);
	}
	for (size_t i = 0; i < ARRAY_SIZE(protos); i++)
		sample_flows(b, &protos[i], SAMPLE_FLOW);
	sample_flows(b, &protos[2], SAMPLE_FLOW13);
	sample_groups(b);
	sample_meters(b);
}
