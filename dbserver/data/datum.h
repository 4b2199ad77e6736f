/* SPDX-License-Identifier: Apache-2.0 */
/* Datums: the value of one column in one row (RFC 7047 section 5.1, <value>): a sorted set of
 * atoms, or a sorted map from atoms to atoms.  A scalar is a set of exactly one.
 *
 * A datum is *immutable and counted*: once made it is never changed, rows that hold the same value
 * share it, and a transaction's undo, a monitor's "old" and a queued notification are one reference
 * each.  What "changes" a datum returns a new one.  Keys are sorted by atom_cmp() and unique.
 *
 * Counts are plain integers: a datum stays on the thread of its database's loop.
 *
 * Cost: lookup O(log n); union, difference and comparison O(n). */
#pragma once

#include "dbserver/data/atom.h"
#include "dbserver/data/type.h"

struct datum {
	uint32_t refs;
	uint32_t n;                          /* elements */
	enum atom_type key_type, value_type; /* value_type is AT_VOID in a set */
	union atom *keys;                    /* in the datum's own memory */
	union atom *values;                  /* as keys; NULL in a set */
	size_t bytes;                        /* memory held, for the database's limit */
};

struct datum *datum_ref(const struct datum *d);
void datum_unref(const struct datum *d); /* NULL is fine */

/* New datums; each returns one reference that the caller owns. */
struct datum *datum_integer(int64_t x);
struct datum *datum_real(double x);
struct datum *datum_boolean(bool x);
struct datum *datum_string(const char *s); /* copies */
struct datum *datum_uuid(const struct uuid *u);
/* The empty set, map or optional of this type. */
struct datum *datum_empty(const struct column_type *type);
/* What RFC 7047 section 5.2.1 gives a column that an insert leaves out: empty when the type allows
 * it, else one element of default atoms (0, "", …), be they allowed or not: peers leave such values
 * out of what they send, so both sides must mean the same. */
struct datum *datum_default(const struct column_type *type);

/* Collects elements in any order, then sorts.  A repeated key keeps the *last* value given. */
struct atom_pair {
	union atom key, value;
	size_t seq; /* order of arrival */
};

struct datum_builder {
	enum atom_type key_type, value_type;
	struct atom_pair *pairs; /* owned */
	size_t n, cap;
};

void datum_builder_init(struct datum_builder *b, const struct column_type *type);
/* A set<string>, map<string,string> or map<string,integer> without a column at hand. */
void datum_builder_init_types(struct datum_builder *b, enum atom_type key, enum atom_type value);
/* Takes ownership of both atoms; `value` is ignored in a set. */
void datum_builder_take(struct datum_builder *b, union atom key, union atom value);
void datum_builder_add_string(struct datum_builder *b, const char *s);
void datum_builder_add_integer(struct datum_builder *b, int64_t x);
void datum_builder_add_uuid(struct datum_builder *b, const struct uuid *u);
void datum_builder_put_string(struct datum_builder *b, const char *key, const char *value);
void datum_builder_put_integer(struct datum_builder *b, const char *key, int64_t value);
/* Ends the builder (which is empty again afterwards). */
struct datum *datum_builder_finish(struct datum_builder *b);
/* As above, but a repeated key is -EINVAL, as RFC 7047 wants of a value from the wire. */
int datum_builder_finish_unique(struct datum_builder *b, struct datum **ret,
				struct error *err) MUST_CHECK;
void datum_builder_done(struct datum_builder *b); /* frees what was not finished */

bool datum_equal(const struct datum *a, const struct datum *b);
/* Total order: by number of elements, then element by element, keys before values. */
int datum_cmp(const struct datum *a, const struct datum *b);
uint64_t datum_hash(const struct datum *d, uint64_t seed);
/* Index of `key`, or -1. */
long datum_find(const struct datum *d, union atom key);
/* Index of the string key `key` in a set or map of strings, or -1. */
long datum_find_string(const struct datum *d, const char *key);
/* Every element of `part` (key and, in a map, equal value) is in `whole`. */
bool datum_includes(const struct datum *whole, const struct datum *part);
/* No element of `part` is in `whole`. */
bool datum_excludes(const struct datum *whole, const struct datum *part);

/* New datums by set algebra.  In a map an element is the pair, except that _union keeps a's value
 * for a key that both have and _minus_keys looks at keys alone. */
struct datum *datum_union(const struct datum *a, const struct datum *b);
struct datum *datum_minus(const struct datum *a, const struct datum *b);
struct datum *datum_minus_keys(const struct datum *a, const struct datum *keys);

/* The difference that "update2" notifications and log records marked _is_diff carry: for a column
 * of at most one element, the new value; for a set, the elements in one but not both;
 * for a map, removed pairs, added pairs and new values of changed keys.  NULL when a and b are
 * equal. */
struct datum *datum_diff(const struct datum *a, const struct datum *b,
			 const struct column_type *type);
/* datum_apply_diff(a, datum_diff(a, b)) equals b. */
struct datum *datum_apply_diff(const struct datum *a, const struct datum *diff,
			       const struct column_type *type);

/* Checks count and each atom's constraints: -EPERM ("constraint violation") and the reason. */
int datum_check(const struct datum *d, const struct column_type *type,
		struct error *err) MUST_CHECK;

/* From JSON, checked against `type`.  `symbols` may be NULL. */
int datum_from_json(const struct column_type *type, struct json_object *json,
		    const struct symbols *symbols, struct datum **ret,
		    struct error *err) MUST_CHECK;
/* As above but without the limits on the count: the operand of a condition, mutation or diff. */
int datum_from_json_any(const struct column_type *type, struct json_object *json,
			const struct symbols *symbols, struct datum **ret,
			struct error *err) MUST_CHECK;
/* A set of one element prints as the bare atom (section 5.1). */
struct json_object *datum_to_json(const struct datum *d);
