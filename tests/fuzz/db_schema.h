/* SPDX-License-Identifier: Apache-2.0 */
/* A small schema with every kind of column, constraint and reference, for the database's targets.
 */
#pragma once

#include <string.h>

#include "dbserver/data/jsonx.h"
#include "dbserver/data/schema.h"

static const char fuzz_schema_text[] =
	"{\"name\":\"F\",\"version\":\"1.0.0\",\"tables\":{"
	"\"R\":{\"isRoot\":true,\"maxRows\":9,\"indexes\":[[\"s\"],[\"i\",\"b\"]],\"columns\":{"
	"\"s\":{\"type\":{\"key\":{\"type\":\"string\",\"maxLength\":9}}},"
	"\"i\":{\"type\":{\"key\":{\"type\":\"integer\",\"minInteger\":-5,\"maxInteger\":500}}},"
	"\"r\":{\"type\":\"real\"},\"b\":{\"type\":\"boolean\"},"
	"\"e\":{\"type\":{\"key\":{\"type\":\"string\",\"enum\":[\"set\",[\"x\",\"y\"]]},\"min\":0}"
	"},"
	"\"ii\":{\"type\":{\"key\":\"integer\",\"min\":0,\"max\":5}},"
	"\"m\":{\"type\":{\"key\":\"string\",\"value\":\"string\",\"min\":0,\"max\":\"unlimited\"}}"
	","
	"\"k\":{\"type\":{\"key\":{\"type\":\"uuid\",\"refTable\":\"K\"},\"min\":0,"
	"\"max\":\"unlimited\"}},"
	"\"w\":{\"type\":{\"key\":\"integer\",\"value\":{\"type\":\"uuid\",\"refTable\":\"K\","
	"\"refType\":\"weak\"},\"min\":0,\"max\":\"unlimited\"}},"
	"\"t\":{\"type\":\"integer\",\"ephemeral\":true}}},"
	"\"K\":{\"columns\":{\"s\":{\"type\":\"string\",\"mutable\":false},"
	"\"k\":{\"type\":{\"key\":{\"type\":\"uuid\",\"refTable\":\"K\"},\"min\":0}}}}}}";

static inline struct db_schema *fuzz_schema(void)
{
	struct json_object *json = json_parse(fuzz_schema_text, strlen(fuzz_schema_text), NULL);
	struct db_schema *s = db_schema_from_json(json, NULL);

	json_object_put(json);
	return s;
}
