/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/engine/exec.h"

#include "dbserver/data/dberr.h"
#include "dbserver/data/jsonx.h"
#include "dbserver/engine/opargs.h"

/* Runs operations until one fails or waits; appends a result for each that ran. */
static int run_all(struct op_ctx *ctx, struct json_object *params, struct json_object *reply,
		   struct error *err)
{
	size_t n = json_object_array_length(params);
	int rc = 0;

	for (size_t i = 1; !rc && !ctx->blocked && i < n; i++) {
		struct json_object *result = json_object_new_object();

		rc = ops_run(ctx, json_object_array_get_idx(params, i), result, err);
		if (!rc) {
			json_object_array_add(reply, result);
			continue;
		}
		json_object_put(result);
		json_object_array_add(reply, dberr_to_json(err));
		while (++i < n)
			json_object_array_add(reply, NULL);
	}
	return rc;
}

static int check_params(const struct db *db, struct json_object *params, struct error *err)
{
	size_t n;

	if (json_kind_of(params) != JK_ARRAY || !json_object_array_length(params))
		return error_set(err, DBE_SYNTAX, NULL,
				 "the parameters must be an array: a database, then operations");
	n = json_object_array_length(params) - 1;
	if (n > db->limits.operations)
		return error_set(err, DBE_RESOURCES, NULL,
				 "%zu operations are more than a transaction may have (%zu)", n,
				 db->limits.operations);
	return 0;
}

int db_execute(struct db *db, struct json_object *params, const struct db_exec_env *env,
	       struct json_object **reply, uint64_t *wait_ms, struct error *err)
{
	struct op_ctx ctx = { .db = db, .env = env, .scan_left = OPS_MAX_SCAN };
	struct error op_err = ERROR_INIT;
	struct json_object *results;
	int rc = check_params(db, params, err);

	if (rc)
		return rc;
	results = json_object_new_array();
	symtab_init(&ctx.symtab);
	ctx.txn = db_txn_new(db, NULL);
	rc = run_all(&ctx, params, results, &op_err);
	if (!rc && !ctx.blocked) {
		rc = symtab_check(&ctx.symtab, &op_err);
		if (rc)
			db_txn_abort(ctx.txn);
		else
			rc = db_txn_commit(ctx.txn, &op_err);
		if (rc < 0)
			json_object_array_add(results, dberr_to_json(&op_err));
	} else {
		db_txn_abort(ctx.txn);
	}
	symtab_done(&ctx.symtab);
	if (ctx.blocked) {
		json_object_put(results);
		*wait_ms = ctx.wait_ms;
		return 0;
	}
	*reply = results;
	return 1;
}
