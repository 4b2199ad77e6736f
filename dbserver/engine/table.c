/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/engine/table.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"

void db_table_init(struct db_table *t, const struct db_table_schema *schema, struct db_usage *usage)
{
	*t = (struct db_table){ .schema = schema, .usage = usage };
	htable_init(&t->rows);
	htable_init(&t->weak);
	t->indexes = xcalloc(schema->n_indexes + 1, sizeof(*t->indexes));
	for (uint32_t i = 0; i < schema->n_indexes; i++)
		htable_init(&t->indexes[i]);
	t->key_ref = xcalloc(schema->n_columns, sizeof(*t->key_ref));
	t->value_ref = xcalloc(schema->n_columns, sizeof(*t->value_ref));
}

void db_table_done(struct db_table *t)
{
	struct db_weak *w;
	struct db_row *row;

	HTABLE_FOR_EACH (w, struct db_weak, node, &t->weak)
		free(w);
	HTABLE_FOR_EACH (row, struct db_row, node, &t->rows)
		db_row_free(row);
	for (uint32_t i = 0; i < t->schema->n_indexes; i++)
		htable_done(&t->indexes[i]);
	htable_done(&t->weak);
	htable_done(&t->rows);
	free(t->indexes);
	free(t->key_ref);
	free(t->value_ref);
}

const char *db_table_name(const struct db_table *t)
{
	return t->schema->name;
}

const struct db_column *db_column(const struct db_table *t, const char *name)
{
	return t ? db_schema_column(t->schema, name) : NULL;
}

size_t db_row_count(const struct db_table *t)
{
	return t ? t->rows.n : 0;
}

const struct db_row *db_row_first(const struct db_table *t)
{
	return t ? HTABLE_ENTRY(htable_first(&t->rows), struct db_row, node) : NULL;
}

const struct db_row *db_row_next(const struct db_row *row)
{
	return HTABLE_ENTRY(htable_next(&row->table->rows, &row->node), struct db_row, node);
}

const struct db_row *db_row_get(const struct db_table *t, const struct uuid *uuid)
{
	const struct db_row *row;

	if (!t)
		return NULL;
	HTABLE_FOR_EACH_WITH (row, struct db_row, node, uuid_hash(uuid), &t->rows)
		if (uuid_equal(&row->uuid, uuid))
			return row;
	return NULL;
}

/* --- Indexes ------------------------------------------------------------------------------- */
static uint64_t index_hash(const struct db_table *t, uint32_t i, const struct datum *const *cols)
{
	const struct db_index *x = &t->schema->indexes[i];
	uint64_t h = i;

	for (uint32_t j = 0; j < x->n; j++)
		h = datum_hash(cols[x->columns[j]->index], h);
	return h;
}

static bool index_equal(const struct db_row *row, uint32_t i, const struct datum *const *cols)
{
	const struct db_index *x = &row->table->schema->indexes[i];

	for (uint32_t j = 0; j < x->n; j++) {
		uint32_t c = x->columns[j]->index;

		if (!datum_equal(row->cols[c], cols[c]))
			return false;
	}
	return true;
}

static const struct db_row *index_match(struct hnode *node, uint64_t hash, uint32_t i,
					const struct datum *const *cols)
{
	for (; node; node = htable_next_with(node->next, hash)) {
		struct db_row *row = container_of(node, struct db_row_index, node)->row;

		if (index_equal(row, i, cols))
			return row;
	}
	return NULL;
}

const struct db_row *db_index_first(const struct db_table *t, uint32_t i,
				    const struct datum *const *cols)
{
	uint64_t hash = index_hash(t, i, cols);

	return index_match(htable_first_with(&t->indexes[i], hash), hash, i, cols);
}

const struct db_row *db_index_next(const struct db_row *row, uint32_t i,
				   const struct datum *const *cols)
{
	uint64_t hash = row->index[i].node.hash;

	return index_match(htable_next_with(row->index[i].node.next, hash), hash, i, cols);
}

int db_index_of_column(const struct db_table *t, const struct db_column *c)
{
	for (uint32_t i = 0; i < t->schema->n_indexes; i++)
		if (t->schema->indexes[i].n == 1 && t->schema->indexes[i].columns[0] == c)
			return (int)i;
	return -1;
}

static bool index_has(const struct db_index *x, uint32_t column)
{
	for (uint32_t j = 0; j < x->n; j++)
		if (x->columns[j]->index == column)
			return true;
	return false;
}

/* Takes the row out of (puts it into) the indexes that `column` is part of; UINT32_MAX: all. */
static void index_remove(struct db_row *row, uint32_t column)
{
	struct db_table *t = row->table;

	for (uint32_t i = 0; i < t->schema->n_indexes; i++)
		if (column == UINT32_MAX || index_has(&t->schema->indexes[i], column))
			htable_remove(&t->indexes[i], &row->index[i].node);
}

static void index_insert(struct db_row *row, uint32_t column)
{
	struct db_table *t = row->table;

	for (uint32_t i = 0; i < t->schema->n_indexes; i++)
		if (column == UINT32_MAX || index_has(&t->schema->indexes[i], column))
			htable_insert(&t->indexes[i], &row->index[i].node,
				      index_hash(t, i, row->cols));
}

/* --- Rows ---------------------------------------------------------------------------------- */
struct db_row *db_row_make(struct db_table *t, const struct uuid *uuid)
{
	size_t n = t->schema->n_columns, m = t->schema->n_indexes;
	size_t head = ROUND_UP(sizeof(struct db_row) + n * sizeof(struct datum *),
			       sizeof(struct db_row_index *));
	struct db_row *row = xzalloc(head + m * sizeof(struct db_row_index));

	row->table = t;
	row->uuid = *uuid;
	row->index = (struct db_row_index *)(void *)((char *)row + head);
	CDS_INIT_LIST_HEAD(&row->weak_in);
	for (uint32_t i = 0; i < m; i++)
		row->index[i].row = row;
	row->cols[COL_UUID] = datum_uuid(uuid);
	for (uint32_t i = COL_VERSION; i < n; i++)
		row->cols[i] = datum_ref(t->schema->columns[i].initial);
	return row;
}

void db_row_free(struct db_row *row)
{
	for (uint32_t i = 0; i < row->table->schema->n_columns; i++)
		datum_unref(row->cols[i]);
	free(row);
}

static size_t row_bytes(const struct db_row *row)
{
	size_t bytes = 0;

	for (uint32_t i = 0; i < row->table->schema->n_columns; i++)
		bytes += row->cols[i]->bytes;
	return bytes;
}

void db_row_enter(struct db_row *row)
{
	htable_insert(&row->table->rows, &row->node, uuid_hash(&row->uuid));
	index_insert(row, UINT32_MAX);
	row->in_table = true;
	row->table->usage->rows++;
	row->table->usage->bytes += row_bytes(row);
}

void db_row_leave(struct db_row *row)
{
	htable_remove(&row->table->rows, &row->node);
	index_remove(row, UINT32_MAX);
	row->in_table = false;
	row->table->usage->rows--;
	row->table->usage->bytes -= row_bytes(row);
}

void db_row_set(struct db_row *row, uint32_t column, struct datum *take)
{
	const struct datum *old = row->cols[column];

	if (!row->in_table) {
		row->cols[column] = take;
		datum_unref(old);
		return;
	}
	index_remove(row, column);
	row->table->usage->bytes += take->bytes;
	row->table->usage->bytes -= old->bytes;
	row->cols[column] = take;
	index_insert(row, column);
	datum_unref(old);
}

const struct datum **db_cols_copy(const struct db_row *row)
{
	uint32_t n = row->table->schema->n_columns;
	const struct datum **cols = xmalloc(n * sizeof(*cols));

	for (uint32_t i = 0; i < n; i++)
		cols[i] = datum_ref(row->cols[i]);
	return cols;
}

void db_cols_free(const struct datum **cols, uint32_t n)
{
	if (!cols)
		return;
	for (uint32_t i = 0; i < n; i++)
		datum_unref(cols[i]);
	free(cols);
}
