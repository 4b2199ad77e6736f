/* SPDX-License-Identifier: Apache-2.0 */
#include "core/classify/rtab.h"

#include <assert.h>
#include <sys/random.h>

#include "core/base/hash.h"
#include "core/base/xalloc.h"

#define OVERFLOW_ONE (UINT64_C(1) << 32)
/* Five nodes a bucket on average when it grows: one bucket in eight or so has then sent a node on.
 */
#define GROW_AT 5

const struct rtab_bucket rtab_no_bucket;

uint64_t rtab_seed(void)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
		seed = hash_ptr(&seed);
	return seed;
}

/* Only the writer changes tags, so a load and a store do. */
static void set_tag(struct rtab_bucket *b, unsigned slot, uint64_t tag)
{
	_Atomic uint64_t *w = &b->tags[slot / 4];
	unsigned shift = slot % 4 * 16;
	uint64_t v = atomic_load_explicit(w, memory_order_relaxed) & ~(UINT64_C(0xffff) << shift);

	atomic_store_explicit(w, v | tag << shift, memory_order_release);
}

static void add_overflow(struct rtab_bucket *b, uint64_t delta)
{
	uint64_t v = atomic_load_explicit(&b->tags[1], memory_order_relaxed);

	atomic_store_explicit(&b->tags[1], v + delta, memory_order_release);
}

static struct rtab_node *slot_get(const struct rtab_bucket *b, unsigned i)
{
	return atomic_load_explicit(&b->slot[i], memory_order_relaxed);
}

/* The slot of `b` that holds `node` (NULL: a free one), or -1. */
static int slot_of(const struct rtab_bucket *b, const struct rtab_node *node)
{
	for (unsigned i = 0; i < RTAB_SLOTS; i++)
		if (slot_get(b, i) == node)
			return (int)i;
	return -1;
}

/* The pointer goes in before the tag, so that a reader that meets the tag finds the pointer. */
static void place(uintptr_t root, struct rtab_node *node)
{
	uint32_t mask = rtab_mask(root), at = node->hash & mask;
	struct rtab_bucket *b;
	int slot;

	for (;; at = (at + 1) & mask) {
		b = &rtab_buckets(root)[at];
		slot = slot_of(b, NULL);
		if (slot >= 0)
			break;
		add_overflow(b, OVERFLOW_ONE);
	}
	atomic_store_explicit(&b->slot[slot], node, memory_order_release);
	set_tag(b, (unsigned)slot, rtab_tag(node->hash));
}

static void resize(struct rtab *t, unsigned log2_buckets)
{
	uintptr_t old = atomic_load_explicit(&t->root, memory_order_relaxed);
	uintptr_t root;
	struct rtab_walk w;
	struct rtab_node *n;

	root = (uintptr_t)xzalloc_cacheline(sizeof(struct rtab_bucket) << log2_buckets) |
	       log2_buckets;
	RTAB_FOR_EACH(n, w, t)
	place(root, n);
	atomic_store_explicit(&t->root, root, memory_order_release);
	if (old)
		rcu_defer_free(rtab_buckets(old));
}

void rtab_insert(struct rtab *t, struct rtab_node *node)
{
	uintptr_t root = atomic_load_explicit(&t->root, memory_order_relaxed);
	size_t buckets = (size_t)rtab_mask(root) + 1;
	unsigned log2_buckets = root & (CACHELINE - 1);

	if (!root)
		resize(t, 0);
	else if (t->n >= (buckets == 1 ? RTAB_SLOTS : buckets * GROW_AT))
		resize(t, log2_buckets + 1);
	place(atomic_load_explicit(&t->root, memory_order_relaxed), node);
	t->n++;
}

/* Finds the bucket of a node that is in; *slot is its place there. */
static struct rtab_bucket *find(const struct rtab *t, const struct rtab_node *node, int *slot)
{
	uintptr_t root = atomic_load_explicit(&t->root, memory_order_relaxed);
	uint32_t mask = rtab_mask(root), at = node->hash & mask;

	for (uint32_t left = mask;; left--, at = (at + 1) & mask) {
		struct rtab_bucket *b = &rtab_buckets(root)[at];

		*slot = slot_of(b, node);
		if (*slot >= 0)
			return b;
		assert(left > 0);
	}
}

void rtab_erase(struct rtab *t, struct rtab_node *node)
{
	uintptr_t root = atomic_load_explicit(&t->root, memory_order_relaxed);
	uint32_t mask = rtab_mask(root);
	int slot;
	struct rtab_bucket *b = find(t, node, &slot);

	set_tag(b, (unsigned)slot, 0);
	atomic_store_explicit(&b->slot[slot], NULL, memory_order_release);
	for (uint32_t at = node->hash & mask; &rtab_buckets(root)[at] != b; at = (at + 1) & mask)
		add_overflow(&rtab_buckets(root)[at], (uint64_t)-OVERFLOW_ONE);
	if (--t->n < mask)
		resize(t, (unsigned)(root & (CACHELINE - 1)) - 1);
}

void rtab_replace(struct rtab *t, struct rtab_node *old, struct rtab_node *new_node)
{
	int slot;
	struct rtab_bucket *b = find(t, old, &slot);

	assert(old->hash == new_node->hash);
	atomic_store_explicit(&b->slot[slot], new_node, memory_order_release);
}

void rtab_done(struct rtab *t)
{
	uintptr_t root = atomic_exchange(&t->root, 0);

	if (root)
		free(rtab_buckets(root));
	t->n = 0;
}
