/* SPDX-License-Identifier: Apache-2.0 */
/* A port leaves, its device with it, while flows that entered by it are being deleted: what they
 * still count is theirs and the switch's, and nobody looks at what is gone. */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>

#include "tests/unit/offload/rig.h"

#define FLOWS 20u

static struct rig r;
static const struct dp_ops *dp_ops;
static int leaves; /* how many ports leave at the next deletion */
static uint64_t sent;
static pthread_t leaver;

static void *leave(void *arg)
{
	for (; leaves > 0; leaves--) {
		struct dp_port_info info;

		ck_assert_int_eq(dp_ops->port_get(r.dp, r.no[leaves - 1], &info), 0);
		engine_port_del(r.e, info.port);
		port_unref(info.port);
	}
	return arg;
}

/* Between a deletion's two looks at the engine.  Rules in a device go only when the deletion goes
 * on, for which the port waits. */
static unsigned flow_batch(struct dp *dp, struct dp_flow_op *ops, size_t n)
{
	if (n && ops[0].kind == DP_FLOW_DEL && leaves) {
		if (r.cfg.hw_offload)
			ck_assert_int_eq(pthread_create(&leaver, NULL, leave, NULL), 0);
		else
			leave(NULL);
	}
	return dp_ops->flow_batch(dp, ops, n);
}

static void run(int ports, bool in_hardware)
{
	struct engine_flow *flows[FLOWS];
	struct dp_ops ops;

	rig_open(&r, false);
	dp_ops = r.dp->ops;
	ops = *dp_ops;
	ops.flow_batch = flow_batch;
	r.dp->ops = &ops;
	r.cfg.hw_offload = in_hardware;
	rig_configure(&r);
	sent = 0;
	for (unsigned i = 0; i < FLOWS; i++) {
		struct match m;
		struct ufid u;

		rig_match(&r, i % RIG_PORTS, i, 0, &m);
		flows[i] = rig_put(&r, &m, "%1", &u);
		if (in_hardware)
			rig_wait(&r, u, OFFLOAD_ST_HARDWARE, -1);
		ck_assert(survivor_send(r.w, &m.key, i + 1));
		sent += i + 1;
	}
	leaves = ports;
	engine_del(r.e, flows, FLOWS);
	if (in_hardware)
		ck_assert_int_eq(pthread_join(leaver, NULL), 0);
	ck_assert_int_eq(leaves, 0);
	rig_wait_gone(&r, FLOWS);
	ck_assert_uint_eq(r.gone_packets, sent);
	for (unsigned i = 0; i < FLOWS; i++)
		engine_flow_unref(flows[i]);
	r.dp->ops = dp_ops;
	rig_close(&r, false);
	rig_end(&r);
}

START_TEST(one_port_leaves)
{
	run(1, false);
}
END_TEST

START_TEST(one_port_leaves_a_device_with_rules)
{
	run(1, true);
}
END_TEST

START_TEST(all_ports_leave_and_the_device_with_them)
{
	run(RIG_PORTS, false);
}
END_TEST

START_TEST(all_ports_leave_a_device_with_rules)
{
	run(RIG_PORTS, true);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("closing");
	TCase *tc = tcase_create("a port leaves under a deletion");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, one_port_leaves);
	tcase_add_test(tc, one_port_leaves_a_device_with_rules);
	tcase_add_test(tc, all_ports_leave_and_the_device_with_them);
	tcase_add_test(tc, all_ports_leave_a_device_with_rules);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
