/* SPDX-License-Identifier: Apache-2.0 */
/* What the policy is held against.
 *
 * The oracle knows the future: for each step it has in hardware, of the flows that have been seen,
 * the set that will carry most packets in that very step, filled in the order of packets for each
 * entry. It pays nothing for changes and has no bound on them, but like everybody it cannot know a
 * flow before its first packet.  No policy with the same period can carry more, but for the last
 * entries of a table where flows cost several.
 *
 * Greedy: first come; a flow leaves when it has been idle for IDLE_S.
 *
 * Rebalance: what Open vSwitch does with other_config:offload-rebalance (ovs-vswitchd.conf.db(5),
 * and its news for 2.11): flows are put in as they come until the device says ENOSPC; from then on,
 * every three seconds, flows in software and in hardware are ordered by packets a second as counted
 * over these seconds, and those in hardware that have less give way to those in software that have
 * more. A victim is taken out before its replacement goes in, which costs packets that this model,
 * in its favour, does not count. */
#include <stdlib.h>
#include <string.h>

#include "bench/placement_world.h"

/* --- oracle --- */

static void choose_best(struct world *w, uint32_t next, struct scored *s)
{
	size_t n = 0;

	world_clear(w);
	for (size_t i = w->t->step[next]; i < w->t->step[next + 1]; i++) {
		const struct tcount *c = &w->t->counts[i];

		if (w->last[c->flow])
			s[n++] = (struct scored){ c->flow,
						  (double)c->packets / w->t->flows[c->flow].cost };
	}
	qsort(s, n, sizeof(*s), scored_compare);
	for (size_t i = 0; i < n; i++)
		(void)world_put_in(w, s[i].flow);
}

void replay_oracle(struct trace *t, const struct replay_config *c, struct result *r)
{
	struct scored *s = xcalloc(t->n_flows + 1, sizeof(*s));
	struct world w;

	world_open(&w, t, c);
	for (uint32_t k = 0; k < t->n_steps; k++) {
		world_see(&w, k);
		world_idle_out(&w, k);
		if (k + 1 < t->n_steps)
			choose_best(&w, k + 1, s);
	}
	world_close(&w, r);
	free(s);
}

/* --- greedy --- */

/* In the order in which they came. */
static bool fill(struct world *w)
{
	bool full = false;

	for (size_t i = 0; i < w->n_alive && !full; i++)
		full = !w->in_hw[w->alive[i]] && !world_put_in(w, w->alive[i]);
	return full;
}

void replay_greedy(struct trace *t, const struct replay_config *c, struct result *r)
{
	struct world w;

	world_open(&w, t, c);
	for (uint32_t k = 0; k < t->n_steps; k++) {
		world_see(&w, k);
		world_idle_out(&w, k);
		(void)fill(&w);
	}
	world_close(&w, r);
}

/* --- rebalance --- */

#define REBALANCE_STEPS (3 * STEPS_A_S)

static void rebalance(struct world *w, uint32_t step, const uint32_t *pps, struct scored *hw,
		      struct scored *sw)
{
	size_t n_hw = 0, n_sw = 0, v;

	for (size_t i = 0; i < w->n_alive; i++) {
		struct scored s = { w->alive[i], pps[w->alive[i]] };

		if (w->in_hw[s.flow])
			hw[n_hw++] = s;
		else
			sw[n_sw++] = s;
	}
	qsort(hw, n_hw, sizeof(*hw), scored_compare);
	qsort(sw, n_sw, sizeof(*sw), scored_compare);
	v = n_hw;
	for (size_t i = 0; i < n_sw; i++) {
		while (v && hw[v - 1].score < sw[i].score &&
		       w->used + w->t->flows[sw[i].flow].cost > w->c->table) {
			world_take_out(w, hw[--v].flow);
			w->y.evicted[step]++;
		}
		if (!world_put_in(w, sw[i].flow))
			break;
	}
}

void replay_rebalance(struct trace *t, const struct replay_config *c, struct result *r)
{
	struct scored *hw = xcalloc(t->n_flows + 1, sizeof(*hw));
	struct scored *sw = xcalloc(t->n_flows + 1, sizeof(*sw));
	uint32_t *pps = xcalloc(t->n_flows + 1, sizeof(*pps));
	bool full = false;
	struct world w;

	world_open(&w, t, c);
	for (uint32_t k = 0; k < t->n_steps; k++) {
		world_see(&w, k);
		for (size_t i = t->step[k]; i < t->step[k + 1]; i++)
			pps[t->counts[i].flow] += t->counts[i].packets;
		world_idle_out(&w, k);
		/* A new flow tries its luck; one that was refused waits for the balance. */
		for (size_t i = t->step[k]; i < t->step[k + 1]; i++)
			if (t->flows[t->counts[i].flow].first == k)
				full |= !world_put_in(&w, t->counts[i].flow);
		if ((k + 1) % REBALANCE_STEPS)
			continue;
		if (full)
			rebalance(&w, k, pps, hw, sw);
		memset(pps, 0, t->n_flows * sizeof(*pps));
		full = false;
	}
	world_close(&w, r);
	free(hw);
	free(sw);
	free(pps);
}
