/* SPDX-License-Identifier: Apache-2.0 */
/* A table that fits: columns as wide as their cells, the flexible ones shortened (with a mark)
 * until a row fits the view, and columns that only a wide view shows.  Cells are collected row by
 * row and printed once.  One owner, one thread; memory is that of the cells. */
#pragma once

#include "tools/view.h"

#define TABLE_COLUMNS_MAX 16

struct table_column {
	const char *head;
	bool right;        /* aligned to the right */
	bool flexible;     /* may be shortened */
	unsigned min_view; /* shown only when the view is this wide (or has no width) */
	unsigned min;      /* columns at least, so that live figures do not make it jump */
};

struct table_cell {
	char *text; /* owned */
	enum view_tone tone;
};

struct table {
	const struct table_column *columns; /* borrowed */
	unsigned n_columns;
	struct table_cell *cells; /* owned; row after row */
	size_t n_cells, cap;
	bool headless; /* no line of heads */
};

/* At most TABLE_COLUMNS_MAX columns. */
void table_init(struct table *t, const struct table_column *columns, unsigned n);
void table_done(struct table *t);
/* The next cell; rows fill from the left. */
void table_cell(struct table *t, enum view_tone tone, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Heads and rows, each line at v->indent.  A last row that is not full ends early. */
void table_print(const struct table *t, struct view *v);
