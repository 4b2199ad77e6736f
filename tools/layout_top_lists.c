/* SPDX-License-Identifier: Apache-2.0 */
/* The lower half of the live view: ports, the latest moves, the first flows. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/xalloc.h"
#include "tools/jread.h"
#include "tools/layout_top_priv.h"
#include "tools/units.h"

/* Objects of a list, in an order of the view's own. */
struct item {
	struct json_object *o;
	double rank;
};

struct items {
	struct item *v; /* owned */
	size_t n, cap;
};

static void add_item(struct items *l, struct json_object *o, double rank)
{
	if (l->n == l->cap)
		l->v = xgrow(l->v, &l->cap, l->n + 1, sizeof(*l->v));
	l->v[l->n++] = (struct item){ o, rank };
}

static int first_first(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return (x->rank < y->rank) - (x->rank > y->rank);
}

static void sort_items(struct items *l)
{
	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), first_first);
}

/* --- ports --- */

struct port_sums {
	double packets, hw, bytes;
};

/* What came by the port: a second, or in the first frame ever. */
static struct port_sums port_sums(const struct layout_frame *f, struct json_object *p,
				  struct error *err)
{
	struct json_object *packets = jread_obj(p, "packets", err),
			   *bytes = jread_obj(p, "bytes", err);
	struct json_object *was =
		top_find(f->before, "ports", "name", jread_str(p, "name", err), err);
	struct json_object *was_packets = was ? jread_obj(was, "packets", err) : NULL;
	struct json_object *was_bytes = was ? jread_obj(was, "bytes", err) : NULL;
	struct port_sums s = { 0, 0, 0 };

	if (!packets || !bytes)
		return s;
	json_object_object_foreach(packets, tier, value)
	{
		uint64_t n = jread_u64(packets, tier, err), b = jread_u64(bytes, tier, err);
		double rate = f->before
				      ? top_rate(f, n, was ? jread_u64(was_packets, tier, err) : 0)
				      : (double)n;

		(void)value;
		s.packets += rate;
		s.hw += !strcmp(tier, "hardware") ? rate : 0;
		s.bytes += top_rate(f, b, was ? jread_u64(was_bytes, tier, err) : 0);
	}
	return s;
}

struct port_list {
	const struct layout_frame *f;
	struct items items;
};

static void add_port(struct json_object *p, void *aux, struct error *err)
{
	struct port_list *l = aux;

	add_item(&l->items, p, port_sums(l->f, p, err).packets);
}

static size_t ports_count(const struct layout_frame *f, struct error *err)
{
	return top_count(f->now, "ports", err);
}

static void port_row(struct table *t, const struct view *v, const struct layout_frame *f,
		     struct json_object *p, struct error *err)
{
	struct port_sums s = port_sums(f, p, err);
	const char *device = jread_str(p, "device", err);
	bool enabled = jread_bool(p, "enabled", err);

	table_cell(t, TONE_BOLD, "%s", jread_str(p, "name", err));
	table_cell(t, TONE_PLAIN, "%s", units_count(jread_u64(p, "flows", err)).s);
	table_cell(t, TONE_PLAIN, "%s", units_count(jread_u64(p, "flows_hardware", err)).s);
	top_cell_rate(t, f, s.packets);
	top_cell_bits(t, f, s.bytes);
	top_cell_share(t, v, TONE_GOOD, s.hw, s.packets);
	table_cell(t, *device && enabled ? TONE_PLAIN : TONE_DIM, "%s%s", *device ? device : "none",
		   enabled ? "" : " (off)");
}

static void ports_show(struct view *v, const struct layout_frame *f, size_t rows, struct error *err)
{
	struct top_head head = top_head("PORT", rows, ports_count(f, err));
	const struct table_column columns[] = {
		{ head.s, .flexible = true, .min = 11 }, { "FLOWS", .right = true, .min = 6 },
		{ "IN HW", .right = true, .min = 6 },    { "RATE", .right = true, .min = 8 },
		{ "BITS", .right = true, .min = 9 },     { "HW SHARE" },
		{ "", .right = true, .min = 5 },         { "DEVICE", .flexible = true },
	};
	struct port_list l = { .f = f };
	struct table t;

	top_each(f->now, "ports", add_port, &l, err);
	sort_items(&l.items);
	table_init(&t, columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < MIN(l.items.n, rows); i++)
		port_row(&t, v, f, l.items.v[i].o, err);
	table_print(&t, v);
	table_done(&t);
	free(l.items.v);
}

const struct top_section top_ports = { 2, 8, ports_count, ports_show };

/* --- moves --- */

static const char *const move_names[] = { "installed", "tc", "removed", "lost", "refused" };

struct moves {
	uint64_t n[ARRAY_SIZE(move_names)];
};

static struct moves moves_of(struct json_object *answer, struct error *err)
{
	struct json_object *dps = jread_array(answer, "datapaths", err);
	struct moves m = { { 0 } };

	for (size_t i = 0; i < jread_len(dps); i++) {
		struct json_object *o = jread_obj(jread_at(dps, i, err), "moves", err);

		for (size_t k = 0; k < ARRAY_SIZE(move_names); k++)
			m.n[k] += jread_u64(o, move_names[k], err);
	}
	return m;
}

/* "MOVES  installed 1.2K/s · lost 0/s": how many of each kind, a second. */
static void put_moves_head(struct view *v, const struct layout_frame *f, struct error *err)
{
	struct moves now = moves_of(f->now, err), before = now;

	if (f->before)
		before = moves_of(f->before, err);
	view_puts(v, TONE_DIM, "MOVES      ");
	for (size_t k = 0; k < ARRAY_SIZE(move_names); k++) {
		bool tc = !strcmp(move_names[k], "tc");

		if (tc && !now.n[k])
			continue;
		view_printf(v, TONE_DIM, "  %s ", move_names[k]);
		view_puts(v,
			  !strcmp(move_names[k], "lost") && now.n[k] != before.n[k] ? TONE_BAD
										    : TONE_PLAIN,
			  f->before ? units_rate(top_rate(f, now.n[k], before.n[k])).s
				    : units_count(now.n[k]).s);
	}
	view_nl(v);
}

/* "12:00:00.123" of this place of "2026-01-31T12:00:00.123Z". */
static void put_clock(struct str *s, const char *at)
{
	struct tm tm = { 0 }, local;
	const char *rest = strptime(at, "%Y-%m-%dT%H:%M:%S", &tm);
	char text[16] = "";
	time_t when;

	if (!rest || *rest != '.' || strlen(rest) != 5)
		return;
	when = timegm(&tm);
	if (localtime_r(&when, &local) && strftime(text, sizeof(text), "%H:%M:%S", &local))
		str_printf(s, "%s%.4s", text, rest);
}

static void add_move(struct json_object *o, void *aux, struct error *err)
{
	const char *at = jread_str(o, "at", err);
	struct items *l = aux;
	struct tm tm = { 0 };
	const char *rest = strptime(at, "%Y-%m-%dT%H:%M:%S", &tm);

	/* newest first: seconds and their part; equal ones stay as they came */
	add_item(l, o, rest ? (double)timegm(&tm) + strtod(rest, NULL) - (double)l->n * 1e-6 : 0);
}

static size_t moves_count(const struct layout_frame *f, struct error *err)
{
	return top_count(f->now, "latest_moves", err);
}

#define WHOLE_MATCH 200 /* columns from which on a match is worth its whole length */

/* Behind "word(…)," where the text begins with that. */
static const char *skip(const char *match, const char *word)
{
	const char *end = strstr(match, "),");

	return !strncmp(match, word, strlen(word)) && end ? end + 2 : match;
}

/* A match without what each row would say again: its port has a column, and few recirculate; and in
 * few columns with its most telling part in front. */
static const char *short_match(const struct view *v, const char *match)
{
	match = skip(skip(match, "recirc_id(0)"), "in_port(");
	if (v->width && v->width < WHOLE_MATCH &&
	    (strstr(match, ",ipv4(") || strstr(match, ",ipv6(")))
		match = skip(skip(match, "eth("), "eth_type(");
	return match;
}

static void move_row(struct table *t, const struct view *v, struct json_object *o,
		     struct error *err)
{
	const char *to = jread_str(o, "to", err), *reason = jread_str(o, "reason", err);
	const char *match = short_match(v, jread_str(o, "match", err));
	struct str at = STR_INIT;
	bool ok = !strcmp(reason, "ok");

	put_clock(&at, jread_str(o, "at", err));
	table_cell(t, TONE_DIM, "%s", str_cstr(&at));
	str_done(&at);
	table_cell(t, layout_state_tone(to), "%s %s %s", jread_str(o, "from", err),
		   view_glyph(v, GLYPH_ARROW), to);
	table_cell(t, ok ? TONE_DIM : TONE_WARN, "%s", ok ? "-" : reason);
	table_cell(t, TONE_PLAIN, "%s", jread_str(o, "port", err));
	table_cell(t, *match ? TONE_PLAIN : TONE_DIM, "%s", *match ? match : "(has ended)");
	table_cell(t, TONE_DIM, "%s", jread_str(o, "ufid", err));
}

static void moves_show(struct view *v, const struct layout_frame *f, size_t rows, struct error *err)
{
	static const struct table_column columns[] = {
		{ "", .min = 12 },        { "", .min = 21 },        { "", .min = 9 },
		{ "", .flexible = true }, { "", .flexible = true }, { "", .min_view = 170 },
	};
	struct items l = { NULL, 0, 0 };
	struct table t;

	put_moves_head(v, f, err);
	top_each(f->now, "latest_moves", add_move, &l, err);
	sort_items(&l);
	table_init(&t, columns, ARRAY_SIZE(columns));
	t.headless = true;
	for (size_t i = 0; i < MIN(l.n, rows); i++)
		move_row(&t, v, l.v[i].o, err);
	table_print(&t, v);
	table_done(&t);
	free(l.v);
}

const struct top_section top_moves = { 2, 8, moves_count, moves_show };

/* --- flows --- */

/* Bytes a second: its rate, times the mean of its frames (of those between the two looks, where
 * there were some). */
static double flow_bytes_s(const struct layout_frame *f, struct json_object *o, struct error *err)
{
	struct json_object *was =
		top_find(f->before, "flows", "ufid", jread_str(o, "ufid", err), err);
	uint64_t packets = jread_u64(o, "packets", err), bytes = jread_u64(o, "bytes", err);
	uint64_t old = was ? jread_u64(was, "packets", err) : 0;

	if (was && old < packets && jread_u64(was, "bytes", err) <= bytes) {
		packets -= old;
		bytes -= jread_u64(was, "bytes", err);
	}
	return packets ? jread_f64(o, "pps", err) * (double)bytes / (double)packets : 0;
}

struct flow_list {
	const struct layout_frame *f;
	struct items items;
};

static void add_flow(struct json_object *o, void *aux, struct error *err)
{
	struct flow_list *l = aux;
	double rank = 0;

	switch (l->f->order) {
	case LAYOUT_BY_RATE: rank = jread_f64(o, "pps", err); break;
	case LAYOUT_BY_BITS: rank = flow_bytes_s(l->f, o, err); break;
	case LAYOUT_BY_PACKETS: rank = (double)jread_u64(o, "packets", err); break;
	case LAYOUT_BY_AGE: rank = -(double)jread_u64(o, "age_ms", err); break;
	case LAYOUT_N_ORDERS: break;
	}
	add_item(&l->items, o, rank);
}

static void flow_row(struct table *t, const struct view *v, const struct layout_frame *f,
		     struct json_object *o, struct error *err)
{
	const char *state = jread_str(o, "state", err), *reason = jread_str(o, "reason", err);
	bool ok = !strcmp(reason, "ok");

	table_cell(t, TONE_PLAIN, "%s", units_rate(jread_f64(o, "pps", err)).s);
	table_cell(t, TONE_PLAIN, "%s", units_bits(flow_bytes_s(f, o, err) * 8).s);
	table_cell(t, TONE_PLAIN, "%s", units_count(jread_u64(o, "packets", err)).s);
	table_cell(t, TONE_PLAIN, "%s", units_ms(jread_u64(o, "age_ms", err)).s);
	table_cell(t, layout_state_tone(state), "%s", state);
	table_cell(t, ok ? TONE_DIM : TONE_WARN, "%s", ok ? "-" : reason);
	table_cell(t, TONE_PLAIN, "%s", jread_str(o, "port", err));
	table_cell(t, TONE_PLAIN, "%s", jread_str(o, "device", err));
	table_cell(t, TONE_PLAIN, "%s", short_match(v, jread_str(o, "match", err)));
	table_cell(t, TONE_PLAIN, "%s", jread_str(o, "actions", err));
	table_cell(t, TONE_DIM, "%s", jread_str(o, "ufid", err));
}

static size_t flows_count(const struct layout_frame *f, struct error *err)
{
	size_t n = top_count(f->now, "flows", err);

	return n ? n : 1; /* that there is none is worth a line */
}

static void flows_show(struct view *v, const struct layout_frame *f, size_t rows, struct error *err)
{
	const struct table_column columns[] = {
		{ "RATE", .right = true, .min = 8 },
		{ "BITS", .right = true, .min = 9 },
		{ "PACKETS", .right = true, .min_view = f->order == LAYOUT_BY_PACKETS ? 0 : 120 },
		{ "AGE", .right = true, .min = 7, .min_view = f->order == LAYOUT_BY_AGE ? 0 : 120 },
		{ "STATE", .min = 8 },
		{ "WHY", .min = 9 },
		{ "PORT", .flexible = true },
		{ "DEVICE", .min_view = 140 },
		{ "MATCH", .flexible = true },
		{ "ACTIONS", .flexible = true, .min_view = 100 },
		{ "UFID", .min_view = 200 },
	};
	struct flow_list l = { .f = f };
	struct table t;

	top_each(f->now, "flows", add_flow, &l, err);
	sort_items(&l.items);
	table_init(&t, columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < MIN(l.items.n, rows); i++)
		flow_row(&t, v, f, l.items.v[i].o, err);
	if (t.n_cells)
		table_print(&t, v);
	else
		view_note(v, "No flows.");
	table_done(&t);
	free(l.items.v);
}

const struct top_section top_flows = { 4, 0, flows_count, flows_show };
