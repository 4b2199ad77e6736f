/* SPDX-License-Identifier: Apache-2.0 */
/* Bridges, their ports and controllers. */
#include <inttypes.h>
#include <string.h>

#include "tools/jread.h"
#include "tools/layout.h"
#include "tools/table.h"
#include "tools/units.h"

#define OFPORT_LOCAL 65534

static const struct table_column port_columns[] = {
	{ "PORT", .flexible = true },
	{ "OF", .right = true },
	{ "DP", .right = true, .min_view = 100 },
	{ "TYPE", .flexible = true },
	{ "LINK" },
	{ "RX", .right = true },
	{ "BYTES", .right = true },
	{ "TX", .right = true },
	{ "BYTES", .right = true },
	{ "DROPS", .right = true },
};

static void port_row(struct table *t, const struct view *v, struct json_object *p,
		     struct error *err)
{
	const char *type = jread_str(p, "type", err), *peer = jread_opt_str(p, "peer", err);
	uint64_t rx_drops = jread_u64(p, "rx_dropped", err);
	uint64_t drops = rx_drops + jread_u64(p, "tx_dropped", err);
	uint64_t ofport = jread_u64(p, "ofport", err);
	const char *link = jread_str(p, "link", err);
	bool up = !strcmp(link, "up");

	table_cell(t, TONE_BOLD, "%s", jread_str(p, "name", err));
	if (ofport == OFPORT_LOCAL)
		table_cell(t, TONE_PLAIN, "LOCAL");
	else
		table_cell(t, TONE_PLAIN, "%" PRIu64, ofport);
	if (jread_has(p, "dp_port"))
		table_cell(t, TONE_PLAIN, "%" PRIu64, jread_u64(p, "dp_port", err));
	else
		table_cell(t, TONE_DIM, "-");
	if (peer)
		table_cell(t, TONE_PLAIN, "%s %s %s", type, view_glyph(v, GLYPH_ARROW), peer);
	else
		table_cell(t, TONE_PLAIN, "%s", type);
	table_cell(t, up ? TONE_GOOD : TONE_WARN, "%s", link);
	table_cell(t, TONE_PLAIN, "%s", units_count(jread_u64(p, "rx_packets", err)).s);
	table_cell(t, TONE_PLAIN, "%s", units_bytes(jread_u64(p, "rx_bytes", err)).s);
	table_cell(t, TONE_PLAIN, "%s", units_count(jread_u64(p, "tx_packets", err)).s);
	table_cell(t, TONE_PLAIN, "%s", units_bytes(jread_u64(p, "tx_bytes", err)).s);
	table_cell(t, drops ? TONE_WARN : TONE_DIM, "%s", units_count(drops).s);
}

static void show_ports(struct view *v, struct json_object *ports, struct error *err)
{
	struct table t;

	table_init(&t, port_columns, ARRAY_SIZE(port_columns));
	for (size_t i = 0; i < jread_len(ports); i++)
		port_row(&t, v, jread_at(ports, i, err), err);
	if (t.n_cells)
		table_print(&t, v);
	table_done(&t);
}

static void show_controller(struct view *v, struct json_object *c, struct error *err)
{
	const char *last = jread_opt_str(c, "last_error", err);
	bool connected = jread_bool(c, "connected", err);
	struct str s = STR_INIT;

	str_printf(&s, "%s  %s (%s)", jread_str(c, "target", err),
		   connected ? "connected" : "not connected", jread_str(c, "state", err));
	if (last && !connected)
		str_printf(&s, ": %s", last);
	view_field(v, "controller", connected ? TONE_GOOD : TONE_BAD, str_cstr(&s));
	str_done(&s);
}

static void show_title(struct view *v, struct json_object *b, struct error *err)
{
	const char *dot = view_glyph(v, GLYPH_DOT);

	view_puts(v, TONE_BOLD, jread_str(b, "name", err));
	view_printf(v, TONE_DIM, "  datapath %s", jread_str(b, "datapath_type", err));
	if (!jread_has(b, "error")) {
		uint64_t rules = jread_u64(b, "rules", err);

		view_printf(v, TONE_DIM, " %s id %s %s %s rule%s", dot,
			    jread_str(b, "datapath_id", err), dot, units_count(rules).s,
			    units_s(rules));
	}
	view_nl(v);
}

struct remarks {
	const char *list, *key, *label; /* [{"name": PORT, KEY: TEXT}] */
	enum view_tone tone;
};

/* What is to be said about single ports. */
static void show_remarks(struct view *v, struct json_object *b, const struct remarks *r,
			 struct error *err)
{
	struct json_object *list = jread_has(b, r->list) ? jread_array(b, r->list, err) : NULL;

	for (size_t i = 0; i < jread_len(list); i++) {
		struct json_object *e = jread_at(list, i, err);

		view_fieldf(v, r->label, r->tone, "%s: %s", jread_str(e, "name", err),
			    jread_str(e, r->key, err));
	}
}

static void show_bridge(struct view *v, struct json_object *b, struct error *err)
{
	static const struct remarks remarks[] = {
		{ "errors", "error", "problem", TONE_BAD },
		{ "notes", "note", "note", TONE_WARN },
	};
	struct json_object *list;

	show_title(v, b, err);
	v->indent = 2;
	v->label_width = 12;
	if (jread_has(b, "error")) {
		view_field(v, "problem", TONE_BAD, jread_str(b, "error", err));
	} else {
		list = jread_array(b, "controllers", err);
		for (size_t i = 0; i < jread_len(list); i++)
			show_controller(v, jread_at(list, i, err), err);
		if (jread_bool(b, "failing_open", err))
			view_field(v, "fail mode", TONE_WARN,
				   "no controller answers: the bridge switches on its own");
	}
	show_ports(v, jread_array(b, "ports", err), err);
	for (size_t i = 0; i < ARRAY_SIZE(remarks); i++)
		show_remarks(v, b, &remarks[i], err);
	v->indent = 0;
}

int layout_show(struct view *v, struct json_object *answer, struct error *err)
{
	struct json_object *bridges = jread_array(answer, "bridges", err);
	size_t n = jread_len(bridges), n_ports = 0;

	for (size_t i = 0; i < n; i++)
		n_ports += jread_len(jread_array(jread_at(bridges, i, err), "ports", err));
	view_printf(v, TONE_PLAIN, "Shunt %s: %zu bridge%s, %zu port%s",
		    jread_str(answer, "version", err), n, units_s(n), n_ports, units_s(n_ports));
	view_nl(v);
	if (!n) {
		view_puts(v, TONE_DIM, "Add one with: ovs-vsctl add-br br0");
		view_nl(v);
	}
	for (size_t i = 0; i < n && !err->code; i++) {
		view_nl(v);
		show_bridge(v, jread_at(bridges, i, err), err);
	}
	return -err->code;
}
