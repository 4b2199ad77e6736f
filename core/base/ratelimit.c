/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/ratelimit.h"

#include "core/base/clock.h"

#define MAX_BURST (1ull << 33) /* times 1e9 still fits 64 bits */

static uint64_t full(const struct ratelimit *r)
{
	return r->burst * NSEC_PER_SEC;
}

static void refill(struct ratelimit *r, uint64_t now_ns)
{
	__uint128_t level;

	if (now_ns <= r->last_ns)
		return;
	level = (__uint128_t)(now_ns - r->last_ns) * r->rate + r->level;
	r->level = level > full(r) ? full(r) : (uint64_t)level;
	r->last_ns = now_ns;
}

void ratelimit_init(struct ratelimit *r, uint64_t rate, uint64_t burst, uint64_t now_ns)
{
	*r = (struct ratelimit){ .rate = rate, .burst = MIN(burst, MAX_BURST), .last_ns = now_ns };
	r->level = full(r);
}

void ratelimit_set(struct ratelimit *r, uint64_t rate, uint64_t burst, uint64_t now_ns)
{
	refill(r, now_ns);
	r->rate = rate;
	r->burst = MIN(burst, MAX_BURST);
	r->level = MIN(r->level, full(r));
}

bool ratelimit_take(struct ratelimit *r, uint64_t n, uint64_t now_ns)
{
	refill(r, now_ns);
	if (n > r->level / NSEC_PER_SEC)
		return false;
	r->level -= n * NSEC_PER_SEC;
	return true;
}

uint64_t ratelimit_wait_ns(struct ratelimit *r, uint64_t n, uint64_t now_ns)
{
	refill(r, now_ns);
	if (n <= r->level / NSEC_PER_SEC)
		return 0;
	if (n > r->burst || !r->rate)
		return UINT64_MAX;
	return DIV_ROUND_UP(n * NSEC_PER_SEC - r->level, r->rate);
}
