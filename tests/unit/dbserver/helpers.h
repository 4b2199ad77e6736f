/* SPDX-License-Identifier: Apache-2.0 */
/* What the database's tests share.  JSON is written with ' in the place of ", so that it reads. */
#pragma once

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "dbserver/data/jsonx.h"
#include "dbserver/engine/exec.h"

static inline struct json_object *js(const char *text)
{
	char *copy = xstrdup(text);
	struct error err = ERROR_INIT;
	struct json_object *json;

	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	json = json_parse(copy, strlen(copy), &err);
	ck_assert_msg(!err.code, "%s: %s", text, err.cause);
	free(copy);
	return json;
}

/* The JSON as text with ' for "; free() it. */
static inline char *sj(struct json_object *json)
{
	char *text = xstrdup(json_object_to_json_string_ext(
		json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));

	for (char *p = text; *p; p++)
		if (*p == '"')
			*p = '\'';
	return text;
}

static inline struct db_schema *schema_of(const char *text)
{
	struct json_object *json = js(text);
	struct error err = ERROR_INIT;
	struct db_schema *s = db_schema_from_json(json, &err);

	ck_assert_msg(s != NULL, "%s: %s", err.field, err.cause);
	json_object_put(json);
	return s;
}

/* Runs `ops` (the operations without the database's name); returns the results. */
static inline struct json_object *run_env(struct db *db, const char *ops,
					  const struct db_exec_env *env)
{
	struct json_object *list = js(ops), *params = json_object_new_array(), *reply = NULL;
	struct error err = ERROR_INIT;
	uint64_t wait_ms;
	int rc;

	json_object_array_add(params, json_object_new_string(db_name(db)));
	for (size_t i = 0; i < json_object_array_length(list); i++)
		json_object_array_add(params, json_object_get(json_object_array_get_idx(list, i)));
	json_object_put(list);
	rc = db_execute(db, params, env, &reply, &wait_ms, &err);
	ck_assert_msg(rc >= 0, "%s", err.cause);
	json_object_put(params);
	return rc ? reply : NULL;
}

static inline struct json_object *run(struct db *db, const char *ops)
{
	static const struct db_exec_env none;

	return run_env(db, ops, &none);
}

/* The "error" of the first result that has one, or "". */
static inline const char *error_of(struct json_object *reply)
{
	for (size_t i = 0; i < json_object_array_length(reply); i++) {
		struct json_object *error;

		if (json_object_object_get_ex(json_object_array_get_idx(reply, i), "error", &error))
			return json_object_get_string(error);
	}
	return "";
}

#define ck_run_error(DB, OPS, ERROR, DETAIL)                                                       \
	do {                                                                                       \
		struct json_object *reply_ = run((DB), (OPS));                                     \
		const char *text_ = json_object_to_json_string(reply_);                            \
                                                                                                   \
		ck_assert_str_eq(error_of(reply_), (ERROR));                                       \
		ck_assert_msg(strstr(text_, (DETAIL)) != NULL, "%s", text_);                       \
		json_object_put(reply_);                                                           \
	} while (0)

#define ck_run_ok(DB, OPS)                                                                         \
	do {                                                                                       \
		struct json_object *reply_ = run((DB), (OPS));                                     \
                                                                                                   \
		ck_assert_msg(!error_of(reply_)[0], "%s", json_object_to_json_string(reply_));     \
		json_object_put(reply_);                                                           \
	} while (0)

static inline int run_suite(const char *name, const TTest *const *tests, size_t n)
{
	Suite *suite = suite_create(name);
	TCase *tc = tcase_create(name);
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 120);
	for (size_t i = 0; i < n; i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(suite, tc);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
