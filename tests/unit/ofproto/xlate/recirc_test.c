/* SPDX-License-Identifier: Apache-2.0 */
/* Recirculation ids against a dumb list: while anything refers to an id, and for a while after, it
 * means the same bytes; equal bytes have one id, in every table. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/thread.h"
#include "ofproto/xlate/recirc.h"
#include "tests/unit/seed.h"

#define N_CONTENTS 300
#define MAX_STATES 100
#define STEPS 20000

struct known { /* what content i is known by */
	struct recirc_state *s;
	uint32_t id;
	unsigned refs;
};

static void content(unsigned i, uint64_t data[4])
{
	data[0] = i % 7;
	data[1] = i;
	data[2] = data[3] = 0;
}

static struct recirc_state *intern(struct recirc_table *t, unsigned i)
{
	uint64_t data[4];

	content(i, data);
	return recirc_intern(t, data, i % 2 ? 16 : 32);
}

static void check_same(const struct recirc_state *s, unsigned i)
{
	uint64_t data[4];

	content(i, data);
	ck_assert_uint_eq(s->len, i % 2 ? 16 : 32);
	ck_assert_int_eq(memcmp(s->data, data, s->len), 0);
	ck_assert_uint_ne(s->id, 0);
	ck_assert_uint_le(s->id, RECIRC_ID_MAX);
}

static unsigned count_held(const struct known *k)
{
	unsigned n = 0;

	for (unsigned i = 0; i < N_CONTENTS; i++)
		n += k[i].refs > 0;
	return n;
}

static void take(struct recirc_table *t, struct known *k, unsigned i)
{
	struct recirc_state *s = intern(t, i);

	if (!s) {
		ck_assert_uint_eq(k[i].refs, 0);
		ck_assert_uint_eq(count_held(k), MAX_STATES);
		return;
	}
	check_same(s, i);
	if (k[i].refs) {
		ck_assert_ptr_eq(s, k[i].s);
		ck_assert_uint_eq(s->id, k[i].id);
	}
	k[i].s = s;
	k[i].id = s->id;
	k[i].refs++;
}

static void look(struct recirc_table *t, struct known *k, unsigned i)
{
	struct recirc_state *s = k[i].id ? recirc_find(t, k[i].id) : NULL;

	if (k[i].refs)
		ck_assert_ptr_eq(s, k[i].s);
	if (s) /* in use, or lingering: what it was */
		check_same(s, i);
	recirc_unref(s);
}

static void step(struct recirc_table *t, struct known *k, struct rng *r)
{
	unsigned i = (unsigned)rng_below(r, N_CONTENTS);
	struct recirc_stats st;

	switch (rng_below(r, 4)) {
	case 0: take(t, k, i); break;
	case 1: look(t, k, i); break;
	case 2:
		if (k[i].refs)
			recirc_unref(recirc_ref(k[i].s));
		break;
	default:
		if (!k[i].refs)
			break;
		recirc_unref(k[i].s);
		k[i].refs--;
	}
	recirc_stats(t, &st);
	ck_assert_uint_eq(st.n - st.n_lingering, count_held(k));
	ck_assert_uint_le(st.n, MAX_STATES);
}

START_TEST(ids_mean_what_they_meant)
{
	struct rng r = rng_start("recirc_test");
	struct recirc_table *t = recirc_table_new(MAX_STATES);
	struct known *k = calloc(N_CONTENTS, sizeof(*k));

	for (unsigned i = 0; i < STEPS; i++) {
		step(t, k, &r);
		if (!rng_below(&r, 500))
			recirc_expire(t, clock_mono_ns() + 2 * RECIRC_LINGER_NS);
	}
	for (unsigned i = 0; i < N_CONTENTS; i++)
		for (; k[i].refs; k[i].refs--)
			recirc_unref(k[i].s);
	recirc_table_free(t);
	free(k);
}
END_TEST

START_TEST(released_ids_linger)
{
	struct recirc_table *t = recirc_table_new(MAX_STATES);
	struct recirc_state *s = intern(t, 1), *again;
	uint32_t id = s->id;
	struct recirc_stats st;

	recirc_unref(s);
	recirc_expire(t, clock_mono_ns());
	again = recirc_find(t, id);
	ck_assert_ptr_eq(again, s);
	recirc_expire(t, clock_mono_ns() + 2 * RECIRC_LINGER_NS); /* not while it is in use */
	check_same(again, 1);
	recirc_unref(again);
	recirc_expire(t, clock_mono_ns() + 2 * RECIRC_LINGER_NS);
	ck_assert_ptr_null(recirc_find(t, id));
	recirc_stats(t, &st);
	ck_assert_uint_eq(st.n, 0);
	recirc_table_free(t);
}
END_TEST

/* Another process, which has met other states before, gives the same ids. */
START_TEST(ids_come_from_contents)
{
	struct recirc_table *a = recirc_table_new(MAX_STATES), *b = recirc_table_new(MAX_STATES);
	struct recirc_state *x, *y;

	recirc_unref(intern(b, 77));
	for (unsigned i = 0; i < 50; i++) {
		x = intern(a, i);
		y = intern(b, 49 - i);
		recirc_unref(y);
		y = intern(b, i);
		ck_assert_uint_eq(x->id, y->id);
		recirc_unref(x);
		recirc_unref(y);
	}
	recirc_table_free(a);
	recirc_table_free(b);
}
END_TEST

static void hammer(struct thread *self, void *arg)
{
	struct recirc_table *t = arg;
	struct rng r = { (uintptr_t)self };

	for (unsigned i = 0; i < 20000; i++) {
		unsigned c = (unsigned)rng_below(&r, 20);
		struct recirc_state *s = intern(t, c), *found;

		ck_assert_ptr_nonnull(s);
		check_same(s, c);
		found = recirc_find(t, s->id);
		ck_assert_ptr_eq(found, s);
		recirc_unref(s);
		recirc_unref(found);
		if (!rng_below(&r, 50))
			recirc_expire(t, clock_mono_ns() + 2 * RECIRC_LINGER_NS);
	}
}

START_TEST(threads_agree)
{
	struct recirc_table *t = recirc_table_new(MAX_STATES);
	struct thread threads[4];

	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(thread_start(&threads[i], "hammer", hammer, t), 0);
	for (unsigned i = 0; i < 4; i++)
		thread_stop(&threads[i]);
	recirc_table_free(t);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("recirculation ids");
	TCase *c = tcase_create("all");
	SRunner *sr;
	int failed;

	tcase_set_timeout(c, 120);
	tcase_add_test(c, ids_mean_what_they_meant);
	tcase_add_test(c, released_ids_linger);
	tcase_add_test(c, ids_come_from_contents);
	tcase_add_test(c, threads_agree);
	suite_add_tcase(s, c);
	sr = srunner_create(s);
	srunner_set_fork_status(sr, CK_NOFORK);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
