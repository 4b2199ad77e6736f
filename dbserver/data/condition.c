/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/data/condition.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "dbserver/data/dberr.h"
#include "dbserver/data/jsonx.h"

static bool holds_lt(const struct datum *d, const struct datum *arg)
{
	return d->n && datum_cmp(d, arg) < 0;
}

static bool holds_le(const struct datum *d, const struct datum *arg)
{
	return d->n && datum_cmp(d, arg) <= 0;
}

static bool holds_eq(const struct datum *d, const struct datum *arg)
{
	return datum_equal(d, arg);
}

static bool holds_ne(const struct datum *d, const struct datum *arg)
{
	return !datum_equal(d, arg);
}

static bool holds_ge(const struct datum *d, const struct datum *arg)
{
	return d->n && datum_cmp(d, arg) >= 0;
}

static bool holds_gt(const struct datum *d, const struct datum *arg)
{
	return d->n && datum_cmp(d, arg) > 0;
}

/* `ordered`: for columns of at most one number only. */
static const struct {
	const char *name;
	bool ordered;
	bool (*holds)(const struct datum *d, const struct datum *arg);
} functions[FN_N] = {
	[FN_LT] = { "<", true, holds_lt },
	[FN_LE] = { "<=", true, holds_le },
	[FN_EQ] = { "==", false, holds_eq },
	[FN_NE] = { "!=", false, holds_ne },
	[FN_GE] = { ">=", true, holds_ge },
	[FN_GT] = { ">", true, holds_gt },
	[FN_INCLUDES] = { "includes", false, datum_includes },
	[FN_EXCLUDES] = { "excludes", false, datum_excludes },
};

static int parse_function(const char *name, enum db_function *ret, struct error *err)
{
	for (int i = 0; name && i < FN_N; i++) {
		if (!strcmp(functions[i].name, name)) {
			*ret = (enum db_function)i;
			return 0;
		}
	}
	return error_set(err, DBE_SYNTAX, NULL, "\"%.32s\" is not a function of a condition",
			 name ? name : "");
}

static bool is_ordered(const struct column_type *t)
{
	return !column_type_is_map(t) && t->n_max == 1 &&
	       (t->key.type == AT_INTEGER || t->key.type == AT_REAL);
}

static int parse_arg(struct db_clause *c, struct json_object *json, const struct symbols *symbols,
		     struct error *err)
{
	int rc;

	if (!functions[c->function].ordered)
		return datum_from_json_any(&c->column->type, json, symbols, &c->arg, err);
	if (!is_ordered(&c->column->type))
		return error_set(err, DBE_SYNTAX, NULL, "\"%s\" needs a column of one number",
				 functions[c->function].name);
	rc = datum_from_json_any(&c->column->type, json, symbols, &c->arg, err);
	if (!rc && c->arg->n != 1)
		rc = error_set(err, DBE_SYNTAX, NULL, "\"%s\" needs one number",
			       functions[c->function].name);
	return rc;
}

static int parse_clause(const struct db_table_schema *t, struct json_object *json,
			const struct symbols *symbols, struct db_clause *c, struct error *err)
{
	const char *name;
	int rc;

	if (json_kind_of(json) == JK_BOOLEAN) {
		c->always = json_object_get_boolean(json);
		return 0;
	}
	if (json_kind_of(json) != JK_ARRAY || json_object_array_length(json) != 3)
		return error_set(err, DBE_SYNTAX, t->name,
				 "a condition must be [column, function, value]");
	name = json_text(json_object_array_get_idx(json, 0));
	c->column = name ? db_schema_column(t, name) : NULL;
	if (!c->column)
		return error_set(err, DBE_UNKNOWN_COLUMN, NULL, "no column \"%.64s\" in table %s",
				 name ? name : "", t->name);
	rc = parse_function(json_text(json_object_array_get_idx(json, 1)), &c->function, err);
	if (!rc)
		rc = parse_arg(c, json_object_array_get_idx(json, 2), symbols, err);
	return rc ? dberr_at(err, rc, t->name, name) : 0;
}

int db_condition_from_json(const struct db_table_schema *t, struct json_object *json,
			   const struct symbols *symbols, struct db_condition *ret,
			   struct error *err)
{
	struct db_condition c = { NULL, 0 };
	size_t n;
	int rc = 0;

	if (json_kind_of(json) != JK_ARRAY)
		return error_set(err, DBE_SYNTAX, t->name, "\"where\" must be an array");
	n = json_object_array_length(json);
	if (n > CONDITION_MAX_CLAUSES)
		return error_set(err, DBE_RESOURCES, t->name, "%zu conditions are more than %d", n,
				 CONDITION_MAX_CLAUSES);
	c.clauses = n ? xcalloc(n, sizeof(*c.clauses)) : NULL;
	while (!rc && c.n < n) {
		rc = parse_clause(t, json_object_array_get_idx(json, c.n), symbols, &c.clauses[c.n],
				  err);
		c.n++;
	}
	if (rc)
		db_condition_done(&c);
	else
		*ret = c;
	return rc;
}

void db_condition_done(struct db_condition *c)
{
	for (size_t i = 0; i < c->n; i++)
		datum_unref(c->clauses[i].arg);
	free(c->clauses);
	*c = (struct db_condition){ NULL, 0 };
}

bool db_clause_holds(const struct db_clause *c, const struct datum *const *row)
{
	if (!c->column)
		return c->always;
	return functions[c->function].holds(row[c->column->index], c->arg);
}

bool db_condition_all(const struct db_condition *c, const struct datum *const *row)
{
	for (size_t i = 0; i < c->n; i++)
		if (!db_clause_holds(&c->clauses[i], row))
			return false;
	return true;
}

bool db_condition_any(const struct db_condition *c, const struct datum *const *row)
{
	for (size_t i = 0; i < c->n; i++)
		if (db_clause_holds(&c->clauses[i], row))
			return true;
	return !c->n;
}
