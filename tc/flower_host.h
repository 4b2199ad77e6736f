/* SPDX-License-Identifier: Apache-2.0 */
/* Frames for the host itself, which an internal port is the way to.
 *
 * The host takes a frame when it is marked as its own (skb->pkt_type), which was settled by the
 * address of the device where the frame came in.  TC, unlike the kernel's datapath, does not settle
 * it anew at the internal port, so a rule must (act_skbedit, "ptype host"), and must know that the
 * frame's destination is that port's.  Pure. */
#pragma once

#include "core/packet/action.h"

enum flower_for_host {
	FLOWER_HOST_NO,     /* another's, or a group's, which is marked so already */
	FLOWER_HOST_YES,    /* the port's */
	FLOWER_HOST_UNSURE, /* the rule takes both */
};

/* For a frame of which the bits of `mask` are known to be those of `dst`. */
enum flower_for_host flower_for_host(struct eth_addr dst, struct eth_addr mask,
				     struct eth_addr port);
/* What is known of the destination after a SET of it. */
void flower_host_set(const struct act_set *set, struct eth_addr *dst, struct eth_addr *mask);
