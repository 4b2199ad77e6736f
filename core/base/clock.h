/* SPDX-License-Identifier: Apache-2.0 */
/* Time.  Monotonic for intervals and timeouts, wall only for what a person or a peer reads. */
#pragma once

#include <time.h>

#include "core/base/types.h"

#define NSEC_PER_SEC 1000000000ull
#define NSEC_PER_MSEC 1000000ull
#define NSEC_PER_USEC 1000ull

uint64_t clock_mono_ns(void);
/* Since 1970, UTC.  Reckoned from the monotonic clock by what the thread read within the last
 * second, so a second late where somebody sets the clock. */
uint64_t clock_wall_ns(void);

/* What the calling thread has used of a processor, in its own code and in the kernel. */
uint64_t clock_thread_ns(void);

/* One reading for a whole batch: until clock_let_go() the calling thread gets the time at which it
 * first asks for it.  Reading a clock is a system call where the kernel offers no faster way
 * (virtual machines without a stable counter).  Nests; not around anything that blocks or is
 * measured. */
void clock_hold(void);
void clock_let_go(void);

/* Moves clock_mono_ns() forward for tests (time/warp); never back.  Any thread. */
void clock_warp(uint64_t ns);
