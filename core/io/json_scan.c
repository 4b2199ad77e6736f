/* SPDX-License-Identifier: Apache-2.0 */
#include "core/io/json_scan.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { OUTSIDE, STRING, ESCAPE, HEX, UTF8 };

enum class {
	BAD,
	SPACE,
	TOKEN, /* numbers, true, false, null */
	COMMA,
	COLON,
	OPEN,
	CLOSE,
	QUOTE
};

static const uint8_t outside[256] = {
	[' '] = SPACE, ['\t'] = SPACE, ['\n'] = SPACE, ['\r'] = SPACE, ['0' ... '9'] = TOKEN,
	['+'] = TOKEN, ['-'] = TOKEN,  ['.'] = TOKEN,  ['E'] = TOKEN,  ['a'] = TOKEN,
	['e'] = TOKEN, ['f'] = TOKEN,  ['l'] = TOKEN,  ['n'] = TOKEN,  ['r'] = TOKEN,
	['s'] = TOKEN, ['t'] = TOKEN,  ['u'] = TOKEN,  [','] = COMMA,  [':'] = COLON,
	['['] = OPEN,  ['{'] = OPEN,   [']'] = CLOSE,  ['}'] = CLOSE,  ['"'] = QUOTE,
};

/* Bytes that a string may hold as they are. */
static inline bool is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* The lead bytes of UTF-8 (RFC 3629 section 4), as ranges. */
static const struct lead {
	uint8_t from, to, left, min, max;
} leads[] = {
	{ 0xc2, 0xdf, 1, 0x80, 0xbf }, { 0xe0, 0xe0, 2, 0xa0, 0xbf }, { 0xe1, 0xec, 2, 0x80, 0xbf },
	{ 0xed, 0xed, 2, 0x80, 0x9f }, { 0xee, 0xef, 2, 0x80, 0xbf }, { 0xf0, 0xf0, 3, 0x90, 0xbf },
	{ 0xf1, 0xf3, 3, 0x80, 0xbf }, { 0xf4, 0xf4, 3, 0x80, 0x8f },
};

void json_scan_reset(struct json_scan *s)
{
	*s = (struct json_scan){ .max_depth = s->max_depth,
				 .max_bytes = s->max_bytes,
				 .max_values = s->max_values };
}

static const char *skip_digits(const char *p)
{
	while (*p >= '0' && *p <= '9')
		p++;
	return p;
}

/* RFC 8259 section 6; json-c takes more, and not the same when a number is split between reads. */
static bool is_number(const char *p, bool *is_integer)
{
	const char *digits;

	p += *p == '-';
	digits = p;
	p = skip_digits(p);
	if (p == digits || (*digits == '0' && p > digits + 1))
		return false;
	*is_integer = !*p;
	if (*p == '.') {
		digits = ++p;
		p = skip_digits(p);
		if (p == digits)
			return false;
	}
	if (*p == 'e' || *p == 'E') {
		p++;
		p += *p == '+' || *p == '-';
		digits = p;
		p = skip_digits(p);
		if (p == digits)
			return false;
	}
	return !*p;
}

/* The number or word that has just ended: is it one, and does json-c's type hold it? */
static const char *end_token(struct json_scan *s)
{
	size_t n = s->token_len;
	bool is_integer;

	s->token_len = 0;
	if (n >= sizeof(s->token))
		return "a number is longer than 63 characters";
	s->token[n] = '\0';
	if (!strcmp(s->token, "true") || !strcmp(s->token, "false") || !strcmp(s->token, "null"))
		return NULL;
	if (!is_number(s->token, &is_integer))
		return "neither a number nor true, false or null";
	if (!is_integer)
		return isinf(strtod(s->token, NULL)) ? "a number is out of range" : NULL;
	errno = 0;
	(void)strtoll(s->token, NULL, 10);
	return errno == ERANGE ? "an integer does not fit 64 bits" : NULL;
}

static const char *open_nest(struct json_scan *s)
{
	if (++s->depth > s->max_depth)
		return "values are nested too deeply";
	if (++s->values > s->max_values)
		return "too many values in one message";
	return NULL;
}

static const char *take_outside(struct json_scan *s, uint8_t c)
{
	enum class class = outside[c];

	if (class == TOKEN) {
		if (s->token_len < sizeof(s->token))
			s->token[s->token_len++] = (char)c;
		return NULL;
	}
	if (s->token_len) {
		const char *why = end_token(s);

		if (why)
			return why;
	}
	switch (class) {
	case BAD: return "a character that JSON has not outside strings";
	case OPEN: return open_nest(s);
	case CLOSE:
		s->depth--; /* which bracket it is json-c checks */
		return NULL;
	case COMMA: return ++s->values > s->max_values ? "too many values in one message" : NULL;
	case QUOTE: s->mode = STRING; return NULL;
	case SPACE:
	case TOKEN:
	case COLON: return NULL;
	}
	return NULL;
}

static const char *take_string(struct json_scan *s, uint8_t c)
{
	if (is_plain(c))
		return NULL;
	if (c == '"') {
		s->mode = OUTSIDE;
		return NULL;
	}
	if (c == '\\') {
		s->mode = ESCAPE;
		return NULL;
	}
	if (c < 0x20)
		return "a control character in a string must be escaped";
	for (size_t i = 0; i < ARRAY_SIZE(leads); i++) {
		if (c < leads[i].from || c > leads[i].to)
			continue;
		s->mode = UTF8;
		s->utf8_left = leads[i].left;
		s->utf8_min = leads[i].min;
		s->utf8_max = leads[i].max;
		return NULL;
	}
	return "invalid UTF-8";
}

static const char *take_escape(struct json_scan *s, uint8_t c)
{
	if (!c || !strchr("\"\\/bfnrtu", c))
		return "an escape that JSON has not";
	s->mode = c == 'u' ? HEX : STRING;
	s->hex_left = 4;
	s->hex = 0;
	return NULL;
}

static const char *take_hex(struct json_scan *s, uint8_t c)
{
	unsigned int digit;

	if (c >= '0' && c <= '9')
		digit = c - '0';
	else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		digit = (unsigned int)(c | 0x20) - 'a' + 10;
	else
		return "\\u needs four hexadecimal digits";
	s->hex = s->hex << 4 | digit;
	if (--s->hex_left)
		return NULL;
	s->mode = STRING;
	return s->hex ? NULL : "U+0000 in a string";
}

static const char *take_utf8(struct json_scan *s, uint8_t c)
{
	if (c < s->utf8_min || c > s->utf8_max)
		return "invalid UTF-8";
	s->utf8_min = 0x80;
	s->utf8_max = 0xbf;
	if (!--s->utf8_left)
		s->mode = STRING;
	return NULL;
}

typedef const char *take_fn(struct json_scan *s, uint8_t c);
static take_fn *const takes[] = {
	[OUTSIDE] = take_outside, [STRING] = take_string, [ESCAPE] = take_escape,
	[HEX] = take_hex,         [UTF8] = take_utf8,
};

static size_t skip_space(const uint8_t *data, size_t n)
{
	size_t i = 0;

	while (i < n && outside[data[i]] == SPACE)
		i++;
	return i;
}

static int end_at(struct json_scan *s, size_t i, size_t start, size_t *used, const char **why)
{
	*used = i;
	s->bytes += i - start;
	if (s->bytes <= s->max_bytes)
		return 0;
	*why = "the message is too long";
	return -EPROTO;
}

int json_scan_feed(struct json_scan *s, const uint8_t *data, size_t n, size_t *used,
		   const char **why)
{
	size_t i = s->in_value ? 0 : skip_space(data, n), start = i;
	int rc;

	if (!s->in_value && i < n) {
		if (data[i] != '{') {
			*used = i;
			*why = "a message must be a JSON object";
			return -EPROTO;
		}
		s->in_value = true;
	}
	for (; i < n; i++) {
		if (s->mode == STRING && is_plain(data[i]))
			continue;
		*why = takes[s->mode](s, data[i]);
		if (*why) {
			*used = i;
			return -EPROTO;
		}
		if (!s->depth) {
			rc = end_at(s, i + 1, start, used, why);
			return rc ? rc : 1;
		}
	}
	return end_at(s, n, start, used, why);
}
