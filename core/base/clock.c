/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/clock.h"

#include <stdatomic.h>

static _Atomic uint64_t warp_ns;

static uint64_t read_clock(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts); /* cannot fail for these clocks */
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

uint64_t clock_mono_ns(void)
{
	return read_clock(CLOCK_MONOTONIC) + atomic_load_explicit(&warp_ns, memory_order_relaxed);
}

uint64_t clock_wall_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

void clock_warp(uint64_t ns)
{
	atomic_fetch_add(&warp_ns, ns);
}
