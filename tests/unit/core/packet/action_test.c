/* SPDX-License-Identifier: Apache-2.0 */
/* Action lists: built, walked, compared, and refused when they are not sound. */
#include <check.h>
#include <errno.h>

#include "core/packet/action.h"
#include "tests/unit/core/packet/random_key.h"

static void put_random(struct rng *r, struct buf *b, unsigned depth)
{
	for (unsigned n = (unsigned)rng_below(r, 4); n--;) {
		struct act_push_vlan vlan = { htons(0x8100), htons(0x1005) };
		struct act_sample sample = { (uint32_t)rng_next(r), 0 };
		struct act_check_len len = { 100, 0, 0 };
		size_t mark;

		switch (rng_below(r, depth < 4 ? 7 : 4)) {
		case 0: dp_actions_put_output(b, (struct dp_port){ (uint32_t)rng_next(r) }); break;
		case 1: dp_actions_put(b, DP_ACT_PUSH_VLAN, &vlan, sizeof(vlan)); break;
		case 2: dp_actions_put(b, DP_ACT_POP_VLAN, NULL, 0); break;
		case 3:
			dp_actions_put_set(b, FIELD_IP_TTL, &(union field_value){ .b = { 5 } },
					   &(union field_value){ .b = { 0xff } });
			break;
		case 4:
			mark = dp_actions_nest_begin(b, DP_ACT_CLONE, NULL, 0);
			put_random(r, b, depth + 1);
			dp_actions_nest_end(b, mark);
			break;
		case 5:
			mark = dp_actions_nest_begin(b, DP_ACT_SAMPLE, &sample, sizeof(sample));
			put_random(r, b, depth + 1);
			dp_actions_nest_end(b, mark);
			break;
		default:
			mark = dp_actions_nest_begin(b, DP_ACT_CHECK_PKT_LEN, &len, sizeof(len));
			put_random(r, b, depth + 1);
			dp_actions_nest_else(b, mark);
			put_random(r, b, depth + 1);
			dp_actions_nest_end(b, mark);
			break;
		}
	}
}

static unsigned count(struct dp_actions list)
{
	const struct dp_action *a;
	unsigned n = 0;

	DP_ACTION_FOR_EACH (a, list) {
		n++;
		if (dp_action_table[a->kind].nested)
			n += count(dp_action_nested(a, 0));
		if (a->kind == DP_ACT_CHECK_PKT_LEN)
			n += count(dp_action_nested(a, 1));
	}
	return n;
}

START_TEST(built_lists_are_sound)
{
	struct rng r = rng_start("actions");

	for (int i = 0; i < 2000; i++) {
		struct buf b = BUF_INIT, copy = BUF_INIT;
		struct error err = ERROR_INIT;

		put_random(&r, &b, 0);
		ck_assert_msg(!dp_actions_check(dp_actions_of(&b), &err), "%s: %s", err.field,
			      err.cause);
		buf_put(&copy, b.data, b.len);
		ck_assert(dp_actions_equal(dp_actions_of(&b), dp_actions_of(&copy)));
		if (b.len) {
			copy.data[rng_below(&r, copy.len)] ^= 1;
			ck_assert(!dp_actions_equal(dp_actions_of(&b), dp_actions_of(&copy)));
		}
		buf_done(&b);
		buf_done(&copy);
	}
}
END_TEST

/* Whatever passes the check can be walked to its end. */
START_TEST(noise_is_refused_or_sound)
{
	struct rng r = rng_start("action noise");
	unsigned sound = 0;

	for (int i = 0; i < 30000; i++) {
		struct buf b = BUF_INIT;

		while (!b.len)
			put_random(&r, &b, 0);
		for (unsigned n = 1 + (unsigned)rng_below(&r, 3); n--;)
			b.data[rng_below(&r, MIN(b.len, (size_t)64))] = (uint8_t)rng_below(&r, 64);
		if (!dp_actions_check(dp_actions_of(&b), NULL))
			sound += count(dp_actions_of(&b));
		buf_done(&b);
	}
	ck_assert_uint_gt(sound, 0);
}
END_TEST

static void check_refused(enum dp_action_kind kind, const void *payload, size_t len)
{
	struct buf b = BUF_INIT;
	struct error err = ERROR_INIT;

	dp_actions_put(&b, kind, payload, len);
	ck_assert_int_eq(dp_actions_check(dp_actions_of(&b), &err), -EINVAL);
	ck_assert(err.cause[0]);
	buf_done(&b);
}

START_TEST(bad_payloads_are_refused)
{
	struct act_set set = { .field = FIELD_REG0 };
	struct act_push_vlan vlan = { htons(0x9100), htons(0x1005) };
	struct act_trunc trunc = { 13 };
	struct act_check_len len = { .greater_bytes = 8 };
	struct act_hash hash = { .alg = 2 };

	check_refused(DP_ACT_SET, &set, sizeof(set));
	set.field = FIELD_N_IDS;
	check_refused(DP_ACT_SET, &set, sizeof(set));
	set.field = FIELD_IP_TTL;
	set.value.b[0] = 1; /* outside of the mask */
	check_refused(DP_ACT_SET, &set, sizeof(set));
	check_refused(DP_ACT_SET, &set, sizeof(set) - 8);
	check_refused(DP_ACT_PUSH_VLAN, &vlan, sizeof(vlan));
	check_refused(DP_ACT_TRUNC, &trunc, sizeof(trunc));
	check_refused(DP_ACT_CHECK_PKT_LEN, &len, sizeof(len));
	check_refused(DP_ACT_HASH, &hash, sizeof(hash));
	check_refused(DP_ACT_OUTPUT, NULL, 0);
	check_refused(DP_ACT_N_KINDS - 1, NULL, 0);
}
END_TEST

START_TEST(nesting_has_a_limit)
{
	for (unsigned depth = 1; depth < 12; depth++) {
		size_t marks[12];
		struct buf b = BUF_INIT;

		for (unsigned i = 0; i + 1 < depth; i++)
			marks[i] = dp_actions_nest_begin(&b, DP_ACT_CLONE, NULL, 0);
		dp_actions_put_output(&b, (struct dp_port){ 1 });
		for (unsigned i = depth - 1; i--;)
			dp_actions_nest_end(&b, marks[i]);
		ck_assert_int_eq(!dp_actions_check(dp_actions_of(&b), NULL),
				 depth <= DP_ACTIONS_MAX_DEPTH);
		buf_done(&b);
	}
}
END_TEST

START_TEST(table_has_every_kind)
{
	for (unsigned i = 0; i < DP_ACT_N_KINDS; i++) {
		ck_assert_uint_eq(dp_action_table[i].kind, i);
		ck_assert_ptr_nonnull(dp_action_table[i].name);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("action");
	TCase *tc = tcase_create("action");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, built_lists_are_sound);
	tcase_add_test(tc, noise_is_refused_or_sound);
	tcase_add_test(tc, bad_payloads_are_refused);
	tcase_add_test(tc, nesting_has_a_limit);
	tcase_add_test(tc, table_has_every_kind);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
