/* SPDX-License-Identifier: Apache-2.0 */
/* An oracle that knows the future but is bound as the policy is: a change takes effect at a tick,
 * evictions within a second are bounded, and who came in stays for the residency floor.
 *
 * The best such plan is a large program; this makes several and keeps the one that carries most. At
 * each tick a flow is worth what it will send in the next `ahead` steps, for each entry.  Those
 * outside, the best first, take free room, then the places of the least inside while they are
 * worth more than all that leave, as far as the bound allows: all of it at once, or what is left
 * of it in equal parts for the ticks that it must last for.
 *
 * Where the bound is not met a plan that looks one step ahead has in every step what the free
 * oracle has (but for the last entries where flows cost several), which nobody can beat.  Elsewhere
 * the truth is between this and the free oracle. */
#include <stdlib.h>
#include <string.h>

#include "bench/placement_world.h"
#include "offload/policy/budget.h"

/* Ticks that the policy's bound holds for: those within a second, both ends included. */
#define TICKS (STEPS_A_S + 1)

struct plan {
	unsigned ahead; /* steps */
	bool spread;    /* the bound over the ticks */
};
static const struct plan plans[] = { { 1, false }, { 1, true }, { 2, true }, { 4, true } };
#define N_PLANS (sizeof(plans) / sizeof(plans[0]))

/* The counts of one flow after another, in order of time. */
struct by_flow {
	size_t *from; /* n_flows + 1 */
	struct {
		uint32_t step, packets;
	} * at;
};

struct bounded {
	struct world w;
	const struct plan *plan;
	const struct by_flow *future;
	struct budget budget;
	size_t *next;       /* by flow: the first count that is still to come */
	uint32_t *in_since; /* by flow: step */
	struct scored *in, *out;
	size_t n_in, n_out;
	bool met; /* the bound has kept a flow out */
};

static void index_flows(struct by_flow *x, const struct trace *t)
{
	size_t *fill = xcalloc(t->n_flows + 1, sizeof(*fill));

	x->from = xcalloc(t->n_flows + 1, sizeof(*x->from));
	x->at = xcalloc(t->n_counts + 1, sizeof(*x->at));
	for (size_t i = 0; i < t->n_counts; i++)
		x->from[t->counts[i].flow + 1]++;
	for (size_t f = 0; f < t->n_flows; f++)
		fill[f + 1] = x->from[f + 1] += x->from[f];
	for (uint32_t k = 0; k < t->n_steps; k++)
		for (size_t i = t->step[k]; i < t->step[k + 1]; i++) {
			size_t at = fill[t->counts[i].flow]++;

			x->at[at].step = k;
			x->at[at].packets = t->counts[i].packets;
		}
	free(fill);
}

/* Packets for each entry, after `step`. */
static double worth(struct bounded *b, uint32_t f, uint32_t step)
{
	const struct by_flow *x = b->future;
	double sum = 0;

	while (b->next[f] < x->from[f + 1] && x->at[b->next[f]].step <= step)
		b->next[f]++;
	for (size_t i = b->next[f]; i < x->from[f + 1] && x->at[i].step <= step + b->plan->ahead;
	     i++)
		sum += x->at[i].packets;
	return sum / b->w.t->flows[f].cost;
}

static void value_all(struct bounded *b, uint32_t step)
{
	uint32_t floor = b->w.c->min_residency_ms * STEPS_A_S / 1000;

	b->n_in = b->n_out = 0;
	for (size_t i = 0; i < b->w.n_alive; i++) {
		uint32_t f = b->w.alive[i];
		double v = worth(b, f, step);

		if (!b->w.in_hw[f] && v > 0)
			b->out[b->n_out++] = (struct scored){ f, v };
		else if (b->w.in_hw[f] && step >= b->in_since[f] + floor)
			b->in[b->n_in++] = (struct scored){ f, v };
	}
	if (b->n_out)
		qsort(b->out, b->n_out, sizeof(*b->out), scored_compare);
	if (b->n_in)
		qsort(b->in, b->n_in, sizeof(*b->in), scored_compare);
}

/* Evictions for one that is worth `gain` in all; 0: it is not worth them, or not allowed. */
static uint32_t victims_for(struct bounded *b, const struct scored *s, uint32_t most)
{
	const struct tflow *flows = b->w.t->flows;
	uint64_t need = b->w.used + flows[s->flow].cost - b->w.c->table;
	double gain = s->score * flows[s->flow].cost, lost = 0;
	uint64_t freed = 0;
	uint32_t n = 0;

	while (freed < need) {
		const struct scored *v;

		if (n == b->n_in)
			return 0;
		v = &b->in[b->n_in - ++n];
		freed += flows[v->flow].cost;
		lost += v->score * flows[v->flow].cost;
		if (lost >= gain)
			return 0;
	}
	b->met |= n > most;
	return n > most ? 0 : n;
}

static uint32_t may_evict(struct bounded *b, uint32_t step)
{
	uint64_t now = (step + 1) * STEP_NS;
	uint32_t most = b->w.c->max_churn_per_s, left = budget_churn_left(&b->budget, most, now);

	return b->plan->spread ? MIN(left, MAX(most / TICKS, 1u)) : left;
}

static void choose(struct bounded *b, uint32_t step)
{
	uint32_t left = may_evict(b, step), n, spent = 0;

	value_all(b, step);
	for (size_t i = 0; i < b->n_out; i++) {
		uint32_t f = b->out[i].flow;

		if (!world_put_in(&b->w, f)) {
			n = victims_for(b, &b->out[i], left - spent);
			if (!n)
				continue;
			for (uint32_t v = 0; v < n; v++)
				world_take_out(&b->w, b->in[--b->n_in].flow);
			spent += n;
			(void)world_put_in(&b->w, f); /* room was made */
		}
		b->in_since[f] = step;
	}
	budget_churn_spend(&b->budget, spent, (step + 1) * STEP_NS);
	b->w.y.evicted[step] += spent;
}

/* Whether the bound was met. */
static bool carry(const struct plan *plan, const struct by_flow *future, struct trace *t,
		  const struct replay_config *c, struct result *r)
{
	struct bounded b = { .plan = plan, .future = future };

	b.next = xcalloc(t->n_flows + 1, sizeof(*b.next));
	memcpy(b.next, future->from, t->n_flows * sizeof(*b.next));
	b.in_since = xcalloc(t->n_flows + 1, sizeof(*b.in_since));
	b.in = xcalloc(t->n_flows + 1, sizeof(*b.in));
	b.out = xcalloc(t->n_flows + 1, sizeof(*b.out));
	world_open(&b.w, t, c);
	for (uint32_t k = 0; k < t->n_steps; k++) {
		world_see(&b.w, k);
		world_idle_out(&b.w, k);
		choose(&b, k);
	}
	world_close(&b.w, r);
	free(b.next);
	free(b.in_since);
	free(b.in);
	free(b.out);
	return b.met;
}

void replay_bounded(struct trace *t, const struct replay_config *c, struct result *r)
{
	struct by_flow future;
	struct result one;
	bool met;

	index_flows(&future, t);
	met = carry(&plans[0], &future, t, c, r);
	for (unsigned i = 1; i < N_PLANS && met; i++) {
		(void)carry(&plans[i], &future, t, c, &one);
		if (one.packets > r->packets)
			*r = one;
	}
	free(future.from);
	free(future.at);
}
