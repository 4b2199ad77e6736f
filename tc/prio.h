/* SPDX-License-Identifier: Apache-2.0 */
/* Priorities of our rules, and their numbers.
 *
 * The kernel sorts the filters of a chain by priority, and wants all filters of one priority to
 * have one protocol (tcm_info's Ethertype).  Flower keeps filters with different masks apart by
 * itself (since Linux 4.19), and rules of different flows never overlap, so one priority for each
 * protocol would do, but for replacements: the new rule stands beside the old one, which has the
 * same match, and flower takes no two of those under one priority.  So a protocol has up to two,
 * and a replacement goes to the other.
 *
 * Few priorities are good for NICs, too: many have a table for each.  Range and mark: filter.h.
 *
 * Priorities are counted by the rules that have them, and free again behind the last.  A rule's
 * number, the lower 24 bits of its handle, is unique in the whole device, so that a filter in a
 * dump is found by it.  One thread at a time. */
#pragma once

#include "core/base/htable.h"
#include "core/base/id_pool.h"

struct tc_prios {
	struct htable chains;
	uint16_t first, last; /* the range */
};

void tc_prios_init(struct tc_prios *p);
void tc_prios_done(struct tc_prios *p);
/* A priority for one more rule of this protocol in a chain of a block (`block`: whatever tells
 * blocks apart).  avoid: not this one, 0 = any.  -ENOSPC: none is left. */
int tc_prios_take(struct tc_prios *p, uint64_t block, uint32_t chain, be16 protocol, uint16_t avoid,
		  uint16_t *ret) MUST_CHECK;
/* Counts a rule that is there. */
void tc_prios_adopt(struct tc_prios *p, uint64_t block, uint32_t chain, be16 protocol,
		    uint16_t prio);
void tc_prios_give(struct tc_prios *p, uint64_t block, uint32_t chain, uint16_t prio);
