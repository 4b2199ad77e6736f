/* SPDX-License-Identifier: Apache-2.0 */
/* A switch that ends or is killed leaves its flows forwarding; the next one takes them over with
 * their counters, and nothing is lost or counted twice. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/xalloc.h"
#include "tests/unit/offload/rig.h"

static struct rig r;

static struct engine_flow *adopted_flow(struct ufid u)
{
	for (unsigned i = 0; i < r.n_flows; i++) {
		struct engine_flow_info info;
		struct match m;

		if (engine_flow_info(r.e, u, &info))
			return NULL;
		engine_flow_info_done(&info);
		engine_flow_match(r.flows[i], &m);
		if (!memcmp(&m.key, &info.key, sizeof(m.key)))
			return r.flows[i];
	}
	return NULL;
}

START_TEST(flows_are_taken_over_where_they_are)
{
	struct engine_flow *f[3];
	struct ufid u[3];
	struct match m[3];
	struct engine_totals t;

	rig_open(&r, false);
	for (unsigned i = 0; i < 2; i++) {
		rig_match(&r, 0, i, 0, &m[i]);
		r.w->hw_silent = i == 1;
		f[i] = rig_put(&r, &m[i], "%1", &u[i]);
		rig_wait(&r, u[i], i ? OFFLOAD_ST_TC : OFFLOAD_ST_HARDWARE, -1);
	}
	r.w->hw_silent = false;
	rig_match(&r, 1, 2, 0, &m[2]);
	engine_port_enable(r.e, r.no[1], false);
	f[2] = rig_put(&r, &m[2], "%1", &u[2]);
	rig_wait(&r, u[2], OFFLOAD_ST_SOFTWARE, OFFLOAD_DISABLED);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert(survivor_send(r.w, &m[i].key, 10 + i));
		engine_flow_unref(f[i]);
	}
	rig_close(&r, true);
	for (unsigned i = 0; i < 3; i++) /* nobody is there */
		ck_assert(survivor_send(r.w, &m[i].key, 100));
	rig_open(&r, true);
	ck_assert_uint_eq(r.adopted.flows, 3);
	ck_assert_uint_eq(r.adopted.rules, 2);
	ck_assert_uint_eq(r.adopted.removed, 0);
	rig_wait(&r, u[0], OFFLOAD_ST_HARDWARE, OFFLOAD_ADOPTED);
	rig_wait(&r, u[1], OFFLOAD_ST_TC, OFFLOAD_ADOPTED);
	rig_wait(&r, u[2], OFFLOAD_ST_SOFTWARE, OFFLOAD_ADOPTED);
	for (unsigned i = 0; i < 3; i++) {
		f[i] = adopted_flow(u[i]);
		ck_assert_ptr_nonnull(f[i]);
		ck_assert(survivor_send(r.w, &m[i].key, 1000));
		rig_wait_packets(&r, f[i], 1110 + i); /* with what they counted before */
	}
	ck_assert_uint_eq(rig_tier(&r, u[0], LEDGER_HARDWARE), 1110);
	ck_assert_uint_eq(rig_tier(&r, u[1], LEDGER_TC), 1111);
	engine_totals(r.e, &t);
	ck_assert_uint_eq(t.flows[LEDGER_HARDWARE], 1);
	ck_assert_uint_eq(t.flows[LEDGER_TC], 1);
	for (unsigned i = 0; i < 3; i++)
		engine_confirm(r.e, f[i], true);
	rig_wait(&r, u[0], OFFLOAD_ST_HARDWARE, OFFLOAD_OK);
	rig_wait(&r, u[2], OFFLOAD_ST_HARDWARE, OFFLOAD_OK); /* its new port is not disabled */
	ck_assert(survivor_send(r.w, &m[2].key, 7));
	rig_wait_packets(&r, f[2], 1119);
	engine_del(r.e, f, 3);
	rig_wait_gone(&r, 3);
	ck_assert_uint_eq(r.gone_packets, 1110 + 1111 + 1119);
	ck_assert_uint_eq(survivor_count(r.w, r.w->flows) + survivor_count(r.w, r.w->rules), 0);
	rig_close(&r, false);
	rig_end(&r);
}
END_TEST

/* A process may end between any two steps. */
START_TEST(what_does_not_fit_together_is_put_right)
{
	enum { SAME, ACTIONS, NO_FLOW, TWICE, OTHER_MATCH, N };
	struct survivor_rule *s, is;
	struct engine_flow *f;
	struct match m[N];
	struct ufid u[N];
	struct buf b = BUF_INIT;

	rig_open(&r, false);
	for (unsigned i = 0; i < N; i++) {
		rig_match(&r, 0, i, 0, &m[i]);
		engine_flow_unref(rig_put(&r, &m[i], "%1", &u[i]));
		rig_wait(&r, u[i], OFFLOAD_ST_HARDWARE, -1);
		ck_assert(survivor_send(r.w, &m[i].key, 5));
	}
	rig_actions(&r, "%2", &b);
	rig_close(&r, true);

	s = survivor_find(r.w->flows, u[ACTIONS]);
	ck_assert_uint_eq(s->acts_len, b.len);
	memcpy(s->acts, b.data, b.len);
	survivor_find(r.w->flows, u[NO_FLOW])->used = false;
	s = &r.w->rules[N]; /* the first that is free */
	ck_assert(!s->used);
	*s = *survivor_find(r.w->rules, u[TWICE]);
	s->handle = r.w->next_handle++;
	survivor_find(r.w->rules, u[OTHER_MATCH])->key.nw_src = htonl(0x0afffff0);

	rig_open(&r, true);
	ck_assert_uint_eq(r.adopted.flows, N);
	ck_assert_uint_eq(r.adopted.rules, 4);
	ck_assert_uint_eq(r.adopted.put_back, 1);
	ck_assert_uint_eq(r.adopted.removed, 2);
	ck_assert_uint_eq(survivor_count(r.w, r.w->rules), 4);
	ck_assert_uint_eq(survivor_count(r.w, r.w->flows), N);
	for (unsigned i = 0; i < r.n_flows; i++)
		engine_confirm(r.e, r.flows[i], true);
	for (unsigned i = 0; i < N; i++)
		rig_wait(&r, u[i], OFFLOAD_ST_HARDWARE, -1);
	ck_assert(engine_quiesce(r.e, 5000));
	ck_assert(survivor_rule(r.w, u[ACTIONS], &is)); /* as the datapath has it */
	ck_assert_uint_eq(is.acts_len, b.len);
	ck_assert(!memcmp(is.acts, b.data, b.len));
	f = adopted_flow(u[NO_FLOW]);
	rig_wait_packets(&r, f, 5);
	engine_del(r.e, r.flows, r.n_flows);
	rig_wait_gone(&r, N);
	ck_assert_uint_eq(survivor_count(r.w, r.w->flows) + survivor_count(r.w, r.w->rules), 0);
	rig_close(&r, false);
	rig_end(&r);
	buf_done(&b);
}
END_TEST

START_TEST(offload_that_is_off_empties_the_device)
{
	struct engine_flow *f;
	struct match m;
	struct ufid u;

	rig_open(&r, false);
	rig_match(&r, 0, 1, 0, &m);
	engine_flow_unref(rig_put(&r, &m, "%1", &u));
	rig_wait(&r, u, OFFLOAD_ST_HARDWARE, -1);
	ck_assert(survivor_send(r.w, &m.key, 5));
	rig_close(&r, true);
	rig_open(&r, true);
	r.cfg.hw_offload = false;
	rig_configure(&r); /* not confirmed yet */
	rig_wait(&r, u, OFFLOAD_ST_SOFTWARE, OFFLOAD_DISABLED);
	ck_assert_uint_eq(survivor_count(r.w, r.w->rules), 0);
	f = adopted_flow(u);
	ck_assert(survivor_send(r.w, &m.key, 5));
	rig_wait_packets(&r, f, 10);
	rig_close(&r, false);
	rig_end(&r);
}
END_TEST

START_TEST(nothing_is_an_orphan_before_it_is_known)
{
	struct str out = STR_INIT;
	struct match m;
	struct ufid u;

	rig_open(&r, false);
	rig_match(&r, 0, 1, 0, &m);
	engine_flow_unref(rig_put(&r, &m, "%1", &u));
	rig_wait(&r, u, OFFLOAD_ST_HARDWARE, -1);
	rig_close(&r, true);
	rig_open_held(&r);
	ck_assert_int_eq(engine_audit(r.e, NULL, true, engine_audit_print, &out, NULL), 0);
	ck_assert_uint_eq(survivor_count(r.w, r.w->rules), 1);
	rig_close(&r, true);
	rig_open(&r, true);
	ck_assert_int_eq(engine_audit(r.e, NULL, true, engine_audit_print, &out, NULL), 0);
	ck_assert_uint_eq(survivor_count(r.w, r.w->rules), 1);
	ck_assert_uint_eq(r.adopted.rules, 1);
	rig_close(&r, false);
	rig_end(&r);
	str_done(&out);
}
END_TEST

/* --- killed at any moment --- */

#define LIVES 12
#define FLOWS 60
#define STEADY 20 /* of them stay all the time */

/* A switch that never rests, in a process of its own. */
static void live(struct rng rng, bool first)
{
	static const char *const actions[] = { "%1", "%2", "%1,%2", "drop", "ct(commit),%3" };
	struct engine_flow *f[FLOWS] = { NULL };

	rig_open(&r, true);
	for (unsigned i = 0; i < r.n_flows; i++) {
		struct match m;
		unsigned id;

		engine_flow_match(r.flows[i], &m);
		id = ntohl(m.key.nw_src) - 0x0a000000;
		ck_assert_uint_lt(id, FLOWS);
		f[id] = engine_flow_ref(r.flows[i]);
	}
	for (unsigned step = 0;; step++) {
		unsigned i = (unsigned)rng_below(&rng, FLOWS);
		const char *a = actions[rng_below(&rng, ARRAY_SIZE(actions))];
		struct match m;

		if (first && step < STEADY)
			i = step;
		rig_match(&r, 0, i, 0, &m);
		if (!f[i]) {
			f[i] = rig_put(&r, &m, a, NULL);
		} else if (i >= STEADY && rng_below(&rng, 3) == 0) {
			rig_del(&r, f[i]);
			f[i] = NULL;
		} else if (rng_below(&rng, 2)) {
			rig_modify(&r, f[i], a);
		} else {
			engine_confirm(r.e, f[i], true);
		}
		if (rng_below(&rng, 50) == 0) {
			r.cfg.policy = (enum offload_policy)rng_below(&rng, 3);
			r.w->hw_max = (uint32_t)rng_below(&rng, FLOWS);
			rig_configure(&r);
		}
		if (rng_below(&rng, 10) == 0)
			engine_refresh(r.e);
	}
}

static pid_t start(struct rng *rng, bool first)
{
	struct rng mine = { rng_next(rng) };
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (!pid)
		live(mine, first);
	return pid;
}

static bool steady_are_there(void)
{
	unsigned n = 0;

	survivor_lock(r.w);
	for (unsigned i = 0; i < SURVIVOR_FLOWS; i++)
		n += r.w->flows[i].used && ntohl(r.w->flows[i].key.nw_src) - 0x0a000000 < STEADY;
	survivor_unlock(r.w);
	return n == STEADY;
}

/* Packets of the flows that stay, for some time; not one may miss. */
static uint64_t traffic(struct rng *rng, unsigned ms)
{
	uint64_t n = 0;

	for (unsigned k = 0; k < ms * 10; k++) {
		struct match m;
		unsigned burst = 1 + (unsigned)rng_below(rng, 4);

		rig_match(&r, 0, (uint32_t)rng_below(rng, STEADY), 0, &m);
		ck_assert(survivor_send(r.w, &m.key, burst));
		n += burst;
		(void)usleep(100);
	}
	return n;
}

static uint64_t of_steady(struct rig *rig, uint64_t *all)
{
	uint64_t n = 0;

	*all = 0;
	engine_refresh(rig->e);
	for (unsigned i = 0; i < rig->n_flows; i++) {
		struct flow_stats t;
		struct match m;

		engine_flow_match(rig->flows[i], &m);
		engine_flow_total(rig->flows[i], &t);
		*all += t.packets;
		if (ntohl(m.key.nw_src) - 0x0a000000 < STEADY)
			n += t.packets;
	}
	return n;
}

static void wait_rules_zero(void)
{
	for (unsigned ms = 0; ms < 10000 && survivor_count(r.w, r.w->rules); ms++)
		(void)usleep(1000);
	ck_assert_uint_eq(survivor_count(r.w, r.w->rules), 0);
}

START_TEST(kill_9_loses_no_packet)
{
	struct rng rng = rng_start("kill_9_loses_no_packet");
	uint64_t before, after, all, sent;

	survivor_register();
	r.w = survivor_new();
	for (unsigned i = 0; i < RIG_PORTS; i++)
		r.no[i].v = i + 1; /* as the machine gives them */
	for (unsigned life = 0; life < LIVES; life++) {
		pid_t pid = start(&rng, !life);
		int status;

		while (!steady_are_there())
			(void)usleep(1000);
		(void)traffic(&rng, 20 + (unsigned)rng_below(&rng, 60));
		ck_assert_int_eq(waitpid(pid, &status, WNOHANG), 0);
		ck_assert_int_eq(kill(pid, SIGKILL), 0);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		(void)traffic(&rng, 10);
	}
	rig_open(&r, true);
	ck_assert_uint_ge(r.adopted.flows, STEADY);
	before = of_steady(&r, &all);
	sent = traffic(&rng, 50);
	for (unsigned i = 0; i < r.n_flows; i++)
		engine_confirm(r.e, r.flows[i], true);
	sent += traffic(&rng, 50);
	for (unsigned ms = 0; ms < 10000; ms += 10) {
		after = of_steady(&r, &all);
		if (after == before + sent)
			break;
		(void)usleep(10000);
	}
	ck_assert_uint_eq(after, before + sent);
	ck_assert_uint_eq(r.w->misses, 0);
	engine_del(r.e, r.flows, r.n_flows);
	rig_wait_gone(&r, r.n_flows);
	ck_assert_uint_eq(r.gone_packets, all);
	wait_rules_zero();
	rig_close(&r, false);
	rig_end(&r);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("offload adoption");
	TCase *t = tcase_create("adopt");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 180);
	tcase_add_test(t, flows_are_taken_over_where_they_are);
	tcase_add_test(t, what_does_not_fit_together_is_put_right);
	tcase_add_test(t, offload_that_is_off_empties_the_device);
	tcase_add_test(t, nothing_is_an_orphan_before_it_is_known);
	tcase_add_test(t, kill_9_loses_no_packet);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
