/* SPDX-License-Identifier: Apache-2.0 */
/* One moment of the live view: which sections, and how many rows each. */
#include <stdio.h>
#include <string.h>

#include "tools/jread.h"
#include "tools/layout_top_priv.h"
#include "tools/units.h"

#define BAR_CELLS 10
#define BAR_CELLS_WIDE 30
#define WIDE 120
#define AIRY 34 /* rows from which on a blank line stands between two sections */

const char *const layout_order_name[LAYOUT_N_ORDERS] = {
	[LAYOUT_BY_RATE] = "rate",
	[LAYOUT_BY_BITS] = "bits",
	[LAYOUT_BY_PACKETS] = "packets",
	[LAYOUT_BY_AGE] = "newest",
};

static const struct top_section *const sections[LAYOUT_N_SECTIONS] = {
	[LAYOUT_TIERS] = &top_tiers,     [LAYOUT_DEVICES] = &top_devices,
	[LAYOUT_REASONS] = &top_reasons, [LAYOUT_PORTS] = &top_ports,
	[LAYOUT_MOVES] = &top_moves,     [LAYOUT_FLOWS] = &top_flows,
};

/* --- shared --- */

void top_each(struct json_object *answer, const char *key, top_each_fn *fn, void *aux,
	      struct error *err)
{
	struct json_object *dps = jread_array(answer, "datapaths", err);

	for (size_t i = 0; i < jread_len(dps); i++) {
		struct json_object *list = jread_array(jread_at(dps, i, err), key, err);

		for (size_t k = 0; k < jread_len(list); k++)
			fn(jread_at(list, k, err), aux, err);
	}
}

static void add_one(struct json_object *o, void *aux, struct error *err)
{
	(void)o;
	(void)err;
	++*(size_t *)aux;
}

size_t top_count(struct json_object *answer, const char *key, struct error *err)
{
	size_t n = 0;

	top_each(answer, key, add_one, &n, err);
	return n;
}

struct search {
	const char *by, *name;
	struct json_object *found;
};

static void compare(struct json_object *o, void *aux, struct error *err)
{
	struct search *s = aux;

	if (!s->found && !strcmp(jread_str(o, s->by, err), s->name))
		s->found = o;
}

struct json_object *top_find(struct json_object *answer, const char *key, const char *by,
			     const char *name, struct error *err)
{
	struct search s = { by, name, NULL };

	if (answer)
		top_each(answer, key, compare, &s, err);
	return s.found;
}

double top_rate(const struct layout_frame *f, uint64_t now, uint64_t before)
{
	if (!f->before)
		return 0;
	return (double)(now >= before ? now - before : now) / f->seconds;
}

void top_cell_rate(struct table *t, const struct layout_frame *f, double per_s)
{
	if (f->before)
		table_cell(t, TONE_PLAIN, "%s", units_rate(per_s).s);
	else
		table_cell(t, TONE_DIM, "-");
}

void top_cell_bits(struct table *t, const struct layout_frame *f, double bytes_s)
{
	if (f->before)
		table_cell(t, TONE_PLAIN, "%s", units_bits(bytes_s * 8).s);
	else
		table_cell(t, TONE_DIM, "-");
}

/* Shares of rates: a million parts are as exact as anybody reads them. */
void top_cell_share(struct table *t, const struct view *v, enum view_tone tone, double part,
		    double whole)
{
	uint64_t of = whole > 0 ? 1000000 : 0,
		 n = whole > 0 ? (uint64_t)(MIN(part / whole, 1) * 1e6) : 0;
	struct str bar = STR_INIT;

	if (part > 0 && !n)
		n = 1;
	view_bar(v, &bar, n, of, v->width && v->width < WIDE ? BAR_CELLS : BAR_CELLS_WIDE);
	table_cell(t, of ? tone : TONE_DIM, "%s", str_cstr(&bar));
	table_cell(t, TONE_PLAIN, "%s", units_percent(n, of).s);
	str_done(&bar);
}

struct top_head top_head(const char *head, size_t shown, size_t of)
{
	struct top_head h;

	if (shown < of)
		(void)snprintf(h.s, sizeof(h.s), "%s (%zu of %zu)", head, shown, of);
	else
		(void)snprintf(h.s, sizeof(h.s), "%s", head);
	return h;
}

/* --- rows --- */

struct budget {
	size_t want[LAYOUT_N_SECTIONS], rows[LAYOUT_N_SECTIONS];
	bool airy;
};

static void measure(const struct layout_frame *f, struct budget *b, struct error *err)
{
	for (unsigned i = 0; i < LAYOUT_N_SECTIONS; i++) {
		size_t n = sections[i]->count(f, err);

		if (f->only != LAYOUT_N_SECTIONS)
			n = i == f->only || i == LAYOUT_TIERS ? n : 0;
		else if (sections[i]->most)
			n = MIN(n, sections[i]->most);
		b->want[i] = n;
	}
}

/* Rows of the terminal, with heads and blank lines. */
static size_t used(const struct budget *b)
{
	size_t n = 0;

	for (unsigned i = 0; i < LAYOUT_N_SECTIONS; i++)
		if (b->rows[i])
			n += b->rows[i] + 1 + (b->airy && n);
	return n;
}

static size_t left(const struct budget *b, size_t rows)
{
	return used(b) < rows ? rows - used(b) : 0;
}

/* Where there is no room for everybody's least, who has least to tell goes first. */
static void make_room(struct budget *b, size_t rows)
{
	static const enum layout_section order[] = { LAYOUT_MOVES, LAYOUT_PORTS, LAYOUT_REASONS,
						     LAYOUT_DEVICES, LAYOUT_FLOWS };

	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		while (b->rows[order[i]] > (order[i] == LAYOUT_FLOWS) && used(b) > rows)
			b->rows[order[i]]--;
}

/* Everybody's least first, then a row each in turn, two for flows: they come last and have most to
 * tell. */
static void share_out(const struct layout_frame *f, struct budget *b)
{
	bool more = true;

	b->airy = f->rows >= AIRY || !f->rows;
	for (unsigned i = 0; i < LAYOUT_N_SECTIONS; i++)
		b->rows[i] = f->rows ? MIN(b->want[i], (size_t)sections[i]->least) : b->want[i];
	if (f->rows)
		make_room(b, f->rows);
	while (more && f->rows) {
		more = false;
		for (unsigned i = 0; i < LAYOUT_N_SECTIONS; i++) {
			size_t n = MIN(i == LAYOUT_FLOWS ? (size_t)2 : (size_t)1,
				       b->want[i] - b->rows[i]);

			n = b->rows[i] ? MIN(n, left(b, f->rows)) : 0;
			b->rows[i] += n;
			more |= n != 0;
		}
	}
}

int layout_top(struct view *v, const struct layout_frame *f, struct error *err)
{
	struct budget b;
	bool any = false;

	measure(f, &b, err);
	if (err->code)
		return -err->code;
	share_out(f, &b);
	v->indent = 0;
	for (unsigned i = 0; i < LAYOUT_N_SECTIONS; i++) {
		if (!b.rows[i])
			continue;
		if (any && b.airy)
			view_nl(v);
		any = true;
		sections[i]->show(v, f, b.rows[i], err);
	}
	return -err->code;
}
