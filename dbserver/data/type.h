/* SPDX-License-Identifier: Apache-2.0 */
/* Column types (RFC 7047 section 3.2, <type> and <base-type>): what atoms a column holds, which of
 * them are allowed, and how many.  Immutable once parsed; owned by the schema. */
#pragma once

#include "dbserver/data/atom.h"

enum ref_type { REF_STRONG, REF_WEAK };

struct base_type {
	enum atom_type type;
	union atom *enums; /* owned, sorted; NULL when any value will do */
	uint32_t n_enums;
	struct {
		int64_t min, max;
	} integer; /* INT64_MIN … INT64_MAX when not given */
	struct {
		double min, max;
	} real; /* -DBL_MAX … DBL_MAX when not given */
	struct {
		uint32_t min, max; /* characters, not bytes; UINT32_MAX when not given */
	} length;
	char *ref_table; /* owned; uuid only; NULL when it refers to no table */
	enum ref_type ref_type;
};

#define TYPE_UNLIMITED UINT32_MAX

struct column_type {
	struct base_type key;
	struct base_type value; /* value.type is AT_VOID unless a map */
	uint32_t n_min, n_max;  /* n_max may be TYPE_UNLIMITED */
};

static inline bool column_type_is_map(const struct column_type *t)
{
	return t->value.type != AT_VOID;
}

static inline bool column_type_is_scalar(const struct column_type *t)
{
	return t->value.type == AT_VOID && t->n_min == 1 && t->n_max == 1;
}

/* True when a change is told as a difference (see datum_diff()), not as the new value. */
static inline bool column_type_has_diff(const struct column_type *t)
{
	return t->n_max > 1;
}

void base_type_done(struct base_type *t);
int base_type_from_json(struct json_object *json, struct base_type *ret,
			struct error *err) MUST_CHECK;
struct json_object *base_type_to_json(const struct base_type *t);
/* -EPERM ("constraint violation") with the reason when `a` is not allowed. */
int base_type_check(const struct base_type *t, union atom a, struct error *err) MUST_CHECK;

void column_type_done(struct column_type *t);
/* *ret is written only on success. */
int column_type_from_json(struct json_object *json, struct column_type *ret,
			  struct error *err) MUST_CHECK;
struct json_object *column_type_to_json(const struct column_type *t);
/* For messages: "set of up to 3 strings", "map of string-integer pairs", … */
void column_type_describe(const struct column_type *t, char *buf, size_t size);
/* Datums of type `from` may be read as `to` (a newer schema may relax and add, not change kinds).
 */
bool column_type_compatible(const struct column_type *from, const struct column_type *to);
