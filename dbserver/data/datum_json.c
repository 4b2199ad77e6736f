/* SPDX-License-Identifier: Apache-2.0 */
/* Datums from and to JSON (RFC 7047 section 5.1, <value>). */
#include "dbserver/data/datum.h"
#include "dbserver/data/dberr.h"
#include "dbserver/data/jsonx.h"

static int add_pair(struct datum_builder *b, struct json_object *key, struct json_object *value,
		    const struct symbols *symbols, struct error *err)
{
	union atom k, v = { 0 };
	int rc = atom_from_json(b->key_type, key, symbols, &k, err);

	if (rc)
		return rc;
	if (b->value_type != AT_VOID) {
		rc = atom_from_json(b->value_type, value, symbols, &v, err);
		if (rc) {
			atom_done(&k, b->key_type);
			return rc;
		}
	}
	datum_builder_take(b, k, v);
	return 0;
}

static int add_map(struct datum_builder *b, struct json_object *json, const struct symbols *symbols,
		   struct error *err)
{
	struct json_object *list, *pair;
	int rc = 0;

	if (!json_tagged(json, "map", &list) || json_kind_of(list) != JK_ARRAY)
		return error_set(err, DBE_SYNTAX, NULL, "expected [\"map\", [[key, value]…]]");
	for (size_t i = 0; !rc && i < json_object_array_length(list); i++) {
		pair = json_object_array_get_idx(list, i);
		if (json_kind_of(pair) != JK_ARRAY || json_object_array_length(pair) != 2)
			return error_set(err, DBE_SYNTAX, NULL,
					 "an element of a map must be [key, value]");
		rc = add_pair(b, json_object_array_get_idx(pair, 0),
			      json_object_array_get_idx(pair, 1), symbols, err);
	}
	return rc;
}

static int add_set(struct datum_builder *b, struct json_object *json, const struct symbols *symbols,
		   struct error *err)
{
	struct json_object *list;
	int rc = 0;

	if (!json_tagged(json, "set", &list))
		return add_pair(b, json, NULL, symbols, err);
	if (json_kind_of(list) != JK_ARRAY)
		return error_set(err, DBE_SYNTAX, NULL, "expected [\"set\", [atom…]]");
	for (size_t i = 0; !rc && i < json_object_array_length(list); i++)
		rc = add_pair(b, json_object_array_get_idx(list, i), NULL, symbols, err);
	return rc;
}

int datum_from_json_any(const struct column_type *type, struct json_object *json,
			const struct symbols *symbols, struct datum **ret, struct error *err)
{
	struct datum_builder b;
	int rc;

	datum_builder_init(&b, type);
	rc = column_type_is_map(type) ? add_map(&b, json, symbols, err)
				      : add_set(&b, json, symbols, err);
	if (rc) {
		datum_builder_done(&b);
		return rc;
	}
	return datum_builder_finish_unique(&b, ret, err);
}

int datum_from_json(const struct column_type *type, struct json_object *json,
		    const struct symbols *symbols, struct datum **ret, struct error *err)
{
	struct datum *d;
	int rc = datum_from_json_any(type, json, symbols, &d, err);

	if (rc)
		return rc;
	rc = datum_check(d, type, err);
	if (rc)
		datum_unref(d);
	else
		*ret = d;
	return rc;
}

static struct json_object *tagged(const char *tag, struct json_object *list)
{
	struct json_object *json = json_object_new_array_ext(2);

	json_object_array_add(json, json_object_new_string(tag));
	json_object_array_add(json, list);
	return json;
}

struct json_object *datum_to_json(const struct datum *d)
{
	struct json_object *list, *pair;

	if (d->n == 1 && !d->values)
		return atom_to_json(d->keys[0], d->key_type);
	list = json_object_new_array_ext((int)d->n + 1);
	for (uint32_t i = 0; i < d->n; i++) {
		if (!d->values) {
			json_object_array_add(list, atom_to_json(d->keys[i], d->key_type));
			continue;
		}
		pair = json_object_new_array_ext(2);
		json_object_array_add(pair, atom_to_json(d->keys[i], d->key_type));
		json_object_array_add(pair, atom_to_json(d->values[i], d->value_type));
		json_object_array_add(list, pair);
	}
	return tagged(d->values ? "map" : "set", list);
}
