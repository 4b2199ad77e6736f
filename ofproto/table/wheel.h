/* SPDX-License-Identifier: Apache-2.0 */
/* A timer wheel: many entries with a due time, put in and taken out in O(1).
 *
 * One turn of WHEEL_SLOTS slots of WHEEL_TICK_NS each; what is due later than a turn waits in the
 * last slot and is sorted in again when its slot comes.  The resolution is no error: an entry is
 * handed out at its due time, never before.  For one thread or under its owner's lock. */
#pragma once

#include "core/base/clock.h"
#include "core/base/list.h"

#define WHEEL_SLOTS 1024
#define WHEEL_TICK_NS (250 * NSEC_PER_MSEC)

struct wheel_entry {
	struct cds_list_head link;
	uint64_t due_ns;
	uint16_t slot;
	bool in;
};

struct wheel {
	struct cds_list_head slots[WHEEL_SLOTS];
	uint64_t map[WHEEL_SLOTS / 64]; /* slots that are not empty */
	uint64_t tick;                  /* every earlier slot is empty */
	size_t n;
};

void wheel_init(struct wheel *w, uint64_t now_ns);
void wheel_add(struct wheel *w, struct wheel_entry *e, uint64_t due_ns); /* must be out */
void wheel_remove(struct wheel *w, struct wheel_entry *e);               /* may be out */
/* Takes out every entry that is due by now_ns and calls fn for it; fn may add it again, due later.
 * Cost: the entries that were due, and the slots since the last call. */
typedef void wheel_fn(struct wheel_entry *e, void *aux);
void wheel_expire(struct wheel *w, uint64_t now_ns, wheel_fn *fn, void *aux);
/* When to call wheel_expire() next: never after the first due time, sometimes before it;
 * UINT64_MAX: empty. */
uint64_t wheel_next_ns(const struct wheel *w);
