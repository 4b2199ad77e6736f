/* SPDX-License-Identifier: Apache-2.0 */
/* Does a rule fit what a device says that it can do?
 *
 * For providers whose limits can be written down as struct offload_caps.  The mask is consumed:
 * each field that the device can match under the rule's mask is cleared from a copy, and a bit that
 * is left refuses the rule.  Bits that a frame at a NIC's port always has in one way (no
 * recirculation, no marks, no tunnel metadata, no conntrack state) cost nothing when the rule wants
 * them that way. Fields that share bits go by one name (caps_field()).  Pure; any thread. */
#pragma once

#include "core/packet/match.h"
#include "offload/provider.h"

/* The row under which a field's bits are known in struct offload_caps: OpenFlow and NXM spellings
 * of the same bits are one. */
enum field_id caps_field(enum field_id id);
void caps_field_add(uint64_t *set, enum field_id id);

/* Leaves out of a mask what the rest of the match says already: bits of headers that its packets
 * cannot have, where it asks for zeros, and of tags where it wants none.  The same packets match;
 * datapaths and devices tell such bits in ways of their own. */
void caps_mask_plain(const struct flow_key *key, struct flow_key *mask);
/* The same frames of a port match both, whatever is said about metadata that a frame at a port has
 * not got (recirculation, marks, connections, tunnels). */
bool caps_same_frames(const struct match *a, const struct match *b);

/* true, or the refusal.  inner_vlan: the device matches a second VLAN tag. */
bool caps_fit_mask(const struct offload_caps *c, bool inner_vlan, const struct offload_rule *r,
		   struct offload_refusal *why);
/* For translators with other limits: clears from `left`, what is left of the rule's mask, bits of
 * headers that the match rules out, where it asks for zeros there. */
void caps_drop_ruled_out(const struct offload_rule *r, struct flow_key *left);
/* The first field with bits left, for the refusal's words; -1: none, or bits that have no name. */
int caps_name_left(const struct flow_key *left);
/* true, or the refusal.  Where outputs lead is the provider's to check. */
bool caps_fit_actions(const struct offload_caps *c, struct dp_actions acts,
		      struct offload_refusal *why);
