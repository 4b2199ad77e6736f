/* SPDX-License-Identifier: Apache-2.0 */
#include "core/io/reconnect.h"

#include <check.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "tests/unit/seed.h"

#define S NSEC_PER_SEC

/* Runs at its deadline and checks what is asked. */
static uint64_t expect(struct reconnect *r, enum reconnect_action action)
{
	uint64_t t = reconnect_deadline(r);

	ck_assert_int_eq(reconnect_run(r, t - 1), RC_NOTHING);
	ck_assert_int_eq(reconnect_run(r, t), action);
	return t;
}

START_TEST(backoff_doubles_to_its_limit)
{
	static const uint64_t waits[] = { 1, 2, 4, 8, 8 };
	struct reconnect r;
	uint64_t t = 100 * S;

	reconnect_init(&r);
	ck_assert_uint_eq(reconnect_deadline(&r), UINT64_MAX);
	reconnect_enable(&r, t);
	ck_assert_uint_eq(expect(&r, RC_CONNECT), t);
	for (size_t i = 0; i < ARRAY_SIZE(waits); i++) {
		reconnect_connecting(&r, t);
		reconnect_failed(&r, t);
		ck_assert_str_eq(reconnect_state_name(r.state), "BACKOFF");
		ck_assert_uint_eq(expect(&r, RC_CONNECT), t + waits[i] * S);
		t += waits[i] * S;
	}
	/* A connection that lasts sets it back; one that does not goes on from there. */
	reconnect_connecting(&r, t);
	reconnect_connected(&r, t);
	reconnect_failed(&r, t + S);
	ck_assert_uint_eq(r.backoff_ns, 8 * S);
	reconnect_connected(&r, t);
	reconnect_failed(&r, t + 8 * S);
	ck_assert_uint_eq(r.backoff_ns, S);
}
END_TEST

START_TEST(silence_is_probed_then_ended)
{
	struct reconnect r;
	uint64_t t;

	reconnect_init(&r);
	reconnect_enable(&r, 0);
	reconnect_connecting(&r, 0);
	ck_assert_uint_eq(expect(&r, RC_DISCONNECT), 10 * S);
	reconnect_connected(&r, 1 * S);
	ck_assert(reconnect_is_connected(&r));
	reconnect_heard(&r, 3 * S);
	t = expect(&r, RC_PROBE);
	ck_assert_uint_eq(t, 8 * S);
	ck_assert_int_eq(r.state, RC_IDLE);
	reconnect_heard(&r, 9 * S);
	ck_assert_int_eq(r.state, RC_ACTIVE);
	ck_assert_uint_eq(expect(&r, RC_PROBE), 14 * S);
	ck_assert_uint_eq(expect(&r, RC_DISCONNECT), 19 * S);
	reconnect_set_probe(&r, 0);
	reconnect_connected(&r, 20 * S);
	ck_assert_uint_eq(reconnect_deadline(&r), UINT64_MAX);
}
END_TEST

START_TEST(limits_and_switches)
{
	struct reconnect r;

	reconnect_init(&r);
	reconnect_set_backoff(&r, 0, 0);
	ck_assert_uint_eq(r.min_backoff_ns, NSEC_PER_MSEC);
	ck_assert_uint_eq(r.max_backoff_ns, NSEC_PER_MSEC);
	r.max_tries = 2;
	reconnect_failed(&r, 0);
	ck_assert_int_eq(r.state, RC_VOID);
	reconnect_enable(&r, 0);
	reconnect_failed(&r, 0);
	ck_assert_int_eq(r.state, RC_BACKOFF);
	reconnect_failed(&r, 0);
	ck_assert_int_eq(r.state, RC_VOID);
	reconnect_enable(&r, 5);
	reconnect_connected(&r, 5);
	reconnect_force(&r, 6);
	ck_assert_uint_eq(r.last_disconnected_ns, 6);
	ck_assert_uint_eq(expect(&r, RC_CONNECT), 6);
	reconnect_disable(&r, 7);
	reconnect_force(&r, 7);
	ck_assert_int_eq(r.state, RC_VOID);
}
END_TEST

/* Whatever happens in whatever order: backoff within its limits, a deadline for every state that
 * needs one, counts that fit. */
START_TEST(any_order_of_events_is_safe)
{
	struct rng rng = rng_start("reconnect");
	struct reconnect r;
	uint64_t t = 1;

	reconnect_init(&r);
	for (int i = 0; i < 100000; i++) {
		t += rng_below(&rng, 3 * S);
		switch (rng_below(&rng, 8)) {
		case 0: reconnect_enable(&r, t); break;
		case 1: reconnect_disable(&r, t); break;
		case 2: reconnect_connecting(&r, t); break;
		case 3: reconnect_connected(&r, t); break;
		case 4: reconnect_failed(&r, t); break;
		case 5: reconnect_heard(&r, t); break;
		case 6: reconnect_force(&r, t); break;
		default: (void)reconnect_run(&r, t); break;
		}
		ck_assert_uint_le(r.backoff_ns, r.max_backoff_ns);
		ck_assert((reconnect_deadline(&r) == UINT64_MAX) == (r.state == RC_VOID));
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("reconnect");
	TCase *tc = tcase_create("reconnect");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, backoff_doubles_to_its_limit);
	tcase_add_test(tc, silence_is_probed_then_ended);
	tcase_add_test(tc, limits_and_switches);
	tcase_add_test(tc, any_order_of_events_is_safe);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
