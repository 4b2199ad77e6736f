/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/placement_world.h"

#include <stdlib.h>
#include <string.h>

void world_open(struct world *w, struct trace *t, const struct replay_config *c)
{
	*w = (struct world){ .t = t, .c = c };
	w->in_hw = xcalloc(t->n_flows + 1, sizeof(*w->in_hw));
	w->last = xcalloc(t->n_flows + 1, sizeof(*w->last));
	tally_init(&w->y, t);
}

void world_close(struct world *w, struct result *r)
{
	memset(r, 0, sizeof(*r));
	tally_result(&w->y, w->t, r);
	free(w->in_hw);
	free(w->last);
	free(w->alive);
}

void world_see(struct world *w, uint32_t step)
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

void world_take_out(struct world *w, uint32_t f)
{
	w->used -= w->in_hw[f] ? w->t->flows[f].cost : 0;
	w->in_hw[f] = false;
}

bool world_put_in(struct world *w, uint32_t f)
{
	if (w->used + w->t->flows[f].cost > w->c->table)
		return false;
	w->in_hw[f] = true;
	w->used += w->t->flows[f].cost;
	return true;
}

void world_clear(struct world *w)
{
	w->used = 0;
	memset(w->in_hw, 0, w->t->n_flows);
}

void world_idle_out(struct world *w, uint32_t step)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_alive; i++) {
		uint32_t f = w->alive[i];

		if (w->last[f] + IDLE_S * STEPS_A_S > step) {
			w->alive[n++] = f;
			continue;
		}
		world_take_out(w, f);
		w->last[f] = 0;
	}
	w->n_alive = n;
}

int scored_compare(const void *a, const void *b)
{
	const struct scored *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return (x->flow > y->flow) - (x->flow < y->flow);
}
