/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table of borrowed nodes for one writer at a time and any number of RCU readers.
 *
 * Every table on the packet path is one of these: rules of a subtable, its stage indexes, the
 * megaflows of a mask.  They are many, mostly small, read far more often than written, and most
 * probes find nothing, so the unit is one cache line: six pointers, six 16-bit tags cut from the
 * hash, and a count of the nodes that belonged here but went to a later bucket.  A probe that finds
 * nothing reads that one line.  A table of up to six nodes is one line.
 *
 * Nodes never move inside an array, so readers can neither miss a node that stays nor meet it
 * twice.  Growing and shrinking copy the pointers into a new array, exchange it whole, and free the
 * old one after a grace period.  There are no tombstones: a removal takes its overflow counts back.
 *
 * Threads: the inline readers inside an RCU read section (or under the writer's lock); the writers
 * exclude each other.  Cost: insert and erase O(1) amortised; 13 to 26 bytes a node. */
#pragma once

#include <stdatomic.h>

#include "core/base/rcu.h"

#define RTAB_SLOTS 6

/* Embedded in what the table holds. */
struct rtab_node {
	uint32_t hash;
};

struct rtab_bucket {
	/* Lane i of tags[0] belongs to slot i, lane i of the low half of tags[1] to slot 4 + i; the
	 * high half of tags[1] is the overflow count. */
	_Atomic uint64_t tags[2];
	struct rtab_node *_Atomic slot[RTAB_SLOTS]; /* borrowed */
};
_Static_assert(sizeof(struct rtab_bucket) == CACHELINE, "a bucket is a line");

struct rtab {
	_Atomic uintptr_t root; /* owned, RCU: the buckets' address | log2(buckets); 0 = none */
	uint32_t n;             /* writer's */
};

/* What a reader of a table without an array reads. */
extern const struct rtab_bucket rtab_no_bucket;

/* A seed that peers cannot guess. */
uint64_t rtab_seed(void);

/* Puts the node in; equal hashes may coexist. */
void rtab_insert(struct rtab *t, struct rtab_node *node);
/* Takes a node out; it must be in. */
void rtab_erase(struct rtab *t, struct rtab_node *node);
/* Puts `new_node`, whose hash is the same, where `old` is.  Readers find one of them. */
void rtab_replace(struct rtab *t, struct rtab_node *old, struct rtab_node *new_node);
/* Frees the array at once: for a table that no reader can reach any more. */
void rtab_done(struct rtab *t);

static inline struct rtab_bucket *rtab_buckets(uintptr_t root)
{
	return (struct rtab_bucket *)(root & ~(uintptr_t)(CACHELINE - 1));
}

static inline uint32_t rtab_mask(uintptr_t root)
{
	return (uint32_t)((UINT64_C(1) << (root & (CACHELINE - 1))) - 1);
}

/* Never 0, which marks a free lane. */
static inline uint64_t rtab_tag(uint32_t hash)
{
	return (hash >> 16) | !(hash >> 16);
}

/* The top bit of each 16-bit lane of x that is zero; a lane above such a one may be set by mistake,
 * which the comparison of hashes catches. */
static inline uint64_t rtab_zero_lanes(uint64_t x)
{
	return (x - UINT64_C(0x0001000100010001)) & ~x & UINT64_C(0x8000800080008000);
}

/* Where a reader stands among the nodes with one hash. */
struct rtab_pos {
	const struct rtab_bucket *buckets;
	uint32_t mask, at, left; /* left: buckets not yet visited */
	uint32_t hash;
	uint64_t lanes; /* candidates in bucket `at`: bit 16i + j is slot i + 4j */
	bool more;
};

static inline void rtab_load_bucket(struct rtab_pos *p)
{
	const struct rtab_bucket *b = &p->buckets[p->at];
	uint64_t tags = rtab_tag(p->hash) * UINT64_C(0x0001000100010001);
	uint64_t t0 = atomic_load_explicit(&b->tags[0], memory_order_acquire);
	uint64_t t1 = atomic_load_explicit(&b->tags[1], memory_order_acquire);
	uint64_t z0 = rtab_zero_lanes(t0 ^ tags), z1 = rtab_zero_lanes(t1 ^ tags);

	p->lanes = (z0 >> 15) | ((z1 & 0x80008000u) >> 14);
	p->more = (t1 >> 32) != 0;
}

static inline void rtab_begin(struct rtab_pos *p, const struct rtab *t, uint32_t hash)
{
	uintptr_t root = atomic_load_explicit(&t->root, memory_order_acquire);

	p->buckets = likely(root) ? rtab_buckets(root) : &rtab_no_bucket;
	p->left = p->mask = rtab_mask(root);
	p->hash = hash;
	p->at = hash & p->mask;
	rtab_load_bucket(p);
}

/* The next node with the hash that rtab_begin() was given, or NULL. */
static inline struct rtab_node *rtab_next(struct rtab_pos *p)
{
	for (;;) {
		while (p->lanes) {
			unsigned bit = (unsigned)__builtin_ctzll(p->lanes);
			struct rtab_node *n = atomic_load_explicit(
				&p->buckets[p->at].slot[(bit >> 4) + ((bit & 1) << 2)],
				memory_order_acquire);

			p->lanes &= p->lanes - 1;
			if (n && n->hash == p->hash)
				return n;
		}
		if (likely(!p->more) || !p->left)
			return NULL;
		p->left--;
		p->at = (p->at + 1) & p->mask;
		rtab_load_bucket(p);
	}
}

/* for each node NODE with HASH; POS is a struct rtab_pos */
#define RTAB_FOR_EACH_WITH(NODE, POS, T, HASH)                                                     \
	for (rtab_begin(&(POS), (T), (HASH)); ((NODE) = rtab_next(&(POS)));)

static inline void rtab_prefetch(const struct rtab *t, uint32_t hash)
{
	uintptr_t root = atomic_load_explicit(&t->root, memory_order_acquire);

	__builtin_prefetch(&rtab_buckets(root)[hash & rtab_mask(root)]);
}

/* A walk over all nodes, in no order. */
struct rtab_walk {
	const struct rtab_bucket *buckets;
	size_t at, end; /* slots */
};

static inline void rtab_walk_begin(struct rtab_walk *w, const struct rtab *t)
{
	uintptr_t root = atomic_load_explicit(&t->root, memory_order_acquire);

	w->buckets = rtab_buckets(root);
	w->at = 0;
	w->end = root ? ((size_t)rtab_mask(root) + 1) * RTAB_SLOTS : 0;
}

static inline struct rtab_node *rtab_walk_next(struct rtab_walk *w)
{
	while (w->at < w->end) {
		size_t i = w->at++;
		struct rtab_node *n = atomic_load_explicit(
			&w->buckets[i / RTAB_SLOTS].slot[i % RTAB_SLOTS], memory_order_acquire);

		if (n)
			return n;
	}
	return NULL;
}

/* for each node NODE of T; WALK is a struct rtab_walk */
#define RTAB_FOR_EACH(NODE, WALK, T)                                                               \
	for (rtab_walk_begin(&(WALK), (T)); ((NODE) = rtab_walk_next(&(WALK)));)
