/* SPDX-License-Identifier: Apache-2.0 */
/* How long packets are in a chain, which the kernel's software does not say.
 *
 * It counts a packet in each chain by the length that it came in with, without what was kept beside
 * it then (rules.c).  What the rules on its way have put into it or taken out is known, from each
 * rule to the chain that it leads to; not what a ct action cuts off behind the datagram (short
 * frames are padded to 60 bytes), which is in the count, nor the tags and labels that fragments had
 * which one put together.
 * So that it is one figure for a chain, rules that lead to one agree: a rule that would bring
 * packets of another length, in this sense, is refused, and its packets are the datapath's.  The
 * engine puts rules in from the last chain to the first, so a chain may not be known yet; no packet
 * has come there by then.
 *
 * A tag that is alone does not count: the kernel keeps it beside the packet.
 *
 * tc_device.lock is held. */
#pragma once

#include "core/packet/action.h"

struct flow_key;
struct tc_device;
struct tc_rule;

/* The rule does this, at the place that it has.  False: it leads to a chain that is known for
 * packets of another length; it is in no chain then. */
bool tc_chain_join(struct tc_device *d, struct tc_rule *r, const struct flow_key *key,
		   const struct flow_key *mask, struct dp_actions acts);
/* Does nothing where it is in none. */
void tc_chain_leave(struct tc_device *d, struct tc_rule *r);
/* Bytes that packets have gained on their way to the rule, or lost (below 0).  The lock need not be
 * held by the device's thread. */
int tc_chain_moved(const struct tc_rule *r);
