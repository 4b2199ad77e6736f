/* SPDX-License-Identifier: Apache-2.0 */
/* Words of flow text: `key`, `key=value`, `key:value`, `key(value)`, separated by commas or space,
 * with balanced parentheses and quotes inside a value.  Words are cut out of a copy of the text
 * that the caller owns; nothing is allocated. */
#pragma once

#include "core/base/err.h"

struct token {
	char *key;   /* never NULL; "" is skipped by the reader */
	char *value; /* "" when there is none */
	char delim;  /* '=', ':', '(' or '\0': what stood between */
};

/* The next word of *pos, which moves behind it; false at the end.  -EINVAL by err->code when
 * parentheses do not balance. */
bool token_next(char **pos, struct token *t, struct error *err);
/* A whole number in C's notation, at most `max`.  -EINVAL. */
int token_number(const char *text, uint64_t max, uint64_t *x) MUST_CHECK;
/* The same with a sentence about what the number was for. */
int token_number_of(const char *what, const char *text, uint64_t max, uint64_t *x,
		    struct error *err) MUST_CHECK;
