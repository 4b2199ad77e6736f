/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of small numbers: an array of 64-bit words that the caller owns.  Bits past the size are
 * zero; positions are checked by nobody.  One thread. */
#pragma once

#include <string.h>

#include "core/base/types.h"
#include "core/base/xalloc.h"

#define BITMAP_WORDS(N) (((N) + 63) / 64)

static inline uint64_t *bitmap_new(size_t n)
{
	return xcalloc(BITMAP_WORDS(n), sizeof(uint64_t));
}

static inline bool bitmap_test(const uint64_t *b, size_t i)
{
	return b[i / 64] >> (i % 64) & 1;
}

static inline void bitmap_set(uint64_t *b, size_t i)
{
	b[i / 64] |= 1ull << (i % 64);
}

static inline void bitmap_clear(uint64_t *b, size_t i)
{
	b[i / 64] &= ~(1ull << (i % 64));
}

static inline void bitmap_assign(uint64_t *b, size_t i, bool on)
{
	if (on)
		bitmap_set(b, i);
	else
		bitmap_clear(b, i);
}

static inline size_t bitmap_count(const uint64_t *b, size_t n)
{
	size_t sum = 0;

	for (size_t w = 0; w < BITMAP_WORDS(n); w++)
		sum += (size_t)__builtin_popcountll(b[w]);
	return sum;
}

/* The first position >= from whose bit is `on`, or n. */
static inline size_t bitmap_find(const uint64_t *b, size_t n, size_t from, bool on)
{
	uint64_t word;

	for (size_t w = from / 64; w < BITMAP_WORDS(n); w++) {
		word = on ? b[w] : ~b[w];
		if (w == from / 64)
			word &= ~0ull << (from % 64);
		if (word)
			return MIN(n, w * 64 + (size_t)__builtin_ctzll(word));
	}
	return n;
}

static inline bool bitmap_equal(const uint64_t *a, const uint64_t *b, size_t n)
{
	return !memcmp(a, b, BITMAP_WORDS(n) * sizeof(*a));
}

#define BITMAP_FOR_EACH(I, B, N)                                                                   \
	for (size_t I = bitmap_find((B), (N), 0, true); I < (N);                                   \
	     I = bitmap_find((B), (N), I + 1, true))
