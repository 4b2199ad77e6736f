/* SPDX-License-Identifier: Apache-2.0 */
/* Bitmaps, numbers, UUIDs, counters, clocks, rates and memory reports. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/bitmap.h"
#include "core/base/clock.h"
#include "core/base/counter.h"
#include "core/base/id_pool.h"
#include "core/base/memreport.h"
#include "core/base/random.h"
#include "core/base/ratelimit.h"
#include "core/base/str.h"
#include "core/base/thread.h"
#include "core/base/uuid.h"
#include "tests/unit/seed.h"

START_TEST(bitmap_agrees_with_array)
{
	struct rng r = rng_start("bitmap");
	const size_t n = 131;
	uint64_t *b = bitmap_new(n), *c = bitmap_new(n);
	bool in[131] = { false };
	size_t count = 0, next;

	for (int i = 0; i < 5000; i++) {
		size_t k = rng_below(&r, n), from = rng_below(&r, n);
		bool on = rng_below(&r, 2);

		count += (size_t)on - (size_t)in[k];
		bitmap_assign(b, k, on);
		in[k] = on;
		ck_assert_uint_eq(bitmap_count(b, n), count);
		for (next = from; next < n && in[next] != on; next++)
			;
		ck_assert_uint_eq(bitmap_find(b, n, from, on), next);
	}
	BITMAP_FOR_EACH(i, b, n)
	{
		ck_assert(in[i] && bitmap_test(b, i));
		bitmap_set(c, i);
		count--;
	}
	ck_assert_uint_eq(count, 0);
	ck_assert(bitmap_equal(b, c, n));
	free(b);
	free(c);
}
END_TEST

START_TEST(id_pool_gives_the_lowest)
{
	struct rng r = rng_start("id_pool");
	struct id_pool p;
	bool in[300] = { false };
	uint32_t id, lowest;

	id_pool_init(&p, 1000, ARRAY_SIZE(in));
	for (int i = 0; i < 20000; i++) {
		uint32_t k = (uint32_t)rng_below(&r, ARRAY_SIZE(in));

		if (rng_below(&r, 3)) {
			for (lowest = 0; lowest < ARRAY_SIZE(in) && in[lowest]; lowest++)
				;
			ck_assert(id_pool_take(&p, &id) == (lowest < ARRAY_SIZE(in)));
			if (lowest < ARRAY_SIZE(in)) {
				ck_assert_uint_eq(id, 1000 + lowest);
				in[lowest] = true;
			}
		} else if (in[k]) {
			id_pool_give(&p, 1000 + k);
			in[k] = false;
		} else {
			ck_assert(id_pool_take_at(&p, 1000 + k));
			ck_assert(!id_pool_take_at(&p, 1000 + k));
			in[k] = true;
		}
	}
	ck_assert(!id_pool_take_at(&p, 999));
	ck_assert(!id_pool_is_taken(&p, 1300));
	id_pool_done(&p);
}
END_TEST

START_TEST(uuid_text)
{
	static const char text[] = "12345678-9abc-4def-8123-456789abcdef";
	char out[UUID_TEXT_LEN + 1];
	struct uuid u, v;

	ck_assert(uuid_parse("12345678-9ABC-4def-8123-456789abcdef", &u));
	ck_assert_str_eq(uuid_print(&u, out), text);
	ck_assert(!uuid_parse("12345678-9abc-4def-8123-456789abcde", &v));
	ck_assert(!uuid_parse("12345678-9abc-4def-8123-456789abcdef0", &v));
	ck_assert(!uuid_parse("12345678x9abc-4def-8123-456789abcdef", &v));
	ck_assert(!uuid_parse("", &v));
	u = uuid_new();
	v = uuid_new();
	ck_assert(!uuid_equal(&u, &v) && !uuid_is_zero(&u));
	ck_assert_uint_eq(u.b[6] >> 4, 4);
	ck_assert_uint_eq(u.b[8] >> 6, 2);
	ck_assert(uuid_parse(uuid_print(&u, out), &v) && uuid_equal(&u, &v));
}
END_TEST

START_TEST(random_is_spread)
{
	unsigned int hits[16] = { 0 };
	struct ufid a = ufid_new(), b = ufid_new();

	for (int i = 0; i < 16000; i++)
		hits[random_below(16)]++;
	for (size_t i = 0; i < ARRAY_SIZE(hits); i++)
		ck_assert_msg(hits[i] > 700 && hits[i] < 1300, "%u of 1000", hits[i]);
	ck_assert(a.u[0] != b.u[0] || a.u[1] != b.u[1]);
}
END_TEST

COUNTER_DEFINE(test_event);
COUNTER_DEFINE(test_never);

static void count_1000(struct thread *t UNUSED, void *arg UNUSED)
{
	for (int i = 0; i < 1000; i++)
		counter_inc(test_event);
}

START_TEST(counters_outlive_threads)
{
	struct str out = STR_INIT;
	struct thread t[3];
	uint64_t total = 0;

	counter_add(test_event, 7);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		ck_assert_int_eq(thread_start(&t[i], "c", count_1000, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		thread_stop(&t[i]);
	ck_assert_uint_eq(counter_read(&counter_test_event), 3007);
	ck_assert_uint_eq(counter_read(&counter_test_never), 0);
	ck_assert(counter_find("test_event", &total));
	ck_assert_uint_eq(total, 3007);
	ck_assert(!counter_find("nosuch", &total));
	counter_tick();
	counter_show(&out);
	ck_assert_ptr_nonnull(strstr(out.s, "Event coverage, avg rate over last: 5 seconds, last "
					    "minute, last hour,  hash="));
	ck_assert_ptr_nonnull(strstr(out.s, "test_event               601.4/sec    50.117/sec     "
					    "   0.0000/sec   total: 3007\n"));
	ck_assert_ptr_nonnull(strstr(out.s, "1 events never hit\n"));
	for (int i = 0; i < 12; i++)
		counter_tick();
	str_clear(&out);
	counter_show(&out);
	ck_assert_ptr_nonnull(strstr(out.s, "  0.0/sec     0.000/sec        0.8353/sec   total: "));
	str_done(&out);
}
END_TEST

/* Over any number of takes at random times: never above rate * time + burst, and not below it by
 * more than what was asked in vain at once. */
START_TEST(clock_is_held)
{
	uint64_t mono, wall;

	clock_hold();
	mono = clock_mono_ns();
	wall = clock_wall_ns();
	clock_warp(5);
	clock_hold(); /* nests */
	ck_assert_uint_eq(clock_mono_ns(), mono);
	clock_let_go();
	ck_assert_uint_eq(clock_mono_ns(), mono);
	ck_assert_uint_eq(clock_wall_ns(), wall);
	clock_let_go();
	ck_assert_uint_ge(clock_mono_ns(), mono + 5);
	clock_hold(); /* what was held before is forgotten */
	ck_assert_uint_ge(clock_mono_ns(), mono + 5);
	clock_let_go();
}
END_TEST

START_TEST(ratelimit_is_exact)
{
	struct rng r = rng_start("ratelimit");
	uint64_t now = NSEC_PER_SEC, start = now, taken = 0;
	const uint64_t rate = 1 + rng_below(&r, 5000), burst = 1 + rng_below(&r, 100);
	struct ratelimit rl;

	ratelimit_init(&rl, rate, burst, now);
	for (int i = 0; i < 100000; i++) {
		uint64_t wait = ratelimit_wait_ns(&rl, 1, now);

		ck_assert(ratelimit_take(&rl, 1, now) == !wait);
		taken += !wait;
		if (wait) {
			ck_assert(!ratelimit_take(&rl, 1, now + wait - 1));
			now += wait;
		} else {
			now += rng_below(&r, 2 * NSEC_PER_SEC / rate);
		}
	}
	ck_assert_uint_le(taken,
			  (uint64_t)((__uint128_t)(now - start) * rate / NSEC_PER_SEC) + burst);
	ck_assert_uint_eq(ratelimit_wait_ns(&rl, burst + 1, now), UINT64_MAX);
	ratelimit_set(&rl, 0, 5, now + 1000 * NSEC_PER_SEC);
	ck_assert(ratelimit_take(&rl, MIN(burst, 5), now + 1000 * NSEC_PER_SEC));
}
END_TEST

static void report(struct memreport *m, void *arg)
{
	memreport_add(m, "rules", 3);
	memreport_add(m, arg, 4);
}

START_TEST(memory_is_reported)
{
	static char flows[] = "flows", cells[] = "cells";
	struct memreporter *a = memreporter_new(report, flows), *b = memreporter_new(report, cells);
	struct str out = STR_INIT;

	memreport_show(&out);
	ck_assert_str_eq(out.s, "cells:4 flows:4 rules:6\n");
	memreporter_free(a);
	str_clear(&out);
	memreport_show(&out);
	ck_assert_str_eq(out.s, "cells:4 rules:3\n");
	memreporter_free(b);
	str_done(&out);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("small");
	TCase *tc = tcase_create("small");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, bitmap_agrees_with_array);
	tcase_add_test(tc, id_pool_gives_the_lowest);
	tcase_add_test(tc, uuid_text);
	tcase_add_test(tc, random_is_spread);
	tcase_add_test(tc, counters_outlive_threads);
	tcase_add_test(tc, clock_is_held);
	tcase_add_test(tc, ratelimit_is_exact);
	tcase_add_test(tc, memory_is_reported);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
