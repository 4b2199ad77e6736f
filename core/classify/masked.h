/* SPDX-License-Identifier: Apache-2.0 */
/* Hashing and comparing a flow key under a mask, word by word of the mask alone.
 *
 * A mask is stored as its non-zero words, each with its place in the key.  The hash is a sum over
 * words, each mixed on its own with a salt made of the seed and its place: the multiplications do
 * not wait for each other, and a running sum gives the hash of each stage of a staged lookup for
 * one more multiplication. */
#pragma once

#include "core/base/hash.h"
#include "core/packet/flow_key.h"

struct masked_word {
	uint64_t mask;
	uint64_t word; /* index into the key's words */
};

/* What one word adds to a sum. */
static inline uint64_t masked_mix(uint64_t value, uint64_t word, uint64_t seed)
{
	__uint128_t m = (__uint128_t)(value ^ (seed + word * UINT64_C(0x9e3779b97f4a7c15))) *
			UINT64_C(0xd6e8feb86659fd93);

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static inline uint32_t masked_finish(uint64_t sum)
{
	return (uint32_t)hash_add64(sum, UINT64_C(0xa0761d6478bd642f));
}

/* The sum over n words of a key. */
static inline uint64_t masked_sum(const uint64_t *key, const struct masked_word *w, unsigned n,
				  uint64_t seed)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += masked_mix(key[w[i].word] & w[i].mask, w[i].word, seed);
	return sum;
}

/* The same over words that are masked and packed already. */
static inline uint64_t masked_sum_packed(const uint64_t *packed, const struct masked_word *w,
					 unsigned n, uint64_t seed)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += masked_mix(packed[i], w[i].word, seed);
	return sum;
}

/* key & mask equals the packed words. */
static inline bool masked_equal(const uint64_t *key, const struct masked_word *w, unsigned n,
				const uint64_t *packed)
{
	uint64_t diff = 0;

	for (unsigned i = 0; i < n; i++)
		diff |= (key[w[i].word] & w[i].mask) ^ packed[i];
	return !diff;
}

/* Hash of a mask itself: which words, and their bits. */
static inline uint32_t masked_hash_mask(const uint64_t *masks, uint64_t map, uint64_t seed)
{
	uint64_t sum = 0;
	unsigned i, n = 0;

	FLOW_MAP_FOR_EACH (i, map)
		sum += masked_mix(masks[n++], i, seed);
	return masked_finish(sum ^ map);
}
