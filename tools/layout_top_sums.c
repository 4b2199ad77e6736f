/* SPDX-License-Identifier: Apache-2.0 */
/* The upper half of the live view: what each tier switches, devices, what keeps traffic out. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/jread.h"
#include "tools/layout_top_priv.h"
#include "tools/units.h"

/* --- tiers, all datapaths together --- */

#define TIERS_MAX 8

struct tier {
	const char *name; /* borrowed from the answer */
	uint64_t flows, packets, bytes;
};

struct tiers {
	struct tier t[TIERS_MAX];
	unsigned n;
};

static void add_tier(struct json_object *o, void *aux, struct error *err)
{
	const char *name = jread_str(o, "tier", err);
	struct tiers *all = aux;
	unsigned i = 0;

	while (i < all->n && strcmp(all->t[i].name, name) != 0)
		i++;
	if (i == TIERS_MAX)
		return;
	if (i == all->n)
		all->t[all->n++] = (struct tier){ .name = name };
	all->t[i].flows += jread_u64(o, "flows", err);
	all->t[i].packets += jread_u64(o, "packets", err);
	all->t[i].bytes += jread_u64(o, "bytes", err);
}

static void read_tiers(struct tiers *all, struct json_object *answer, struct error *err)
{
	*all = (struct tiers){ .n = 0 };
	if (answer)
		top_each(answer, "tiers", add_tier, all, err);
}

static struct tier tier_named(const struct tiers *all, const char *name)
{
	for (unsigned i = 0; i < all->n; i++)
		if (!strcmp(all->t[i].name, name))
			return all->t[i];
	return (struct tier){ .name = name };
}

/* Tiers that have nothing and never had are left out, but the one that matters. */
static bool is_shown(const struct tier *t)
{
	return t->flows || t->packets || !strcmp(t->name, "hardware");
}

/* The tiers that are shown, and their sum. */
static size_t tiers_count(const struct layout_frame *f, struct error *err)
{
	struct tiers now;
	size_t n = 1;

	read_tiers(&now, f->now, err);
	for (unsigned i = 0; i < now.n; i++)
		n += is_shown(&now.t[i]);
	return n;
}

struct tier_rates {
	double packets, bytes;
};

static void tier_row(struct table *t, const struct view *v, const struct layout_frame *f,
		     const struct tier *tier, struct tier_rates r, double whole)
{
	bool sum = !strcmp(tier->name, "total");
	enum view_tone tone = sum ? TONE_BOLD : layout_state_tone(tier->name);

	table_cell(t, tone, "%s", tier->name);
	table_cell(t, TONE_PLAIN, "%s", units_count(tier->flows).s);
	top_cell_rate(t, f, r.packets);
	top_cell_bits(t, f, r.bytes);
	table_cell(t, TONE_PLAIN, "%s", units_count(tier->packets).s);
	if (sum) {
		table_cell(t, TONE_PLAIN, "%s", "");
		table_cell(t, TONE_PLAIN, "%s", "");
	} else {
		top_cell_share(t, v, tone, f->before ? r.packets : (double)tier->packets, whole);
	}
}

static void tiers_show(struct view *v, const struct layout_frame *f, size_t rows, struct error *err)
{
	const struct table_column columns[] = {
		{ "SWITCHED BY" },
		{ "FLOWS", .right = true, .min = 6 },
		{ "RATE", .right = true, .min = 8 },
		{ "BITS", .right = true, .min = 9 },
		{ "PACKETS", .right = true },
		{ f->before ? "SHARE NOW" : "SHARE SINCE START" },
		{ "", .right = true, .min = 5 },
	};
	struct tier_rates r[TIERS_MAX], sum = { 0, 0 };
	struct tier all = { .name = "total" };
	struct tiers now, before;
	struct table t;

	(void)rows;
	read_tiers(&now, f->now, err);
	read_tiers(&before, f->before, err);
	for (unsigned i = 0; i < now.n; i++) {
		struct tier *n = &now.t[i], b = tier_named(&before, n->name);

		r[i].packets = top_rate(f, n->packets, b.packets);
		r[i].bytes = top_rate(f, n->bytes, b.bytes);
		sum.packets += r[i].packets;
		sum.bytes += r[i].bytes;
		all.flows += n->flows;
		all.packets += n->packets;
	}
	table_init(&t, columns, ARRAY_SIZE(columns));
	for (unsigned i = 0; i < now.n; i++)
		if (is_shown(&now.t[i]))
			tier_row(&t, v, f, &now.t[i], r[i],
				 f->before ? sum.packets : (double)all.packets);
	tier_row(&t, v, f, &all, sum, 0);
	table_print(&t, v);
	table_done(&t);
}

const struct top_section top_tiers = { TIERS_MAX + 1, 0, tiers_count, tiers_show };

/* --- devices --- */

struct device_load { /* what the ports of a device take in */
	const struct layout_frame *f;
	const char *device;
	double hw, all;
};

static uint64_t packets_of(struct json_object *port, const char *tier, struct error *err)
{
	return jread_u64(jread_obj(port, "packets", err), tier, err);
}

static void add_port(struct json_object *p, void *aux, struct error *err)
{
	struct device_load *l = aux;
	struct json_object *before, *tiers;

	if (strcmp(jread_str(p, "device", err), l->device) != 0)
		return;
	before = top_find(l->f->before, "ports", "name", jread_str(p, "name", err), err);
	tiers = jread_obj(p, "packets", err);
	if (!tiers)
		return;
	json_object_object_foreach(tiers, tier, value)
	{
		double rate = top_rate(l->f, jread_u64(tiers, tier, err),
				       before ? packets_of(before, tier, err) : 0);

		(void)value;
		l->all += rate;
		l->hw += !strcmp(tier, "hardware") ? rate : 0;
	}
}

struct device_rows {
	const struct layout_frame *f;
	struct table *t;
	size_t left;
};

static void event_cell(struct table *t, const struct layout_frame *f, struct json_object *d,
		       struct json_object *before, const char *key, struct error *err)
{
	uint64_t now = jread_u64(d, key, err);

	top_cell_rate(t, f, top_rate(f, now, before ? jread_u64(before, key, err) : now));
}

static void device_row(struct json_object *d, void *aux, struct error *err)
{
	struct device_rows *r = aux;
	const char *name = jread_str(d, "name", err);
	struct json_object *flows = jread_obj(d, "flows", err), *q = jread_obj(d, "queue", err);
	struct json_object *before = top_find(r->f->before, "devices", "name", name, err);
	uint64_t used = jread_u64(d, "entries", err), capacity = jread_u64(d, "capacity", err);
	uint64_t refused = jread_u64(flows, "refused", err), lost = jread_u64(flows, "lost", err);
	uint64_t depth = jread_u64(q, "depth", err);
	struct device_load l = { r->f, name, 0, 0 };
	struct table *t = r->t;

	if (!r->left)
		return;
	r->left--;
	top_each(r->f->now, "ports", add_port, &l, err);
	table_cell(t, TONE_BOLD, "%s", name);
	top_cell_rate(t, r->f, l.hw);
	table_cell(t, TONE_GOOD, "%s",
		   units_percent((uint64_t)(MIN(l.hw, 1e15) * 1000),
				 (uint64_t)(MIN(l.all, 1e15) * 1000))
			   .s);
	table_cell(t, TONE_PLAIN, "%s", units_count(used).s);
	table_cell(t, TONE_PLAIN, "%s", capacity ? units_count(capacity).s : "unknown");
	table_cell(t, TONE_PLAIN, "%s", units_percent(used, capacity).s);
	table_cell(t, depth ? TONE_PLAIN : TONE_DIM, "%s", units_count(depth).s);
	event_cell(t, r->f, d, before, "installs", err);
	event_cell(t, r->f, d, before, "evictions", err);
	table_cell(t, refused ? TONE_WARN : TONE_DIM, "%s", units_count(refused).s);
	table_cell(t, lost ? TONE_BAD : TONE_DIM, "%s", units_count(lost).s);
}

static size_t devices_count(const struct layout_frame *f, struct error *err)
{
	return top_count(f->now, "devices", err);
}

static void devices_show(struct view *v, const struct layout_frame *f, size_t rows,
			 struct error *err)
{
	struct top_head head = top_head("DEVICE", rows, devices_count(f, err));
	const struct table_column columns[] = {
		{ head.s, .flexible = true, .min = 11 },
		{ "RATE", .right = true, .min = 8 },
		{ "SHARE", .right = true },
		{ "ENTRIES", .right = true },
		{ "OF", .right = true, .min = 5, .min_view = 100 },
		{ "FULL", .right = true, .min = 5 },
		{ "QUEUE", .right = true },
		{ "INSTALLED", .right = true },
		{ "EVICTED", .right = true, .min = 8 },
		{ "REFUSED", .right = true, .min_view = 100 },
		{ "LOST", .right = true, .min_view = 100 },
	};
	struct table t;
	struct device_rows r = { f, &t, rows };

	table_init(&t, columns, ARRAY_SIZE(columns));
	top_each(f->now, "devices", device_row, &r, err);
	table_print(&t, v);
	table_done(&t);
}

const struct top_section top_devices = { 1, 4, devices_count, devices_show };

/* --- what keeps traffic out --- */

#define REASONS_MAX 64

struct reason {
	const char *name, *text; /* borrowed from the answer */
	uint64_t flows;
	double pps;
};

struct reasons { /* of all datapaths together, the costliest first */
	struct reason r[REASONS_MAX];
	unsigned n;
};

static void add_reason(struct json_object *o, void *aux, struct error *err)
{
	const char *name = jread_str(o, "reason", err);
	struct reasons *all = aux;
	unsigned i = 0;

	while (i < all->n && strcmp(all->r[i].name, name) != 0)
		i++;
	if (i == REASONS_MAX)
		return;
	if (i == all->n)
		all->r[all->n++] =
			(struct reason){ .name = name, .text = jread_str(o, "text", err) };
	all->r[i].flows += jread_u64(o, "flows", err);
	all->r[i].pps += jread_f64(o, "pps", err);
}

static int costliest_first(const void *a, const void *b)
{
	const struct reason *x = a, *y = b;

	if (x->pps != y->pps)
		return x->pps < y->pps ? 1 : -1;
	return (x->flows < y->flows) - (x->flows > y->flows);
}

static void read_reasons(struct reasons *all, const struct layout_frame *f, struct error *err)
{
	all->n = 0;
	top_each(f->now, "kept_out", add_reason, all, err);
	if (all->n)
		qsort(all->r, all->n, sizeof(all->r[0]), costliest_first);
}

static size_t reasons_count(const struct layout_frame *f, struct error *err)
{
	struct reasons all;

	read_reasons(&all, f, err);
	return all.n;
}

static void reasons_show(struct view *v, const struct layout_frame *f, size_t rows,
			 struct error *err)
{
	struct reasons all;
	struct top_head head;
	double pps = 0;
	struct table t;

	read_reasons(&all, f, err);
	head = top_head("WHY IN SOFTWARE", rows, all.n);
	const struct table_column columns[] = {
		{ head.s, .min = 18 },
		{ "FLOWS", .right = true, .min = 6 },
		{ "RATE", .right = true, .min = 8 },
		{ "SHARE OF IT" },
		{ "", .right = true, .min = 5 },
		{ "WHICH IS", .flexible = true },
	};

	for (unsigned i = 0; i < all.n; i++)
		pps += all.r[i].pps;
	table_init(&t, columns, ARRAY_SIZE(columns));
	for (unsigned i = 0; i < all.n && i < rows; i++) {
		const struct reason *r = &all.r[i];

		table_cell(&t, TONE_WARN, "%s", strcmp(r->name, "ok") != 0 ? r->name : "none yet");
		table_cell(&t, TONE_PLAIN, "%s", units_count(r->flows).s);
		table_cell(&t, TONE_PLAIN, "%s", units_rate(r->pps).s);
		top_cell_share(&t, v, TONE_WARN, r->pps, pps);
		table_cell(&t, TONE_DIM, "%s", r->text);
	}
	table_print(&t, v);
	table_done(&t);
}

const struct top_section top_reasons = { 2, 8, reasons_count, reasons_show };
