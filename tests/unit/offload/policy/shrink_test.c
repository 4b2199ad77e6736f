/* SPDX-License-Identifier: Apache-2.0 */
/* Who leaves a table that holds too much: over random flows, held against what shrink.h promises,
 * looked up one by one. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "offload/policy/shrink.h"
#include "tests/unit/seed.h"

#define ROUNDS 5000
#define FLOWS 40
#define PORTS 4

struct world {
	struct rank_flow have[FLOWS];
	struct rank_port before[PORTS], ports[PORTS];
	struct shrink_in in;
	uint64_t over;
	uint32_t evictions, n, victims[FLOWS];
	bool gone[FLOWS];
};

static void make(struct rng *r, struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->in.n_have = (uint32_t)rng_below(r, FLOWS + 1);
	for (uint32_t i = 0; i < w->in.n_have; i++) {
		w->have[i] = (struct rank_flow){ .value = (double)rng_below(r, 100),
						 .cost = 1 + !rng_below(r, 4),
						 .port = (uint32_t)rng_below(r, PORTS),
						 .pinned = !rng_below(r, 5) };
		w->before[w->have[i].port].used += w->have[i].cost;
	}
	for (unsigned p = 0; p < PORTS; p++) {
		w->before[p].used += (uint32_t)rng_below(r, 3); /* of flows that may not leave */
		w->before[p].share = (uint32_t)rng_below(r, 12);
		w->before[p].limit = rng_below(r, 2) ? UINT32_MAX : (uint32_t)rng_below(r, 20);
	}
	memcpy(w->ports, w->before, sizeof(w->ports));
	w->over = rng_below(r, 2) ? 0 : rng_below(r, 60);
	w->evictions = (uint32_t)rng_below(r, 2 * FLOWS);
	w->in.have = w->have;
	w->in.ports = w->ports;
	w->in.n_ports = PORTS;
	w->in.over = w->over;
	w->in.evictions = w->evictions;
	w->n = shrink_decide(&w->in, w->victims);
}

static bool within(const struct rank_port *p)
{
	return p->limit == UINT32_MAX || p->used <= p->limit;
}

/* Who leaves next as things stand, looked for from the beginning; -1: nobody need. */
static int next_of(const struct world *w, const struct rank_port ports[], uint64_t over)
{
	int best = -1, rank_best = 0;

	for (uint32_t i = 0; i < w->in.n_have; i++) {
		const struct rank_flow *f = &w->have[i];
		const struct rank_port *p = &ports[f->port];
		int rank = !within(p)                               ? 0
			   : !over                                  ? 9
			   : f->pinned                              ? 3
			   : p->used < p->share + (uint64_t)f->cost ? 2
								    : 1;

		if (w->gone[i] || rank == 9)
			continue;
		if (best < 0 || rank < rank_best ||
		    (rank == rank_best && f->pinned < w->have[best].pinned) ||
		    (rank == rank_best && f->pinned == w->have[best].pinned &&
		     f->value < w->have[best].value)) {
			best = (int)i;
			rank_best = rank;
		}
	}
	return best;
}

START_TEST(those_leave_who_must)
{
	struct rng r = rng_start(__func__);

	for (unsigned round = 0; round < ROUNDS; round++) {
		struct rank_port ports[PORTS];
		struct world w;
		uint64_t over;

		make(&r, &w);
		memcpy(ports, w.before, sizeof(ports));
		over = w.over;
		ck_assert_uint_le(w.n, w.evictions);
		for (uint32_t i = 0; i < w.n; i++) {
			const struct rank_flow *f = &w.have[w.victims[i]], *want;
			int next = next_of(&w, ports, over);

			/* As valuable and of the same class as the one that is due. */
			ck_assert_int_ge(next, 0);
			want = &w.have[next];
			ck_assert(!w.gone[w.victims[i]]);
			ck_assert(f->value == want->value && f->pinned == want->pinned);
			ck_assert(within(&ports[f->port]) == within(&ports[want->port]));
			w.gone[w.victims[i]] = true;
			ports[f->port].used -= f->cost;
			over -= MIN(over, (uint64_t)f->cost);
		}
		if (w.n < w.evictions)
			ck_assert_int_lt(next_of(&w, ports, over), 0);
		ck_assert_uint_eq(over, w.in.over);
		ck_assert(!memcmp(ports, w.ports, sizeof(ports)));
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("offload policy shrink");
	TCase *t = tcase_create("shrink");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, those_leave_who_must);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
