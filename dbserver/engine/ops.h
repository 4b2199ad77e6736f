/* SPDX-License-Identifier: Apache-2.0 */
/* The operations of a transaction (RFC 7047 section 5.2): one row of a table each. */
#pragma once

#include "dbserver/engine/symtab.h"
#include "dbserver/engine/txn.h"

/* What a transaction may do and who asks. */
struct db_exec_env {
	/* Does the client hold the lock `name`?  NULL: it holds none. */
	bool (*has_lock)(void *arg, const char *name);
	void *lock_arg;
	uint64_t elapsed_ms; /* since the transaction was first tried */
	bool read_only;      /* only operations that change nothing */
};

struct op_ctx {
	struct db *db;
	struct db_txn *txn;
	const struct db_exec_env *env;
	struct symtab symtab;
	uint64_t scan_left; /* rows that may yet be looked at */
	bool blocked;       /* a "wait" is not satisfied and may wait longer */
	uint64_t wait_ms;   /* then: how much longer; UINT64_MAX without a timeout */
};

/* Does one operation and adds the members of its result to `result`.  0 or a negative errno with
 * *err. */
int ops_run(struct op_ctx *ctx, struct json_object *op, struct json_object *result,
	    struct error *err) MUST_CHECK;
