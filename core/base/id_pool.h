/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers from a range, each given out once until it comes back.  Takes the lowest that is free
 * (so memory follows use, not the range).  Not thread-safe. */
#pragma once

#include "core/base/types.h"

struct id_pool {
	uint32_t base, size; /* base .. base + size - 1 */
	uint32_t hint;       /* nothing below it is free */
	uint32_t cap;        /* bits in `used` */
	uint32_t n_used;
	uint64_t *used; /* owned bitmap */
};

void id_pool_init(struct id_pool *p, uint32_t base, uint32_t size);
void id_pool_done(struct id_pool *p);
/* False: all are taken. */
bool id_pool_take(struct id_pool *p, uint32_t *ret_id) MUST_CHECK;
/* Takes this very one; false: taken already or out of range. */
bool id_pool_take_at(struct id_pool *p, uint32_t id) MUST_CHECK;
void id_pool_give(struct id_pool *p, uint32_t id); /* must be taken */
bool id_pool_is_taken(const struct id_pool *p, uint32_t id);
