/* SPDX-License-Identifier: Apache-2.0 */
/* Each fault of sim leads to its state, its reason and its counter, and is repaired. */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "tests/unit/offload/lab.h"

struct fault_case {
	const char *fault;
	enum offload_reason reason;
};

START_TEST(driver_refusals_are_learned_and_forgotten)
{
	struct engine_device_info *d = xzalloc(sizeof(*d));
	struct engine_flow *f[3];
	struct ufid u[3];
	struct match m;
	struct lab *l;

	lab_profile_generic("refuse", 100, 0, 0);
	l = lab_open("j", "sim:refuse", LAB_PORTS, true, NULL);
	lab_fault(l, 0, "fault refuse field udp_dst");
	for (unsigned i = 0; i < 3; i++) {
		lab_udp(l, 0, i, &m);
		if (i == 2)
			m.mask.tp_dst = 0;
		f[i] = lab_put(l, &m, "%1", true, &u[i]);
		lab_wait_state(l, u[i], i == 2 ? OFFLOAD_ST_HARDWARE : OFFLOAD_ST_REFUSED,
			       i == 2 ? OFFLOAD_OK
			       : i    ? OFFLOAD_SHAPE_REFUSED
				      : OFFLOAD_DRIVER_REFUSED);
	}
	lab_device(l, d);
	ck_assert_uint_eq(d->learned_shapes, 1);
	ck_assert_uint_eq(d->failures, 1); /* asked once */
	lab_modify(l, f[2], "set(ipv4(ttl=9)),%1", true);
	lab_wait_state(l, u[2], OFFLOAD_ST_HARDWARE, OFFLOAD_REPLACING);
	lab_fault(l, 0, "fault refuse action set");
	lab_modify(l, f[2], "set(ipv4(ttl=8)),%1", true);
	lab_wait_state(l, u[2], OFFLOAD_ST_REFUSED, OFFLOAD_DRIVER_REFUSED);
	lab_fault(l, -EINVAL, "fault refuse field nosuch");
	lab_fault(l, -EINVAL, "fault refuse");
	lab_fault(l, 0, "fault refuse shape udp_src,nw_src,output");
	lab_fault(l, 0, "fault clear");
	for (unsigned i = 0; i < 3; i++)
		lab_wait_state(l, u[i], OFFLOAD_ST_HARDWARE, -1);
	for (unsigned i = 0; i < 3; i++)
		lab_del(l, f[i]);
	lab_close(l);
	free(d);
}
END_TEST

START_TEST(a_full_table_is_believed)
{
	struct engine_device_info *d = xzalloc(sizeof(*d));
	struct engine_flow *f[6];
	struct ufid u[6];
	struct match m;
	struct lab *l;

	lab_profile_generic("big", 1000, 0, 0);
	l = lab_open("k", "sim:big", LAB_PORTS, true, NULL);
	lab_fault(l, 0, "fault full 3");
	for (unsigned i = 0; i < 6; i++) {
		lab_udp(l, 0, i, &m);
		f[i] = lab_put(l, &m, "%1", true, &u[i]);
		lab_wait_state(l, u[i], i < 3 ? OFFLOAD_ST_HARDWARE : OFFLOAD_ST_REFUSED, -1);
	}
	lab_device(l, d);
	ck_assert_uint_eq(d->failures, 1);
	lab_wait_state(l, u[5], OFFLOAD_ST_REFUSED, OFFLOAD_NOT_WORTH);
	lab_fault(l, 0, "fault clear");
	for (unsigned i = 0; i < 6; i++)
		lab_wait_state(l, u[i], OFFLOAD_ST_HARDWARE, -1);
	for (unsigned i = 0; i < 6; i++)
		lab_del(l, f[i]);
	lab_close(l);
	free(d);
}
END_TEST

static void audit_often(struct engine_config *cfg)
{
	cfg->audit_period_ms = 50;
}

/* The steps of a flow's history that lead from `from` to `to` for this reason. */
static unsigned steps(struct lab *l, struct ufid u, enum offload_state to, enum offload_reason why)
{
	struct engine_flow_info i;
	unsigned n = 0;

	lab_info(l, u, &i);
	engine_flow_info_done(&i);
	for (unsigned k = 0; k < MIN(i.n_events, (unsigned)ENGINE_HISTORY); k++)
		n += i.history[k].to == to && i.history[k].why.reason == why;
	return n;
}

static void wait_lost_and_back(struct lab *l, struct ufid u, enum offload_reason why)
{
	for (unsigned ms = 0; ms < 5000 && !steps(l, u, OFFLOAD_ST_LOST, why); ms += 5)
		lab_sleep_ms(5);
	ck_assert_uint_eq(steps(l, u, OFFLOAD_ST_LOST, why), 1);
	lab_wait_state(l, u, OFFLOAD_ST_HARDWARE, OFFLOAD_OK);
}

START_TEST(lost_rules_are_found_and_repaired)
{
	static const struct fault_case cases[] = {
		{ "fault reset", OFFLOAD_RESET },
		{ "fault forget any", OFFLOAD_FORGOTTEN },
		{ "fault alter any", OFFLOAD_ALTERED },
	};
	struct engine_device_info *d = xzalloc(sizeof(*d));
	struct engine_flow *f;
	uint64_t sent = 0;
	struct match m;
	struct ufid u;
	struct lab *l;

	lab_profile_generic("lossy", 100, 0, 0);
	l = lab_open("l", "sim:lossy", LAB_PORTS, true, audit_often);
	lab_udp(l, 0, 1, &m);
	f = lab_put(l, &m, "%1", true, &u);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		lab_wait_state(l, u, OFFLOAD_ST_HARDWARE, -1);
		lab_send(l, 0, &m.key, 0, 10);
		lab_fault(l, 0, cases[i].fault);
		lab_send(l, 0, &m.key, 0, 10);
		wait_lost_and_back(l, u, cases[i].reason);
		lab_send(l, 0, &m.key, 0, 10);
		sent += 30;
		lab_wait_packets(l, f, sent);
	}
	lab_device(l, d);
	ck_assert_uint_eq(d->resets, 1);
	ck_assert_uint_eq(d->audit_missing, 1);
	ck_assert_uint_eq(d->audit_altered, 1);
	ck_assert_uint_eq(d->repairs, 3);
	lab_fault(l, -ENOENT, "fault forget 00000000-0000-0000-0000-000000000000");
	lab_fault(l, -EINVAL, "fault forget x");
	lab_fault(l, -EINVAL, "fault nonsense");
	lab_fault(l, -EINVAL, "nonsense");
	lab_fault(l, 0, "status");
	lab_del(l, f);
	lab_close(l);
	free(d);
}
END_TEST

START_TEST(a_rule_that_never_hits_is_found)
{
	struct engine_fault *fault = xcalloc(ENGINE_FAULTS, sizeof(*fault));
	struct engine_device_info *d = xzalloc(sizeof(*d));
	struct engine_flow_info info;
	struct engine_flow *f;
	struct match m;
	struct ufid u;
	struct lab *l;

	lab_profile_generic("deaf", 100, 0, 0);
	l = lab_open("m", "sim:deaf", LAB_PORTS, true, audit_often);
	lab_udp(l, 0, 1, &m);
	f = lab_put(l, &m, "%1", true, &u);
	lab_wait_state(l, u, OFFLOAD_ST_HARDWARE, -1);
	lab_fault(l, 0, "fault mute any");
	lab_sleep_ms(120);
	for (unsigned i = 0; i < 100 && !steps(l, u, OFFLOAD_ST_LOST, OFFLOAD_MUTE); i++) {
		lab_send(l, 0, &m.key, 0, 10);
		lab_sleep_ms(30);
		engine_refresh(l->e);
	}
	ck_assert_uint_ge(engine_faults(l->e, fault, ENGINE_FAULTS), 1);
	ck_assert(fault[0].ufid.u[0] == u.u[0] && fault[0].ufid.u[1] == u.u[1]);
	ck_assert_str_eq(fault[0].device, "sim:deaf");
	ck_assert_uint_ge(fault[0].sw_packets, 16); /* the evidence */
	ck_assert_uint_eq(fault[0].hw_packets, 0);
	ck_assert_uint_gt(fault[0].window_ms, 0);
	ck_assert_uint_lt(fault[0].since_ns, fault[0].last_ns);
	wait_lost_and_back(l, u, OFFLOAD_MUTE);
	lab_device(l, d);
	ck_assert_uint_eq(d->audit_mute, 1);
	for (unsigned i = 0; i < 200 && !fault[0].ended_ns; i++) { /* until hardware counts again */
		lab_send(l, 0, &m.key, 0, 1);
		lab_sleep_ms(30);
		ck_assert_uint_eq(engine_faults(l->e, fault, ENGINE_FAULTS), 1);
	}
	ck_assert(fault[0].ended_ns && fault[0].healed);
	lab_info(l, u, &info);
	engine_flow_info_done(&info);
	ck_assert(info.faulty && info.fault.healed);
	lab_fault(l, 0, "fault rewind any");
	lab_del(l, f);
	lab_close(l);
	free(fault);
	free(d);
}
END_TEST

START_TEST(counters_that_run_back_add_nothing)
{
	struct engine_device_info *d = xzalloc(sizeof(*d));
	struct engine_flow *f;
	struct match m;
	struct ufid u;
	struct lab *l;

	lab_profile_generic("back", 100, 0, 0);
	l = lab_open("n", "sim:back", LAB_PORTS, true, NULL);
	lab_udp(l, 0, 1, &m);
	f = lab_put(l, &m, "%1", true, &u);
	lab_wait_state(l, u, OFFLOAD_ST_HARDWARE, -1);
	lab_send(l, 0, &m.key, 0, 10);
	lab_wait_packets(l, f, 10);
	lab_fault(l, 0, "fault rewind any");
	for (unsigned ms = 0; ms < 5000 && !d->readings_back; ms += 5) {
		lab_sleep_ms(5);
		lab_device(l, d);
	}
	ck_assert_uint_eq(d->readings_back, 1);
	lab_send(l, 0, &m.key, 0, 10);
	lab_wait_packets(l, f, 20);
	lab_del(l, f);
	lab_close(l);
	free(d);
}
END_TEST

struct seen {
	struct engine_audit last; /* list: none */
	struct engine_finding first;
};

static void see(const struct engine_audit *a, void *aux)
{
	struct seen *x = aux;

	x->last = *a;
	x->last.list = NULL;
	memset(&x->first, 0, sizeof(x->first));
	if (a->n_list)
		x->first = a->list[0];
}

static void audit(struct lab *l, bool repair, struct seen *x)
{
	ck_assert_int_eq(engine_audit(l->e, NULL, repair, see, x, NULL), 0);
	ck_assert(x->last.answered && x->last.can_tell);
	ck_assert_int_eq(x->last.repair, repair);
}

START_TEST(an_audit_on_demand_reports_and_repairs)
{
	struct str out = STR_INIT;
	struct error err = ERROR_INIT;
	struct engine_device_info *d = xzalloc(sizeof(*d));
	struct engine_flow *f;
	struct seen x;
	struct match m;
	struct ufid u;
	struct lab *l;

	lab_profile_generic("audit", 100, 0, 0);
	l = lab_open("o", "sim:audit", LAB_PORTS, true, NULL);
	lab_udp(l, 0, 1, &m);
	f = lab_put(l, &m, "%1", true, &u);
	lab_wait_state(l, u, OFFLOAD_ST_HARDWARE, -1);
	ck_assert_int_eq(engine_audit(l->e, "sim:audit", false, engine_audit_print, &out, &err), 0);
	ck_assert_str_eq(str_cstr(&out), "sim:audit: 1 rules, 0 missing, 0 orphaned, 0 altered, "
					 "0 mute, 0 ran_back\n");
	lab_fault(l, 0, "fault alter any");
	for (unsigned i = 0; i < 2; i++) { /* reports change nothing */
		audit(l, false, &x);
		ck_assert_uint_eq(x.last.n[ENGINE_ALTERED], 1);
		ck_assert_uint_eq(x.last.n_list, 1);
		ck_assert_int_eq(x.first.kind, ENGINE_ALTERED);
		ck_assert_mem_eq(&x.first.ufid, &u, sizeof(u));
		ck_assert_ptr_nonnull(strstr(x.first.evidence, "placed as"));
		lab_wait_state(l, u, OFFLOAD_ST_HARDWARE, -1);
		ck_assert_uint_eq(steps(l, u, OFFLOAD_ST_LOST, OFFLOAD_ALTERED), 0);
	}
	audit(l, true, &x);
	wait_lost_and_back(l, u, OFFLOAD_ALTERED);
	lab_device(l, d); /* the right one came before the wrong one went */
	ck_assert_uint_eq(d->replaces, 1);
	ck_assert_uint_eq(d->removes, 0);
	ck_assert_uint_eq(d->audit_drift[ENGINE_ALTERED], 1);
	audit(l, false, &x);
	ck_assert_uint_eq(x.last.n[ENGINE_ALTERED], 0);
	lab_device(l, d);
	ck_assert_uint_eq(d->audit_drift[ENGINE_ALTERED], 0);
	ck_assert_int_eq(engine_audit(l->e, "nosuch", true, see, &x, &err), -ENODEV);
	lab_del(l, f);
	lab_close(l);
	str_done(&out);
	free(d);
}
END_TEST

/* Nothing is lost on the way: the packets before, during and after are all counted, once. */
START_TEST(a_counter_that_ran_back_is_made_anew)
{
	struct engine_device_info *d = xzalloc(sizeof(*d));
	struct engine_flow *f;
	struct seen x;
	struct match m;
	struct ufid u;
	struct lab *l;

	lab_profile_generic("anew", 100, 0, 0);
	l = lab_open("q", "sim:anew", LAB_PORTS, true, NULL);
	lab_udp(l, 0, 1, &m);
	f = lab_put(l, &m, "%1", true, &u);
	lab_wait_state(l, u, OFFLOAD_ST_HARDWARE, -1);
	lab_send(l, 0, &m.key, 0, 10);
	lab_wait_packets(l, f, 10);
	lab_fault(l, 0, "fault rewind any");
	for (unsigned ms = 0; ms < 5000 && !d->readings_back; ms += 5) {
		lab_sleep_ms(5);
		lab_device(l, d);
	}
	for (unsigned i = 0; i < 2; i++) {
		audit(l, i, &x);
		ck_assert_uint_eq(x.last.n[ENGINE_RAN_BACK], 1);
		ck_assert_ptr_nonnull(strstr(x.first.evidence, "ran back 1 times"));
	}
	lab_wait_state(l, u, OFFLOAD_ST_HARDWARE, OFFLOAD_REPLACING);
	lab_send(l, 0, &m.key, 0, 10);
	lab_wait_packets(l, f, 20);
	audit(l, false, &x);
	ck_assert_uint_eq(x.last.n[ENGINE_RAN_BACK], 0);
	lab_del(l, f);
	lab_close(l);
	free(d);
}
END_TEST

static void *ask_in_a_row(void *arg)
{
	struct seen x;

	for (unsigned i = 0; i < 50; i++)
		audit(arg, i % 2, &x);
	return NULL;
}

/* What changes during a run is no finding of it. */
START_TEST(changes_under_way_are_no_findings)
{
	struct engine_device_info *d = xzalloc(sizeof(*d));
	struct engine_flow *f[64];
	struct match m[64];
	struct ufid u;
	pthread_t asker;
	struct lab *l;

	lab_profile_generic("busy", 4000, 0, 0);
	l = lab_open("r", "sim:busy", LAB_PORTS, true, audit_often);
	for (unsigned i = 0; i < 1000; i++) { /* several steps of a run */
		lab_udp(l, 0, 1000 + i, &m[0]);
		engine_flow_unref(lab_put(l, &m[0], "%1", true, &u));
	}
	ck_assert_int_eq(pthread_create(&asker, NULL, ask_in_a_row, l), 0);
	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < 64; i++) {
			lab_udp(l, 0, i, &m[i]);
			f[i] = lab_put(l, &m[i], "%1", true, &u);
		}
		for (unsigned i = 0; i < 64; i += 2)
			lab_modify(l, f[i], "set(ipv4(ttl=9)),%2", true);
		for (unsigned i = 0; i < 64; i++)
			lab_del(l, f[i]);
	}
	pthread_join(asker, NULL);
	ck_assert(engine_quiesce(l->e, 10000));
	lab_device(l, d);
	ck_assert_uint_gt(d->audit_runs, 49);
	ck_assert_uint_eq(d->audit_missing, 0);
	ck_assert_uint_eq(d->audit_altered, 0);
	ck_assert_uint_eq(d->audit_orphaned, 0);
	ck_assert_uint_eq(d->repairs, 0);
	lab_close(l);
	free(d);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("offload faults");
	TCase *t = tcase_create("faults");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_test(t, driver_refusals_are_learned_and_forgotten);
	tcase_add_test(t, a_full_table_is_believed);
	tcase_add_test(t, lost_rules_are_found_and_repaired);
	tcase_add_test(t, a_rule_that_never_hits_is_found);
	tcase_add_test(t, counters_that_run_back_add_nothing);
	tcase_add_test(t, an_audit_on_demand_reports_and_repairs);
	tcase_add_test(t, a_counter_that_ran_back_is_made_anew);
	tcase_add_test(t, changes_under_way_are_no_findings);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
