/* SPDX-License-Identifier: Apache-2.0 */
/* A database's schema (RFC 7047 section 3.2): tables, their columns and what holds between them.
 *
 * Parsed once, checked as a whole (names, references, indexes), immutable afterwards.  Columns have
 * an index, which is their place in each row's array of values: _uuid is 0, _version is 1, the
 * others follow in the order of their names. */
#pragma once

#include "dbserver/data/datum.h"

enum { COL_UUID, COL_VERSION, COL_FIRST };

#define SCHEMA_MAX_TABLES 1024
#define SCHEMA_MAX_COLUMNS 1024 /* in a table */
#define SCHEMA_MAX_INDEXES 16   /* in a table */

struct db_column {
	char *name;     /* owned by the schema */
	uint32_t index; /* position in its table's rows */
	struct column_type type;
	bool is_mutable;       /* false: set when the row is inserted and never again */
	bool is_ephemeral;     /* true: not in the file */
	struct datum *initial; /* owned; the default value */
};

struct db_index {
	const struct db_column **columns; /* owned array of borrowed columns */
	uint32_t n;
};

struct db_table_schema {
	char *name;                /* owned */
	struct db_column *columns; /* owned, n_columns, by index */
	uint32_t n_columns;
	struct db_index *indexes; /* owned */
	uint32_t n_indexes;
	uint32_t max_rows; /* UINT32_MAX when not limited */
	bool is_root;      /* false: a row that no strong reference leads to is deleted */
};

struct db_schema {
	char *name, *version;           /* owned */
	char *cksum;                    /* owned; NULL when the schema has none */
	struct db_table_schema *tables; /* owned, sorted by name */
	uint32_t n_tables;
};

/* A schema from its JSON, or NULL with *err (field: "table.column"). */
struct db_schema *db_schema_from_json(struct json_object *json, struct error *err);
/* From a file.  NULL with *err. */
struct db_schema *db_schema_from_file(const char *path, struct error *err);
void db_schema_free(struct db_schema *s); /* NULL is fine */
struct json_object *db_schema_to_json(const struct db_schema *s);

/* NULL when there is none of that name. */
const struct db_table_schema *db_schema_table(const struct db_schema *s, const char *name);
const struct db_column *db_schema_column(const struct db_table_schema *t, const char *name);

/* Whether what a database of schema `from` holds may be read under schema `to`: every table and
 * column of `from` is in `to` with the same kinds of atoms.  -EINVAL and the place otherwise. */
int db_schema_upgradable(const struct db_schema *from, const struct db_schema *to,
			 struct error *err) MUST_CHECK;
