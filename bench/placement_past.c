/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/placement_past.h"

#include <stdlib.h>
#include <string.h>

#include "bench/placement_world.h"

#define LEAN 8 /* as many flows as the coarser kind counts for */

static uint32_t log2_of(uint64_t n)
{
	return n ? 63 - (uint32_t)__builtin_clzll(n) : 0;
}

/* 0 1 | 2 3 | 4 5 6 7 … in halves: 1 1.5 2 3 4 6 8 … */
static uint32_t half_log2_of(uint64_t n)
{
	uint32_t b = log2_of(n);

	return 2 * b + (b ? (uint32_t)(n >> (b - 1)) & 1u : 0);
}

/* 0 1 2, then to a factor of two. */
static uint32_t age_of(uint32_t steps)
{
	return steps < 2 ? steps : 1 + log2_of(steps);
}

static uint32_t ageless_of(uint32_t kind)
{
	return kind / PAST_AGE;
}

static uint32_t plain_of(uint32_t kind)
{
	uint32_t silent = kind / PAST_AGE % PAST_SILENT;

	return kind / (PAST_AGE * PAST_SILENT * PAST_ALL) * PAST_SILENT + silent;
}

uint32_t past_kind(const struct past_flow *f, uint32_t step)
{
	uint32_t k = MIN(half_log2_of(f->last), PAST_LAST - 1u);

	k = k * PAST_ALL + MIN(log2_of(f->all), PAST_ALL - 1u);
	k = k * PAST_SILENT + MIN(step - f->last_step, PAST_SILENT - 1u);
	return k * PAST_AGE + MIN(age_of(step - f->first_step), PAST_AGE - 1u);
}

/* A flow that begins (again) is a new one. */
static void read_step(struct world *w, struct past_flow *f, uint32_t step, bool *seen)
{
	for (size_t i = w->t->step[step]; i < w->t->step[step + 1]; i++) {
		const struct tcount *c = &w->t->counts[i];

		if (!seen[c->flow])
			f[c->flow] = (struct past_flow){ .first_step = step };
		seen[c->flow] = true;
		f[c->flow].last = c->packets;
		f[c->flow].all += c->packets;
		f[c->flow].last_step = step;
	}
}

static void forget_idle(const struct world *w, const struct past_flow *f, uint32_t step, bool *seen)
{
	for (size_t i = 0; i < w->n_alive; i++)
		if (f[w->alive[i]].last_step + 1 + IDLE_S * STEPS_A_S <= step)
			seen[w->alive[i]] = false;
}

typedef void past_step_fn(struct world *w, const struct past_flow *f, uint32_t step, void *aux);

/* Plays a trace; fn sees each step when it is over. */
static void play(struct world *w, past_step_fn *fn, void *aux)
{
	struct past_flow *f = xcalloc(w->t->n_flows + 1, sizeof(*f));
	bool *seen = xcalloc(w->t->n_flows + 1, sizeof(*seen));

	for (uint32_t k = 0; k < w->t->n_steps; k++) {
		world_see(w, k);
		read_step(w, f, k, seen);
		forget_idle(w, f, k, seen);
		world_idle_out(w, k);
		if (k + 1 < w->t->n_steps)
			fn(w, f, k, aux);
	}
	free(f);
	free(seen);
}

/* --- learning --- */

static void add(struct past_sum *s, double next, double n)
{
	s->next += next;
	s->n += n;
}

static void note(struct past *p, uint32_t kind, double next, double n)
{
	add(&p->fine[kind], next, n);
	add(&p->ageless[ageless_of(kind)], next, n);
	add(&p->plain[plain_of(kind)], next, n);
}

static void learn_step(struct world *w, const struct past_flow *f, uint32_t step, void *aux)
{
	for (size_t i = 0; i < w->n_alive; i++)
		note(aux, past_kind(&f[w->alive[i]], step), 0, 1);
	for (size_t i = w->t->step[step + 1]; i < w->t->step[step + 2]; i++) {
		const struct tcount *c = &w->t->counts[i];

		if (w->last[c->flow])
			note(aux, past_kind(&f[c->flow], step), c->packets, 0);
	}
}

void past_learn(struct past *p, struct trace *t)
{
	const struct replay_config none = { 0 };
	struct result r;
	struct world w;

	world_open(&w, t, &none);
	play(&w, learn_step, p);
	world_close(&w, &r);
	p->known = true;
}

static double lean(const struct past_sum *s, double on)
{
	return (s->next + LEAN * on) / (s->n + LEAN);
}

void past_judge(struct past *p)
{
	for (uint32_t kind = 0; kind < PAST_KINDS; kind++) {
		double plain = lean(&p->plain[plain_of(kind)], 0);
		double ageless = lean(&p->ageless[ageless_of(kind)], plain);

		p->mean[kind] = (float)lean(&p->fine[kind], ageless);
	}
}

/* --- replay --- */

/* Kinds in the order of what they are worth, for one entry and for flows of two. */
struct order {
	struct scored *kind; /* 2 * PAST_KINDS: kind, and kind + PAST_KINDS for cost 2 */
	uint32_t *place;     /* the inverse */
	uint32_t *from;      /* of the step: where the flows of a place begin */
	uint32_t *sorted;
	size_t cap;
};

static void order_init(struct order *o, const struct past *p)
{
	uint32_t n = 2 * PAST_KINDS;

	*o = (struct order){ .kind = xcalloc(n, sizeof(*o->kind)),
			     .place = xcalloc(n, sizeof(*o->place)),
			     .from = xcalloc(n + 1u, sizeof(*o->from)) };
	for (uint32_t i = 0; i < n; i++)
		o->kind[i] = (struct scored){ i, i < PAST_KINDS ? p->mean[i]
								: p->mean[i - PAST_KINDS] / 2 };
	qsort(o->kind, n, sizeof(*o->kind), scored_compare);
	for (uint32_t i = 0; i < n; i++)
		o->place[o->kind[i].flow] = i;
}

static uint32_t place_of(const struct order *o, const struct world *w, const struct past_flow *f,
			 uint32_t id, uint32_t step)
{
	return o->place[past_kind(&f[id], step) + (w->t->flows[id].cost > 1 ? PAST_KINDS : 0)];
}

static void choose_step(struct world *w, const struct past_flow *f, uint32_t step, void *aux)
{
	struct order *o = aux;

	memset(o->from, 0, (2 * PAST_KINDS + 1) * sizeof(*o->from));
	for (size_t i = 0; i < w->n_alive; i++)
		o->from[place_of(o, w, f, w->alive[i], step) + 1]++;
	for (uint32_t i = 0; i < 2 * PAST_KINDS; i++)
		o->from[i + 1] += o->from[i];
	if (o->cap < w->n_alive)
		o->sorted = xgrow(o->sorted, &o->cap, w->n_alive, sizeof(*o->sorted));
	for (size_t i = w->n_alive; i--;)
		o->sorted[--o->from[place_of(o, w, f, w->alive[i], step) + 1]] = w->alive[i];
	world_clear(w);
	for (size_t i = 0; i < w->n_alive && w->used < w->c->table; i++)
		(void)world_put_in(w, o->sorted[i]);
}

void replay_past(struct trace *t, const struct replay_config *c, struct result *r)
{
	struct order o;
	struct world w;

	memset(r, 0, sizeof(*r));
	if (!c->past || !c->past->known)
		return;
	order_init(&o, c->past);
	world_open(&w, t, c);
	play(&w, choose_step, &o);
	world_close(&w, r);
	free(o.kind);
	free(o.place);
	free(o.from);
	free(o.sorted);
}
