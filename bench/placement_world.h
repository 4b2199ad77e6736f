/* SPDX-License-Identifier: Apache-2.0 */
/* A table and the flows that are alive, for what the policy is held against. */
#pragma once

#include "bench/placement.h"

struct world {
	struct trace *t;
	const struct replay_config *c;
	bool *in_hw;
	uint32_t *last;  /* step in which it sent last, + 1; 0: not seen */
	uint32_t *alive; /* flows that have been seen and have not idled out */
	size_t n_alive, cap_alive;
	uint64_t used;
	struct tally y;
};

void world_open(struct world *w, struct trace *t, const struct replay_config *c);
void world_close(struct world *w, struct result *r);
/* The step is over: its flows are seen, and what was in hardware in it is counted. */
void world_see(struct world *w, uint32_t step);
/* Those that have idled out come as new ones when they send again. */
void world_idle_out(struct world *w, uint32_t step);
/* False: there is no room for it. */
bool world_put_in(struct world *w, uint32_t flow);
void world_take_out(struct world *w, uint32_t flow);
void world_clear(struct world *w);

struct scored {
	uint32_t flow;
	double score;
};
/* For qsort(): the highest first. */
int scored_compare(const void *a, const void *b);
