/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/engine/ops.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "dbserver/data/dberr.h"
#include "dbserver/data/jsonx.h"
#include "dbserver/data/mutation.h"
#include "dbserver/engine/opargs.h"
#include "dbserver/engine/rowset.h"

/* --- Operations ---------------------------------------------------------------------------- */
static int parse_uuid(struct json_object *json, struct uuid *ret, struct error *err)
{
	const char *text = json_text(json);

	if (text && uuid_parse(text, ret))
		return 0;
	return error_set(err, DBE_SYNTAX, NULL, "\"uuid\" of an insert must be a UUID");
}

static int choose_uuid(struct op_ctx *ctx, struct json_object *uuid, struct json_object *name,
		       struct uuid *ret, struct error *err)
{
	int rc;

	*ret = uuid_new();
	if (uuid) {
		rc = parse_uuid(uuid, ret, err);
		if (rc)
			return rc;
	}
	if (!name)
		return 0;
	if (!json_text(name))
		return error_set(err, DBE_SYNTAX, NULL, "a uuid-name must not contain a NUL");
	return symtab_make(&ctx->symtab, json_text(name), uuid ? ret : NULL, ret, err);
}

static int put_values(struct op_ctx *ctx, const struct db_row *row, const struct op_row *v)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < v->n; i++)
		rc = db_txn_put(ctx->txn, row, v->list[i].column, datum_ref(v->list[i].value));
	return rc;
}

static int take_txn_error(const struct op_ctx *ctx, struct error *err)
{
	const struct error *e = &ctx->txn->err;

	return error_set(err, e->code, e->field, "%s", e->cause);
}

static int op_insert(struct op_ctx *ctx, struct json_object *op, struct json_object *result,
		     struct error *err)
{
	struct json_object *table, *row_json, *name, *uuid_json;
	const struct json_member members[] = {
		{ "op", JK_STRING, NULL },
		{ "table", JK_STRING, &table },
		{ "row", JK_OBJECT, &row_json },
		{ "uuid-name", JK_STRING | JK_OPTIONAL, &name },
		{ "uuid", JK_STRING | JK_OPTIONAL, &uuid_json },
	};
	const struct db_row *row;
	struct op_row v;
	struct db_table *t;
	struct uuid uuid;
	int rc = json_members(op, "insert", members, ARRAY_SIZE(members), err);

	if (!rc)
		rc = op_parse_table(ctx->db, table, &t, err);
	if (!rc)
		rc = choose_uuid(ctx, uuid_json, name, &uuid, err);
	if (!rc)
		rc = op_parse_row(&ctx->symtab, t, row_json, &v, err);
	if (rc)
		return rc;
	row = db_txn_insert_as(ctx->txn, t, &uuid);
	rc = !row || put_values(ctx, row, &v) ? take_txn_error(ctx, err) : 0;
	op_row_done(&v);
	if (!rc)
		json_put_const(result, "uuid", atom_to_json((union atom){ .uuid = uuid }, AT_UUID));
	return rc;
}

static int op_select(struct op_ctx *ctx, struct json_object *op, struct json_object *result,
		     struct error *err)
{
	struct json_object *table, *where, *columns_json;
	const struct json_member members[] = {
		{ "op", JK_STRING, NULL },
		{ "table", JK_STRING, &table },
		{ "where", JK_ARRAY, &where },
		{ "columns", JK_ARRAY | JK_OPTIONAL, &columns_json },
	};
	struct db_column_set columns;
	struct op_found f = { NULL, 0, 0 };
	struct rowset rows;
	struct db_table *t;
	int rc = json_members(op, "select", members, ARRAY_SIZE(members), err);

	if (!rc)
		rc = op_parse_table(ctx->db, table, &t, err);
	if (!rc)
		rc = db_column_set_from_json(t->schema, columns_json, true, &columns, err);
	if (rc)
		return rc;
	rc = op_find_rows(&ctx->symtab, &ctx->scan_left, t, where, &f, err);
	if (!rc) {
		rowset_init(&rows, &columns);
		for (size_t i = 0; i < f.n; i++)
			rowset_add(&rows, f.rows[i]->cols);
		json_put_const(result, "rows", rowset_to_json(&rows));
		rowset_done(&rows);
	}
	free(f.rows);
	db_column_set_done(&columns);
	return rc;
}

static int check_mutable(const struct db_table *t, const struct op_row *v, struct error *err)
{
	for (size_t i = 0; i < v->n; i++) {
		const struct db_column *c = v->list[i].column;

		if (!c->is_mutable) {
			error_set(err, DBE_CONSTRAINT, NULL, "the column cannot be changed");
			return dberr_at(err, -DBE_CONSTRAINT, t->schema->name, c->name);
		}
	}
	return 0;
}

static int op_update(struct op_ctx *ctx, struct json_object *op, struct json_object *result,
		     struct error *err)
{
	struct json_object *table, *where, *row_json;
	const struct json_member members[] = {
		{ "op", JK_STRING, NULL },
		{ "table", JK_STRING, &table },
		{ "where", JK_ARRAY, &where },
		{ "row", JK_OBJECT, &row_json },
	};
	struct op_found f = { NULL, 0, 0 };
	struct op_row v;
	struct db_table *t;
	int rc = json_members(op, "update", members, ARRAY_SIZE(members), err);

	if (!rc)
		rc = op_parse_table(ctx->db, table, &t, err);
	if (!rc)
		rc = op_parse_row(&ctx->symtab, t, row_json, &v, err);
	if (rc)
		return rc;
	rc = check_mutable(t, &v, err);
	if (!rc)
		rc = op_find_rows(&ctx->symtab, &ctx->scan_left, t, where, &f, err);
	for (size_t i = 0; !rc && i < f.n; i++)
		if (put_values(ctx, f.rows[i], &v))
			rc = take_txn_error(ctx, err);
	if (!rc)
		json_put_const(result, "count", json_object_new_int64((int64_t)f.n));
	free(f.rows);
	op_row_done(&v);
	return rc;
}

static int mutate_row(struct op_ctx *ctx, const struct db_row *row, const struct db_mutations *m,
		      struct error *err)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct db_column *c = m->list[i].column;
		struct datum *d;
		int rc = db_mutation_apply(&m->list[i], row->cols[c->index], &d, err);

		if (rc)
			return dberr_at(err, rc, row->table->schema->name, c->name);
		if (db_txn_put(ctx->txn, row, c, d))
			return take_txn_error(ctx, err);
	}
	return 0;
}

static int op_mutate(struct op_ctx *ctx, struct json_object *op, struct json_object *result,
		     struct error *err)
{
	struct json_object *table, *where, *list;
	const struct json_member members[] = {
		{ "op", JK_STRING, NULL },
		{ "table", JK_STRING, &table },
		{ "where", JK_ARRAY, &where },
		{ "mutations", JK_ARRAY, &list },
	};
	struct op_found f = { NULL, 0, 0 };
	struct db_mutations m;
	struct db_table *t;
	int rc = json_members(op, "mutate", members, ARRAY_SIZE(members), err);

	if (!rc)
		rc = op_parse_table(ctx->db, table, &t, err);
	if (!rc)
		rc = db_mutations_from_json(t->schema, list, &ctx->symtab.symbols, &m, err);
	if (rc)
		return rc;
	rc = op_find_rows(&ctx->symtab, &ctx->scan_left, t, where, &f, err);
	for (size_t i = 0; !rc && i < f.n; i++)
		rc = mutate_row(ctx, f.rows[i], &m, err);
	if (!rc)
		json_put_const(result, "count", json_object_new_int64((int64_t)f.n));
	free(f.rows);
	db_mutations_done(&m);
	return rc;
}

static int op_delete(struct op_ctx *ctx, struct json_object *op, struct json_object *result,
		     struct error *err)
{
	struct json_object *table, *where;
	const struct json_member members[] = {
		{ "op", JK_STRING, NULL },
		{ "table", JK_STRING, &table },
		{ "where", JK_ARRAY, &where },
	};
	struct op_found f = { NULL, 0, 0 };
	struct db_table *t;
	int rc = json_members(op, "delete", members, ARRAY_SIZE(members), err);

	if (!rc)
		rc = op_parse_table(ctx->db, table, &t, err);
	if (!rc)
		rc = op_find_rows(&ctx->symtab, &ctx->scan_left, t, where, &f, err);
	for (size_t i = 0; !rc && i < f.n; i++)
		db_txn_delete(ctx->txn, f.rows[i]);
	if (!rc)
		json_put_const(result, "count", json_object_new_int64((int64_t)f.n));
	free(f.rows);
	return rc;
}

/* --- wait ---------------------------------------------------------------------------------- */
struct wait_args {
	struct json_object *timeout, *table, *where, *columns, *until, *rows;
};

static int add_wanted(struct op_ctx *ctx, const struct db_table *t, struct json_object *json,
		      struct rowset *rows, struct error *err)
{
	const struct datum **cols;
	struct op_row v;
	int rc = op_parse_row(&ctx->symtab, t, json, &v, err);

	if (rc)
		return rc;
	cols = xcalloc(t->schema->n_columns, sizeof(*cols));
	for (uint32_t i = 0; i < t->schema->n_columns; i++)
		cols[i] = t->schema->columns[i].initial;
	for (size_t i = 0; i < v.n; i++)
		cols[v.list[i].column->index] = v.list[i].value;
	rowset_add(rows, cols);
	free(cols);
	op_row_done(&v);
	return 0;
}

static int compare_rows(struct op_ctx *ctx, const struct db_table *t, const struct wait_args *a,
			const struct db_column_set *columns, bool *equal, struct error *err)
{
	struct op_found f = { NULL, 0, 0 };
	struct rowset have, want;
	int rc = op_find_rows(&ctx->symtab, &ctx->scan_left, t, a->where, &f, err);

	rowset_init(&have, columns);
	rowset_init(&want, columns);
	for (size_t i = 0; !rc && i < f.n; i++)
		rowset_add(&have, f.rows[i]->cols);
	for (size_t i = 0; !rc && i < json_object_array_length(a->rows); i++)
		rc = add_wanted(ctx, t, json_object_array_get_idx(a->rows, i), &want, err);
	*equal = !rc && rowset_equal(&have, &want);
	rowset_done(&have);
	rowset_done(&want);
	free(f.rows);
	return rc;
}

static int unsatisfied(struct op_ctx *ctx, struct json_object *timeout_json, struct error *err)
{
	int64_t timeout = timeout_json ? json_object_get_int64(timeout_json) : -1;

	if (timeout_json && (timeout <= 0 || (uint64_t)timeout <= ctx->env->elapsed_ms))
		return error_set(err, DBE_TIMED_OUT, NULL,
				 "what \"wait\" waits for did not come about");
	ctx->blocked = true;
	ctx->wait_ms = timeout_json ? (uint64_t)timeout - ctx->env->elapsed_ms : UINT64_MAX;
	return 0;
}

static int op_wait(struct op_ctx *ctx, struct json_object *op, struct json_object *result,
		   struct error *err)
{
	struct wait_args a;
	const struct json_member members[] = {
		{ "op", JK_STRING, NULL },
		{ "timeout", JK_NUMBER | JK_OPTIONAL, &a.timeout },
		{ "table", JK_STRING, &a.table },
		{ "where", JK_ARRAY, &a.where },
		{ "columns", JK_ARRAY | JK_OPTIONAL, &a.columns },
		{ "until", JK_STRING, &a.until },
		{ "rows", JK_ARRAY, &a.rows },
	};
	struct db_column_set columns;
	struct db_table *t;
	bool equal, want_equal;
	int rc = json_members(op, "wait", members, ARRAY_SIZE(members), err);

	if (!rc)
		rc = op_parse_table(ctx->db, a.table, &t, err);
	if (rc)
		return rc;
	want_equal = !strcmp(json_object_get_string(a.until), "==");
	if (!want_equal && strcmp(json_object_get_string(a.until), "!="))
		return error_set(err, DBE_SYNTAX, NULL, "\"until\" must be \"==\" or \"!=\"");
	rc = db_column_set_from_json(t->schema, a.columns, false, &columns, err);
	if (rc)
		return rc;
	rc = compare_rows(ctx, t, &a, &columns, &equal, err);
	if (!rc && equal != want_equal)
		rc = unsatisfied(ctx, a.timeout, err);
	db_column_set_done(&columns);
	return rc;
}

/* --- The small ones ------------------------------------------------------------------------ */
static int op_commit(struct op_ctx *ctx, struct json_object *op, struct json_object *result,
		     struct error *err)
{
	struct json_object *durable;
	const struct json_member members[] = {
		{ "op", JK_STRING, NULL },
		{ "durable", JK_BOOLEAN, &durable },
	};
	int rc = json_members(op, "commit", members, ARRAY_SIZE(members), err);

	if (!rc && json_object_get_boolean(durable))
		db_txn_durable(ctx->txn);
	return rc;
}

static int op_abort(struct op_ctx *ctx, struct json_object *op, struct json_object *result,
		    struct error *err)
{
	const struct json_member members[] = { { "op", JK_STRING, NULL } };
	int rc = json_members(op, "abort", members, ARRAY_SIZE(members), err);

	return rc ? rc : error_set(err, DBE_ABORTED, NULL, "aborted by request");
}

static int op_comment(struct op_ctx *ctx, struct json_object *op, struct json_object *result,
		      struct error *err)
{
	struct json_object *comment;
	const struct json_member members[] = {
		{ "op", JK_STRING, NULL },
		{ "comment", JK_STRING, &comment },
	};
	int rc = json_members(op, "comment", members, ARRAY_SIZE(members), err);

	if (!rc && !json_text(comment))
		rc = error_set(err, DBE_SYNTAX, NULL, "a comment must not contain a NUL");
	if (!rc)
		db_txn_comment(ctx->txn, json_text(comment));
	return rc;
}

static int op_assert(struct op_ctx *ctx, struct json_object *op, struct json_object *result,
		     struct error *err)
{
	struct json_object *lock;
	const struct json_member members[] = {
		{ "op", JK_STRING, NULL },
		{ "lock", JK_STRING, &lock },
	};
	const char *name;
	int rc = json_members(op, "assert", members, ARRAY_SIZE(members), err);

	if (rc)
		return rc;
	name = json_text(lock);
	if (name && ctx->env->has_lock && ctx->env->has_lock(ctx->env->lock_arg, name))
		return 0;
	return error_set(err, DBE_NOT_OWNER, NULL, "the client does not hold the lock \"%.64s\"",
			 name ? name : "");
}

static const struct {
	const char *name;
	bool writes;
	int (*run)(struct op_ctx *ctx, struct json_object *op, struct json_object *result,
		   struct error *err);
} operations[] = {
	{ "insert", true, op_insert },    { "select", false, op_select },
	{ "update", true, op_update },    { "mutate", true, op_mutate },
	{ "delete", true, op_delete },    { "wait", false, op_wait },
	{ "commit", false, op_commit },   { "abort", false, op_abort },
	{ "comment", false, op_comment }, { "assert", false, op_assert },
};

int ops_run(struct op_ctx *ctx, struct json_object *op, struct json_object *result,
	    struct error *err)
{
	struct json_object *json = NULL;
	const char *name;

	if (json_kind_of(op) != JK_OBJECT)
		return error_set(err, DBE_SYNTAX, NULL, "an operation must be a JSON object");
	json_object_object_get_ex(op, "op", &json);
	name = json_text(json);
	for (size_t i = 0; name && i < ARRAY_SIZE(operations); i++) {
		if (strcmp(operations[i].name, name))
			continue;
		if (operations[i].writes && ctx->env->read_only)
			return error_set(err, DBE_NOT_SUPPORTED, NULL,
					 "%s: the database %s is read-only", name,
					 db_name(ctx->db));
		return operations[i].run(ctx, op, result, err);
	}
	return error_set(err, DBE_SYNTAX, NULL, "there is no operation \"%.32s\"",
			 name ? name : "");
}
