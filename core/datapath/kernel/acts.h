/* SPDX-License-Identifier: Apache-2.0 */
/* Action lists as openvswitch.ko speaks of them: OVS_ACTION_ATTR_* (linux/openvswitch.h).
 *
 * A row for each kind of action writes it, a row for each attribute reads it.  Sets of fields that
 * stand beside each other in the same header become one set_masked(); sets of tunnel fields become
 * one set(tunnel(...)) that names all that was set so far, as the kernel replaces the whole.  What
 * the kernel has no words for is refused, and carried out in execute() instead (execute.h).
 *
 * A drop that kernel and list agree on ends the list: where the kernel has no drop action (before
 * 6.7) nothing is written for it, and its reason is lost.
 *
 * Pure; any thread. */
#pragma once

#include "core/datapath/dp_features.h"
#include "core/io/nlattr.h"

struct kdp_acts_ctx {
	be16 dl_type;   /* of the packets that the list gets */
	uint8_t n_tags; /* likewise: kdp_acts_tags() */
	uint32_t pid;   /* socket that userspace() sends to; any but 0 with per-CPU dispatch */
	const struct dp_features *features; /* NULL: all that there is */
	/* results */
	bool uses_l4; /* sets a port, or has a helper or timeouts: the kernel wants an exact match
			 on the protocol */
};

/* VLAN tags of a packet with this key, as far as actions can take them off.  The kernel keeps the
 * outer one beside the packet, where a cut does not see it: trunc() says four bytes less then. */
uint8_t kdp_acts_tags(const struct flow_key *key);
/* Appends the list.  -EOPNOTSUPP: the kernel has no such action; -EINVAL: nothing sensible. */
int kdp_acts_put(struct buf *b, struct dp_actions acts, struct kdp_acts_ctx *ctx) MUST_CHECK;
/* Reads a list of len bytes, appending to `acts`.  -EBADMSG: malformed; -EOPNOTSUPP: an action that
 * we have no words for. */
int kdp_acts_get(const void *p, size_t len, struct buf *acts) MUST_CHECK;

/* What goes to the kernel with userspace() and comes back with the packet. */
struct kdp_cookie {
	uint32_t magic; /* KDP_COOKIE_MAGIC: another's flow may send packets up, too */
	uint32_t kind;  /* enum upcall_kind */
	uint32_t max_len, pad;
	uint64_t cookie[4];
};
#define KDP_COOKIE_MAGIC 0x73686e74u

/* By which attribute a kind of action is written; 0 and why not. */
struct kdp_action {
	uint8_t attr;
	const char *why;
};
extern const struct kdp_action kdp_action_table[DP_ACT_N_KINDS];
