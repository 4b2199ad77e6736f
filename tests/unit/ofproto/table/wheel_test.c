/* SPDX-License-Identifier: Apache-2.0 */
/* The timer wheel against an array of due times. */
#include <check.h>

#include "ofproto/table/wheel.h"
#include "tests/unit/seed.h"

#define N 200
#define SEC NSEC_PER_SEC

struct model {
	struct wheel w;
	struct wheel_entry e[N];
	uint64_t due[N]; /* 0: out */
	uint64_t now;
	struct rng r;
};

static void put(struct model *m, unsigned i, uint64_t due)
{
	m->due[i] = due;
	wheel_add(&m->w, &m->e[i], due);
}

static uint64_t some_due(struct model *m)
{
	/* now and then far behind one turn of the wheel, or in the past */
	switch (rng_below(&m->r, 8)) {
	case 0: return m->now + rng_below(&m->r, 70000 * SEC);
	case 1: return m->now - rng_below(&m->r, MIN(m->now, SEC));
	default: return m->now + rng_below(&m->r, 20 * SEC);
	}
}

static void fired(struct wheel_entry *e, void *aux)
{
	struct model *m = aux;
	unsigned i = (unsigned)(e - m->e), other = (unsigned)rng_below(&m->r, N);

	ck_assert_uint_ne(m->due[i], 0);
	ck_assert_uint_le(m->due[i], m->now);
	m->due[i] = 0;
	if (rng_below(&m->r, 3) == 0)
		put(m, i, m->now + 1 + rng_below(&m->r, 400 * SEC));
	if (other != i && rng_below(&m->r, 4) == 0) {
		wheel_remove(&m->w, &m->e[other]);
		m->due[other] = 0;
	}
}

START_TEST(agrees_with_array)
{
	static struct model m;
	size_t n;

	m.r = rng_start("wheel");
	m.now = 1000 * SEC + rng_below(&m.r, SEC);
	wheel_init(&m.w, m.now);
	for (int step = 0; step < 20000; step++) {
		unsigned i;
		uint64_t next = wheel_next_ns(&m.w), first = UINT64_MAX;

		for (n = 0, i = 0; i < N; i++) {
			n += m.due[i] != 0;
			if (m.due[i])
				first = MIN(first, m.due[i]);
		}
		ck_assert_uint_eq(m.w.n, n);
		ck_assert_uint_le(next, MAX(first, m.now + WHEEL_TICK_NS));
		ck_assert((first == UINT64_MAX) == (next == UINT64_MAX));
		i = (unsigned)rng_below(&m.r, N);
		wheel_remove(&m.w, &m.e[i]);
		m.due[i] = 0;
		if (rng_below(&m.r, 4))
			put(&m, i, some_due(&m));
		m.now += rng_below(&m.r, 50) ? rng_below(&m.r, SEC / 2)
					     : rng_below(&m.r, 1000 * SEC);
		wheel_expire(&m.w, m.now, fired, &m);
		for (n = 0, i = 0; i < N; i++)
			n += m.due[i] && m.due[i] <= m.now;
		ck_assert_uint_eq(n, 0);
	}
}
END_TEST

/* Sleeping until wheel_next_ns() never sleeps through a due time, and gets there. */
START_TEST(next_leads_to_the_first)
{
	static struct model m;
	unsigned calls = 0;

	m.r = (struct rng){ 1 };
	m.now = 5 * SEC;
	wheel_init(&m.w, m.now);
	put(&m, 0, 5000 * SEC);
	put(&m, 1, 300 * SEC);
	while (m.due[1]) {
		uint64_t next = wheel_next_ns(&m.w);

		ck_assert_uint_le(next, 300 * SEC);
		ck_assert_uint_gt(next, m.now);
		m.now = next;
		wheel_remove(&m.w, &m.e[2]);
		if (m.now >= m.due[1])
			break;
		wheel_expire(&m.w, m.now, fired, &m);
		ck_assert_uint_lt(++calls, 10);
	}
	ck_assert_uint_eq(m.now, 300 * SEC);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("wheel");
	TCase *tc = tcase_create("wheel");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, agrees_with_array);
	tcase_add_test(tc, next_leads_to_the_first);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
