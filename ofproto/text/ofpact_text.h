/* SPDX-License-Identifier: Apache-2.0 */
/* Actions and instructions as text, in the syntax of ovs-actions(7), both ways.
 *
 * `resubmit(,1)`, `load:0x1->NXM_NX_REG0[]`, `set_field:5->reg0`, `output:2`, `group:3`,
 * `write_actions(output:1),goto_table:2`, `drop` for the empty list.  What the formatter prints,
 * the parser reads back to the same list.  Pure; any thread. */
#pragma once

#include "ofproto/text/names.h"
#include "ofproto/wire/ofpact.h"

/* Appends the text; names may be NULL. */
void ofpacts_format(struct ofpacts l, const struct ofp_names *names, struct str *out);

/* Appends the records of `text` (the part behind "actions=") to `list`, which on an error is as
 * before.  Instructions stand in the order that the specification runs them (ofpact.h), each at
 * most once.  -EINVAL; err->field is the action's name. */
int ofpacts_parse(const char *text, const struct ofp_names *names, struct buf *list,
		  struct error *err) MUST_CHECK;

/* A field or part of one: `NXM_NX_REG0[]`, `NXM_NX_REG0[0..15]`, `eth_type`. */
void ofpact_bits_format(const struct ofpact_bits *b, struct str *out);
int ofpact_bits_parse(const char *text, struct ofpact_bits *b, struct error *err) MUST_CHECK;
