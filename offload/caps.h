/* SPDX-License-Identifier: Apache-2.0 */
/* Does a rule fit what a device says that it can do?
 *
 * For providers whose limits can be written down as struct offload_caps.  The mask is consumed:
 * each field that the device can match under the rule's mask is cleared from a copy, and a bit that
 * is left refuses the rule.  Bits that a frame at a NIC's port always has in one way (no
 * recirculation, no marks, no tunnel metadata, no conntrack state) cost nothing when the rule wants
 * them that way. Fields that share bits go by one name (caps_field()).  Pure; any thread. */
#pragma once

#include "offload/provider.h"

/* The row under which a field's bits are known in struct offload_caps: OpenFlow and NXM spellings
 * of the same bits are one. */
enum field_id caps_field(enum field_id id);
void caps_field_add(uint64_t *set, enum field_id id);

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
