/* SPDX-License-Identifier: Apache-2.0 */
/* Group-mods: what is refused and why, chains, counters. */
#include <stdlib.h>

#include "tests/unit/ofproto/table/fixture.h"

static struct ofp_tables *t;

static void setup(void)
{
	t = tables_new(NULL, NULL);
}

static void teardown(void)
{
	tables_free(t);
	rcu_settle();
	rcu_settle();
	rcu_settle();
}

static struct ofp_bucket bucket(uint16_t weight, uint32_t port, uint32_t group)
{
	return (struct ofp_bucket){ .weight = weight,
				    .watch_port = { port },
				    .watch_group = group };
}

static enum ofperr mod(uint16_t command, uint8_t type, uint32_t id, struct ofp_bucket *b, size_t n)
{
	struct ofp_group_mod gm = { command, type, id, b, n };

	return tables_group_mod(t, &gm);
}

/* A group of type all whose buckets forward to these groups (0: to none). */
static enum ofperr chain(uint16_t command, uint32_t id, uint32_t to1, uint32_t to2)
{
	struct ofp_bucket b[2] = { bucket(0, OFPP_NONE_, OFPG_ANY_),
				   bucket(0, OFPP_NONE_, OFPG_ANY_) };
	struct buf a[2] = { BUF_INIT, BUF_INIT };
	enum ofperr e;

	if (to1)
		put_group(&a[0], to1);
	put_output(&a[1], 1);
	if (to2)
		put_group(&a[1], to2);
	b[0].actions = ofpacts_of(&a[0]);
	b[1].actions = ofpacts_of(&a[1]);
	e = mod(command, OFPGT_ALL_, id, b, 2);
	buf_done(&a[0]);
	buf_done(&a[1]);
	return e;
}

static const struct check_case {
	uint8_t type;
	uint32_t id;
	size_t n;
	uint16_t weight;
	uint32_t port, group;
	enum ofperr e;
} check_cases[] = {
	{ OFPGT_ALL_, 1, 0, 0, 0, 0, OFPERR_OK },
	{ OFPGT_ALL_, 1, 2, 0, OFPP_NONE_, OFPG_ANY_, OFPERR_OK },
	{ OFPGT_ALL_, 1, 2, 5, OFPP_NONE_, OFPG_ANY_, OFPERR_GM_INVALID_GROUP },
	{ OFPGT_ALL_, 1, 2, 0, 3, OFPG_ANY_, OFPERR_GM_WATCH_UNSUPPORTED },
	{ OFPGT_SELECT_, 1, 2, 5, OFPP_NONE_, OFPG_ANY_, OFPERR_OK },
	{ OFPGT_SELECT_, 1, 2, 5, 3, OFPG_ANY_, OFPERR_OK },
	{ OFPGT_INDIRECT_, 1, 1, 0, OFPP_NONE_, OFPG_ANY_, OFPERR_OK },
	{ OFPGT_INDIRECT_, 1, 0, 0, OFPP_NONE_, OFPG_ANY_, OFPERR_GM_INVALID_GROUP },
	{ OFPGT_INDIRECT_, 1, 2, 0, OFPP_NONE_, OFPG_ANY_, OFPERR_GM_INVALID_GROUP },
	{ OFPGT_FF_, 1, 2, 0, 3, OFPG_ANY_, OFPERR_OK },
	{ OFPGT_FF_, 1, 2, 0, OFPP_LOCAL_, OFPG_ANY_, OFPERR_OK },
	{ OFPGT_FF_, 1, 2, 0, OFPP_NONE_, OFPG_ANY_, OFPERR_GM_INVALID_GROUP },
	{ OFPGT_FF_, 1, 2, 0, OFPP_FLOOD_, OFPG_ANY_, OFPERR_GM_BAD_WATCH },
	{ OFPGT_FF_, 1, 2, 0, OFPP_NONE_, 77, OFPERR_GM_BAD_WATCH },
	{ OFPGT_FF_, 1, 2, 0, OFPP_NONE_, 1, OFPERR_GM_LOOP },
	{ 4, 1, 0, 0, 0, 0, OFPERR_GM_BAD_TYPE },
	{ OFPGT_ALL_, OFPG_MAX_, 0, 0, 0, 0, OFPERR_OK },
	{ OFPGT_ALL_, OFPG_MAX_ + 1, 0, 0, 0, 0, OFPERR_GM_INVALID_GROUP },
	{ OFPGT_ALL_, OFPG_ALL_, 0, 0, 0, 0, OFPERR_GM_INVALID_GROUP },
	{ OFPGT_ALL_, 1, GROUP_BUCKETS_MAX + 1, 0, OFPP_NONE_, OFPG_ANY_,
	  OFPERR_GM_OUT_OF_BUCKETS },
};

START_TEST(bad_groups_are_refused)
{
	const struct check_case *c = &check_cases[_i];
	struct ofp_bucket *b = calloc(c->n + 1, sizeof(*b));

	for (size_t i = 0; i < c->n; i++)
		b[i] = bucket(c->weight, c->port, c->group);
	ck_assert_int_eq(mod(OFPGC_ADD_, c->type, c->id, b, c->n), c->e);
	if (c->e) {
		ck_assert_int_eq(mod(OFPGC_MODIFY_, c->type, c->id, NULL, 0),
				 c->e == OFPERR_GM_BAD_TYPE || c->id > OFPG_MAX_ ? c->e
				 : c->type == OFPGT_INDIRECT_ ? OFPERR_GM_INVALID_GROUP
							      : OFPERR_GM_UNKNOWN_GROUP);
	} else {
		ck_assert_int_eq(mod(OFPGC_ADD_, c->type, c->id, b, c->n), OFPERR_GM_GROUP_EXISTS);
		ck_assert_int_eq(mod(OFPGC_MODIFY_, c->type, c->id, b, c->n), OFPERR_OK);
	}
	free(b);
}
END_TEST

START_TEST(deletes_are_lenient)
{
	ck_assert_int_eq(mod(OFPGC_DELETE_, 0, 5, NULL, 0), OFPERR_OK);
	ck_assert_int_eq(mod(OFPGC_DELETE_, 9, OFPG_ALL_, NULL, 0), OFPERR_OK);
	ck_assert_int_eq(mod(OFPGC_DELETE_, 0, OFPG_MAX_ + 1, NULL, 0), OFPERR_GM_INVALID_GROUP);
	ck_assert_int_eq(mod(4, 0, 5, NULL, 0), OFPERR_GM_BAD_COMMAND);
}
END_TEST

static uint32_t refs_of(uint32_t id)
{
	struct ofp_bucket_stats b[8];
	struct ofp_group_stats gs;

	rcu_read_lock();
	tables_group_stats(tables_group(t, id), &gs, b);
	rcu_read_unlock();
	return gs.ref_count;
}

START_TEST(chains_do_not_loop)
{
	ck_assert_int_eq(chain(OFPGC_ADD_, 1, 1, 0), OFPERR_GM_LOOP);
	ck_assert_int_eq(chain(OFPGC_ADD_, 1, 2, 0), OFPERR_BAD_OUT_GROUP);
	ck_assert_int_eq(chain(OFPGC_ADD_, 1, 0, 0), OFPERR_OK);
	ck_assert_int_eq(chain(OFPGC_ADD_, 2, 1, 1), OFPERR_OK);
	ck_assert_int_eq(chain(OFPGC_ADD_, 3, 2, 1), OFPERR_OK);
	ck_assert_int_eq(chain(OFPGC_ADD_, 4, 3, 2), OFPERR_OK);
	ck_assert_uint_eq(refs_of(1), 3);
	ck_assert_int_eq(chain(OFPGC_MODIFY_, 1, 4, 0), OFPERR_GM_LOOP);
	ck_assert_int_eq(chain(OFPGC_MODIFY_, 2, 0, 3), OFPERR_GM_LOOP);
	ck_assert_int_eq(chain(OFPGC_MODIFY_, 3, 1, 0), OFPERR_OK);
	ck_assert_int_eq(chain(OFPGC_MODIFY_, 2, 0, 3), OFPERR_OK);
	ck_assert_uint_eq(refs_of(1), 1);
	/* a group that is named before it is there again */
	ck_assert_int_eq(mod(OFPGC_DELETE_, 0, 1, NULL, 0), OFPERR_OK);
	ck_assert_int_eq(chain(OFPGC_ADD_, 1, 4, 0), OFPERR_GM_LOOP);
	ck_assert_int_eq(chain(OFPGC_ADD_, 1, 0, 0), OFPERR_OK);
	ck_assert_uint_eq(refs_of(1), 1);
}
END_TEST

/* Many paths between two groups are one search each, not one a path. */
START_TEST(deep_lattices_are_quick)
{
	ck_assert_int_eq(chain(OFPGC_ADD_, 1, 0, 0), OFPERR_OK);
	for (uint32_t id = 2; id < 2000; id++)
		ck_assert_int_eq(chain(OFPGC_ADD_, id, id - 1, id - 1), OFPERR_OK);
	ck_assert_int_eq(chain(OFPGC_MODIFY_, 1, 1999, 0), OFPERR_GM_LOOP);
}
END_TEST

START_TEST(modify_keeps_counters_of_as_many_buckets)
{
	struct ofp_bucket b[3] = { bucket(1, OFPP_NONE_, OFPG_ANY_),
				   bucket(2, OFPP_NONE_, OFPG_ANY_),
				   bucket(3, OFPP_NONE_, OFPG_ANY_) };
	struct ofp_bucket_stats bs[3];
	struct ofp_group_stats gs;
	struct group *old;

	ck_assert_int_eq(mod(OFPGC_ADD_, OFPGT_SELECT_, 1, b, 2), OFPERR_OK);
	rcu_read_lock();
	old = group_ref(tables_group(t, 1));
	rcu_read_unlock();
	ck_assert_uint_eq(old->total_weight, 3);
	group_credit(old, 1, 4, 400);
	ck_assert_int_eq(mod(OFPGC_MODIFY_, OFPGT_SELECT_, 1, b + 1, 2), OFPERR_OK);
	group_credit(old, 0, 1, 100);
	group_credit(old, UINT32_MAX, 1, 100);
	rcu_read_lock();
	tables_group_stats(tables_group(t, 1), &gs, bs);
	rcu_read_unlock();
	ck_assert_uint_eq(gs.packets, 6);
	ck_assert_uint_eq(bs[0].packets, 1);
	ck_assert_uint_eq(bs[1].bytes, 400);
	group_unref(old);
	ck_assert_int_eq(mod(OFPGC_MODIFY_, OFPGT_SELECT_, 1, b, 3), OFPERR_OK);
	rcu_read_lock();
	tables_group_stats(tables_group(t, 1), &gs, bs);
	rcu_read_unlock();
	ck_assert_uint_eq(gs.packets, 0);
	ck_assert_uint_eq(gs.n_buckets, 3);
}
END_TEST

/* The bucket of a hash among those with a weight. */
static unsigned pick_bucket(uint32_t hash, const uint16_t *weights, unsigned n)
{
	double best = -1;
	unsigned at = n;

	for (unsigned i = 0; i < n; i++) {
		double score = weights[i] ? group_bucket_score(hash, i, weights[i]) : -1;

		if (score > best) {
			best = score;
			at = i;
		}
	}
	return at;
}

START_TEST(buckets_share_by_weight)
{
	enum { N = 100000 };
	static const uint16_t weights[] = { 3, 1, 0, 10, 6 };
	uint16_t fewer[ARRAY_SIZE(weights)];
	unsigned got[ARRAY_SIZE(weights)] = { 0 };

	memcpy(fewer, weights, sizeof(fewer));
	fewer[0] = 0;
	for (uint32_t h = 0; h < N; h++) {
		unsigned i = pick_bucket(h * 0x9e3779b9u, weights, ARRAY_SIZE(weights));

		got[i]++;
		if (i) /* it stays where it is when bucket 0 goes */
			ck_assert_uint_eq(pick_bucket(h * 0x9e3779b9u, fewer, ARRAY_SIZE(fewer)),
					  i);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(weights); i++)
		ck_assert_msg(abs((int)got[i] - N * weights[i] / 20) <= N / 100,
			      "bucket %u of weight %u has %u of %u", i, weights[i], got[i], N);
}
END_TEST

static bool sum_ids(struct group *g, void *aux)
{
	*(uint32_t *)aux += g->id;
	return true;
}

START_TEST(visits_one_or_all)
{
	uint32_t sum = 0;

	for (uint32_t id = 1; id <= 100; id++)
		ck_assert_int_eq(mod(OFPGC_ADD_, OFPGT_ALL_, id, NULL, 0), OFPERR_OK);
	tables_group_visit(t, 7, sum_ids, &sum);
	ck_assert_uint_eq(sum, 7);
	tables_group_visit(t, 101, sum_ids, &sum);
	ck_assert_uint_eq(sum, 7);
	tables_group_visit(t, OFPG_ALL_, sum_ids, &sum);
	ck_assert_uint_eq(sum, 5050 + 7);
	ck_assert_int_eq(mod(OFPGC_DELETE_, 0, OFPG_ALL_, NULL, 0), OFPERR_OK);
	sum = 0;
	tables_group_visit(t, OFPG_ALL_, sum_ids, &sum);
	ck_assert_uint_eq(sum, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("groups");
	TCase *tc = tcase_create("groups");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, bad_groups_are_refused, 0, ARRAY_SIZE(check_cases));
	tcase_add_test(tc, deletes_are_lenient);
	tcase_add_test(tc, chains_do_not_loop);
	tcase_add_test(tc, deep_lattices_are_quick);
	tcase_add_test(tc, modify_keeps_counters_of_as_many_buckets);
	tcase_add_test(tc, visits_one_or_all);
	tcase_add_test(tc, buckets_share_by_weight);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
