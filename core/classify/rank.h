/* SPDX-License-Identifier: Apache-2.0 */
/* The subtables of a classifier by falling priority: the order in which a lookup visits them.
 *
 * Each entry carries the highest priority in its subtable, so that a lookup that has a rule knows
 * without touching the next subtable that it is done.  Subtables move up and down as rules come and
 * go, so the array is cut in chunks of up to 64: a change copies one or two chunks and the list of
 * chunks, and exchanges that.  A change that keeps the order is a store.
 *
 * Threads: readers inside an RCU read section see one consistent order per cursor; writers exclude
 * each other.  Cost of a change: O(64 + subtables/64). */
#pragma once

#include <stdatomic.h>

#include "core/base/rcu.h"

#define RANK_CHUNK 64

struct cls_subtable;
struct rank_entry {
	struct cls_subtable *st; /* borrowed */
	_Atomic int32_t priority;
};

struct rank_chunk {
	unsigned n;
	struct rank_entry e[];
};

struct rank_top {
	unsigned n;
	struct rank_chunk *c[]; /* owned with the top that is current */
};

struct rank {
	struct rank_top *_Atomic top; /* owned, RCU; NULL = empty */
};

/* Adds st behind those of the same priority. */
void rank_insert(struct rank *r, struct cls_subtable *st, int32_t priority);
/* Takes out st, whose entry has this priority. */
void rank_remove(struct rank *r, struct cls_subtable *st, int32_t priority);
/* The highest priority in st, `from` until now, is `to`. */
void rank_move(struct rank *r, struct cls_subtable *st, int32_t from, int32_t to);

/* A reader's place in the order. */
struct rank_cursor {
	const struct rank_top *top;
	unsigned chunk, i;
};

static inline struct rank_cursor rank_begin(const struct rank *r)
{
	return (struct rank_cursor){ atomic_load_explicit(&r->top, memory_order_acquire), 0, 0 };
}

/* The next entry, or NULL. */
static inline const struct rank_entry *rank_next(struct rank_cursor *c)
{
	const struct rank_chunk *k;

	if (!c->top || c->chunk >= c->top->n)
		return NULL;
	k = c->top->c[c->chunk];
	if (c->i + 1 < k->n)
		return &k->e[c->i++];
	c->chunk++;
	return &k->e[k->n - 1 + (c->i = 0)];
}

static inline int32_t rank_priority(const struct rank_entry *e)
{
	return atomic_load_explicit(&e->priority, memory_order_relaxed);
}
