/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers for identities, sampling and jitter: a generator per thread (xoshiro256**), seeded
 * by the kernel.  Fast, well distributed, and no secret: never for keys.  Any thread. */
#pragma once

#include "core/base/types.h"

uint64_t random_u64(void);
uint64_t random_below(uint64_t n); /* 0 .. n - 1; n > 0 */
struct ufid ufid_new(void);        /* never all zero */
/* The kernel's own generator; for what must be unique across machines. */
void random_bytes(void *p, size_t n);
