/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/data/mutation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "dbserver/data/dberr.h"
#include "dbserver/data/jsonx.h"

static int add_integer(int64_t a, int64_t b, int64_t *x)
{
	return __builtin_add_overflow(a, b, x) ? -DBE_RANGE : 0;
}

static int sub_integer(int64_t a, int64_t b, int64_t *x)
{
	return __builtin_sub_overflow(a, b, x) ? -DBE_RANGE : 0;
}

static int mul_integer(int64_t a, int64_t b, int64_t *x)
{
	return __builtin_mul_overflow(a, b, x) ? -DBE_RANGE : 0;
}

static int div_integer(int64_t a, int64_t b, int64_t *x)
{
	if (!b)
		return -DBE_DOMAIN;
	if (a == INT64_MIN && b == -1)
		return -DBE_RANGE;
	*x = a / b;
	return 0;
}

static int mod_integer(int64_t a, int64_t b, int64_t *x)
{
	if (!b)
		return -DBE_DOMAIN;
	*x = b == -1 ? 0 : a % b; /* INT64_MIN % -1 traps */
	return 0;
}

static int add_real(double a, double b, double *x)
{
	*x = a + b;
	return 0;
}

static int sub_real(double a, double b, double *x)
{
	*x = a - b;
	return 0;
}

static int mul_real(double a, double b, double *x)
{
	*x = a * b;
	return 0;
}

static int div_real(double a, double b, double *x)
{
	if (b == 0)
		return -DBE_DOMAIN;
	*x = a / b;
	return 0;
}

static const struct {
	const char *name;
	int (*integer)(int64_t a, int64_t b, int64_t *x); /* NULL: not arithmetic */
	int (*real)(double a, double b, double *x);       /* NULL: not for reals */
} mutators[MUT_N] = {
	[MUT_ADD] = { "+=", add_integer, add_real }, [MUT_SUB] = { "-=", sub_integer, sub_real },
	[MUT_MUL] = { "*=", mul_integer, mul_real }, [MUT_DIV] = { "/=", div_integer, div_real },
	[MUT_MOD] = { "%=", mod_integer, NULL },     [MUT_INSERT] = { "insert", NULL, NULL },
	[MUT_DELETE] = { "delete", NULL, NULL },
};

static int parse_mutator(const char *name, enum db_mutator *ret, struct error *err)
{
	for (int i = 0; name && i < MUT_N; i++) {
		if (!strcmp(mutators[i].name, name)) {
			*ret = (enum db_mutator)i;
			return 0;
		}
	}
	return error_set(err, DBE_SYNTAX, NULL, "\"%.32s\" is not a mutator", name ? name : "");
}

static int parse_arithmetic(struct db_mutation *m, struct json_object *json, struct error *err)
{
	const struct column_type *t = &m->column->type;
	int rc;

	if (column_type_is_map(t) ||
	    !(t->key.type == AT_INTEGER ? mutators[m->mutator].integer != NULL
	      : t->key.type == AT_REAL  ? mutators[m->mutator].real != NULL
					: false))
		return error_set(err, DBE_SYNTAX, NULL, "\"%s\" is not for a column of type %s",
				 mutators[m->mutator].name, atom_type_name(t->key.type));
	rc = datum_from_json_any(t, json, NULL, &m->arg, err);
	if (!rc && m->arg->n != 1)
		rc = error_set(err, DBE_SYNTAX, NULL, "\"%s\" needs one number",
			       mutators[m->mutator].name);
	return rc;
}

/* A map's pairs may be deleted by pairs or by a set of keys. */
static int parse_set_operand(struct db_mutation *m, struct json_object *json,
			     const struct symbols *symbols, struct error *err)
{
	struct column_type type = m->column->type; /* shares what it points to */
	struct json_object *list;

	if (column_type_is_scalar(&type))
		return error_set(err, DBE_SYNTAX, NULL, "\"%s\" is for sets and maps only",
				 mutators[m->mutator].name);
	if (m->mutator == MUT_DELETE && !json_tagged(json, "map", &list))
		type.value.type = AT_VOID;
	return datum_from_json_any(&type, json, symbols, &m->arg, err);
}

static int parse_mutation(const struct db_table_schema *t, struct json_object *json,
			  const struct symbols *symbols, struct db_mutation *m, struct error *err)
{
	const char *name;
	int rc;

	if (json_kind_of(json) != JK_ARRAY || json_object_array_length(json) != 3)
		return error_set(err, DBE_SYNTAX, t->name,
				 "a mutation must be [column, mutator, value]");
	name = json_text(json_object_array_get_idx(json, 0));
	m->column = name ? db_schema_column(t, name) : NULL;
	if (!m->column)
		return error_set(err, DBE_UNKNOWN_COLUMN, NULL, "no column \"%.64s\" in table %s",
				 name ? name : "", t->name);
	if (!m->column->is_mutable) {
		rc = error_set(err, DBE_CONSTRAINT, NULL, "the column cannot be changed");
		return dberr_at(err, rc, t->name, name);
	}
	rc = parse_mutator(json_text(json_object_array_get_idx(json, 1)), &m->mutator, err);
	json = json_object_array_get_idx(json, 2);
	if (!rc)
		rc = mutators[m->mutator].integer ? parse_arithmetic(m, json, err)
						  : parse_set_operand(m, json, symbols, err);
	return rc ? dberr_at(err, rc, t->name, name) : 0;
}

int db_mutations_from_json(const struct db_table_schema *t, struct json_object *json,
			   const struct symbols *symbols, struct db_mutations *ret,
			   struct error *err)
{
	struct db_mutations m = { NULL, 0 };
	size_t n;
	int rc = 0;

	if (json_kind_of(json) != JK_ARRAY)
		return error_set(err, DBE_SYNTAX, t->name, "\"mutations\" must be an array");
	n = json_object_array_length(json);
	if (n > MUTATION_MAX)
		return error_set(err, DBE_RESOURCES, t->name, "%zu mutations are more than %d", n,
				 MUTATION_MAX);
	m.list = n ? xcalloc(n, sizeof(*m.list)) : NULL;
	while (!rc && m.n < n) {
		rc = parse_mutation(t, json_object_array_get_idx(json, m.n), symbols, &m.list[m.n],
				    err);
		m.n++;
	}
	if (rc)
		db_mutations_done(&m);
	else
		*ret = m;
	return rc;
}

void db_mutations_done(struct db_mutations *m)
{
	for (size_t i = 0; i < m->n; i++)
		datum_unref(m->list[i].arg);
	free(m->list);
	*m = (struct db_mutations){ NULL, 0 };
}

static int compute(const struct db_mutation *m, union atom old, union atom *x)
{
	union atom arg = m->arg->keys[0];
	int rc;

	if (m->column->type.key.type == AT_INTEGER)
		return mutators[m->mutator].integer(old.integer, arg.integer, &x->integer);
	rc = mutators[m->mutator].real(old.real, arg.real, &x->real);
	return !rc && !isfinite(x->real) ? -DBE_RANGE : rc;
}

/* Arithmetic applies to each element; elements that become equal are one. */
static int apply_arithmetic(const struct db_mutation *m, const struct datum *old,
			    struct datum **ret, struct error *err)
{
	struct datum_builder b;

	datum_builder_init(&b, &m->column->type);
	for (uint32_t i = 0; i < old->n; i++) {
		union atom x = { 0 };
		int rc = compute(m, old->keys[i], &x);

		if (rc) {
			datum_builder_done(&b);
			return error_set(err, -rc, NULL,
					 rc == -DBE_DOMAIN ? "division by zero"
							   : "the result does not fit");
		}
		datum_builder_take(&b, x, (union atom){ 0 });
	}
	*ret = datum_builder_finish(&b);
	return 0;
}

int db_mutation_apply(const struct db_mutation *m, const struct datum *old, struct datum **ret,
		      struct error *err)
{
	struct datum *d = NULL;
	int rc = 0;

	if (m->mutator == MUT_INSERT)
		d = datum_union(old, m->arg);
	else if (m->mutator == MUT_DELETE)
		d = m->arg->value_type == AT_VOID ? datum_minus_keys(old, m->arg)
						  : datum_minus(old, m->arg);
	else
		rc = apply_arithmetic(m, old, &d, err);
	if (!rc)
		rc = datum_check(d, &m->column->type, err);
	if (rc)
		datum_unref(d);
	else
		*ret = d;
	return rc;
}
