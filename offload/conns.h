/* SPDX-License-Identifier: Apache-2.0 */
/* Which tracked connections a NIC carries, and why it does not carry the others.
 *
 * A rule with a ct action in a NIC does not make connections hardware's by itself: the kernel's
 * act_ct puts a connection into the flow table of its zone when a packet of it comes by in
 * software, it is established, and the kernel can do without seeing its packets; the flow table's
 * entries are then offered to the drivers of the rules.  The kernel tells of each connection
 * whether it is in the flow table (IPS_OFFLOAD) and whether a driver took it (IPS_HW_OFFLOAD); why
 * not, it does not tell: that is judged here, by the rules that act_ct has (Linux 6.1,
 * net/sched/act_ct.c, and linux/netfilter/nf_conntrack_common.h).
 *
 * Connections of zones that no flow of ours names are others' and only counted.  Any thread; a look
 * takes one walk over all flows under the engine's lock and one dump of the connections, some
 * microseconds each. */
#pragma once

#include "core/datapath/dp_ct.h"
#include "offload/engine.h"

enum conn_why {
	CONN_HARDWARE,
	CONN_REFUSED,    /* the flow table has it, no driver took it */
	CONN_NAT,        /* likewise, and its addresses are translated */
	CONN_ZONE,       /* no rule of its zone is in a NIC */
	CONN_PROTOCOL,   /* neither TCP nor UDP, nor GRE as it is */
	CONN_HELPER,     /* a helper looks into it */
	CONN_SEQ_ADJUST, /* its sequence numbers are rewritten */
	CONN_STATE,      /* not established yet, or ending */
	CONN_WAITING,    /* could be: for its next packet in software, or the kernel's work queue */
	CONN_N_WHYS
};

struct conn_why_info {
	const char *name, *text, *advice;
};
extern const struct conn_why_info conn_why_table[CONN_N_WHYS];

/* in_hardware: a rule with a ct action of its zone stands in a NIC. */
enum conn_why conn_judge(const struct dp_ct_entry *e, bool in_hardware);

struct conn_zone {
	uint16_t zone;
	bool in_hardware;
	uint64_t connections, hardware;
};

struct conns {
	uint64_t connections[CONN_N_WHYS], packets[CONN_N_WHYS], bytes[CONN_N_WHYS];
	uint64_t others;         /* of zones that are not ours */
	bool counted;            /* the kernel counts them (net.netfilter.nf_conntrack_acct) */
	struct conn_zone *zones; /* owned; those that flows of ours name, by number */
	size_t n_zones;
};
void conns_done(struct conns *c);

/* Fills c, and calls fn (may be NULL) for each connection of ours.  -EOPNOTSUPP: the datapath
 * tracks none; else as dp_ct_ops.dump, and c is filled as far as it came. */
typedef void conns_fn(const struct dp_ct_entry *e, enum conn_why why, void *aux);
int conns_look(struct engine *e, struct conns *c, conns_fn *fn, void *aux);
/* A look of some seconds ago, or a new one when that is long ago beside what one costs: for
 * metrics.  NULL: the datapath tracks none.  Main thread; borrowed until the next call. */
const struct conns *conns_recent(struct engine *e);
