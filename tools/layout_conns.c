/* SPDX-License-Identifier: Apache-2.0 */
/* Tracked connections: how many a NIC carries, and what keeps the others out. */
#include <inttypes.h>

#include "tools/jread.h"
#include "tools/layout.h"
#include "tools/table.h"
#include "tools/units.h"

#define BAR_CELLS 20

static void show_verdict(struct view *v, struct json_object *dp, struct error *err)
{
	uint64_t all = jread_u64(dp, "connections", err), hw = jread_u64(dp, "hardware", err);
	uint64_t others = jread_u64(dp, "others", err);

	view_puts(v, TONE_PLAIN, "Datapath ");
	view_puts(v, TONE_BOLD, jread_str(dp, "datapath", err));
	view_printf(v, TONE_PLAIN, "  %s connection%s tracked", units_count(all).s, units_s(all));
	if (all)
		view_printf(v, TONE_PLAIN, ", %s in hardware (%s)", units_count(hw).s,
			    units_percent(hw, all).s);
	view_nl(v);
	if (others) {
		view_printf(v, TONE_DIM, "(and %s in zones that no flow names)",
			    units_count(others).s);
		view_nl(v);
	}
	if (all && !jread_bool(dp, "counted", err))
		view_note(v, "The kernel does not count their packets: sysctl "
			     "net.netfilter.nf_conntrack_acct=1");
}

static void show_zones(struct view *v, struct json_object *zones, struct error *err)
{
	static const struct table_column columns[] = {
		{ "ZONE", .right = true, .min = 5 },  { "CONNECTIONS", .right = true },
		{ "IN HW", .right = true, .min = 6 }, { "SHARE" },
		{ "", .right = true, .min = 5 },      { "RULES" },
	};
	struct table t;

	if (!jread_len(zones))
		return;
	table_init(&t, columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < jread_len(zones); i++) {
		struct json_object *z = jread_at(zones, i, err);
		uint64_t all = jread_u64(z, "connections", err), hw = jread_u64(z, "hardware", err);
		bool rules = jread_bool(z, "in_hardware", err);
		struct str bar = STR_INIT;

		view_bar(v, &bar, hw, all, BAR_CELLS);
		table_cell(&t, TONE_BOLD, "%" PRIu64, jread_u64(z, "zone", err));
		table_cell(&t, TONE_PLAIN, "%s", units_count(all).s);
		table_cell(&t, TONE_GOOD, "%s", units_count(hw).s);
		table_cell(&t, TONE_GOOD, "%s", str_cstr(&bar));
		table_cell(&t, TONE_PLAIN, "%s", units_percent(hw, all).s);
		table_cell(&t, rules ? TONE_PLAIN : TONE_WARN, "%s",
			   rules ? "in a NIC" : "in no NIC");
		str_done(&bar);
	}
	table_print(&t, v);
	table_done(&t);
}

static void show_reasons(struct view *v, struct json_object *dp, struct error *err)
{
	struct json_object *reasons = jread_array(dp, "reasons", err);
	bool counted = jread_bool(dp, "counted", err);

	if (!jread_len(reasons))
		return;
	view_nl(v);
	v->indent = 2;
	view_note(v, "What keeps connections out of hardware:");
	for (size_t i = 0; i < jread_len(reasons); i++) {
		struct json_object *r = jread_at(reasons, i, err);
		uint64_t n = jread_u64(r, "connections", err),
			 packets = jread_u64(r, "packets", err);

		v->indent = 4;
		v->label_width = 3;
		view_pad(v, v->indent);
		view_puts(v, TONE_WARN, jread_str(r, "reason", err));
		view_printf(v, TONE_PLAIN, "  %s connection%s", units_count(n).s, units_s(n));
		if (counted)
			view_printf(v, TONE_PLAIN, ", %s packet%s, %s", units_count(packets).s,
				    units_s(packets), units_bytes(jread_u64(r, "bytes", err)).s);
		view_nl(v);
		view_field(v, "", TONE_PLAIN, jread_str(r, "text", err));
		view_field(v, view_glyph(v, GLYPH_ARROW), TONE_PLAIN, jread_str(r, "advice", err));
	}
	v->indent = 0;
}

static void show_outside(struct view *v, struct json_object *list, struct error *err)
{
	static const struct table_column columns[] = {
		{ "PACKETS", .right = true },
		{ "BYTES", .right = true },
		{ "WHY" },
		{ "CONNECTION", .flexible = true },
	};
	struct table t;

	if (!jread_len(list))
		return;
	view_nl(v);
	table_init(&t, columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < jread_len(list); i++) {
		struct json_object *o = jread_at(list, i, err);

		table_cell(&t, TONE_PLAIN, "%s", units_count(jread_u64(o, "packets", err)).s);
		table_cell(&t, TONE_PLAIN, "%s", units_bytes(jread_u64(o, "bytes", err)).s);
		table_cell(&t, TONE_WARN, "%s", jread_str(o, "reason", err));
		table_cell(&t, TONE_PLAIN, "%s", jread_str(o, "connection", err));
	}
	table_print(&t, v);
	table_done(&t);
}

int layout_connections(struct view *v, struct json_object *answer, struct error *err)
{
	struct json_object *dps = jread_array(answer, "datapaths", err);

	for (size_t i = 0; i < jread_len(dps) && !err->code; i++) {
		struct json_object *dp = jread_at(dps, i, err);

		if (i)
			view_nl(v);
		show_verdict(v, dp, err);
		v->indent = 2;
		show_zones(v, jread_array(dp, "zones", err), err);
		show_reasons(v, dp, err);
		v->indent = 0;
		show_outside(v, jread_array(dp, "outside", err), err);
	}
	if (!jread_len(dps))
		view_note(v, "No datapath here tracks connections.");
	return -err->code;
}
