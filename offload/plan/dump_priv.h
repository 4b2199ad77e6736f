/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces that the modules of the reader share. */
#pragma once

#include "offload/plan/dump.h"

struct dump { /* a line on its way */
	struct dump_reader *reader;
	struct dump_flow *flow;
	struct error *err;
};

/* -EINVAL, `why: "word"`. */
int dump_bad(struct dump *d, const char *why, const char *word);
/* No NIC here could be asked for this; the first such thing counts. */
void dump_foreign(struct dump *d, enum offload_reason reason, const char *what);
int dump_port(struct dump *d, const char *word, struct dp_port *no) MUST_CHECK;
int dump_word(struct dump *d, char *word) MUST_CHECK;

/* Bring text into Shunt's form, appending to `out`; what is read is written to.  depth: how deep
 * in lists or headers it stands. */
int dump_groups(struct dump *d, char *text, struct str *out, unsigned depth) MUST_CHECK;
int dump_actions(struct dump *d, char *text, struct str *out, unsigned depth) MUST_CHECK;
/* The inside of tunnel(…), of a match or of set(). */
int dump_tunnel(struct dump *d, enum offload_reason reason, char *body, struct str *out) MUST_CHECK;
