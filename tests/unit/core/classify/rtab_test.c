/* SPDX-License-Identifier: Apache-2.0 */
#include "core/classify/rtab.h"

#include <check.h>

#include "tests/unit/seed.h"

#define N 3000

struct item {
	struct rtab_node node;
	bool in;
};

static unsigned times_found(const struct rtab *t, const struct item *it)
{
	struct rtab_node *n;
	struct rtab_pos pos;
	unsigned found = 0;

	RTAB_FOR_EACH_WITH(n, pos, t, it->node.hash)
	found += n == &it->node;
	return found;
}

static void check_all(const struct rtab *t, const struct item *items, unsigned n_in)
{
	struct rtab_node *n;
	struct rtab_walk w;
	unsigned walked = 0;

	for (unsigned i = 0; i < N; i++)
		ck_assert_uint_eq(times_found(t, &items[i]), items[i].in);
	RTAB_FOR_EACH(n, w, t)
	{
		ck_assert(container_of(n, struct item, node)->in);
		walked++;
	}
	ck_assert_uint_eq(walked, n_in);
	ck_assert_uint_eq(t->n, n_in);
}

/* Hashes: random ones, few ones, ones that share buckets or tags. */
static uint32_t some_hash(struct rng *r, unsigned kind)
{
	uint32_t h = (uint32_t)rng_next(r);

	return kind == 0 ? h : kind == 1 ? h & 7 : kind == 2 ? h & 0xffff0000u : h & 0xffffu;
}

START_TEST(agrees_with_a_set)
{
	struct rng r = rng_start("rtab");
	struct item *items = calloc(N, sizeof(*items));
	struct rtab t = { 0 };
	unsigned n_in = 0;

	for (unsigned i = 0; i < N; i++)
		items[i].node.hash = some_hash(&r, (unsigned)_i);
	for (unsigned step = 0; step < 20 * N; step++) {
		struct item *it = &items[rng_below(&r, N)];
		/* Mostly growing, then mostly shrinking. */
		bool want = rng_below(&r, 10) < (step / (5 * N) % 2 ? 1u : 9u);

		if (it->in == want)
			continue;
		if (want)
			rtab_insert(&t, &it->node);
		else
			rtab_erase(&t, &it->node);
		it->in = want;
		n_in += want ? 1u : -1u;
		if (step % N == 0)
			check_all(&t, items, n_in);
	}
	for (unsigned i = 0; i < N; i++) {
		if (items[i].in)
			rtab_erase(&t, &items[i].node);
		items[i].in = false;
	}
	check_all(&t, items, 0);
	rtab_done(&t);
	rcu_settle();
	free(items);
}
END_TEST

START_TEST(replaces_in_place)
{
	struct item a = { { 7 }, true }, b = { { 7 }, false };
	struct rtab t = { 0 };

	rtab_insert(&t, &a.node);
	rtab_replace(&t, &a.node, &b.node);
	ck_assert_uint_eq(times_found(&t, &a), 0);
	ck_assert_uint_eq(times_found(&t, &b), 1);
	rtab_erase(&t, &b.node);
	ck_assert_uint_eq(times_found(&t, &b), 0);
	rtab_done(&t);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("core/classify/rtab");
	TCase *t = tcase_create("rtab");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, agrees_with_a_set, 0, 4);
	tcase_add_test(t, replaces_in_place);
	suite_add_tcase(s, t);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
