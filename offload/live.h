/* SPDX-License-Identifier: Apache-2.0 */
/* What a live view of the engine shows beside its counters: the flows that carry most, what keeps
 * traffic out of hardware at this moment, and the latest moves between tiers.
 *
 * Any thread.  Cost: one walk over all flows under the engine's lock (some 20 ms for 200,000), and
 * memory for the flows that are shown, whatever their number. */
#pragma once

#include "offload/engine.h"

#define LIVE_MOVES 64 /* the latest; older ones are only counted */

enum live_kind {
	LIVE_INSTALLED, /* into hardware */
	LIVE_TC,        /* into the provider's software */
	LIVE_REMOVED,   /* out of the device, because we want it so: evicted, switched off … */
	LIVE_LOST,      /* out of it by itself */
	LIVE_REFUSED,
	LIVE_N_KINDS
};
extern const char *const live_kind_name[LIVE_N_KINDS];

struct live_move {
	enum live_kind kind;
	enum offload_state from, to;
	struct ufid ufid;
	struct dp_port port; /* where the flow enters; DP_PORT_NONE: no one port */
	struct offload_refusal why;
};

enum live_order {
	LIVE_BY_RATE,
	LIVE_BY_PACKETS,
	LIVE_BY_AGE /* the newest first */,
	LIVE_N_ORDERS
};
extern const char *const live_order_name[LIVE_N_ORDERS];

struct live_look {
	uint64_t moves[LIVE_N_KINDS]; /* ever */
	unsigned n_latest;
	struct live_move latest[LIVE_MOVES]; /* the newest first */
	struct {
		uint64_t flows;
		double pps;
	} out[OFFLOAD_N_REASONS]; /* flows outside hardware now, by what keeps them there */
};

/* Fills `look`, then calls fn for the first n flows in that order; the info is valid during the
 * call only. */
void engine_live(struct engine *e, enum live_order order, size_t n, struct live_look *look,
		 engine_visit_fn *fn, void *aux);
