/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/data/dberr.h"

#include <stdio.h>

static const struct {
	int code;
	const char *tag;
} tags[] = {
	{ DBE_SYNTAX, "syntax error" },
	{ DBE_UNKNOWN_COLUMN, "unknown column" },
	{ DBE_UNKNOWN_TABLE, "unknown table" },
	{ DBE_UNKNOWN_DATABASE, "unknown database" },
	{ DBE_CONSTRAINT, "constraint violation" },
	{ DBE_RANGE, "range error" },
	{ DBE_DOMAIN, "domain error" },
	{ DBE_REFERENCE, "referential integrity violation" },
	{ DBE_DUPLICATE_NAME, "duplicate uuid-name" },
	{ DBE_TIMED_OUT, "timed out" },
	{ DBE_ABORTED, "aborted" },
	{ DBE_NOT_OWNER, "not owner" },
	{ DBE_NOT_SUPPORTED, "not supported" },
	{ DBE_RESOURCES, "resources exhausted" },
};

const char *dberr_tag(int code)
{
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
		if (tags[i].code == code)
			return tags[i].tag;
	return "I/O error";
}

struct json_object *dberr_to_json(const struct error *err)
{
	struct json_object *json = json_object_new_object();
	char text[512];

	json_object_object_add(json, "error", json_object_new_string(dberr_tag(err->code)));
	json_object_object_add(json, "details",
			       json_object_new_string(error_text(err, text, sizeof(text))));
	return json;
}

int dberr_at(struct error *err, int rc, const char *table, const char *column)
{
	if (!err)
		return rc;
	if (!err->field[0])
		snprintf(err->field, sizeof(err->field), "%s%s%s", table ? table : "",
			 table && column ? "." : "", column ? column : "");
	return err->code ? -err->code : rc;
}
