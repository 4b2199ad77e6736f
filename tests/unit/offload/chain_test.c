/* SPDX-License-Identifier: Apache-2.0 */
/* Chains: what a rule leads to is in the device before it and leaves after it, whatever happens. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/offload/rig.h"

static struct rig r;

START_TEST(a_leader_waits_for_its_chain)
{
	struct engine_flow *leader, *f[2];
	struct ufid u, v[2];
	struct match m;

	rig_open(&r, false);
	r.w->watch_chains = true;
	rig_match(&r, 0, 1, 0, &m);
	leader = rig_put(&r, &m, "ct(commit),recirc(7)", &u);
	rig_wait(&r, u, OFFLOAD_ST_REFUSED, OFFLOAD_CHAIN);
	for (unsigned i = 0; i < 2; i++) {
		rig_match(&r, 0, 1 + i, 7, &m);
		f[i] = rig_put(&r, &m, "%1", &v[i]);
		rig_wait(&r, v[i], OFFLOAD_ST_HARDWARE, -1);
		rig_wait(&r, u, OFFLOAD_ST_HARDWARE, -1);
	}
	rig_match(&r, 0, 1, 0, &m);
	ck_assert(survivor_send(r.w, &m.key, 10));
	rig_wait_packets(&r, leader, 10);
	rig_wait_packets(&r, f[0], 10);
	rig_del(&r, f[0]); /* one is left */
	rig_wait_gone(&r, 1);
	rig_wait(&r, u, OFFLOAD_ST_HARDWARE, -1);
	rig_del(&r, f[1]);
	rig_wait_gone(&r, 2);
	rig_wait(&r, u, OFFLOAD_ST_REFUSED, OFFLOAD_CHAIN);
	ck_assert_uint_eq(survivor_count(r.w, r.w->rules), 0);
	rig_match(&r, 0, 1, 7, &m);
	f[0] = rig_put(&r, &m, "%2", &v[0]);
	rig_wait(&r, u, OFFLOAD_ST_HARDWARE, -1);
	rig_modify(&r, f[0], "%1");          /* a replacement of the only rule is no gap */
	rig_modify(&r, leader, "recirc(8)"); /* and this leads nowhere */
	rig_wait(&r, u, OFFLOAD_ST_REFUSED, OFFLOAD_CHAIN);
	rig_modify(&r, leader, "recirc(7)");
	rig_wait(&r, u, OFFLOAD_ST_HARDWARE, -1);
	rig_modify(&r, leader, "%1");
	ck_assert(engine_quiesce(r.e, 5000));
	rig_del(&r, f[0]); /* nothing leads there any more */
	rig_wait_gone(&r, 3);
	rig_wait(&r, u, OFFLOAD_ST_HARDWARE, -1);
	rig_del(&r, leader);
	rig_wait_gone(&r, 4);
	ck_assert_uint_eq(r.w->chain_faults, 0);
	ck_assert_uint_eq(r.gone_packets, 20);
	rig_close(&r, false);
	rig_end(&r);
}
END_TEST

START_TEST(a_leader_that_waits_may_go)
{
	struct engine_flow *f[3];
	struct match m;
	struct ufid u;

	rig_open(&r, false);
	for (unsigned i = 0; i < 3; i++) {
		rig_match(&r, i, i, 0, &m);
		f[i] = rig_put(&r, &m, "recirc(9)", &u);
		rig_wait(&r, u, OFFLOAD_ST_REFUSED, OFFLOAD_CHAIN);
	}
	rig_del(&r, f[0]);
	engine_port_enable(r.e, r.no[1], false);
	rig_modify(&r, f[2], "%1");
	rig_wait(&r, u, OFFLOAD_ST_HARDWARE, -1);
	rig_del(&r, f[1]);
	rig_del(&r, f[2]);
	rig_close(&r, false);
	rig_end(&r);
}
END_TEST

START_TEST(an_adopted_leader_without_a_chain_leaves)
{
	struct engine_flow *leader, *f;
	struct ufid u, v;
	struct match m;

	rig_open(&r, false);
	rig_match(&r, 0, 1, 7, &m);
	f = rig_put(&r, &m, "%1", &v);
	rig_match(&r, 0, 1, 0, &m);
	leader = rig_put(&r, &m, "recirc(7)", &u);
	rig_wait(&r, u, OFFLOAD_ST_HARDWARE, -1);
	engine_flow_unref(f);
	engine_flow_unref(leader);
	rig_close(&r, true);
	ck_assert_uint_eq(survivor_count(r.w, r.w->rules),
			  2); /* in whatever order they were let go */
	ck_assert_ptr_nonnull(survivor_find(r.w->rules, v));
	survivor_find(r.w->rules, v)->used = false;
	survivor_find(r.w->flows, v)->used = false;
	rig_open(&r, true);
	rig_wait(&r, u, OFFLOAD_ST_REFUSED, OFFLOAD_CHAIN);
	rig_close(&r, false);
	rig_end(&r);
}
END_TEST

/* --- anything in any order --- */

#define FLOWS 80
#define CHAINS 5

struct world {
	struct rng rng;
	struct engine_flow *f[FLOWS];
	struct match m[FLOWS];
	uint64_t puts, dels;
};

/* A flow of chain c (0: of none) leads to the next ones or out. */
static const char *actions_of(struct world *w, unsigned i)
{
	static const char *const leads[CHAINS + 1][4] = {
		{ "recirc(1)", "recirc(2)", "recirc(3)", "%1" },
		{ "recirc(2)", "%1", "%2", "ct(commit),recirc(3)" },
		{ "recirc(3)", "recirc(4)", "%1,recirc(5)", "recirc(4),recirc(5)" },
		{ "recirc(4)", "%1", "drop", "%1,%2" },
		{ "recirc(5)", "%1", "%3", "%3" },
		{ "%1", "%2", "drop", "%3" },
	};

	return leads[i % (CHAINS + 1)][rng_below(&w->rng, 4)];
}

static void put(struct world *w, unsigned i)
{
	rig_match(&r, i % RIG_PORTS, i, i % (CHAINS + 1), &w->m[i]);
	w->f[i] = rig_put(&r, &w->m[i], actions_of(w, i), NULL);
	w->puts++;
}

static void disturb(struct world *w)
{
	struct dp_port no = r.no[rng_below(&w->rng, RIG_PORTS)];

	switch (rng_below(&w->rng, 5)) {
	case 0: r.w->hw_max = (uint32_t)rng_below(&w->rng, FLOWS); break;
	case 1:
		r.cfg.policy = (enum offload_policy)rng_below(&w->rng, OFFLOAD_N_POLICIES);
		rig_configure(&r);
		break;
	case 2:
		engine_port_enable(r.e, no, false);
		engine_port_enable(r.e, no, true);
		break;
	case 3:
		r.cfg.hw_offload = !r.cfg.hw_offload;
		rig_configure(&r);
		break;
	default: r.w->hw_refuses = rng_below(&w->rng, 2); break;
	}
}

static void step(struct world *w)
{
	unsigned i = (unsigned)rng_below(&w->rng, FLOWS);

	if (rng_below(&w->rng, 30) == 0)
		disturb(w);
	if (!w->f[i]) {
		put(w, i);
	} else if (rng_below(&w->rng, 2)) {
		rig_modify(&r, w->f[i], actions_of(w, i));
	} else {
		rig_del(&r, w->f[i]);
		w->f[i] = NULL;
		w->dels++;
	}
	if (rng_below(&w->rng, 4) == 0)
		(void)usleep((useconds_t)rng_below(&w->rng, 2000));
}

START_TEST(chains_stay_consistent)
{
	struct world *w = calloc(1, sizeof(*w));
	struct engine_device_info *d = calloc(1, sizeof(*d));

	w->rng = rng_start("chains_stay_consistent");
	rig_open(&r, false);
	r.w->watch_chains = true;
	for (unsigned n = 0; n < 4000; n++)
		step(w);
	r.w->hw_max = SURVIVOR_FLOWS;
	r.w->hw_refuses = false;
	r.cfg.hw_offload = true;
	r.cfg.policy = OFFLOAD_POLICY_NONE;
	r.w->generation++;
	rig_configure(&r);
	for (unsigned i = 0; i < FLOWS; i++) {
		if (w->f[i])
			rig_modify(&r, w->f[i], i % (CHAINS + 1) ? "%1" : "recirc(1)");
		else
			put(w, i);
	}
	for (unsigned i = 0; i < FLOWS; i++)
		rig_modify(&r, w->f[i], i % (CHAINS + 1) ? "%1" : "recirc(1)");
	for (unsigned ms = 0; ms < 20000; ms += 10) { /* in the end all come in */
		rig_device(&r, d);
		if (d->flows[OFFLOAD_ST_HARDWARE] == FLOWS)
			break;
		(void)usleep(10000);
	}
	ck_assert_uint_eq(d->flows[OFFLOAD_ST_HARDWARE], FLOWS);
	for (unsigned i = 0; i < FLOWS; i++)
		rig_del(&r, w->f[i]);
	rig_wait_gone(&r, w->puts);
	ck_assert_uint_eq(survivor_count(r.w, r.w->rules), 0);
	ck_assert_uint_eq(r.w->chain_faults, 0);
	rig_close(&r, false);
	rig_end(&r);
	free(d);
	free(w);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("offload chains");
	TCase *t = tcase_create("chains");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_test(t, a_leader_waits_for_its_chain);
	tcase_add_test(t, a_leader_that_waits_may_go);
	tcase_add_test(t, an_adopted_leader_without_a_chain_leaves);
	tcase_add_test(t, chains_stay_consistent);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
