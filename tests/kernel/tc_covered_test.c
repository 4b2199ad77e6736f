/* SPDX-License-Identifier: Apache-2.0 */
/* Two flows that overlap may be one filter to TC: a tag that one of them rules out and the other
 * does not look at is ruled out by the Ethertype of the filter in any case.  The second is told
 * whose rule takes its packets, whichever way that came to stand there, and has a rule of its own
 * when that has gone. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/kernel/tc_lab.h"

#define PACKETS 5u

static struct tc_lab_pair lab;
static struct flow_key key, mask[2];
static struct buf acts[2] = { BUF_INIT, BUF_INIT };

static void begin(void)
{
	struct error err = ERROR_INIT;

	tc_lab_pair_begin(&lab);
	tc_lab_udp(&key, &mask[0]);
	mask[1] = mask[0];
	mask[1].vlans[0].tci = htons(VLAN_CFI);
	ck_assert_int_eq(dp_actions_parse("2", &acts[0], &err), 0);
	ck_assert_int_eq(dp_actions_parse("push_vlan(vid=9,pcp=0),2", &acts[1], &err), 0);
}

static struct offload_req request(enum offload_req_kind kind, unsigned flow, uint64_t handle)
{
	return (struct offload_req){ .kind = kind,
				     .handle = handle,
				     .rule = { .ufid = { { 0xc0, flow } },
					       .key = &key,
					       .mask = &mask[flow],
					       .actions = dp_actions_of(&acts[0]) } };
}

static void end(void)
{
	tc_lab_pair_end(&lab);
	for (unsigned i = 0; i < 2; i++)
		buf_done(&acts[i]);
}

/* By flow `by`; its name is in the words. */
static void is_covered(const struct offload_req *q, unsigned by)
{
	char ufid[UFID_TEXT_LEN + 1];

	ck_assert_int_eq(q->result, -EEXIST);
	ck_assert_msg(q->refusal.reason == OFFLOAD_COVERED, "%s: %s",
		      offload_reason_table[q->refusal.reason].name, q->refusal.driver);
	ck_assert_ptr_nonnull(
		strstr(q->refusal.driver, offload_ufid_print((struct ufid){ { 0xc0, by } }, ufid)));
}

static uint64_t install(unsigned flow)
{
	struct offload_req q = request(OFFLOAD_INSTALL, flow, 0);

	ck_assert_uint_eq(lab.ops->apply(lab.dev, &q, 1), 0);
	return q.handle;
}

static void refuse(unsigned flow, unsigned by)
{
	struct offload_req q = request(OFFLOAD_INSTALL, flow, 0);

	ck_assert_uint_eq(lab.ops->apply(lab.dev, &q, 1), 1);
	is_covered(&q, by);
}

static void take_out(uint64_t handle, unsigned packets)
{
	struct offload_req q = request(OFFLOAD_REMOVE, 0, handle);

	ck_assert_uint_eq(lab.ops->apply(lab.dev, &q, 1), 0);
	ck_assert(q.final_ok);
	ck_assert_uint_eq(q.final.packets, packets);
}

START_TEST(another_flows_rule_is_named)
{
	uint64_t handle;

	for (unsigned first = 0; first < 2; first++) {
		handle = install(first);
		refuse(!first, first);
		tc_lab_pair_send(&lab, &key, PACKETS);
		take_out(handle, PACKETS);
		handle = install(!first);
		tc_lab_pair_send(&lab, &key, PACKETS);
		take_out(handle, PACKETS);
	}
}
END_TEST

START_TEST(in_one_batch)
{
	struct offload_req q[2] = { request(OFFLOAD_INSTALL, 0, 0),
				    request(OFFLOAD_INSTALL, 1, 0) };

	ck_assert_uint_eq(lab.ops->apply(lab.dev, q, 2), 1);
	ck_assert_int_eq(q[0].result, 0);
	is_covered(&q[1], 0);
	take_out(q[0].handle, 0);
}
END_TEST

/* The rule is another since, and under another priority. */
START_TEST(after_a_replacement)
{
	struct offload_req q = request(OFFLOAD_REPLACE, 0, install(0));

	q.rule.actions = dp_actions_of(&acts[1]);
	ck_assert_uint_eq(lab.ops->apply(lab.dev, &q, 1), 0);
	refuse(1, 0);
	tc_lab_pair_send(&lab, &key, PACKETS);
	take_out(q.handle, PACKETS);
	take_out(install(1), 0);
}
END_TEST

/* A former process made it. */
START_TEST(after_a_restart)
{
	struct offload_held held[4];
	uint64_t cursor = 0, handle = 0;
	int n;

	(void)install(1);
	tc_lab_pair_anew(&lab);
	while ((n = lab.ops->read_back(lab.dev, &cursor, held, ARRAY_SIZE(held))) > 0)
		for (int i = 0; i < n; i++)
			handle = held[i].handle;
	ck_assert_uint_ne(handle, 0);
	refuse(0, 1);
	take_out(handle, 0);
	take_out(install(0), 0);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("covered");
	Suite *s = suite_create("flows that are one filter");
	SRunner *r;
	int failed;

	if (!tc_lab_in_guest())
		return 77;
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, another_flows_rule_is_named);
	tcase_add_test(t, in_one_batch);
	tcase_add_test(t, after_a_replacement);
	tcase_add_test(t, after_a_restart);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
