/* SPDX-License-Identifier: Apache-2.0 */
/* UUIDs of RFC 4122: 16 bytes in the order in which it prints them, so that comparing bytes is
 * comparing text.  Value type; any thread. */
#pragma once

#include <string.h>

#include "core/base/hash.h"
#include "core/base/types.h"

struct uuid {
	uint8_t b[16];
};

#define UUID_TEXT_LEN 36 /* without the NUL */

/* A random (version 4) UUID from the kernel's generator. */
struct uuid uuid_new(void);
/* Exactly 36 characters, hex digits of either case.  False leaves *u alone. */
bool uuid_parse(const char *text, struct uuid *u) MUST_CHECK;
/* Writes 36 lower-case characters and a NUL; returns `text`. */
char *uuid_print(const struct uuid *u, char text[UUID_TEXT_LEN + 1]);

static inline int uuid_cmp(const struct uuid *a, const struct uuid *b)
{
	return memcmp(a->b, b->b, sizeof(a->b));
}

static inline bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
	return !uuid_cmp(a, b);
}

static inline bool uuid_is_zero(const struct uuid *u)
{
	static const struct uuid zero;

	return uuid_equal(u, &zero);
}

static inline uint64_t uuid_hash(const struct uuid *u)
{
	uint64_t w[2];

	memcpy(w, u->b, sizeof(w));
	return hash_add64(w[0], w[1]); /* a peer may choose UUIDs, so the bits are mixed */
}
