/* SPDX-License-Identifier: Apache-2.0 */
/* Flows of the datapath that the engine does not know, and a datapath that is short of memory. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "tests/unit/offload/rig.h"

static struct rig r;

/* Behind the engine's back. */
static void put_unknown(struct ufid u, unsigned id)
{
	struct dp_flow_op op = { .kind = DP_FLOW_PUT, .ufid = u };
	struct buf acts = BUF_INIT;
	struct match m;

	rig_match(&r, 0, id, 0, &m);
	rig_actions(&r, "%1", &acts);
	op.key = &m.key;
	op.mask = &m.mask;
	op.actions = dp_actions_of(&acts);
	ck_assert_int_eq(dp_flow_do(r.dp, &op), 0);
	buf_done(&acts);
}

static bool there(struct ufid u)
{
	struct dp_flow_op op = { .kind = DP_FLOW_GET, .ufid = u };

	return !dp_flow_do(r.dp, &op);
}

static uint64_t removed(void)
{
	struct engine_totals t;

	engine_totals(r.e, &t);
	return t.unknown_removed;
}

START_TEST(they_go_after_a_while_and_others_stay)
{
	struct ufid stranger = { { 77, 1 } }, mine;
	uint64_t end = clock_mono_ns() + 60 * NSEC_PER_SEC;
	struct engine_flow *f;
	struct match m;

	rig_open(&r, false);
	rig_match(&r, 0, 1, 0, &m);
	f = rig_put(&r, &m, "%1", &mine);
	put_unknown(stranger, 2);
	engine_refresh(r.e);
	engine_refresh(r.e);
	ck_assert(there(stranger)); /* it may be on its way in */
	while (there(stranger) && clock_mono_ns() < end) {
		usleep(100000);
		engine_refresh(r.e);
	}
	ck_assert(!there(stranger));
	ck_assert(there(mine));
	ck_assert_uint_eq(removed(), 1);
	engine_refresh(r.e);
	ck_assert_uint_eq(removed(), 1);
	rig_del(&r, f);
	rig_wait_gone(&r, 1);
	rig_close(&r, false);
	rig_end(&r);
}
END_TEST

START_TEST(one_that_becomes_known_stays)
{
	struct ufid u = { { 77, 2 } };

	rig_open(&r, false);
	put_unknown(u, 3);
	engine_refresh(r.e); /* seen, and remembered until the engine ends */
	rig_close(&r, true);
	rig_open(&r, true); /* adopted by the next one */
	ck_assert_uint_eq(r.n_flows, 1);
	for (unsigned i = 0; i < 3; i++)
		engine_refresh(r.e);
	ck_assert(there(u));
	rig_del(&r, r.flows[0]);
	r.n_flows = 0; /* its reference is gone */
	rig_wait_gone(&r, 1);
	ck_assert(!there(u));
	ck_assert_uint_eq(removed(), 0);
	rig_close(&r, false);
	rig_end(&r);
}
END_TEST

/* Told twice to go, it goes, and what it had counted is not lost. */
START_TEST(a_moment_without_memory_leaves_nothing)
{
	struct engine_flow *f;
	struct match m;
	struct ufid u;

	rig_open(&r, false);
	rig_match(&r, 0, 1, 0, &m);
	f = rig_put(&r, &m, "%1", &u);
	rig_wait(&r, u, OFFLOAD_ST_HARDWARE, -1);
	r.cfg.hw_offload = false;
	rig_configure(&r);
	rig_wait(&r, u, OFFLOAD_ST_SOFTWARE, -1);
	ck_assert(survivor_send(r.w, &m.key, 9));
	r.w->no_memory = 1;
	rig_del(&r, f);
	rig_wait_gone(&r, 1);
	ck_assert_uint_eq(r.w->no_memory, 0);
	ck_assert(!there(u));
	ck_assert_uint_eq(r.gone_packets, 9);
	rig_close(&r, false);
	rig_end(&r);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("unknown flows");
	TCase *t = tcase_create("unknown");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_test(t, they_go_after_a_while_and_others_stay);
	tcase_add_test(t, one_that_becomes_known_stays);
	tcase_add_test(t, a_moment_without_memory_leaves_nothing);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
