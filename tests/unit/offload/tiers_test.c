/* SPDX-License-Identifier: Apache-2.0 */
/* Where a rule may be besides in hardware: the provider's software, tc-policy, and what a provider
 * tells of its own accord. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "offload/explain.h"
#include "tests/unit/offload/rig.h"

static struct rig r;

static void new_caps(void)
{
	static const struct offload_event ev = { .kind = OFFLOAD_EV_CAPS };

	survivor_lock(r.w);
	r.w->generation++;
	survivor_unlock(r.w);
	survivor_tell(&ev);
}

static unsigned policy_of(struct ufid u)
{
	struct survivor_rule rule;

	ck_assert(survivor_rule(r.w, u, &rule));
	return rule.policy;
}

static struct engine_flow *one(unsigned id, const char *actions, struct match *m, struct ufid *u)
{
	rig_match(&r, 0, id, 0, m);
	return rig_put(&r, m, actions, u);
}

/* --- the tier --- */

START_TEST(a_rule_that_software_runs_is_never_hardware)
{
	struct engine_device_info *d = calloc(1, sizeof(*d));
	struct engine_totals t;
	struct engine_port_info p[RIG_PORTS];
	struct engine_flow *f;
	struct match m;
	struct ufid u;

	rig_open(&r, false);
	r.w->hw_silent = true;
	f = one(1, "%1", &m, &u);
	rig_wait(&r, u, OFFLOAD_ST_TC, OFFLOAD_NOT_IN_HW);
	ck_assert(survivor_send(r.w, &m.key, 10));
	rig_wait_packets(&r, f, 10);
	ck_assert_uint_eq(rig_tier(&r, u, LEDGER_TC), 10);
	ck_assert_uint_eq(rig_tier(&r, u, LEDGER_HARDWARE), 0);
	engine_totals(r.e, &t);
	ck_assert_uint_eq(t.flows[LEDGER_TC], 1);
	ck_assert_uint_eq(t.flows[LEDGER_HARDWARE], 0);
	ck_assert_uint_eq(t.no_device[OFFLOAD_NOT_IN_HW], 1);
	rig_device(&r, d);
	ck_assert_uint_eq(d->flows[OFFLOAD_ST_TC], 1);
	ck_assert_uint_eq(d->usage.entries, 0); /* it costs no hardware */
	ck_assert_uint_eq(d->flows_by_reason[OFFLOAD_NOT_IN_HW], 1);
	ck_assert_uint_eq(engine_ports(r.e, p, RIG_PORTS), RIG_PORTS);
	ck_assert_uint_eq(p[0].flows_hw + p[1].flows_hw + p[2].flows_hw + p[3].flows_hw, 0);
	ck_assert_uint_eq(p[0].flows_tc + p[1].flows_tc + p[2].flows_tc + p[3].flows_tc, 1);
	r.w->hw_silent = false; /* and when the driver can do it, it goes there */
	new_caps();
	rig_wait(&r, u, OFFLOAD_ST_HARDWARE, -1);
	ck_assert(survivor_send(r.w, &m.key, 5));
	rig_wait_packets(&r, f, 15);
	ck_assert_uint_eq(rig_tier(&r, u, LEDGER_TC), 10);
	ck_assert_uint_eq(rig_tier(&r, u, LEDGER_HARDWARE), 5);
	rig_del(&r, f);
	rig_wait_gone(&r, 1);
	ck_assert_uint_eq(r.gone_packets, 15);
	rig_close(&r, false);
	ck_assert_uint_eq(survivor_count(r.w, r.w->rules), 0);
	rig_end(&r);
	free(d);
}
END_TEST

START_TEST(the_drivers_words_are_kept_and_it_is_asked_once_a_shape)
{
	struct engine_device_info *d = calloc(1, sizeof(*d));
	struct engine_flow_info i;
	struct engine_flow *f, *g;
	struct match m;
	struct ufid u, v;

	rig_open(&r, false);
	r.w->hw_refuses = true;
	f = one(1, "%1", &m, &u);
	rig_wait(&r, u, OFFLOAD_ST_TC, OFFLOAD_DRIVER_REFUSED);
	rig_info(&r, u, &i);
	ck_assert_str_eq(i.why.driver, "survivor: not this one");
	g = one(2, "%1", &m, &v);
	rig_wait(&r, v, OFFLOAD_ST_TC, OFFLOAD_SHAPE_REFUSED);
	ck_assert_int_eq(policy_of(v), OFFLOAD_POLICY_SKIP_HW);
	rig_device(&r, d);
	ck_assert_uint_eq(d->learned_shapes, 1);
	r.w->hw_refuses = false;
	new_caps();
	rig_wait(&r, u, OFFLOAD_ST_HARDWARE, -1);
	rig_wait(&r, v, OFFLOAD_ST_HARDWARE, -1);
	rig_del(&r, f);
	rig_del(&r, g);
	rig_close(&r, false);
	rig_end(&r);
	free(d);
}
END_TEST

START_TEST(without_software_of_its_own_a_refusal_is_one)
{
	struct engine_flow *f;
	struct match m;
	struct ufid u;

	rig_open(&r, false);
	survivor_lock(r.w);
	r.w->no_software = r.w->hw_refuses = true;
	survivor_unlock(r.w);
	new_caps();
	f = one(1, "%1", &m, &u);
	rig_wait(&r, u, OFFLOAD_ST_REFUSED, OFFLOAD_DRIVER_REFUSED);
	ck_assert_uint_eq(survivor_count(r.w, r.w->rules), 0);
	rig_del(&r, f);
	rig_close(&r, false);
	rig_end(&r);
}
END_TEST

START_TEST(priorities_that_run_out_are_not_a_full_table)
{
	struct engine_device_info *d = calloc(1, sizeof(*d));
	struct engine_flow *f, *g;
	struct match m;
	struct ufid u, v;

	rig_open(&r, false);
	r.w->prio_full = true;
	f = one(1, "%1", &m, &u);
	rig_wait(&r, u, OFFLOAD_ST_REFUSED, OFFLOAD_PRIO_FULL);
	r.w->prio_full = false;
	g = one(2, "%1", &m, &v); /* another mask may have its own */
	rig_wait(&r, v, OFFLOAD_ST_HARDWARE, -1);
	rig_wait(&r, u, OFFLOAD_ST_HARDWARE, -1); /* after a while */
	rig_device(&r, d);
	ck_assert_uint_eq(d->refusals[OFFLOAD_TABLE_FULL], 0);
	rig_del(&r, f);
	rig_del(&r, g);
	rig_close(&r, false);
	rig_end(&r);
	free(d);
}
END_TEST

/* Rules in software wait for hardware like any flow, and the busier one gets it. */
START_TEST(software_rules_compete_for_a_full_table)
{
	struct engine_device_info *d = calloc(1, sizeof(*d));
	struct engine_flow *f[4];
	struct ufid u[4];
	struct match m[4];
	unsigned in = 0;

	rig_open(&r, false);
	r.w->hw_max = 2;
	for (unsigned i = 0; i < 4; i++) {
		f[i] = one(i, "%1", &m[i], &u[i]);
		ck_assert(engine_quiesce(r.e, 5000));
	}
	rig_wait(&r, u[0], OFFLOAD_ST_HARDWARE, -1);
	rig_wait(&r, u[1], OFFLOAD_ST_HARDWARE, -1);
	for (unsigned turn = 0; turn < 2000 && in < 2; turn++) {
		in = 0;
		for (unsigned i = 2; i < 4; i++) {
			struct engine_flow_info info;

			ck_assert(survivor_send(r.w, &m[i].key, 20));
			rig_info(&r, u[i], &info);
			in += info.state == OFFLOAD_ST_HARDWARE;
		}
		(void)usleep(5000);
		engine_refresh(r.e);
	}
	ck_assert_uint_eq(in, 2);
	rig_device(&r, d);
	ck_assert_uint_ge(d->evictions, 2);
	ck_assert_uint_le(d->usage.entries, 2);
	for (unsigned i = 0; i < 4; i++)
		rig_del(&r, f[i]);
	rig_close(&r, false);
	rig_end(&r);
	free(d);
}
END_TEST

/* --- tc-policy --- */

START_TEST(policy_is_live)
{
	struct engine_flow *f, *ct;
	struct match m, mct;
	struct ufid u, uct;

	rig_open(&r, false);
	f = one(1, "%1", &m, &u);
	ct = one(2, "ct(commit),%1", &mct, &uct);
	rig_wait(&r, u, OFFLOAD_ST_HARDWARE, -1);
	rig_wait(&r, uct, OFFLOAD_ST_HARDWARE, -1);
	ck_assert(survivor_send(r.w, &m.key, 3));
	r.cfg.policy = OFFLOAD_POLICY_SKIP_HW;
	rig_configure(&r);
	rig_wait(&r, u, OFFLOAD_ST_TC, OFFLOAD_TC_POLICY);
	rig_wait(&r, uct, OFFLOAD_ST_TC, OFFLOAD_TC_POLICY);
	ck_assert(survivor_send(r.w, &m.key, 4));
	r.cfg.policy = OFFLOAD_POLICY_SKIP_SW;
	rig_configure(&r);
	rig_wait(&r, u, OFFLOAD_ST_HARDWARE, -1);
	rig_wait(&r, uct, OFFLOAD_ST_HARDWARE, -1);
	ck_assert_int_eq(policy_of(u), OFFLOAD_POLICY_SKIP_SW);
	ck_assert_int_eq(policy_of(uct), OFFLOAD_POLICY_NONE);
	ck_assert(survivor_send(r.w, &m.key, 5));
	r.cfg.hw_offload = false;
	rig_configure(&r);
	rig_wait(&r, u, OFFLOAD_ST_SOFTWARE, OFFLOAD_DISABLED);
	rig_wait(&r, uct, OFFLOAD_ST_SOFTWARE, OFFLOAD_DISABLED);
	ck_assert_uint_eq(survivor_count(r.w, r.w->rules), 0);
	ck_assert(survivor_send(r.w, &m.key, 6));
	rig_wait_packets(&r, f, 18); /* counted to the last */
	ck_assert_uint_eq(rig_tier(&r, u, LEDGER_TC), 4);
	ck_assert_uint_eq(rig_tier(&r, u, LEDGER_HARDWARE), 8);
	rig_del(&r, f);
	rig_del(&r, ct);
	rig_close(&r, false);
	rig_end(&r);
}
END_TEST

START_TEST(a_port_has_its_own_policy)
{
	struct engine_flow *f[2];
	struct match m;
	struct ufid u[2];

	rig_open(&r, false);
	for (unsigned i = 0; i < 2; i++) {
		rig_match(&r, i, i, 0, &m);
		f[i] = rig_put(&r, &m, "%3", &u[i]);
		rig_wait(&r, u[i], OFFLOAD_ST_HARDWARE, -1);
	}
	engine_port_policy(r.e, r.no[1], OFFLOAD_POLICY_SKIP_HW);
	rig_wait(&r, u[1], OFFLOAD_ST_TC, OFFLOAD_TC_POLICY);
	rig_wait(&r, u[0], OFFLOAD_ST_HARDWARE, -1);
	r.cfg.policy = OFFLOAD_POLICY_SKIP_HW;
	rig_configure(&r);
	rig_wait(&r, u[0], OFFLOAD_ST_TC, OFFLOAD_TC_POLICY);
	engine_port_policy(r.e, r.no[1], OFFLOAD_POLICY_NONE);
	rig_wait(&r, u[1], OFFLOAD_ST_HARDWARE, -1);
	engine_port_policy(r.e, r.no[1], -1);
	rig_wait(&r, u[1], OFFLOAD_ST_TC, OFFLOAD_TC_POLICY);
	rig_del(&r, f[0]);
	rig_del(&r, f[1]);
	rig_close(&r, false);
	rig_end(&r);
}
END_TEST

static const char *device_of(unsigned port)
{
	static struct engine_port_info p[RIG_PORTS];

	ck_assert_uint_eq(engine_ports(r.e, p, RIG_PORTS), RIG_PORTS);
	for (unsigned i = 0; i < RIG_PORTS; i++)
		if (p[i].no.v == r.no[port].v)
			return p[i].device;
	return NULL;
}

/* Who wants ports by nature, here: every one, while the machine says so. */
START_TEST(ports_are_offered_in_the_order_that_is_asked_for)
{
	static const struct {
		const char *text, *device;
	} cases[] = {
		{ "none", "" },
		{ "auto:nosuch, survivor", "survivor:auto" },
		{ "auto:nosuch", "" },
		{ "auto", "survivor:auto" },
		{ "survivor:b", "survivor:b" },
		{ NULL, "survivor:auto" },
	};
	struct dp_port_info info;

	rig_open(&r, false);
	r.w->wants_all = true;
	ck_assert_int_eq(r.dp->ops->port_get(r.dp, r.no[0], &info), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		ck_assert_int_eq(engine_port_move(r.e, info.port, cases[i].text, NULL), 0);
		ck_assert_str_eq(device_of(0), cases[i].device);
	}
	port_unref(info.port);
	rig_close(&r, false);
	rig_end(&r);
}
END_TEST

START_TEST(skip_hw_needs_somewhere_to_be)
{
	struct engine_flow *f;
	struct match m;
	struct ufid u;

	rig_open(&r, false);
	survivor_lock(r.w);
	r.w->no_software = true;
	survivor_unlock(r.w);
	new_caps();
	r.cfg.policy = OFFLOAD_POLICY_SKIP_HW;
	rig_configure(&r);
	f = one(1, "%1", &m, &u);
	rig_wait(&r, u, OFFLOAD_ST_SOFTWARE, OFFLOAD_TC_POLICY);
	r.cfg.policy = OFFLOAD_POLICY_NONE;
	rig_configure(&r);
	rig_wait(&r, u, OFFLOAD_ST_HARDWARE, -1);
	rig_del(&r, f);
	rig_close(&r, false);
	rig_end(&r);
}
END_TEST

/* --- what is told --- */

static bool passed(struct ufid u, enum offload_state st, enum offload_reason reason,
		   const char *words)
{
	struct engine_flow_info i;

	rig_info(&r, u, &i);
	for (unsigned k = 0; k < MIN(i.n_events, (unsigned)ENGINE_HISTORY); k++)
		if (i.history[k].to == st && i.history[k].why.reason == reason &&
		    !strcmp(i.history[k].why.driver, words))
			return true;
	return false;
}

START_TEST(tampering_heals_at_once)
{
	static const struct {
		bool remove, tell;
		enum offload_reason reason;
	} cases[] = {
		{ true, true, OFFLOAD_FORGOTTEN },
		{ false, true, OFFLOAD_ALTERED },
		{ true, false, OFFLOAD_FORGOTTEN }, /* told of as "something" */
		{ false, false, OFFLOAD_ALTERED },
	};
	static const struct offload_event something = { .kind = OFFLOAD_EV_RULES };
	struct engine_device_info *d = calloc(1, sizeof(*d));
	struct survivor_rule rule;

	rig_open(&r, false); /* no audit of its own */
	for (unsigned c = 0; c < ARRAY_SIZE(cases); c++) {
		struct engine_flow *f;
		struct match m;
		struct ufid u;

		f = one(c, "%1", &m, &u);
		rig_wait(&r, u, OFFLOAD_ST_HARDWARE, -1);
		survivor_tamper(r.w, u, cases[c].remove, cases[c].tell);
		if (!cases[c].tell)
			survivor_tell(&something);
		for (unsigned ms = 0; ms < 10000 && !passed(u, OFFLOAD_ST_LOST, cases[c].reason,
							    cases[c].tell ? "by hand" : "");
		     ms++)
			(void)usleep(1000);
		ck_assert(passed(u, OFFLOAD_ST_LOST, cases[c].reason,
				 cases[c].tell ? "by hand" : ""));
		rig_wait(&r, u, OFFLOAD_ST_HARDWARE, -1);
		ck_assert(survivor_rule(r.w, u, &rule));
		ck_assert_uint_ne(rule.acts_len, 0);
		rig_del(&r, f);
	}
	rig_device(&r, d);
	ck_assert_uint_eq(d->events[OFFLOAD_EV_RULE_GONE], 1);
	ck_assert_uint_eq(d->events[OFFLOAD_EV_RULE_ALTERED], 1);
	ck_assert_uint_eq(d->events[OFFLOAD_EV_RULES], 2);
	ck_assert_uint_eq(d->audit_missing, 2);
	ck_assert_uint_eq(d->audit_altered, 2);
	ck_assert_uint_eq(d->repairs, 4);
	rig_close(&r, false);
	rig_end(&r);
	free(d);
}
END_TEST

/* More than can be remembered one by one. */
START_TEST(a_flood_of_tampering_heals)
{
	struct engine_flow *f[300];
	struct ufid u[300];
	struct match m;

	rig_open(&r, false);
	for (unsigned i = 0; i < 300; i++)
		f[i] = one(i, "%1", &m, &u[i]);
	ck_assert(engine_quiesce(r.e, 10000));
	for (unsigned i = 0; i < 300; i++)
		survivor_tamper(r.w, u[i], i % 2, true);
	for (unsigned i = 0; i < 300; i++) {
		struct survivor_rule rule = { .acts_len = 0 };

		for (unsigned ms = 0; ms < 10000 && !rule.acts_len; ms++) {
			(void)usleep(ms ? 1000 : 0);
			(void)survivor_rule(r.w, u[i], &rule); /* it comes back */
		}
		ck_assert_uint_ne(rule.acts_len, 0);
		rig_del(&r, f[i]);
	}
	rig_close(&r, false);
	rig_end(&r);
}
END_TEST

START_TEST(a_device_that_is_gone_comes_back)
{
	static const struct offload_event gone = { .kind = OFFLOAD_EV_GONE, .words = "unplugged" };
	struct engine_flow *f, *g;
	struct match m, n;
	struct ufid u, v;

	rig_open(&r, false);
	f = one(1, "%1", &m, &u);
	rig_wait(&r, u, OFFLOAD_ST_HARDWARE, -1);
	ck_assert(survivor_send(r.w, &m.key, 3));
	rig_wait_packets(&r, f, 3);
	survivor_lock(r.w);
	memset(r.w->rules, 0, sizeof(r.w->rules));
	survivor_unlock(r.w);
	survivor_tell(&gone);
	rig_wait(&r, u, OFFLOAD_ST_SOFTWARE, OFFLOAD_GONE);
	g = one(2, "%1", &n, &v);
	rig_wait(&r, v, OFFLOAD_ST_SOFTWARE, OFFLOAD_GONE);
	ck_assert(survivor_send(r.w, &m.key, 4));
	ck_assert(survivor_send(r.w, &n.key, 4));
	ck_assert_uint_eq(survivor_count(r.w, r.w->rules), 0);
	new_caps();
	rig_wait(&r, u, OFFLOAD_ST_HARDWARE, -1);
	rig_wait(&r, v, OFFLOAD_ST_HARDWARE, -1);
	rig_wait_packets(&r, f, 7);
	rig_del(&r, f);
	rig_del(&r, g);
	rig_close(&r, false);
	rig_end(&r);
}
END_TEST

START_TEST(a_reset_that_is_told_is_looked_into)
{
	static const struct offload_event reset = { .kind = OFFLOAD_EV_RESET };
	struct engine_device_info *d = calloc(1, sizeof(*d));
	struct engine_flow *f;
	struct match m;
	struct survivor_rule rule;
	struct ufid u;

	rig_open(&r, false);
	r.cfg.stats_period_ms = 60000; /* only the notification can bring it up */
	rig_configure(&r);
	f = one(1, "%1", &m, &u);
	rig_wait(&r, u, OFFLOAD_ST_HARDWARE, -1);
	survivor_lock(r.w);
	memset(r.w->rules, 0, sizeof(r.w->rules));
	r.w->epoch++;
	survivor_unlock(r.w);
	survivor_tell(&reset);
	for (unsigned ms = 0; ms < 10000 && !survivor_rule(r.w, u, &rule); ms++)
		(void)usleep(1000);
	rig_wait(&r, u, OFFLOAD_ST_HARDWARE, -1);
	rig_device(&r, d);
	ck_assert_uint_eq(d->resets, 1);
	ck_assert_uint_eq(d->events[OFFLOAD_EV_RESET], 1);
	rig_del(&r, f);
	rig_close(&r, false);
	rig_end(&r);
	free(d);
}
END_TEST

START_TEST(explanations_tell_software_from_hardware)
{
	struct json_object *o, *x;
	struct engine_flow *f;
	struct match m;
	struct ufid u;

	rig_open(&r, false);
	r.w->hw_silent = true;
	f = one(1, "%1", &m, &u);
	rig_wait(&r, u, OFFLOAD_ST_TC, -1);
	o = explain_why(r.e, "state=tc", NULL);
	ck_assert_ptr_nonnull(o);
	x = json_object_array_get_idx(o, 0);
	ck_assert_str_eq(json_object_get_string(json_object_object_get(x, "reason")), "not_in_hw");
	ck_assert_ptr_nonnull(json_object_object_get(x, "retry"));
	json_object_put(o);
	o = explain_flows(r.e, "state=hardware", NULL);
	ck_assert_uint_eq(json_object_array_length(o), 0);
	json_object_put(o);
	rig_del(&r, f);
	rig_close(&r, false);
	rig_end(&r);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("offload tiers");
	TCase *t = tcase_create("tiers");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_test(t, a_rule_that_software_runs_is_never_hardware);
	tcase_add_test(t, the_drivers_words_are_kept_and_it_is_asked_once_a_shape);
	tcase_add_test(t, without_software_of_its_own_a_refusal_is_one);
	tcase_add_test(t, priorities_that_run_out_are_not_a_full_table);
	tcase_add_test(t, software_rules_compete_for_a_full_table);
	tcase_add_test(t, policy_is_live);
	tcase_add_test(t, a_port_has_its_own_policy);
	tcase_add_test(t, ports_are_offered_in_the_order_that_is_asked_for);
	tcase_add_test(t, skip_hw_needs_somewhere_to_be);
	tcase_add_test(t, tampering_heals_at_once);
	tcase_add_test(t, a_flood_of_tampering_heals);
	tcase_add_test(t, a_device_that_is_gone_comes_back);
	tcase_add_test(t, a_reset_that_is_told_is_looked_into);
	tcase_add_test(t, explanations_tell_software_from_hardware);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
