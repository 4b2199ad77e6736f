/* SPDX-License-Identifier: Apache-2.0 */
/* Exact accounting on all tiers, also over restarts: packets go on all the time while rules go into
 * hardware, into software and out again, somebody alters them, the device hangs, the policy
 * changes, and the switch ends and comes back.  Each flow counts what was sent of it in each life,
 * and at the beginning of a life what datapath and NIC had counted. */
#include <check.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/thread.h"
#include "tests/unit/offload/rig.h"

#define FLOWS 60
#define LIVES 5
#define LIFE_MS 700

static struct rig r;

struct world {
	struct rng rng;
	struct flow_key key[FLOWS];
	struct ufid u[FLOWS];
	struct engine_flow *f[FLOWS];
	uint64_t base[FLOWS]; /* counted when the life began */
	_Atomic uint64_t sent[FLOWS];
	_Atomic bool rest; /* the stream pauses */
	_Atomic bool rests;
	struct survivor *w;
};

static const char *const actions[] = { "%1", "%2", "%1,%2", "drop", "ct(commit),%3" };

static void stream(struct thread *t, void *arg)
{
	struct world *w = arg;
	struct rng rng = { 42 };

	while (!t->stop) {
		unsigned i = (unsigned)rng_below(&rng, FLOWS);
		unsigned n = 1 + (unsigned)rng_below(&rng, 8);

		w->rests = w->rest;
		if (w->rests) {
			(void)usleep(1000);
			continue;
		}
		ck_assert(survivor_send(w->w, &w->key[i], n));
		atomic_fetch_add(&w->sent[i], n);
		if (rng_below(&rng, 8) == 0)
			(void)usleep(200);
	}
}

static void pause_stream(struct world *w)
{
	w->rest = true;
	while (!w->rests)
		(void)usleep(1000);
}

static void go_on(struct world *w)
{
	w->rest = w->rests = false;
}

/* --- what may happen --- */

static void new_caps(struct world *w)
{
	static const struct offload_event ev = { .kind = OFFLOAD_EV_CAPS };

	survivor_lock(w->w);
	w->w->generation++;
	survivor_unlock(w->w);
	survivor_tell(&ev);
}

static void knobs(struct world *w)
{
	switch (rng_below(&w->rng, 4)) {
	case 0: w->w->hw_max = (uint32_t)rng_below(&w->rng, FLOWS); break;
	case 1: w->w->hw_refuses = !w->w->hw_refuses; break;
	case 2: w->w->hw_silent = !w->w->hw_silent; break;
	default: w->w->prio_full = rng_below(&w->rng, 4) == 0; break;
	}
	if (rng_below(&w->rng, 2))
		new_caps(w);
}

static void configure(struct world *w)
{
	switch (rng_below(&w->rng, 3)) {
	case 0: r.cfg.policy = (enum offload_policy)rng_below(&w->rng, OFFLOAD_N_POLICIES); break;
	case 1: r.cfg.hw_offload = rng_below(&w->rng, 4) > 0; break;
	default:
		engine_port_policy(r.e, r.no[rng_below(&w->rng, RIG_PORTS)],
				   (int)rng_below(&w->rng, OFFLOAD_N_POLICIES + 1) - 1);
		return;
	}
	rig_configure(&r);
}

/* Each flow is somewhere, and in one place. */
static void check_places(void)
{
	struct engine_totals t;
	uint64_t n = 0;

	engine_totals(r.e, &t);
	for (unsigned i = 0; i < LEDGER_N_TIERS; i++) {
		ck_assert_uint_le(t.flows[i], FLOWS);
		n += t.flows[i];
	}
	ck_assert_uint_eq(n, FLOWS);
}

static void event(struct world *w)
{
	static const struct offload_event something = { .kind = OFFLOAD_EV_RULES };
	unsigned i = (unsigned)rng_below(&w->rng, FLOWS), what = (unsigned)rng_below(&w->rng, 100);

	if (what < 40)
		rig_modify(&r, w->f[i], actions[rng_below(&w->rng, ARRAY_SIZE(actions))]);
	else if (what < 50)
		engine_confirm(r.e, w->f[i], true);
	else if (what < 60)
		knobs(w);
	else if (what < 70)
		configure(w);
	else if (what < 78) /* its packets are dropped for a while, and counted all the same */
		survivor_tamper(w->w, w->u[i], false, rng_below(&w->rng, 2));
	else if (what < 82)
		survivor_tell(&something);
	else if (what < 85)
		w->w->hangs = !w->w->hangs;
	else
		engine_refresh(r.e);
	check_places();
}

/* --- a life --- */

static void begin(struct world *w, bool first)
{
	struct engine_flow_info info;

	rig_open(&r, true);
	r.cfg.hang_ms = 30;
	r.cfg.audit_period_ms = 50;
	rig_configure(&r);
	ck_assert_uint_eq(r.adopted.flows, first ? 0 : FLOWS);
	for (unsigned i = 0; i < FLOWS; i++) {
		struct match m;

		if (!first)
			continue;
		rig_match(&r, i % RIG_PORTS, i, 0, &m);
		w->key[i] = m.key;
		w->f[i] = rig_put(&r, &m, actions[i % ARRAY_SIZE(actions)], &w->u[i]);
	}
	for (unsigned i = 0; i < r.n_flows; i++) {
		struct match m;
		unsigned id;

		engine_flow_match(r.flows[i], &m);
		id = ntohl(m.key.nw_src) - 0x0a000000;
		w->f[id] = engine_flow_ref(r.flows[i]);
	}
	for (unsigned i = 0; i < FLOWS; i++) {
		struct survivor_rule flow = { .used = false }, rule = { .used = false };

		survivor_lock(w->w);
		if (!first)
			flow = *survivor_find(w->w->flows, w->u[i]);
		survivor_unlock(w->w);
		(void)survivor_rule(w->w, w->u[i], &rule); /* not all have one */
		rig_info(&r, w->u[i], &info);
		w->base[i] = info.total.packets;
		w->sent[i] = 0;
		if (!first) /* all that is known, and not twice */
			ck_assert_uint_eq(w->base[i], flow.st.packets + rule.st.packets);
	}
}

static void end(struct world *w)
{
	struct engine_totals t;
	uint64_t sum = 0, of_flows = 0;

	w->w->hangs = false;
	r.cfg.hang_ms = 60000; /* however slow the machine is */
	rig_configure(&r);
	for (unsigned i = 0; i < FLOWS; i++) {
		struct flow_stats st;

		rig_wait_packets(&r, w->f[i], w->base[i] + w->sent[i]);
		engine_flow_total(w->f[i], &st);
		of_flows += st.packets;
		ck_assert_uint_eq(st.bytes, st.packets * SURVIVOR_PACKET_LEN);
		engine_flow_unref(w->f[i]);
	}
	engine_totals(r.e, &t);
	for (unsigned i = 0; i < LEDGER_N_TIERS; i++)
		sum += t.packets[i];
	ck_assert_uint_eq(sum, of_flows);
	ck_assert(engine_quiesce(r.e, 20000));
}

static void live(struct world *w)
{
	uint64_t until = clock_mono_ns() + LIFE_MS * NSEC_PER_MSEC;

	while (clock_mono_ns() < until) {
		event(w);
		(void)usleep((useconds_t)rng_below(&w->rng, 2000));
	}
}

START_TEST(every_flow_counts_what_was_sent)
{
	struct world *w = calloc(1, sizeof(*w));
	struct thread t;

	w->rng = rng_start("every_flow_counts_what_was_sent");
	survivor_register();
	w->w = survivor_new();
	w->rest = true;
	ck_assert_int_eq(thread_start(&t, "stream", stream, w), 0);
	for (unsigned n = 0; n < LIVES; n++) {
		begin(w, !n);
		go_on(w);
		live(w);
		pause_stream(w);
		end(w);
		ck_assert_uint_eq(w->w->misses, 0);
		rig_close(&r, n + 1 < LIVES);
		if (n + 1 == LIVES)
			break;
		go_on(w); /* nobody is there, and packets are switched */
		(void)usleep(20000);
		pause_stream(w);
	}
	thread_stop(&t);
	ck_assert_uint_eq(survivor_count(w->w, w->w->rules), 0);
	survivor_free(w->w);
	free(w);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("offload accounting over restarts");
	TCase *t = tcase_create("survive");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 180);
	tcase_add_test(t, every_flow_counts_what_was_sent);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
