/* SPDX-License-Identifier: Apache-2.0 */
/* The limit on megaflows follows the work of a round, not the time for which others had the
 * processor. */
#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "ofproto/flows/flows.h"
#include "tests/fake/survivor.h"

#define LIMIT 50000u
#define SLOW_MS 1200u /* more than a round should be */

static struct survivor *w;
static struct dp *dp;
static struct flows *f;

static void drop_packet_ins(void *ctx UNUSED, struct xlate_packet_in *list)
{
	xlate_packet_in_free(list);
}

static void setup(void)
{
	static const struct flows_ops ops = { .packet_in = drop_packet_ins };
	struct engine_config ec;
	struct flows_config cfg;
	struct error err = ERROR_INIT;

	survivor_register();
	w = survivor_new();
	ck_assert_int_eq(dp_type_find("survivor")->open("limit", &dp, &err), 0);
	flows_config_default(&cfg);
	cfg.flow_limit = LIMIT;
	cfg.max_revalidator_ms = 20;
	f = flows_new(dp, &ops, NULL, &cfg, &err);
	ck_assert_ptr_nonnull(f);
	engine_config_default(&ec);
	ec.audit_period_ms = 0;
	engine_configure(flows_engine(f), &ec);
}

static void teardown(void)
{
	w->dump_naps_ms = w->dump_works_ms = 0;
	flows_free(f, false);
	dp->ops->close(dp, false);
	survivor_free(w);
}

/* As they are when a round took so long. */
static struct flows_stats slow_round(void)
{
	uint64_t end = clock_mono_ns() + 60 * NSEC_PER_SEC;
	struct flows_stats st;

	do {
		usleep(20000);
		flows_stats(f, &st);
	} while (st.round_ms < SLOW_MS && clock_mono_ns() < end);
	ck_assert_uint_ge(st.round_ms, SLOW_MS);
	return st;
}

static uint64_t limit_after_next(uint64_t rounds)
{
	uint64_t end = clock_mono_ns() + 60 * NSEC_PER_SEC;
	struct flows_stats st;

	do {
		usleep(20000);
		flows_stats(f, &st);
	} while (st.rounds <= rounds && clock_mono_ns() < end);
	ck_assert_uint_gt(st.rounds, rounds);
	return st.flow_limit;
}

START_TEST(a_round_that_waits_leaves_the_limit)
{
	w->dump_naps_ms = SLOW_MS;
	ck_assert_uint_eq(limit_after_next(slow_round().rounds), LIMIT);
}
END_TEST

START_TEST(a_round_that_works_lowers_the_limit)
{
	w->dump_works_ms = SLOW_MS;
	ck_assert_uint_lt(limit_after_next(slow_round().rounds), LIMIT);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("flow limit");
	TCase *t = tcase_create("limit");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 180);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_round_that_waits_leaves_the_limit);
	tcase_add_test(t, a_round_that_works_lowers_the_limit);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
