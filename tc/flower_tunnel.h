/* SPDX-License-Identifier: Apache-2.0 */
/* The outer header of packets on their way to a tunnel device: act_tunnel_key
 * (linux/tc_act/tc_tunnel_key.h).
 *
 * A tunnel's fields are set one by one and hold for every output to a tunnel that follows; the
 * action has them all.  It has no "do not fragment" before Linux 6.4 (FLOWER_F_TUNNEL_DF), and the
 * device picks the source port: such flows are refused rather than sent with another header than
 * was asked for. Over IPv6 every packet is sent that way (RFC 8200), asked for or not; what is read
 * back does not say whether it was.
 *
 * Pure; any thread. */
#pragma once

#include "core/base/buf.h"
#include "core/packet/action.h"
#include "tc/flower.h"

#define FLOWER_TUNNEL_NO_FRAG 14u /* TCA_TUNNEL_KEY_NO_FRAG, a flag: Linux 6.4's header has it */

struct flower_tunnel {
	struct flow_tnl value;
};

/* Takes one act_set of a tunnel field; false: not under this mask. */
bool flower_tunnel_set(struct flower_tunnel *t, const struct act_set *set);
/* 0, or -EOPNOTSUPP and what of such a header the action cannot ask a device of this kind for.
 * features: FLOWER_F_*. */
int flower_tunnel_check(const struct flower_tunnel *t, enum flower_port_kind kind,
			uint32_t features, struct offload_refusal *why) MUST_CHECK;
/* Payloads of TCA_ACT_OPTIONS: put this header on; take the one that came off. */
void flower_tunnel_put(const struct flower_tunnel *t, enum flower_port_kind kind, struct buf *b);
void flower_tunnel_put_release(struct buf *b);
/* Reads one.  *release: the latter, and *t stays.  -EBADMSG, -EOPNOTSUPP. */
int flower_tunnel_get(struct flower_tunnel *t, bool *release, const void *options,
		      size_t len) MUST_CHECK;
/* Appends the sets that lead from `was` to `now`. */
void flower_tunnel_actions(const struct flower_tunnel *was, const struct flower_tunnel *now,
			   struct buf *out);
