/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/agree/shrink.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"

struct shrink {
	struct agree_case *c; /* the smallest that fails */
	agree_fails_fn *fails;
	void *aux;
	unsigned tries;
};

/* The smaller one takes the place of the other when it fails too. */
static bool keep(struct shrink *s, struct agree_case *smaller)
{
	if (s->tries && (s->tries--, s->fails(s->aux, smaller))) {
		agree_case_done(s->c);
		*s->c = *smaller;
		return true;
	}
	agree_case_done(smaller);
	return false;
}

/* Packets and lines alike: [at, at + n) goes. */
static bool without(struct shrink *s, bool packets, unsigned at, unsigned n)
{
	struct agree_case smaller;

	agree_case_copy(&smaller, s->c);
	for (unsigned i = 0; i < n; i++)
		if (packets)
			agree_case_drop_packet(&smaller, at);
		else
			agree_case_set_line(&smaller, at, NULL);
	return keep(s, &smaller);
}

static unsigned size(const struct shrink *s, bool packets)
{
	return packets ? s->c->n_packets : s->c->n_lines;
}

/* Large pieces first. */
static bool drop_pieces(struct shrink *s, bool packets)
{
	bool any = false;

	for (unsigned n = MAX(size(s, packets) / 2, 1u); n; n /= 2)
		for (unsigned at = 0; at + n <= size(s, packets);)
			if (without(s, packets, at, n))
				any = true;
			else
				at += n;
	return any;
}

/* The end of the word at text[at], which parentheses keep together. */
static size_t word_end(const char *text, size_t at)
{
	int depth = 0;

	for (; text[at]; at++) {
		if (!depth && (text[at] == ',' || text[at] == ')' || text[at] == ' '))
			break;
		depth += text[at] == '(';
		depth -= text[at] == ')';
	}
	return at;
}

static bool starts_word(const char *text, size_t at)
{
	return at && strchr(",( =:", text[at - 1]) && !strchr(",) ", text[at]);
}

/* The line without the word and one comma beside it. */
static char *cut(const char *text, size_t from, size_t to)
{
	if (text[to] == ',')
		to++;
	else if (text[from - 1] == ',')
		from--;
	return xasprintf("%.*s%s", (int)from, text, text + to);
}

static bool drop_words(struct shrink *s, unsigned line)
{
	bool any = false;

	for (size_t at = 1; at < strlen(s->c->line[line]); at++) {
		const char *text = s->c->line[line];
		struct agree_case smaller;
		char *less;

		if (!starts_word(text, at))
			continue;
		less = cut(text, at, word_end(text, at));
		agree_case_copy(&smaller, s->c);
		agree_case_set_line(&smaller, line, less);
		free(less);
		if (keep(s, &smaller)) {
			any = true;
			at--;
		}
	}
	return any;
}

void agree_shrink(struct agree_case *c, agree_fails_fn *fails, void *aux, unsigned tries)
{
	struct shrink s = { c, fails, aux, tries };
	bool any;

	do {
		any = drop_pieces(&s, true);
		any |= drop_pieces(&s, false);
		for (unsigned i = 0; i < c->n_lines; i++)
			any |= drop_words(&s, i);
	} while (any && s.tries);
}
