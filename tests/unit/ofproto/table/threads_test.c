/* SPDX-License-Identifier: Apache-2.0 */
/* Lookups while the tables change: each sees a whole flow-mod or nothing of it. */
#include <stdlib.h>

#include "core/base/thread.h"
#include "tests/unit/ofproto/table/fixture.h"
#include "tests/unit/seed.h"

#define N_PORTS 50
#define ROUNDS 2000

static struct ofp_tables *t;
static struct buf acts[2];
static _Atomic unsigned n_torn, n_missing, n_read;

static uint32_t looked_up(uint64_t version, uint32_t port)
{
	const struct ofpact_output *o;
	const struct ofpact *a;
	struct flow_key key;
	struct rule *r;

	memset(&key, 0, sizeof(key));
	key.in_port = htonl(port);
	r = tables_lookup(t, 0, version, &key, NULL, true);
	if (!r) {
		n_missing++;
		return 0;
	}
	rule_credit(r, 1, 1, clock_mono_ns());
	a = ofpact_first(rule_actions_get(r));
	o = ofpact_payload(a);
	return o->port.v;
}

static void read_all(struct thread *self, void *arg UNUSED)
{
	while (!self->stop) {
		uint64_t version;
		uint32_t first;

		rcu_read_lock();
		version = tables_version(t);
		first = looked_up(version, 1);
		for (uint32_t port = 2; port <= N_PORTS; port++)
			n_torn += looked_up(version, port) != first;
		n_read++;
		rcu_read_unlock();
	}
}

static void learn_and_expire(struct thread *self, void *arg)
{
	struct rng r = { *(const uint64_t *)arg };

	while (!self->stop) {
		struct ofp_flow_mod fm = flow_mod(OFPFC_MODIFY_STRICT_);

		fm.table = 1;
		fm.cookie = 5;
		fm.hard_timeout = 1;
		fm.actions = ofpacts_of(&acts[rng_below(&r, 2)]);
		match_in_port(&fm.match, (uint32_t)rng_below(&r, 30));
		(void)tables_learn(t, &fm, 20); /* full as often as not */
		if (!rng_below(&r, 100))
			(void)tables_expire(t, clock_mono_ns(), UINT64_MAX);
	}
}

static void write_all(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct ofp_flow_mod fm = flow_mod(OFPFC_MODIFY_);
		struct ofp_flow_stats_request req = request_all();
		uint64_t packets, bytes;
		uint32_t flows;
		size_t n;

		fm.actions = ofpacts_of(&acts[i % 2]);
		ck_assert_int_eq(tables_flow_mod(t, &fm, &n), OFPERR_OK);
		ck_assert_uint_eq(n, N_PORTS);
		req.table = 0;
		tables_aggregate(t, &req, &packets, &bytes, &flows);
		ck_assert_uint_eq(flows, N_PORTS);
	}
}

START_TEST(lookups_see_whole_mods)
{
	struct rng r = rng_start("tables_threads");
	uint64_t seed = rng_next(&r);
	struct thread th[3];

	t = tables_new(NULL, NULL);
	put_output(&acts[0], 1);
	put_output(&acts[1], 2);
	for (uint32_t port = 1; port <= N_PORTS; port++) {
		struct ofp_flow_mod fm = flow_mod(OFPFC_ADD_);

		fm.actions = ofpacts_of(&acts[1]);
		match_in_port(&fm.match, port);
		ck_assert_int_eq(tables_flow_mod(t, &fm, NULL), OFPERR_OK);
	}
	ck_assert_int_eq(thread_start(&th[0], "reader1", read_all, NULL), 0);
	ck_assert_int_eq(thread_start(&th[1], "reader2", read_all, NULL), 0);
	ck_assert_int_eq(thread_start(&th[2], "learner", learn_and_expire, &seed), 0);
	write_all();
	for (unsigned i = 0; i < ARRAY_SIZE(th); i++)
		thread_stop(&th[i]);
	ck_assert_uint_gt(n_read, 0);
	ck_assert_uint_eq(n_torn, 0);
	ck_assert_uint_eq(n_missing, 0);
	tables_free(t);
	rcu_settle();
	rcu_settle();
	rcu_settle();
	buf_done(&acts[0]);
	buf_done(&acts[1]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tables threads");
	TCase *tc = tcase_create("tables threads");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, lookups_see_whole_mods);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
