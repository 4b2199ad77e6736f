/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "tools/jread.h"
#include "tools/out.h"
#include "tools/peer.h"
#include "tools/plan.h"
#include "tools/top.h"

#define CONNECTIONS 20u /* listed, when nobody says how many */

static int run_version(struct args *a);
static int run_audit(struct args *a);
static int run_connections(struct args *a);
static int run_trace(struct args *a);
static int run_help(struct args *a);

#define FILTER_HELP                                                                                \
	"A FILTER is words, all of which must hold: state=STATE, reason=REASON, device=NAME, "     \
	"port=NAME, ufid=UFID, pps=N (at least so many packets a second), and any match of "       \
	"ovs-fields(7), which takes the flows that share a packet with it.  States: software, "    \
	"queued, installing, hardware, tc (in TC, but in software), evicting, lost, refused, "     \
	"removing."

static const struct command rows[] = {
	{ "show", "", "bridges, their ports and controllers", .method = "shunt/show",
	  .layout = layout_show },
	{ "offload status", "", "what hardware carries, per tier, device and port",
	  "For each device: entries used, flows by state, requests, latency, what audits found, "
	  "and "
	  "the reasons that keep flows out of it, the costliest first, with what to do about them.",
	  .method = "offload/status", .layout = layout_status },
	{ "offload flows", "[FILTER...]", "flows, the busiest first, and where each is",
	  FILTER_HELP, .max_args = -1, .join = true, .method = "offload/flows",
	  .layout = layout_flows },
	{ "offload why", "FLOW...", "a flow's whole history, and why it is where it is",
	  "FLOW is a flow's ufid, as `offload flows` prints it, or a FILTER as there; at most 32 "
	  "flows are told.",
	  .min_args = 1, .max_args = -1, .join = true, .method = "offload/why",
	  .layout = layout_why },
	{ "offload connections", "", "tracked connections: in hardware, and why not",
	  "Of the zones that flows name: how many connections a NIC carries, what keeps the others "
	  "out, and the N busiest of these.",
	  .scopes = ARGS_COUNT, .method = "offload/connections", .layout = layout_connections,
	  .fn = run_connections },
	{ "offload caps", "DEVICE", "what a device can match, rewrite and do", NULL, .min_args = 1,
	  .max_args = 1, .method = "offload/caps", .layout = layout_caps },
	{ "offload profile", "DEVICE", "the same as a profile, for `offload plan` elsewhere",
	  "What it prints, kept in a file whose name ends in .conf, is a NIC for `offload plan "
	  "--profile=FILE`, where no such NIC is.",
	  .min_args = 1, .max_args = 1, .method = "offload/profile" },
	{ "offload top", "", "live: rates, devices, reasons, moves, the busiest flows",
	  "On a terminal the view fills the screen until q is pressed; blank stops it and lets it "
	  "go on, s sorts flows, h tells the other keys.  Where output is no terminal, one plain "
	  "text follows another.",
	  .scopes = ARGS_TOP, .fn = top_run },
	{ "offload plan", "[FILE...]", "what a NIC would take of flows, without the NIC",
	  "FILE (or --flows) is what `dpctl/dump-flows -m` printed, of Shunt or of an Open vSwitch "
	  "(`ovs-appctl dpctl/dump-flows -m`); --live asks the switch itself, which may be an Open "
	  "vSwitch too: --target=/run/openvswitch/ovs-vswitchd.PID.ctl.  Flows that fit are put "
	  "into the NIC's table by the traffic that they carry until it is full.  The NIC is a "
	  "profile (--profile), or one that the switch has (--device), as it was found to be.",
	  .scopes = ARGS_PLAN, .max_args = -1, .method = "dpctl/dump-flows", .layout = layout_plan,
	  .fn = plan_run },
	{ "offload audit", "[DEVICE]", "compare what devices hold with what they should hold",
	  "Tells of rules that are missing, altered, or nobody's, and of counters that stand still "
	  "or ran back, each with its evidence.  With --repair they are put right: placed again, "
	  "replaced, removed.  Without DEVICE, all devices.",
	  .scopes = ARGS_AUDIT, .max_args = 1, .method = "offload/audit", .fn = run_audit,
	  .layout = layout_audit },
	{ "offload device", "DEVICE COMMAND...", "a device's own commands",
	  "A simulated NIC takes `status` and `fault KIND...`: full [N], slow MS, read MS, "
	  "refuse "
	  "field|action|shape NAME[,NAME...], reset, forget UFID|any, alter UFID|any, mute "
	  "UFID|any, "
	  "rewind UFID|any, clear.",
	  .min_args = 2, .max_args = -1, .raw = true, .method = "offload/device" },
	{ "offload", "COMMAND [ARGUMENTS]", "what hardware carries, what it does not, and why",
	  .group = true },
	{ "trace", "BRIDGE FLOW [PACKET]", "what a bridge does with a packet, step by step",
	  "FLOW is in the words of ovs-fields(7); PACKET is a frame in hexadecimal.",
	  .scopes = ARGS_TRACE, .min_args = 2, .max_args = 3, .method = "ofproto/trace",
	  .fn = run_trace },
	{ "metrics", "", "all metrics, as Prometheus reads them", .method = "shunt/metrics" },
	{ "version", "", "versions of shuntctl and of the switch", .method = "version",
	  .fn = run_version },
	{ "help", "[COMMAND...]", "how to use a command", .max_args = 2, .fn = run_help },
};
const struct command_table commands = { rows, ARRAY_SIZE(rows) };

/* --- help --- */

/* The commands of a group; NULL: all there are. */
static void help_list(struct view *v, const char *group_name)
{
	v->indent = 2;
	v->label_width = 34;
	for (size_t i = 0; i < commands.n; i++) {
		const struct command *c = &commands.row[i];
		struct str s = STR_INIT;

		if (c->group || (group_name && !command_in_group(c, group_name)))
			continue;
		str_printf(&s, "%s%s%s", c->name, *c->args ? " " : "", c->args);
		view_field(v, str_cstr(&s), TONE_PLAIN, c->help);
		str_done(&s);
	}
	v->indent = 0;
}

static void help_command(struct view *v, const struct command *c)
{
	struct str s = STR_INIT;

	str_printf(&s, "shuntctl [OPTIONS] %s%s%s", c->name, *c->args ? " " : "", c->args);
	view_field(v, "usage:", TONE_BOLD, str_cstr(&s));
	str_done(&s);
	view_field(v, "", TONE_PLAIN, c->help);
	if (c->details) {
		view_nl(v);
		v->label_width = 0;
		view_field(v, "", TONE_PLAIN, c->details);
	}
	view_nl(v);
	if (c->group) {
		help_list(v, c->name);
		view_nl(v);
	}
	view_puts(v, TONE_BOLD, "Options:");
	view_nl(v);
	args_usage(v, ARGS_ALL | c->scopes);
}

static void help_all(struct view *v)
{
	view_field(v, "usage:", TONE_BOLD, "shuntctl [OPTIONS] COMMAND [ARGUMENTS]");
	view_field(v, "", TONE_PLAIN, "Look into Shunt, and see where each flow is and why.");
	view_nl(v);
	view_puts(v, TONE_BOLD, "Commands:");
	view_nl(v);
	help_list(v, NULL);
	view_nl(v);
	view_puts(v, TONE_BOLD, "Options, before or behind the command:");
	view_nl(v);
	args_usage(v, ARGS_ALL);
	v->indent = v->label_width = 0;
	view_nl(v);
	view_field(
		v, "", TONE_PLAIN,
		"Exit status: 0 done, 1 the switch says no, 2 wrong usage, 3 no switch answers.  "
		"More in shuntctl(8).");
}

void command_help(struct view *v, const struct command *c)
{
	v->indent = 0;
	v->label_width = 7;
	if (c)
		help_command(v, c);
	else
		help_all(v);
}

static int print_help(const struct command *c)
{
	struct str s = STR_INIT;
	struct view v;

	out_view(&v, &s);
	if (!v.width)
		v.width = 80; /* help is prose: it wraps in a pipe too */
	command_help(&v, c);
	out_flush(&s);
	str_done(&s);
	return EXIT_OK;
}

static int run_help(struct args *a)
{
	const struct command *c = NULL;
	struct error err = ERROR_INIT;
	unsigned used;

	if (a->argc) {
		c = command_find(&commands, a->argv[0], a->argc > 1 ? a->argv[1] : NULL, &used,
				 &err);
		if (!c) {
			out_complain(err.cause);
			return EXIT_USAGE;
		}
	}
	return print_help(c);
}

/* --- running --- */

/* Prints an answer; an exit status. */
static int print_answer(const struct args *a, const char *text)
{
	layout_fn *layout = a->command->layout;
	struct error err = ERROR_INIT;
	struct str s = STR_INIT;
	struct json_object *o = NULL;
	char why[400];
	struct view v;

	out_view(&v, &s);
	if (!layout && a->json) {
		out_json_lines(text);
	} else if (!layout) {
		view_clean(&v, &s, text);
	} else {
		o = jread_parse(text, &err);
		if (o && a->json)
			out_json(o);
		else if (o)
			(void)layout(&v, o, &err); /* err has it */
	}
	if (err.code)
		out_complain(error_text(&err, why, sizeof(why)));
	else
		out_flush(&s);
	str_done(&s);
	json_object_put(o);
	return err.code ? EXIT_SWITCH : EXIT_OK;
}

/* Asks the switch and prints the answer; an exit status. */
static int ask(struct args *a, int argc, const char *const argv[])
{
	struct str why = STR_INIT;
	char *text;
	int rc = peer_call(a, a->command->method, argc, argv, &text, &why);

	if (rc) {
		out_complain(str_cstr(&why));
	} else {
		rc = print_answer(a, text);
		free(text);
	}
	str_done(&why);
	return rc;
}

static int ask_joined(struct args *a)
{
	struct str s = STR_INIT;
	const char *arg;
	int rc;

	for (int i = 0; i < a->argc; i++)
		str_printf(&s, "%s%s", i ? " " : "", a->argv[i]);
	arg = str_cstr(&s);
	rc = ask(a, a->argc ? 1 : 0, &arg);
	str_done(&s);
	return rc;
}

static int run_audit(struct args *a)
{
	const char *argv[2];
	int argc = 0;

	if (a->repair)
		argv[argc++] = "--repair";
	if (a->argc)
		argv[argc++] = a->argv[0];
	return ask(a, argc, argv);
}

static int run_connections(struct args *a)
{
	const char *arg;
	char n[12];

	(void)snprintf(n, sizeof(n), "%u", a->count > 0 ? (unsigned)a->count : CONNECTIONS);
	arg = n;
	return ask(a, 1, &arg);
}

static int run_trace(struct args *a)
{
	const char *argv[4] = { a->argv[0], a->argv[1] };
	int argc = 2;

	if (a->generate)
		argv[argc++] = "-generate";
	if (a->argc > 2)
		argv[argc++] = a->argv[2];
	return ask(a, argc, argv);
}

static int run_version(struct args *a)
{
	struct str why = STR_INIT;
	char *text = NULL;
	int rc = peer_call(a, a->command->method, 0, NULL, &text, &why);

	if (a->json && !rc) {
		struct json_object *o = json_object_new_object();

		json_object_object_add(o, "shuntctl", json_object_new_string(PACKAGE_VERSION));
		json_object_object_add(o, "switch",
				       json_object_new_string_len(text, (int)strcspn(text, "\n")));
		out_json(o);
		json_object_put(o);
	} else if (!a->json) {
		printf("shuntctl (Shunt) %s\n", PACKAGE_VERSION);
		if (!rc)
			rc = print_answer(a, text);
	}
	if (why.len) {
		(void)fflush(stdout);
		out_complain(str_cstr(&why));
	}
	free(text);
	str_done(&why);
	return rc;
}

int command_run(struct args *a)
{
	if (a->version) {
		printf("shuntctl (Shunt) %s\n", PACKAGE_VERSION);
		return EXIT_OK;
	}
	if (a->help)
		return print_help(a->command);
	if (a->command->fn)
		return a->command->fn(a);
	return a->command->join ? ask_joined(a) : ask(a, a->argc, a->argv);
}
