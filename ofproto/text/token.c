/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/text/token.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SEPARATORS ", \t\r\n"

/* The end of a value: the next separator outside of parentheses and quotes; NULL when they do not
 * balance. */
static char *value_end(char *s, bool parenthesis)
{
	int depth = parenthesis ? 1 : 0;
	bool quoted = false;

	for (; *s; s++) {
		if (*s == '"')
			quoted = !quoted;
		if (quoted)
			continue;
		if (*s == '(') {
			depth++;
		} else if (*s == ')') {
			if (!depth)
				return NULL;
			if (!--depth && parenthesis)
				return s;
		} else if (!depth && strchr(SEPARATORS, *s)) {
			return s;
		}
	}
	return depth || quoted ? NULL : s;
}

static char *key_end(char *s)
{
	if (*s == '"') {
		char *close = strchr(s + 1, '"');

		return close ? close + 1 : s + strlen(s);
	}
	return s + strcspn(s, ":=(" SEPARATORS);
}

bool token_next(char **pos, struct token *t, struct error *err)
{
	char *s = *pos + strspn(*pos, SEPARATORS), *end;

	if (!*s)
		return false;
	t->key = s;
	s = key_end(s);
	t->value = s + strlen(s); /* "" */
	t->delim = '\0';
	if (!*s || strchr(SEPARATORS, *s)) {
		*pos = *s ? s + 1 : s;
		*s = '\0';
		return true;
	}
	if (*s != ':' && *s != '=' && *s != '(') { /* behind a quoted name */
		(void)error_set(err, EINVAL, NULL, "\"%s\" is not a word that ends", t->key);
		return false;
	}
	t->delim = *s;
	*s = '\0';
	t->value = s + 1;
	end = value_end(t->value, t->delim == '(');
	if (!end) {
		(void)error_set(err, EINVAL, t->key, "parentheses or quotes do not balance");
		return false;
	}
	*pos = *end ? end + 1 : end;
	*end = '\0';
	return true;
}

int token_number(const char *text, uint64_t max, uint64_t *x)
{
	unsigned long long v;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	v = strtoull(text, &end, 0);
	if (errno || *end || v > max)
		return -EINVAL;
	*x = v;
	return 0;
}

int token_number_of(const char *what, const char *text, uint64_t max, uint64_t *x,
		    struct error *err)
{
	if (!token_number(text, max, x))
		return 0;
	return error_set(err, EINVAL, what, "\"%.64s\" is not a number from 0 to %" PRIu64, text,
			 max);
}
