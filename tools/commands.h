/* SPDX-License-Identifier: Apache-2.0 */
/* What shuntctl can do: its table of commands, running one, and its help. */
#pragma once

#include "tools/args.h"

extern const struct command_table commands;

/* Carries it out; an exit status.  Prints to stdout, complaints to stderr. */
int command_run(struct args *a);
/* Help on one command, or on the program (NULL). */
void command_help(struct view *v, const struct command *c);
