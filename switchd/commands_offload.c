/* SPDX-License-Identifier: Apache-2.0 */
/* Control commands behind `shuntctl`: offload/… and shunt/show.  All answer with JSON; shuntctl
 * lays it out. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "offload/explain.h"
#include "offload/sim/profile.h"
#include "switchd/commands.h"
#include "switchd/schema.h"

#define TOP_DEFAULT 20
#define TOP_MAX 1000
#define DEVICES_MAX 64

static void reply_json(struct ctl_conn *conn, struct json_object *j)
{
	ctl_reply(conn, json_object_to_json_string_ext(j, JSON_C_TO_STRING_PLAIN |
								  JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(j);
}

static void reply_err(struct ctl_conn *conn, const struct error *err)
{
	char text[400];

	ctl_reply_error(conn, error_text(err, text, sizeof(text)));
}

static struct engine *engine_of(struct backend *be)
{
	return flows_engine(backend_flows(be));
}

static void add_datapath(struct json_object *list, struct backend *be, struct json_object *one)
{
	json_object_object_add(one, "datapath", json_object_new_string(backend_dp(be)->ops->type));
	json_object_array_add(list, one);
}

/* {"datapaths": [{"datapath": TYPE, "upcalls": …, …explain_status()}]} */
static void do_status(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	struct json_object *root = json_object_new_object(), *list = json_object_new_array();
	struct backend *be = NULL;

	while ((be = switchd_backend_next(aux, be))) {
		struct json_object *one;
		struct flows_stats st;

		flows_stats(backend_flows(be), &st);
		one = explain_status(engine_of(be), &st.switched);
		add_datapath(list, be, one);
	}
	json_object_object_add(root, "datapaths", list);
	reply_json(conn, root);
}

static void append(struct json_object *all, struct json_object *part)
{
	for (size_t i = 0; i < json_object_array_length(part); i++)
		json_object_array_add(all, json_object_get(json_object_array_get_idx(part, i)));
	json_object_put(part);
}

typedef struct json_object *list_fn(struct engine *e, const char *arg, struct error *err);

/* The lists of all datapaths, one after the other; an error only when none has an answer. */
static void reply_lists(struct ctl_conn *conn, struct switchd *sw, list_fn *fn, const char *arg)
{
	struct json_object *all = json_object_new_array();
	struct error err = ERROR_INIT;
	struct backend *be = NULL;
	bool any = false;

	while ((be = switchd_backend_next(sw, be))) {
		struct json_object *part = fn(engine_of(be), arg, &err);

		if (!part)
			continue;
		append(all, part);
		any = true;
	}
	if (any || !err.code) {
		reply_json(conn, all);
		return;
	}
	json_object_put(all);
	reply_err(conn, &err);
}

static void do_flows(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	reply_lists(conn, aux, explain_flows, argc > 1 ? argv[1] : NULL);
}

static void do_why(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	reply_lists(conn, aux, explain_why, argv[1]);
}

/* {"at_ms": …, "datapaths": [{"datapath": TYPE, …explain_top()}]}.  at_ms: of a clock that only
 * grows, so that two answers make rates. */
static void do_top(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	unsigned n = (unsigned)MIN(MAX(argc > 1 ? atoi(argv[1]) : TOP_DEFAULT, 1), TOP_MAX);
	struct json_object *root = json_object_new_object(), *list = json_object_new_array();
	struct error err = ERROR_INIT;
	struct backend *be = NULL;

	json_object_object_add(root, "at_ms",
			       json_object_new_uint64(clock_mono_ns() / NSEC_PER_MSEC));
	json_object_object_add(root, "datapaths", list);
	while (!err.code && (be = switchd_backend_next(aux, be))) {
		struct json_object *one;
		struct flows_stats st;

		flows_stats(backend_flows(be), &st);
		one = explain_top(engine_of(be), &st.switched, n, argc > 2 ? argv[2] : "rate",
				  &err);
		if (one)
			add_datapath(list, be, one);
	}
	if (!err.code) {
		reply_json(conn, root);
		return;
	}
	json_object_put(root);
	reply_err(conn, &err);
}

/* {"datapaths": [{"datapath": TYPE, …explain_connections()}]} of those that track any. */
static void do_connections(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	unsigned n = (unsigned)MIN(MAX(argc > 1 ? atoi(argv[1]) : TOP_DEFAULT, 0), TOP_MAX);
	struct json_object *root = json_object_new_object(), *list = json_object_new_array();
	struct backend *be = NULL;

	json_object_object_add(root, "datapaths", list);
	while ((be = switchd_backend_next(aux, be))) {
		struct error err = ERROR_INIT;
		struct json_object *one = explain_connections(engine_of(be), n, &err);

		if (one) {
			add_datapath(list, be, one);
		} else if (err.code != EOPNOTSUPP) {
			json_object_put(root);
			reply_err(conn, &err);
			return;
		}
	}
	reply_json(conn, root);
}

static void do_caps(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	struct error err = ERROR_INIT;
	struct backend *be = NULL;
	struct json_object *j = NULL;

	while (!j && (be = switchd_backend_next(aux, be)))
		j = explain_caps(engine_of(be), argv[1], &err);
	if (j)
		reply_json(conn, j);
	else if (err.code)
		reply_err(conn, &err);
	else
		ctl_reply_error(conn, "there is no bridge, so there is no device");
}

#define PORTS_MAX 4096

static void name_ports(struct engine *e, const char *device, struct sim_profile *p)
{
	struct engine_port_info *v = xcalloc(PORTS_MAX, sizeof(*v));
	size_t n = MIN(engine_ports(e, v, PORTS_MAX), (size_t)PORTS_MAX), len = 0;

	for (size_t i = 0; i < n && len < sizeof(p->ports); i++)
		if (!strcmp(v[i].device, device))
			len += (size_t)snprintf(p->ports + len, sizeof(p->ports) - len, "%s%s",
						len ? " " : "", v[i].name);
	free(v);
}

/* False: it is not a device of this datapath. */
static bool profile_of(struct engine *e, const char *device, struct sim_profile *p)
{
	struct engine_device_info *d = xcalloc(DEVICES_MAX, sizeof(*d));
	size_t n = MIN(engine_devices(e, d, DEVICES_MAX), (size_t)DEVICES_MAX), i = 0;

	while (i < n && strcmp(d[i].name, device) != 0)
		i++;
	if (i < n) {
		memset(p, 0, sizeof(*p));
		(void)snprintf(p->name, sizeof(p->name), "%s", device);
		(void)snprintf(p->description, sizeof(p->description), "%s as it was found",
			       device);
		p->caps = d[i].caps;
		p->inner_vlan = d[i].caps.inner_vlan;
		p->probed = true;
		name_ports(e, device, p);
	}
	free(d);
	return i < n;
}

static void do_profile(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	struct sim_profile *p = xzalloc(sizeof(*p));
	struct backend *be = NULL;
	struct str out = STR_INIT;
	bool found = false;

	while (!found && (be = switchd_backend_next(aux, be)))
		found = profile_of(engine_of(be), argv[1], p);
	if (found) {
		profile_print(p, &out);
		ctl_reply(conn, str_cstr(&out));
	} else {
		str_printf(&out, "no offload device \"%.60s\"", argv[1]);
		ctl_reply_error(conn, str_cstr(&out));
	}
	str_done(&out);
	free(p);
}

/* A device's own command (faults of a sim NIC). */
static void do_device(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	struct error err = ERROR_INIT;
	struct str out = STR_INIT;
	struct backend *be = NULL;
	int rc = -ENODEV;

	while (rc == -ENODEV && (be = switchd_backend_next(aux, be))) {
		error_clear(&err);
		rc = engine_device_command(engine_of(be), argv[1], argc - 2, argv + 2, &out, &err);
	}
	if (rc) {
		str_done(&out);
		error_set(&err, -rc, "device", "there is no device %s", argv[1]);
		reply_err(conn, &err);
		return;
	}
	command_done(conn, &out);
}

static struct json_object *audit(struct engine *e, const char *device, struct error *err)
{
	return explain_audit(e, device, false, err);
}

static struct json_object *audit_repair(struct engine *e, const char *device, struct error *err)
{
	return explain_audit(e, device, true, err);
}

static void do_audit(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	const char *device = NULL;
	bool repair = false;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--repair"))
			repair = true;
		else
			device = argv[i];
	}
	reply_lists(conn, aux, repair ? audit_repair : audit, device);
}

/* --- shunt/show --- */

static void add_port(const struct bridge_port_info *p, void *aux)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "name", json_object_new_string(p->name));
	json_object_object_add(o, "type", json_object_new_string(*p->type ? p->type : "system"));
	json_object_object_add(o, "ofport", json_object_new_int64(p->ofp.v & 0xffff));
	json_object_object_add(o, "dp_port",
			       p->dp.v == DP_PORT_NONE ? NULL : json_object_new_int64(p->dp.v));
	json_object_object_add(
		o, "link",
		json_object_new_string(p->state.admin_up && p->state.carrier ? "up" : "down"));
	if (p->peer)
		json_object_object_add(o, "peer", json_object_new_string(p->peer));
	json_object_object_add(o, "rx_packets", json_object_new_uint64(p->stats.rx_packets));
	json_object_object_add(o, "tx_packets", json_object_new_uint64(p->stats.tx_packets));
	json_object_object_add(o, "rx_bytes", json_object_new_uint64(p->stats.rx_bytes));
	json_object_object_add(o, "tx_bytes", json_object_new_uint64(p->stats.tx_bytes));
	json_object_object_add(o, "rx_dropped", json_object_new_uint64(p->stats.rx_dropped));
	json_object_object_add(o, "tx_dropped", json_object_new_uint64(p->stats.tx_dropped));
	json_object_array_add(aux, o);
}

/* What does not keep a port from working, but is not as it was asked for. */
static void add_note(const struct bridge_port_info *p, void *aux)
{
	struct json_object *o;
	struct str s = STR_INIT;

	if (!p->offload_error)
		return;
	o = json_object_new_object();
	str_printf(&s, "no offload: %s", p->offload_error);
	json_object_object_add(o, "name", json_object_new_string(p->name));
	json_object_object_add(o, "note", json_object_new_string(str_cstr(&s)));
	json_object_array_add(aux, o);
	str_done(&s);
}

static struct json_object *errors_of(struct sw_bridge *b)
{
	struct json_object *list = json_object_new_array();
	struct sw_port *p;

	cds_list_for_each_entry (p, &b->ports, node)
		for (size_t i = 0; i < p->n_ifaces; i++)
			if (*p->ifaces[i].error) {
				struct json_object *o = json_object_new_object();

				json_object_object_add(o, "name",
						       json_object_new_string(p->ifaces[i].name));
				json_object_object_add(o, "error",
						       json_object_new_string(p->ifaces[i].error));
				json_object_array_add(list, o);
			}
	return list;
}

static struct json_object *controllers_of(struct sw_bridge *b)
{
	struct json_object *list = json_object_new_array();
	struct ofcontroller_status st[64];
	size_t n =
		MIN(ofconns_controllers(bridge_conns(b->br), st, ARRAY_SIZE(st)), ARRAY_SIZE(st));

	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_new_object();

		json_object_object_add(o, "target", json_object_new_string(st[i].target));
		json_object_object_add(o, "connected", json_object_new_boolean(st[i].connected));
		json_object_object_add(o, "state", json_object_new_string(st[i].state));
		if (*st[i].last_error)
			json_object_object_add(o, "last_error",
					       json_object_new_string(st[i].last_error));
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *show_bridge(struct sw_bridge *b)
{
	struct json_object *o = json_object_new_object(), *ports = json_object_new_array();
	struct json_object *notes;
	char dpid[17];

	json_object_object_add(o, "name", json_object_new_string(b->name));
	json_object_object_add(o, "datapath_type", json_object_new_string(b->datapath_type));
	if (!b->br) {
		json_object_object_add(o, "error", json_object_new_string(b->error));
		json_object_object_add(o, "ports", ports);
		return o;
	}
	snprintf(dpid, sizeof(dpid), "%016llx", (unsigned long long)bridge_datapath_id(b->br));
	json_object_object_add(o, "datapath_id", json_object_new_string(dpid));
	json_object_object_add(
		o, "rules", json_object_new_int64((int64_t)tables_n_rules(bridge_tables(b->br))));
	json_object_object_add(o, "failing_open",
			       json_object_new_boolean(bridge_failing_open(b->br)));
	json_object_object_add(o, "controllers", controllers_of(b));
	bridge_ports_visit(b->br, add_port, ports);
	json_object_object_add(o, "ports", ports);
	json_object_object_add(o, "errors", errors_of(b));
	notes = json_object_new_array();
	bridge_ports_visit(b->br, add_note, notes);
	json_object_object_add(o, "notes", notes);
	return o;
}

static void do_show(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	struct switchd *sw = aux;
	struct json_object *root = json_object_new_object(), *list = json_object_new_array();
	struct sw_bridge *b;

	json_object_object_add(root, "version", json_object_new_string(PACKAGE_VERSION));
	cds_list_for_each_entry (b, &sw->bridges, node)
		json_object_array_add(list, show_bridge(b));
	json_object_object_add(root, "bridges", list);
	reply_json(conn, root);
}

static const struct ctl_command commands[] = {
	{ "shunt/show", "", 0, 0, do_show },
	{ "offload/status", "", 0, 0, do_status },
	{ "offload/flows", "[filter]", 0, 1, do_flows },
	{ "offload/why", "ufid|filter", 1, 1, do_why },
	{ "offload/connections", "[n]", 0, 1, do_connections },
	{ "offload/caps", "device", 1, 1, do_caps },
	{ "offload/profile", "device", 1, 1, do_profile },
	{ "offload/top", "[n [rate|packets|newest]]", 0, 2, do_top },
	{ "offload/device", "device command...", 2, -1, do_device },
	{ "offload/audit", "[--repair] [device]", 0, 2, do_audit },
};

void commands_offload_register(struct switchd *sw)
{
	ctl_register_all(sw->ctl, commands, ARRAY_SIZE(commands), sw);
}
