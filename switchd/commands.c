/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of the control socket that are the daemon's own. */
#include "switchd/commands.h"

#include "core/base/memreport.h"

static void do_exit(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	struct switchd *sw = aux;

	sw->exit_cleanup |= argc > 1 && !strcmp(argv[1], "--cleanup");
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

static void count_port(const struct bridge_port_info *p, void *aux)
{
	++*(uint64_t *)aux;
}

static void report_memory(struct memreport *m, void *arg)
{
	struct switchd *sw = arg;
	struct backend *be = NULL;
	struct sw_bridge *b;

	cds_list_for_each_entry (b, &sw->bridges, node) {
		uint64_t ports = 0;

		if (!b->br)
			continue;
		bridge_ports_visit(b->br, count_port, &ports);
		memreport_add(m, "ports", ports);
		memreport_add(m, "rules", tables_n_rules(bridge_tables(b->br)));
		memreport_add(m, "ofconns", ofconns_count(bridge_conns(b->br)));
	}
	while ((be = switchd_backend_next(sw, be))) {
		struct flows_stats st;

		flows_stats(backend_flows(be), &st);
		memreport_add(m, "megaflows", st.n_flows);
	}
	memreport_add(m, "db-sessions", dbserver_sessions(sw->server));
}

static const struct ctl_command commands[] = {
	{ "exit", "[--cleanup]", 0, 1, do_exit },
	{ "shunt/metrics", "", 0, 0, do_metrics },
};

void switchd_commands_register(struct switchd *sw)
{
	ctl_register_all(sw->ctl, commands, ARRAY_SIZE(commands), sw);
	sw->memory = memreporter_new(report_memory, sw);
	commands_ofproto_register(sw);
	commands_dp_register(sw);
	commands_ct_register(sw);
	commands_tunnel_register(sw);
	commands_offload_register(sw);
}
