/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/engine/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"

size_t db_columns_resolve(const struct db_table *t, const struct db_column_want *wants, size_t n)
{
	size_t missing = 0;

	for (size_t i = 0; i < n; i++) {
		*wants[i].slot = db_column(t, wants[i].name);
		missing += !*wants[i].slot;
	}
	return missing;
}

const struct db_row *db_row_find_string(const struct db_table *t, const struct db_column *c,
					const char *value)
{
	int index = t && c ? db_index_of_column(t, c) : -1;
	const struct db_row *row;

	if (!t || !c)
		return NULL;
	if (index >= 0) {
		const struct datum **cols = xcalloc(t->schema->n_columns, sizeof(*cols));
		struct datum *d = datum_string(value);

		cols[c->index] = d;
		row = db_index_first(t, (uint32_t)index, cols);
		datum_unref(d);
		free(cols);
		return row;
	}
	DB_FOR_EACH_ROW(row, t)
	{
		const char *s = db_get_string(row, c, NULL);

		if (s && !strcmp(s, value))
			break;
	}
	return row;
}

/* --- Reading ------------------------------------------------------------------------------- */
const struct datum *db_get(const struct db_row *row, const struct db_column *c)
{
	return c ? row->cols[c->index] : NULL;
}

size_t db_get_n(const struct db_row *row, const struct db_column *c)
{
	return c ? row->cols[c->index]->n : 0;
}

/* Key i of the column when it is of this type, else NULL. */
static const union atom *key_at(const struct db_row *row, const struct db_column *c, size_t i,
				enum atom_type type)
{
	const struct datum *d = db_get(row, c);

	return d && d->key_type == type && i < d->n ? &d->keys[i] : NULL;
}

static const union atom *value_at(const struct db_row *row, const struct db_column *c, size_t i,
				  enum atom_type type)
{
	const struct datum *d = db_get(row, c);

	return d && d->value_type == type && i < d->n ? &d->values[i] : NULL;
}

const char *db_get_string(const struct db_row *row, const struct db_column *c, const char *def)
{
	const union atom *a = key_at(row, c, 0, AT_STRING);

	return a ? a->string : def;
}

int64_t db_get_integer(const struct db_row *row, const struct db_column *c, int64_t def)
{
	const union atom *a = key_at(row, c, 0, AT_INTEGER);

	return a ? a->integer : def;
}

bool db_get_boolean(const struct db_row *row, const struct db_column *c, bool def)
{
	const union atom *a = key_at(row, c, 0, AT_BOOLEAN);

	return a ? a->boolean : def;
}

double db_get_real(const struct db_row *row, const struct db_column *c, double def)
{
	const union atom *a = key_at(row, c, 0, AT_REAL);

	return a ? a->real : def;
}

const char *db_get_string_at(const struct db_row *row, const struct db_column *c, size_t i)
{
	const union atom *a = key_at(row, c, i, AT_STRING);

	return a ? a->string : "";
}

int64_t db_get_integer_at(const struct db_row *row, const struct db_column *c, size_t i)
{
	const union atom *a = key_at(row, c, i, AT_INTEGER);

	return a ? a->integer : 0;
}

const char *db_get_value_string_at(const struct db_row *row, const struct db_column *c, size_t i)
{
	const union atom *a = value_at(row, c, i, AT_STRING);

	return a ? a->string : "";
}

int64_t db_get_value_integer_at(const struct db_row *row, const struct db_column *c, size_t i)
{
	const union atom *a = value_at(row, c, i, AT_INTEGER);

	return a ? a->integer : 0;
}

const char *db_get_map_string(const struct db_row *row, const struct db_column *c, const char *key,
			      const char *def)
{
	const struct datum *d = db_get(row, c);
	long i = d && d->value_type == AT_STRING ? datum_find_string(d, key) : -1;

	return i >= 0 ? d->values[i].string : def;
}

bool db_get_map_boolean(const struct db_row *row, const struct db_column *c, const char *key,
			bool def)
{
	const char *s = db_get_map_string(row, c, key, "");

	if (!strcmp(s, "true"))
		return true;
	return strcmp(s, "false") ? def : false;
}

int64_t db_get_map_integer(const struct db_row *row, const struct db_column *c, const char *key,
			   int64_t def)
{
	const char *s = db_get_map_string(row, c, key, "");
	bool hex = !strncmp(s, "0x", 2) || !strncmp(s, "0X", 2);
	char *end;
	long long x;

	errno = 0;
	x = strtoll(s, &end, hex ? 16 : 10);
	return errno || end == s || *end ? def : (int64_t)x;
}

const struct db_row *db_get_ref(const struct db_row *row, const struct db_column *c, size_t i)
{
	const struct datum *d = db_get(row, c);

	if (!d || i >= d->n)
		return NULL;
	if (row->table->value_ref[c->index])
		return db_row_get(row->table->value_ref[c->index], &d->values[i].uuid);
	if (row->table->key_ref[c->index])
		return db_row_get(row->table->key_ref[c->index], &d->keys[i].uuid);
	return NULL;
}

const struct db_row *db_get_ref_by_integer(const struct db_row *row, const struct db_column *c,
					   int64_t key)
{
	const struct datum *d = db_get(row, c);
	long i =
		d && d->key_type == AT_INTEGER ? datum_find(d, (union atom){ .integer = key }) : -1;

	return i >= 0 ? db_get_ref(row, c, (size_t)i) : NULL;
}

/* --- Writing ------------------------------------------------------------------------------- */
void db_txn_set(struct db_txn *txn, const struct db_row *row, const struct db_column *c,
		struct datum *take)
{
	if (!row || !c)
		datum_unref(take);
	else
		(void)db_txn_put(txn, row, c, take); /* the commit says what failed */
}

void db_txn_set_string(struct db_txn *txn, const struct db_row *row, const struct db_column *c,
		       const char *value)
{
	if (value)
		db_txn_set(txn, row, c, datum_string(value));
	else
		db_txn_clear(txn, row, c);
}

void db_txn_set_integer(struct db_txn *txn, const struct db_row *row, const struct db_column *c,
			int64_t value)
{
	db_txn_set(txn, row, c, datum_integer(value));
}

void db_txn_set_boolean(struct db_txn *txn, const struct db_row *row, const struct db_column *c,
			bool value)
{
	db_txn_set(txn, row, c, datum_boolean(value));
}

void db_txn_set_ref(struct db_txn *txn, const struct db_row *row, const struct db_column *c,
		    const struct db_row *target)
{
	if (target)
		db_txn_set(txn, row, c, datum_uuid(&target->uuid));
	else
		db_txn_clear(txn, row, c);
}

void db_txn_clear(struct db_txn *txn, const struct db_row *row, const struct db_column *c)
{
	if (row && c)
		db_txn_set(txn, row, c, datum_empty(&c->type));
}

/* One pair, or one key to remove when value is NULL. */
static struct datum *one_pair(const char *key, const char *value)
{
	struct datum_builder b;

	datum_builder_init_types(&b, AT_STRING, value ? AT_STRING : AT_VOID);
	if (value)
		datum_builder_put_string(&b, key, value);
	else
		datum_builder_add_string(&b, key);
	return datum_builder_finish(&b);
}

void db_txn_set_map_item(struct db_txn *txn, const struct db_row *row, const struct db_column *c,
			 const char *key, const char *value)
{
	const char *old;
	struct datum *item, *rest;

	if (!row || !c || c->type.key.type != AT_STRING || c->type.value.type != AT_STRING)
		return;
	old = db_get_map_string(row, c, key, NULL);
	if (value ? old && !strcmp(old, value) : !old)
		return;
	item = one_pair(key, value);
	rest = datum_minus_keys(row->cols[c->index], item);
	if (value) {
		db_txn_set(txn, row, c, datum_union(rest, item));
		datum_unref(rest);
	} else {
		db_txn_set(txn, row, c, rest);
	}
	datum_unref(item);
}

void db_txn_add_ref(struct db_txn *txn, const struct db_row *row, const struct db_column *c,
		    const struct db_row *target)
{
	struct datum *one;

	if (!row || !c || c->type.key.type != AT_UUID)
		return;
	one = datum_uuid(&target->uuid);
	db_txn_set(txn, row, c, datum_union(row->cols[c->index], one));
	datum_unref(one);
}

void db_txn_remove_ref(struct db_txn *txn, const struct db_row *row, const struct db_column *c,
		       const struct db_row *target)
{
	struct datum *one;

	if (!row || !c || c->type.key.type != AT_UUID)
		return;
	one = datum_uuid(&target->uuid);
	db_txn_set(txn, row, c, datum_minus_keys(row->cols[c->index], one));
	datum_unref(one);
}
