/* SPDX-License-Identifier: Apache-2.0 */
/* Meters of the user datapath: against buckets that a person would draw, and with many threads at
 * one meter. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/rcu.h"
#include "core/base/thread.h"
#include "core/datapath/user/meter.h"
#include "tests/unit/seed.h"

/* A bucket in floating point: tokens, and when they were counted. */
struct bucket {
	double tokens, size, per_ns;
	uint64_t at;
};

static void fill(struct bucket *b, uint64_t now)
{
	b->tokens += (double)(now - b->at) * b->per_ns;
	if (b->tokens > b->size)
		b->tokens = b->size;
	b->at = now;
}

struct model {
	struct dp_meter m;
	struct bucket b[DP_METER_MAX_BANDS];
	struct dp_meter_stats st;
};

static void model_set(struct model *o, const struct dp_meter *m, uint64_t now)
{
	o->m = *m;
	for (unsigned i = 0; i < m->n_bands; i++) {
		double unit = m->packets ? 1 : 1000;
		uint32_t burst = m->bands[i].burst ? m->bands[i].burst : m->bands[i].rate;

		o->b[i].size = o->b[i].tokens = burst * unit;
		o->b[i].per_ns = m->bands[i].rate * unit / 1e9;
		o->b[i].at = now;
	}
}

/* 1: passes, 0: not, -1: so close that rounding decides. */
static int model_pass(struct model *o, uint32_t len, uint64_t now, bool passed)
{
	double cost = o->m.packets ? 1 : len * 8.0;
	bool close = false;
	int over = -1;

	for (unsigned i = 0; i < o->m.n_bands; i++) {
		struct bucket *b = &o->b[i];

		fill(b, now);
		close |= b->tokens - cost < cost * 0.01 && cost - b->tokens < cost * 0.01;
		if (b->tokens >= cost)
			b->tokens -= cost;
		else if (over < 0 || o->m.bands[i].rate > o->m.bands[over].rate)
			over = (int)i;
	}
	if (close)
		return -1;
	o->st.packets++;
	o->st.bytes += len;
	if (over >= 0) {
		o->st.bands[over].packets++;
		o->st.bands[over].bytes += len;
	}
	ck_assert_int_eq(over < 0, passed);
	return over < 0;
}

static void random_meter(struct rng *r, struct dp_meter *m)
{
	static const uint32_t rates[] = { 1, 10, 1000, 100000, 100000000 };

	memset(m, 0, sizeof(*m));
	m->packets = rng_below(r, 2);
	m->n_bands = (unsigned)rng_below(r, 4);
	for (unsigned i = 0; i < m->n_bands; i++) {
		m->bands[i].rate = rates[rng_below(r, 5)] * (1 + (uint32_t)rng_below(r, 9));
		m->bands[i].burst = rng_below(r, 2) ? 0 : 1 + (uint32_t)rng_below(r, 1000);
	}
}

/* Packets at random distances; a run ends where rounding decides. */
static unsigned run_model(struct dpu_meters *ms, struct rng *r)
{
	struct model o = { .m = { .n_bands = 0 } };
	uint64_t now = 1000000000 + rng_below(r, 1000);
	struct dp_meter_stats st;
	struct dp_meter m;
	unsigned n = 0;

	random_meter(r, &m);
	ck_assert_int_eq(dpu_meter_set(ms, 7, &m, now, NULL), 0);
	model_set(&o, &m, now);
	for (; n < 400; n++) {
		uint32_t len = 60 + (uint32_t)rng_below(r, 1440);

		now += rng_below(r, UINT64_C(1) << rng_below(r, 32));
		if (model_pass(&o, len, now, dpu_meter_pass(ms, 7, len, now)) < 0)
			break;
		ck_assert_int_eq(dpu_meter_get(ms, 7, &st), 0);
		ck_assert_uint_eq(st.packets, o.st.packets);
		ck_assert_uint_eq(st.bytes, o.st.bytes);
		for (unsigned i = 0; i < m.n_bands; i++)
			ck_assert_uint_eq(st.bands[i].packets, o.st.bands[i].packets);
	}
	ck_assert_int_eq(dpu_meter_del(ms, 7, NULL), 0);
	return n;
}

START_TEST(buckets_are_the_model_s)
{
	struct rng r = rng_start("meter_test");
	struct dpu_meters ms;
	unsigned n = 0;

	dpu_meters_init(&ms);
	for (unsigned i = 0; i < 500; i++) {
		rcu_read_lock();
		n += run_model(&ms, &r);
		rcu_read_unlock();
	}
	ck_assert_uint_gt(n, 20000);
	rcu_settle();
	dpu_meters_done(&ms);
}
END_TEST

struct crowd {
	struct dpu_meters *ms;
	_Atomic uint64_t sent, passed, bytes;
	uint64_t begun;
};

static void hurry(struct thread *t, void *arg)
{
	struct crowd *c = arg;
	uint64_t sent = 0, passed = 0, bytes = 0;

	while (!t->stop) {
		uint32_t len = 60 + sent % 900;

		rcu_read_lock();
		passed += dpu_meter_pass(c->ms, 3, len, clock_mono_ns());
		rcu_read_unlock();
		sent++;
		bytes += len;
	}
	c->sent += sent;
	c->passed += passed;
	c->bytes += bytes;
}

static void crowd_run(struct crowd *c, uint64_t ms)
{
	struct thread threads[4];
	struct timespec ts = { .tv_nsec = (long)(ms * NSEC_PER_MSEC) };

	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(thread_start(&threads[i], "hurry", hurry, c), 0);
	nanosleep(&ts, NULL);
	for (unsigned i = 0; i < 4; i++)
		thread_stop(&threads[i]);
}

START_TEST(a_crowd_keeps_the_rate_and_every_packet_is_counted)
{
	const struct dp_meter m = { .packets = true,
				    .n_bands = 1,
				    .bands = { { .rate = 20000, .burst = 50 } } };
	struct dpu_meters ms;
	struct crowd c = { .ms = &ms, .begun = clock_mono_ns() };
	struct dp_meter_stats st;
	double most;

	dpu_meters_init(&ms);
	ck_assert_int_eq(dpu_meter_set(&ms, 3, &m, c.begun, NULL), 0);
	crowd_run(&c, 300);
	most = 50 + 20000 * (double)(clock_mono_ns() - c.begun) / 1e9;
	ck_assert_int_eq(dpu_meter_get(&ms, 3, &st), 0);
	ck_assert_uint_eq(st.packets, c.sent);
	ck_assert_uint_eq(st.bytes, c.bytes);
	ck_assert_uint_eq(st.bands[0].packets, c.sent - c.passed);
	ck_assert_msg((double)c.passed <= most + 1, "%llu packets passed, %.0f may",
		      (unsigned long long)c.passed, most);
	ck_assert_uint_ge(c.passed, MIN(c.sent, 50));
	ck_assert_int_eq(dpu_meter_del(&ms, 3, &st), 0);
	ck_assert_uint_eq(st.packets, c.sent);
	rcu_settle();
	dpu_meters_done(&ms);
}
END_TEST

static void change_it(struct thread *t, void *arg)
{
	struct dpu_meters *ms = arg;
	struct rng r = { 5 };

	while (!t->stop) {
		struct dp_meter m;

		random_meter(&r, &m);
		ck_assert_int_eq(dpu_meter_set(ms, 3, &m, clock_mono_ns(), NULL), 0);
	}
}

START_TEST(changes_lose_no_count)
{
	const struct dp_meter none = { .n_bands = 0 };
	struct thread changer;
	struct dpu_meters ms;
	struct crowd c = { .ms = &ms };
	struct dp_meter_stats st;

	dpu_meters_init(&ms);
	ck_assert_int_eq(dpu_meter_set(&ms, 3, &none, clock_mono_ns(), NULL), 0);
	ck_assert_int_eq(thread_start(&changer, "changer", change_it, &ms), 0);
	crowd_run(&c, 200);
	thread_stop(&changer);
	ck_assert_int_eq(dpu_meter_del(&ms, 3, &st), 0);
	ck_assert_uint_eq(st.packets, c.sent);
	ck_assert_uint_eq(st.bytes, c.bytes);
	rcu_settle();
	dpu_meters_done(&ms);
}
END_TEST

START_TEST(what_is_refused)
{
	struct dp_meter m = { .n_bands = 1 };
	struct error err = ERROR_INIT;
	struct dp_meter_stats st;
	struct dpu_meters ms;

	dpu_meters_init(&ms);
	ck_assert_int_eq(dpu_meter_set(&ms, 1, &m, 0, &err), -EINVAL);
	ck_assert(err.cause[0]);
	m.n_bands = DP_METER_MAX_BANDS + 1;
	ck_assert_int_eq(dpu_meter_set(&ms, 1, &m, 0, NULL), -EINVAL);
	m.n_bands = 0;
	ck_assert_int_eq(dpu_meter_set(&ms, DPU_METERS_MAX, &m, 0, NULL), -EFBIG);
	ck_assert_int_eq(dpu_meter_get(&ms, 1, &st), -ENOENT);
	ck_assert_int_eq(dpu_meter_del(&ms, 1, &st), -ENOENT);
	ck_assert(!dpu_meter_pass(&ms, 1, 100, 0));
	ck_assert(!dpu_meter_pass(&ms, UINT32_MAX, 100, 0));
	dpu_meters_done(&ms);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("meters");
	TCase *c = tcase_create("all");
	SRunner *sr;
	int failed;

	rcu_thread_start();
	tcase_set_timeout(c, 120);
	tcase_add_test(c, buckets_are_the_model_s);
	tcase_add_test(c, a_crowd_keeps_the_rate_and_every_packet_is_counted);
	tcase_add_test(c, changes_lose_no_count);
	tcase_add_test(c, what_is_refused);
	suite_add_tcase(s, c);
	sr = srunner_create(s);
	srunner_set_fork_status(sr, CK_NOFORK);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	rcu_thread_stop();
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
