/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/data/jsonx.h"

#include <stdio.h>
#include <string.h>

#include "dbserver/data/dberr.h"

enum json_kind json_kind_of(struct json_object *json)
{
	switch (json_object_get_type(json)) {
	case json_type_null: return JK_NULL;
	case json_type_boolean: return JK_BOOLEAN;
	case json_type_double: return JK_REAL;
	case json_type_int: return JK_INTEGER;
	case json_type_object: return JK_OBJECT;
	case json_type_array: return JK_ARRAY;
	case json_type_string: return JK_STRING;
	}
	return JK_NULL;
}

static const struct json_member *find_member(const struct json_member *members, size_t n,
					     const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(members[i].name, name))
			return &members[i];
	return NULL;
}

static int fill_slots(struct json_object *json, const char *what, const struct json_member *members,
		      size_t n, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct json_member *m = &members[i];
		struct json_object *value = NULL;

		if (!json_object_object_get_ex(json, m->name, &value)) {
			if (!(m->kinds & JK_OPTIONAL))
				return error_set(err, DBE_SYNTAX, NULL,
						 "%s lacks the member \"%s\"", what, m->name);
		} else if (!(m->kinds & (unsigned int)json_kind_of(value))) {
			return error_set(err, DBE_SYNTAX, NULL,
					 "member \"%s\" of %s has the wrong JSON type", m->name,
					 what);
		}
		if (m->slot)
			*m->slot = value;
	}
	return 0;
}

int json_members(struct json_object *json, const char *what, const struct json_member *members,
		 size_t n, struct error *err)
{
	if (json_kind_of(json) != JK_OBJECT)
		return error_set(err, DBE_SYNTAX, NULL, "%s must be a JSON object", what);
	json_object_object_foreach(json, name, value)
	{
		(void)value;
		if (!find_member(members, n, name))
			return error_set(err, DBE_SYNTAX, NULL,
					 "%s has a member \"%.64s\" that it may not have", what,
					 name);
	}
	return fill_slots(json, what, members, n, err);
}

const char *json_text(struct json_object *json)
{
	const char *s;

	if (json_kind_of(json) != JK_STRING)
		return NULL;
	s = json_object_get_string(json);
	return strlen(s) == (size_t)json_object_get_string_len(json) ? s : NULL;
}

bool json_tagged(struct json_object *json, const char *name, struct json_object **x)
{
	const char *tag;

	if (json_kind_of(json) != JK_ARRAY || json_object_array_length(json) != 2)
		return false;
	tag = json_text(json_object_array_get_idx(json, 0));
	if (!tag || strcmp(tag, name))
		return false;
	*x = json_object_array_get_idx(json, 1);
	return true;
}

struct json_object *json_parse(const char *text, size_t n, struct error *err)
{
	struct json_tokener *tok;
	struct json_object *json;
	enum json_tokener_error rc;
	size_t end;

	if (n > INT32_MAX) {
		error_set(err, DBE_SYNTAX, NULL, "%zu bytes of JSON are too many", n);
		return NULL;
	}
	while (n && strchr(" \t\r\n", text[n - 1]) && text[n - 1])
		n--;
	tok = json_tokener_new();
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
	json = json_tokener_parse_ex(tok, text, (int)n);
	rc = json_tokener_get_error(tok);
	end = json_tokener_get_parse_end(tok);
	if (rc == json_tokener_continue) { /* a bare number ends with the text */
		json = json_tokener_parse_ex(tok, "", 1);
		rc = json_tokener_get_error(tok);
		end = n;
	}
	json_tokener_free(tok);
	if (rc == json_tokener_success && end == n)
		return json;
	json_object_put(json);
	error_set(err, DBE_SYNTAX, NULL, "not JSON at byte %zu: %s", end,
		  rc == json_tokener_continue  ? "it ends too early"
		  : rc == json_tokener_success ? "there is more than one value"
					       : json_tokener_error_desc(rc));
	return NULL;
}

const char *json_excerpt(struct json_object *json, char *buf, size_t size)
{
	snprintf(buf, size, "%s", json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN));
	return buf;
}

void json_put_const(struct json_object *obj, const char *key, struct json_object *take)
{
	json_object_object_add_ex(obj, key, take,
				  JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_ADD_CONSTANT_KEY);
}
