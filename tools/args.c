/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/args.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/view.h"

enum kind { KIND_FLAG, KIND_TEXT, KIND_NUMBER };

struct option {
	const char *name;
	char letter;   /* 0: none */
	bool one_dash; /* "-name" is taken as well, as in other tools */
	unsigned scope;
	enum kind kind;
	const char *arg; /* its name in the help */
	double min, max; /* of a KIND_NUMBER */
	size_t at;       /* in struct args */
	const char *help;
};

#define AT(MEMBER) .at = offsetof(struct args, MEMBER)
static const struct option options[] = {
	{ "target", 't', false, ARGS_ALL, KIND_TEXT, "TARGET", AT(target),
	  .help = "the switch: its control socket, or the program's name (default: shuntd)" },
	{ "timeout", 'T', false, ARGS_ALL, KIND_NUMBER, "SECONDS", 0, 86400, AT(timeout_s),
	  .help = "give up when the switch has not answered by then (default: 30; 0: never)" },
	{ "json", 'j', false, ARGS_ALL, KIND_FLAG, NULL, AT(json),
	  .help = "print the switch's JSON" },
	{ "help", 'h', false, ARGS_ALL, KIND_FLAG, NULL, AT(help),
	  .help = "say how to use the command" },
	{ "version", 'V', false, ARGS_ALL, KIND_FLAG, NULL, AT(version),
	  .help = "print the version of shuntctl" },
	{ "count", 'n', false, ARGS_TOP | ARGS_COUNT, KIND_NUMBER, "N", 1, 1000, AT(count),
	  .help = "show the N busiest (default: as many as fit, or 20)" },
	{ "interval", 'i', false, ARGS_TOP, KIND_NUMBER, "SECONDS", 0.1, 3600, AT(interval_s),
	  .help = "time between two looks (default: 1)" },
	{ "once", 0, false, ARGS_TOP, KIND_FLAG, NULL, AT(once), .help = "look once, then end" },
	{ "repair", 0, false, ARGS_AUDIT, KIND_FLAG, NULL, AT(repair),
	  .help = "put right what is wrong" },
	{ "generate", 0, true, ARGS_TRACE, KIND_FLAG, NULL, AT(generate),
	  .help = "make a packet of the flow, so that learning and the like take place in it" },
	{ "profile", 'p', false, ARGS_PLAN, KIND_TEXT, "NIC", AT(profile),
	  .help = "the NIC: cx6dx, e810, generic, small2k, another profile or a file of one" },
	{ "device", 'd', false, ARGS_PLAN, KIND_TEXT, "DEVICE", AT(device),
	  .help = "the NIC: one that the switch has, by its probed capabilities" },
	{ "flows", 'f', false, ARGS_PLAN, KIND_TEXT, "FILE", AT(flows),
	  .help = "what dpctl/dump-flows -m printed; -: standard input" },
	{ "live", 0, false, ARGS_PLAN, KIND_FLAG, NULL, AT(live),
	  .help = "ask the switch, twice, so that flows have rates" },
	{ "seconds", 0, false, ARGS_PLAN, KIND_NUMBER, "SECONDS", 0.1, 3600, AT(seconds),
	  .help = "time between the two readings (default: 5)" },
	{ "ports", 0, false, ARGS_PLAN, KIND_TEXT, "PORT,...", AT(ports),
	  .help = "the ports that the NIC has (default: all but tunnels)" },
};

static void name_option(const struct option *o, struct str *s)
{
	if (o->letter)
		str_printf(s, "-%c, ", o->letter);
	else
		str_puts(s, "    ");
	str_printf(s, "%s%s", o->one_dash ? "-" : "--", o->name);
	if (o->arg)
		str_printf(s, "=%s", o->arg);
}

void args_usage(struct view *v, unsigned scopes)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		struct str s = STR_INIT;

		if (!(options[i].scope & scopes))
			continue;
		name_option(&options[i], &s);
		v->indent = 2;
		v->label_width = 26;
		view_field(v, str_cstr(&s), TONE_PLAIN, options[i].help);
		str_done(&s);
	}
}

/* --- one option --- */

static bool is_long(const struct option *o, const char *word, size_t len)
{
	size_t dashes = word[1] == '-' ? 2 : o->one_dash ? 1 : 3;

	return len == strlen(o->name) + dashes && !strncmp(word + dashes, o->name, len - dashes);
}

/* The option that `word` is; *value is what follows a '=' or the letter, NULL when nothing does. */
static const struct option *find_option(const char *word, unsigned scopes, const char **value)
{
	const char *eq = strchr(word, '=');
	size_t len = eq ? (size_t)(eq - word) : strlen(word);

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option *o = &options[i];

		if (!(o->scope & scopes))
			continue;
		if (len > 2 && is_long(o, word, len)) {
			*value = eq ? eq + 1 : NULL;
			return o;
		}
		if (o->letter && word[1] == o->letter && (o->arg || !word[2])) {
			*value = word[2] ? word + 2 : NULL;
			return o;
		}
	}
	return NULL;
}

static int set_number(const struct option *o, const char *value, double *to, struct error *err)
{
	char *end;
	double x = strtod(value, &end);

	if (end == value || *end || !isfinite(x) || x < o->min || x > o->max)
		return error_set(err, EINVAL, NULL,
				 "--%s takes a number from %g to %g, not \"%.40s\"", o->name,
				 o->min, o->max, value);
	*to = x;
	return 0;
}

static int set_option(struct args *a, const struct option *o, const char *value, struct error *err)
{
	char *at = (char *)a + o->at;

	if (o->kind == KIND_NUMBER)
		return set_number(o, value, (double *)(void *)at, err);
	if (o->kind == KIND_TEXT)
		*(const char **)(void *)at = value;
	else
		*(bool *)(void *)at = true;
	return 0;
}

struct line {
	const struct command_table *commands;
	int argc, i;
	char *const *argv;
};

static int take_option(struct args *a, struct line *l, struct error *err)
{
	unsigned scopes = ARGS_ALL | (a->command ? a->command->scopes : 0);
	const char *word = l->argv[l->i], *value = NULL;
	const struct option *o = find_option(word, scopes, &value);

	if (!o)
		return error_set(err, EINVAL, NULL, "%s%s has no option \"%.40s\"",
				 a->command ? "the command " : "shuntctl",
				 a->command ? a->command->name : "", word);
	if (o->kind == KIND_FLAG && value)
		return error_set(err, EINVAL, NULL, "--%s takes no value", o->name);
	if (o->kind != KIND_FLAG && !value) {
		if (l->i + 1 >= l->argc)
			return error_set(err, EINVAL, NULL, "--%s needs a value", o->name);
		value = l->argv[++l->i];
	}
	return set_option(a, o, value, err);
}

/* --- the whole line --- */

static int take_word(struct args *a, struct line *l, struct error *err)
{
	if (!a->command) {
		const char *next = l->i + 1 < l->argc ? l->argv[l->i + 1] : NULL;
		unsigned used;

		a->command = command_find(l->commands, l->argv[l->i], next, &used, err);
		l->i += (int)used - 1;
		return a->command ? 0 : -EINVAL;
	}
	if (a->argc == ARGS_MAX)
		return error_set(err, E2BIG, NULL, "more than %d arguments", ARGS_MAX);
	a->argv[a->argc++] = l->argv[l->i];
	return 0;
}

static int check_count(const struct args *a, const struct command_table *t, struct error *err)
{
	const struct command *c = a->command;

	if (a->help || a->version)
		return 0;
	if (!c)
		return error_set(err, EINVAL, NULL, "a command is missing");
	if (c->group)
		return command_group_error(t, c->name, err);
	if (a->argc < c->min_args)
		return error_set(err, EINVAL, NULL, "an argument is missing: %s %s", c->name,
				 c->args);
	if (c->max_args >= 0 && a->argc > c->max_args)
		return error_set(err, EINVAL, NULL, "too many arguments: %s %s", c->name, c->args);
	return 0;
}

int args_parse(struct args *a, const struct command_table *commands, int argc, char *const argv[],
	       struct error *err)
{
	struct line l = { commands, argc, 1, argv };
	bool no_options = false;
	int rc = 0;

	*a = (struct args){ .target = "shuntd", .timeout_s = 30, .interval_s = 1, .seconds = 5 };
	for (; !rc && l.i < argc; l.i++) {
		const char *word = argv[l.i];
		/* behind a device's name everything is the device's */
		bool raw = a->command && a->command->raw && a->argc;

		if (no_options || raw || word[0] != '-' || !word[1])
			rc = take_word(a, &l, err);
		else if (!strcmp(word, "--"))
			no_options = true;
		else
			rc = take_option(a, &l, err);
	}
	return rc ? rc : check_count(a, commands, err);
}
