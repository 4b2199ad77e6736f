/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/data/type.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "dbserver/data/dberr.h"
#include "dbserver/data/jsonx.h"

static void base_type_init(struct base_type *t, enum atom_type type)
{
	*t = (struct base_type){
		.type = type,
		.integer = { INT64_MIN, INT64_MAX },
		.real = { -DBL_MAX, DBL_MAX },
		.length = { 0, UINT32_MAX },
	};
}

static void free_enums(union atom *enums, uint32_t n, enum atom_type type)
{
	for (uint32_t i = 0; i < n; i++)
		atom_done(&enums[i], type);
	free(enums);
}

void base_type_done(struct base_type *t)
{
	free_enums(t->enums, t->n_enums, t->type);
	free(t->ref_table);
	base_type_init(t, AT_VOID);
}

static int cmp_atoms(const void *a, const void *b, void *type)
{
	return atom_cmp(*(const union atom *)a, *(const union atom *)b,
			*(const enum atom_type *)type);
}

/* "enum" is a set: one bare atom or ["set", [atom…]]. */
static int parse_enums(struct base_type *t, struct json_object *json, struct error *err)
{
	struct json_object *list = NULL;
	size_t n = 1;
	int rc;

	if (json_tagged(json, "set", &list)) {
		if (json_kind_of(list) != JK_ARRAY || !json_object_array_length(list))
			return error_set(err, DBE_SYNTAX, NULL,
					 "\"enum\" must list at least one value");
		n = json_object_array_length(list);
	}
	t->enums = xcalloc(n, sizeof(*t->enums));
	for (size_t i = 0; i < n; i++) {
		struct json_object *x = list ? json_object_array_get_idx(list, i) : json;

		rc = atom_from_json(t->type, x, NULL, &t->enums[i], err);
		if (rc)
			return rc;
		t->n_enums++;
	}
	qsort_r(t->enums, n, sizeof(*t->enums), cmp_atoms, &t->type);
	for (size_t i = 1; i < n; i++)
		if (!atom_cmp(t->enums[i - 1], t->enums[i], t->type))
			return error_set(err, DBE_SYNTAX, NULL, "\"enum\" lists a value twice");
	return 0;
}

/* Reads the limit `json` (NULL when absent) of a base type's own kind into *slot. */
static int parse_limit(enum atom_type want, const struct base_type *t, struct json_object *json,
		       const char *name, union atom *slot, struct error *err)
{
	if (!json)
		return 0;
	if (t->type != want)
		return error_set(err, DBE_SYNTAX, NULL, "\"%s\" does not fit the type %s", name,
				 atom_type_name(t->type));
	return atom_from_json(want, json, NULL, slot, err);
}

static int parse_length(const struct base_type *t, struct json_object *json, const char *name,
			uint32_t *slot, struct error *err)
{
	union atom a;
	int rc;

	if (!json)
		return 0;
	if (t->type != AT_STRING)
		return error_set(err, DBE_SYNTAX, NULL, "\"%s\" is for strings only", name);
	rc = atom_from_json(AT_INTEGER, json, NULL, &a, err);
	if (rc)
		return rc;
	if (a.integer < 0 || a.integer > UINT32_MAX)
		return error_set(err, DBE_SYNTAX, NULL, "\"%s\" is out of range", name);
	*slot = (uint32_t)a.integer;
	return 0;
}

struct base_json {
	struct json_object *type, *enums, *min_int, *max_int, *min_real, *max_real, *min_len,
		*max_len, *ref_table, *ref_type;
};

static int parse_ranges(struct base_type *t, const struct base_json *j, struct error *err)
{
	union atom imin = { .integer = t->integer.min }, imax = { .integer = t->integer.max };
	union atom rmin = { .real = t->real.min }, rmax = { .real = t->real.max };

	if (parse_limit(AT_INTEGER, t, j->min_int, "minInteger", &imin, err) ||
	    parse_limit(AT_INTEGER, t, j->max_int, "maxInteger", &imax, err) ||
	    parse_limit(AT_REAL, t, j->min_real, "minReal", &rmin, err) ||
	    parse_limit(AT_REAL, t, j->max_real, "maxReal", &rmax, err) ||
	    parse_length(t, j->min_len, "minLength", &t->length.min, err) ||
	    parse_length(t, j->max_len, "maxLength", &t->length.max, err))
		return -DBE_SYNTAX;
	t->integer.min = imin.integer;
	t->integer.max = imax.integer;
	t->real.min = rmin.real;
	t->real.max = rmax.real;
	if (t->integer.min > t->integer.max || t->real.min > t->real.max ||
	    t->length.min > t->length.max)
		return error_set(err, DBE_SYNTAX, NULL, "a minimum is above its maximum");
	return 0;
}

static int parse_reference(struct base_type *t, const struct base_json *j, struct error *err)
{
	const char *name = j->ref_table ? json_text(j->ref_table) : NULL;
	const char *kind = j->ref_type ? json_text(j->ref_type) : NULL;

	if (!j->ref_table && !j->ref_type)
		return 0;
	if (t->type != AT_UUID || !name)
		return error_set(err, DBE_SYNTAX, NULL,
				 "\"refTable\" and \"refType\" are for the type uuid only");
	if (kind && strcmp(kind, "strong") && strcmp(kind, "weak"))
		return error_set(err, DBE_SYNTAX, NULL,
				 "\"refType\" must be \"strong\" or \"weak\"");
	t->ref_table = xstrdup(name);
	t->ref_type = kind && !strcmp(kind, "weak") ? REF_WEAK : REF_STRONG;
	return 0;
}

static int parse_base_object(struct json_object *json, struct base_type *t, struct error *err)
{
	struct base_json j;
	const struct json_member members[] = {
		{ "type", JK_STRING, &j.type },
		{ "enum", JK_ANY | JK_OPTIONAL, &j.enums },
		{ "minInteger", JK_NUMBER | JK_OPTIONAL, &j.min_int },
		{ "maxInteger", JK_NUMBER | JK_OPTIONAL, &j.max_int },
		{ "minReal", JK_NUMBER | JK_OPTIONAL, &j.min_real },
		{ "maxReal", JK_NUMBER | JK_OPTIONAL, &j.max_real },
		{ "minLength", JK_NUMBER | JK_OPTIONAL, &j.min_len },
		{ "maxLength", JK_NUMBER | JK_OPTIONAL, &j.max_len },
		{ "refTable", JK_STRING | JK_OPTIONAL, &j.ref_table },
		{ "refType", JK_STRING | JK_OPTIONAL, &j.ref_type },
	};
	int rc = json_members(json, "<base-type>", members, ARRAY_SIZE(members), err);

	if (rc)
		return rc;
	t->type = atom_type_parse(json_object_get_string(j.type));
	if (t->type == AT_VOID)
		return error_set(err, DBE_SYNTAX, NULL, "\"%.32s\" is not an atomic type",
				 json_object_get_string(j.type));
	if (j.enums) {
		if (j.min_int || j.max_int || j.min_real || j.max_real || j.min_len || j.max_len)
			return error_set(err, DBE_SYNTAX, NULL, "\"enum\" excludes other limits");
		rc = parse_enums(t, j.enums, err);
		if (rc)
			return rc;
	}
	rc = parse_ranges(t, &j, err);
	return rc ? rc : parse_reference(t, &j, err);
}

int base_type_from_json(struct json_object *json, struct base_type *ret, struct error *err)
{
	struct base_type t;
	const char *name = json_text(json);
	int rc = 0;

	base_type_init(&t, name ? atom_type_parse(name) : AT_VOID);
	if (name && t.type == AT_VOID)
		return error_set(err, DBE_SYNTAX, NULL, "\"%.32s\" is not an atomic type", name);
	if (!name)
		rc = parse_base_object(json, &t, err);
	if (rc) {
		base_type_done(&t);
		return rc;
	}
	*ret = t;
	return 0;
}

static struct json_object *enums_to_json(const struct base_type *t)
{
	struct json_object *pair = json_object_new_array_ext(2);
	struct json_object *list = json_object_new_array_ext((int)t->n_enums);

	for (uint32_t i = 0; i < t->n_enums; i++)
		json_object_array_add(list, atom_to_json(t->enums[i], t->type));
	json_object_array_add(pair, json_object_new_string("set"));
	json_object_array_add(pair, list);
	return pair;
}

struct json_object *base_type_to_json(const struct base_type *t)
{
	struct json_object *json = json_object_new_object();

	json_put_const(json, "type", json_object_new_string(atom_type_name(t->type)));
	if (t->enums)
		json_put_const(json, "enum", enums_to_json(t));
	if (t->integer.min != INT64_MIN)
		json_put_const(json, "minInteger", json_object_new_int64(t->integer.min));
	if (t->integer.max != INT64_MAX)
		json_put_const(json, "maxInteger", json_object_new_int64(t->integer.max));
	if (t->real.min > -DBL_MAX)
		json_put_const(json, "minReal", json_object_new_double(t->real.min));
	if (t->real.max < DBL_MAX)
		json_put_const(json, "maxReal", json_object_new_double(t->real.max));
	if (t->length.min)
		json_put_const(json, "minLength", json_object_new_int64(t->length.min));
	if (t->length.max != UINT32_MAX)
		json_put_const(json, "maxLength", json_object_new_int64(t->length.max));
	if (t->ref_table)
		json_put_const(json, "refTable", json_object_new_string(t->ref_table));
	if (t->ref_table && t->ref_type == REF_WEAK)
		json_put_const(json, "refType", json_object_new_string("weak"));
	if (json_object_object_length(json) > 1)
		return json;
	json_object_put(json);
	return json_object_new_string(atom_type_name(t->type));
}

static size_t count_characters(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

static int check_enum(const struct base_type *t, union atom a, struct error *err)
{
	char list[200] = "", *p = list;
	struct json_object *json;

	for (uint32_t i = 0; i < t->n_enums; i++)
		if (!atom_cmp(t->enums[i], a, t->type))
			return 0;
	for (uint32_t i = 0; i < t->n_enums && p < list + sizeof(list) - 1; i++) {
		json = atom_to_json(t->enums[i], t->type);
		p += snprintf(p, (size_t)(list + sizeof(list) - p), "%s%s", i ? ", " : "",
			      json_object_get_string(json));
		json_object_put(json);
	}
	json = atom_to_json(a, t->type);
	error_set(err, DBE_CONSTRAINT, NULL, "%.80s is not one of the allowed values (%s)",
		  json_object_get_string(json), list);
	json_object_put(json);
	return -DBE_CONSTRAINT;
}

int base_type_check(const struct base_type *t, union atom a, struct error *err)
{
	if (t->enums)
		return check_enum(t, a, err);
	if (t->type == AT_INTEGER && (a.integer < t->integer.min || a.integer > t->integer.max))
		return error_set(err, DBE_CONSTRAINT, NULL, "%lld is not in the range %lld to %lld",
				 (long long)a.integer, (long long)t->integer.min,
				 (long long)t->integer.max);
	if (t->type == AT_REAL && (a.real < t->real.min || a.real > t->real.max))
		return error_set(err, DBE_CONSTRAINT, NULL, "%g is not in the range %g to %g",
				 a.real, t->real.min, t->real.max);
	if (t->type == AT_STRING && (t->length.min || t->length.max != UINT32_MAX)) {
		size_t n = count_characters(a.string);

		if (n < t->length.min || n > t->length.max)
			return error_set(err, DBE_CONSTRAINT, NULL,
					 "the string has %zu characters, allowed are %u to %u", n,
					 t->length.min, t->length.max);
	}
	return 0;
}

void column_type_done(struct column_type *t)
{
	base_type_done(&t->key);
	base_type_done(&t->value);
}

static int parse_counts(struct column_type *t, struct json_object *min, struct json_object *max,
			struct error *err)
{
	const char *text = max ? json_text(max) : NULL;
	union atom a = { .integer = 1 };

	if (min && atom_from_json(AT_INTEGER, min, NULL, &a, err))
		return -DBE_SYNTAX;
	if (a.integer != 0 && a.integer != 1)
		return error_set(err, DBE_SYNTAX, NULL, "\"min\" must be 0 or 1");
	t->n_min = (uint32_t)a.integer;
	if (text && !strcmp(text, "unlimited")) {
		t->n_max = TYPE_UNLIMITED;
		return 0;
	}
	a.integer = 1;
	if (max && atom_from_json(AT_INTEGER, max, NULL, &a, err))
		return -DBE_SYNTAX;
	if (a.integer < 1 || a.integer >= TYPE_UNLIMITED)
		return error_set(err, DBE_SYNTAX, NULL,
				 "\"max\" must be \"unlimited\" or an integer above 0");
	t->n_max = (uint32_t)a.integer;
	return 0;
}

static int parse_column_object(struct json_object *json, struct column_type *t, struct error *err)
{
	struct json_object *key, *value, *min, *max;
	const struct json_member members[] = {
		{ "key", JK_STRING | JK_OBJECT, &key },
		{ "value", JK_STRING | JK_OBJECT | JK_OPTIONAL, &value },
		{ "min", JK_INTEGER | JK_OPTIONAL, &min },
		{ "max", JK_INTEGER | JK_STRING | JK_OPTIONAL, &max },
	};
	int rc = json_members(json, "<type>", members, ARRAY_SIZE(members), err);

	if (!rc)
		rc = base_type_from_json(key, &t->key, err);
	if (!rc && value)
		rc = base_type_from_json(value, &t->value, err);
	return rc ? rc : parse_counts(t, min, max, err);
}

int column_type_from_json(struct json_object *json, struct column_type *ret, struct error *err)
{
	struct column_type t = { .n_min = 1, .n_max = 1 };
	int rc;

	base_type_init(&t.key, AT_VOID);
	base_type_init(&t.value, AT_VOID);
	if (json_kind_of(json) == JK_STRING)
		rc = base_type_from_json(json, &t.key, err);
	else
		rc = parse_column_object(json, &t, err);
	if (rc) {
		column_type_done(&t);
		return rc;
	}
	*ret = t;
	return 0;
}

struct json_object *column_type_to_json(const struct column_type *t)
{
	struct json_object *key = base_type_to_json(&t->key), *json;

	if (column_type_is_scalar(t) && json_kind_of(key) == JK_STRING)
		return key;
	json = json_object_new_object();
	json_put_const(json, "key", key);
	if (column_type_is_map(t))
		json_put_const(json, "value", base_type_to_json(&t->value));
	if (t->n_min != 1)
		json_put_const(json, "min", json_object_new_int64(t->n_min));
	if (t->n_max == TYPE_UNLIMITED)
		json_put_const(json, "max", json_object_new_string("unlimited"));
	else if (t->n_max != 1)
		json_put_const(json, "max", json_object_new_int64(t->n_max));
	return json;
}

void column_type_describe(const struct column_type *t, char *buf, size_t size)
{
	const char *key = atom_type_name(t->key.type);
	char limit[32] = "";

	if (t->n_max != TYPE_UNLIMITED)
		snprintf(limit, sizeof(limit), "up to %u ", t->n_max);
	if (column_type_is_map(t))
		snprintf(buf, size, "map of %s%s-%s pairs", limit, key,
			 atom_type_name(t->value.type));
	else if (t->n_max == 1)
		snprintf(buf, size, "%s%s", t->n_min ? "" : "optional ", key);
	else
		snprintf(buf, size, "set of %s%ss", limit, key);
}

bool column_type_compatible(const struct column_type *from, const struct column_type *to)
{
	return from->key.type == to->key.type && from->value.type == to->value.type;
}
