/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/log_pattern.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/str.h"

#define DEFAULT_TIME "%Y-%m-%dT%H:%M:%S.###Z"

struct escape {
	char letter;
	/* Appends the value; `arg` is what stood in braces, or NULL. */
	void (*put)(struct str *out, const struct log_line *line, const char *arg);
};

/* Replaces each run of '#' in a strftime() format by that many digits of the second's fraction. */
static void expand_fraction(struct str *out, const char *fmt, uint64_t ns)
{
	char digits[10];
	size_t n = 0;

	(void)snprintf(digits, sizeof(digits), "%09llu", (unsigned long long)(ns % NSEC_PER_SEC));
	for (; *fmt; fmt++) {
		if (*fmt != '#') {
			n = 0;
			str_putc(out, *fmt);
		} else {
			str_putc(out, n < 9 ? digits[n] : '0');
			n++;
		}
	}
}

static void put_time(struct str *out, uint64_t ns, bool utc, const char *arg)
{
	time_t t = (time_t)(ns / NSEC_PER_SEC);
	struct str fmt = STR_INIT;
	char text[128];
	struct tm tm;

	expand_fraction(&fmt, arg ? arg : DEFAULT_TIME, ns);
	if (utc)
		(void)gmtime_r(&t, &tm);
	else
		(void)localtime_r(&t, &tm);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored                                                                     \
	"-Wformat-nonliteral" /* the operator's own format, bounded by text[] */
	str_put(out, text, strftime(text, sizeof(text), str_cstr(&fmt), &tm));
#pragma GCC diagnostic pop
	str_done(&fmt);
}

static void put_program(struct str *out, const struct log_line *l, const char *arg UNUSED)
{
	str_puts(out, l->program);
}

static void put_module(struct str *out, const struct log_line *l, const char *arg UNUSED)
{
	str_puts(out, l->module);
}

static void put_local(struct str *out, const struct log_line *l, const char *arg)
{
	put_time(out, l->wall_ns, false, arg);
}

static void put_utc(struct str *out, const struct log_line *l, const char *arg)
{
	put_time(out, l->wall_ns, true, arg);
}

static void put_host(struct str *out, const struct log_line *l UNUSED, const char *arg UNUSED)
{
	char name[256] = "";

	(void)gethostname(name, sizeof(name) - 1); /* an empty name then */
	str_puts(out, name);
}

static void put_message(struct str *out, const struct log_line *l, const char *arg UNUSED)
{
	str_puts(out, l->message);
}

static void put_seq(struct str *out, const struct log_line *l, const char *arg UNUSED)
{
	str_printf(out, "%u", l->seq);
}

static void put_newline(struct str *out, const struct log_line *l UNUSED, const char *arg UNUSED)
{
	str_putc(out, '\n');
}

static void put_level(struct str *out, const struct log_line *l, const char *arg UNUSED)
{
	str_puts(out, l->level);
}

static void put_pid(struct str *out, const struct log_line *l UNUSED, const char *arg UNUSED)
{
	str_printf(out, "%ld", (long)getpid());
}

static void put_since(struct str *out, const struct log_line *l, const char *arg UNUSED)
{
	str_printf(out, "%llu", (unsigned long long)(l->since_ns / NSEC_PER_MSEC));
}

static void put_thread(struct str *out, const struct log_line *l, const char *arg UNUSED)
{
	str_puts(out, l->thread[0] ? l->thread : "main");
}

static void put_thread_paren(struct str *out, const struct log_line *l, const char *arg UNUSED)
{
	if (l->thread[0])
		str_printf(out, "(%s)", l->thread);
}

static void put_percent(struct str *out, const struct log_line *l UNUSED, const char *arg UNUSED)
{
	str_putc(out, '%');
}

static const struct escape escapes[] = {
	{ 'A', put_program },      { 'c', put_module },  { 'd', put_local }, { 'D', put_utc },
	{ 'E', put_host },         { 'm', put_message }, { 'N', put_seq },   { 'n', put_newline },
	{ 'p', put_level },        { 'P', put_pid },     { 'r', put_since }, { 't', put_thread },
	{ 'T', put_thread_paren }, { '%', put_percent },
};

static const struct escape *find_escape(char letter)
{
	for (size_t i = 0; i < ARRAY_SIZE(escapes); i++)
		if (escapes[i].letter == letter)
			return &escapes[i];
	return NULL;
}

struct layout {
	bool left, zero;
	size_t width;
};

static const char *parse_layout(const char *p, struct layout *l)
{
	*l = (struct layout){ 0 };
	for (; *p == '-' || *p == '0'; p++) {
		if (*p == '-')
			l->left = true;
		else
			l->zero = true;
	}
	for (int i = 0; i < 2 && *p >= '0' && *p <= '9'; i++)
		l->width = l->width * 10 + (size_t)(*p++ - '0');
	return p;
}

static void put_padded(struct str *out, const struct layout *l, const struct str *value)
{
	size_t pad = l->width > value->len ? l->width - value->len : 0;

	for (; !l->left && pad; pad--)
		str_putc(out, l->zero ? '0' : ' ');
	str_put(out, str_cstr(value), value->len);
	for (; pad; pad--)
		str_putc(out, ' ');
}

/* Formats the escape whose '%' is at p[-1]; returns what follows it, or NULL when it is none. */
static const char *put_escape(struct str *out, const char *p, const struct log_line *line)
{
	struct str value = STR_INIT;
	const struct escape *e;
	struct layout layout;
	char arg[64];
	const char *end;

	p = parse_layout(p, &layout);
	e = *p ? find_escape(*p) : NULL;
	if (!e)
		return NULL;
	p++;
	end = *p == '{' ? strchr(p, '}') : NULL;
	if (end) {
		(void)snprintf(arg, sizeof(arg), "%.*s", (int)(end - p - 1), p + 1);
		p = end + 1;
	}
	e->put(&value, line, end ? arg : NULL);
	put_padded(out, &layout, &value);
	str_done(&value);
	return p;
}

void log_pattern_format(struct str *out, const char *pattern, const struct log_line *line)
{
	const char *next;

	while (*pattern) {
		if (*pattern++ != '%') {
			str_putc(out, pattern[-1]);
			continue;
		}
		next = put_escape(out, pattern, line);
		if (next)
			pattern = next;
		else
			str_putc(out, '%');
	}
}
