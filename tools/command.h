/* SPDX-License-Identifier: Apache-2.0 */
/* A command of shuntctl: a row of a table.  Most only name the switch's own command and the layout
 * of its answer; one with a function of its own does more than that. */
#pragma once

#include "tools/layout.h"

enum { /* exit statuses; documented in shuntctl(8) */
       EXIT_OK = 0,
       EXIT_SWITCH = 1, /* the switch says no, or gave an answer that makes no sense */
       EXIT_USAGE = 2,
       EXIT_UNREACHED = 3, /* no switch answers */
};

struct args;

struct command {
	const char *name;          /* one or two words; of a group, the first of two */
	const char *args;          /* in the help; "" when none */
	const char *help;          /* one line */
	const char *details;       /* the rest, wrapped; may be NULL */
	unsigned scopes;           /* options that it has beside those of all */
	int min_args, max_args;    /* max_args < 0: any number */
	bool group;                /* only to be helped with; in the table behind its commands */
	bool raw;                  /* options end at the first argument */
	bool join;                 /* its arguments make one, with blanks between */
	const char *method;        /* of the switch */
	layout_fn *layout;         /* NULL: the answer is text */
	int (*fn)(struct args *a); /* NULL: call method, lay out the answer.  An exit status. */
};

struct command_table {
	const struct command *row;
	size_t n;
};

/* The command of these words (next may be NULL); *used is how many it took (1 or 2).  NULL and
 * *err. */
const struct command *command_find(const struct command_table *t, const char *word,
				   const char *next, unsigned *used, struct error *err);
/* Is it "WORD …"? */
bool command_in_group(const struct command *c, const char *word);
/* That a word alone, or with a second one that is not known, is no command.  -EINVAL. */
int command_group_error(const struct command_table *t, const char *word, struct error *err);
