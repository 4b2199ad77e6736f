/* SPDX-License-Identifier: Apache-2.0 */
/* Atoms: the five kinds of value that a column is made of (RFC 7047 section 3.2, <atomic-type>, and
 * 5.1, <atom>).
 *
 * An atom does not know its kind; whoever holds it does (a column's base type).  A string atom owns
 * its text, which has no NUL inside and is valid UTF-8. */
#pragma once

#include <json-c/json.h>

#include "core/base/err.h"
#include "core/base/types.h"
#include "core/base/uuid.h"

enum atom_type { AT_VOID, AT_INTEGER, AT_REAL, AT_BOOLEAN, AT_STRING, AT_UUID, AT_N_TYPES };

union atom {
	int64_t integer;
	double real; /* finite */
	bool boolean;
	char *string; /* owned */
	struct uuid uuid;
};

/* "integer", "real", … as in a schema. */
const char *atom_type_name(enum atom_type type);
/* AT_VOID when there is no such type. */
enum atom_type atom_type_parse(const char *name);

/* 0, false, "" or the zero UUID. */
union atom atom_default(enum atom_type type);
union atom atom_clone(union atom a, enum atom_type type);
void atom_done(union atom *a, enum atom_type type);
/* Total order: numbers by value, false before true, strings by bytes. */
int atom_cmp(union atom a, union atom b, enum atom_type type);
uint64_t atom_hash(union atom a, enum atom_type type, uint64_t seed);
/* Bytes of memory besides the union itself. */
size_t atom_bytes(union atom a, enum atom_type type);

/* Turns "named-uuid" into UUIDs while a transaction runs (RFC 7047 section 5.1, <named-uuid>).
 * Returns 0 and *u, or a negative errno with *err. */
struct symbols {
	int (*resolve)(void *arg, const char *name, struct uuid *u, struct error *err);
	void *arg;
};

/* From JSON.  `symbols` may be NULL: named UUIDs are then an error.  *ret is owned by the caller.
 */
int atom_from_json(enum atom_type type, struct json_object *json, const struct symbols *symbols,
		   union atom *ret, struct error *err) MUST_CHECK;
struct json_object *atom_to_json(union atom a, enum atom_type type);
/* True when the n bytes at s are UTF-8 without NUL. */
bool atom_utf8_ok(const char *s, size_t n);
