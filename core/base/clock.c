/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/clock.h"

#include <stdatomic.h>

static _Atomic uint64_t warp_ns;

/* The thread's batch; 0: not asked for yet. */
static __thread unsigned holds;
static __thread uint64_t held_mono;

/* What wall time is ahead of the monotonic, as the thread read them at ahead_ns; 0: never. */
static __thread uint64_t ahead, ahead_ns;

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
	uint64_t now = clock_mono_ns();

	if (!ahead_ns || now - ahead_ns >= NSEC_PER_SEC) {
		ahead = read_clock(CLOCK_REALTIME) - now;
		ahead_ns = now;
	}
	return now + ahead;
}

uint64_t clock_thread_ns(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

void clock_hold(void)
{
	if (!holds++)
		held_mono = 0;
}

void clock_let_go(void)
{
	holds--;
}

void clock_warp(uint64_t ns)
{
	atomic_fetch_add(&warp_ns, ns);
}
