/* SPDX-License-Identifier: Apache-2.0 */
/* Where flower counts bits otherwise than flow keys do: conntrack's state, numbers in the host's
 * order, VXLAN's group policy.  Used by both directions, so that they cannot disagree.  Pure. */
#pragma once

#include "core/base/buf.h"
#include "core/packet/field.h"

struct nlattr;

bool flower_type_is_vlan(be16 type); /* that the kernel takes for a tag */

/* Metadata words that are zero in every packet at such a place: all of it in what comes straight
 * from a port without a tunnel.  Behind a recirculation conntrack's part may not be; no action of
 * TC's writes the rest. */
void flower_absent_mask(struct flow_key *mask, bool tunnel, uint32_t chain);

/* CT_* bits as TCA_FLOWER_KEY_CT_FLAGS_*; false: one of them has no counterpart. */
bool flower_ct_state_put(uint32_t bits, uint16_t *flags);
uint32_t flower_ct_state_get(uint16_t flags);
/* Combinations that the kernel takes. */
bool flower_ct_state_ok(uint16_t flags);

/* n bytes of a number, network order to the host's or back (2, 4; 16: conntrack's labels, 32-bit
 * words from the lowest). */
void flower_swap(union field_value *v, unsigned n);

/* VXLAN group policy (draft-smith-vxlan-group-policy): the word that the kernel has for it. */
#define FLOWER_GBP_FLAGS 0x48u /* "do not learn", "policy applied" */
uint32_t flower_gbp(be16 id, uint8_t flags);
/* The nest that both flower's match and act_tunnel_key take: options of type `attr`. */
void flower_gbp_put(struct buf *b, uint16_t attr, be16 id, uint8_t flags);
/* -EOPNOTSUPP: other options than these; -EBADMSG. */
int flower_gbp_get(const struct nlattr *a, be16 *id, uint8_t *flags);
