/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/id_pool.h"

#include <assert.h>
#include <stdlib.h>

#include "core/base/bitmap.h"

void id_pool_init(struct id_pool *p, uint32_t base, uint32_t size)
{
	*p = (struct id_pool){ .base = base, .size = size };
}

void id_pool_done(struct id_pool *p)
{
	free(p->used);
	p->used = NULL;
	p->cap = p->n_used = p->hint = 0;
}

static void reserve(struct id_pool *p, uint32_t bits)
{
	size_t words = p->cap / 64, old = words;

	if (bits <= p->cap)
		return;
	p->used = xgrow(p->used, &words, BITMAP_WORDS((size_t)bits), sizeof(*p->used));
	memset(p->used + old, 0, (words - old) * sizeof(*p->used));
	p->cap = (uint32_t)MIN(words * 64, UINT32_MAX / 64 * 64);
}

static void mark(struct id_pool *p, uint32_t i)
{
	reserve(p, i + 1);
	bitmap_set(p->used, i);
	p->n_used++;
}

bool id_pool_take(struct id_pool *p, uint32_t *ret_id)
{
	uint32_t i;

	if (p->n_used >= p->size)
		return false;
	i = p->hint < p->cap ? (uint32_t)bitmap_find(p->used, p->cap, p->hint, false) : p->hint;
	assert(i < p->size);
	mark(p, i);
	p->hint = i + 1;
	*ret_id = p->base + i;
	return true;
}

bool id_pool_is_taken(const struct id_pool *p, uint32_t id)
{
	uint32_t i = id - p->base;

	return i < p->size && i < p->cap && bitmap_test(p->used, i);
}

bool id_pool_take_at(struct id_pool *p, uint32_t id)
{
	if (id - p->base >= p->size || id_pool_is_taken(p, id))
		return false;
	mark(p, id - p->base);
	return true;
}

void id_pool_give(struct id_pool *p, uint32_t id)
{
	uint32_t i = id - p->base;

	assert(id_pool_is_taken(p, id));
	bitmap_clear(p->used, i);
	p->n_used--;
	p->hint = MIN(p->hint, i);
}
