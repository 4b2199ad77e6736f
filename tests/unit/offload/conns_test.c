/* SPDX-License-Identifier: Apache-2.0 */
/* Why a tracked connection is not in hardware: each reason is made, and they come in order. */
#include <check.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "offload/conns.h"

#define ESTABLISHED (IPS_SEEN_REPLY | IPS_ASSURED | IPS_CONFIRMED)

static const struct {
	enum conn_why why;
	uint8_t proto, tcp_state;
	bool no_rule;
	const char *helper;
	uint32_t status;
} cases[] = {
	{ CONN_HARDWARE, IPPROTO_TCP, TCP_CONNTRACK_ESTABLISHED,
	  .status = ESTABLISHED | IPS_OFFLOAD | IPS_HW_OFFLOAD },
	{ CONN_HARDWARE, IPPROTO_UDP, .status = IPS_CONFIRMED | IPS_OFFLOAD | IPS_HW_OFFLOAD },
	/* it is in a NIC whatever the rules are by now */
	{ CONN_HARDWARE, IPPROTO_UDP, .no_rule = true,
	  .status = ESTABLISHED | IPS_OFFLOAD | IPS_HW_OFFLOAD },
	{ CONN_REFUSED, IPPROTO_TCP, TCP_CONNTRACK_ESTABLISHED,
	  .status = ESTABLISHED | IPS_OFFLOAD },
	{ CONN_NAT, IPPROTO_TCP, TCP_CONNTRACK_ESTABLISHED,
	  .status = ESTABLISHED | IPS_OFFLOAD | IPS_SRC_NAT | IPS_SRC_NAT_DONE },
	{ CONN_ZONE, IPPROTO_TCP, TCP_CONNTRACK_ESTABLISHED, .no_rule = true,
	  .status = ESTABLISHED | IPS_OFFLOAD },
	{ CONN_ZONE, IPPROTO_ICMP, .no_rule = true, .status = ESTABLISHED },
	{ CONN_PROTOCOL, IPPROTO_ICMP, .status = ESTABLISHED },
	{ CONN_PROTOCOL, IPPROTO_SCTP, .status = ESTABLISHED },
	{ CONN_PROTOCOL, IPPROTO_GRE, .status = ESTABLISHED | IPS_DST_NAT },
	{ CONN_HELPER, IPPROTO_TCP, TCP_CONNTRACK_ESTABLISHED, .helper = "ftp",
	  .status = ESTABLISHED },
	{ CONN_HELPER, IPPROTO_TCP, TCP_CONNTRACK_ESTABLISHED, .status = ESTABLISHED | IPS_HELPER },
	{ CONN_SEQ_ADJUST, IPPROTO_TCP, TCP_CONNTRACK_ESTABLISHED,
	  .status = ESTABLISHED | IPS_SEQ_ADJUST },
	{ CONN_STATE, IPPROTO_TCP, TCP_CONNTRACK_SYN_SENT, .status = IPS_CONFIRMED },
	{ CONN_STATE, IPPROTO_TCP, TCP_CONNTRACK_SYN_RECV,
	  .status = IPS_CONFIRMED | IPS_SEEN_REPLY },
	{ CONN_STATE, IPPROTO_TCP, TCP_CONNTRACK_ESTABLISHED,
	  .status = IPS_CONFIRMED | IPS_SEEN_REPLY },
	{ CONN_STATE, IPPROTO_TCP, TCP_CONNTRACK_FIN_WAIT, .status = ESTABLISHED },
	{ CONN_STATE, IPPROTO_TCP, TCP_CONNTRACK_CLOSE, .status = ESTABLISHED },
	{ CONN_STATE, IPPROTO_UDP, .status = ESTABLISHED | IPS_DYING },
	{ CONN_STATE, IPPROTO_GRE, .status = IPS_CONFIRMED },
	{ CONN_WAITING, IPPROTO_TCP, TCP_CONNTRACK_ESTABLISHED, .status = ESTABLISHED },
	{ CONN_WAITING, IPPROTO_UDP, .status = IPS_CONFIRMED },
	{ CONN_WAITING, IPPROTO_GRE, .status = ESTABLISHED },
};

START_TEST(each_reason_is_made)
{
	bool made[CONN_N_WHYS] = { false };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct dp_ct_entry e = { .orig = { .family = AF_INET, .proto = cases[i].proto },
					 .status = cases[i].status,
					 .tcp_state = { cases[i].tcp_state, cases[i].tcp_state } };
		enum conn_why why;

		if (cases[i].helper)
			(void)snprintf(e.helper, sizeof(e.helper), "%s", cases[i].helper);
		why = conn_judge(&e, !cases[i].no_rule);
		ck_assert_msg(why == cases[i].why, "case %zu is %s, not %s", i,
			      conn_why_table[why].name, conn_why_table[cases[i].why].name);
		made[why] = true;
	}
	for (unsigned i = 0; i < CONN_N_WHYS; i++) {
		const struct conn_why_info *r = &conn_why_table[i];

		ck_assert(r->name && r->text && r->advice);
		ck_assert_msg(made[i], "nothing makes %s", r->name);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("offload/conns");
	TCase *c = tcase_create("all");
	SRunner *sr;
	int failed;

	tcase_add_test(c, each_reason_is_made);
	suite_add_tcase(s, c);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
