/* SPDX-License-Identifier: Apache-2.0 */
/* Random cases: a few packets of every kind, and tables whose matches are taken from them, so that
 * both meet. */
#pragma once

#include "tests/agree/case.h"
#include "tests/unit/seed.h"

/* Into a case that holds nothing. */
void agree_gen(struct agree_case *c, struct rng r);
/* What a case is made of: not all goes together. */
struct agree_gen_kinds {
	bool wrong_sums;
	/* Checksums that are begun only.  Whether one covers what an output cuts off depends on
	 * when it is finished: no cut outputs then. */
	bool partial;
	/* IEEE 802.3 frames with SNAP: the kernel puts a label in place of their length, others do
	 * not put any: no labels are pushed then. */
	bool snap;
};
/* gen_packet.c: a frame that says how long it is and keeps to it, but may be odd otherwise. */
void agree_gen_packet(struct rng *r, const struct agree_gen_kinds *kinds, struct agree_packet *p);
/* One of these `n` chances in `of`. */
static inline bool gen_chance(struct rng *r, unsigned n, unsigned of)
{
	return rng_below(r, of) < n;
}
