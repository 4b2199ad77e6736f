/* SPDX-License-Identifier: Apache-2.0 */
/* A token bucket: `rate` tokens a second up to `burst`, in exact integers, so that it neither gains
 * nor loses over years.  Starts full.  One thread, or the caller's lock; costs a multiply. */
#pragma once

#include "core/base/types.h"

struct ratelimit {
	uint64_t rate;  /* tokens per second; 0: only the burst */
	uint64_t burst; /* at most 2^33 */
	uint64_t level; /* token-nanoseconds: 1e9 a token */
	uint64_t last_ns;
};

void ratelimit_init(struct ratelimit *r, uint64_t rate, uint64_t burst, uint64_t now_ns);
/* Another rate or burst; keeps what is in the bucket, up to the new burst. */
void ratelimit_set(struct ratelimit *r, uint64_t rate, uint64_t burst, uint64_t now_ns);
/* Takes n tokens, or none and false. */
bool ratelimit_take(struct ratelimit *r, uint64_t n, uint64_t now_ns) MUST_CHECK;
/* How long until n tokens are there: 0 now, UINT64_MAX never. */
uint64_t ratelimit_wait_ns(struct ratelimit *r, uint64_t n, uint64_t now_ns);
