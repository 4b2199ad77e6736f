/* SPDX-License-Identifier: Apache-2.0 */
/* Text for a person: tones, shares as bars, labelled lines that wrap at the width.
 *
 * A view says where text goes and what the reader's end can show; the layouts write to it and know
 * nothing of terminals, so that tests read what they write.  Whatever comes in from the switch (a
 * name, a driver's words) goes out with control characters replaced by '?', so that it cannot play
 * with a terminal.  Widths are columns of a terminal, not bytes.  One thread. */
#pragma once

#include "core/base/str.h"
#include "core/base/types.h"

struct view {
	struct str *out;
	unsigned width; /* columns; 0 = as long as it takes */
	bool colour, utf8;
	/* where view_field() puts its label and its text */
	unsigned indent, label_width;
};

enum view_tone { TONE_PLAIN, TONE_BOLD, TONE_DIM, TONE_GOOD, TONE_WARN, TONE_BAD, VIEW_N_TONES };

enum view_glyph {
	GLYPH_ARROW,
	GLYPH_POINT, /* a step of a history */
	GLYPH_LINE,  /* between two of them */
	GLYPH_ELLIPSIS,
	GLYPH_FULL, /* cells of a bar */
	GLYPH_EMPTY,
	GLYPH_DOT, /* between two remarks on a line */
	VIEW_N_GLYPHS
};
const char *view_glyph(const struct view *v, enum view_glyph g);

/* Appends text in a tone, control characters replaced; no newline. */
void view_puts(struct view *v, enum view_tone tone, const char *text);
void view_printf(struct view *v, enum view_tone tone, const char *fmt, ...) PRINTF_LIKE(3, 4);
void view_pad(struct view *v, unsigned n); /* blanks */
void view_nl(struct view *v);
void view_note(struct view *v, const char *text); /* a line of its own, at v->indent, dim */

/* "  label   text" and a newline: the label at v->indent, the text v->label_width further, wrapped
 * at blanks and commas with its continuation below itself. */
void view_field(struct view *v, const char *label, enum view_tone tone, const char *text);
void view_fieldf(struct view *v, const char *label, enum view_tone tone, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

/* `cells` columns, part/whole of them full: at least one when the part is not 0, not all when it is
 * not the whole.  Appends to `s`. */
void view_bar(const struct view *v, struct str *s, uint64_t part, uint64_t whole, unsigned cells);

/* Columns that `text` takes up. */
unsigned view_columns(const char *text);
/* The longest beginning of `text` that fits `columns`, in bytes; *taken (may be NULL) is what it
 * takes up. */
size_t view_fit(const char *text, unsigned columns, unsigned *taken);
/* `text` with what could play with a terminal replaced; newlines and tabs stay.  For answers that
 * are text already. */
void view_clean(const struct view *v, struct str *out, const char *text);
