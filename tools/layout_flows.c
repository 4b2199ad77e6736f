/* SPDX-License-Identifier: Apache-2.0 */
/* Flows: the list, and one flow's whole story. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/xalloc.h"
#include "tools/jread.h"
#include "tools/layout.h"
#include "tools/table.h"
#include "tools/units.h"

#define BAR_CELLS 20
#define STEP_INDENT 27 /* behind the time and what has passed since the step before */
#define DATE_LEN 10    /* 2026-01-31 */
#define STATES_MAX 16  /* kinds of state told apart in the sum */

void layout_flow_text(struct view *v, struct json_object *flow, struct error *err)
{
	view_field(v, "match", TONE_PLAIN, jread_str(flow, "match", err));
	view_field(v, "actions", TONE_PLAIN, jread_str(flow, "actions", err));
	if (strcmp(jread_str(flow, "reason", err), "ok") != 0)
		view_field(v, "why", TONE_WARN, jread_str(flow, "why", err));
}

/* --- the list --- */

struct state_count {
	const char *state; /* borrowed */
	size_t n;
};

static void count_state(struct state_count c[], const char *state)
{
	for (unsigned i = 0; i < STATES_MAX; i++) {
		if (!c[i].state)
			c[i].state = state;
		if (!strcmp(c[i].state, state)) {
			c[i].n++;
			return;
		}
	}
}

static void show_sum(struct view *v, struct json_object *flows, struct error *err)
{
	struct state_count c[STATES_MAX] = { { NULL, 0 } };
	size_t n = jread_len(flows);

	for (size_t i = 0; i < n; i++)
		count_state(c, jread_str(jread_at(flows, i, err), "state", err));
	view_printf(v, TONE_BOLD, "%zu flow%s", n, units_s(n));
	for (unsigned i = 0; i < STATES_MAX && c[i].state; i++) {
		view_puts(v, TONE_PLAIN, i ? ", " : ": ");
		view_printf(v, layout_state_tone(c[i].state), "%zu %s", c[i].n, c[i].state);
	}
	view_nl(v);
}

static void show_flow(struct view *v, struct json_object *f, struct error *err)
{
	const char *state = jread_str(f, "state", err), *device = jread_str(f, "device", err);
	const char *port = jread_str(f, "port", err), *dot = view_glyph(v, GLYPH_DOT);
	uint64_t packets = jread_u64(f, "packets", err);
	struct str s = STR_INIT;

	view_nl(v);
	view_puts(v, TONE_BOLD, jread_str(f, "ufid", err));
	view_printf(v, layout_state_tone(state), "  %s", state);
	view_nl(v);
	str_printf(&s, "%s %s %s packet%s, %s %s %s old", units_rate(jread_f64(f, "pps", err)).s,
		   dot, units_count(packets).s, units_s(packets),
		   units_bytes(jread_u64(f, "bytes", err)).s, dot,
		   units_ms(jread_u64(f, "age_ms", err)).s);
	if (*port)
		str_printf(&s, " %s port %s", dot, port);
	if (*device)
		str_printf(&s, " %s device %s", dot, device);
	view_field(v, "traffic", TONE_PLAIN, str_cstr(&s));
	str_done(&s);
	layout_flow_text(v, f, err);
}

int layout_flows(struct view *v, struct json_object *answer, struct error *err)
{
	if (!jread_is(answer, json_type_array, err))
		return -err->code;
	show_sum(v, answer, err);
	v->indent = 2;
	v->label_width = 9;
	for (size_t i = 0; i < jread_len(answer) && !err->code; i++)
		show_flow(v, jread_at(answer, i, err), err);
	return -err->code;
}

/* --- one flow's story --- */

static void tier_row(struct table *t, const struct view *v, const char *tier, struct json_object *o,
		     uint64_t all, struct error *err)
{
	uint64_t packets = jread_u64(o, "packets", err);
	struct str bar = STR_INIT;

	view_bar(v, &bar, packets, all, BAR_CELLS);
	table_cell(t, layout_state_tone(tier), "%s", tier);
	table_cell(t, TONE_PLAIN, "%s", units_count(packets).s);
	table_cell(t, TONE_PLAIN, "%s", units_bytes(jread_u64(o, "bytes", err)).s);
	table_cell(t, layout_state_tone(tier), "%s", str_cstr(&bar));
	table_cell(t, TONE_PLAIN, "%s", units_percent(packets, all).s);
	str_done(&bar);
}

static void show_carried(struct view *v, struct json_object *f, struct error *err)
{
	static const struct table_column columns[] = {
		{ "SWITCHED BY" }, { "PACKETS", .right = true }, { "BYTES", .right = true },
		{ "SHARE" },       { "", .right = true },
	};
	uint64_t all = jread_u64(f, "packets", err);
	struct json_object *tiers = jread_obj(f, "tiers", err);
	struct table t;

	view_nl(v);
	if (!tiers || !json_object_object_length(tiers)) {
		view_note(v, "It has not switched a packet yet.");
		return;
	}
	table_init(&t, columns, ARRAY_SIZE(columns));
	json_object_object_foreach(tiers, tier, value)
	{
		bool fits = json_object_is_type(value, json_type_object);

		tier_row(&t, v, tier, fits ? value : NULL, all, err);
	}
	table_print(&t, v);
	table_done(&t);
}

static void show_verdict(struct view *v, struct json_object *f, struct error *err)
{
	const char *retry = jread_opt_str(f, "retry", err);

	v->label_width = 12;
	view_nl(v);
	if (jread_has(f, "fault")) {
		struct json_object *fault = jread_obj(f, "fault", err);
		const char *ended = jread_opt_str(fault, "ended", err);

		view_fieldf(v, ended ? "was a fault" : "FAULT", ended ? TONE_WARN : TONE_BAD,
			    "%s; since %s%s%s", jread_str(fault, "text", err),
			    jread_str(fault, "since", err), ended ? ", until " : "",
			    ended ? ended : "");
	}
	if (!strcmp(jread_str(f, "reason", err), "ok")) {
		view_field(v, "verdict", TONE_GOOD,
			   strcmp(jread_str(f, "state", err), "hardware") != 0
				   ? "nothing keeps it out of hardware"
				   : "in hardware: the device confirmed the rule");
		return;
	}
	view_fieldf(v, "reason", TONE_WARN, "%s (%s)", jread_str(f, "why", err),
		    jread_str(f, "reason", err));
	view_field(v, "what to do", TONE_PLAIN, jread_str(f, "advice", err));
	if (jread_has(f, "retry_in_ms"))
		view_fieldf(v, "next try", TONE_PLAIN, "%s (in %s)", retry ? retry : "at once",
			    units_ms(jread_u64(f, "retry_in_ms", err)).s);
	else if (retry)
		view_field(v, "next try", TONE_PLAIN, retry);
}

/* Milliseconds since 1970 of "2026-01-31T12:00:00.000Z"; false when it does not look like that. */
static bool stamp_ms(const char *at, int64_t *ms)
{
	struct tm tm = { 0 };
	const char *rest = strptime(at, "%Y-%m-%dT%H:%M:%S", &tm);
	unsigned milli;

	if (!rest || sscanf(rest, ".%3uZ", &milli) != 1)
		return false;
	*ms = (int64_t)timegm(&tm) * 1000 + milli;
	return true;
}

/* "+5 ms" behind the step before it; nothing for the first. */
static void put_since(struct str *s, const char *at, const char *before)
{
	int64_t now, then;

	if (before && stamp_ms(at, &now) && stamp_ms(before, &then) && now >= then)
		str_printf(s, "+%s", units_ms((uint64_t)(now - then)).s);
}

struct step {
	const char *at, *before; /* before NULL: the first shown */
	const char *why, *why_before;
	bool last;
};

static void put_move(struct view *v, struct json_object *o, struct error *err)
{
	const char *to = jread_str(o, "to", err), *from = jread_str(o, "from", err);
	uint64_t packets = jread_u64(o, "packets", err);

	view_puts(v, layout_state_tone(to), view_glyph(v, GLYPH_POINT));
	view_pad(v, 1);
	if (strcmp(from, to) != 0)
		view_printf(v, TONE_DIM, "%s %s ", from, view_glyph(v, GLYPH_ARROW));
	view_puts(v, layout_state_tone(to), to);
	if (packets)
		view_printf(v, TONE_DIM, "  after %s packet%s, %s", units_count(packets).s,
			    units_s(packets), units_bytes(jread_u64(o, "bytes", err)).s);
	view_nl(v);
}

static void show_step(struct view *v, struct json_object *o, const struct step *st,
		      struct error *err)
{
	struct str since = STR_INIT;
	bool new_day = !st->before || strncmp(st->at, st->before, DATE_LEN) != 0;

	if (new_day) {
		view_printf(v, TONE_DIM, "  %.*s", DATE_LEN, st->at);
		view_nl(v);
	}
	put_since(&since, st->at, st->before);
	view_printf(v, TONE_DIM, "  %-12.12s  %9s  ",
		    strlen(st->at) > DATE_LEN ? st->at + DATE_LEN + 1 : "", str_cstr(&since));
	str_done(&since);
	put_move(v, o, err);
	/* that a queued flow waits says its state already */
	if (!*st->why || !strcmp(st->why, st->why_before) ||
	    !strcmp(jread_str(o, "reason", err), "pending"))
		return;
	v->indent = STEP_INDENT;
	v->label_width = 2;
	view_field(v, st->last ? "" : view_glyph(v, GLYPH_LINE), TONE_PLAIN, st->why);
}

static void show_history(struct view *v, struct json_object *f, struct error *err)
{
	struct json_object *history = jread_array(f, "history", err);
	uint64_t steps = jread_u64(f, "steps", err);
	struct step st = { .why = "" };
	size_t n = jread_len(history);

	view_nl(v);
	view_pad(v, v->indent);
	view_puts(v, TONE_PLAIN, "History (UTC)");
	if (steps > n)
		view_printf(v, TONE_DIM, "  the last %zu of %s steps", n, units_count(steps).s);
	view_nl(v);
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = jread_at(history, i, err);

		st.before = st.at;
		st.at = jread_str(o, "at", err);
		st.why_before = st.why;
		st.why = jread_str(o, "why", err);
		st.last = i + 1 == n;
		show_step(v, o, &st, err);
	}
}

static void show_story(struct view *v, struct json_object *f, struct error *err)
{
	const char *state = jread_str(f, "state", err), *device = jread_str(f, "device", err);
	const char *port = jread_str(f, "port", err);
	uint64_t cost = jread_u64(f, "cost", err), packets = jread_u64(f, "packets", err);

	view_puts(v, TONE_PLAIN, "Flow ");
	view_puts(v, TONE_BOLD, jread_str(f, "ufid", err));
	view_printf(v, layout_state_tone(state), "  %s", state);
	view_nl(v);
	v->indent = 2;
	v->label_width = 9;
	view_field(v, "match", TONE_PLAIN, jread_str(f, "match", err));
	view_field(v, "actions", TONE_PLAIN, jread_str(f, "actions", err));
	view_field(v, "port", TONE_PLAIN, *port ? port : "none");
	if (*device && cost)
		view_fieldf(v, "device", TONE_PLAIN, "%s, %s of its entries", device,
			    units_count(cost).s);
	else
		view_field(v, "device", TONE_PLAIN, *device ? device : "none");
	view_fieldf(v, "traffic", TONE_PLAIN, "%s now; %s packet%s, %s in %s",
		    units_rate(jread_f64(f, "pps", err)).s, units_count(packets).s,
		    units_s(packets), units_bytes(jread_u64(f, "bytes", err)).s,
		    units_ms(jread_u64(f, "age_ms", err)).s);
	show_carried(v, f, err);
	show_verdict(v, f, err);
	show_history(v, f, err);
}

int layout_why(struct view *v, struct json_object *answer, struct error *err)
{
	if (!jread_is(answer, json_type_array, err))
		return -err->code;
	for (size_t i = 0; i < jread_len(answer) && !err->code; i++) {
		if (i)
			view_nl(v);
		show_story(v, jread_at(answer, i, err), err);
	}
	return -err->code;
}
