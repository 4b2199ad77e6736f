/* SPDX-License-Identifier: Apache-2.0 */
/* The decision over random flows: what it promises, held against a second look that knows nothing
 * of how it is made; and the parts that it is made of. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "offload/policy/budget.h"
#include "offload/policy/rank.h"
#include "offload/policy/rate.h"
#include "offload/policy/share.h"
#include "offload/policy/shelf.h"
#include "tests/unit/seed.h"

#define ROUNDS 3000
#define FLOWS 60
#define PORTS 5

/* --- the decision --- */

struct flow {
	double value;
	uint32_t cost, port;
	bool pinned, lasting, in;
};

struct world {
	struct flow f[2 * FLOWS];
	struct rank_flow want[FLOWS], have[FLOWS];
	struct rank_port before[PORTS], ports[PORTS];
	struct rank_choice choice[FLOWS];
	uint32_t victims[FLOWS];
	struct rank_in in;
	struct rank_out out;
	uint64_t room;
	uint32_t evictions;
	bool plain; /* every flow costs one */
};

static struct rank_flow offer(struct rng *r, struct world *w, struct flow *f, bool have)
{
	*f = (struct flow){ .value = (double)rng_below(r, 4) * (double)rng_below(r, 1000) / 10,
			    .cost = 1 +
				    (w->plain || rng_below(r, 4) ? 0 : (uint32_t)rng_below(r, 4)),
			    .port = (uint32_t)rng_below(r, PORTS),
			    .pinned = !have && !rng_below(r, 8),
			    .lasting = !rng_below(r, 8),
			    .in = have };
	if (have)
		w->before[f->port].used += f->cost;
	return (struct rank_flow){ .flow = f,
				   .value = f->value,
				   .cost = f->cost,
				   .port = f->port,
				   .pinned = f->pinned,
				   .lasting = f->lasting };
}

static void make_world(struct rng *r, struct world *w)
{
	uint32_t demand[PORTS] = { 0 }, share[PORTS];
	uint64_t held = 0;

	memset(w, 0, sizeof(*w));
	w->plain = rng_below(r, 2);
	w->in.n_want = (uint32_t)rng_below(r, FLOWS);
	w->in.n_have = (uint32_t)rng_below(r, FLOWS);
	for (uint32_t i = 0; i < w->in.n_want; i++) {
		w->want[i] = offer(r, w, &w->f[i], false);
		demand[w->want[i].port] += w->want[i].cost;
	}
	for (uint32_t i = 0; i < w->in.n_have; i++) {
		w->have[i] = offer(r, w, &w->f[FLOWS + i], true);
		held += w->have[i].cost;
	}
	for (uint32_t p = 0; p < PORTS; p++)
		demand[p] += w->before[p].used;
	share_fill(rng_below(r, 2) ? held : 0, PORTS, demand, share);
	for (uint32_t p = 0; p < PORTS; p++) {
		w->before[p].share = share[p];
		w->before[p].limit = rng_below(r, 6)
					     ? UINT32_MAX
					     : w->before[p].used + (uint32_t)rng_below(r, 3);
	}
	memcpy(w->ports, w->before, sizeof(w->ports));
	w->room = w->in.room = rng_below(r, 2) ? rng_below(r, 10) : 0;
	w->evictions = w->in.evictions = (uint32_t)rng_below(r, 40);
	w->in.want = w->want;
	w->in.have = w->have;
	w->in.ports = w->ports;
	w->in.n_ports = PORTS;
	w->out.choice = w->choice;
	w->out.victims = w->victims;
}

static void carry_out(struct world *w)
{
	for (uint32_t i = 0; i < w->out.n_victims; i++) {
		struct flow *f = w->have[w->victims[i]].flow;

		ck_assert(f->in); /* nobody leaves twice */
		f->in = false;
	}
	for (uint32_t i = 0; i < w->in.n_want; i++)
		if (w->choice[i].verdict == RANK_IN || w->choice[i].verdict == RANK_SWAP)
			((struct flow *)w->want[i].flow)->in = true;
}

/* Room, churn, limits, shares. */
static void check_bounds(const struct world *w)
{
	uint64_t left = w->room, used[PORTS] = { 0 };
	bool pinned_came = false;

	for (uint32_t i = 0; i < 2 * FLOWS; i++)
		if (w->f[i].in)
			used[w->f[i].port] += w->f[i].cost;
	for (uint32_t i = 0; i < w->in.n_have; i++)
		left += w->have[i].cost;
	for (uint32_t p = 0; p < PORTS; p++) {
		ck_assert_uint_le(used[p], left);
		left -= used[p];
		ck_assert_uint_eq(used[p], w->ports[p].used);
		ck_assert_uint_le(used[p], MAX(w->before[p].limit, w->before[p].used));
	}
	ck_assert_uint_le(w->out.n_victims, w->evictions);
	for (uint32_t i = 0; i < w->in.n_want; i++)
		pinned_came |= w->want[i].pinned && ((struct flow *)w->want[i].flow)->in;
	for (uint32_t p = 0; p < PORTS && w->plain && !pinned_came; p++)
		ck_assert_uint_ge(used[p], MIN(w->before[p].used, w->before[p].share));
}

/* Each exchange is worth it. */
static void check_swaps(const struct world *w)
{
	for (uint32_t i = 0; i < w->in.n_want; i++) {
		const struct rank_flow *f = &w->want[i];
		const struct rank_choice *c = &w->choice[i];
		double lost = 0;

		ck_assert(!f->lasting || f->pinned || c->verdict != RANK_SWAP);
		if (c->verdict != RANK_SWAP)
			continue;
		ck_assert_uint_gt(c->n, 0);
		for (uint32_t k = c->first; k < c->first + c->n; k++) {
			const struct rank_flow *v = &w->have[w->victims[k]];

			lost += v->value * v->cost;
			ck_assert(f->pinned || !v->lasting);
			ck_assert(w->before[f->port].limit == UINT32_MAX || f->port == v->port ||
				  w->before[f->port].used < w->before[f->port].limit ||
				  w->ports[f->port].used <= w->before[f->port].limit);
		}
		if (!f->pinned) /* at most, as a flow of a port below its share */
			ck_assert(f->value * f->cost * FAIR_WEIGHT > lost * HYSTERESIS);
	}
}

/* Nothing more was to be had: no single flow left out could take free room. */
static void check_filled(const struct world *w)
{
	uint64_t left = w->room;

	for (uint32_t i = 0; i < w->out.n_victims; i++)
		left += w->have[w->victims[i]].cost;
	for (uint32_t i = 0; i < w->in.n_want; i++)
		if (((struct flow *)w->want[i].flow)->in)
			left -= w->want[i].cost;
	ck_assert_uint_eq(left, w->in.room);
	for (uint32_t i = 0; i < w->in.n_want; i++) {
		const struct rank_flow *f = &w->want[i];

		if (!((struct flow *)f->flow)->in && w->choice[i].verdict != RANK_PORT_LIMIT &&
		    w->choice[i].verdict != RANK_CHURN)
			ck_assert(f->cost > left || w->out.n_victims);
	}
}

START_TEST(a_decision_keeps_its_promises)
{
	struct rng r = rng_start(__func__);
	struct world *w = xzalloc(sizeof(*w));
	unsigned swaps = 0, verdicts[RANK_PINNED_OVER + 1] = { 0 };

	for (unsigned round = 0; round < ROUNDS; round++) {
		make_world(&r, w);
		rank_decide(&w->in, &w->out);
		carry_out(w);
		check_bounds(w);
		check_swaps(w);
		check_filled(w);
		swaps += w->out.n_victims;
		for (uint32_t i = 0; i < w->in.n_want; i++)
			verdicts[w->choice[i].verdict]++;
	}
	ck_assert_uint_gt(swaps, ROUNDS / 10);
	for (unsigned v = 0; v <= RANK_PINNED_OVER; v++)
		ck_assert_msg(verdicts[v] > 0, "verdict %u was never given", v);
	free(w);
}
END_TEST

/* With one port, flows of one entry and no bounds: the best of all, but for the margin. */
START_TEST(the_best_are_in_hardware)
{
	struct rng r = rng_start(__func__);

	for (unsigned round = 0; round < 500; round++) {
		struct rank_port port = { .used = FLOWS, .limit = UINT32_MAX };
		struct rank_flow want[FLOWS], have[FLOWS];
		struct rank_choice choice[FLOWS];
		uint32_t victims[FLOWS];
		struct rank_in in = { want, have, &port, FLOWS, FLOWS, 1, 0, FLOWS };
		struct rank_out out = { choice, victims, 0 };
		double worst_in = INFINITY, best_out = 0;
		bool left[FLOWS] = { false };

		for (unsigned i = 0; i < FLOWS; i++) {
			want[i] = (struct rank_flow){ .cost = 1,
						      .value = (double)rng_below(&r, 10000) };
			have[i] = (struct rank_flow){ .cost = 1,
						      .value = (double)rng_below(&r, 10000) };
		}
		rank_decide(&in, &out);
		for (unsigned i = 0; i < out.n_victims; i++)
			left[victims[i]] = true;
		for (unsigned i = 0; i < FLOWS; i++) {
			bool in_hw = choice[i].verdict == RANK_SWAP;

			worst_in = fmin(worst_in, fmin(left[i] ? INFINITY : have[i].value,
						       in_hw ? want[i].value : INFINITY));
			best_out = fmax(best_out, fmax(left[i] ? have[i].value : 0,
						       in_hw ? 0 : want[i].value));
		}
		ck_assert(best_out <= worst_in * HYSTERESIS + WORTH_PPS);
	}
}
END_TEST

/* --- its parts --- */

START_TEST(shares_are_max_min)
{
	struct rng r = rng_start(__func__);

	for (unsigned round = 0; round < 2000; round++) {
		uint32_t demand[PORTS], share[PORTS];
		uint64_t pool = rng_below(&r, 300), sum = 0, wanted = 0;

		for (unsigned i = 0; i < PORTS; i++)
			wanted += demand[i] = (uint32_t)rng_below(&r, 100) * (rng_below(&r, 3) > 0);
		share_fill(pool, PORTS, demand, share);
		for (unsigned i = 0; i < PORTS; i++) {
			sum += share[i];
			ck_assert_uint_le(share[i], demand[i]);
			for (unsigned k = 0; k < PORTS;
			     k++) /* who wants more has no less, but one */
				ck_assert(share[i] == demand[i] || share[i] + 1 >= share[k]);
		}
		ck_assert_uint_le(sum, pool);
		ck_assert_uint_gt(sum + PORTS, MIN(pool, wanted));
	}
}
END_TEST

START_TEST(churn_is_bounded_in_every_second)
{
	struct rng r = rng_start(__func__);
	struct budget b = { .declared = 100 };
	uint32_t bound = 50, *at = xcalloc(20000, sizeof(*at)), most = 0;
	uint64_t now = 5 * NSEC_PER_SEC;

	for (unsigned ms = 0; ms < 20000; ms++, now += NSEC_PER_MSEC) {
		uint32_t left = budget_churn_left(&b, bound, now), n;

		if (rng_below(&r, 20))
			continue;
		n = (uint32_t)rng_below(&r, left + 1u);
		budget_churn_spend(&b, n, now);
		if (!rng_below(&r, 4)) {
			budget_churn_refund(&b, n / 2, now);
			n -= n / 2;
		}
		at[ms] = n;
	}
	for (unsigned ms = 0; ms + 1000 <= 20000; ms++) {
		uint32_t sum = 0;

		for (unsigned i = 0; i < 1000; i++)
			sum += at[ms + i];
		most = MAX(most, sum);
	}
	ck_assert_uint_le(most, bound);
	ck_assert_uint_gt(most, bound / 2);
	free(at);
}
END_TEST

START_TEST(a_full_table_is_learned_and_tried_again)
{
	struct budget b = { .declared = 1000, .allowed = 700, .foreign = 100, .used = 500 };
	uint64_t now = NSEC_PER_SEC;

	ck_assert_uint_eq(budget_room(&b, now), 200);
	ck_assert_uint_eq(budget_capacity(&b), 700);
	ck_assert_uint_eq(budget_spare(&b), 2);
	budget_full(&b, now);
	ck_assert_uint_eq(budget_room(&b, now), 0);
	ck_assert_uint_eq(budget_capacity(&b), 500);
	now += NSEC_PER_SEC;
	ck_assert_uint_eq(budget_room(&b, now), 1); /* one is tried */
	budget_full(&b, now);
	ck_assert_uint_eq(budget_room(&b, now + NSEC_PER_SEC), 0);
	ck_assert_uint_eq(budget_room(&b, now + 2 * NSEC_PER_SEC), 1);
	b.used++;
	budget_took(&b);
	ck_assert_uint_eq(budget_room(&b, now), 199);
	b.declared = 400; /* smaller than what is in it */
	ck_assert_uint_eq(budget_room(&b, now), 0);
}
END_TEST

START_TEST(a_rate_is_right_however_it_is_read)
{
	struct rng r = rng_start(__func__);

	for (unsigned round = 0; round < 300; round++) {
		double pps = 1 + (double)rng_below(&r, 100000);
		uint64_t now = NSEC_PER_SEC, read = now;
		struct rate x;

		rate_init(&x, now);
		ck_assert(rate_value(&x, now) <= 0);
		for (unsigned i = 0; i < 40; i++) {
			now += (1 + rng_below(&r, 3000)) * NSEC_PER_MSEC;
			rate_add(&x, (uint64_t)(pps * (double)(now - read) / NSEC_PER_SEC), now);
			read = now;
		}
		/* Each reading cuts less than a packet off; what is not folded yet is missing. */
		ck_assert(fabs(rate_pps(&x, now) - pps) < pps * .1 + 60);
		ck_assert(rate_value(&x, now) <= rate_pps(&x, now));
		ck_assert(rate_value(&x, now) > rate_pps(&x, now) * .8);
		ck_assert(rate_pps(&x, now + 10 * NSEC_PER_SEC) < pps * .01);
		ck_assert(rate_pps(&x, 1) >= rate_pps(&x, now)); /* nothing is known of later */
	}
}
END_TEST

#define ITEMS 200
struct item {
	struct shelf_item it;
	double value;
	bool on, fell; /* fell: stands too high until somebody comes upon it */
	unsigned step; /* in which it was last seen */
};

struct seen {
	struct item *v;
	double last;
	unsigned n, step;
};

static bool see(struct shelf_item *it, double *value, void *aux)
{
	struct item *i = container_of(it, struct item, it);
	struct seen *s = aux;

	ck_assert(i->on);
	ck_assert_uint_ne(i->step, s->step); /* once, wherever it was put */
	i->step = s->step;
	*value = i->value;
	s->n++;
	if (i->fell) {
		i->fell = false;
		return true;
	}
	ck_assert(i->value < s->last * 2 + 1); /* in order, as far as a shelf has one */
	s->last = fmin(s->last, fmax(i->value, 1));
	return true;
}

START_TEST(a_shelf_shows_the_best_first)
{
	struct rng r = rng_start(__func__);
	struct item *v = xcalloc(ITEMS, sizeof(*v));
	struct shelf s;

	shelf_init(&s);
	for (unsigned step = 1; step < 20000; step++) {
		struct item *i = &v[rng_below(&r, ITEMS)];
		struct seen seen = { v, INFINITY, 0, step };
		unsigned n = 0, max;

		if (i->on && !rng_below(&r, 3)) {
			i->value /= (double)(1 + rng_below(&r, 100));
			i->fell = true;
		} else if (i->on && !rng_below(&r, 3)) {
			shelf_drop(&s, &i->it);
			i->on = false;
		} else {
			i->value = (double)(rng_below(&r, 1u << rng_below(&r, 20)));
			shelf_put(&s, &i->it, i->value);
			i->on = true;
			i->fell = false;
		}
		for (unsigned k = 0; k < ITEMS; k++)
			n += v[k].on;
		ck_assert_uint_eq(n, s.n);
		max = (unsigned)rng_below(&r, ITEMS);
		shelf_visit(&s, max, see, &seen);
		ck_assert_uint_eq(seen.n, MIN(max, n));
	}
	free(v);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("offload policy");
	TCase *t = tcase_create("rank");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_decision_keeps_its_promises);
	tcase_add_test(t, the_best_are_in_hardware);
	tcase_add_test(t, shares_are_max_min);
	tcase_add_test(t, churn_is_bounded_in_every_second);
	tcase_add_test(t, a_full_table_is_learned_and_tried_again);
	tcase_add_test(t, a_rate_is_right_however_it_is_read);
	tcase_add_test(t, a_shelf_shows_the_best_first);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
