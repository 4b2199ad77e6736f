/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/engine/symtab.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/xalloc.h"
#include "dbserver/data/dberr.h"

struct symbol {
	struct hnode node;
	struct uuid uuid;
	bool made;
	char name[];
};

static struct symbol *find(const struct symtab *t, const char *name)
{
	struct symbol *s;

	HTABLE_FOR_EACH_WITH (s, struct symbol, node, hash_string(name, 0), &t->names)
		if (!strcmp(s->name, name))
			return s;
	return NULL;
}

static struct symbol *get(struct symtab *t, const char *name)
{
	struct symbol *s = find(t, name);
	size_t size = strlen(name) + 1;

	if (s)
		return s;
	s = xzalloc(sizeof(*s) + size);
	memcpy(s->name, name, size);
	s->uuid = uuid_new();
	htable_insert(&t->names, &s->node, hash_string(name, 0));
	return s;
}

static int resolve(void *arg, const char *name, struct uuid *u, struct error *err)
{
	*u = get(arg, name)->uuid;
	return 0;
}

void symtab_init(struct symtab *t)
{
	htable_init(&t->names);
	t->symbols = (struct symbols){ resolve, t };
}

void symtab_done(struct symtab *t)
{
	struct symbol *s;

	HTABLE_FOR_EACH (s, struct symbol, node, &t->names)
		free(s);
	htable_done(&t->names);
}

int symtab_make(struct symtab *t, const char *name, const struct uuid *want, struct uuid *ret,
		struct error *err)
{
	struct symbol *s = find(t, name);

	if (s && s->made)
		return error_set(err, DBE_DUPLICATE_NAME, NULL,
				 "two inserts have the uuid-name \"%.64s\"", name);
	if (s && want && !uuid_equal(&s->uuid, want))
		return error_set(
			err, DBE_SYNTAX, NULL,
			"the uuid-name \"%.64s\" of a row with a UUID of its own is used before "
			"its insert",
			name);
	s = get(t, name);
	if (want)
		s->uuid = *want;
	s->made = true;
	*ret = s->uuid;
	return 0;
}

int symtab_check(const struct symtab *t, struct error *err)
{
	const struct symbol *s;

	HTABLE_FOR_EACH (s, struct symbol, node, &t->names)
		if (!s->made)
			return error_set(err, DBE_SYNTAX, NULL,
					 "the named-uuid \"%.64s\" is the uuid-name of no insert",
					 s->name);
	return 0;
}
