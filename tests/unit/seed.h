/* SPDX-License-Identifier: Apache-2.0 */
/* Seeds for property tests: printed when a test starts, taken from SHUNT_SEED when that is set, so
 * that a failure can be run again. */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/base/hash.h"

struct rng {
	uint64_t state;
};

static inline struct rng rng_start(const char *test)
{
	const char *env = getenv("SHUNT_SEED");
	uint64_t seed = env ? strtoull(env, NULL, 0) : (uint64_t)time(NULL);

	printf("%s: SHUNT_SEED=%llu\n", test, (unsigned long long)seed);
	(void)fflush(stdout);                          /* a test that fails does not come to it */
	return (struct rng){ hash_u64(seed, 0x5eed) }; /* seeds that are neighbours share nothing */
}

static inline uint64_t rng_next(struct rng *r)
{
	return hash_u64(r->state++, 0x5eed);
}

static inline uint64_t rng_below(struct rng *r, uint64_t n)
{
	return rng_next(r) % n;
}
