/* SPDX-License-Identifier: Apache-2.0 */
/* What a Linux network device is to TC: facts that a port's own state does not have, and the qdisc
 * that filters at its ingress hang on (rtnetlink(7), tc(8), ethtool(8)).
 *
 * Calls block for a request to the kernel, well under a millisecond. */
#pragma once

#include "core/base/err.h"
#include "core/io/nl.h"
#include "tc/flower.h"

/* Calls fn, which reads a list that others may change at the same time, until it does not say so:
 * its result, -EINTR after a few times. */
int tc_read_list(int (*fn)(void *arg), void *arg) MUST_CHECK;

struct tc_link {
	int ifindex;
	char name[16];
	struct eth_addr mac; /* zero: none of Ethernet */
	enum flower_port_kind kind;
	be16 udp_port;      /* a tunnel's; 0: none */
	int master;         /* ifindex of a bridge or bond; 0: none */
	bool is_bond;       /* the kernel's bonding */
	bool backups_count; /* a bond whose backup slaves take packets, too (all_slaves_active) */
	bool is_backup;     /* a bond's slave that waits */
};

/* -ENODEV: there is no such device. */
int tc_link_get(struct nl_chan *c, int ifindex, struct tc_link *ret) MUST_CHECK;
/* What an RTM_NEWLINK says; -EBADMSG: nothing. */
int tc_link_parse(const struct nlmsghdr *h, struct tc_link *ret) MUST_CHECK;
/* fn for each device with this master.  0; -EINTR: they changed meanwhile; -errno. */
int tc_links_each(struct nl_chan *c, int master, void (*fn)(const struct tc_link *l, void *arg),
		  void *arg) MUST_CHECK;
/* Whether the feature "hw-tc-offload" is on (ETHTOOL_GFEATURES). */
bool tc_link_offloads(int ifindex);

enum tc_qdisc { TC_QDISC_NONE, TC_QDISC_INGRESS, TC_QDISC_CLSACT };

struct tc_qdisc_at {
	int ifindex;
	enum tc_qdisc kind;
	uint32_t block; /* number of the shared block for what comes in; 0: the device's own */
	uint64_t packets, bytes; /* that have come to its filters */
};

/* fn for each of them in the network namespace.  0; -EINTR: they changed meanwhile; -errno. */
int tc_qdiscs_each(struct nl_chan *c, void (*fn)(const struct tc_qdisc_at *q, void *arg),
		   void *arg) MUST_CHECK;
/* Which a device has; 0 or -errno. */
int tc_qdisc_find(struct nl_chan *c, int ifindex, struct tc_qdisc_at *ret) MUST_CHECK;
/* Makes a clsact qdisc; block 0: with filters of its own.  -EEXIST: there is one, or an ingress
 * qdisc. */
int tc_qdisc_add(struct nl_chan *c, int ifindex, uint32_t block, struct error *err) MUST_CHECK;
/* Takes it away with all that hangs on it. */
int tc_qdisc_del(struct nl_chan *c, int ifindex);
