/* SPDX-License-Identifier: Apache-2.0 */
/* Mutations: changes that depend on the value they find (RFC 7047 section 5.1, <mutation>). */
#pragma once

#include "dbserver/data/schema.h"

enum db_mutator { MUT_ADD, MUT_SUB, MUT_MUL, MUT_DIV, MUT_MOD, MUT_INSERT, MUT_DELETE, MUT_N };

struct db_mutation {
	const struct db_column *column; /* borrowed */
	enum db_mutator mutator;
	struct datum *arg; /* owned */
};

struct db_mutations {
	struct db_mutation *list; /* owned */
	size_t n;
};

#define MUTATION_MAX 10000

/* *ret is written only on success; then db_mutations_done() it.  -DBE_CONSTRAINT for a column that
 * is not mutable. */
int db_mutations_from_json(const struct db_table_schema *t, struct json_object *json,
			   const struct symbols *symbols, struct db_mutations *ret,
			   struct error *err) MUST_CHECK;
void db_mutations_done(struct db_mutations *m);
/* The value that mutation `m` makes of `old`; checked against the column's type.  -DBE_DOMAIN for a
 * division by zero, -DBE_RANGE for a result that does not fit, -DBE_CONSTRAINT for one that the
 * column does not allow. */
int db_mutation_apply(const struct db_mutation *m, const struct datum *old, struct datum **ret,
		      struct error *err) MUST_CHECK;
