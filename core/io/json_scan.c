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

/* How much of a number there is (RFC 8259 section 6).  json-c takes more, and not the same when a
 * number is split between reads, so a byte that no number has there is refused at once. */
enum { N_START, N_MINUS, N_ZERO, N_INT, N_DOT, N_FRAC, N_E, N_SIGN, N_EXP, N_BAD };

static unsigned number_exponent(unsigned at, char c)
{
	if (c >= '0' && c <= '9')
		return N_EXP;
	return at == N_E && (c == '+' || c == '-') ? N_SIGN : N_BAD;
}

static unsigned number_next(unsigned at, char c)
{
	bool digit = c >= '0' && c <= '9';

	if (at >= N_E && at <= N_EXP)
		return number_exponent(at, c);
	if (at == N_START && c == '-')
		return N_MINUS;
	if (at <= N_MINUS)
		return c == '0' ? N_ZERO : digit ? N_INT : N_BAD;
	if (digit && at != N_ZERO)
		return at == N_INT ? N_INT : N_FRAC;
	if (c == '.' && (at == N_ZERO || at == N_INT))
		return N_DOT;
	return (c == 'e' || c == 'E') && at != N_DOT ? N_E : N_BAD;
}

static bool is_word(const struct json_scan *s, bool whole)
{
	static const char *const words[] = { "true", "false", "null" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strncmp(words[i], s->token, s->token_len) &&
		    (!whole || !words[i][s->token_len]))
			return true;
	return false;
}

static const char *take_token(struct json_scan *s, char c)
{
	if (s->token_len == sizeof(s->token) - 1)
		return "a number is longer than 63 characters";
	s->token[s->token_len++] = c;
	if (s->number != N_BAD)
		s->number = (uint8_t)number_next(s->number, c);
	return s->number != N_BAD || is_word(s, false) ? NULL
						       : "neither a number nor true, false or null";
}

/* The number or word that has just ended: is it one, and does json-c's type hold it? */
static const char *end_token(struct json_scan *s)
{
	unsigned number = s->number;
	bool word = is_word(s, true);

	s->token[s->token_len] = '\0';
	s->token_len = 0;
	s->number = N_START;
	if (word)
		return NULL;
	if (number == N_FRAC || number == N_EXP)
		return isinf(strtod(s->token, NULL)) ? "a number is out of range" : NULL;
	if (number != N_ZERO && number != N_INT)
		return "neither a number nor true, false or null";
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

	if (class == TOKEN)
		return take_token(s, (char)c);
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
