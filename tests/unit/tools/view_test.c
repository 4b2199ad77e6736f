/* SPDX-License-Identifier: Apache-2.0 */
/* Units, reading JSON, wrapping, tables. */
#include <check.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/seed.h"
#include "tools/jread.h"
#include "tools/table.h"
#include "tools/units.h"

START_TEST(units_have_three_digits)
{
	ck_assert_str_eq(units_count(0).s, "0");
	ck_assert_str_eq(units_count(9999).s, "9999");
	ck_assert_str_eq(units_count(10000).s, "10.0K");
	ck_assert_str_eq(units_count(99949).s, "99.9K");
	ck_assert_str_eq(units_count(99950).s, "100K");
	ck_assert_str_eq(units_count(999499).s, "999K");
	ck_assert_str_eq(units_count(999500).s, "1.00M");
	ck_assert_str_eq(units_count(UINT64_MAX).s, "18.4E");
	ck_assert_str_eq(units_bytes(999).s, "999 B");
	ck_assert_str_eq(units_bytes(1000).s, "1.00 kB");
	ck_assert_str_eq(units_rate(0).s, "0/s");
	ck_assert_str_eq(units_rate(0.3).s, "0.3/s");
	ck_assert_str_eq(units_rate(12.4).s, "12/s");
	ck_assert_str_eq(units_rate(1234).s, "1.23K/s");
	ck_assert_str_eq(units_bits(20e6).s, "20.0 Mb/s");
	ck_assert_str_eq(units_us(64).s, "64 us");
	ck_assert_str_eq(units_us(1024).s, "1.02 ms");
	ck_assert_str_eq(units_us(268435456).s, "268 s");
	ck_assert_str_eq(units_ms(12).s, "12 ms");
	ck_assert_str_eq(units_ms(1234).s, "1.2 s");
	ck_assert_str_eq(units_ms(61000).s, "1m 01s");
	ck_assert_str_eq(units_ms(3 * 3600000 + 61000).s, "3h 01m");
	ck_assert_str_eq(units_ms(UINT64_MAX).s, "213503982334d 14h");
}
END_TEST

START_TEST(percent_never_rounds_to_all_or_nothing)
{
	ck_assert_str_eq(units_percent(0, 0).s, "-");
	ck_assert_str_eq(units_percent(0, 5).s, "0%");
	ck_assert_str_eq(units_percent(5, 5).s, "100%");
	ck_assert_str_eq(units_percent(1, 1000000).s, "<0.1%");
	ck_assert_str_eq(units_percent(999999, 1000000).s, ">99.9%");
	ck_assert_str_eq(units_percent(1, 2).s, "50.0%");
}
END_TEST

static unsigned full_cells(uint64_t part, uint64_t whole)
{
	struct view v = { .width = 0 };
	struct str s = STR_INIT;
	unsigned n = 0;

	view_bar(&v, &s, part, whole, 10);
	ck_assert_uint_eq(s.len, 10);
	for (size_t i = 0; i < s.len; i++)
		n += s.s[i] == '#';
	str_done(&s);
	return n;
}

START_TEST(bars_never_round_to_all_or_nothing)
{
	ck_assert_uint_eq(full_cells(0, 0), 0);
	ck_assert_uint_eq(full_cells(0, 100), 0);
	ck_assert_uint_eq(full_cells(1, 1000000), 1);
	ck_assert_uint_eq(full_cells(50, 100), 5);
	ck_assert_uint_eq(full_cells(999999, 1000000), 9);
	ck_assert_uint_eq(full_cells(100, 100), 10);
	ck_assert_uint_eq(full_cells(200, 100), 10);
}
END_TEST

/* --- JSON --- */

START_TEST(json_is_whole_or_an_error)
{
	static const char *const bad[] = { "",     "{",
					   "[1",   "null",
					   "{} x", "{}{}",

					   "[1,]", "nonsense",
					   "\x80", "[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error err = ERROR_INIT;
		struct json_object *o = jread_parse(bad[i], &err);

		ck_assert_msg(!o, "%s", bad[i]);
		ck_assert_int_eq(err.code, EPROTO);
	}
	for (int i = 0; i < 2; i++) {
		struct error err = ERROR_INIT;
		struct json_object *o = jread_parse(i ? "[1] \n" : "{\"a\":1}", &err);

		ck_assert_msg(o != NULL, "%s", err.cause);
		json_object_put(o);
	}
}
END_TEST

START_TEST(getters_keep_the_first_error)
{
	struct error err = ERROR_INIT;
	struct json_object *o = jread_parse(
		"{\"n\":3,\"s\":\"x\",\"neg\":-1,\"d\":1.5,\"nan\":1e999,\"z\":null}", &err);

	ck_assert_uint_eq(jread_u64(o, "n", &err), 3);
	ck_assert_str_eq(jread_str(o, "s", &err), "x");
	ck_assert(jread_f64(o, "n", &err) > 2.9);
	ck_assert(jread_f64(o, "d", &err) > 1.4);
	ck_assert_ptr_null(jread_opt_str(o, "gone", &err));
	ck_assert(!jread_has(o, "z"));
	ck_assert_int_eq(err.code, 0);
	ck_assert_uint_eq(jread_u64(o, "neg", &err), 0);
	ck_assert_str_eq(err.field, "neg");
	ck_assert(jread_f64(o, "nan", &err) < 1);
	ck_assert_str_eq(jread_str(o, "n", &err), "");
	ck_assert_str_eq(err.field, "neg");
	error_clear(&err);
	ck_assert(jread_f64(o, "nan", &err) < 1);
	ck_assert_str_eq(err.field, "nan");
	error_clear(&err);
	ck_assert_str_eq(jread_str(jread_obj(o, "gone", &err), "deeper", &err), "");
	ck_assert_str_eq(err.field, "gone");
	json_object_put(o);
}
END_TEST

/* --- text --- */

static void check_lines(const char *text, unsigned width)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		char line[1024];

		ck_assert_uint_lt(len, sizeof(line));
		memcpy(line, text, len);
		line[len] = '\0';
		ck_assert_msg(view_columns(line) <= width, "%u columns: \"%s\"", width, line);
		ck_assert_msg(!len || line[len - 1] != ' ', "blank at the end: \"%s\"", line);
		text += len + (text[len] == '\n');
	}
}

START_TEST(fields_wrap_at_blanks_and_commas)
{
	struct str s = STR_INIT;
	struct view v = { .out = &s, .width = 40, .indent = 2, .label_width = 8 };

	view_field(&v, "match", TONE_PLAIN,
		   "in_port(p1),eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02) and words");
	ck_assert_str_eq(str_cstr(&s), "  match   in_port(p1),\n"
				       "          eth(src=02:00:00:00:00:01,\n"
				       "          dst=02:00:00:00:00:02) and\n"
				       "          words\n");
	str_clear(&s);
	view_field(&v, "", TONE_PLAIN, "");
	view_field(&v, "long label", TONE_PLAIN, "x");
	ck_assert_str_eq(str_cstr(&s), "          \n  long label x\n");
	str_clear(&s);
	view_field(&v, "hex", TONE_PLAIN,
		   "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
	check_lines(str_cstr(&s), 40);
	str_done(&s);
}
END_TEST

START_TEST(nothing_plays_with_the_terminal)
{
	struct str s = STR_INIT;
	struct view v = { .out = &s, .utf8 = true };

	view_puts(&v, TONE_BAD,
		  "a\033[2J\r\n\x7f\xc2\x9b\xff"
		  "é\xe2\x80\xae"
		  "b");
	ck_assert_str_eq(str_cstr(&s), "a?[2J????\?é?b");
	str_clear(&s);
	v.utf8 = false;
	view_puts(&v, TONE_PLAIN, "é");
	ck_assert_str_eq(str_cstr(&s), "?");
	str_clear(&s);
	view_clean(&v, &s, "line\n\tnext\033\n");
	ck_assert_str_eq(str_cstr(&s), "line\n\tnext?\n");
	str_clear(&s);
	v.colour = true;
	view_puts(&v, TONE_GOOD, "x");
	ck_assert_str_eq(str_cstr(&s), "\033[32mx\033[0m");
	str_done(&s);
}
END_TEST

/* --- tables --- */

START_TEST(tables_align_and_shorten)
{
	static const struct table_column columns[] = {
		{ "NAME", .flexible = true },
		{ "N", .right = true },
		{ "WIDE", .min_view = 100 },
		{ "", .right = true },
	};
	struct str s = STR_INIT;
	struct view v = { .out = &s, .width = 20, .indent = 2 };
	struct table t;

	table_init(&t, columns, ARRAY_SIZE(columns));
	for (unsigned i = 0; i < 2; i++) {
		table_cell(&t, TONE_PLAIN, "%s", i ? "b" : "a name that is long");
		table_cell(&t, TONE_PLAIN, "%u", i * 100);
		table_cell(&t, TONE_PLAIN, "more");
		table_cell(&t, TONE_PLAIN, "%u%%", i);
	}
	table_print(&t, &v);
	ck_assert_str_eq(str_cstr(&s), "  NAME         N\n"
				       "  a name t~    0  0%\n"
				       "  b          100  1%\n");
	str_clear(&s);
	v.width = 0;
	table_print(&t, &v);
	ck_assert_str_eq(str_cstr(&s), "  NAME                   N  WIDE\n"
				       "  a name that is long    0  more  0%\n"
				       "  b                    100  more  1%\n");
	table_done(&t);
	str_done(&s);
}
END_TEST

/* Random cells of random characters: whatever they are, rows fit as long as the rigid columns do.
 */
START_TEST(tables_fit)
{
	static const char *const pieces[] = { "a", "bc", " ", "é", "漢", "\033", "\xff", ",", "→" };
	static const struct table_column columns[] = {
		{ "A", .flexible = true },
		{ "B", .right = true, .flexible = true },
		{ "C" },
	};
	struct rng r = rng_start("tables_fit");

	for (unsigned round = 0; round < 500; round++) {
		struct str s = STR_INIT, cell = STR_INIT;
		struct view v = { .out = &s, .width = 40, .utf8 = true };
		struct table t;

		table_init(&t, columns, ARRAY_SIZE(columns));
		for (unsigned i = 0; i < 12; i++) {
			unsigned n = (unsigned)rng_below(&r, i % 3 == 2 ? 6 : 40);

			str_clear(&cell);
			while (n--)
				str_puts(&cell, pieces[rng_below(&r, ARRAY_SIZE(pieces))]);
			str_puts(&cell, "x");
			table_cell(&t, TONE_PLAIN, "%s", str_cstr(&cell));
		}
		table_print(&t, &v);
		check_lines(str_cstr(&s), 40);
		table_done(&t);
		str_done(&s);
		str_done(&cell);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tools/view");
	TCase *tc = tcase_create("all");
	SRunner *sr;
	int failed;

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	tcase_add_test(tc, units_have_three_digits);
	tcase_add_test(tc, percent_never_rounds_to_all_or_nothing);
	tcase_add_test(tc, bars_never_round_to_all_or_nothing);
	tcase_add_test(tc, json_is_whole_or_an_error);
	tcase_add_test(tc, getters_keep_the_first_error);
	tcase_add_test(tc, fields_wrap_at_blanks_and_commas);
	tcase_add_test(tc, nothing_plays_with_the_terminal);
	tcase_add_test(tc, tables_align_and_shorten);
	tcase_add_test(tc, tables_fit);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
