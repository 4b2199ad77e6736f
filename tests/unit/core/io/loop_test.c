/* SPDX-License-Identifier: Apache-2.0 */
#include "core/io/loop.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/thread.h"

static struct loop *l;
static int calls;

static void start(void)
{
	l = loop_new(NULL);
	ck_assert_ptr_nonnull(l);
	calls = 0;
}

static void stop(void)
{
	loop_free(l);
}

static void count(void *arg UNUSED)
{
	calls++;
}

static void never_called(void *arg UNUSED)
{
	ck_abort();
}

static void leave(void *arg UNUSED)
{
	calls++;
	loop_exit(l);
}

static void defer_again(void *arg UNUSED)
{
	if (++calls < 5)
		loop_defer(l, defer_again, NULL);
}

START_TEST(deferred_calls_run_before_sleep)
{
	loop_defer(l, count, NULL);
	loop_defer(l, count, &calls);
	loop_defer_cancel(l, count, &calls);
	ck_assert_int_eq(loop_turn(l, 0), 0);
	ck_assert_int_eq(calls, 1);
	calls = 0;
	loop_defer(l, defer_again, NULL);
	for (int i = 1; i <= 5; i++) {
		/* It must not sleep: there is more to do. */
		ck_assert_int_eq(loop_turn(l, i < 5 ? 100 * NSEC_PER_SEC : 0), 0);
		ck_assert_int_eq(calls, i);
	}
}
END_TEST

#define N_POSTS 10000
static uint64_t last_of[2];

static void in_order(void *arg)
{
	uint64_t v = (uintptr_t)arg;

	ck_assert_uint_eq(v >> 1, last_of[v & 1] + 1);
	last_of[v & 1]++;
	if (last_of[0] == N_POSTS && last_of[1] == N_POSTS)
		loop_exit(l);
}

static void poster(struct thread *t UNUSED, void *arg)
{
	for (uint64_t i = 1; i <= N_POSTS; i++)
		loop_post(l, in_order, (void *)(uintptr_t)(i << 1 | (arg != NULL)));
}

START_TEST(posts_of_each_thread_run_in_order)
{
	struct thread t[2];

	ck_assert_int_eq(thread_start(&t[0], "p0", poster, NULL), 0);
	ck_assert_int_eq(thread_start(&t[1], "p1", poster, l), 0);
	ck_assert_int_eq(loop_run(l), 0);
	thread_stop(&t[0]);
	thread_stop(&t[1]);
}
END_TEST

static struct loop_hook *hook;

static bool three_times(void *arg UNUSED)
{
	return ++calls < 3;
}

static bool free_self(void *arg UNUSED)
{
	calls++;
	loop_hook_free(hook);
	return false;
}

START_TEST(hooks_run_before_each_sleep)
{
	hook = loop_before_sleep(l, three_times, NULL);
	ck_assert_int_eq(loop_turn(l, 100 * NSEC_PER_SEC), 0);
	ck_assert_int_eq(loop_turn(l, 100 * NSEC_PER_SEC), 0);
	ck_assert_int_eq(calls, 2);
	loop_hook_free(hook);
	hook = loop_before_sleep(l, free_self, NULL);
	ck_assert_int_eq(loop_turn(l, 0), 0);
	ck_assert_int_eq(loop_turn(l, 0), 0);
	ck_assert_int_eq(calls, 3);
}
END_TEST

START_TEST(timers_fire_in_time)
{
	struct loop_timer *once = loop_timer_new(l, leave, NULL);
	struct loop_timer *never = loop_timer_new(l, never_called, NULL);
	struct loop_timer *often = loop_timer_new(l, count, NULL);
	uint64_t t = clock_mono_ns();

	loop_timer_in(never, 1);
	loop_timer_stop(never);
	loop_timer_every(often, 2 * NSEC_PER_MSEC);
	loop_timer_at(once, t + 21 * NSEC_PER_MSEC);
	ck_assert(loop_timer_running(once) && !loop_timer_running(never));
	ck_assert_int_eq(loop_run(l), 0);
	ck_assert_uint_ge(clock_mono_ns() - t, 21 * NSEC_PER_MSEC);
	ck_assert(!loop_timer_running(once) && loop_timer_running(often));
	ck_assert_int_ge(calls, 2);
	ck_assert_int_le(calls, 11);
	loop_timer_free(once);
	loop_timer_free(never);
	loop_timer_free(often);
}
END_TEST

START_TEST(warp_moves_timers)
{
	struct loop_timer *t = loop_timer_new(l, leave, NULL);

	loop_timer_in(t, 3600 * NSEC_PER_SEC);
	loop_warp(l, 3599 * NSEC_PER_SEC + 999 * NSEC_PER_MSEC);
	ck_assert_int_eq(loop_run(l), 0);
	loop_timer_free(t);
}
END_TEST

static struct loop_fd *fd_watch;

static void readable(int fd, unsigned int events, void *arg UNUSED)
{
	char c;

	ck_assert_uint_eq(events, LOOP_READ);
	ck_assert_int_eq(read(fd, &c, 1), 1);
	calls++;
	if (c == 'x') {
		loop_fd_free(fd_watch);
		loop_exit(l);
	}
}

START_TEST(descriptors_are_watched)
{
	struct error err = ERROR_INIT;
	FILE *file = tmpfile();
	int p[2];

	ck_assert_int_eq(pipe(p), 0);
	fd_watch = loop_fd_new(l, p[0], 0, readable, NULL, NULL);
	ck_assert_int_eq(write(p[1], "abx", 3), 3);
	ck_assert_int_eq(loop_turn(l, NSEC_PER_MSEC), 0);
	ck_assert_int_eq(calls, 0);
	loop_fd_set(fd_watch, LOOP_READ);
	ck_assert_int_eq(loop_run(l), 0);
	ck_assert_int_eq(calls, 3);
	ck_assert_ptr_null(loop_fd_new(l, fileno(file), LOOP_READ, readable, NULL, &err));
	ck_assert_int_eq(err.code, EPERM);
	(void)fclose(file);
	close(p[0]);
	close(p[1]);
}
END_TEST

static void on_signal(int signo, void *arg UNUSED)
{
	ck_assert_int_eq(signo, SIGUSR1);
	leave(NULL);
}

START_TEST(signals_are_events)
{
	struct loop_signal *s = loop_signal_new(l, SIGUSR1, on_signal, NULL, NULL);

	ck_assert_int_eq(raise(SIGUSR1), 0);
	ck_assert_int_eq(loop_run(l), 0);
	ck_assert_int_eq(calls, 1);
	loop_signal_free(s);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("loop");
	TCase *tc = tcase_create("loop");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, deferred_calls_run_before_sleep);
	tcase_add_test(tc, posts_of_each_thread_run_in_order);
	tcase_add_test(tc, hooks_run_before_each_sleep);
	tcase_add_test(tc, timers_fire_in_time);
	tcase_add_test(tc, warp_moves_timers);
	tcase_add_test(tc, descriptors_are_watched);
	tcase_add_test(tc, signals_are_events);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
