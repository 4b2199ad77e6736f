/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/jread.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#define DEPTH_MAX 16

struct json_object *jread_parse(const char *text, struct error *err)
{
	struct json_tokener *tok = json_tokener_new_ex(DEPTH_MAX);
	size_t len = strlen(text);
	struct json_object *o;

	if (!tok || len >= INT_MAX) {
		if (tok)
			json_tokener_free(tok);
		(void)error_set(err, EPROTO, NULL, "the switch's answer is too long");
		return NULL;
	}
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
	o = json_tokener_parse_ex(tok, text, (int)len + 1);
	if (json_tokener_get_error(tok) != json_tokener_success)
		(void)error_set(err, EPROTO, NULL, "the switch's answer is not JSON (%s)",
				json_tokener_error_desc(json_tokener_get_error(tok)));
	else if (strspn(text + json_tokener_get_parse_end(tok), " \t\r\n") +
			 json_tokener_get_parse_end(tok) <
		 len)
		(void)error_set(err, EPROTO, NULL,
				"the switch's answer goes on behind its JSON value");
	else if (!o)
		(void)error_set(err, EPROTO, NULL, "the switch's answer is null");
	json_tokener_free(tok);
	if (o && err->code) {
		json_object_put(o);
		o = NULL;
	}
	return o;
}

static struct json_object *member(struct json_object *o, const char *key)
{
	struct json_object *value = NULL;

	if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, key, &value))
		return NULL;
	return value;
}

static struct json_object *typed(struct json_object *o, const char *key, enum json_type type,
				 struct error *err)
{
	struct json_object *value = member(o, key);

	if (json_object_is_type(value, type))
		return value;
	(void)error_set(err, EPROTO, key, "the switch's answer has %s where %s belongs",
			value ? json_type_to_name(json_object_get_type(value)) : "nothing",
			json_type_to_name(type));
	return NULL;
}

const char *jread_str(struct json_object *o, const char *key, struct error *err)
{
	struct json_object *v = typed(o, key, json_type_string, err);

	return v ? json_object_get_string(v) : "";
}

uint64_t jread_u64(struct json_object *o, const char *key, struct error *err)
{
	struct json_object *v = typed(o, key, json_type_int, err);

	if (v && json_object_get_int64(v) < 0) {
		(void)error_set(err, EPROTO, key, "the switch's answer has a negative number");
		v = NULL;
	}
	return v ? json_object_get_uint64(v) : 0;
}

double jread_f64(struct json_object *o, const char *key, struct error *err)
{
	struct json_object *v = member(o, key);
	double x = 0;

	if (json_object_is_type(v, json_type_int) || json_object_is_type(v, json_type_double))
		x = json_object_get_double(v);
	else
		(void)typed(o, key, json_type_double, err);
	if (isfinite(x) && x >= 0)
		return x;
	(void)error_set(err, EPROTO, key, "the switch's answer has a number out of range");
	return 0;
}

bool jread_bool(struct json_object *o, const char *key, struct error *err)
{
	return json_object_get_boolean(typed(o, key, json_type_boolean, err));
}

struct json_object *jread_obj(struct json_object *o, const char *key, struct error *err)
{
	return typed(o, key, json_type_object, err);
}

struct json_object *jread_array(struct json_object *o, const char *key, struct error *err)
{
	return typed(o, key, json_type_array, err);
}

bool jread_has(struct json_object *o, const char *key)
{
	return member(o, key) != NULL;
}

const char *jread_opt_str(struct json_object *o, const char *key, struct error *err)
{
	return jread_has(o, key) ? jread_str(o, key, err) : NULL;
}

size_t jread_len(struct json_object *array)
{
	return json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}

struct json_object *jread_at(struct json_object *array, size_t i, struct error *err)
{
	struct json_object *v = json_object_array_get_idx(array, i);

	return jread_is(v, json_type_object, err) ? v : NULL;
}

const char *jread_str_at(struct json_object *array, size_t i, struct error *err)
{
	struct json_object *v = json_object_array_get_idx(array, i);

	return jread_is(v, json_type_string, err) ? json_object_get_string(v) : "";
}

bool jread_is(struct json_object *o, enum json_type type, struct error *err)
{
	if (json_object_is_type(o, type))
		return true;
	(void)error_set(err, EPROTO, NULL, "the switch's answer has %s where %s belongs",
			json_type_to_name(json_object_get_type(o)), json_type_to_name(type));
	return false;
}
