/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of the control socket that are the daemon's own. */
#include "switchd/commands.h"

static void do_exit(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	struct switchd *sw = aux;

	if (sw->exit_conn) {
		ctl_reply(conn, NULL);
	} else {
		sw->exit_conn = conn; /* answered when everything has been taken down */
	}
	loop_exit(sw->loop);
}

static void do_metrics(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	struct str out = STR_INIT;

	switchd_metrics_text(aux, &out);
	command_done(conn, &out);
}

static const struct ctl_command commands[] = {
	{ "exit", "[--cleanup]", 0, 1, do_exit },
	{ "shunt/metrics", "", 0, 0, do_metrics },
};

void switchd_commands_register(struct switchd *sw)
{
	ctl_register_all(sw->ctl, commands, ARRAY_SIZE(commands), sw);
	commands_ofproto_register(sw);
	commands_dp_register(sw);
	commands_offload_register(sw);
}
