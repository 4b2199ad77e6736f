/* SPDX-License-Identifier: Apache-2.0 */
/* Dumps are read as they were meant: what Open vSwitch writes otherwise comes to the same flow,
 * what no NIC here could be asked for is named, and what is not understood is refused with the
 * word. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/packet/match.h"
#include "offload/caps.h"
#include "offload/plan/dump.h"
#include "tests/unit/tc/random_rule.h"

#define SAME(X) X, X

static const char *name_of(void *aux, uint32_t no)
{
	static char name[64];

	dump_port_name(aux, (struct dp_port){ no }, name);
	return name;
}

static const char *port_of(void *aux, struct dp_port no)
{
	return name_of(aux, no.v);
}

/* The match, or the actions, as Shunt prints them. */
static void check_line(const char *match, const char *want_match, const char *actions,
		       const char *want_actions)
{
	struct error err = ERROR_INIT;
	struct dump_reader r;
	struct dump_flow f;
	struct str s = STR_INIT;
	char line[2048];

	dump_reader_init(&r);
	dump_flow_init(&f);
	(void)snprintf(line, sizeof(line),
		       "ufid:01234567-89ab-cdef-0123-456789abcdef, %s, packets:7, bytes:700, "
		       "used:0.5s, flags:SFPR., offloaded:yes, dp:ovs, actions:%s, "
		       "dp-extra-info:miniflow_bits(4,2)",
		       match, actions);
	ck_assert_msg(dump_read(&r, line, &f, &err) == 1, "%s: %s", line, err.cause);
	ck_assert_uint_eq(f.packets, 7);
	ck_assert_uint_eq(f.bytes, 700);
	ck_assert(f.has_ufid && f.offloaded);
	ck_assert_uint_eq(f.ufid.u[0], 0x0123456789abcdef);
	ck_assert_int_eq(f.foreign.reason, OFFLOAD_OK);
	match_format_dp(&f.key, &f.mask, name_of, &r, &s);
	ck_assert_str_eq(str_cstr(&s), want_match);
	str_clear(&s);
	dp_actions_format(dp_actions_of(&f.actions), port_of, &r, &s);
	ck_assert_str_eq(str_cstr(&s), want_actions);
	ck_assert_str_eq(str_cstr(&f.actions_text), actions);
	str_done(&s);
	dump_flow_done(&f);
	dump_reader_done(&r);
}

START_TEST(matches)
{
	static const char *const cases[][2] = {
		{ SAME("recirc_id(0),in_port(eth0),eth_type(0x0800),ipv4(frag=no)") },
		{ "skb_priority(0/0),skb_mark(0/0),ct_state(0/0),ct_zone(0x5/0),ct_mark(0/0),"
		  "ct_label(0/0),recirc_id(0x1),dp_hash(0/0),in_port(eth0),packet_type(ns=0,id=0),"
		  "eth(src=02:00:00:00:00:01/00:00:00:00:00:00,dst=02:00:00:00:00:02),"
		  "eth_type(0x0800),ipv4(src=10.0.0.1/0.0.0.0,dst=10.0.0.2/255.255.255.0,proto=17,"
		  "tos=0/0x3,ttl=64/0,frag=no),udp(src=1000/0,dst=4)",
		  "recirc_id(0x1),in_port(eth0),eth(dst=02:00:00:00:00:02),eth_type(0x0800),"
		  "ipv4(dst=10.0.0.0/24,proto=17,tos=0/0x3,frag=no),udp(dst=4)" },
		{ "recirc_id(0),in_port(2),eth_type(0x0800),ipv4(src=1.2.3.4,"
		  "error: partial mask not supported for frag (0))",
		  "recirc_id(0),in_port(2),eth_type(0x0800),ipv4(src=1.2.3.4)" },
		{ "recirc_id(0),in_port(2),eth(),eth_type(0x8100),vlan(vid=7,pcp=0/0x0),"
		  "encap(eth_type(0x86dd),ipv6(frag=no))",
		  "recirc_id(0),in_port(2),eth_type(0x8100),vlan(vid=7),encap(eth_type(0x86dd),"
		  "ipv6(frag=no))" },
		{ "recirc_id(0),in_port(2),eth_type(0x88a8),vlan(vid=7,pcp=1,cfi=1),"
		  "encap(eth_type(0x8100),vlan(vid=8,pcp=2),encap(eth_type(0x0806),arp(op=1)))",
		  "recirc_id(0),in_port(2),eth_type(0x88a8),vlan(vid=7,pcp=1),"
		  "encap(eth_type(0x8100),vlan(vid=8,pcp=2),encap(eth_type(0x0806),arp(op=1)))" },
		{ "tunnel(tun_id=0x7b,src=1.1.1.1,dst=2.2.2.2,ttl=0/0,geneve(),"
		  "flags(-df-csum+key)),recirc_id(0),in_port(vxlan_sys_4789),eth_type(0x0800),"
		  "ipv4(frag=no)",
		  "recirc_id(0),tunnel(tun_id=0x7b,src=1.1.1.1,dst=2.2.2.2,flags(-df-csum+key)),"
		  "in_port(vxlan_sys_4789),eth_type(0x0800),ipv4(frag=no)" },
		{ "ct_state(-new+est+trk),recirc_id(0x3),in_port(2),eth_type(0x0800),"
		  "ipv4(proto=6,frag=no),tcp_flags(+syn-ack)",
		  "recirc_id(0x3),in_port(2),ct_state(-new+est+trk),eth_type(0x0800),"
		  "ipv4(proto=6,frag=no),tcp_flags(+syn-ack)" },
		{ "recirc_id(0),in_port(\"a-b.c\"),eth_type(0x8847),mpls(label=7,tc=0/0,ttl=64/0,"
		  "bos=1/1)",
		  "recirc_id(0),in_port(a-b.c),eth_type(0x8847),mpls(label=7,bos=1)" },
		{ "recirc_id(0),in_port(1),eth_type(0x8847),mpls(label=7/0xfffff,tc=0/0,ttl=64/0x0,"
		  "bos=0/1,label=9/0x0,tc=0/0,ttl=0/0x0,bos=0/0)",
		  "recirc_id(0),in_port(1),eth_type(0x8847),mpls(label=7,bos=0)" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_line(cases[i][0], cases[i][1], "drop", "drop");
}
END_TEST

START_TEST(actions)
{
	static const char *const cases[][2] = {
		{ SAME("eth1,7") },
		{ SAME("push_vlan(vid=9,pcp=0),eth1") },
		{ "push_vlan(vid=9,pcp=3,cfi=1),pop_vlan,1", "push_vlan(vid=9,pcp=3),pop_vlan,1" },
		{ SAME("set(eth(dst=02:00:00:00:00:09)),set(ipv4(ttl=9)),eth1") },
		{ SAME("ct(commit,zone=7,mark=0x1/0xff,nat(src=10.9.9.1-10.9.9.9:1000-2000)),"
		       "recirc(0x1)") },
		{ SAME("check_pkt_len(size=100,gt(eth1),le(eth2,drop(reason=1)))") },
		{ "userspace(pid=0,controller(reason=1,dont_send=0,continuation=0,recirc_id=2,"
		  "rule_cookie=0,controller_id=0,max_len=65535))",
		  "userspace(controller)" },
		{ "userspace(pid=4294967295,slow_path(lldp))", "userspace(slow_path)" },
		{ "sample(sample=50.0%,actions(userspace(pid=3,sFlow(vid=0,pcp=0,output=1),"
		  "actions),eth1)),2",
		  "sample(sample=50.0%,actions(userspace(sflow),eth1)),2" },
		{ "clone(set(tunnel(tun_id=0x9,dst=1.1.1.1,ttl=64,tp_dst=4789,flags(df|key))),"
		  "vxlan_sys_4789),3",
		  "clone(set(tunnel(tun_id=0x9,dst=1.1.1.1,ttl=64,tp_dst=4789,flags(df|key))),"
		  "vxlan_sys_4789),3" },
		{ SAME("trunc(100),meter(0),hash(sym_l4(5)),ct_clear,1") },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_line(SAME("recirc_id(0),in_port(1)"), cases[i][0], cases[i][1]);
}
END_TEST

START_TEST(what_no_nic_here_has_is_named)
{
	static const struct {
		const char *line;
		enum offload_reason reason;
		const char *word;
	} cases[] = {
		{ "in_port(1),eth_type(0x0800),ipv4(), packets:0, bytes:0, used:never, "
		  "actions:tnl_push(tnl_port(6),header(size=50,type=4,eth(dst=aa:aa:aa:aa:aa:aa,"
		  "src=aa:aa:aa:aa:aa:ab,dl_type=0x0800),ipv4(src=1.1.2.88,dst=1.1.2.92,proto=17,"
		  "tos=0,ttl=64,frag=0x4000),udp(src=0,dst=4789,csum=0x0),"
		  "vxlan(flags=0x8000000,vni=0x7b)),out_port(100)),1",
		  OFFLOAD_ACTION, "tnl_push" },
		{ "in_port(1),eth_type(0x0800), packets:0, bytes:0, used:never, "
		  "actions:tnl_pop(4)",
		  OFFLOAD_ACTION, "tnl_pop" },
		{ "tunnel(tun_id=0x1,geneve({class=0x102,type=0x80,len=4,0x30001}),flags(+key)),"
		  "in_port(1),eth_type(0x0800), packets:0, bytes:0, used:never, actions:2",
		  OFFLOAD_FIELD, "geneve" },
		{ "in_port(1),eth_type(0x8847),mpls(label=1,tc=0,ttl=63,bos=0,label=2,tc=0,ttl=6,"
		  "bos=1), packets:0, bytes:0, used:never, actions:2",
		  OFFLOAD_FIELD, "label behind the first" },
		{ "in_port(1),eth_type(0x894f),nsh(flags=0,ttl=63,mdtype=1,np=3,spi=0x1,si=255), "
		  "packets:0, bytes:0, used:never, actions:2",
		  OFFLOAD_FIELD, "nsh" },
		{ "in_port(1),packet_type(ns=1,id=0x800),eth_type(0x0800), packets:0, bytes:0, "
		  "used:never, actions:push_eth(src=00:00:00:00:00:00,dst=00:00:00:00:00:00),2",
		  OFFLOAD_FIELD, "packet_type" },
	};
	struct error err = ERROR_INIT;
	struct dump_reader r;
	struct dump_flow f;

	dump_reader_init(&r);
	dump_flow_init(&f);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ck_assert_msg(dump_read(&r, cases[i].line, &f, &err) == 1, "%s: %s", cases[i].line,
			      err.cause);
		ck_assert_int_eq(f.foreign.reason, cases[i].reason);
		ck_assert_str_eq(f.foreign.driver, cases[i].word);
	}
	dump_flow_done(&f);
	dump_reader_done(&r);
}
END_TEST

START_TEST(what_is_not_understood_is_refused)
{
	static const char *const no_flows[] = { "", "  \t", "flow-dump from the main thread:",
						"flow-dump from pmd on cpu core: 3", "# a remark" };
	static const char *const bad[][2] = {
		{ "in_port(1),eth_type(0x0800)", "it has no actions" },
		{ "in_port(1),gizmo(1), packets:0, bytes:0, actions:2", "gizmo" },
		{ "in_port(1),eth_type(0x0800), packets:x, bytes:0, actions:2", "no count: \"x\"" },
		{ "in_port(1), colour:red, actions:2", "colour" },
		{ "in_port(1),eth_type(0x0800),ipv4(src=1.2.3), actions:2", "1.2.3" },
		{ "in_port(1),eth_type(0x0800), actions:frobnicate(3)", "frobnicate" },
		{ "in_port(1),eth_type(0x0800), actions:set(ipv4(ttl=x))", "x" },
		{ "in_port(1),eth_type(0x0800), actions:clone(2", "parentheses" },
		{ "in_port(1,eth_type(0x0800), actions:2", "parentheses" },
		{ "ufid:12, in_port(1), actions:2", "no ufid" },
		{ ", actions:2", "there is no match" },
		{ "ovs-appctl: cannot connect", "it has no actions" },
	};
	struct dump_reader r;
	struct dump_flow f;

	dump_reader_init(&r);
	dump_flow_init(&f);
	for (size_t i = 0; i < ARRAY_SIZE(no_flows); i++)
		ck_assert_int_eq(dump_read(&r, no_flows[i], &f, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error err = ERROR_INIT;
		char text[400];

		ck_assert_int_eq(dump_read(&r, bad[i][0], &f, &err), -EINVAL);
		ck_assert_msg(strstr(error_text(&err, text, sizeof(text)), bad[i][1]) != NULL,
			      "%s: %s", bad[i][0], text);
	}
	dump_flow_done(&f);
	dump_reader_done(&r);
}
END_TEST

/* What Shunt prints of any flow comes back as that flow, as far as frames at a port go. */
START_TEST(what_is_printed_is_read)
{
	struct rng rng = rng_start("what_is_printed_is_read");
	struct str s = STR_INIT, again = STR_INIT;
	struct dump_reader r;
	struct dump_flow f;
	struct random_rule x;

	dump_reader_init(&r);
	dump_flow_init(&f);
	random_rule_start(&x);
	for (unsigned i = 0; i < 5000; i++) {
		struct error err = ERROR_INIT;
		struct match a, b;

		random_rule(&rng, &x);
		if (!x.key.vlans[0].tci) /* text without a tag is of packets without one */
			x.mask.vlans[0].tci = UINT16_MAX;
		str_clear(&s);
		match_format_dp(&x.key, &x.mask, NULL, NULL, &s);
		str_puts(&s, ", packets:1, bytes:60, used:never, actions:");
		dp_actions_format(x.rule.actions, NULL, NULL, &s);
		ck_assert_msg(dump_read(&r, str_cstr(&s), &f, &err) == 1, "%s: %s", str_cstr(&s),
			      err.cause);
		match_init(&a, &x.key, &x.mask);
		match_init(&b, &f.key, &f.mask);
		ck_assert_msg(x.mask.tunnel.tun_id || x.key.recirc_id || caps_same_frames(&a, &b),
			      "%s", str_cstr(&s));
		str_clear(&again);
		dp_actions_format(dp_actions_of(&f.actions), NULL, NULL, &again);
		ck_assert_str_eq(strstr(str_cstr(&s), "actions:") + 8, str_cstr(&again));
	}
	random_rule_done(&x);
	dump_flow_done(&f);
	dump_reader_done(&r);
	str_done(&s);
	str_done(&again);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dump");
	TCase *t = tcase_create("dump");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_test(t, matches);
	tcase_add_test(t, actions);
	tcase_add_test(t, what_no_nic_here_has_is_named);
	tcase_add_test(t, what_is_not_understood_is_refused);
	tcase_add_test(t, what_is_printed_is_read);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
