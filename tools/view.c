/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/view.h"

#include <string.h>
#include <wchar.h>

#include "core/base/xalloc.h"

#define WRAP_MIN 20 /* text never gets narrower than this */

const char *view_glyph(const struct view *v, enum view_glyph g)
{
	static const char *const glyphs[VIEW_N_GLYPHS][2] = {
		[GLYPH_ARROW] = { "->", "→" }, [GLYPH_POINT] = { "o", "●" },
		[GLYPH_LINE] = { "|", "│" },   [GLYPH_ELLIPSIS] = { "~", "…" },
		[GLYPH_FULL] = { "#", "█" },   [GLYPH_EMPTY] = { ".", "░" },
		[GLYPH_DOT] = { "-", "·" },
	};

	return glyphs[g][v->utf8];
}

/* --- characters --- */

/* How many bytes a UTF-8 sequence that begins with `lead` has; 0: none begins so. */
static unsigned sequence_len(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead < 0xe0)
		return 2;
	if (lead >= 0xe0 && lead < 0xf0)
		return 3;
	return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}

/* The character at s and its bytes; -1 and one byte when it is not UTF-8. */
static int32_t character(const char *s, unsigned *n)
{
	static const unsigned char lead_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	static const int32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned len = sequence_len((unsigned char)*s);
	int32_t c = (unsigned char)*s & lead_bits[len];

	*n = 1;
	if (!len)
		return -1;
	for (unsigned i = 1; i < len; i++) {
		if (((unsigned char)s[i] & 0xc0) != 0x80)
			return -1;
		c = c << 6 | ((unsigned char)s[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return -1;
	*n = len;
	return c;
}

/* What could move the cursor, change colours or reorder text. */
static bool harmful(int32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

static unsigned columns_of(int32_t c)
{
	int w;

	if (c < 0x300 || harmful(c))
		return 1;
	w = wcwidth((wchar_t)c);
	return w < 0 ? 1 : (unsigned)w;
}

unsigned view_columns(const char *text)
{
	unsigned columns = 0, n;

	for (; *text; text += n)
		columns += columns_of(character(text, &n));
	return columns;
}

size_t view_fit(const char *text, unsigned columns, unsigned *taken)
{
	unsigned used = 0, n;
	const char *s = text;

	for (; *s; s += n) {
		unsigned w = columns_of(character(s, &n));

		if (used + w > columns)
			break;
		used += w;
	}
	if (taken)
		*taken = used;
	return (size_t)(s - text);
}

static void put_clean(const struct view *v, struct str *out, const char *text, size_t len)
{
	const char *end = text + len;
	unsigned n;

	for (; text < end; text += n) {
		int32_t c = character(text, &n);

		if (harmful(c) || (c >= 0x80 && !v->utf8))
			str_putc(out, '?');
		else
			str_put(out, text, n);
	}
}

void view_clean(const struct view *v, struct str *out, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n\t");

		put_clean(v, out, text, len);
		text += len;
		if (*text)
			str_putc(out, *text++);
	}
}

/* --- pieces --- */

static void put_toned(struct view *v, enum view_tone tone, const char *text, size_t len)
{
	static const char *const on[VIEW_N_TONES] = {
		[TONE_PLAIN] = "",        [TONE_BOLD] = "\033[1m",  [TONE_DIM] = "\033[2m",
		[TONE_GOOD] = "\033[32m", [TONE_WARN] = "\033[33m", [TONE_BAD] = "\033[1;31m",
	};
	bool coloured = v->colour && *on[tone] && len;

	if (coloured)
		str_puts(v->out, on[tone]);
	put_clean(v, v->out, text, len);
	if (coloured)
		str_puts(v->out, "\033[0m");
}

void view_puts(struct view *v, enum view_tone tone, const char *text)
{
	put_toned(v, tone, text, strlen(text));
}

void view_printf(struct view *v, enum view_tone tone, const char *fmt, ...)
{
	struct str s = STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	str_vprintf(&s, fmt, ap);
	va_end(ap);
	view_puts(v, tone, str_cstr(&s));
	str_done(&s);
}

void view_pad(struct view *v, unsigned n)
{
	while (n--)
		str_putc(v->out, ' ');
}

void view_nl(struct view *v)
{
	str_putc(v->out, '\n');
}

void view_note(struct view *v, const char *text)
{
	view_pad(v, v->indent);
	view_puts(v, TONE_DIM, text);
	view_nl(v);
}

/* --- labelled lines --- */

/* How much of `text` goes on a line of `columns`: up to the last blank or comma that fits. */
static size_t line_len(const char *text, unsigned columns)
{
	size_t fit = view_fit(text, columns, NULL), len = fit;

	if (!text[fit] || text[fit] == ' ')
		return fit;
	while (len && text[len - 1] != ' ' && text[len - 1] != ',')
		len--;
	if (len)
		return len;
	return fit ? fit : strlen(text); /* one character wider than the line: give up */
}

void view_field(struct view *v, const char *label, enum view_tone tone, const char *text)
{
	unsigned start = v->indent + v->label_width, used = view_columns(label);
	unsigned columns = UINT32_MAX;

	if (v->width)
		columns = v->width > start + WRAP_MIN ? v->width - start : WRAP_MIN;
	view_pad(v, v->indent);
	view_puts(v, TONE_DIM, label);
	view_pad(v, used < v->label_width ? v->label_width - used : *label != '\0');
	for (;;) {
		size_t len = line_len(text, columns), shown = len;

		while (shown && text[shown - 1] == ' ')
			shown--;
		put_toned(v, tone, text, shown);
		view_nl(v);
		text += len;
		text += strspn(text, " ");
		if (!*text)
			return;
		view_pad(v, start);
	}
}

void view_fieldf(struct view *v, const char *label, enum view_tone tone, const char *fmt, ...)
{
	struct str s = STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	str_vprintf(&s, fmt, ap);
	va_end(ap);
	view_field(v, label, tone, str_cstr(&s));
	str_done(&s);
}

void view_bar(const struct view *v, struct str *s, uint64_t part, uint64_t whole, unsigned cells)
{
	double share = whole ? (double)MIN(part, whole) / (double)whole : 0;
	unsigned full = (unsigned)(share * cells + 0.5);

	if (part && whole && !full)
		full = 1;
	if (part < whole && full == cells && cells)
		full = cells - 1;
	for (unsigned i = 0; i < cells; i++)
		str_puts(s, view_glyph(v, i < full ? GLYPH_FULL : GLYPH_EMPTY));
}
