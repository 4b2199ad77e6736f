/* SPDX-License-Identifier: Apache-2.0 */
/* Connections as text: each part of a line, and tuples as they are read. */
#include <check.h>
#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "core/datapath/dp_ct_text.h"

static struct dp_ct_entry tcp_entry(void)
{
	return (struct dp_ct_entry){
		.orig = { .family = AF_INET,
			  .proto = IPPROTO_TCP,
			  .src.w = { htonl(0x0a000001) },
			  .dst.w = { htonl(0x0a000002) },
			  .sport = htons(1000),
			  .dport = htons(80) },
		.reply = { .family = AF_INET,
			   .proto = IPPROTO_TCP,
			   .src.w = { htonl(0x0a000002) },
			   .dst.w = { htonl(0x0a000063) },
			   .sport = htons(80),
			   .dport = htons(2000) },
		.zone = 65535,
		.mark = 42,
		.timeout_s = 7,
		.id = 4000000000u,
		.label.b = { [13] = 0x7 },
		.status = IPS_SEEN_REPLY | IPS_CONFIRMED | IPS_SRC_NAT,
		.has_counts = true,
		.packets = { 3, 0 },
		.bytes = { UINT64_C(5000000000), 0 },
		.tcp_state = { TCP_CONNTRACK_SYN_RECV, TCP_CONNTRACK_SYN_RECV },
		.tcp_wscale = { 0, 7 },
		.tcp_flags = { IP_CT_TCP_FLAG_WINDOW_SCALE | IP_CT_TCP_FLAG_SACK_PERM, 0 },
		.helper = "ftp",
	};
}

static void is_text(const struct dp_ct_entry *e, bool more, bool stats, const char *wanted)
{
	struct str out = STR_INIT;

	dp_ct_text_entry(e, more, stats, &out);
	ck_assert_str_eq(str_cstr(&out), wanted);
	str_done(&out);
}

START_TEST(tcp_is_told)
{
	struct dp_ct_entry e = tcp_entry();

	is_text(&e, false, false,
		"tcp,orig=(src=10.0.0.1,dst=10.0.0.2,sport=1000,dport=80)"
		",reply=(src=10.0.0.2,dst=10.0.0.99,sport=80,dport=2000)"
		",zone=65535,mark=42,labels=0x70000,protoinfo=(state=ESTABLISHED),helper=ftp");
	is_text(&e, true, true,
		"tcp,orig=(src=10.0.0.1,dst=10.0.0.2,sport=1000,dport=80"
		",packets=3,bytes=5000000000)"
		",reply=(src=10.0.0.2,dst=10.0.0.99,sport=80,dport=2000)"
		",id=4000000000,zone=65535,status=SEEN_REPLY|CONFIRMED|SRC_NAT,timeout=7,mark=42"
		",labels=0x70000,protoinfo=(state_orig=SYN_RECV,state_reply=SYN_RECV"
		",wscale_orig=0,wscale_reply=7,flags_orig=WINDOW_SCALE|SACK_PERM,flags_reply=0)"
		",helper=ftp");
}
END_TEST

START_TEST(others_are_told)
{
	struct dp_ct_entry e = {
		.orig = { .family = AF_INET6, .proto = IPPROTO_ICMPV6, .icmp_type = 128 },
		.reply = { .family = AF_INET6, .proto = IPPROTO_ICMPV6, .icmp_type = 129 },
	};

	e.orig.sport = e.reply.sport = htons(9);
	e.orig.src.b[15] = e.reply.dst.b[15] = 1;
	e.orig.dst.b[0] = e.reply.src.b[0] = 0xfd;
	is_text(&e, false, true,
		"icmpv6,orig=(src=::1,dst=fd00::,id=9,type=128,code=0)"
		",reply=(src=fd00::,dst=::1,id=9,type=129,code=0),timeout=0");
	e.orig.proto = e.reply.proto = 47;
	is_text(&e, false, false,
		"47,orig=(src=::1,dst=fd00::,sport=9,dport=0)"
		",reply=(src=fd00::,dst=::1,sport=9,dport=0)");
}
END_TEST

START_TEST(every_state_has_a_name)
{
	for (unsigned i = 0; i < DP_CT_TEXT_N_TCP; i++)
		ck_assert_ptr_nonnull(dp_ct_text_tcp_name[i]);
	for (unsigned s = 0; s < 256; s++) {
		struct dp_ct_entry e = { .tcp_state = { (uint8_t)s, TCP_CONNTRACK_NONE } };

		ck_assert_uint_lt(dp_ct_text_tcp_state(&e), DP_CT_TEXT_N_TCP);
	}
}
END_TEST

START_TEST(tuples_are_read)
{
	struct dp_ct_entry e = tcp_entry();
	struct error err = ERROR_INIT;
	struct dp_ct_tuple t;

	ck_assert_int_eq(dp_ct_text_parse_tuple("ct_nw_src=10.0.0.1,ct_nw_dst=10.0.0.2,"
						"ct_nw_proto=6,ct_tp_src=1000,ct_tp_dst=0x50",
						&t, &err),
			 0);
	ck_assert_uint_eq(t.family, e.orig.family);
	ck_assert_uint_eq(t.proto, e.orig.proto);
	ck_assert_uint_eq(t.src.w[0], e.orig.src.w[0]);
	ck_assert_uint_eq(t.dst.w[0], e.orig.dst.w[0]);
	ck_assert_uint_eq(t.sport, e.orig.sport);
	ck_assert_uint_eq(t.dport, e.orig.dport);
	ck_assert_int_eq(dp_ct_text_parse_tuple("ct_ipv6_dst=fd00::,ct_nw_proto=58,icmp_id=9,"
						"icmp_type=128,icmp_code=255",
						&t, &err),
			 0);
	ck_assert_uint_eq(t.family, AF_INET6);
	ck_assert_uint_eq(t.dst.b[0], 0xfd);
	ck_assert_uint_eq(t.proto, 58);
	ck_assert_uint_eq(t.sport, htons(9));
	ck_assert_uint_eq(t.icmp_type, 128);
	ck_assert_uint_eq(t.icmp_code, 255);
	ck_assert_int_eq(dp_ct_text_parse_tuple("ct_nw_proto=17", &t, &err), 0);
	ck_assert_uint_eq(t.family, 0);
}
END_TEST

START_TEST(wrong_tuples_are_refused)
{
	static const char *const wrong[] = {
		"",
		"ct_nw_src",
		"ct_nw_src=",
		"ct_nw_src=10.0.0",
		"ct_nw_src=10.0.0.1,",
		"ct_nw_src=10.0.0.1,ct_ipv6_dst=::1",
		"ct_ipv6_src=10.0.0.1",
		"ct_nw_proto=256",
		"ct_nw_proto=-1",
		"ct_tp_src=65536",
		"ct_tp_dst=1x",
		"icmp_type=256",
		"=1",
		"ct_state=1",
	};
	char *longest = calloc(1, 4096);
	struct dp_ct_tuple t;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct error err = ERROR_INIT;

		ck_assert_msg(dp_ct_text_parse_tuple(wrong[i], &t, &err) == -EINVAL, "%s",
			      wrong[i]);
		ck_assert(*err.cause);
	}
	ck_assert_ptr_nonnull(longest);
	memset(longest, ',', 4095);
	ck_assert_int_eq(dp_ct_text_parse_tuple(longest, &t, NULL), -EINVAL);
	free(longest);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dp_ct_text");
	TCase *tc = tcase_create("text");
	SRunner *r;
	int failed;

	tcase_add_test(tc, tcp_is_told);
	tcase_add_test(tc, others_are_told);
	tcase_add_test(tc, every_state_has_a_name);
	tcase_add_test(tc, tuples_are_read);
	tcase_add_test(tc, wrong_tuples_are_refused);
	suite_add_tcase(s, tc);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
