/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"

void str_init(struct str *s)
{
	*s = (struct str)STR_INIT;
}

void str_done(struct str *s)
{
	free(s->s);
	str_init(s);
}

void str_clear(struct str *s)
{
	s->len = 0;
	if (s->s)
		s->s[0] = '\0';
}

/* Room for n bytes and the NUL behind len. */
static void reserve(struct str *s, size_t n)
{
	if (s->cap - s->len <= n)
		s->s = xgrow(s->s, &s->cap, MAX(s->len + n + 1, 32), 1);
}

void str_put(struct str *s, const void *data, size_t n)
{
	reserve(s, n);
	if (n)
		memcpy(s->s + s->len, data, n);
	s->len += n;
	s->s[s->len] = '\0';
}

void str_puts(struct str *s, const char *text)
{
	str_put(s, text, strlen(text));
}

void str_putc(struct str *s, char c)
{
	str_put(s, &c, 1);
}

void str_printf(struct str *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	str_vprintf(s, fmt, ap);
	va_end(ap);
}

void str_vprintf(struct str *s, const char *fmt, va_list ap)
{
	va_list again;
	size_t room;
	int n;

	reserve(s, 0);
	room = s->cap - s->len;
	va_copy(again, ap);
	n = vsnprintf(s->s + s->len, room, fmt, ap);
	if (n >= 0 && (size_t)n >= room) {
		reserve(s, (size_t)n);
		n = vsnprintf(s->s + s->len, (size_t)n + 1, fmt, again);
	}
	va_end(again);
	if (n > 0)
		s->len += (size_t)n;
	s->s[s->len] = '\0';
}

void str_chomp(struct str *s, const char *suffix)
{
	size_t n = strlen(suffix);

	if (n && s->len >= n && !memcmp(s->s + s->len - n, suffix, n)) {
		s->len -= n;
		s->s[s->len] = '\0';
	}
}

const char *str_cstr(const struct str *s)
{
	return s->s ? s->s : "";
}

char *str_steal(struct str *s)
{
	char *text = s->s ? s->s : xstrdup("");

	str_init(s);
	return text;
}
