/* SPDX-License-Identifier: Apache-2.0 */
/* Hashing.  Bytes and strings go through xxhash (XXH3); words of keys on packet paths through two
 * inline mixers, where a call would cost more than the hash. */
#pragma once

#include <string.h>

#include "core/base/types.h"

uint64_t hash_bytes(const void *p, size_t n, uint64_t seed);
static inline uint64_t hash_string(const char *s, uint64_t seed)
{
	return hash_bytes(s, strlen(s), seed);
}

/* Adds one word to a running hash (multiply-fold, 3 cycles). */
static inline uint64_t hash_add64(uint64_t h, uint64_t x)
{
	__uint128_t m = (__uint128_t)(h ^ x ^ 0x9e3779b97f4a7c15ull) * 0xd6e8feb86659fd93ull;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static inline uint64_t hash_u64(uint64_t x, uint64_t seed)
{
	return hash_add64(hash_add64(seed, x), 0xa0761d6478bd642full);
}

static inline uint64_t hash_ptr(const void *p)
{
	return hash_u64((uintptr_t)p, 0);
}

static inline uint64_t hash_ufid(const struct ufid *u)
{
	return u->u[0]; /* random already */
}
