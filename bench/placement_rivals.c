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

static void open_world(struct world *w, struct trace *t, const struct replay_config *c)
{
	*w = (struct world){ .t = t, .c = c };
	w->in_hw = xcalloc(t->n_flows + 1, sizeof(*w->in_hw));
	w->last = xcalloc(t->n_flows + 1, sizeof(*w->last));
	tally_init(&w->y, t);
}

static void close_world(struct world *w, struct result *r)
{
	memset(r, 0, sizeof(*r));
	tally_result(&w->y, w->t, r);
	free(w->in_hw);
	free(w->last);
	free(w->alive);
}

static void see(struct world *w, uint32_t step)
{
	tally_step(&w->y, w->t, step, w->in_hw);
	for (size_t i = w->t->step[step]; i < w->t->step[step + 1]; i++) {
		uint32_t f = w->t->counts[i].flow;

		if (!w->last[f]) {
			if (w->n_alive == w->cap_alive)
				w->alive = xgrow(w->alive, &w->cap_alive, w->n_alive + 1,
						 sizeof(*w->alive));
			w->alive[w->n_alive++] = f;
		}
		w->last[f] = step + 1;
	}
}

static void take_out(struct world *w, uint32_t f)
{
	w->used -= w->in_hw[f] ? w->t->flows[f].cost : 0;
	w->in_hw[f] = false;
}

static bool put_in(struct world *w, uint32_t f)
{
	if (w->used + w->t->flows[f].cost > w->c->table)
		return false;
	w->in_hw[f] = true;
	w->used += w->t->flows[f].cost;
	return true;
}

/* Those that have idled out come as new ones when they send again. */
static void idle_out(struct world *w, uint32_t step)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_alive; i++) {
		uint32_t f = w->alive[i];

		if (w->last[f] + IDLE_S * STEPS_A_S > step) {
			w->alive[n++] = f;
			continue;
		}
		take_out(w, f);
		w->last[f] = 0;
	}
	w->n_alive = n;
}

/* --- oracle --- */

struct scored {
	uint32_t flow;
	double score;
};

static int by_score(const void *a, const void *b)
{
	const struct scored *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return (x->flow > y->flow) - (x->flow < y->flow);
}

static void choose_best(struct world *w, uint32_t next, struct scored *s)
{
	size_t n = 0;

	w->used = 0;
	memset(w->in_hw, 0, w->t->n_flows);
	for (size_t i = w->t->step[next]; i < w->t->step[next + 1]; i++) {
		const struct tcount *c = &w->t->counts[i];

		if (w->last[c->flow])
			s[n++] = (struct scored){ c->flow,
						  (double)c->packets / w->t->flows[c->flow].cost };
	}
	qsort(s, n, sizeof(*s), by_score);
	for (size_t i = 0; i < n; i++)
		(void)put_in(w, s[i].flow);
}

void replay_oracle(struct trace *t, const struct replay_config *c, struct result *r)
{
	struct scored *s = xcalloc(t->n_flows + 1, sizeof(*s));
	struct world w;

	open_world(&w, t, c);
	for (uint32_t k = 0; k < t->n_steps; k++) {
		see(&w, k);
		idle_out(&w, k);
		if (k + 1 < t->n_steps)
			choose_best(&w, k + 1, s);
	}
	close_world(&w, r);
	free(s);
}

/* --- greedy --- */

/* In the order in which they came. */
static bool fill(struct world *w)
{
	bool full = false;

	for (size_t i = 0; i < w->n_alive && !full; i++)
		full = !w->in_hw[w->alive[i]] && !put_in(w, w->alive[i]);
	return full;
}

void replay_greedy(struct trace *t, const struct replay_config *c, struct result *r)
{
	struct world w;

	open_world(&w, t, c);
	for (uint32_t k = 0; k < t->n_steps; k++) {
		see(&w, k);
		idle_out(&w, k);
		(void)fill(&w);
	}
	close_world(&w, r);
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
	qsort(hw, n_hw, sizeof(*hw), by_score);
	qsort(sw, n_sw, sizeof(*sw), by_score);
	v = n_hw;
	for (size_t i = 0; i < n_sw; i++) {
		while (v && hw[v - 1].score < sw[i].score &&
		       w->used + w->t->flows[sw[i].flow].cost > w->c->table) {
			take_out(w, hw[--v].flow);
			w->y.evicted[step]++;
		}
		if (!put_in(w, sw[i].flow))
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

	open_world(&w, t, c);
	for (uint32_t k = 0; k < t->n_steps; k++) {
		see(&w, k);
		for (size_t i = t->step[k]; i < t->step[k + 1]; i++)
			pps[t->counts[i].flow] += t->counts[i].packets;
		idle_out(&w, k);
		/* A new flow tries its luck; one that was refused waits for the balance. */
		for (size_t i = t->step[k]; i < t->step[k + 1]; i++)
			if (t->flows[t->counts[i].flow].first == k)
				full |= !put_in(&w, t->counts[i].flow);
		if ((k + 1) % REBALANCE_STEPS)
			continue;
		if (full)
			rebalance(&w, k, pps, hw, sw);
		memset(pps, 0, t->n_flows * sizeof(*pps));
		full = false;
	}
	close_world(&w, r);
	free(hw);
	free(sw);
	free(pps);
}
