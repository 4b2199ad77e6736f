/* SPDX-License-Identifier: Apache-2.0 */
/* The policy itself (offload/policy/), driven as offload/policy.c drives it: flows go in as they
 * come while there is room, wait on their port's shelf else, and each tick decides about the most
 * valuable of those that wait and the least valuable of those in hardware.  What must always hold
 * is checked after each tick, and counted where it does not. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/placement.h"
#include "offload/policy/budget.h"
#include "offload/policy/outlook.h"
#include "offload/policy/rank.h"
#include "offload/policy/share.h"
#include "offload/policy/shelf.h"

#define VISITS 8192
#define VICTIMS 4096

struct sflow {
	struct shelf_item shelved;
	struct outlook_flow outlook;
	uint32_t id, unread; /* packets since the last reading */
	uint32_t in_since;   /* step */
	uint32_t last;       /* step in which it sent last */
	bool seen;
};

struct sport {
	struct shelf shelf;
	struct rank_heap have;
};

struct replay {
	struct trace *t;
	const struct replay_config *c;
	struct sflow *f;
	bool *in_hw;
	uint32_t *alive, *unread;
	size_t n_alive, cap_alive, n_unread, cap_unread;
	struct sport port[PORTS_MAX];
	struct rank_port rank[PORTS_MAX];
	struct budget budget;
	struct outlook *outlook;
	struct tally y;
	uint32_t step;
	double ticks_us, tick_max_us;

	struct rank_flow *want;
	uint32_t n_want;
};

static uint64_t now_of(const struct replay *x)
{
	return (x->step + 1) * STEP_NS;
}

static struct tflow *tflow_of(const struct replay *x, uint32_t id)
{
	return &x->t->flows[id];
}

static double value_of(const struct replay *x, const struct sflow *f)
{
	return outlook_value(x->outlook, &f->outlook, now_of(x)) / tflow_of(x, f->id)->cost;
}

static void put_in(struct replay *x, struct sflow *f)
{
	struct tflow *tf = tflow_of(x, f->id);

	shelf_drop(&x->port[tf->port].shelf, &f->shelved);
	x->in_hw[f->id] = true;
	x->budget.used += tf->cost;
	x->rank[tf->port].used += tf->cost;
	f->in_since = x->step;
}

static void take_out(struct replay *x, struct sflow *f)
{
	struct tflow *tf = tflow_of(x, f->id);

	x->in_hw[f->id] = false;
	x->budget.used -= tf->cost;
	x->rank[tf->port].used -= tf->cost;
}

static void wait_for_room(struct replay *x, struct sflow *f)
{
	shelf_put(&x->port[tflow_of(x, f->id)->port].shelf, &f->shelved, value_of(x, f));
}

static uint64_t free_room(const struct replay *x)
{
	uint64_t room = budget_room(&x->budget, now_of(x)), spare = budget_spare(&x->budget);

	return room > spare ? room - spare : 0;
}

static uint32_t *push(uint32_t **v, size_t *n, size_t *cap)
{
	if (*n == *cap)
		*v = xgrow(*v, cap, *n + 1, sizeof(**v));
	return &(*v)[(*n)++];
}

static void arrive(struct replay *x, struct sflow *f)
{
	f->seen = true;
	*push(&x->alive, &x->n_alive, &x->cap_alive) = f->id;
	outlook_begin(x->outlook, &f->outlook, x->step * STEP_NS + STEP_NS / 2);
	if (tflow_of(x, f->id)->cost <= free_room(x))
		put_in(x, f);
	else
		wait_for_room(x, f);
}

static void see(struct replay *x)
{
	struct trace *t = x->t;

	tally_step(&x->y, t, x->step, x->in_hw);
	for (size_t i = t->step[x->step]; i < t->step[x->step + 1]; i++) {
		struct sflow *f = &x->f[t->counts[i].flow];

		f->id = t->counts[i].flow;
		f->last = x->step;
		if (!f->seen) {
			arrive(x, f);
			f->unread = t->counts[i].packets - 1; /* the first made the flow */
			*push(&x->unread, &x->n_unread, &x->cap_unread) = f->id;
			continue;
		}
		if (!f->unread)
			*push(&x->unread, &x->n_unread, &x->cap_unread) = f->id;
		f->unread += t->counts[i].packets;
	}
}

static void read_counters(struct replay *x)
{
	for (size_t i = 0; i < x->n_unread; i++) {
		struct sflow *f = &x->f[x->unread[i]];

		outlook_add(x->outlook, &f->outlook, f->unread, now_of(x));
		f->unread = 0;
		if (f->shelved.on)
			wait_for_room(x, f);
	}
	x->n_unread = 0;
}

static void idle_out(struct replay *x)
{
	size_t n = 0;

	for (size_t i = 0; i < x->n_alive; i++) {
		struct sflow *f = &x->f[x->alive[i]];

		if (f->last + IDLE_S * STEPS_A_S > x->step) {
			x->alive[n++] = f->id;
			continue;
		}
		if (x->in_hw[f->id])
			take_out(x, f);
		shelf_drop(&x->port[tflow_of(x, f->id)->port].shelf, &f->shelved);
		f->seen = false;
	}
	x->n_alive = n;
}

/* --- a tick --- */

static bool want_it(struct shelf_item *it, double *value, void *aux)
{
	struct sflow *f = container_of(it, struct sflow, shelved);
	struct replay *x = aux;

	*value = value_of(x, f);
	x->want[x->n_want++] = (struct rank_flow){ .flow = f,
						   .value = *value,
						   .cost = tflow_of(x, f->id)->cost,
						   .port = tflow_of(x, f->id)->port };
	return true;
}

static void gather(struct replay *x)
{
	unsigned each = MAX(VISITS / x->t->n_ports, 64u);

	x->n_want = 0;
	for (uint32_t p = 0; p < x->t->n_ports; p++)
		shelf_visit(&x->port[p].shelf, each, want_it, x);
}

static void find_victims(struct replay *x)
{
	uint32_t floor = x->c->min_residency_ms * STEPS_A_S / 1000;

	for (uint32_t p = 0; p < x->t->n_ports; p++)
		rank_heap_init(&x->port[p].have, MAX(VICTIMS / x->t->n_ports, 64u));
	for (size_t i = 0; i < x->n_alive; i++) {
		struct sflow *f = &x->f[x->alive[i]];
		struct rank_flow r = { .flow = f,
				       .cost = tflow_of(x, f->id)->cost,
				       .port = tflow_of(x, f->id)->port };

		if (!x->in_hw[f->id] || x->step < f->in_since + floor)
			continue;
		r.value = value_of(x, f);
		(void)rank_heap_offer(&x->port[r.port].have, &r);
	}
}

static void share_out(struct replay *x)
{
	uint32_t demand[PORTS_MAX], share[PORTS_MAX];

	for (uint32_t p = 0; p < x->t->n_ports; p++)
		demand[p] = x->rank[p].used + x->port[p].shelf.n_worth;
	share_fill(budget_capacity(&x->budget) * x->c->fair_percent / 100, x->t->n_ports, demand,
		   share);
	for (uint32_t p = 0; p < x->t->n_ports; p++)
		x->rank[p].share = share[p];
}

static void carry_out(struct replay *x, const struct rank_in *in, const struct rank_out *out)
{
	for (uint32_t i = 0; i < out->n_victims; i++) {
		struct sflow *f = in->have[out->victims[i]].flow;

		x->y.violations +=
			x->step < f->in_since + x->c->min_residency_ms * STEPS_A_S / 1000;
		take_out(x, f);
		wait_for_room(x, f);
	}
	budget_churn_spend(&x->budget, out->n_victims, now_of(x));
	x->y.evicted[x->step] += out->n_victims;
	for (uint32_t i = 0; i < in->n_want; i++)
		if (out->choice[i].verdict == RANK_IN || out->choice[i].verdict == RANK_SWAP)
			put_in(x, in->want[i].flow);
}

static void decide(struct replay *x)
{
	struct rank_port ports[PORTS_MAX];
	struct rank_in in = { .want = x->want, .n_want = x->n_want, .n_ports = x->t->n_ports };
	struct rank_out out;
	uint32_t n = 0;

	share_out(x);
	find_victims(x);
	for (uint32_t p = 0; p < in.n_ports; p++)
		in.n_have += x->port[p].have.n;
	in.have = xcalloc(in.n_have + 1u, sizeof(*in.have));
	for (uint32_t p = 0; p < in.n_ports; p++) {
		struct rank_heap *h = &x->port[p].have;

		if (h->n)
			memcpy(in.have + n, h->v, h->n * sizeof(*h->v));
		n += h->n;
		rank_heap_done(h);
	}
	memcpy(ports, x->rank, sizeof(ports));
	in.ports = ports;
	in.room = free_room(x);
	in.evictions = budget_churn_left(&x->budget, x->c->max_churn_per_s, now_of(x));
	out.choice = xcalloc(in.n_want + 1u, sizeof(*out.choice));
	out.victims = xcalloc(in.n_have + 1u, sizeof(*out.victims));
	rank_decide(&in, &out);
	carry_out(x, &in, &out);
	free(in.have);
	free(out.choice);
	free(out.victims);
}

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void tick(struct replay *x)
{
	double began = cpu_us(), took;

	gather(x);
	if (x->n_want)
		decide(x);
	took = cpu_us() - began;
	x->ticks_us += took;
	x->tick_max_us = fmax(x->tick_max_us, took);
	x->y.violations += x->budget.used > x->c->table;
}

void replay_shunt(struct trace *t, const struct replay_config *c, struct result *r)
{
	struct replay x = { .t = t, .c = c, .budget = { .declared = c->table } };

	x.f = xcalloc(t->n_flows + 1, sizeof(*x.f));
	x.in_hw = xcalloc(t->n_flows + 1, sizeof(*x.in_hw));
	x.outlook = xcalloc(1, sizeof(*x.outlook));
	outlook_init(x.outlook, 0);
	x.want = xcalloc(VISITS + 64 * PORTS_MAX, sizeof(*x.want));
	for (uint32_t p = 0; p < t->n_ports; p++) {
		shelf_init(&x.port[p].shelf);
		x.rank[p].limit = UINT32_MAX;
	}
	tally_init(&x.y, t);
	for (x.step = 0; x.step < t->n_steps; x.step++) {
		see(&x);
		read_counters(&x);
		idle_out(&x);
		tick(&x);
	}
	memset(r, 0, sizeof(*r));
	tally_result(&x.y, t, r);
	r->violations += r->churn_per_s > c->max_churn_per_s;
	r->tick_us = x.ticks_us / fmax(t->n_steps, 1);
	r->tick_max_us = x.tick_max_us;
	free(x.f);
	free(x.in_hw);
	free(x.want);
	free(x.outlook);
	free(x.alive);
	free(x.unread);
}
