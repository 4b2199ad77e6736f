/* SPDX-License-Identifier: Apache-2.0 */
/* Random cases: a few packets of every kind, and tables whose matches are taken from them, so that
 * both meet. */
#pragma once

#include "core/packet/flow_key.h"
#include "tests/agree/case.h"
#include "tests/unit/seed.h"

/* Into a case that holds nothing.  tracks: it may track connections. */
void agree_gen(struct agree_case *c, struct rng r, bool tracks);
/* What a case is made of: not all goes together. */
struct agree_gen_kinds {
	bool wrong_sums;
	/* Checksums that are begun only.  Whether one covers what an output cuts off depends on
	 * when it is finished: no cut outputs then. */
	bool partial;
	/* IEEE 802.3 frames with SNAP: the kernel puts a label in place of their length, others do
	 * not put any: no labels are pushed then. */
	bool snap;
	/* Frames that are longer than what they carry.  A tracker cuts that off, and TC counts it
	 * all the same (tc/chains.h). */
	bool trailers;
};
/* gen_packet.c: a frame that says how long it is and keeps to it, but may be odd otherwise. */
void agree_gen_packet(struct rng *r, const struct agree_gen_kinds *kinds, struct agree_packet *p);
/* gen_ct.c: of two zones, `zone` and the next.  A packet may answer one of `n`, whose keys are
 * given. */
void gen_ct_packet(struct rng *r, const struct flow_key *keys, unsigned n, struct agree_packet *p);
void gen_ct_match(struct rng *r, uint16_t zone, struct flow_key *from, struct flow_key *mask);
/* next: the table to go on in, -1: none. */
void gen_ct_action(struct rng *r, uint16_t zone, int next, struct str *s);
/* One of these `n` chances in `of`. */
static inline bool gen_chance(struct rng *r, unsigned n, unsigned of)
{
	return rng_below(r, of) < n;
}
