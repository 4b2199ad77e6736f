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
	if (c->group && next && *next != '-')
		return false; /* a word that is none of the group's */
	*used = c->name[len] ? 2 : 1;
	return *used == 1 || (next && !strcmp(c->name + len + 1, next));
}

bool command_in_group(const struct command *c, const char *word)
{
	size_t len = strlen(word);

	return !strncmp(c->name, word, len) && c->name[len] == ' ';
}

int command_group_error(const struct command_table *t, const char *word, struct error *err)
{
	struct str s = STR_INIT;

	for (size_t i = 0; i < t->n; i++)
		if (command_in_group(&t->row[i], word))
			str_printf(&s, "%s%s", s.len ? ", " : "",
				   t->row[i].name + strlen(word) + 1);
	if (s.len)
		(void)error_set(err, EINVAL, NULL, "%s is one of: %s", word, str_cstr(&s));
	else
		(void)error_set(err, EINVAL, NULL, "there is no command \"%.40s\"", word);
	str_done(&s);
	return -EINVAL;
}

const struct command *command_find(const struct command_table *t, const char *word,
				   const char *next, unsigned *used, struct error *err)
{
	*used = 1;
	for (size_t i = 0; i < t->n; i++)
		if (is_named(&t->row[i], word, next, used))
			return &t->row[i];
	(void)command_group_error(t, word, err);
	return NULL;
}
