/* SPDX-License-Identifier: Apache-2.0 */
/* The command line. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/commands.h"

/* Words of `line`, split at blanks, behind the program's name. */
static int parse(const char *line, struct args *a, struct error *err)
{
	static char text[256];
	static char *argv[32];
	static char program[] = "shuntctl";
	char *save = NULL;
	int argc = 1;

	error_clear(err);
	argv[0] = program;
	(void)snprintf(text, sizeof(text), "%s", line);
	for (char *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	return args_parse(a, &commands, argc, argv, err);
}

START_TEST(options_stand_before_and_behind)
{
	struct error err = ERROR_INIT;
	struct args a;

	ck_assert_int_eq(parse("--json -t /x offload status", &a, &err), 0);
	ck_assert_str_eq(a.command->name, "offload status");
	ck_assert(a.json);
	ck_assert_str_eq(a.target, "/x");
	ck_assert_int_eq(parse("offload flows state=lost --json port=p1 --target=sw", &a, &err), 0);
	ck_assert_int_eq(a.argc, 2);
	ck_assert_str_eq(a.argv[1], "port=p1");
	ck_assert_str_eq(a.target, "sw");
	ck_assert_int_eq(parse("offload top -n5 -i 0.5 --once", &a, &err), 0);
	ck_assert(a.once && a.count > 4.9 && a.count < 5.1 && a.interval_s < 0.6);
	ck_assert_int_eq(parse("trace br0 in_port=1 -generate", &a, &err), 0);
	ck_assert(a.generate);
	ck_assert_int_eq(parse("offload plan -p cx6dx --live --seconds=0.5 --ports a,b", &a, &err),
			 0);
	ck_assert(a.live && a.seconds == 0.5 && !a.flows && !strcmp(a.profile, "cx6dx") &&
		  !strcmp(a.ports, "a,b"));
	ck_assert_int_eq(parse("offload audit --repair", &a, &err), 0);
	ck_assert(a.repair);
	ck_assert_int_eq(parse("offload flows -- --json", &a, &err), 0);
	ck_assert(!a.json);
	ck_assert_str_eq(a.argv[0], "--json");
}
END_TEST

START_TEST(a_devices_words_are_its_own)
{
	struct error err = ERROR_INIT;
	struct args a;

	ck_assert_int_eq(parse("offload device --json sim0 fault --json -x", &a, &err), 0);
	ck_assert(a.json);
	ck_assert_int_eq(a.argc, 4);
	ck_assert_str_eq(a.argv[2], "--json");
}
END_TEST

START_TEST(mistakes_are_told)
{
	static const struct {
		const char *line, *tells;
	} cases[] = {
		{ "", "command is missing" },
		{ "nosuch", "no command \"nosuch\"" },
		{ "offload", "status, flows, why" },
		{ "offload nosuch", "status, flows, why" },
		{ "show x", "too many arguments" },
		{ "offload why", "argument is missing" },
		{ "offload caps", "argument is missing" },
		{ "show --once", "show has no option" },
		{ "--once offload top", "has no option" },
		{ "show --target", "needs a value" },
		{ "show --json=1", "takes no value" },
		{ "offload top -n 0", "from 1 to 1000" },
		{ "offload top -n 1e9", "from 1 to 1000" },
		{ "offload top -i nan", "from 0.1" },
		{ "offload top -i 1x", "from 0.1" },
		{ "show --timeout=", "takes a number" },
		{ "show --jso", "has no option" },
		{ "show -jx", "has no option" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = ERROR_INIT;
		struct args a;

		ck_assert_msg(parse(cases[i].line, &a, &err) < 0, "%s", cases[i].line);
		ck_assert_msg(strstr(err.cause, cases[i].tells) != NULL, "%s: %s", cases[i].line,
			      err.cause);
	}
}
END_TEST

START_TEST(help_needs_no_arguments)
{
	struct error err = ERROR_INIT;
	struct args a;

	ck_assert_int_eq(parse("--help", &a, &err), 0);
	ck_assert(a.help && !a.command);
	ck_assert_int_eq(parse("offload why --help", &a, &err), 0);
	ck_assert(a.help && a.command);
	ck_assert_int_eq(parse("offload --help", &a, &err), 0);
	ck_assert(a.help && a.command->group);
	ck_assert_int_lt(parse("offload nosuch --help", &a, &err), 0);
}
END_TEST

START_TEST(every_command_has_its_help)
{
	for (size_t i = 0; i < commands.n; i++) {
		struct str s = STR_INIT;
		struct view v = { .out = &s, .width = 80 };

		command_help(&v, &commands.row[i]);
		ck_assert_ptr_nonnull(strstr(str_cstr(&s), commands.row[i].name));
		ck_assert_ptr_nonnull(strstr(str_cstr(&s), "--json"));
		ck_assert(commands.row[i].method || commands.row[i].fn || commands.row[i].group);
		str_done(&s);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tools/args");
	TCase *tc = tcase_create("all");
	SRunner *sr;
	int failed;

	tcase_add_test(tc, options_stand_before_and_behind);
	tcase_add_test(tc, a_devices_words_are_its_own);
	tcase_add_test(tc, mistakes_are_told);
	tcase_add_test(tc, help_needs_no_arguments);
	tcase_add_test(tc, every_command_has_its_help);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
