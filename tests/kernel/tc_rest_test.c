/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of rules that rest are not read (tc/news.h), and nothing is missing from them for that.
 *
 * Random steps (packets of a rule or of none, rules that come and go, passes over the counters)
 * against a model that adds up what was sent.  After each pass what the provider has told is that.
 * Two passes after the last packet the next one tells nothing. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/kernel/tc_lab.h"
#include "tests/unit/seed.h"

#define RULES 400u
#define STEPS 300u
#define READ_BATCH 64u
#define NOBODY RULES /* a packet that no rule takes */

struct rule {
	uint64_t handle; /* 0: it is not there */
	uint64_t sent, told;
};

static struct tc_lab_pair lab;
static struct rule rules[RULES];
static struct flow_key key, mask;
static struct buf acts = BUF_INIT;
static struct rng rng;

static void open_all(void)
{
	struct error err = ERROR_INIT;

	tc_lab_pair_begin(&lab);
	tc_lab_udp(&key, &mask);
	mask.nw_src = UINT32_MAX;
	ck_assert_int_eq(dp_actions_parse("2", &acts, &err), 0);
}

static void close_all(void)
{
	tc_lab_pair_end(&lab);
	buf_done(&acts);
}

static struct flow_key key_of(unsigned i)
{
	struct flow_key k = key;

	k.nw_src = htonl(0x0a000000 | i);
	return k;
}

static void ask(struct offload_req *q, enum offload_req_kind kind, unsigned i)
{
	struct flow_key k = key_of(i);

	*q = (struct offload_req){ .kind = kind,
				   .handle = rules[i].handle,
				   .rule = { .ufid = { { 0x4e57, i } },
					     .key = &k,
					     .mask = &mask,
					     .actions = dp_actions_of(&acts) } };
	ck_assert_uint_eq(lab.ops->apply(lab.dev, q, 1), 0);
}

/* Puts a rule in or takes it out. */
static void turn(unsigned i)
{
	struct offload_req q;

	if (!rules[i].handle) {
		ask(&q, OFFLOAD_INSTALL, i);
		rules[i] = (struct rule){ .handle = q.handle };
		return;
	}
	ask(&q, OFFLOAD_REMOVE, i);
	ck_assert(q.final_ok);
	ck_assert_uint_eq(q.final.packets, rules[i].sent);
	rules[i] = (struct rule){ 0 };
}

static void send_some(unsigned i)
{
	struct flow_key k = key_of(i);
	unsigned n = 1 + (unsigned)rng_below(&rng, 3);

	tc_lab_pair_send(&lab, &k, n);
	if (i < RULES && rules[i].handle)
		rules[i].sent += n;
}

static struct rule *by_handle(uint64_t handle)
{
	for (unsigned i = 0; i < RULES; i++)
		if (rules[i].handle == handle)
			return &rules[i];
	ck_abort_msg("a record of a rule that is not there");
	return NULL;
}

/* A pass; returns how many records it had. */
static unsigned pass(void)
{
	struct offload_stat recs[READ_BATCH];
	uint64_t cursor = 0;
	unsigned n = 0;
	int got;

	while ((got = lab.ops->stats(lab.dev, &cursor, recs, READ_BATCH)) > 0)
		for (int i = 0; i < got; i++, n++)
			by_handle(recs[i].handle)->told = recs[i].stats.packets;
	ck_assert_int_eq(got, 0);
	for (unsigned i = 0; i < RULES; i++)
		ck_assert_msg(rules[i].told == rules[i].sent, "rule %u: %lu told, %lu sent", i,
			      rules[i].told, rules[i].sent);
	return n;
}

static void come_to_rest(void)
{
	ck_assert_uint_gt(pass(), 0);
	ck_assert_uint_gt(pass(), 0);
	ck_assert_uint_eq(pass(), 0);
	ck_assert_uint_eq(pass(), 0);
}

START_TEST(nothing_is_missing)
{
	rng = rng_start("nothing_is_missing");
	for (unsigned i = 0; i < RULES; i += 2)
		turn(i);
	for (unsigned step = 0; step < STEPS; step++) {
		switch (rng_below(&rng, 8)) {
		case 0: turn((unsigned)rng_below(&rng, RULES)); break;
		case 1: send_some(NOBODY); break;
		case 2:
		case 3: send_some((unsigned)rng_below(&rng, RULES)); break;
		default: (void)pass(); break;
		}
	}
	for (unsigned i = 0; i < RULES; i++)
		if (!rules[i].handle)
			turn(i);
	send_some(3);
	come_to_rest();
	turn(7); /* whatever else is asked for meanwhile, rest it is */
	ck_assert_uint_eq(pass(), 0);
	send_some(9);
	come_to_rest();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tc rest");
	TCase *t = tcase_create("kernel");
	SRunner *run;
	int failed;

	if (!tc_lab_in_guest())
		return 77;
	run = srunner_create(s);
	tcase_add_checked_fixture(t, open_all, close_all);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, nothing_is_missing);
	suite_add_tcase(s, t);
	srunner_run_all(run, CK_NORMAL);
	failed = srunner_ntests_failed(run);
	srunner_free(run);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
