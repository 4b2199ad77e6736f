/* SPDX-License-Identifier: Apache-2.0 */
/* What a Linux network device is to TC: facts that a port's own state does not have, and the qdisc
 * that filters at its ingress hang on (rtnetlink(7), tc(8), ethtool(8)).
 *
 * Calls block for a request to the kernel, well under a millisecond. */
#pragma once

#include "core/base/err.h"
#include "core/io/nl.h"
#include "tc/flower.h"

struct tc_link {
	enum flower_port_kind kind;
	be16 udp_port; /* a tunnel's; 0: none */
	int master;    /* ifindex of a bridge or bond; 0: none */
};

/* -ENODEV: there is no such device. */
int tc_link_get(struct nl_chan *c, int ifindex, struct tc_link *ret) MUST_CHECK;
/* Whether the feature "hw-tc-offload" is on (ETHTOOL_GFEATURES). */
bool tc_link_offloads(int ifindex);

enum tc_qdisc { TC_QDISC_NONE, TC_QDISC_INGRESS, TC_QDISC_CLSACT };

/* Which of them a device has; -errno. */
int tc_qdisc_find(struct nl_chan *c, int ifindex) MUST_CHECK;
/* Makes a clsact qdisc.  -EEXIST: there is one, or an ingress qdisc. */
int tc_qdisc_add(struct nl_chan *c, int ifindex, struct error *err) MUST_CHECK;
/* Takes it away with all that hangs on it. */
int tc_qdisc_del(struct nl_chan *c, int ifindex);

/* Whether the kernel's datapath takes packets over where a chain of TC's ended: every datapath that
 * there is has asked for it (OVS_DP_F_TC_RECIRC_SHARING, linux/openvswitch.h), and there is one. */
bool tc_kernel_shares_chains(void);
