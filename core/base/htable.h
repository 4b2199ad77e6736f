/* SPDX-License-Identifier: Apache-2.0 */
/* A chained hash table of intrusive nodes for one thread (or under one lock).  Tables that are read
 * under RCU use liburcu's cds_lfht instead.  Grows by doubling at one node a bucket; never shrinks.
 * Duplicates are allowed: the caller compares. */
#pragma once

#include <stdlib.h>

#include "core/base/types.h"

struct hnode {
	struct hnode *next; /* borrowed */
	uint64_t hash;
};

struct htable {
	struct hnode **buckets; /* owned; NULL while empty */
	size_t mask;            /* buckets - 1 */
	size_t n;               /* nodes */
};

#define HTABLE_INIT                                                                                \
	{                                                                                          \
		NULL, 0, 0                                                                         \
	}

static inline void htable_init(struct htable *t)
{
	*t = (struct htable)HTABLE_INIT;
}
void htable_done(struct htable *t); /* the nodes stay their owners' */
void htable_insert(struct htable *t, struct hnode *node, uint64_t hash);
void htable_remove(struct htable *t, struct hnode *node); /* must be in */
void htable_reserve(struct htable *t, size_t n);

static inline struct hnode *htable_next_with(struct hnode *n, uint64_t hash)
{
	while (n && n->hash != hash)
		n = n->next;
	return n;
}

static inline struct hnode *htable_first_with(const struct htable *t, uint64_t hash)
{
	return t->buckets ? htable_next_with(t->buckets[hash & t->mask], hash) : NULL;
}

/* In bucket order; NULL at the end.  Removing the node itself is safe when the next one was taken
 * before. */
struct hnode *htable_first(const struct htable *t);
struct hnode *htable_next(const struct htable *t, const struct hnode *n);

#define HTABLE_ENTRY(NODE, TYPE, MEMBER) ((NODE) ? container_of(NODE, TYPE, MEMBER) : NULL)

/* for each POS (a `TYPE *`) whose node has this hash */
#define HTABLE_FOR_EACH_WITH(POS, TYPE, MEMBER, HASH, T)                                           \
	for (POS = HTABLE_ENTRY(htable_first_with((T), (HASH)), TYPE, MEMBER); POS;                \
	     POS = HTABLE_ENTRY(htable_next_with((POS)->MEMBER.next, (HASH)), TYPE, MEMBER))

/* for each node; the body may remove and free POS */
#define HTABLE_FOR_EACH(POS, TYPE, MEMBER, T)                                                      \
	for (struct hnode *it_ = htable_first(T), *nx_ = it_ ? htable_next((T), it_) : NULL;       \
	     it_ && ((POS) = container_of(it_, TYPE, MEMBER), true);                               \
	     it_ = nx_, nx_ = it_ ? htable_next((T), it_) : NULL)
