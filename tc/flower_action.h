/* SPDX-License-Identifier: Apache-2.0 */
/* Datapath actions as a list of TC actions, and back (tc-actions(8), linux/tc_act/).
 *
 *   output           act_mirred: redirect for the last, mirror before; to the ingress of internal
 *                    ports
 *   set              act_pedit and act_csum (flower_set.h), act_vlan, act_mpls; tunnel fields are
 *                    kept for the next output to a tunnel device: act_tunnel_key
 *   VLAN, MPLS       act_vlan, act_mpls
 *   ct, ct_clear     act_ct
 *   recirc           goto chain
 *   clone            outputs on a copy, or the end of the list
 *   meter            act_police, by the number of the meter's (police.h); in software behind a
 *                    gact that only counts, because what a flow counts is what reaches its meter
 *   sample           act_sample, where it tells a collector and does no more (flower_sample.h)
 *   drop, the end    act_gact
 *
 * One action bears the cookie: the flow's ufid, 16 bytes.  Its counter is the rule's, so it is the
 * first one that no other rule shares and that gets the driver's counts: act_csum, act_mpls and
 * act_tunnel_key never do.
 *
 * In software the kernel finds network and transport headers by where the first tag ends, so behind
 * two tags their edits would go wrong: refused there (FLOWER_F_SOFTWARE).
 *
 * Pure; any thread. */
#pragma once

#include "tc/flower_match.h"

struct nlattr;

#define FLOWER_MAX_ACTIONS 32u /* TCA_ACT_MAX_PRIO */

/* Whether the actions can be done only to packets that are no first fragments: flower_match_put()
 * wants to know. */
bool flower_actions_want_whole(struct dp_actions acts);

/* Appends TCA_FLOWER_ACT for the actions of `r`, whose match is `m`.  0, or -EOPNOTSUPP and the
 * refusal; what was appended is the caller's to drop then. */
int flower_actions_put(const struct flower_env *env, const struct offload_rule *r,
		       const struct flower_match *m, struct buf *b,
		       struct offload_refusal *why) MUST_CHECK;

struct flower_counts { /* of the action that bears the cookie */
	uint64_t packets, bytes;
	uint64_t hw_packets, hw_bytes; /* the part of them that the device did */
};

/* Reads TCA_ACT_STATS, or a qdisc's TCA_STATS2, which is alike; NULL: zeros.  0 or -EBADMSG. */
int flower_counts_get(const struct nlattr *a, struct flower_counts *c) MUST_CHECK;

/* What is known of a filter's actions without knowing what they do: TCA_FLOWER_ACT's payload, whole
 * or from a terse dump.  -EBADMSG; -ENOENT: none bears a cookie of 16 bytes. */
int flower_actions_owner(const void *acts, size_t len, struct ufid *ufid,
			 struct flower_counts *counts) MUST_CHECK;

struct flower_tap {     /* what goes into a police action and comes out again, by its neighbours */
	uint32_t index; /* its number; 0 in a terse dump */
	uint64_t in_packets, in_bytes, out_packets, out_bytes;
};

/* The first `max` police actions of a list, as above.  Returns how many there are, at most max. */
unsigned flower_actions_taps(const void *acts, size_t len, struct flower_tap *taps, unsigned max);

/* Appends a TCA_FLOWER_ACT that has that action alone, or with a police action among them all of
 * them: the very same ones (an action that is named by its index is shared), with their counters.
 * As above; -EOPNOTSUPP: `acts` are not whole. */
int flower_actions_share(const void *acts, size_t len, struct buf *b) MUST_CHECK;

/* Reads TCA_FLOWER_ACT's payload of a filter that takes what key and mask say; *out is empty
 * before. -EBADMSG: cut short or malformed; -EOPNOTSUPP: they do what this folder never asks for.
 */
int flower_actions_get(const struct flower_env *env, const void *acts, size_t len,
		       const struct flow_key *key, const struct flow_key *mask,
		       struct buf *out) MUST_CHECK;
