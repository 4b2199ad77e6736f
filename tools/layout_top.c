/* SPDX-License-Identifier: Apache-2.0 */
/* One moment of the live view: what each tier switches now, how full devices are, the busiest
 * flows. */
#include <inttypes.h>
#include <string.h>

#include "tools/jread.h"
#include "tools/layout.h"
#include "tools/table.h"
#include "tools/units.h"

#define BAR_CELLS 20
#define TIERS_MAX 8

/* --- tiers, all datapaths together --- */

struct tier {
	const char *name; /* borrowed from the answer */
	uint64_t flows, packets, bytes;
};

struct tiers {
	struct tier t[TIERS_MAX];
	unsigned n;
};

static struct tier *tier_named(struct tiers *all, const char *name)
{
	for (unsigned i = 0; i < all->n; i++)
		if (!strcmp(all->t[i].name, name))
			return &all->t[i];
	if (all->n == TIERS_MAX)
		return NULL;
	all->t[all->n] = (struct tier){ .name = name };
	return &all->t[all->n++];
}

static void add_tiers(struct tiers *all, struct json_object *dp, struct error *err)
{
	struct json_object *list = jread_array(dp, "tiers", err);

	for (size_t i = 0; i < jread_len(list); i++) {
		struct json_object *o = jread_at(list, i, err);
		struct tier *t = tier_named(all, jread_str(o, "tier", err));

		if (!t)
			return;
		t->flows += jread_u64(o, "flows", err);
		t->packets += jread_u64(o, "packets", err);
		t->bytes += jread_u64(o, "bytes", err);
	}
}

static void read_tiers(struct tiers *all, struct json_object *status, struct error *err)
{
	struct json_object *dps = jread_array(status, "datapaths", err);

	*all = (struct tiers){ .n = 0 };
	for (size_t i = 0; i < jread_len(dps); i++)
		add_tiers(all, jread_at(dps, i, err), err);
}

/* What has been added since `last`; a smaller number now is a switch that started anew. */
static uint64_t growth(uint64_t now, uint64_t last)
{
	return now >= last ? now - last : now;
}

/* Turns `now` into what came between the frames. */
static void since_last(struct tiers *now, struct tiers *last)
{
	for (unsigned i = 0; i < now->n; i++) {
		struct tier *t = &now->t[i], *before = tier_named(last, t->name);

		if (!before)
			continue;
		t->packets = growth(t->packets, before->packets);
		t->bytes = growth(t->bytes, before->bytes);
	}
}

static void tier_row(struct table *t, const struct view *v, const struct tier *tier,
		     uint64_t packets, double seconds)
{
	enum view_tone tone = layout_state_tone(tier->name);
	struct str bar = STR_INIT;

	view_bar(v, &bar, tier->packets, packets, BAR_CELLS);
	table_cell(t, tone, "%s", tier->name);
	table_cell(t, TONE_PLAIN, "%s", units_count(tier->flows).s);
	table_cell(t, TONE_PLAIN, "%s",
		   seconds > 0 ? units_rate((double)tier->packets / seconds).s : "-");
	table_cell(t, TONE_PLAIN, "%s",
		   seconds > 0 ? units_bits((double)tier->bytes * 8 / seconds).s : "-");
	table_cell(t, tone, "%s", str_cstr(&bar));
	table_cell(t, TONE_PLAIN, "%s", units_percent(tier->packets, packets).s);
	str_done(&bar);
}

static void show_tiers(struct view *v, const struct layout_frame *f, struct error *err)
{
	const struct table_column columns[] = {
		{ "SWITCHED BY" },
		{ "FLOWS", .right = true },
		{ "RATE", .right = true },
		{ "", .right = true },
		{ f->last_status ? "SHARE NOW" : "SHARE SINCE START" },
		{ "", .right = true },
	};
	struct tiers now, last;
	uint64_t packets = 0;
	struct table t;

	read_tiers(&now, f->status, err);
	if (f->last_status) {
		read_tiers(&last, f->last_status, err);
		since_last(&now, &last);
	}
	for (unsigned i = 0; i < now.n; i++)
		packets += now.t[i].packets;
	table_init(&t, columns, ARRAY_SIZE(columns));
	for (unsigned i = 0; i < now.n; i++)
		if (now.t[i].flows || now.t[i].packets || !strcmp(now.t[i].name, "hardware"))
			tier_row(&t, v, &now.t[i], packets, f->last_status ? f->seconds : 0);
	table_print(&t, v);
	table_done(&t);
}

/* --- devices --- */

static void device_row(struct table *t, struct json_object *d, struct error *err)
{
	struct json_object *flows = jread_obj(d, "flows", err), *q = jread_obj(d, "queue", err);
	uint64_t used = jread_u64(d, "entries", err), capacity = jread_u64(d, "capacity", err);
	uint64_t refused = jread_u64(flows, "refused", err), lost = jread_u64(flows, "lost", err);
	uint64_t depth = jread_u64(q, "depth", err);

	table_cell(t, TONE_BOLD, "%s", jread_str(d, "name", err));
	table_cell(t, TONE_PLAIN, "%s", units_count(used).s);
	table_cell(t, TONE_PLAIN, "%s", capacity ? units_count(capacity).s : "unknown");
	table_cell(t, TONE_PLAIN, "%s", units_percent(used, capacity).s);
	table_cell(t, TONE_GOOD, "%s", units_count(jread_u64(flows, "hardware", err)).s);
	table_cell(t, refused ? TONE_WARN : TONE_DIM, "%s", units_count(refused).s);
	table_cell(t, lost ? TONE_BAD : TONE_DIM, "%s", units_count(lost).s);
	table_cell(t, depth ? TONE_PLAIN : TONE_DIM, "%s", units_count(depth).s);
	table_cell(t, TONE_PLAIN, "%s", units_count(jread_u64(d, "installs", err)).s);
	table_cell(t, TONE_PLAIN, "%s", units_count(jread_u64(d, "evictions", err)).s);
}

static void show_devices(struct view *v, struct json_object *status, struct error *err)
{
	static const struct table_column columns[] = {
		{ "DEVICE", .flexible = true },
		{ "ENTRIES", .right = true },
		{ "OF", .right = true },
		{ "", .right = true },
		{ "IN HW", .right = true },
		{ "REFUSED", .right = true },
		{ "LOST", .right = true },
		{ "QUEUE", .right = true },
		{ "INSTALLS", .right = true, .min_view = 100 },
		{ "EVICTIONS", .right = true, .min_view = 100 },
	};
	struct json_object *dps = jread_array(status, "datapaths", err);
	struct table t;

	table_init(&t, columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < jread_len(dps); i++) {
		struct json_object *list = jread_array(jread_at(dps, i, err), "devices", err);

		for (size_t k = 0; k < jread_len(list); k++)
			device_row(&t, jread_at(list, k, err), err);
	}
	if (t.n_cells) {
		view_nl(v);
		table_print(&t, v);
	}
	table_done(&t);
}

/* --- flows --- */

static struct json_object *flow_before(struct json_object *flows, const char *ufid,
				       struct error *err)
{
	for (size_t i = 0; i < jread_len(flows); i++) {
		struct json_object *f = jread_at(flows, i, err);

		if (!strcmp(jread_str(f, "ufid", err), ufid))
			return f;
	}
	return NULL;
}

/* A match without what each row would say again: its port has a column, and few recirculate. */
static const char *short_match(const char *match)
{
	static const char *const dull[] = { "recirc_id(0),", "in_port(" };

	if (!strncmp(match, dull[0], strlen(dull[0])))
		match += strlen(dull[0]);
	if (!strncmp(match, dull[1], strlen(dull[1])) && strstr(match, "),"))
		match = strstr(match, "),") + 2;
	return match;
}

static void flow_row(struct table *t, const struct layout_frame *fr, struct json_object *f,
		     struct error *err)
{
	const char *ufid = jread_str(f, "ufid", err), *state = jread_str(f, "state", err);
	struct json_object *before = flow_before(fr->last_flows, ufid, err);
	const char *reason = jread_str(f, "reason", err);
	uint64_t bytes = jread_u64(f, "bytes", err);
	bool ok = !strcmp(reason, "ok");

	table_cell(t, TONE_PLAIN, "%s", units_rate(jread_f64(f, "pps", err)).s);
	if (before)
		table_cell(t, TONE_PLAIN, "%s",
			   units_bits((double)growth(bytes, jread_u64(before, "bytes", err)) * 8 /
				      fr->seconds)
				   .s);
	else
		table_cell(t, TONE_DIM, "-");
	table_cell(t, layout_state_tone(state), "%s", state);
	table_cell(t, ok ? TONE_DIM : TONE_WARN, "%s", ok ? "-" : reason);
	table_cell(t, TONE_PLAIN, "%s", jread_str(f, "port", err));
	table_cell(t, TONE_PLAIN, "%s", jread_str(f, "device", err));
	table_cell(t, TONE_PLAIN, "%s", short_match(jread_str(f, "match", err)));
	table_cell(t, TONE_PLAIN, "%s", jread_str(f, "actions", err));
	table_cell(t, TONE_DIM, "%s", ufid);
}

static void show_flows(struct view *v, const struct layout_frame *fr, struct error *err)
{
	static const struct table_column columns[] = {
		{ "RATE", .right = true },
		{ "", .right = true },
		{ "STATE" },
		{ "WHY" },
		{ "PORT", .flexible = true },
		{ "DEVICE", .min_view = 120 },
		{ "MATCH", .flexible = true },
		{ "ACTIONS", .flexible = true, .min_view = 100 },
		{ "UFID", .min_view = 170 },
	};
	struct table t;

	view_nl(v);
	table_init(&t, columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < jread_len(fr->flows); i++)
		flow_row(&t, fr, jread_at(fr->flows, i, err), err);
	if (t.n_cells)
		table_print(&t, v);
	else
		view_note(v, "No flows.");
	table_done(&t);
}

int layout_top(struct view *v, const struct layout_frame *f, struct error *err)
{
	if (!jread_is(f->flows, json_type_array, err))
		return -err->code;
	v->indent = 0;
	show_tiers(v, f, err);
	show_devices(v, f->status, err);
	show_flows(v, f, err);
	return -err->code;
}
