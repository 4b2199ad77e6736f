/* SPDX-License-Identifier: Apache-2.0 */
/* RCU and threads. */
#include <check.h>
#include <poll.h>
#include <stdlib.h>

#include "core/base/rcu.h"
#include "core/base/thread.h"
#include "core/base/xalloc.h"

struct pair {
	uint64_t a, b; /* equal in every published pair */
};

static struct pair *current;
static _Atomic uint64_t reads, freed;

static void free_pair(void *arg)
{
	struct pair *p = arg;

	p->a = 1;
	p->b = 0;
	free(p);
	freed++;
}

static void reader(struct thread *t, void *arg UNUSED)
{
	while (!t->stop) {
		const struct pair *p;

		rcu_read_lock();
		p = rcu_dereference(current);
		if (p->a != p->b)
			abort();
		rcu_read_unlock();
		reads++;
	}
}

START_TEST(readers_see_whole_objects)
{
	const uint64_t n = 2000;
	struct thread t[2];

	current = xzalloc(sizeof(*current));
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		ck_assert_int_eq(thread_start(&t[i], "reader", reader, NULL), 0);
	for (uint64_t i = 1; i <= n; i++) {
		struct pair *p = xmalloc(sizeof(*p));

		*p = (struct pair){ i, i };
		rcu_defer(free_pair, rcu_xchg_pointer(&current, p));
	}
	while (!reads)
		(void)poll(NULL, 0, 1);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		thread_stop(&t[i]);
	rcu_settle();
	ck_assert_uint_eq(freed, n);
	rcu_defer_free(current);
	rcu_defer_free(NULL);
	rcu_settle();
}
END_TEST

static _Atomic int wakes;

static void sleeper(struct thread *t, void *arg UNUSED)
{
	struct pollfd p = { t->wake_fd, POLLIN, 0 };

	while (!t->stop) {
		(void)poll(&p, 1, -1);
		thread_woken(t);
		wakes++;
	}
}

START_TEST(threads_wake_and_stop)
{
	struct thread t, never = { .running = false };

	ck_assert_int_eq(thread_start(&t, "a_name_that_is_too_long", sleeper, NULL), 0);
	ck_assert_str_eq(t.name, "a_name_that_is_");
	thread_wake(&t);
	while (!wakes)
		(void)poll(NULL, 0, 1);
	thread_stop(&t);
	thread_stop(&t);
	thread_stop(&never);
	ck_assert_int_ge(wakes, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rcu");
	TCase *tc = tcase_create("rcu");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, readers_see_whole_objects);
	tcase_add_test(tc, threads_wake_and_stop);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
