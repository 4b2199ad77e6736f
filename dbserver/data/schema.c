/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/data/schema.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/str.h"
#include "core/base/xalloc.h"
#include "dbserver/data/dberr.h"
#include "dbserver/data/jsonx.h"

#define SCHEMA_MAX_FILE_BYTES (16u << 20)

static void free_table(struct db_table_schema *t)
{
	for (uint32_t i = 0; i < t->n_columns; i++) {
		free(t->columns[i].name);
		column_type_done(&t->columns[i].type);
		datum_unref(t->columns[i].initial);
	}
	for (uint32_t i = 0; i < t->n_indexes; i++)
		free(t->indexes[i].columns);
	free(t->indexes);
	free(t->columns);
	free(t->name);
}

void db_schema_free(struct db_schema *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->n_tables; i++)
		free_table(&s->tables[i]);
	free(s->tables);
	free(s->name);
	free(s->version);
	free(s->cksum);
	free(s);
}

static int cmp_table_name(const void *name, const void *t)
{
	return strcmp(name, ((const struct db_table_schema *)t)->name);
}

const struct db_table_schema *db_schema_table(const struct db_schema *s, const char *name)
{
	return bsearch(name, s->tables, s->n_tables, sizeof(*s->tables), cmp_table_name);
}

static int cmp_column_name(const void *name, const void *c)
{
	return strcmp(name, ((const struct db_column *)c)->name);
}

const struct db_column *db_schema_column(const struct db_table_schema *t, const char *name)
{
	for (uint32_t i = 0; i < COL_FIRST; i++)
		if (!strcmp(t->columns[i].name, name))
			return &t->columns[i];
	return bsearch(name, t->columns + COL_FIRST, t->n_columns - COL_FIRST, sizeof(*t->columns),
		       cmp_column_name);
}

/* <id>: a letter, then letters, digits and underscores; a leading underscore is reserved. */
static bool is_id(const char *s)
{
	size_t n = strlen(s);

	return n && n <= 256 && strspn(s, "0123456789_") == 0 &&
	       strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == n;
}

static bool is_version(const char *s)
{
	unsigned int a, b, c;
	char end;

	return sscanf(s, "%5u.%5u.%5u%c", &a, &b, &c, &end) == 3;
}

static int parse_column(const char *name, struct json_object *json, struct db_column *c,
			struct error *err)
{
	struct json_object *type, *eph, *mut;
	const struct json_member members[] = {
		{ "type", JK_STRING | JK_OBJECT, &type },
		{ "ephemeral", JK_BOOLEAN | JK_OPTIONAL, &eph },
		{ "mutable", JK_BOOLEAN | JK_OPTIONAL, &mut },
	};
	int rc;

	if (!is_id(name))
		return error_set(err, DBE_SYNTAX, NULL, "\"%.64s\" cannot name a column", name);
	rc = json_members(json, "<column-schema>", members, ARRAY_SIZE(members), err);
	if (!rc)
		rc = column_type_from_json(type, &c->type, err);
	if (rc)
		return rc;
	c->name = xstrdup(name);
	c->is_ephemeral = json_object_get_boolean(eph);
	c->is_mutable = !mut || json_object_get_boolean(mut);
	/* A weak reference goes when its target does, so its column cannot be fixed. */
	if ((c->type.key.ref_table && c->type.key.ref_type == REF_WEAK) ||
	    (c->type.value.ref_table && c->type.value.ref_type == REF_WEAK))
		c->is_mutable = true;
	c->initial = datum_default(&c->type);
	return 0;
}

static void add_internal_column(struct db_table_schema *t, const char *name, bool ephemeral)
{
	struct db_column *c = &t->columns[t->n_columns++];
	struct json_object *type = json_object_new_string("uuid");

	*c = (struct db_column){ .name = xstrdup(name), .is_ephemeral = ephemeral };
	if (column_type_from_json(type, &c->type, NULL))
		abort(); /* "uuid" is a type */
	json_object_put(type);
	c->initial = datum_default(&c->type);
}

static int cmp_columns(const void *a, const void *b)
{
	return strcmp(((const struct db_column *)a)->name, ((const struct db_column *)b)->name);
}

static int parse_columns(struct json_object *json, struct db_table_schema *t, struct error *err)
{
	int n = json_object_object_length(json), rc;

	if (n > SCHEMA_MAX_COLUMNS)
		return error_set(err, DBE_SYNTAX, NULL, "%d columns are more than %d", n,
				 SCHEMA_MAX_COLUMNS);
	t->columns = xcalloc((size_t)n + COL_FIRST, sizeof(*t->columns));
	add_internal_column(t, "_uuid", false);
	add_internal_column(t, "_version", true);
	json_object_object_foreach(json, name, col)
	{
		rc = parse_column(name, col, &t->columns[t->n_columns], err);
		if (rc)
			return dberr_at(err, rc, t->name, name);
		t->n_columns++;
	}
	qsort(t->columns + COL_FIRST, t->n_columns - COL_FIRST, sizeof(*t->columns), cmp_columns);
	for (uint32_t i = 0; i < t->n_columns; i++)
		t->columns[i].index = i;
	return 0;
}

static int parse_index(struct json_object *json, struct db_table_schema *t, struct error *err)
{
	size_t n = json_kind_of(json) == JK_ARRAY ? json_object_array_length(json) : 0;
	struct db_index *x = &t->indexes[t->n_indexes];

	if (!n || n > t->n_columns)
		return error_set(err, DBE_SYNTAX, NULL, "an index must be an array of columns");
	x->columns = xcalloc(n, sizeof(*x->columns));
	t->n_indexes++;
	for (size_t i = 0; i < n; i++) {
		const char *name = json_text(json_object_array_get_idx(json, i));

		x->columns[i] = name ? db_schema_column(t, name) : NULL;
		if (!x->columns[i] || x->columns[i]->index < COL_FIRST)
			return error_set(err, DBE_SYNTAX, NULL,
					 "an index has a column \"%.64s\" that is not there",
					 name ? name : "");
		if (x->columns[i]->is_ephemeral)
			return error_set(err, DBE_SYNTAX, NULL,
					 "an index has the ephemeral column \"%.64s\"", name);
	}
	x->n = (uint32_t)n;
	return 0;
}

static int parse_indexes(struct json_object *json, struct db_table_schema *t, struct error *err)
{
	size_t n = json ? json_object_array_length(json) : 0;
	int rc = 0;

	if (n > SCHEMA_MAX_INDEXES)
		return error_set(err, DBE_SYNTAX, NULL, "%zu indexes are more than %d", n,
				 SCHEMA_MAX_INDEXES);
	t->indexes = xcalloc(n + 1, sizeof(*t->indexes));
	for (size_t i = 0; !rc && i < n; i++)
		rc = parse_index(json_object_array_get_idx(json, i), t, err);
	return rc;
}

static int parse_table(const char *name, struct json_object *json, struct db_table_schema *t,
		       bool *root_given, struct error *err)
{
	struct json_object *columns, *max, *root, *indexes;
	const struct json_member members[] = {
		{ "columns", JK_OBJECT, &columns },
		{ "maxRows", JK_INTEGER | JK_OPTIONAL, &max },
		{ "isRoot", JK_BOOLEAN | JK_OPTIONAL, &root },
		{ "indexes", JK_ARRAY | JK_OPTIONAL, &indexes },
	};
	int rc;

	t->name = xstrdup(name);
	if (!is_id(name))
		return error_set(err, DBE_SYNTAX, NULL, "\"%.64s\" cannot name a table", name);
	rc = json_members(json, "<table-schema>", members, ARRAY_SIZE(members), err);
	if (rc)
		return rc;
	t->max_rows = UINT32_MAX;
	if (max) {
		int64_t n = json_object_get_int64(max);

		if (n < 1 || n >= UINT32_MAX)
			return error_set(err, DBE_SYNTAX, NULL, "\"maxRows\" is out of range");
		t->max_rows = (uint32_t)n;
	}
	t->is_root = json_object_get_boolean(root);
	*root_given |= t->is_root;
	rc = parse_columns(columns, t, err);
	return rc ? rc : parse_indexes(indexes, t, err);
}

static int cmp_tables(const void *a, const void *b)
{
	return strcmp(((const struct db_table_schema *)a)->name,
		      ((const struct db_table_schema *)b)->name);
}

static int check_ref(const struct db_schema *s, const struct base_type *t, struct error *err)
{
	if (t->ref_table && !db_schema_table(s, t->ref_table))
		return error_set(err, DBE_SYNTAX, NULL,
				 "it refers to the table %.64s, which is not there", t->ref_table);
	return 0;
}

static int check_refs(const struct db_schema *s, struct error *err)
{
	for (uint32_t i = 0; i < s->n_tables; i++) {
		const struct db_table_schema *t = &s->tables[i];

		for (uint32_t j = 0; j < t->n_columns; j++) {
			const struct db_column *c = &t->columns[j];
			int rc = check_ref(s, &c->type.key, err);

			if (!rc)
				rc = check_ref(s, &c->type.value, err);
			if (rc)
				return dberr_at(err, rc, t->name, c->name);
		}
	}
	return 0;
}

static int parse_tables(struct json_object *json, struct db_schema *s, struct error *err)
{
	int n = json_object_object_length(json), rc;
	bool root_given = false;

	if (n > SCHEMA_MAX_TABLES)
		return error_set(err, DBE_SYNTAX, NULL, "%d tables are more than %d", n,
				 SCHEMA_MAX_TABLES);
	s->tables = xcalloc((size_t)n + 1, sizeof(*s->tables));
	json_object_object_foreach(json, name, table)
	{
		rc = parse_table(name, table, &s->tables[s->n_tables++], &root_given, err);
		if (rc)
			return dberr_at(err, rc, name, NULL);
	}
	qsort(s->tables, s->n_tables, sizeof(*s->tables), cmp_tables);
	/* A schema older than "isRoot" has no root tables: every row of it lives by itself. */
	for (uint32_t i = 0; !root_given && i < s->n_tables; i++)
		s->tables[i].is_root = true;
	return check_refs(s, err);
}

static int parse_schema(struct json_object *json, struct db_schema *s, struct error *err)
{
	struct json_object *name, *version, *cksum, *tables;
	const struct json_member members[] = {
		{ "name", JK_STRING, &name },
		{ "version", JK_STRING | JK_OPTIONAL, &version },
		{ "cksum", JK_STRING | JK_OPTIONAL, &cksum },
		{ "tables", JK_OBJECT, &tables },
	};
	const char *v;
	int rc = json_members(json, "<database-schema>", members, ARRAY_SIZE(members), err);

	if (rc)
		return rc;
	v = version ? json_object_get_string(version) : "";
	s->name = xstrdup(json_object_get_string(name));
	s->version = xstrdup(v);
	s->cksum = cksum ? xstrdup(json_object_get_string(cksum)) : NULL;
	if (strspn(s->name, "_") > 1 || !is_id(s->name + strspn(s->name, "_")))
		return error_set(err, DBE_SYNTAX, NULL, "\"%.64s\" cannot name a database",
				 s->name);
	if (version && !is_version(v))
		return error_set(err, DBE_SYNTAX, NULL, "the version \"%.32s\" is not x.y.z", v);
	return parse_tables(tables, s, err);
}

struct db_schema *db_schema_from_json(struct json_object *json, struct error *err)
{
	struct db_schema *s = xzalloc(sizeof(*s));

	if (!parse_schema(json, s, err))
		return s;
	db_schema_free(s);
	return NULL;
}

static int read_file(const char *path, struct str *text, struct error *err)
{
	FILE *f = fopen(path, "re");
	char chunk[8192];
	size_t n;
	int rc = 0;

	if (!f)
		return error_set(err, errno, NULL, "cannot open the schema %s", path);
	while (!rc && (n = fread(chunk, 1, sizeof(chunk), f)) > 0) {
		str_put(text, chunk, n);
		if (text->len > SCHEMA_MAX_FILE_BYTES)
			rc = error_set(err, EFBIG, NULL, "%s is too large for a schema", path);
	}
	if (!rc && ferror(f))
		rc = error_set(err, EIO, NULL, "cannot read the schema %s", path);
	fclose(f);
	return rc;
}

struct db_schema *db_schema_from_file(const char *path, struct error *err)
{
	struct str text = STR_INIT;
	struct json_object *json = NULL;
	struct db_schema *s = NULL;

	if (!read_file(path, &text, err))
		json = json_parse(str_cstr(&text), text.len, err);
	if (json)
		s = db_schema_from_json(json, err);
	if (!s)
		(void)error_wrap(err, "%s", path);
	json_object_put(json);
	str_done(&text);
	return s;
}

static struct json_object *column_to_json(const struct db_column *c)
{
	struct json_object *json = json_object_new_object();

	json_put_const(json, "type", column_type_to_json(&c->type));
	if (c->is_ephemeral)
		json_put_const(json, "ephemeral", json_object_new_boolean(true));
	if (!c->is_mutable)
		json_put_const(json, "mutable", json_object_new_boolean(false));
	return json;
}

static struct json_object *indexes_to_json(const struct db_table_schema *t)
{
	struct json_object *json = json_object_new_array();

	for (uint32_t i = 0; i < t->n_indexes; i++) {
		struct json_object *x = json_object_new_array();

		for (uint32_t j = 0; j < t->indexes[i].n; j++)
			json_object_array_add(
				x, json_object_new_string(t->indexes[i].columns[j]->name));
		json_object_array_add(json, x);
	}
	return json;
}

static struct json_object *table_to_json(const struct db_table_schema *t)
{
	struct json_object *json = json_object_new_object(), *columns = json_object_new_object();

	for (uint32_t i = COL_FIRST; i < t->n_columns; i++)
		json_object_object_add(columns, t->columns[i].name, column_to_json(&t->columns[i]));
	json_put_const(json, "columns", columns);
	if (t->n_indexes)
		json_put_const(json, "indexes", indexes_to_json(t));
	if (t->is_root)
		json_put_const(json, "isRoot", json_object_new_boolean(true));
	if (t->max_rows != UINT32_MAX)
		json_put_const(json, "maxRows", json_object_new_int64(t->max_rows));
	return json;
}

struct json_object *db_schema_to_json(const struct db_schema *s)
{
	struct json_object *json = json_object_new_object(), *tables = json_object_new_object();

	for (uint32_t i = 0; i < s->n_tables; i++)
		json_object_object_add(tables, s->tables[i].name, table_to_json(&s->tables[i]));
	if (s->cksum)
		json_put_const(json, "cksum", json_object_new_string(s->cksum));
	json_put_const(json, "name", json_object_new_string(s->name));
	json_put_const(json, "tables", tables);
	if (s->version[0])
		json_put_const(json, "version", json_object_new_string(s->version));
	return json;
}

static int table_upgradable(const struct db_table_schema *from, const struct db_table_schema *to,
			    struct error *err)
{
	if (!to)
		return error_set(err, DBE_SYNTAX, from->name, "the new schema has no such table");
	for (uint32_t i = COL_FIRST; i < from->n_columns; i++) {
		const struct db_column *a = &from->columns[i], *b = db_schema_column(to, a->name);

		if (b && column_type_compatible(&a->type, &b->type))
			continue;
		error_set(err, DBE_SYNTAX, NULL, "the new schema has %s",
			  b ? "another type for this column" : "no such column");
		return dberr_at(err, -DBE_SYNTAX, from->name, a->name);
	}
	return 0;
}

int db_schema_upgradable(const struct db_schema *from, const struct db_schema *to,
			 struct error *err)
{
	int rc = 0;

	if (strcmp(from->name, to->name))
		return error_set(err, DBE_SYNTAX, NULL, "the file holds %s, the schema is of %s",
				 from->name, to->name);
	for (uint32_t i = 0; !rc && i < from->n_tables; i++)
		rc = table_upgradable(&from->tables[i], db_schema_table(to, from->tables[i].name),
				      err);
	return rc;
}
