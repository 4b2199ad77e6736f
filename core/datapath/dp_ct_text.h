/* SPDX-License-Identifier: Apache-2.0 */
/* Tracked connections as text, in the forms of ovs-dpctl(8): what dump-conntrack prints and what
 * flush-conntrack reads.  Any thread; nothing blocks. */
#pragma once

#include "core/base/str.h"
#include "core/datapath/dp_ct.h"

/* TCP's states in the order and by the names that ovs-dpctl has for them. */
enum dp_ct_text_tcp {
	DP_CT_TEXT_CLOSED,
	DP_CT_TEXT_LISTEN,
	DP_CT_TEXT_SYN_SENT,
	DP_CT_TEXT_SYN_RECV,
	DP_CT_TEXT_ESTABLISHED,
	DP_CT_TEXT_CLOSE_WAIT,
	DP_CT_TEXT_FIN_WAIT_1,
	DP_CT_TEXT_CLOSING,
	DP_CT_TEXT_LAST_ACK,
	DP_CT_TEXT_FIN_WAIT_2,
	DP_CT_TEXT_TIME_WAIT,
	DP_CT_TEXT_N_TCP
};
extern const char *const dp_ct_text_tcp_name[DP_CT_TEXT_N_TCP];

/* The one state of a connection of TCP: the later one of both directions, and ESTABLISHED already
 * when the answer to the first packet has been seen. */
enum dp_ct_text_tcp dp_ct_text_tcp_state(const struct dp_ct_entry *e);

/* One line, without its end.  `more` adds number, status and TCP's particulars, `stats` counters
 * and the seconds that are left. */
void dp_ct_text_entry(const struct dp_ct_entry *e, bool more, bool stats, struct str *out);

/* "ct_nw_src=A,ct_nw_dst=A,ct_nw_proto=N,ct_tp_src=N,ct_tp_dst=N", "ct_ipv6_src=A"…, "icmp_id=N",
 * "icmp_type=N", "icmp_code=N": what is not named matches all.  The family is 0 where no address
 * tells it.  0 or -EINVAL with the reason. */
int dp_ct_text_parse_tuple(const char *text, struct dp_ct_tuple *t, struct error *err) MUST_CHECK;
