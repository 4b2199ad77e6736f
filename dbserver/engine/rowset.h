/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of rows seen through some of their columns: what "select" returns and "wait" compares
 * (RFC 7047 sections 5.2.2 and 5.2.6).  Rows that are equal in those columns are one. */
#pragma once

#include "dbserver/engine/table.h"

struct db_column_set {
	const struct db_column **columns; /* owned array of borrowed columns */
	uint32_t n;
};

/* The columns that a JSON array names; every column of the table when json is NULL (with _uuid and
 * _version when `internal`). */
int db_column_set_from_json(const struct db_table_schema *t, struct json_object *json,
			    bool internal, struct db_column_set *ret, struct error *err) MUST_CHECK;
void db_column_set_done(struct db_column_set *s);

struct rowset {
	const struct db_column_set *columns; /* borrowed */
	struct htable rows;                  /* struct rowset_row.node */
	struct cds_list_head order;          /* struct rowset_row.link */
};

void rowset_init(struct rowset *s, const struct db_column_set *columns);
void rowset_done(struct rowset *s);
/* `cols` are a row's values by column index. */
void rowset_add(struct rowset *s, const struct datum *const *cols);
bool rowset_equal(const struct rowset *a, const struct rowset *b);
struct json_object *rowset_to_json(const struct rowset *s);
