/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/engine/opargs.h"

#include <stdlib.h>

#include "core/base/xalloc.h"
#include "dbserver/data/condition.h"
#include "dbserver/data/dberr.h"
#include "dbserver/data/jsonx.h"

/* --- Parts of operations ------------------------------------------------------------------- */
int op_parse_table(const struct db *db, struct json_object *json, struct db_table **ret,
		   struct error *err)
{
	const char *name = json_text(json);

	*ret = name ? db_table(db, name) : NULL;
	if (*ret)
		return 0;
	return error_set(err, DBE_UNKNOWN_TABLE, NULL, "no table \"%.64s\" in database %s",
			 name ? name : "", db_name(db));
}

void op_row_done(struct op_row *v)
{
	for (size_t i = 0; i < v->n; i++)
		datum_unref(v->list[i].value);
	free(v->list);
}

static int parse_row_value(struct symtab *names, const struct db_table *t, const char *name,
			   struct json_object *json, struct op_value *ret, struct error *err)
{
	int rc;

	ret->column = db_schema_column(t->schema, name);
	if (!ret->column)
		return error_set(err, DBE_UNKNOWN_COLUMN, NULL, "no column \"%.64s\" in table %s",
				 name, t->schema->name);
	rc = datum_from_json(&ret->column->type, json, &names->symbols, &ret->value, err);
	return rc ? dberr_at(err, rc, t->schema->name, name) : 0;
}

int op_parse_row(struct symtab *names, const struct db_table *t, struct json_object *json,
		 struct op_row *ret, struct error *err)
{
	struct op_row v = { NULL, 0 };
	int rc = 0;

	if (json_kind_of(json) != JK_OBJECT)
		return error_set(err, DBE_SYNTAX, t->schema->name, "a row must be a JSON object");
	v.list = xcalloc((size_t)json_object_object_length(json) + 1, sizeof(*v.list));
	json_object_object_foreach(json, name, value)
	{
		rc = parse_row_value(names, t, name, value, &v.list[v.n], err);
		if (rc)
			break;
		v.n++;
	}
	if (rc)
		op_row_done(&v);
	else
		*ret = v;
	return rc;
}

/* --- Finding rows -------------------------------------------------------------------------- */
static void found_add(struct op_found *f, const struct db_row *row)
{
	if (f->n >= f->cap)
		f->rows = xgrow(f->rows, &f->cap, f->n + 1, sizeof(*f->rows));
	f->rows[f->n++] = row;
}

static void consider(struct op_found *f, const struct db_row *row, const struct db_condition *where)
{
	if (row && db_condition_all(where, row->cols))
		found_add(f, row);
}

static void find_by_index(struct op_found *f, const struct db_table *t, uint32_t index,
			  const struct db_clause *clause, const struct db_condition *where)
{
	const struct datum **cols = xcalloc(t->schema->n_columns, sizeof(*cols));
	const struct db_row *row;

	cols[clause->column->index] = clause->arg;
	for (row = db_index_first(t, index, cols); row; row = db_index_next(row, index, cols))
		consider(f, row, where);
	free(cols);
}

/* Uses a clause that names the row or an indexed value; false when there is none. */
static bool find_directly(struct op_found *f, const struct db_table *t,
			  const struct db_condition *where)
{
	for (size_t i = 0; i < where->n; i++) {
		const struct db_clause *c = &where->clauses[i];
		int index;

		if (!c->column || c->function != FN_EQ || c->arg->n != 1)
			continue;
		if (c->column->index == COL_UUID) {
			consider(f, db_row_get(t, &c->arg->keys[0].uuid), where);
			return true;
		}
		index = db_index_of_column(t, c->column);
		if (index >= 0) {
			find_by_index(f, t, (uint32_t)index, c, where);
			return true;
		}
	}
	return false;
}

int op_find_rows(struct symtab *names, uint64_t *scan_left, const struct db_table *t,
		 struct json_object *json, struct op_found *f, struct error *err)
{
	struct db_condition where;
	const struct db_row *row;
	int rc = db_condition_from_json(t->schema, json, &names->symbols, &where, err);

	if (rc)
		return rc;
	if (!find_directly(f, t, &where)) {
		if (*scan_left < t->rows.n) {
			rc = error_set(err, DBE_RESOURCES, t->schema->name,
				       "the transaction would search more than %llu rows",
				       OPS_MAX_SCAN);
			goto done;
		}
		*scan_left -= t->rows.n;
		for (row = db_row_first(t); row; row = db_row_next(row))
			consider(f, row, &where);
	}
done:
	db_condition_done(&where);
	return rc;
}
