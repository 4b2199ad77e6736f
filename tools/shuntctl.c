/* SPDX-License-Identifier: Apache-2.0 */
/* shuntctl: look into the switch. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>

#include "tools/commands.h"
#include "tools/out.h"

int main(int argc, char *argv[])
{
	struct error err = ERROR_INIT;
	struct args a;
	int rc;

	(void)setlocale(LC_CTYPE, ""); /* without one, text is plain ASCII */
	(void)signal(SIGPIPE, SIG_DFL);
	if (args_parse(&a, &commands, argc, argv, &err)) {
		struct str s = STR_INIT;

		str_printf(&s, "%s\nSee: shuntctl %s%s--help", err.cause,
			   a.command ? a.command->name : "", a.command ? " " : "");
		out_complain(str_cstr(&s));
		str_done(&s);
		return EXIT_USAGE;
	}
	rc = command_run(&a);
	if (fflush(stdout) || ferror(stdout)) {
		out_complain("cannot write to standard output");
		return rc ? rc : EXIT_SWITCH;
	}
	return rc;
}
