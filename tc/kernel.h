/* SPDX-License-Identifier: Apache-2.0 */
/* What this kernel's TC can do, whatever the device: the parts that it is made of, and what these
 * know.
 *
 * A kernel may be built without a classifier or an action, or have them as modules that are not
 * installed.  Each part is asked for once, with a request that cannot succeed and fails in another
 * way where the part is there (net/sched/cls_api.c, act_api.c): the kernel loads its module for
 * that, if it can.  So rules that need what is not there are refused before the kernel is asked,
 * which would look for a module again with each of them.
 *
 * What is lacking is asked for again when a request fails for want of a part, and now and then.
 *
 * Threads: any.  tc_kernel_look() blocks for as long as loading modules takes. */
#pragma once

#include "core/io/nl.h"
#include "tc/filter.h"

enum tc_part {
	TC_PART_CLSACT,
	TC_PART_FLOWER,
	TC_PART_GACT,
	TC_PART_MIRRED,
	TC_PART_PEDIT,
	TC_PART_CSUM,
	TC_PART_VLAN,
	TC_PART_MPLS,
	TC_PART_TUNNEL_KEY,
	TC_PART_CT,
	TC_PART_POLICE,
	TC_PART_SAMPLE,
	TC_N_PARTS
};

/* A bit for each enum tc_part that was looked for and is not there. */
uint32_t tc_kernel_lacking(void);
/* Looks for what is not known to be there.  at: where filters can stand; NULL: nowhere, because of
 * `code` (tc_qdisc_add()'s).  True: more or less is lacking than before. */
bool tc_kernel_look(struct nl_chan *c, const struct tc_place *at, int code);
/* Among these is what each rule needs. */
bool tc_kernel_needs(uint32_t parts);
/* It is time to look again. */
bool tc_kernel_is_due(void);
/* A request failed with this code and words; true: for want of a part.  Then it is time. */
bool tc_kernel_refused(int code, const char *words);
/* What a rule needs of what is lacking; its options as flower_actions_put() leaves them. */
uint32_t tc_kernel_wants(const void *options, size_t len);
/* The parts, how to load them and what they are called in the kernel's configuration: a sentence;
 * "" for none. */
void tc_kernel_words(uint32_t parts, char *words, size_t size);

/* Whether the tunnel action can ask for "do not fragment": one is made that says so, and looked at,
 * because a kernel that cannot leaves it out without a word. */
bool tc_kernel_tunnel_df(struct nl_chan *c);
/* Whether the kernel's datapath takes packets over where a chain of TC's ended: every datapath that
 * there is has asked for it (OVS_DP_F_TC_RECIRC_SHARING, linux/openvswitch.h), and there is one. */
bool tc_kernel_shares_chains(void);
