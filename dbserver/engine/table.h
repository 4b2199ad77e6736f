/* SPDX-License-Identifier: Apache-2.0 */
/* Tables and rows in memory.
 *
 * A row is an array of datums by column index, hashed by its UUID and, for each index of the
 * schema, by the columns of that index.  The hashes follow every change at once, also inside a
 * transaction; whether an index is unique is asked when the transaction ends (integrity.h).
 *
 * This module changes rows without asking questions.  Only transactions (txn.h) call what changes
 * them; everybody may call what reads.  Loop's thread. */
#pragma once

#include "core/base/htable.h"
#include "core/base/list.h"
#include "dbserver/data/schema.h"

/* What a database holds, for its limits.  Shared by its tables. */
struct db_usage {
	size_t rows, bytes;
};

struct db_table {
	const struct db_table_schema *schema; /* borrowed from the database */
	struct db_usage *usage;               /* borrowed from the database */
	struct htable rows;                   /* struct db_row.node, by UUID */
	struct htable *indexes; /* owned, schema->n_indexes; struct db_row_index.node */
	struct htable weak;     /* struct db_weak.node: references into this table */
	/* By column index: the tables that keys and values refer to, or NULL.  Owned arrays of
	 * borrowed tables. */
	struct db_table **key_ref, **value_ref;
};

struct db_row;

struct db_row_index {
	struct hnode node;
	struct db_row *row;
};

struct db_txn_row;

struct db_row {
	struct hnode node;
	struct db_table *table;
	struct uuid uuid;
	uint32_t n_refs; /* strong references from other rows */
	bool in_table;
	struct db_txn_row *txn;       /* the open transaction's record of it, or NULL */
	struct cds_list_head weak_in; /* struct db_weak.link: weak references to it */
	struct db_row_index *index;   /* part of the row's memory, schema->n_indexes */
	const struct datum *cols[];   /* owned references, schema->n_columns */
};

/* One or more weak references from one column of a row to another row. */
struct db_weak {
	struct hnode node; /* in the target's table, by (from, to, column) */
	struct cds_list_head link;
	struct db_row *from, *to;
	uint32_t column, count;
};

void db_table_init(struct db_table *t, const struct db_table_schema *schema,
		   struct db_usage *usage);
/* Frees every row. */
void db_table_done(struct db_table *t);
const char *db_table_name(const struct db_table *t);
/* NULL when the table is NULL or has no such column. */
const struct db_column *db_column(const struct db_table *t, const char *name);

/* --- Reading ------------------------------------------------------------------------------- */
size_t db_row_count(const struct db_table *t);
/* In no special order; NULL at the end.  Taking the next row before deleting one is safe. */
const struct db_row *db_row_first(const struct db_table *t);
const struct db_row *db_row_next(const struct db_row *row);
#define DB_FOR_EACH_ROW(ROW, T) for ((ROW) = db_row_first(T); (ROW); (ROW) = db_row_next(ROW))
const struct db_row *db_row_get(const struct db_table *t, const struct uuid *uuid);
static inline const struct uuid *db_row_uuid(const struct db_row *row)
{
	return &row->uuid;
}
static inline struct db_table *db_row_table(const struct db_row *row)
{
	return row->table;
}

/* The rows whose columns of index `i` have the values in `cols` (by column index): the first, then
 * the next after `row`; NULL at the end. */
const struct db_row *db_index_first(const struct db_table *t, uint32_t i,
				    const struct datum *const *cols);
const struct db_row *db_index_next(const struct db_row *row, uint32_t i,
				   const struct datum *const *cols);
/* The index over column `c` alone, or -1. */
int db_index_of_column(const struct db_table *t, const struct db_column *c);

/* --- Changing (transactions only) ---------------------------------------------------------- */
/* A row with default values that is in no table yet. */
struct db_row *db_row_make(struct db_table *t, const struct uuid *uuid);
void db_row_free(struct db_row *row); /* in no table */
void db_row_enter(struct db_row *row);
void db_row_leave(struct db_row *row);
/* Takes the reference; unrefs the old value. */
void db_row_set(struct db_row *row, uint32_t column, struct datum *take);
/* References to each of a row's values; free with db_cols_free(). */
const struct datum **db_cols_copy(const struct db_row *row);
void db_cols_free(const struct datum **cols, uint32_t n);
