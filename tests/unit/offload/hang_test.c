/* SPDX-License-Identifier: Apache-2.0 */
/* A device that does not come back from a call costs itself and nothing else. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "tests/unit/offload/rig.h"

#define HANG_MS 200

static struct rig r;

/* Another request keeps the device's thread in its call. */
static struct engine_flow *hang(struct match *m, struct ufid *u)
{
	struct engine_flow *f;

	r.cfg.hang_ms = HANG_MS;
	rig_configure(&r);
	r.w->hangs = true;
	rig_match(&r, 0, 999, 0, m);
	f = rig_put(&r, m, "%1", u);
	for (unsigned ms = 0; ms < 10000 && !r.w->in_apply; ms++)
		(void)usleep(1000);
	ck_assert_uint_eq(r.w->in_apply, 1);
	return f;
}

static void wait_cut_off(void)
{
	static struct engine_device_info d;

	for (unsigned ms = 0; ms < 10000; ms += 10) {
		engine_refresh(r.e); /* as the revalidator does */
		rig_device(&r, &d);
		if (d.hung)
			return;
		(void)usleep(10000);
	}
	ck_abort_msg("it is not cut off");
}

static void wait_back(void)
{
	static struct engine_device_info d;

	for (unsigned ms = 0; ms < 10000; ms++) {
		rig_device(&r, &d);
		if (!d.hung)
			return;
		(void)usleep(1000);
	}
	ck_abort_msg("it does not come back");
}

START_TEST(it_is_cut_off_and_comes_back)
{
	static struct engine_device_info d;
	struct engine_flow *held, *deleted, *waiting, *later;
	struct match m_held, m_deleted, m, m_later;
	struct ufid u_held, u_deleted, u, u_later;
	struct survivor_rule rule;

	rig_open(&r, false);
	rig_match(&r, 0, 1, 0, &m_held);
	held = rig_put(&r, &m_held, "%1", &u_held);
	rig_match(&r, 0, 2, 0, &m_deleted);
	deleted = rig_put(&r, &m_deleted, "%1", &u_deleted);
	rig_wait(&r, u_held, OFFLOAD_ST_HARDWARE, -1);
	rig_wait(&r, u_deleted, OFFLOAD_ST_HARDWARE, -1);
	ck_assert(survivor_send(r.w, &m_deleted.key, 5));
	rig_wait_packets(&r, deleted, 5);
	waiting = hang(&m, &u);
	wait_cut_off();
	rig_wait(&r, u, OFFLOAD_ST_SOFTWARE, OFFLOAD_HUNG);
	rig_wait(&r, u_held, OFFLOAD_ST_HARDWARE, -1);
	rig_match(&r, 0, 3, 0, &m_later);
	later = rig_put(&r, &m_later, "%1", &u_later);
	rig_wait(&r, u_later, OFFLOAD_ST_SOFTWARE, OFFLOAD_HUNG);
	ck_assert(survivor_send(r.w, &m.key, 10));
	ck_assert(survivor_send(r.w, &m_later.key, 10));
	rig_wait_packets(&r, waiting, 10);
	rig_wait_packets(&r, later, 10);
	rig_del(&r, deleted); /* given up with what it is known to have counted */
	rig_wait_gone(&r, 1);
	ck_assert_uint_eq(r.gone_packets, 5);
	rig_modify(&r, held, "%2");
	ck_assert(engine_quiesce(r.e, 1000)); /* nobody waits for it */
	ck_assert(survivor_rule(r.w, u_deleted, &rule));

	r.w->hangs = false;
	rig_wait(&r, u, OFFLOAD_ST_HARDWARE, -1);
	rig_wait(&r, u_later, OFFLOAD_ST_HARDWARE, -1);
	ck_assert(engine_quiesce(r.e, 5000));
	for (unsigned ms = 0; ms < 10000 && survivor_count(r.w, r.w->rules) != 3; ms++)
		(void)usleep(1000); /* what nobody asked for has been taken out */
	ck_assert_uint_eq(survivor_count(r.w, r.w->rules), 3);
	ck_assert(!survivor_rule(r.w, u_deleted, &rule));
	wait_back();
	rig_device(&r, &d);
	ck_assert_uint_eq(d.hangs, 1);
	ck_assert(survivor_send(r.w, &m.key, 7));
	rig_wait_packets(&r, waiting, 17);
	rig_del(&r, held);
	rig_del(&r, waiting);
	rig_del(&r, later);
	rig_close(&r, false);
	ck_assert_uint_eq(survivor_count(r.w, r.w->rules), 0);
	rig_end(&r);
}
END_TEST

static struct port *port_of(unsigned i)
{
	struct dp_port_info info;

	ck_assert_int_eq(r.dp->ops->port_get(r.dp, r.no[i], &info), 0);
	port_unref(info.port); /* the datapath has it */
	return info.port;
}

START_TEST(its_ports_can_leave_and_come_back)
{
	struct engine_flow *held, *waiting;
	struct error err = ERROR_INIT;
	struct match m_held, m;
	struct ufid u_held, u;
	uint64_t begin;

	rig_open(&r, false);
	rig_match(&r, 1, 1, 0, &m_held);
	held = rig_put(&r, &m_held, "%2", &u_held);
	rig_wait(&r, u_held, OFFLOAD_ST_HARDWARE, -1);
	waiting = hang(&m, &u);
	begin = clock_mono_ns();
	engine_port_del(r.e, port_of(0)); /* nobody refreshes meanwhile */
	ck_assert_uint_lt(clock_mono_ns() - begin, 5 * NSEC_PER_SEC);
	rig_wait(&r, u, OFFLOAD_ST_SOFTWARE, -1);
	rig_wait(&r, u_held, OFFLOAD_ST_SOFTWARE, OFFLOAD_HUNG);
	ck_assert_int_eq(engine_port_add(r.e, port_of(0), "survivor:a", &err), -EBUSY);
	ck_assert_ptr_nonnull(strstr(err.cause, "does not answer"));
	engine_tend(r.e);
	ck_assert(survivor_send(r.w, &m.key, 10));
	rig_wait_packets(&r, waiting, 10);
	r.w->hangs = false;
	for (unsigned ms = 0; ms < 10000; ms++) {
		struct engine_flow_info i, i_held;

		engine_tend(r.e);
		engine_refresh(r.e); /* the rule that the call left may be in the way at first */
		rig_info(&r, u, &i);
		rig_info(&r, u_held, &i_held);
		if (i.state == OFFLOAD_ST_HARDWARE && i_held.state == OFFLOAD_ST_HARDWARE)
			break;
		(void)usleep(1000);
	}
	rig_wait(&r, u, OFFLOAD_ST_HARDWARE, -1);
	rig_wait(&r, u_held, OFFLOAD_ST_HARDWARE, -1);
	rig_del(&r, held);
	rig_del(&r, waiting);
	rig_close(&r, false);
	ck_assert_uint_eq(r.gone_flows, 2);
	rig_end(&r);
}
END_TEST

/* The end of the process does not wait for it either. */
START_TEST(the_switch_can_end)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (!pid) {
		struct engine_flow *f, *deleted;
		struct match m;
		struct ufid u;

		rig_open(&r, false);
		rig_match(&r, 0, 2, 0, &m);
		deleted = rig_put(&r, &m, "%1", &u);
		rig_wait(&r, u, OFFLOAD_ST_HARDWARE, -1);
		f = hang(&m, &u);
		rig_del(&r, deleted);
		engine_free(r.e, false);
		engine_flow_unref(f);
		_exit(r.gone_flows == 2 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

START_TEST(an_audit_does_not_wait)
{
	struct str out = STR_INIT;
	struct engine_flow *f;
	struct match m;
	struct ufid u;

	rig_open(&r, false);
	f = hang(&m, &u);
	ck_assert_int_eq(engine_audit(r.e, NULL, true, engine_audit_print, &out, NULL), 0);
	ck_assert_ptr_nonnull(strstr(str_cstr(&out), "does not answer"));
	str_clear(&out);
	r.w->hangs = false;
	rig_wait(&r, u, OFFLOAD_ST_HARDWARE, -1);
	wait_back();
	ck_assert_int_eq(engine_audit(r.e, NULL, true, engine_audit_print, &out, NULL), 0);
	ck_assert_ptr_null(strstr(str_cstr(&out), "does not answer"));
	rig_del(&r, f);
	rig_close(&r, false);
	rig_end(&r);
	str_done(&out);
}
END_TEST

/* --- now and then, while all else goes on --- */

#define FLOWS 60

START_TEST(no_flow_is_lost_or_gone_twice)
{
	struct rng rng = rng_start("no_flow_is_lost_or_gone_twice");
	struct engine_flow *f[FLOWS] = { NULL };
	uint64_t puts = 0;

	rig_open(&r, false);
	r.cfg.hang_ms = 30;
	r.cfg.audit_period_ms = 20;
	rig_configure(&r);
	for (unsigned step = 0; step < 3000; step++) {
		unsigned i = (unsigned)rng_below(&rng, FLOWS);
		struct match m;

		if (rng_below(&rng, 40) == 0)
			r.w->hangs = !r.w->hangs;
		rig_match(&r, i % RIG_PORTS, i, 0, &m);
		if (!f[i]) {
			f[i] = rig_put(&r, &m, "%1", NULL);
			puts++;
		} else if (rng_below(&rng, 2)) {
			rig_modify(&r, f[i], rng_below(&rng, 2) ? "%2" : "%3");
		} else {
			rig_del(&r, f[i]);
			f[i] = NULL;
		}
		if (rng_below(&rng, 10) == 0)
			engine_refresh(r.e);
		if (rng_below(&rng, 4) == 0)
			(void)usleep((useconds_t)rng_below(&rng, 3000));
	}
	r.w->hangs = false;
	r.cfg.hang_ms = 60000; /* however slow the machine is */
	rig_configure(&r);
	wait_back();
	for (unsigned i = 0; i < FLOWS; i++)
		if (f[i])
			rig_del(&r, f[i]);
	rig_wait_gone(&r, puts);
	for (unsigned ms = 0; ms < 10000 && survivor_count(r.w, r.w->rules); ms++)
		(void)usleep(1000);
	ck_assert_uint_eq(survivor_count(r.w, r.w->rules), 0);
	rig_close(&r, false);
	ck_assert_uint_eq(r.gone_flows, puts);
	rig_end(&r);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("offload hangs");
	TCase *t = tcase_create("hang");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_test(t, it_is_cut_off_and_comes_back);
	tcase_add_test(t, its_ports_can_leave_and_come_back);
	tcase_add_test(t, the_switch_can_end);
	tcase_add_test(t, an_audit_does_not_wait);
	tcase_add_test(t, no_flow_is_lost_or_gone_twice);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
