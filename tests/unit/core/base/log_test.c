/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/log_pattern.h"
#include "core/base/str.h"
#include "core/base/thread.h"

LOG_MODULE("test.log");

static char path[64];

static void start(void)
{
	(void)snprintf(path, sizeof(path), "/tmp/log_test.%ld", (long)getpid());
	log_set_all(LD_CONSOLE, LL_OFF);
	log_set_all(LD_SYSLOG, LL_OFF);
	ck_assert_int_eq(log_set_file(path), 0);
}

static void stop(void)
{
	log_close_file();
	(void)unlink(path);
}

static char text[65536];

static const char *read_log(void)
{
	FILE *f = fopen(path, "r");
	size_t n;

	ck_assert_ptr_nonnull(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	(void)fclose(f);
	return text;
}

START_TEST(line_has_the_form_that_scripts_parse)
{
	unsigned int y, mo, d, h, mi, s, ms, seq;
	const char *line;
	int end = 0;

	log_info("bridge %s: added\tport\x1b", "br0");
	line = strchr(read_log(), '\n') + 1;
	ck_assert_int_eq(sscanf(line, "%4u-%2u-%2uT%2u:%2u:%2u.%3uZ|%5u|%n", &y, &mo, &d, &h, &mi,
				&s, &ms, &seq, &end),
			 8);
	ck_assert_int_eq(end, 31);
	ck_assert_str_eq(line + end, "test.log|INFO|bridge br0: added port?\n");
	ck_assert_uint_eq(seq, 2);
}
END_TEST

START_TEST(lines_of_a_message_are_lines_of_the_log)
{
	log_warn("one\ntwo");
	ck_assert_ptr_nonnull(strstr(read_log(), "|00002|test.log|WARN|one\n"));
	ck_assert_ptr_nonnull(strstr(read_log(), "|00003|test.log|WARN|two\n"));
}
END_TEST

static void say(struct thread *t UNUSED, void *arg UNUSED)
{
	log_info("from a thread");
}

START_TEST(threads_are_named)
{
	struct thread t;

	ck_assert_int_eq(thread_start(&t, "handler1", say, NULL), 0);
	thread_stop(&t);
	ck_assert_ptr_nonnull(strstr(read_log(), "|test.log(handler1)|INFO|from a thread\n"));
}
END_TEST

START_TEST(levels_follow_the_spec)
{
	struct str list = STR_INIT;
	char why[128];

	log_dbg("hidden");
	ck_assert_int_eq(log_set_spec("test.log:file:dbg", why, sizeof(why)), 0);
	log_dbg("shown");
	ck_assert_int_eq(log_set_spec("ANY:file:warn", why, sizeof(why)), 0);
	log_info("hidden");
	ck_assert_ptr_null(strstr(read_log(), "hidden"));
	ck_assert_ptr_nonnull(strstr(read_log(), "|DBG|shown"));
	ck_assert_int_eq(log_set_spec("test", why, sizeof(why)), 0); /* test.*, all, dbg */
	log_list(&list);
	ck_assert_ptr_nonnull(strstr(list.s, "\ntest.log           DBG        DBG        DBG\n"));
	ck_assert_ptr_nonnull(strstr(list.s, "\nvlog               OFF        OFF       WARN\n"));
	str_done(&list);
}
END_TEST

START_TEST(bad_specs_are_refused)
{
	static const struct {
		const char *spec, *why;
	} rows[] = {
		{ "nosuch", "no destination, level, or module \"nosuch\"" },
		{ "info:dbg", "cannot specify multiple levels (dbg)" },
		{ "file console", "cannot specify multiple destinations (console)" },
		{ "test.log,vlog", "cannot specify multiple modules (vlog)" },
		{ "PATTERN:file", "missing pattern after \"PATTERN:file\"" },
		{ "PATTERN:x:%m", "unknown destination \"x\"" },
		{ "FACILITY:x", "invalid facility \"x\"" },
	};
	char why[128];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ck_assert_int_eq(log_set_spec(rows[i].spec, why, sizeof(why)), -EINVAL);
		ck_assert_str_eq(why, rows[i].why);
	}
	ck_assert_int_eq(log_set_spec("PATTERN:file:%m", why, sizeof(why)), 0);
	ck_assert_int_eq(log_set_spec("FACILITY:local3", why, sizeof(why)), 0);
	log_info("bare");
	ck_assert_ptr_nonnull(strstr(read_log(), "\nbare\n"));
}
END_TEST

START_TEST(file_can_be_rotated)
{
	char moved[80];

	(void)snprintf(moved, sizeof(moved), "%s.1", path);
	ck_assert_int_eq(rename(path, moved), 0);
	log_info("old");
	ck_assert_int_eq(log_reopen(), 0);
	log_info("new");
	ck_assert_ptr_null(strstr(read_log(), "|old"));
	ck_assert_ptr_nonnull(strstr(read_log(), "|new"));
	ck_assert_str_eq(log_file_path(), path);
	(void)unlink(moved);
	ck_assert_int_eq(log_set_file("/nonexistent/x"), -ENOENT);
}
END_TEST

START_TEST(repeats_are_limited)
{
	for (int i = 0; i < 25; i++) {
		if (i == 24)
			clock_warp(60 * NSEC_PER_SEC);
		log_warn_rl("again %d", i);
	}
	ck_assert_ptr_nonnull(strstr(read_log(), "again 9"));
	ck_assert_ptr_null(strstr(read_log(), "again 10"));
	ck_assert_ptr_nonnull(strstr(read_log(), "dropped 14 similar messages"));
	ck_assert_ptr_nonnull(strstr(read_log(), "again 24"));
}
END_TEST

START_TEST(patterns)
{
	static const struct {
		const char *pattern, *text;
	} rows[] = {
		{ "%D{%Y-%m-%dT%H:%M:%S.###Z}|%05N|%c%T|%p|%m",
		  "2026-01-31T12:00:00.007Z|00042|mod(t1)|WARN|hello" },
		{ "%A %-6p|%8c|%t%%", "prog WARN  |     mod|t1%" },
		{ "%q %", "%q %" },
		{ "%r%n", "1500\n" },
		{ "%D{%S.##}", "00.00" },
		{ "%D{x", "2026-01-31T12:00:00.007Z{x" },
	};
	const struct log_line line = {
		"prog", "mod", "t1", "WARN", "hello", 42, 1769860800007000000ull, 1500000000
	};
	struct str out = STR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		str_clear(&out);
		log_pattern_format(&out, rows[i].pattern, &line);
		ck_assert_str_eq(str_cstr(&out), rows[i].text);
	}
	str_done(&out);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("log");
	TCase *tc = tcase_create("log");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, line_has_the_form_that_scripts_parse);
	tcase_add_test(tc, lines_of_a_message_are_lines_of_the_log);
	tcase_add_test(tc, threads_are_named);
	tcase_add_test(tc, levels_follow_the_spec);
	tcase_add_test(tc, bad_specs_are_refused);
	tcase_add_test(tc, file_can_be_rotated);
	tcase_add_test(tc, repeats_are_limited);
	tcase_add_test(tc, patterns);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
