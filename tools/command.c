/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/command.h"

#include <errno.h>
#include <string.h>

#include "core/base/str.h"

static bool is_named(const struct command *c, const char *word, const char *next, unsigned *used)
{
	size_t len = strcspn(c->name, " ");

	if (strlen(word) != len || strncmp(c->name, word, len) != 0)
		return false;
	*used = c->name[len] ? 2 : 1;
	return *used == 1 || (next && !strcmp(c->name + len + 1, next));
}

/* The second words of a group, "status, flows, …"; nothing when there is no such group. */
static void group(const struct command_table *t, const char *word, struct str *s)
{
	size_t len = strlen(word);

	for (size_t i = 0; i < t->n; i++)
		if (!strncmp(t->row[i].name, word, len) && t->row[i].name[len] == ' ')
			str_printf(s, "%s%s", s->len ? ", " : "", t->row[i].name + len + 1);
}

const struct command *command_find(const struct command_table *t, const char *word,
				   const char *next, unsigned *used, struct error *err)
{
	struct str s = STR_INIT;

	*used = 1;
	for (size_t i = 0; i < t->n; i++)
		if (is_named(&t->row[i], word, next, used))
			return &t->row[i];
	group(t, word, &s);
	if (s.len)
		(void)error_set(err, EINVAL, NULL, "%s is one of: %s", word, str_cstr(&s));
	else
		(void)error_set(err, EINVAL, NULL, "there is no command \"%.40s\"", word);
	str_done(&s);
	return NULL;
}
