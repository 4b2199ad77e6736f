/* SPDX-License-Identifier: Apache-2.0 */
/* Flow, group and action text: what it becomes, what is refused and why. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ofproto/text/flow_text.h"

/* Given, printed; NULL: the same. */
static const struct {
	const char *text, *printed;
} actions[] = {
	{ "drop", NULL },
	{ "", "drop" },
	{ "1,2", "output:1,output:2" },
	{ "output:3,local,IN_PORT,normal", "output:3,LOCAL,IN_PORT,NORMAL" },
	{ "controller", "CONTROLLER:65535" },
	{ "controller(max_len=12)", "CONTROLLER:12" },
	{ "controller(reason=no_match,max_len=12,id=3)", NULL },
	{ "enqueue:1:2", NULL },
	{ "enqueue(1,2)", "enqueue:1:2" },
	{ "group:5", NULL },
	{ "resubmit:1", NULL },
	{ "resubmit(,1)", NULL },
	{ "resubmit(3,4)", NULL },
	{ "resubmit(in_port,3)", "resubmit(,3)" },
	{ "load:0x1->NXM_NX_REG0[]", NULL },
	{ "load:5->reg0[0..3]", "load:0x5->NXM_NX_REG0[0..3]" },
	{ "load:0x12345678901234567890->xxreg0",
	  "load:0x5678901234567890->NXM_NX_XXREG0[0..63],load:0x1234->NXM_NX_XXREG0[64..127]" },
	{ "set_field:5->reg0", "set_field:0x5->reg0" },
	{ "set_field:0x1/0xf->reg2", NULL },
	{ "set_field:02:00:00:00:00:01->eth_src", NULL },
	{ "set_field:02:00:00:00:00:01->dl_src", "set_field:02:00:00:00:00:01->eth_src" },
	{ "set_field:10.0.0.1->ip_dst", NULL },
	{ "set_field:80->tcp_dst", NULL },
	{ "set_field:4101->vlan_vid", NULL },
	{ "set_field:fe80::1->tun_ipv6_dst", NULL },
	{ "mod_dl_src:02:00:00:00:00:01,mod_dl_dst:02:00:00:00:00:02", NULL },
	{ "mod_nw_src:1.2.3.4,mod_nw_dst:1.2.3.5,mod_nw_tos:16", NULL },
	{ "mod_tp_src:5,mod_tp_dst:6", NULL },
	{ "mod_vlan_vid:5,mod_vlan_pcp:3,strip_vlan,pop_vlan", NULL },
	{ "push_vlan:0x8100,push_mpls:0x8847,pop_mpls:0x800",
	  "push_vlan:0x8100,push_mpls:0x8847,pop_mpls:0x0800" },
	{ "dec_ttl,dec_ttl(1,2),mod_nw_ttl:3,dec_mpls_ttl,set_mpls_ttl(5)", NULL },
	{ "set_queue:3,pop_queue", NULL },
	{ "set_tunnel:0x5,set_tunnel64:0x6", NULL },
	{ "set_tunnel:0x123456789", "set_tunnel64:0x123456789" },
	{ "move:reg0->reg1", "move:NXM_NX_REG0[]->NXM_NX_REG1[]" },
	{ "ct", "ct()" },
	{ "ct(commit,force,table=3,zone=5,alg=tftp)", NULL },
	{ "ct(zone=reg5[4..19])", "ct(zone=NXM_NX_REG5[4..19])" },
	{ "ct(commit,exec(set_field:0x5->ct_mark,load:0x1->NXM_NX_CT_LABEL[0..7]),nat(src=1.2.3.4)"
	  ")",
	  "ct(commit,nat(src=1.2.3.4),exec(set_field:0x5->ct_mark,load:0x1->NXM_NX_CT_LABEL[0..7])"
	  ")" },
	{ "ct(nat),ct(commit,nat(dst)),ct(commit,nat(dst=10.0.0.1-10.0.0.9:50-60,random))", NULL },
	{ "ct(commit,nat(src=10.0.0.1:80-80,hash,persistent))",
	  "ct(commit,nat(src=10.0.0.1:80,persistent,hash))" },
	{ "ct(commit,nat(src=[fe80::1]-[fe80::5]:5-6)),ct(commit,nat(src=fe80::1-fe80::9))", NULL },
	{ "ct_clear,resubmit(3,1,ct)", NULL },
	{ "clone(output:1,clone(drop)),clone(pop_vlan,resubmit(,3))", NULL },
	{ "clone()", "clone(drop)" },
	{ "output(max_len=100,port=in_port)", "output(port=IN_PORT,max_len=100)" },
	{ "push:reg0,pop:eth_src[0..3]", "push:NXM_NX_REG0[],pop:NXM_OF_ETH_SRC[0..3]" },
	{ "check_pkt_larger(1500)->NXM_NX_REG0[3],output:1", NULL },
	{ "sample(probability=5,egress)",
	  "sample(probability=5,collector_set_id=0,obs_domain_id=0,obs_point_id=0,egress)" },
	{ "conjunction(5,1/2),conjunction(6, 2/3)", "conjunction(5,1/2),conjunction(6,2/3)" },
	{ "fin_timeout(idle_timeout=5),fin_timeout(hard_timeout=6,idle_timeout=7)",
	  "fin_timeout(idle_timeout=5),fin_timeout(idle_timeout=7,hard_timeout=6)" },
	{ "set_mpls_label:5,set_mpls_tc(3)", "set_mpls_label(5),set_mpls_tc(3)" },
	{ "move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[]", NULL },
	{ "move:NXM_OF_VLAN_TCI[0..11]->vlan_vid[0..11]",
	  "move:NXM_OF_VLAN_TCI[0..11]->OXM_OF_VLAN_VID[]" },
	{ "output:NXM_NX_REG0[0..15]", NULL },
	{ "note:01.02", "note:01.02.00.00.00.00" },
	{ "note", "note:00.00.00.00.00.00" },
	{ "exit", NULL },
	{ "learn(table=1,hard_timeout=60,NXM_OF_VLAN_TCI[0..11],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],"
	  "output:NXM_OF_IN_PORT[])",
	  NULL },
	{ "learn(table=1,idle_timeout=5,hard_timeout=60,fin_idle_timeout=3,fin_hard_timeout=4,"
	  "priority=7,send_flow_rem,delete_learned,cookie=0x12,limit=5,eth_type=0x800,NXM_OF_VLAN_"
	  "TCI[0..11]=0x5,nw_proto=6,load:NXM_OF_IN_PORT[]->NXM_NX_REG0[0..15],load:0x5->NXM_NX_"
	  "REG3[])",
	  NULL },
	{ "learn(eth_src=eth_dst)", "learn(table=1,NXM_OF_ETH_SRC[]=NXM_OF_ETH_DST[])" },
	{ "meter:1,output:1,clear_actions,write_actions(set_field:0x5->tun_id,output:3),write_"
	  "metadata:0x5/0xf,goto_table:3",
	  NULL },
	{ "5,,6", "output:5,output:6" },
};

static void print_actions(const char *text, struct str *out, struct buf *list)
{
	struct error err = ERROR_INIT;

	buf_clear(list);
	ck_assert_msg(!ofpacts_parse(text, NULL, list, &err), "%s: %s: %s", text, err.field,
		      err.cause);
	str_clear(out);
	ofpacts_format(ofpacts_of(list), NULL, out);
}

START_TEST(actions_both_ways)
{
	struct str once = STR_INIT, twice = STR_INIT;
	struct buf a = BUF_INIT, b = BUF_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		const char *want = actions[i].printed ? actions[i].printed : actions[i].text;

		print_actions(actions[i].text, &once, &a);
		ck_assert_str_eq(str_cstr(&once), want);
		print_actions(str_cstr(&once), &twice, &b);
		ck_assert_str_eq(str_cstr(&twice), want);
	}
	buf_done(&a);
	buf_done(&b);
	str_done(&once);
	str_done(&twice);
}
END_TEST

START_TEST(bad_actions)
{
	static const char *const bad[] = {
		"foo",
		"output",
		"output:foo",
		"output:70000000000",
		"set_field:5",
		"set_field:5->nothing",
		"set_field:5->eth_type",
		"load:5->reg0[33]",
		"load:256->reg0[0..7]",
		"load:5->reg0[7..3]",
		"move:reg0->reg1[0..3]",
		"resubmit(,)",
		"resubmit:",
		"mod_vlan_vid:4096",
		"mod_vlan_pcp:8",
		"push_vlan:0x800",
		"drop,1",
		"1,drop",
		"goto_table:3,output:1",
		"goto_table:1,goto_table:2",
		"write_actions(goto_table:1)",
		"learn(table=255)",
		"learn(nothing)",
		"learn(NXM_NX_REG0[0..3]=NXM_NX_REG1[])",
		"note:0",
		"note:xy",
		"controller(reason=because)",
		"group:",
		"write_actions(1",
		"ct(commit,foo)",
		"ct(force)",
		"ct(table=255)",
		"ct(zone=reg0[0..14])",
		"ct(alg=irc)",
		"ct(exec(set_field:1->ct_mark))",
		"ct(commit,exec(output:1))",
		"ct(commit,exec(set_field:1->reg0))",
		"ct(nat(src=1.2.3.4))",
		"ct(commit,nat(src=1.2.3.4,dst=1.2.3.4))",
		"ct(commit,nat(src=1.2.3.4,random,hash))",
		"ct(commit,nat(persistent))",
		"ct(commit,nat(src=1.2.3.9-1.2.3.4))",
		"ct(commit,nat(src=1.2.3.4:60-50))",
		"ct(commit,nat(src=1.2.3.4:70000))",
		"ct(commit,nat(src=1.2.3.4-fe80::1))",
		"nat",
		"set_field:1->ct_mark",
		"clone(set_field:1->ct_label)",
		"pop:ct_mark",
		"clone(goto_table:3)",
		"clone(meter:3)",
		"clone(1",
		"output(port=1)",
		"output(port=1,max_len=13)",
		"push:nothing",
		"pop:eth_type",
		"check_pkt_larger(1500)",
		"check_pkt_larger(1500)->reg0",
		"check_pkt_larger(65536)->reg0[0]",
		"sample(probability=0)",
		"sample(colour=3)",
		"conjunction(1,3/2)",
		"conjunction(1,1/1)",
		"conjunction(1,1/65)",
		"conjunction(1,0/2)",
		"conjunction(1)",
		"conjunction(1,1/2),output:1",
		"clone(conjunction(1,1/2))",
		"fin_timeout(5)",
		"resubmit(,1,zone)",
		"1)",
	};
	struct buf list = BUF_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error err = ERROR_INIT;

		ck_assert_msg(ofpacts_parse(bad[i], NULL, &list, &err) < 0, "%s was taken", bad[i]);
		ck_assert_msg(err.cause[0], "%s: no cause", bad[i]);
		ck_assert_uint_eq(list.len, 0);
	}
	buf_done(&list);
}
END_TEST

/* --- flows -------------------------------------------------------------------------------------
 */

START_TEST(flow_fields)
{
	struct error err = ERROR_INIT;
	struct buf acts = BUF_INIT;
	struct ofp_flow_mod fm;

	ck_assert_int_eq(flow_mod_parse("table=3,priority=5,cookie=0x12,idle_timeout=7,"
					"hard_timeout=8,send_flow_rem,tcp,tp_dst=80 actions=1",
					OFPFC_ADD_, NULL, &fm, &acts, &err),
			 0);
	ck_assert_uint_eq(fm.table, 3);
	ck_assert_uint_eq(fm.priority, 5);
	ck_assert_uint_eq(fm.cookie, hton64(0x12));
	ck_assert_uint_eq(fm.idle_timeout, 7);
	ck_assert_uint_eq(fm.hard_timeout, 8);
	ck_assert_uint_eq(fm.flags, OFPFF_SEND_FLOW_REM_);
	ck_assert_uint_eq(fm.match.key.tp_dst, htons(80));
	ck_assert_int_eq(
		flow_mod_parse("cookie=5/-1,out_port=3", OFPFC_DELETE_, NULL, &fm, &acts, &err), 0);
	ck_assert_uint_eq(fm.table, OFPTT_ALL_);
	ck_assert_uint_eq(fm.filter_mask, UINT64_MAX);
	ck_assert_uint_eq(fm.filter_cookie, hton64(5));
	ck_assert_uint_eq(fm.out_port.v, 3);
	ck_assert_int_eq(flow_mod_parse("ip,cookie=0x7/0xf,actions=2", OFPFC_MODIFY_, NULL, &fm,
					&acts, &err),
			 0);
	ck_assert_uint_eq(fm.filter_mask, hton64(0xf));
	ck_assert(!fm.set_cookie);
	buf_done(&acts);
}
END_TEST

START_TEST(bad_flows)
{
	static const struct {
		int command;
		const char *text;
	} bad[] = {
		{ OFPFC_ADD_, "ip" },
		{ OFPFC_ADD_, "tp_dst=80,actions=1" },
		{ OFPFC_ADD_, "foo=1,actions=1" },
		{ OFPFC_ADD_, "priority=65536,actions=1" },
		{ OFPFC_ADD_, "table=255,actions=1" },
		{ OFPFC_ADD_, "cookie=1/1,actions=1" },
		{ OFPFC_ADD_, "in_port=nowhere,actions=1" },
		{ OFPFC_DELETE_, "actions=1" },
		{ OFPFC_DELETE_, "priority=1" },
		{ OFPFC_MODIFY_, "priority=1,actions=1" },
	};
	struct buf acts = BUF_INIT;
	struct ofp_flow_mod fm;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error err = ERROR_INIT;

		ck_assert_msg(flow_mod_parse(bad[i].text, bad[i].command, NULL, &fm, &acts, &err) <
				      0,
			      "%s was taken", bad[i].text);
		ck_assert_msg(err.cause[0], "%s: no cause", bad[i].text);
	}
	buf_done(&acts);
}
END_TEST

static const char *port_name(void *aux, uint32_t no)
{
	(void)aux;
	return no == 1 ? "eth1" : no == 2 ? "4u2" : NULL;
}

static bool port_no(void *aux, const char *name, struct ofp_port *no)
{
	(void)aux;
	no->v = !strcmp(name, "eth1") ? 1 : 2;
	return !strcmp(name, "eth1") || !strcmp(name, "4u2");
}

START_TEST(port_names)
{
	const struct ofp_names names = { port_name, port_no, NULL };
	struct error err = ERROR_INIT;
	struct buf acts = BUF_INIT;
	struct str out = STR_INIT;
	struct ofp_flow_mod fm;

	ck_assert_msg(!flow_mod_parse("in_port=eth1 actions=eth1,output:\"4u2\",3,resubmit(eth1,2)",
				      OFPFC_ADD_, &names, &fm, &acts, &err),
		      "%s: %s", err.field, err.cause);
	ck_assert_uint_eq(ntohl(fm.match.key.in_port), 1);
	flow_format(fm.table, fm.priority, &fm.match, fm.actions, &names, &out);
	ck_assert_str_eq(
		str_cstr(&out),
		"in_port=eth1 actions=output:eth1,output:\"4u2\",output:3,resubmit(eth1,2)");
	buf_done(&acts);
	str_done(&out);
}
END_TEST

START_TEST(statistics_line)
{
	struct ofp_flow_stats s = { .table = 2,
				    .priority = 32768,
				    .cookie = hton64(0x12),
				    .duration_ns = 1500000000,
				    .packets = 3,
				    .bytes = 180,
				    .idle_age_s = 1,
				    .hard_age_s = 1 };
	struct str out = STR_INIT;

	flow_stats_format(&s, NULL, &out);
	ck_assert_str_eq(str_cstr(&out), " cookie=0x12, duration=1.500s, table=2, n_packets=3, "
					 "n_bytes=180, idle_age=1, actions=drop");
	str_clear(&out);
	s.idle_timeout = 10;
	s.flags = OFPFF_SEND_FLOW_REM_;
	s.priority = 5;
	s.idle_age_s = UINT64_MAX;
	s.packets = UINT64_MAX;
	flow_stats_format(&s, NULL, &out);
	ck_assert_str_eq(str_cstr(&out),
			 " cookie=0x12, duration=1.500s, table=2, n_bytes=180, idle_timeout=10, "
			 "send_flow_rem priority=5 actions=drop");
	str_done(&out);
}
END_TEST

/* --- groups ------------------------------------------------------------------------------------
 */

START_TEST(groups)
{
	static const struct {
		const char *text, *printed;
	} rows[] = {
		{ "group_id=1,type=all,bucket=output:1,bucket=actions=output:2,output:3",
		  "group_id=1,type=all,bucket=actions=output:1,bucket=actions=output:2,output:3" },
		{ "group_id=2,type=select,bucket=weight:5,actions=output:1,bucket=weight=6,actions="
		  "2",
		  "group_id=2,type=select,bucket=weight:5,actions=output:1,bucket=weight:6,actions="
		  "output:2" },
		{ "group_id=3,type=fast_failover,bucket=watch_port:1,actions=1,bucket=watch_group="
		  "4,resubmit(,2)",
		  "group_id=3,type=ff,bucket=watch_port:1,actions=output:1,bucket=watch_group:4,"
		  "actions=resubmit(,2)" },
		{ "group_id=4 type=indirect bucket=actions=drop",
		  "group_id=4,type=indirect,bucket=actions=drop" },
	};
	struct buf acts = BUF_INIT, buckets = BUF_INIT;
	struct str out = STR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = ERROR_INIT;
		struct ofp_group_mod gm;

		ck_assert_msg(!group_mod_parse(rows[i].text, OFPGC_ADD_, NULL, &gm, &acts, &buckets,
					       &err),
			      "%s: %s: %s", rows[i].text, err.field, err.cause);
		str_clear(&out);
		group_format(&gm, NULL, &out);
		ck_assert_str_eq(str_cstr(&out), rows[i].printed);
	}
	buf_done(&acts);
	buf_done(&buckets);
	str_done(&out);
}
END_TEST

START_TEST(bad_groups)
{
	static const char *const bad[] = {
		"type=all,bucket=1",
		"group_id=1,bucket=1",
		"group_id=1,type=some",
		"group_id=0xffffff01,type=all",
		"group_id=1,type=all,bucket=weight:70000,1",
		"group_id=1,type=all,foo=1",
		"group_id=1,type=all,bucket=foo",
	};
	struct buf acts = BUF_INIT, buckets = BUF_INIT;
	struct ofp_group_mod gm;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error err = ERROR_INIT;

		ck_assert_msg(
			group_mod_parse(bad[i], OFPGC_ADD_, NULL, &gm, &acts, &buckets, &err) < 0,
			"%s was taken", bad[i]);
		ck_assert_msg(err.cause[0], "%s: no cause", bad[i]);
	}
	buf_done(&acts);
	buf_done(&buckets);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("flow_text");
	TCase *t = tcase_create("flow_text");
	SRunner *r;
	int failed;

	tcase_add_test(t, actions_both_ways);
	tcase_add_test(t, bad_actions);
	tcase_add_test(t, flow_fields);
	tcase_add_test(t, bad_flows);
	tcase_add_test(t, port_names);
	tcase_add_test(t, statistics_line);
	tcase_add_test(t, groups);
	tcase_add_test(t, bad_groups);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
