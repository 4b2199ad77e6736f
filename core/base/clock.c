/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/clock.h"

#include <stdatomic.h>

static _Atomic uint64_t warp_ns;

/* The thread's batch; 0: not asked for yet. */
static __thread unsigned holds;
static __thread uint64_t held_mono, held_wall;

static uint64_t read_clock(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts); /* cannot fail for these clocks */
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

static uint64_t read_mono(void)
{
	return read_clock(CLOCK_MONOTONIC) + atomic_load_explicit(&warp_ns, memory_order_relaxed);
}

uint64_t clock_mono_ns(void)
{
	if (!holds)
		return read_mono();
	if (!held_mono)
		held_mono = read_mono();
	return held_mono;
}

uint64_t clock_wall_ns(void)
{
	if (!holds)
		return read_clock(CLOCK_REALTIME);
	if (!held_wall)
		held_wall = read_clock(CLOCK_REALTIME);
	return held_wall;
}

uint64_t clock_thread_ns(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

void clock_hold(void)
{
	if (!holds++)
		held_mono = held_wall = 0;
}

void clock_let_go(void)
{
	holds--;
}

void clock_warp(uint64_t ns)
{
	atomic_fetch_add(&warp_ns, ns);
}
