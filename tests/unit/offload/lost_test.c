/* SPDX-License-Identifier: Apache-2.0 */
/* Flows that somebody else takes out of the fallback datapath come back, and count on. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "tests/unit/offload/rig.h"

#define FLOWS 200u
#define STEPS 400u

static struct rig r;

/* Flows that stay in software. */
static void open_rig(void)
{
	rig_open(&r, false);
	r.cfg.hw_offload = false;
	rig_configure(&r);
}

static bool there(struct ufid u)
{
	struct dp_flow_op op = { .kind = DP_FLOW_GET, .ufid = u };

	return !dp_flow_do(r.dp, &op);
}

/* Behind the engine's back; what it had counted. */
static uint64_t steal(struct ufid u)
{
	struct dp_flow_op op = { .kind = DP_FLOW_DEL, .ufid = u };

	return dp_flow_do(r.dp, &op) ? 0 : op.stats.packets;
}

static uint64_t put_again(void)
{
	struct engine_totals t;

	engine_totals(r.e, &t);
	return t.put_again;
}

static void wait_there(struct ufid u)
{
	uint64_t end = clock_mono_ns() + 60 * NSEC_PER_SEC;

	while (!there(u) && clock_mono_ns() < end) {
		usleep(50000);
		engine_refresh(r.e);
	}
	ck_assert(there(u));
}

/* Until what a knob asks for has been done. */
static void wait_used(_Atomic uint32_t *knob)
{
	uint64_t end = clock_mono_ns() + 60 * NSEC_PER_SEC;

	while (*knob && clock_mono_ns() < end) {
		usleep(50000);
		engine_refresh(r.e);
	}
	ck_assert_uint_eq(*knob, 0);
}

START_TEST(it_comes_back_and_counts_on)
{
	struct engine_flow_info i;
	struct engine_flow *f;
	struct match m;
	struct ufid u;

	open_rig();
	rig_match(&r, 0, 1, 0, &m);
	f = rig_put(&r, &m, "%1", &u);
	ck_assert(survivor_send(r.w, &m.key, 5));
	ck_assert_uint_eq(rig_total(&r, f), 5);
	ck_assert_uint_eq(steal(u), 5);
	ck_assert(!survivor_send(r.w, &m.key, 3)); /* these come up: they are not the flow's */
	wait_there(u);
	ck_assert_uint_eq(put_again(), 1);
	rig_info(&r, u, &i);
	ck_assert_uint_eq(i.history[i.n_events - 1].why.reason, OFFLOAD_PUT_AGAIN);
	ck_assert(survivor_send(r.w, &m.key, 7)); /* more than before, and then fewer */
	ck_assert_uint_eq(rig_total(&r, f), 12);
	ck_assert_uint_eq(steal(u), 7);
	wait_there(u);
	ck_assert(survivor_send(r.w, &m.key, 2));
	ck_assert_uint_eq(rig_total(&r, f), 14);
	ck_assert_uint_eq(put_again(), 2);
	ck_assert_uint_eq(r.w->tx[r.no[1].v], 14);
	rig_del(&r, f);
	rig_wait_gone(&r, 1);
	ck_assert_uint_eq(r.gone_packets, 14);
	ck_assert(!there(u));
	rig_finish(&r);
}
END_TEST

/* It does what was last asked of it. */
START_TEST(it_comes_back_as_it_was_changed)
{
	struct engine_flow *f;
	struct match m;
	struct ufid u;

	open_rig();
	rig_match(&r, 0, 1, 0, &m);
	f = rig_put(&r, &m, "%1", &u);
	rig_modify(&r, f, "%2");
	(void)steal(u);
	wait_there(u);
	ck_assert(survivor_send(r.w, &m.key, 1));
	ck_assert_uint_eq(r.w->tx[r.no[2].v], 1);
	rig_del(&r, f);
	rig_wait_gone(&r, 1);
	rig_finish(&r);
}
END_TEST

/* What a dump leaves out though it is there is neither put nor counted twice. */
START_TEST(one_that_a_dump_leaves_out_is_not_lost)
{
	struct engine_flow *f;
	struct match m;
	struct ufid u;

	open_rig();
	rig_match(&r, 0, 1, 0, &m);
	f = rig_put(&r, &m, "%1", &u);
	ck_assert(survivor_send(r.w, &m.key, 5));
	ck_assert_uint_eq(rig_total(&r, f), 5);
	r.w->dump_omits = UINT32_MAX;
	for (unsigned i = 0; i < 100; i++) { /* 5 s: two of them are asked for every flow */
		(void)usleep(50000);
		engine_refresh(r.e);
	}
	r.w->dump_omits = 0;
	ck_assert_uint_eq(put_again(), 0);
	ck_assert_uint_eq(rig_total(&r, f), 5);
	rig_del(&r, f);
	rig_wait_gone(&r, 1);
	ck_assert_uint_eq(r.gone_packets, 5);
	rig_finish(&r);
}
END_TEST

START_TEST(where_there_is_no_room_it_waits)
{
	struct engine_flow *f;
	struct match m;
	struct ufid u;

	open_rig();
	rig_match(&r, 0, 1, 0, &m);
	f = rig_put(&r, &m, "%1", &u);
	(void)steal(u);
	r.w->no_memory = 1;
	wait_used(&r.w->no_memory);
	ck_assert(!there(u));
	ck_assert_uint_eq(put_again(), 0);
	wait_there(u);
	ck_assert_uint_eq(put_again(), 1);
	rig_del(&r, f);
	rig_wait_gone(&r, 1);
	rig_finish(&r);
}
END_TEST

/* A packet was quicker: its flow is there now, and the lost one is told from it. */
START_TEST(one_whose_place_is_taken_is_its_owners_to_delete)
{
	struct engine_flow *f, *second;
	struct ufid u, taker;
	struct match m;

	open_rig();
	rig_match(&r, 0, 1, 0, &m);
	f = rig_put(&r, &m, "%1", &u);
	ck_assert(survivor_send(r.w, &m.key, 5));
	ck_assert_uint_eq(rig_total(&r, f), 5);
	ck_assert(!engine_flow_lost(f));
	(void)steal(u);
	second = rig_put(&r, &m, "%1", &taker);
	for (unsigned ms = 0; !engine_flow_lost(f) && ms < 60000; ms += 50) {
		(void)usleep(50000);
		engine_refresh(r.e);
	}
	ck_assert(engine_flow_lost(f) && !engine_flow_lost(second));
	ck_assert_uint_eq(put_again(), 1);
	rig_del(&r, f);
	rig_wait_gone(&r, 1);
	ck_assert_uint_eq(r.gone_packets, 5);
	ck_assert(there(taker));
	ck_assert(survivor_send(r.w, &m.key, 2));
	ck_assert_uint_eq(rig_total(&r, second), 2);
	rig_del(&r, second);
	rig_wait_gone(&r, 2);
	ck_assert_uint_eq(r.gone_packets, 7);
	rig_finish(&r);
}
END_TEST

struct churn {
	struct engine_flow *flow[FLOWS]; /* NULL = none */
	struct ufid ufid[FLOWS];
	struct match match[FLOWS];
	uint64_t counted;
};

static void churn_step(struct churn *c, struct rng *g)
{
	unsigned i = (unsigned)rng_below(g, FLOWS);

	switch (rng_below(g, 6)) {
	case 0:
	case 1:
		if (!c->flow[i])
			c->flow[i] = rig_put(&r, &c->match[i], "%1", &c->ufid[i]);
		break;
	case 2:
		if (c->flow[i])
			rig_del(&r, c->flow[i]);
		c->flow[i] = NULL;
		break;
	case 3:
		if (c->flow[i])
			(void)steal(c->ufid[i]);
		break;
	case 4: r.w->dump_interrupts = 1; break;
	default:
		c->counted += survivor_send(r.w, &c->match[i].key, 1);
		engine_refresh(r.e); /* so that nothing goes with one that is stolen */
	}
}

/* Puts, deletions, thefts, dumps that break off: in the end the datapath has what the engine has,
 * and every packet that met a flow has been counted once. */
START_TEST(in_the_end_all_are_there)
{
	struct rng g = rng_start("in_the_end_all_are_there");
	struct churn *c = calloc(1, sizeof(*c));
	unsigned n = 0;

	ck_assert_ptr_nonnull(c);
	open_rig();
	for (unsigned i = 0; i < FLOWS; i++)
		rig_match(&r, 0, i + 1, 0, &c->match[i]);
	for (unsigned run = 0; run < 5; run++) {
		for (unsigned i = 0; i < STEPS; i++)
			churn_step(c, &g);
		(void)usleep(600000); /* so that some of them dump every flow */
	}
	for (unsigned i = 0; i < FLOWS; i++) {
		if (!c->flow[i])
			continue;
		wait_there(c->ufid[i]);
		n++;
	}
	ck_assert_uint_eq(survivor_count(r.w, r.w->flows), n);
	ck_assert_uint_gt(put_again(), 0);
	for (unsigned i = 0; i < FLOWS; i++)
		if (c->flow[i])
			rig_del(&r, c->flow[i]);
	ck_assert_uint_eq(r.gone_packets, c->counted);
	ck_assert_uint_eq(survivor_count(r.w, r.w->flows), 0);
	free(c);
	rig_finish(&r);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("lost flows");
	TCase *t = tcase_create("lost");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_test(t, it_comes_back_and_counts_on);
	tcase_add_test(t, it_comes_back_as_it_was_changed);
	tcase_add_test(t, one_that_a_dump_leaves_out_is_not_lost);
	tcase_add_test(t, one_whose_place_is_taken_is_its_owners_to_delete);
	tcase_add_test(t, where_there_is_no_room_it_waits);
	tcase_add_test(t, in_the_end_all_are_there);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
