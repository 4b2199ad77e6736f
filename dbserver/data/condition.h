/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions: which rows an operation or a monitor means (RFC 7047 section 5.1, <condition>; the
 * bare booleans are those of ovsdb-server(7), section 4.1.12).
 *
 * The clauses of a transaction's "where" must all hold; of a conditional monitor's, one is enough.
 * `row` is a row's values by column index. */
#pragma once

#include "dbserver/data/schema.h"

enum db_function { FN_LT, FN_LE, FN_EQ, FN_NE, FN_GE, FN_GT, FN_INCLUDES, FN_EXCLUDES, FN_N };

struct db_clause {
	const struct db_column *column; /* borrowed; NULL: the constant `always` */
	enum db_function function;
	bool always;
	struct datum *arg; /* owned */
};

struct db_condition {
	struct db_clause *clauses; /* owned */
	size_t n;
};

#define CONDITION_MAX_CLAUSES 10000

/* *ret is written only on success; then db_condition_done() it. */
int db_condition_from_json(const struct db_table_schema *t, struct json_object *json,
			   const struct symbols *symbols, struct db_condition *ret,
			   struct error *err) MUST_CHECK;
void db_condition_done(struct db_condition *c);
bool db_clause_holds(const struct db_clause *c, const struct datum *const *row);
/* Every clause holds; true without clauses. */
bool db_condition_all(const struct db_condition *c, const struct datum *const *row);
/* A clause holds; true without clauses. */
bool db_condition_any(const struct db_condition *c, const struct datum *const *row);
