/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of action text share; not for others. */
#pragma once

#include <errno.h>
#include <string.h>

#include "ofproto/text/ofpact_text.h"
#include "ofproto/text/token.h"

extern const char *const ofpact_reason_names[3]; /* by packet-in reason */
extern const char *const group_type_names[4];    /* by enum ofp_group_type */
/* How parts of fields are named: NXM's name, else OXM's. */
const char *ofpact_field_name(const struct field *f);
unsigned ofpact_field_bits(const struct field *f);

void ofpact_format_learn(const struct ofpact *a, const struct ofp_names *names, struct str *out);
/* Text between the parentheses of learn(…). */
int ofpact_parse_learn(char *text, struct buf *list, struct error *err) MUST_CHECK;
/* "A->B": cuts the text at the arrow and returns B. */
int ofpact_split_arrow(char *text, char **behind, struct error *err) MUST_CHECK;
