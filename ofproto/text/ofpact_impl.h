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

/* One word being read. */
struct act_word {
	const struct token *t;
	char **rest; /* what follows the word */
	const struct ofp_names *names;
	struct buf *list;
	struct error *err;
	unsigned depth; /* of lists in actions */
	uint8_t kind;   /* enum ofpact_kind, of the row */
	uint8_t arg;    /* of the row */
};
typedef int ofpact_word_fn(struct act_word *w);
ofpact_word_fn ofpact_word_ct;
ofpact_word_fn ofpact_word_nat;
ofpact_word_fn ofpact_word_clone;
ofpact_word_fn ofpact_word_stack;
ofpact_word_fn ofpact_word_check_len;
ofpact_word_fn ofpact_word_trunc; /* output(…) */
ofpact_word_fn ofpact_word_sample;
ofpact_word_fn ofpact_word_conjunction;
ofpact_word_fn ofpact_word_fin_timeout;
/* The word's value as a list of actions, put behind what w->list holds. */
int ofpact_parse_nested(const struct act_word *w, char *text, struct buf *list) MUST_CHECK;

typedef void ofpact_format_fn(const struct ofpact *a, const struct ofp_names *names,
			      struct str *out);
ofpact_format_fn ofpact_format_ct;
ofpact_format_fn ofpact_format_nat;
ofpact_format_fn ofpact_format_clone;
ofpact_format_fn ofpact_format_stack;
ofpact_format_fn ofpact_format_check_len;
ofpact_format_fn ofpact_format_trunc;
ofpact_format_fn ofpact_format_sample;
ofpact_format_fn ofpact_format_conjunction;
ofpact_format_fn ofpact_format_fin_timeout;
ofpact_format_fn ofpact_format_learn;
/* Text between the parentheses of learn(…). */
int ofpact_parse_learn(char *text, struct buf *list, struct error *err) MUST_CHECK;
/* "A->B": cuts the text at the arrow and returns B. */
int ofpact_split_arrow(char *text, char **behind, struct error *err) MUST_CHECK;
