/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/random.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

static __thread struct {
	uint64_t s[4];
	bool seeded;
} rng;

void random_bytes(void *p, size_t n)
{
	uint8_t *b = p;

	while (n) {
		ssize_t got = getrandom(b, n, 0);

		if (got < 0 && errno != EINTR)
			abort(); /* a kernel without a random generator cannot run this program */
		if (got > 0) {
			b += got;
			n -= (size_t)got;
		}
	}
}

static uint64_t rotl(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

/* D. Blackman, S. Vigna: "Scrambled linear pseudorandom number generators" (2018). */
uint64_t random_u64(void)
{
	uint64_t *s = rng.s, result, t;

	if (unlikely(!rng.seeded)) {
		random_bytes(s, sizeof(rng.s));
		s[0] |= 1; /* all zero is the one state that it never leaves */
		rng.seeded = true;
	}
	result = rotl(s[1] * 5, 7) * 9;
	t = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

uint64_t random_below(uint64_t n)
{
	return (uint64_t)(((__uint128_t)random_u64() * n) >> 64);
}

struct ufid ufid_new(void)
{
	return (struct ufid){ { random_u64(), random_u64() | 1 } };
}
