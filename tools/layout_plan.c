/* SPDX-License-Identifier: Apache-2.0 */
/* What a NIC would take, what that is worth, and what stays out. */
#include <inttypes.h>
#include <string.h>

#include "tools/jread.h"
#include "tools/layout.h"
#include "tools/table.h"
#include "tools/units.h"

#define BAR_CELLS 20
#define LABEL 10
#define LINE_SHOWN 200 /* characters of a line that could not be read */

/* --- sums --- */

static bool has_rates(struct json_object *plan, struct error *err)
{
	return jread_f64(plan, "seconds", err) > 0;
}

/* Rates are compared as whole numbers, a thousandth of one each. */
static uint64_t milli(double x)
{
	return (uint64_t)(MIN(x, 1e15) * 1000);
}

static void sum_row(struct table *t, const char *name, enum view_tone tone, struct json_object *s,
		    struct json_object *all, bool rates, struct error *err)
{
	uint64_t packets = jread_u64(s, "packets", err), bytes = jread_u64(s, "bytes", err);

	table_cell(t, tone, "%s", name);
	table_cell(t, TONE_PLAIN, "%s", units_count(jread_u64(s, "flows", err)).s);
	table_cell(t, TONE_PLAIN, "%s", units_count(packets).s);
	table_cell(t, tone, "%s", units_percent(packets, jread_u64(all, "packets", err)).s);
	table_cell(t, TONE_PLAIN, "%s", units_bytes(bytes).s);
	table_cell(t, tone, "%s", units_percent(bytes, jread_u64(all, "bytes", err)).s);
	if (!rates)
		return;
	table_cell(t, TONE_PLAIN, "%s", units_rate(jread_f64(s, "pps", err)).s);
	table_cell(t, tone, "%s",
		   units_percent(milli(jread_f64(s, "pps", err)), milli(jread_f64(all, "pps", err)))
			   .s);
	table_cell(t, TONE_PLAIN, "%s", units_bits(jread_f64(s, "bps", err) * 8).s);
}

static void show_sums(struct view *v, struct json_object *plan, struct error *err)
{
	static const struct table_column columns[] = {
		{ "" },
		{ "FLOWS", .right = true },
		{ "PACKETS", .right = true },
		{ "SHARE", .right = true },
		{ "BYTES", .right = true },
		{ "SHARE", .right = true },
		{ "NOW", .right = true },
		{ "SHARE", .right = true },
		{ "", .right = true, .min_view = 90 },
	};
	static const struct {
		const char *key, *name;
		enum view_tone tone;
	} rows[] = {
		{ "total", "all flows", TONE_PLAIN },
		{ "fits", "fit the NIC", TONE_PLAIN },
		{ "hardware", "in its table", TONE_GOOD },
		{ "outside", "outside", TONE_WARN },
		{ "offloaded", "offloaded as it is", TONE_DIM },
	};
	struct json_object *all = jread_obj(plan, "total", err);
	bool rates = has_rates(plan, err);
	struct table t;

	table_init(&t, columns, rates ? 9 : 6);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct json_object *s = jread_obj(plan, rows[i].key, err);

		if (i + 1 == ARRAY_SIZE(rows) && !jread_u64(s, "flows", err))
			continue; /* the dumped switch offloads nothing */
		sum_row(&t, rows[i].name, rows[i].tone, s, all, rates, err);
	}
	table_print(&t, v);
	table_done(&t);
}

static void show_entries(struct view *v, struct json_object *plan, struct error *err)
{
	uint64_t used = jread_u64(plan, "used", err), need = jread_u64(plan, "entries", err);
	uint64_t capacity = jread_u64(plan, "capacity", err);
	struct str s = STR_INIT;

	view_bar(v, &s, used, capacity, BAR_CELLS);
	str_printf(&s, "  %s of %s (%s)", units_count(used).s, units_count(capacity).s,
		   units_percent(used, capacity).s);
	if (need > used)
		str_printf(&s, "; all that fits needs %s: the busiest have them",
			   units_count(need).s);
	view_field(v, "entries", need > used ? TONE_WARN : TONE_PLAIN, str_cstr(&s));
	str_done(&s);
}

static void show_ports(struct view *v, struct json_object *plan, struct error *err)
{
	struct json_object *ports = jread_array(plan, "ports", err);
	struct str on = STR_INIT, off = STR_INIT;

	for (size_t i = 0; i < jread_len(ports); i++) {
		struct json_object *p = jread_at(ports, i, err);
		struct str *s = jread_bool(p, "nic", err) ? &on : &off;

		str_printf(s, "%s%s", s->len ? ", " : "", jread_str(p, "port", err));
	}
	if (on.len || off.len)
		view_field(v, "its ports", TONE_PLAIN, on.len ? str_cstr(&on) : "none");
	if (off.len)
		view_field(v, "others", TONE_PLAIN, str_cstr(&off));
	str_done(&on);
	str_done(&off);
}

static void show_head(struct view *v, struct json_object *plan, struct error *err)
{
	struct json_object *all = jread_obj(plan, "total", err);
	struct json_object *hw = jread_obj(plan, "hardware", err);

	view_puts(v, TONE_PLAIN, "NIC ");
	view_puts(v, TONE_BOLD, jread_str(plan, "profile", err));
	view_printf(v, TONE_DIM, "  %s", jread_str(plan, "description", err));
	view_nl(v);
	if (!jread_u64(all, "flows", err))
		view_puts(v, TONE_DIM, "  there is no flow");
	else if (has_rates(plan, err))
		view_printf(v, TONE_PLAIN, "  would carry %s of the packets now, %s of the bits",
			    units_percent(milli(jread_f64(hw, "pps", err)),
					  milli(jread_f64(all, "pps", err)))
				    .s,
			    units_percent(milli(jread_f64(hw, "bps", err)),
					  milli(jread_f64(all, "bps", err)))
				    .s);
	else
		view_printf(
			v, TONE_PLAIN, "  would carry %s of the packets, %s of the bytes",
			units_percent(jread_u64(hw, "packets", err), jread_u64(all, "packets", err))
				.s,
			units_percent(jread_u64(hw, "bytes", err), jread_u64(all, "bytes", err)).s);
	view_nl(v);
}

/* --- reasons --- */

static void show_example(struct view *v, struct json_object *e, struct error *err)
{
	v->label_width = LABEL;
	view_field(v, "such as", TONE_DIM, jread_str(e, "place", err));
	view_field(v, "match", TONE_DIM, jread_str(e, "match", err));
	view_field(v, "actions", TONE_DIM, jread_str(e, "actions", err));
}

/* "field", "action" or the word of a dump: what is at fault. */
static void put_fault(struct str *s, struct json_object *r, struct error *err)
{
	static const char *const keys[] = { "field", "action", "word" };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const char *x = jread_str(r, keys[i], err);

		if (*x)
			str_printf(s, " %s", x);
	}
}

static void show_reason(struct view *v, struct json_object *r, struct json_object *all, bool rates,
			struct error *err)
{
	uint64_t flows = jread_u64(r, "flows", err), packets = jread_u64(r, "packets", err);
	struct str s = STR_INIT;

	v->indent = 2;
	str_puts(&s, jread_str(r, "reason", err));
	put_fault(&s, r, err);
	view_nl(v);
	view_pad(v, v->indent);
	view_puts(v, TONE_WARN, str_cstr(&s));
	view_printf(v, TONE_PLAIN, "  %s flow%s, ", units_count(flows).s, units_s(flows));
	if (rates)
		view_printf(v, TONE_PLAIN, "%s (%s)", units_rate(jread_f64(r, "pps", err)).s,
			    units_percent(milli(jread_f64(r, "pps", err)),
					  milli(jread_f64(all, "pps", err)))
				    .s);
	else
		view_printf(v, TONE_PLAIN, "%s packet%s (%s), %s", units_count(packets).s,
			    units_s(packets),
			    units_percent(packets, jread_u64(all, "packets", err)).s,
			    units_bytes(jread_u64(r, "bytes", err)).s);
	view_nl(v);
	v->indent = 4;
	v->label_width = 2;
	view_field(v, "", TONE_PLAIN, jread_str(r, "text", err));
	view_field(v, view_glyph(v, GLYPH_ARROW), TONE_PLAIN, jread_str(r, "advice", err));
	if (jread_has(r, "example"))
		show_example(v, jread_obj(r, "example", err), err);
	v->indent = 0;
	str_done(&s);
}

static void show_reasons(struct view *v, struct json_object *plan, struct error *err)
{
	struct json_object *reasons = jread_array(plan, "reasons", err);
	struct json_object *all = jread_obj(plan, "total", err);
	bool rates = has_rates(plan, err);

	view_nl(v);
	if (!jread_len(reasons)) {
		view_note(v, "Nothing stays out.");
		return;
	}
	view_puts(v, TONE_BOLD, "What stays out, the costliest first");
	view_nl(v);
	for (size_t i = 0; i < jread_len(reasons) && !err->code; i++)
		show_reason(v, jread_at(reasons, i, err), all, rates, err);
}

static void show_unreadable(struct view *v, struct json_object *plan, struct error *err)
{
	struct json_object *u = jread_obj(plan, "unreadable", err);
	struct json_object *shown = jread_array(u, "shown", err);
	uint64_t lines = jread_u64(u, "lines", err);

	if (!lines)
		return;
	view_nl(v);
	view_printf(v, TONE_BAD, "%s line%s could not be read, and %s in no sum",
		    units_count(lines).s, units_s(lines), lines == 1 ? "is" : "are");
	view_nl(v);
	v->indent = 2;
	v->label_width = LABEL;
	for (size_t i = 0; i < jread_len(shown); i++) {
		struct json_object *l = jread_at(shown, i, err);

		view_field(v, "place", TONE_PLAIN, jread_str(l, "place", err));
		view_field(v, "why", TONE_PLAIN, jread_str(l, "why", err));
		view_fieldf(v, "line", TONE_DIM, "%.*s", LINE_SHOWN, jread_str(l, "line", err));
	}
	v->indent = 0;
	if (lines > jread_len(shown)) {
		view_printf(v, TONE_DIM, "  and %s more", units_count(lines - jread_len(shown)).s);
		view_nl(v);
	}
}

int layout_plan(struct view *v, struct json_object *answer, struct error *err)
{
	show_head(v, answer, err);
	view_nl(v);
	v->indent = 2;
	show_sums(v, answer, err);
	view_nl(v);
	v->label_width = LABEL + 2;
	show_entries(v, answer, err);
	show_ports(v, answer, err);
	v->indent = 0;
	show_reasons(v, answer, err);
	show_unreadable(v, answer, err);
	return -err->code;
}
