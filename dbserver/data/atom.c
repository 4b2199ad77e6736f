/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/data/atom.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "dbserver/data/dberr.h"
#include "dbserver/data/jsonx.h"

static const char *const type_names[AT_N_TYPES] = {
	[AT_VOID] = "void",       [AT_INTEGER] = "integer", [AT_REAL] = "real",
	[AT_BOOLEAN] = "boolean", [AT_STRING] = "string",   [AT_UUID] = "uuid",
};

const char *atom_type_name(enum atom_type type)
{
	return type_names[type];
}

enum atom_type atom_type_parse(const char *name)
{
	for (int t = AT_INTEGER; t < AT_N_TYPES; t++)
		if (!strcmp(type_names[t], name))
			return (enum atom_type)t;
	return AT_VOID;
}

union atom atom_default(enum atom_type type)
{
	union atom a;

	memset(&a, 0, sizeof(a));
	if (type == AT_STRING)
		a.string = xstrdup("");
	return a;
}

union atom atom_clone(union atom a, enum atom_type type)
{
	if (type == AT_STRING)
		a.string = xstrdup(a.string);
	return a;
}

void atom_done(union atom *a, enum atom_type type)
{
	if (type == AT_STRING)
		free(a->string);
}

int atom_cmp(union atom a, union atom b, enum atom_type type)
{
	switch (type) {
	case AT_INTEGER: return (a.integer > b.integer) - (a.integer < b.integer);
	case AT_REAL: return (a.real > b.real) - (a.real < b.real);
	case AT_BOOLEAN: return a.boolean - b.boolean;
	case AT_STRING: return strcmp(a.string, b.string);
	case AT_UUID: return uuid_cmp(&a.uuid, &b.uuid);
	case AT_VOID:
	case AT_N_TYPES: break;
	}
	return 0;
}

uint64_t atom_hash(union atom a, enum atom_type type, uint64_t seed)
{
	uint64_t bits = 0;

	switch (type) {
	case AT_INTEGER: return hash_u64((uint64_t)a.integer, seed);
	case AT_REAL:
		a.real += 0.0; /* -0.0 equals 0.0 */
		memcpy(&bits, &a.real, sizeof(bits));
		return hash_u64(bits, seed);
	case AT_BOOLEAN: return hash_u64(a.boolean, seed);
	case AT_STRING: return hash_string(a.string, seed);
	case AT_UUID: return hash_add64(uuid_hash(&a.uuid), seed);
	case AT_VOID:
	case AT_N_TYPES: break;
	}
	return seed;
}

size_t atom_bytes(union atom a, enum atom_type type)
{
	return type == AT_STRING ? strlen(a.string) + 1 : 0;
}

/* Length of the UTF-8 sequence that starts with byte c and the smallest code point that may take
 * this many bytes; 0 when no sequence starts so. */
static unsigned int utf8_lead(uint8_t c, uint32_t *bits, uint32_t *least)
{
	static const struct {
		uint8_t mask, lead;
		uint32_t least;
	} forms[] = { { 0x80, 0x00, 1 },
		      { 0xe0, 0xc0, 0x80 },
		      { 0xf0, 0xe0, 0x800 },
		      { 0xf8, 0xf0, 0x10000 } };

	for (unsigned int i = 0; i < ARRAY_SIZE(forms); i++) {
		if ((c & forms[i].mask) == forms[i].lead) {
			*bits = c & (uint8_t)~forms[i].mask;
			*least = forms[i].least;
			return i + 1;
		}
	}
	return 0;
}

bool atom_utf8_ok(const char *s, size_t n)
{
	const uint8_t *p = (const uint8_t *)s, *end = p + n;

	while (p < end) {
		uint32_t code, least;
		unsigned int len = utf8_lead(*p, &code, &least);

		if (!len || (size_t)(end - p) < len)
			return false;
		for (unsigned int i = 1; i < len; i++) {
			if ((p[i] & 0xc0) != 0x80)
				return false;
			code = code << 6 | (p[i] & 0x3f);
		}
		if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
			return false;
		p += len;
	}
	return true;
}

static int integer_from_json(struct json_object *json, union atom *ret, struct error *err)
{
	enum json_kind kind = json_kind_of(json);

	if (kind == JK_INTEGER) {
		/* json-c keeps what does not fit in 64 bits at the nearest value that does. */
		if (json_object_get_int64(json) == INT64_MAX &&
		    json_object_get_uint64(json) > INT64_MAX)
			return error_set(err, DBE_RANGE, NULL, "the integer is too large");
		ret->integer = json_object_get_int64(json);
		return 0;
	}
	if (kind == JK_REAL) {
		double x = json_object_get_double(json);

		/* "1.0" and "1e3" are integers too, where nothing is lost. */
		if (x == trunc(x) && fabs(x) <= 9007199254740992.0) {
			ret->integer = (int64_t)x;
			return 0;
		}
	}
	return error_set(err, DBE_SYNTAX, NULL, "expected an integer");
}

static int real_from_json(struct json_object *json, union atom *ret, struct error *err)
{
	double x;

	if (!(json_kind_of(json) & JK_NUMBER))
		return error_set(err, DBE_SYNTAX, NULL, "expected a number");
	x = json_object_get_double(json);
	if (!isfinite(x))
		return error_set(err, DBE_RANGE, NULL, "a real must be finite");
	ret->real = x;
	return 0;
}

static int boolean_from_json(struct json_object *json, union atom *ret, struct error *err)
{
	if (json_kind_of(json) != JK_BOOLEAN)
		return error_set(err, DBE_SYNTAX, NULL, "expected true or false");
	ret->boolean = json_object_get_boolean(json);
	return 0;
}

static int string_from_json(struct json_object *json, union atom *ret, struct error *err)
{
	const char *s = json_text(json);

	if (!s)
		return error_set(err, DBE_SYNTAX, NULL, "expected a string%s",
				 json_kind_of(json) == JK_STRING ? " without a NUL" : "");
	if (!atom_utf8_ok(s, strlen(s)))
		return error_set(err, DBE_SYNTAX, NULL, "the string is not valid UTF-8");
	ret->string = xstrdup(s);
	return 0;
}

static int uuid_from_json(struct json_object *json, const struct symbols *symbols, union atom *ret,
			  struct error *err)
{
	struct json_object *x;
	const char *text;

	if (json_tagged(json, "uuid", &x)) {
		text = json_text(x);
		if (text && uuid_parse(text, &ret->uuid))
			return 0;
		return error_set(err, DBE_SYNTAX, NULL, "\"%.64s\" is not a UUID",
				 text ? text : "");
	}
	if (symbols && json_tagged(json, "named-uuid", &x)) {
		text = json_text(x);
		if (!text)
			return error_set(err, DBE_SYNTAX, NULL, "a named-uuid must be a string");
		return symbols->resolve(symbols->arg, text, &ret->uuid, err);
	}
	return error_set(err, DBE_SYNTAX, NULL, "expected [\"uuid\", …]%s",
			 symbols ? " or [\"named-uuid\", …]" : "");
}

int atom_from_json(enum atom_type type, struct json_object *json, const struct symbols *symbols,
		   union atom *ret, struct error *err)
{
	union atom a;
	int rc = -DBE_SYNTAX;

	memset(&a, 0, sizeof(a));
	switch (type) {
	case AT_INTEGER: rc = integer_from_json(json, &a, err); break;
	case AT_REAL: rc = real_from_json(json, &a, err); break;
	case AT_BOOLEAN: rc = boolean_from_json(json, &a, err); break;
	case AT_STRING: rc = string_from_json(json, &a, err); break;
	case AT_UUID: rc = uuid_from_json(json, symbols, &a, err); break;
	case AT_VOID:
	case AT_N_TYPES: break;
	}
	if (!rc)
		*ret = a;
	return rc;
}

static struct json_object *uuid_to_json(const struct uuid *u)
{
	struct json_object *json = json_object_new_array_ext(2);
	char text[UUID_TEXT_LEN + 1];

	json_object_array_add(json, json_object_new_string("uuid"));
	json_object_array_add(json, json_object_new_string(uuid_print(u, text)));
	return json;
}

struct json_object *atom_to_json(union atom a, enum atom_type type)
{
	switch (type) {
	case AT_INTEGER: return json_object_new_int64(a.integer);
	case AT_REAL: return json_object_new_double(a.real);
	case AT_BOOLEAN: return json_object_new_boolean(a.boolean);
	case AT_STRING: return json_object_new_string(a.string);
	case AT_UUID: return uuid_to_json(&a.uuid);
	case AT_VOID:
	case AT_N_TYPES: break;
	}
	return NULL;
}
