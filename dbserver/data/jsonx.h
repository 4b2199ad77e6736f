/* SPDX-License-Identifier: Apache-2.0 */
/* Reading JSON objects strictly: a table of the members that an object may have, the kinds that
 * each may be, and where to put them.  Members that the table does not name are refused, so that a
 * misspelled one is an error and not silence. */
#pragma once

#include <json-c/json.h>

#include "core/base/err.h"
#include "core/base/types.h"

enum json_kind {
	JK_NULL = 1 << 0,
	JK_BOOLEAN = 1 << 1,
	JK_INTEGER = 1 << 2,
	JK_REAL = 1 << 3,
	JK_STRING = 1 << 4,
	JK_ARRAY = 1 << 5,
	JK_OBJECT = 1 << 6,
	JK_NUMBER = JK_INTEGER | JK_REAL,
	JK_ANY = 0x7f,
	JK_OPTIONAL = 1 << 7, /* the member may be absent; its slot is then NULL */
};

struct json_member {
	const char *name;
	unsigned int kinds;
	struct json_object **slot; /* borrowed from the object; NULL: looked at, not kept */
};

enum json_kind json_kind_of(struct json_object *json);
/* 0 or -EINVAL with what is wrong in *err; `what` names the object in messages. */
int json_members(struct json_object *json, const char *what, const struct json_member *members,
		 size_t n, struct error *err) MUST_CHECK;
/* Text of a JSON string without a NUL inside, else NULL. */
const char *json_text(struct json_object *json);
/* The two-element array ["name", x]: returns x and true. */
bool json_tagged(struct json_object *json, const char *name, struct json_object **x);
/* Parses exactly one JSON value of n bytes; NULL and *err when it is not one.  A new reference. */
struct json_object *json_parse(const char *text, size_t n, struct error *err);
/* A short copy of the JSON for messages. */
const char *json_excerpt(struct json_object *json, char *buf, size_t size);
/* An object member that is known to be absent, by a key that lives for ever. */
void json_put_const(struct json_object *obj, const char *key, struct json_object *take);
