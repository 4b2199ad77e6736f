/* SPDX-License-Identifier: Apache-2.0 */
/* Connection tracking as act_ct's attributes (linux/tc_act/tc_ct.h), and where it would do other
 * than the kernel's datapath does.
 *
 * A packet that has been tracked has its connection with it.  That is all that act_ct asks for the
 * zone's, where the datapath knows better (net/sched/act_ct.c, net/openvswitch of Linux 6.1):
 *   - by force, an answer begins a connection of its own.  act_ct sees that a packet is an answer
 *     by the connection that it has with it; the datapath also looks for one.  And the connection
 *     that it ends stays in its flow table for a while, where the next packet may find it.  So
 * force stays out of TC.
 *   - what writes addresses or ports takes the connection off the packet in the datapath, and not
 *     in TC, where the next act_ct goes on with what the packet was.
 *
 * Pure; any thread. */
#pragma once

#include "core/packet/action.h"
#include "core/packet/flow_key.h"

struct buf;

/* act_ct can do it: no helper, no timeout policy, no way of choosing an address that it lacks. */
bool flower_ct_known(const struct act_ct *c);

/* Appends TCA_CT_ACTION and what belongs to it, without TCA_CT_PARMS. */
void flower_ct_put(const struct act_ct *c, struct buf *b);

/* What is known of a packet within a list of actions; zeros: it has no connection with it. */
struct flower_ct_state {
	bool may;        /* it may have a connection with it */
	bool known;      /* it has been tracked, for sure */
	bool zone_known; /* in `zone` */
	bool moved;      /* addresses or ports were written since, or since the list's begin */
	uint16_t zone;
};

/* Of the packets that a rule takes. */
void flower_ct_start(struct flower_ct_state *s, const struct flow_key *key,
		     const struct flow_key *mask);
/* A field is written. */
void flower_ct_moved(struct flower_ct_state *s, enum field_id id);
/* The next ct action.  NULL, and *s is what is known behind it; else why it has to stay out of TC,
 * in words. */
const char *flower_ct_differs(struct flower_ct_state *s, const struct act_ct *c);
