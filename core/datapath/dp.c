/* SPDX-License-Identifier: Apache-2.0 */
#include "core/datapath/dp.h"

#include "core/datapath/dp_ct.h"

#include <assert.h>
#include <string.h>

#define MAX_TYPES 8

const char *const dp_drop_name[DP_N_DROPS] = {
	[DP_DROP_PARSE] = "parse",
	[DP_DROP_NO_ACTIONS] = "no_actions",
	[DP_DROP_UPCALL_FULL] = "upcall_queue_full",
	[DP_DROP_UPCALL_RATE] = "upcall_port_share",
	[DP_DROP_RECIRC_LIMIT] = "recirculation_limit",
	[DP_DROP_NO_PORT] = "no_output_port",
	[DP_DROP_EDIT] = "edit_without_header",
	[DP_DROP_TX] = "port_transmit",
	[DP_DROP_PORT_CONFIG] = "port_config",
	[DP_DROP_METER] = "meter",
};

const char *const dp_ct_timeout_name[DP_CT_N_TIMEOUTS] = {
	[DP_CT_TCP_SYN_SENT] = "tcp_syn_sent",
	[DP_CT_TCP_SYN_RECV] = "tcp_syn_recv",
	[DP_CT_TCP_ESTABLISHED] = "tcp_established",
	[DP_CT_TCP_FIN_WAIT] = "tcp_fin_wait",
	[DP_CT_TCP_CLOSE_WAIT] = "tcp_close_wait",
	[DP_CT_TCP_LAST_ACK] = "tcp_last_ack",
	[DP_CT_TCP_TIME_WAIT] = "tcp_time_wait",
	[DP_CT_TCP_CLOSE] = "tcp_close",
	[DP_CT_TCP_SYN_SENT2] = "tcp_syn_sent2",
	[DP_CT_TCP_RETRANSMIT] = "tcp_retransmit",
	[DP_CT_TCP_UNACK] = "tcp_unack",
	[DP_CT_UDP_FIRST] = "udp_first",
	[DP_CT_UDP_SINGLE] = "udp_single",
	[DP_CT_UDP_MULTIPLE] = "udp_multiple",
	[DP_CT_ICMP_FIRST] = "icmp_first",
	[DP_CT_ICMP_REPLY] = "icmp_reply",
};

static struct {
	const struct dp_ops *ops;
	bool (*is_there)(void);
} types[MAX_TYPES];
static unsigned n_types;

static int find(const char *type)
{
	for (unsigned i = 0; i < n_types; i++) {
		if (!strcmp(types[i].ops->type, type))
			return (int)i;
	}
	return -1;
}

void dp_register(const struct dp_ops *ops, bool (*is_there)(void))
{
	if (find(ops->type) >= 0)
		return;
	assert(n_types < MAX_TYPES);
	types[n_types].ops = ops;
	types[n_types++].is_there = is_there;
}

const struct dp_ops *dp_type_find(const char *type)
{
	int i = find(*type ? type : "system");

	if (!*type && (i < 0 || (types[i].is_there && !types[i].is_there())))
		i = find("netdev");
	return i >= 0 ? types[i].ops : NULL;
}

int dp_flow_do(struct dp *dp, struct dp_flow_op *op)
{
	(void)dp->ops->flow_batch(dp, op, 1); /* the result says it */
	return op->result;
}
