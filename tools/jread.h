/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the daemon's JSON without trusting it.
 *
 * A getter that finds nothing or the wrong type fills *err, which keeps the first cause, and
 * returns an empty value that is safe to go on with; a layout reads straight through and looks at
 * err->code once.  A NULL object counts as one without members.  Results are borrowed from the
 * object.  Any thread. */
#pragma once

#include <json-c/json.h>

#include "core/base/err.h"
#include "core/base/types.h"

/* The whole of `text`, which must be one JSON value and nothing behind it.  The caller puts it;
 * NULL and *err (EPROTO). */
struct json_object *jread_parse(const char *text, struct error *err);

const char *jread_str(struct json_object *o, const char *key, struct error *err); /* never NULL */
uint64_t jread_u64(struct json_object *o, const char *key, struct error *err);    /* 0 or more */
double jread_f64(struct json_object *o, const char *key, struct error *err);      /* finite, >= 0 */
bool jread_bool(struct json_object *o, const char *key, struct error *err);
struct json_object *jread_obj(struct json_object *o, const char *key, struct error *err);
struct json_object *jread_array(struct json_object *o, const char *key, struct error *err);

/* Members that may be missing or null: NULL then; present with another type is an error all the
 * same. */
const char *jread_opt_str(struct json_object *o, const char *key, struct error *err);
bool jread_has(struct json_object *o, const char *key);

/* Elements.  NULL has none; an element that is no object is an error. */
size_t jread_len(struct json_object *array);
struct json_object *jread_at(struct json_object *array, size_t i, struct error *err);
/* An element that is a string; never NULL. */
const char *jread_str_at(struct json_object *array, size_t i, struct error *err);

/* The root itself: true when it is of that type, else *err. */
bool jread_is(struct json_object *o, enum json_type type, struct error *err);
