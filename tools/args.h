/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of shuntctl: options (before or behind the command), the command's words, and
 * its arguments, by two tables: options here, commands from the caller.
 *
 * Options that only some commands have carry a scope; a command names the scopes that it takes. */
#pragma once

#include "core/base/err.h"
#include "core/base/str.h"
#include "core/base/types.h"
#include "tools/command.h"

#define ARGS_MAX 64 /* words behind a command */

enum { /* scopes, bits */
       ARGS_ALL = 1,
       ARGS_TOP = 2,
       ARGS_AUDIT = 4,
       ARGS_TRACE = 8,
       ARGS_PLAN = 16,
       ARGS_COUNT = 32,
};

struct args {
	const char *target; /* a socket, or the program whose socket is looked for */
	double timeout_s;   /* for one answer of the switch; 0 = for ever */
	bool json, help, version;
	double count; /* of what is listed; 0: as many as fit, 20 where nothing limits it */
	/* top */
	double interval_s;
	bool once;
	bool repair;   /* audit */
	bool generate; /* trace */
	/* plan */
	const char *profile, *device, *flows, *ports; /* NULL: not said */
	bool live;
	double seconds;

	const struct command *command; /* NULL: --help or --version alone */
	const char *argv[ARGS_MAX];    /* borrowed from main's */
	int argc;
};

/* 0, or -EINVAL and *err, a sentence for the user.  Number and ranges of a command's arguments are
 * checked too, unless --help was given. */
int args_parse(struct args *a, const struct command_table *commands, int argc, char *const argv[],
	       struct error *err) MUST_CHECK;
/* Options of the scopes, one line each. */
void args_usage(struct view *v, unsigned scopes);
