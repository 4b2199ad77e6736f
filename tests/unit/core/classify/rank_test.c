/* SPDX-License-Identifier: Apache-2.0 */
#include "core/classify/rank.h"

#include <check.h>

#include "tests/unit/seed.h"

#define N 500

/* Subtables are only addresses here. */
static char place[N];
static struct cls_subtable *subtable(unsigned i)
{
	void *p = &place[i];

	return p;
}

static void check_all(const struct rank *r, const bool in[], const int32_t priority[], unsigned n)
{
	struct rank_cursor cur = rank_begin(r);
	const struct rank_entry *e;
	bool seen[N] = { false };
	int32_t last = INT32_MAX;
	unsigned found = 0;

	while ((e = rank_next(&cur))) {
		unsigned i = (unsigned)((char *)(void *)e->st - place);

		ck_assert(in[i] && !seen[i]);
		ck_assert_int_eq(rank_priority(e), priority[i]);
		ck_assert_int_le(priority[i], last);
		last = priority[i];
		seen[i] = true;
		found++;
	}
	ck_assert_uint_eq(found, n);
}

static int32_t some_priority(struct rng *r)
{
	switch (rng_below(r, 20)) {
	case 0: return INT32_MIN;
	case 1: return INT32_MAX;
	default: return (int32_t)rng_below(r, 40);
	}
}

START_TEST(agrees_with_a_list)
{
	struct rng r = rng_start("rank");
	struct rank rank = { NULL };
	int32_t priority[N];
	bool in[N] = { false };
	unsigned n = 0;

	for (unsigned step = 0; step < 30000; step++) {
		unsigned i = (unsigned)rng_below(&r, N);
		int32_t p = some_priority(&r);

		if (!in[i]) {
			rank_insert(&rank, subtable(i), p);
			priority[i] = p;
			in[i] = true;
			n++;
		} else if (rng_below(&r, step / 10000 == 1 ? 2 : 6)) {
			rank_move(&rank, subtable(i), priority[i], p);
			priority[i] = p;
		} else {
			rank_remove(&rank, subtable(i), priority[i]);
			in[i] = false;
			n--;
		}
		if (step % 16 == 0)
			check_all(&rank, in, priority, n);
	}
	for (unsigned i = 0; i < N; i++)
		if (in[i])
			rank_remove(&rank, subtable(i), priority[i]);
	ck_assert_ptr_null(rank.top);
	rcu_settle();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("core/classify/rank");
	TCase *t = tcase_create("rank");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, agrees_with_a_list);
	suite_add_tcase(s, t);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
