/* SPDX-License-Identifier: Apache-2.0 */
/* What one device has still to do: changes to rules that it holds, and rules that it shall get.
 *
 * Two parts.  Changes (removals and replacements) go first, in the order in which they were asked
 * for, so that a new rule never reaches the device before one that it overlaps has left it; there
 * are at most as many as the device holds rules.  Installations wait in QUEUE_BUCKETS lists by
 * value, a power of two each, so that the busiest flow goes first and, when `max` of them wait, the
 * newest of the least valuable is shed: each step costs the same, however many wait.
 *
 * An item is in at most one place.  Not thread-safe: the engine's lock. */
#pragma once

#include "core/base/rcu.h"

#define QUEUE_BUCKETS 32

enum queue_place { QUEUE_NOWHERE, QUEUE_CHANGES, QUEUE_INSTALLS };

struct queue_item {
	struct cds_list_head node;
	uint64_t since_ns; /* clock_mono_ns() when it came */
	uint8_t place;     /* enum queue_place */
	uint8_t bucket;
};

struct queue {
	struct cds_list_head changes;
	struct cds_list_head bucket[QUEUE_BUCKETS];
	uint32_t used; /* bit per bucket that is not empty */
	uint32_t n_changes, n_installs;
	uint32_t max;  /* installations */
	uint64_t shed; /* ever */
};

void queue_init(struct queue *q, uint32_t max);
/* The item must be nowhere. */
void queue_add_change(struct queue *q, struct queue_item *it, uint64_t now_ns);
/* value: packets a second and entry.  Returns what had to be shed: NULL, another item, or `it`
 * itself; that one is nowhere again. */
struct queue_item *queue_add_install(struct queue *q, struct queue_item *it, double value,
				     uint64_t now_ns);
/* One that waits to be installed carries more than when it came: before those that carry less.  It
 * keeps its age. */
void queue_raise(struct queue *q, struct queue_item *it, double value);
/* Takes it out, wherever it is; also when it is nowhere. */
void queue_drop(struct queue *q, struct queue_item *it);
/* The next change, or when there is none the most valuable installation, taken out; NULL when
 * empty. */
struct queue_item *queue_next(struct queue *q);
static inline uint32_t queue_depth(const struct queue *q)
{
	return q->n_changes + q->n_installs;
}
/* When the oldest item came, of those that are next in their lists; 0 when empty. */
uint64_t queue_oldest_ns(const struct queue *q);
