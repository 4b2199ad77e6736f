/* SPDX-License-Identifier: Apache-2.0 */
/* Which action lists fit their flow, and which error says that they do not; and the lengths and
 * numbers that actions on the wire must have. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "ofproto/text/flow_text.h"
#include "ofproto/wire/msg.h"
#include "ofproto/wire/ofpact_codec.h"

static const struct {
	const char *flow;
	enum ofperr of10, of13;
} fits[] = {
	{ "actions=1,in_port,normal,local", OFPERR_OK, OFPERR_OK },
	{ "actions=any", OFPERR_BAD_OUT_PORT, OFPERR_BAD_OUT_PORT },
	{ "actions=1000", OFPERR_BAD_OUT_PORT, OFPERR_BAD_OUT_PORT },
	{ "actions=enqueue:1000:1", OFPERR_BAD_OUT_PORT, OFPERR_BAD_OUT_PORT },
	{ "actions=group:0xffffff01", OFPERR_BAD_OUT_GROUP, OFPERR_BAD_OUT_GROUP },
	{ "arp,actions=mod_nw_tos:12", OFPERR_OK, OFPERR_MATCH_INCONSISTENT },
	{ "actions=mod_nw_src:1.2.3.4", OFPERR_OK, OFPERR_MATCH_INCONSISTENT },
	{ "ip,actions=mod_nw_src:1.2.3.4", OFPERR_OK, OFPERR_OK },
	{ "actions=set_field:80->tcp_dst", OFPERR_MATCH_INCONSISTENT, OFPERR_MATCH_INCONSISTENT },
	{ "tcp,actions=set_field:80->tcp_dst", OFPERR_OK, OFPERR_OK },
	{ "udp,actions=set_field:80->tcp_dst", OFPERR_MATCH_INCONSISTENT,
	  OFPERR_MATCH_INCONSISTENT },
	{ "actions=load:80->NXM_OF_TCP_DST[]", OFPERR_MATCH_INCONSISTENT,
	  OFPERR_MATCH_INCONSISTENT },
	{ "actions=move:NXM_OF_IP_SRC[]->NXM_NX_REG0[]", OFPERR_MATCH_INCONSISTENT,
	  OFPERR_MATCH_INCONSISTENT },
	{ "ip,actions=move:NXM_OF_IP_SRC[]->NXM_NX_REG0[]", OFPERR_OK, OFPERR_OK },
	{ "tcp,actions=mod_tp_dst:80", OFPERR_OK, OFPERR_OK },
	{ "actions=mod_tp_dst:80", OFPERR_OK, OFPERR_MATCH_INCONSISTENT },
	{ "ip,actions=dec_ttl", OFPERR_OK, OFPERR_OK },
	{ "arp,actions=dec_ttl", OFPERR_OK, OFPERR_MATCH_INCONSISTENT },
	{ "dl_vlan=5,actions=pop_vlan", OFPERR_OK, OFPERR_OK },
	{ "dl_vlan=0xffff,actions=pop_vlan", OFPERR_OK, OFPERR_MATCH_INCONSISTENT },
	{ "actions=push_vlan:0x8100,set_field:0x1005->vlan_vid", OFPERR_OK, OFPERR_OK },
	{ "actions=set_field:0x1005->vlan_vid", OFPERR_OK, OFPERR_MATCH_INCONSISTENT },
	{ "dl_vlan=5,actions=pop_vlan,set_field:3->vlan_pcp", OFPERR_MATCH_INCONSISTENT,
	  OFPERR_MATCH_INCONSISTENT },
	{ "ip,actions=push_mpls:0x8847,set_field:5->mpls_label", OFPERR_OK, OFPERR_OK },
	{ "ip,actions=push_mpls:0x8847,set_field:1.2.3.4->ip_src", OFPERR_MATCH_INCONSISTENT,
	  OFPERR_MATCH_INCONSISTENT },
	{ "mpls,actions=pop_mpls:0x800,dec_ttl", OFPERR_OK, OFPERR_OK },
	{ "ip,actions=pop_mpls:0x800", OFPERR_OK, OFPERR_MATCH_INCONSISTENT },
	{ "actions=learn(table=9,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[])", OFPERR_OK, OFPERR_OK },
	{ "actions=learn(table=10,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[])", OFPERR_BAD_ARGUMENT,
	  OFPERR_BAD_ARGUMENT },
	{ "actions=learn(table=1,ip_dst=ip_src)", OFPERR_MATCH_INCONSISTENT,
	  OFPERR_MATCH_INCONSISTENT },
	{ "table=3,actions=goto_table:4", OFPERR_OK, OFPERR_OK },
	{ "table=3,actions=goto_table:3", OFPERR_INST_BAD_TABLE_ID, OFPERR_INST_BAD_TABLE_ID },
	{ "table=3,actions=goto_table:10", OFPERR_INST_BAD_TABLE_ID, OFPERR_INST_BAD_TABLE_ID },
	{ "actions=write_actions(set_field:80->tcp_dst,output:2)", OFPERR_OK, OFPERR_OK },
	{ "actions=write_actions(output:1000)", OFPERR_BAD_OUT_PORT, OFPERR_BAD_OUT_PORT },
	{ "actions=meter:1", OFPERR_UNSUP_INST, OFPERR_UNSUP_INST },
	{ "ip,actions=ct(commit,table=9)", OFPERR_OK, OFPERR_OK },
	{ "ip,actions=ct(table=10)", OFPERR_BAD_ARGUMENT, OFPERR_BAD_ARGUMENT },
	{ "actions=ct(commit)", OFPERR_OK, OFPERR_MATCH_INCONSISTENT },
	{ "ip,ct_state=+trk+inv,actions=ct(commit)", OFPERR_MATCH_INCONSISTENT,
	  OFPERR_MATCH_INCONSISTENT },
	{ "ip,actions=ct(commit,alg=ftp)", OFPERR_OK, OFPERR_MATCH_INCONSISTENT },
	{ "udp,actions=ct(commit,alg=tftp)", OFPERR_OK, OFPERR_OK },
	{ "ip,actions=ct(commit,nat(src=1.2.3.4))", OFPERR_OK, OFPERR_OK },
	{ "ip,actions=ct(commit,nat(src=fe80::1))", OFPERR_OK, OFPERR_MATCH_INCONSISTENT },
	{ "ip,actions=ct_clear", OFPERR_OK, OFPERR_OK },
	{ "ip,actions=resubmit(,1,ct)", OFPERR_MATCH_INCONSISTENT, OFPERR_MATCH_INCONSISTENT },
	{ "ip,ct_state=+trk+est,actions=resubmit(,1,ct)", OFPERR_OK, OFPERR_OK },
	{ "actions=clone(output:1000)", OFPERR_BAD_OUT_PORT, OFPERR_BAD_OUT_PORT },
	{ "actions=clone(push_vlan:0x8100),set_field:3->vlan_pcp", OFPERR_MATCH_INCONSISTENT,
	  OFPERR_MATCH_INCONSISTENT },
	{ "actions=output(port=LOCAL,max_len=20)", OFPERR_OK, OFPERR_OK },
	{ "actions=output(port=normal,max_len=20)", OFPERR_BAD_OUT_PORT, OFPERR_BAD_OUT_PORT },
	{ "actions=push:NXM_OF_IP_SRC[]", OFPERR_MATCH_INCONSISTENT, OFPERR_MATCH_INCONSISTENT },
	{ "ip,actions=push:NXM_OF_IP_SRC[],pop:NXM_NX_REG0[]", OFPERR_OK, OFPERR_OK },
	{ "actions=pop:NXM_OF_IP_SRC[]", OFPERR_MATCH_INCONSISTENT, OFPERR_MATCH_INCONSISTENT },
	{ "actions=check_pkt_larger(100)->NXM_OF_IP_TOS[2]", OFPERR_MATCH_INCONSISTENT,
	  OFPERR_MATCH_INCONSISTENT },
	{ "tcp,actions=fin_timeout(idle_timeout=1)", OFPERR_OK, OFPERR_OK },
	{ "ip,actions=fin_timeout(idle_timeout=1)", OFPERR_OK, OFPERR_MATCH_INCONSISTENT },
};

START_TEST(consistency)
{
	struct buf acts = BUF_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(fits); i++) {
		struct error err = ERROR_INIT;
		struct ofp_flow_mod fm;
		struct ofpacts_check c = { .n_tables = 10, .max_ports = 1000 };
		enum ofperr e;

		ck_assert_msg(!flow_mod_parse(fits[i].flow, OFPFC_ADD_, NULL, &fm, &acts, &err),
			      "%s: %s: %s", fits[i].flow, err.field, err.cause);
		c.match = &fm.match;
		c.table = fm.table;
		c.version = OFP10;
		e = ofpacts_check(fm.actions, &c);
		ck_assert_msg(e == fits[i].of10, "%s: 1.0: %s", fits[i].flow, ofperr_name(e));
		c.version = OFP13;
		e = ofpacts_check(fm.actions, &c);
		ck_assert_msg(e == fits[i].of13, "%s: 1.3: %s", fits[i].flow, ofperr_name(e));
	}
	buf_done(&acts);
}
END_TEST

static const struct {
	uint8_t version;
	bool instructions;
	const char *hex;
	enum ofperr error;
} wire[] = {
	{ OFP10, false, "", OFPERR_OK },
	{ OFP10, false, "0000000800010000", OFPERR_OK },
	{ OFP10, false, "00000008000100", OFPERR_BAD_ACT_LEN },
	{ OFP10, false, "0000000000010000", OFPERR_BAD_ACT_LEN },
	{ OFP10, false, "0000000700010000", OFPERR_BAD_ACT_LEN },
	{ OFP10, false, "00000010000100000000000000000000", OFPERR_BAD_ACT_LEN },
	{ OFP10, false, "0000000fff010000", OFPERR_BAD_ACT_LEN },
	{ OFP10, false, "00000008ff010000", OFPERR_BAD_OUT_PORT },
	{ OFP10, false, "0063000800000000", OFPERR_BAD_ACT_TYPE },
	{ OFP10, false, "0001000810000000", OFPERR_BAD_ARGUMENT }, /* VLAN 4096 */
	{ OFP10, false, "0002000808000000", OFPERR_BAD_ARGUMENT }, /* priority 8 */
	{ OFP10, false, "0008000803000000", OFPERR_BAD_ARGUMENT }, /* ECN bits in the TOS */
	{ OFP10, false, "ffff0010000099990000000000000000", OFPERR_BAD_ACT_EXPERIMENTER },
	{ OFP10, false, "ffff0010000023200063000000000000", OFPERR_BAD_ACT_EXP_TYPE },
	/* load of 5 bits: a value that has 5, one that has 6, bits that reg0 lacks, no such field
	 */
	{ OFP10, false, "ffff0018000023200007000400010004000000000000001f", OFPERR_OK },
	{ OFP10, false, "ffff0018000023200007000400010004000000000000003f", OFPERR_BAD_ARGUMENT },
	{ OFP10, false, "ffff001800002320000708040001000400000000000000ff", OFPERR_BAD_SET_LEN },
	{ OFP10, false, "ffff00180000232000070004000ffe040000000000000001", OFPERR_BAD_SET_TYPE },
	{ OFP10, false, "ffff001800002320000700040000060200000000000000ff", OFPERR_BAD_ARGUMENT },
	/* ct with an unknown flag, force without commit, an unknown helper, a list in it */
	{ OFP13, false, "ffff0018000023200023000100000000000aff0000000000", OFPERR_OK },
	{ OFP13, false, "ffff0018000023200023000400000000000aff0000000000", OFPERR_BAD_ARGUMENT },
	{ OFP13, false, "ffff0018000023200023000200000000000aff0000000000", OFPERR_BAD_ARGUMENT },
	{ OFP13, false, "ffff0018000023200023000100000000000aff0000000016", OFPERR_BAD_ARGUMENT },
	{ OFP13, false,
	  "ffff0028000023200023000100000000000aff0000000000"
	  "00000010000000010000000000000000",
	  OFPERR_BAD_ARGUMENT },
	/* a zone of 15 bits of reg0; nat by itself, with an end that has no beginning; nat of both
	 * ways; of an address and no way */
	{ OFP13, false, "ffff0018000023200023000100010004000eff0000000000", OFPERR_BAD_SET_LEN },
	{ OFP13, false, "ffff0010000023200024000000000000", OFPERR_BAD_ARGUMENT },
	{ OFP13, false,
	  "ffff0030000023200023000100000000000aff0000000000"
	  "ffff00180000232000240000000100020a00000100000000",
	  OFPERR_BAD_ARGUMENT },
	{ OFP13, false,
	  "ffff0028000023200023000100000000000aff0000000000ffff0010000023200024000000030000",
	  OFPERR_BAD_ARGUMENT },
	{ OFP13, false,
	  "ffff0028000023200023000100000000000aff0000000000ffff0010000023200024000000010000",
	  OFPERR_OK },
	/* conjunctions: one clause; the third of two; beside an output */
	{ OFP13, false, "ffff0010000023200022000100000001", OFPERR_BAD_CONJUNCTION },
	{ OFP13, false, "ffff0010000023200022020200000001", OFPERR_BAD_CONJUNCTION },
	{ OFP13, false, "ffff001000002320002200020000000100000010000000010000000000000000",
	  OFPERR_BAD_CONJUNCTION },
	{ OFP13, false, "ffff0010000023200022010200000001", OFPERR_OK },
	/* output cut to 13 bytes; a sample of none; a stack of a field without as many bits */
	{ OFP13, false, "ffff001000002320002700010000000d", OFPERR_BAD_ARGUMENT },
	{ OFP13, false, "ffff001800002320001d0000000000000000000000000000", OFPERR_BAD_ARGUMENT },
	{ OFP13, false, "ffff001800002320001b0008000100040019000000000000", OFPERR_BAD_SET_LEN },
	{ OFP13, false, "ffff001800002320001b0008000100040018000000000000", OFPERR_OK },
	/* a write to ct_mark outside of ct; instructions of 1.0 in a clone */
	{ OFP13, false, "ffff0018000023200007001f0001d6040000000000000001", OFPERR_BAD_ARGUMENT },
	{ OFP10, false,
	  "ffff003000002320002a000000000000"
	  "ffff0020000023200016000000000000000000000000000100000000000000ff",
	  OFPERR_BAD_ACT_TYPE },
	{ OFP13, false, "0011000808000000", OFPERR_BAD_ARGUMENT }, /* push_vlan of IPv4 */
	{ OFP13, false, "001900108000080602000000000100000000", OFPERR_BAD_ACT_LEN },
	{ OFP13, false, "00190010800008060200000000010000", OFPERR_OK },
	{ OFP13, false, "00190010800008050200000000010000", OFPERR_BAD_SET_LEN },
	{ OFP13, false, "001900108000fe060200000000010000", OFPERR_BAD_SET_TYPE },
	{ OFP13, false, "0019001080000a020800000000000000", OFPERR_BAD_SET_ARGUMENT },
	{ OFP13, true, "0001000803000000", OFPERR_OK },
	{ OFP13, true, "00010008030000000001000804000000", OFPERR_DUP_INST },
	{ OFP13, true, "0001001003000000", OFPERR_INST_BAD_LEN },
	{ OFP13, true, "00010010030000000000000000000000", OFPERR_INST_BAD_LEN },
	{ OFP13, true, "0063000803000000", OFPERR_UNKNOWN_INST },
	{ OFP13, true, "ffff000803000000", OFPERR_INST_BAD_EXPERIMENTER },
	/* exit has no place in an action set */
	{ OFP13, true, "0003001800000000ffff0010000023200011000000000000", OFPERR_BAD_ACT_TYPE },
};

static size_t from_hex(const char *hex, uint8_t *out)
{
	size_t n = 0;

	for (; hex[0] && hex[1]; hex += 2) {
		const char two[3] = { hex[0], hex[1], '\0' };

		out[n++] = (uint8_t)strtoul(two, NULL, 16);
	}
	return n;
}

START_TEST(wire_rules)
{
	for (size_t i = 0; i < ARRAY_SIZE(wire); i++) {
		struct buf list = BUF_INIT;
		uint8_t bytes[64];
		struct cursor c = cursor_init(bytes, from_hex(wire[i].hex, bytes));
		enum ofperr e;

		e = wire[i].instructions ? ofpacts_decode_instructions(c, wire[i].version, &list)
					 : ofpacts_decode(c, wire[i].version, &list);
		ck_assert_msg(e == wire[i].error, "%s: %s", wire[i].hex, ofperr_name(e));
		ck_assert(!e || !list.len);
		buf_done(&list);
	}
}
END_TEST

START_TEST(out_filters)
{
	struct buf acts = BUF_INIT;

	ck_assert_int_eq(
		ofpacts_parse("1,enqueue:2:0,write_actions(output:3,group:4)", NULL, &acts, NULL),
		0);
	for (uint32_t i = 0; i < 6; i++) {
		struct ofpacts l = ofpacts_of(&acts);

		ck_assert(ofpacts_output_to_port(l, (struct ofp_port){ i }) == (i >= 1 && i <= 3));
		ck_assert(ofpacts_output_to_group(l, i) == (i == 4));
	}
	buf_done(&acts);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("check");
	TCase *t = tcase_create("check");
	SRunner *r;
	int failed;

	tcase_add_test(t, consistency);
	tcase_add_test(t, wire_rules);
	tcase_add_test(t, out_filters);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
