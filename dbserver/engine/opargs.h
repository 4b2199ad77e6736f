/* SPDX-License-Identifier: Apache-2.0 */
/* What operations have in common: the table, a row's values, the rows that "where" means. */
#pragma once

#include "dbserver/engine/db.h"
#include "dbserver/engine/symtab.h"

/* Rows that the searches of one transaction may look at. */
#define OPS_MAX_SCAN 100000000ull

/* Values for some columns of a row. */
struct op_value {
	const struct db_column *column;
	struct datum *value; /* owned */
};

struct op_row {
	struct op_value *list; /* owned */
	size_t n;
};

/* Rows that were found; free(rows). */
struct op_found {
	const struct db_row **rows; /* owned array of borrowed rows */
	size_t n, cap;
};

/* Each: 0, or a negative errno and *err, and then *ret is not written. */
int op_parse_table(const struct db *db, struct json_object *json, struct db_table **ret,
		   struct error *err) MUST_CHECK;
int op_parse_row(struct symtab *names, const struct db_table *t, struct json_object *json,
		 struct op_row *ret, struct error *err) MUST_CHECK;
void op_row_done(struct op_row *v);
/* Adds the rows for which every clause of `json` holds.  A clause that names the row or an indexed
 * value costs a hash; without one each row of the table is looked at and taken off *scan_left. */
int op_find_rows(struct symtab *names, uint64_t *scan_left, const struct db_table *t,
		 struct json_object *json, struct op_found *f, struct error *err) MUST_CHECK;
