/* SPDX-License-Identifier: Apache-2.0 */
/* Flows that wait for room, ordered by value as far as anybody needs it.
 *
 * A hundred thousand may wait, and each decision takes a few hundred.  So they stand in SHELF_N
 * lists, a factor of two in value each, and a decision looks at the upper ones only: adding, moving
 * and taking out cost the same however many wait, and what is at the bottom costs nothing.
 *
 * Values only fall by themselves.  A flow therefore stands at or above its place, and whoever comes
 * upon it too high puts it where it belongs; one that has been counted more is moved by
 * shelf_put(). Within a list they are in turn: what has been looked at goes to the end.
 *
 * Not thread-safe: the caller's lock. */
#pragma once

#include "core/base/list.h"

#define SHELF_N 32

struct shelf_item {
	struct cds_list_head node;
	bool on;
	uint8_t level;
	uint32_t visit; /* shelf.visit when it was last looked at */
};

struct shelf {
	struct cds_list_head level[SHELF_N];
	uint32_t used;  /* bit per level that is not empty */
	uint32_t visit; /* number of the last one */
	uint32_t n;
	uint32_t n_worth; /* of them with a value of one or more, when last looked at */
};

void shelf_init(struct shelf *s);
/* Puts it where its value belongs, whether it is on the shelf or not. */
void shelf_put(struct shelf *s, struct shelf_item *it, double value);
/* Takes it off; nothing when it is not on. */
void shelf_drop(struct shelf *s, struct shelf_item *it);

/* The value of an item now, and whether the walk goes on. */
typedef bool shelf_visit_fn(struct shelf_item *it, double *value, void *aux);
/* The first `max` from the top, each once.  Items may not be added or dropped by fn. */
void shelf_visit(struct shelf *s, unsigned max, shelf_visit_fn *fn, void *aux);
