/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/table.h"

#include <assert.h>
#include <stdlib.h>

#include "core/base/xalloc.h"

#define GAP 2
#define FLEX_MIN 8 /* a flexible column never gets narrower */

void table_init(struct table *t, const struct table_column *columns, unsigned n)
{
	assert(n && n <= TABLE_COLUMNS_MAX);
	*t = (struct table){ .columns = columns, .n_columns = n };
}

void table_done(struct table *t)
{
	for (size_t i = 0; i < t->n_cells; i++)
		free(t->cells[i].text);
	free(t->cells);
}

void table_cell(struct table *t, enum view_tone tone, const char *fmt, ...)
{
	struct str s = STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	str_vprintf(&s, fmt, ap);
	va_end(ap);
	if (t->n_cells == t->cap)
		t->cells = xgrow(t->cells, &t->cap, t->n_cells + 1, sizeof(*t->cells));
	t->cells[t->n_cells++] = (struct table_cell){ str_steal(&s), tone };
}

/* --- widths --- */

struct widths {
	unsigned w[TABLE_COLUMNS_MAX];
	bool shown[TABLE_COLUMNS_MAX];
	unsigned last; /* the last column that is shown */
};

static unsigned total(const struct table *t, const struct widths *w, unsigned indent)
{
	unsigned sum = indent;

	for (unsigned c = 0; c < t->n_columns; c++)
		if (w->shown[c])
			sum += w->w[c] + (c == w->last ? 0 : GAP);
	return sum;
}

/* The flexible column to take a character from: the widest that is not at its least. */
static unsigned widest_flexible(const struct table *t, const struct widths *w)
{
	unsigned best = t->n_columns;

	for (unsigned c = 0; c < t->n_columns; c++)
		if (w->shown[c] && t->columns[c].flexible && w->w[c] > FLEX_MIN &&
		    (best == t->n_columns || w->w[c] > w->w[best]))
			best = c;
	return best;
}

static void measure(const struct table *t, const struct view *v, struct widths *w)
{
	assert(t->n_columns);
	*w = (struct widths){ .last = 0 };
	for (unsigned c = 0; c < t->n_columns; c++) {
		w->shown[c] = !v->width || v->width >= t->columns[c].min_view;
		w->w[c] = MAX(view_columns(t->columns[c].head), t->columns[c].min);
		if (w->shown[c])
			w->last = c;
	}
	for (size_t i = 0; i < t->n_cells; i++)
		w->w[i % t->n_columns] =
			MAX(w->w[i % t->n_columns], view_columns(t->cells[i].text));
	while (v->width && total(t, w, v->indent) > v->width) {
		unsigned c = widest_flexible(t, w);

		if (c == t->n_columns)
			break;
		w->w[c]--;
	}
}

/* --- printing --- */

static void put_cell(struct view *v, const struct table_column *col, const struct table_cell *cell,
		     unsigned width, bool last)
{
	unsigned used = view_columns(cell->text);

	if (used > width) {
		size_t len = view_fit(cell->text, width - 1, &used);
		char *head = xstrndup(cell->text, len);

		view_puts(v, cell->tone, head);
		view_puts(v, TONE_DIM, view_glyph(v, GLYPH_ELLIPSIS));
		used++; /* the width, or one less when a wide character did not fit */
		free(head);
	} else {
		if (col->right) {
			view_pad(v, width - used);
			used = width;
		}
		view_puts(v, cell->tone, cell->text);
	}
	if (!last)
		view_pad(v, GAP + width - used);
}

static void put_heads(const struct table *t, struct view *v, const struct widths *w)
{
	unsigned last = 0; /* a head without text at the end leaves no blanks there */

	for (unsigned c = 0; c < t->n_columns; c++)
		if (w->shown[c] && *t->columns[c].head)
			last = c;
	view_pad(v, v->indent);
	for (unsigned c = 0; c <= last; c++) {
		struct table_cell head = { NULL, TONE_DIM };

		if (!w->shown[c])
			continue;
		head.text = xstrdup(t->columns[c].head);
		put_cell(v, &t->columns[c], &head, w->w[c], c == last);
		free(head.text);
	}
	view_nl(v);
}

/* Behind the last cell of a row that has something in it: nothing leaves blanks there. */
static size_t row_end(const struct table *t, const struct widths *w, size_t row)
{
	size_t end = MIN(row + t->n_columns, t->n_cells);

	while (end > row + 1 && (!w->shown[(end - 1) % t->n_columns] || !*t->cells[end - 1].text))
		end--;
	return end;
}

void table_print(const struct table *t, struct view *v)
{
	struct widths w;

	measure(t, v, &w);
	if (!t->headless)
		put_heads(t, v, &w);
	for (size_t row = 0; row < t->n_cells; row += t->n_columns) {
		size_t end = row_end(t, &w, row);

		view_pad(v, v->indent);
		for (size_t i = row; i < end; i++)
			if (w.shown[i - row])
				put_cell(v, &t->columns[i - row], &t->cells[i], w.w[i - row],
					 i + 1 == end);
		view_nl(v);
	}
}
