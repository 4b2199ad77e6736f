/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of one writer at a time: plain additions that a reader on another thread may look at.
 *
 * A locked instruction costs some twenty cycles a packet and is not needed: receive counters belong
 * to the worker that polls the queue, transmit counters stand under the port's transmit lock. */
#pragma once

#include "core/base/types.h"

static inline void count_add(uint64_t *c, uint64_t n)
{
	__atomic_store_n(c, __atomic_load_n(c, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

static inline uint64_t count_get(const uint64_t *c)
{
	return __atomic_load_n(c, __ATOMIC_RELAXED);
}
