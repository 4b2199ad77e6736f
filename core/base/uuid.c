/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/uuid.h"

#include "core/base/random.h"

struct uuid uuid_new(void)
{
	struct uuid u;

	random_bytes(u.b, sizeof(u.b));
	u.b[6] = (uint8_t)((u.b[6] & 0x0f) | 0x40);
	u.b[8] = (uint8_t)((u.b[8] & 0x3f) | 0x80);
	return u;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool is_dash_at(size_t pos)
{
	return pos == 8 || pos == 13 || pos == 18 || pos == 23;
}

bool uuid_parse(const char *text, struct uuid *u)
{
	struct uuid tmp = { { 0 } };
	size_t nibble = 0;

	for (size_t i = 0; i < UUID_TEXT_LEN; i++) {
		int digit;

		if (is_dash_at(i)) {
			if (text[i] != '-')
				return false;
			continue;
		}
		digit = hex_digit(text[i]);
		if (digit < 0)
			return false;
		tmp.b[nibble / 2] = (uint8_t)(tmp.b[nibble / 2] << 4 | digit);
		nibble++;
	}
	if (text[UUID_TEXT_LEN])
		return false;
	*u = tmp;
	return true;
}

char *uuid_print(const struct uuid *u, char text[UUID_TEXT_LEN + 1])
{
	static const char digits[] = "0123456789abcdef";
	char *p = text;

	for (size_t i = 0; i < sizeof(u->b); i++) {
		if (is_dash_at((size_t)(p - text)))
			*p++ = '-';
		*p++ = digits[u->b[i] >> 4];
		*p++ = digits[u->b[i] & 15];
	}
	*p = '\0';
	return text;
}
