/* SPDX-License-Identifier: Apache-2.0 */
/* What the policy is held against, held against brute force on traces of a few flows: the bound
 * oracle against the best of all plans, the table of means against sums made one by one. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "bench/placement_past.h"
#include "tests/unit/seed.h"

#define ROUNDS 400
#define FLOWS 5
#define FIRST (WARM_S * STEPS_A_S) /* nothing happens before: it would not be counted */
#define STEPS 6
#define SETS (1u << FLOWS)

struct tiny {
	struct trace t;
	uint32_t n[STEPS][FLOWS]; /* packets */
	uint32_t cost[FLOWS];
	uint64_t all;
};

static void make(struct rng *r, struct tiny *x, bool plain)
{
	uint32_t id[FLOWS];

	memset(x, 0, sizeof(*x));
	trace_init(&x->t, "tiny");
	while (x->t.n_steps < FIRST)
		trace_step_end(&x->t);
	for (unsigned f = 0; f < FLOWS; f++) {
		x->cost[f] = plain || rng_below(r, 3) ? 1 : 2;
		id[f] = trace_flow(&x->t, 0, 100, (uint8_t)x->cost[f], FIRST);
	}
	for (unsigned k = 0; k < STEPS; k++) {
		for (unsigned f = 0; f < FLOWS; f++) {
			x->n[k][f] = rng_below(r, 2) ? 0 : 1 + (uint32_t)rng_below(r, 20);
			if (x->n[k][f])
				trace_count(&x->t, id[f], x->n[k][f]);
			x->all += x->n[k][f];
		}
		trace_step_end(&x->t);
	}
}

/* By the end of step k it has sent. */
static bool seen(const struct tiny *x, unsigned k, unsigned f)
{
	for (unsigned i = 0; i <= k; i++)
		if (x->n[i][f])
			return true;
	return false;
}

static uint64_t carried(const struct tiny *x, unsigned k, uint32_t set)
{
	uint64_t sum = 0;

	for (unsigned f = 0; f < FLOWS; f++)
		sum += set >> f & 1 ? x->n[k][f] : 0;
	return sum;
}

static bool fits(const struct tiny *x, unsigned k, uint32_t set, uint64_t table)
{
	uint64_t cost = 0;

	for (unsigned f = 0; f < FLOWS; f++) {
		if (!(set >> f & 1))
			continue;
		if (!seen(x, k, f))
			return false;
		cost += x->cost[f];
	}
	return cost <= table;
}

/* --- the bound oracle --- */

struct state {
	uint32_t set, fresh; /* fresh: came in at the last tick */
	uint32_t gone[2];    /* evictions of the last tick, and of the one before */
};

/* The most that can be carried from step k + 1 on, of all plans there are. */
static uint64_t best(const struct tiny *x, const struct replay_config *c, unsigned k,
		     struct state s)
{
	uint64_t most = 0;

	if (k + 1 == STEPS)
		return 0;
	for (uint32_t set = 0; set < SETS; set++) {
		uint32_t out = s.set & ~set;
		uint32_t n = (uint32_t)__builtin_popcount(out);
		struct state next = { set, set & ~s.set, { n, s.gone[0] } };
		uint64_t got;

		/* None in vain: that leaves the plans fewer and none of them worse. */
		if (!fits(x, k, set, c->table) || (c->min_residency_ms > 500 && out & s.fresh) ||
		    n + s.gone[0] + s.gone[1] > c->max_churn_per_s)
			continue;
		got = carried(x, k + 1, set) + best(x, c, k + 1, next);
		most = MAX(most, got);
	}
	return most;
}

static uint64_t packets_of(struct tiny *x, replay_fn *fn, const struct replay_config *c,
			   struct result *r)
{
	fn(&x->t, c, r);
	ck_assert_uint_eq(r->violations, 0);
	return (uint64_t)(r->packets * (double)x->all + .5);
}

static struct replay_config bounds(struct rng *r)
{
	return (struct replay_config){ .table = 1 + rng_below(r, 2),
				       .max_churn_per_s = (uint32_t)rng_below(r, 4),
				       .min_residency_ms = rng_below(r, 3) ? 500 : 1000 };
}

START_TEST(bounded_is_between)
{
	struct rng r = rng_start("bounded_is_between");
	uint64_t had = 0, most = 0;

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct replay_config c = bounds(&r);
		struct result one, ideal;
		struct tiny x;
		uint64_t got, limit;

		make(&r, &x, i % 2);
		got = packets_of(&x, replay_bounded, &c, &one);
		limit = best(&x, &c, 0, (struct state){ 0 });
		ck_assert_uint_le(one.churn_per_s, c.max_churn_per_s);
		ck_assert_uint_le(got, limit);
		if (i % 2) /* flows of one entry: the oracle is the limit of all */
			ck_assert_uint_le(limit, packets_of(&x, replay_oracle, &c, &ideal));
		had += got;
		most += limit;
		trace_done(&x.t);
	}
	/* Tables of one and two entries are hard on it. */
	printf("the bound oracle has %.3f of the best plan\n", (double)had / (double)most);
	ck_assert(had * 100 >= most * 90);
}
END_TEST

START_TEST(bounded_is_exact_where_the_bound_is_not_met)
{
	struct rng r = rng_start("bounded_is_exact_where_the_bound_is_not_met");

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct replay_config c = { .table = 1 + rng_below(&r, 3),
					   .max_churn_per_s = 4 * FLOWS,
					   .min_residency_ms = 500 };
		struct result one, ideal;
		struct tiny x;
		uint64_t got;

		make(&r, &x, true);
		got = packets_of(&x, replay_bounded, &c, &one);
		ck_assert_uint_eq(got, packets_of(&x, replay_oracle, &c, &ideal));
		c.table = MIN(c.table, 2u);
		if (i < ROUNDS / 10)
			ck_assert_uint_eq(packets_of(&x, replay_bounded, &c, &one),
					  best(&x, &c, 0, (struct state){ 0 }));
		trace_done(&x.t);
	}
}
END_TEST

/* --- what the past tells --- */

struct dumb {
	unsigned last, all, silent, age;
};

/* How often n can be halved; in halves of that: the bit below counts too. */
static unsigned halvings(uint64_t n)
{
	unsigned i = 0;

	for (; n > 1; n /= 2)
		i++;
	return i;
}

static unsigned half_halvings(uint64_t n)
{
	unsigned i = halvings(n);

	return 2 * i + (n > 1 && n * 2 >= 3u * (UINT64_C(1) << i));
}

static struct dumb look(const struct tiny *x, unsigned k, unsigned f)
{
	struct dumb d = { 0 };
	unsigned first = k, last = 0;
	uint64_t all = 0;

	for (unsigned i = 0; i <= k; i++) {
		if (!x->n[i][f])
			continue;
		first = MIN(first, i);
		last = i;
		all += x->n[i][f];
	}
	d.last = half_halvings(x->n[last][f]);
	d.all = halvings(all);
	d.silent = k - last;
	d.age = k - first < 2 ? k - first : 1 + halvings(k - first);
	return d;
}

enum { PLAIN, AGELESS, FINE, N_LEVELS };

static bool alike(struct dumb a, struct dumb b, unsigned level)
{
	return a.last == b.last && a.silent == b.silent && (level < AGELESS || a.all == b.all) &&
	       (level < FINE || a.age == b.age);
}

/* What flows like this one had next in the traces learned from. */
static double expected(const struct tiny *from, unsigned n, struct dumb d)
{
	double mean = 0;

	for (unsigned level = PLAIN; level < N_LEVELS; level++) {
		double next = 0, count = 0;

		for (unsigned i = 0; i < n; i++)
			for (unsigned k = 0; k + 1 < STEPS; k++)
				for (unsigned f = 0; f < FLOWS; f++)
					if (seen(&from[i], k, f) &&
					    alike(look(&from[i], k, f), d, level)) {
						next += from[i].n[k + 1][f];
						count++;
					}
		mean = (next + 8 * mean) / (count + 8);
	}
	return mean;
}

struct range {
	uint64_t least, most;
};

/* Of all tables for a step, those that are expected to carry most: what they do carry. */
static struct range best_tables(const struct tiny *x, unsigned k, const double mean[FLOWS],
				uint64_t table)
{
	struct range r = { UINT64_MAX, 0 };
	double most = 0, sum;

	for (unsigned turn = 0; turn < 2; turn++)
		for (uint32_t set = 0; set < SETS; set++) {
			if (!fits(x, k, set, table))
				continue;
			sum = 0;
			for (unsigned f = 0; f < FLOWS; f++)
				sum += set >> f & 1 ? mean[f] : 0;
			if (!turn) {
				most = fmax(most, sum);
			} else if (sum > most - 1e-5) {
				r.least = MIN(r.least, carried(x, k + 1, set));
				r.most = MAX(r.most, carried(x, k + 1, set));
			}
		}
	return r;
}

START_TEST(past_takes_what_is_expected_to_carry_most)
{
	struct rng r = rng_start("past_takes_what_is_expected_to_carry_most");
	struct past *p = malloc(sizeof(*p));

	for (unsigned i = 0; i < ROUNDS / 10; i++) {
		struct replay_config c = { .table = 1 + rng_below(&r, 3), .past = p };
		struct range sum = { 0, 0 };
		struct tiny from[3], x;
		struct result one;
		uint64_t got;

		memset(p, 0, sizeof(*p));
		for (unsigned n = 0; n < 3; n++) {
			make(&r, &from[n], true);
			past_learn(p, &from[n].t);
		}
		past_judge(p);
		make(&r, &x, true);
		for (unsigned k = 0; k + 1 < STEPS; k++) {
			double mean[FLOWS] = { 0 };
			struct range s;

			for (unsigned f = 0; f < FLOWS; f++)
				if (seen(&x, k, f))
					mean[f] = expected(from, 3, look(&x, k, f));
			s = best_tables(&x, k, mean, c.table);
			sum.least += s.least;
			sum.most += s.most;
		}
		got = packets_of(&x, replay_past, &c, &one);
		ck_assert_uint_ge(got, sum.least);
		ck_assert_uint_le(got, sum.most);
		for (unsigned n = 0; n < 3; n++)
			trace_done(&from[n].t);
		trace_done(&x.t);
	}
	free(p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("placement_bounds");
	TCase *tc = tcase_create("bounds");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, bounded_is_between);
	tcase_add_test(tc, bounded_is_exact_where_the_bound_is_not_met);
	tcase_add_test(tc, past_takes_what_is_expected_to_carry_most);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
