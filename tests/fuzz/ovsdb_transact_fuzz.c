/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions in JSON, one to a line.  What fails or waits must change nothing, and what has been
 * done must read back from its record. */
#include <json-c/json.h>

#include "dbserver/engine/exec.h"
#include "dbserver/engine/record.h"
#include "tests/fuzz/db_schema.h"
#include "tests/fuzz/fuzz.h"

static struct json_object *rows_of(const struct db *db)
{
	struct json_object *rows = record_from_rows(db);

	if (rows)
		json_object_object_del(rows, "_date");
	return rows;
}

static bool has_error(struct json_object *reply)
{
	struct json_object *error;

	for (size_t i = 0; i < json_object_array_length(reply); i++)
		if (json_object_object_get_ex(json_object_array_get_idx(reply, i), "error", &error))
			return true;
	return false;
}

static void check_record(struct json_object *rows)
{
	struct db *copy = db_new(fuzz_schema(), NULL);
	struct json_object *again;

	FUZZ_CHECK(record_apply(copy, rows, NULL) >= 0);
	again = rows_of(copy);
	FUZZ_CHECK(json_object_equal(rows, again));
	json_object_put(again);
	db_free(copy);
}

static void transact(struct db *db, struct json_object *params)
{
	static const struct db_exec_env env = { .elapsed_ms = 5 };
	struct json_object *before = rows_of(db), *after, *reply = NULL;
	uint64_t wait_ms = 0;
	int rc = db_execute(db, params, &env, &reply, &wait_ms, NULL);

	after = rows_of(db);
	FUZZ_CHECK((rc > 0) == (reply != NULL));
	if (rc <= 0 || has_error(reply))
		FUZZ_CHECK(json_object_equal(before, after));
	else if (after)
		check_record(after);
	FUZZ_CHECK(!db->txn);
	json_object_put(reply);
	json_object_put(before);
	json_object_put(after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *end = p + size;
	struct db *db = db_new(fuzz_schema(), NULL);

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((nl ? nl : end) - p);
		struct json_object *params = json_parse(p, n, NULL);

		if (params)
			transact(db, params);
		json_object_put(params);
		p += n + 1;
	}
	db_free(db);
	return 0;
}
