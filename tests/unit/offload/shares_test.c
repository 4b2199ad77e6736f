/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of reasons and ports: reasons are ranked by the traffic that they cost now, what a
 * port's flows counted stays with the port when they are gone, and with its name when it is. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "offload/explain.h"
#include "tests/unit/offload/lab.h"

static const struct flow_stats no_upcalls;

static struct json_object *member(struct json_object *o, const char *key)
{
	struct json_object *x = json_object_object_get(o, key);

	ck_assert_msg(x != NULL, "no %s", key);
	return x;
}

static const char *reason_at(struct json_object *status, size_t i)
{
	struct json_object *reasons = member(status, "reasons");

	return i < json_object_array_length(reasons)
		       ? json_object_get_string(
				 member(json_object_array_get_idx(reasons, i), "reason"))
		       : "";
}

/* Two flows are refused for different things; the one with the traffic is the costlier reason,
 * whichever it is. */
START_TEST(reasons_are_ranked_by_what_they_cost)
{
	static const char *const names[] = { "action", "set_field" };
	struct engine_reason_cost *cost = xcalloc(OFFLOAD_N_REASONS, sizeof(*cost));
	struct json_object *status;
	struct engine_flow *f[3];
	struct match m[3];
	struct ufid u[3];
	struct lab *l;

	lab_profile("rank", "fields = eth_type ip_proto ip_frag ip_src ip_dst udp_src udp_dst\n"
			    "actions = output set\nset_fields = eth_dst\ntable_size = 9\n");
	l = lab_open("k", "sim:rank", LAB_PORTS, true, NULL);
	for (unsigned i = 0; i < 3; i++) {
		lab_udp(l, 0, i, &m[i]);
		f[i] = lab_put(l, &m[i],
			       i == 0   ? "push_vlan(vid=1,pcp=0),%1"
			       : i == 1 ? "set(ipv4(ttl=9)),%1"
					: "%1",
			       true, &u[i]);
		lab_wait_state(l, u[i], i < 2 ? OFFLOAD_ST_REFUSED : OFFLOAD_ST_HARDWARE, -1);
	}
	lab_send(l, 0, &m[_i].key, 100, 300);
	lab_send(l, 0, &m[1 - _i].key, 100, 3);
	lab_send(l, 0, &m[2].key, 100, 500);
	lab_wait_packets(l, f[_i], 300);
	lab_wait_packets(l, f[1 - _i], 3);
	lab_wait_packets(l, f[2], 500);
	engine_reasons(l->e, cost);
	ck_assert_uint_eq(cost[OFFLOAD_ACTION].packets, _i ? 3 : 300);
	ck_assert_uint_eq(cost[OFFLOAD_SET_FIELD].packets, _i ? 300 : 3);
	ck_assert_uint_eq(cost[OFFLOAD_OK].flows, 0); /* the one in hardware costs nothing */
	status = explain_status(l->e, &no_upcalls);
	ck_assert_str_eq(reason_at(status, 0), names[_i]);
	ck_assert_str_eq(reason_at(status, 1), names[1 - _i]);
	ck_assert_str_eq(reason_at(status, 2), "");
	json_object_put(status);
	for (unsigned i = 0; i < 3; i++)
		lab_del(l, f[i]);
	lab_close(l);
	free(cost);
}
END_TEST

static void port_info(struct lab *l, unsigned port, struct engine_port_info *p)
{
	struct engine_port_info all[LAB_PORTS];
	size_t n = engine_ports(l->e, all, LAB_PORTS);

	for (size_t i = 0; i < n; i++)
		if (all[i].no.v == l->no[port].v) {
			*p = all[i];
			return;
		}
	ck_abort_msg("port %u is not there", port);
}

START_TEST(what_a_port_carried_stays)
{
	struct engine_port_info before, p;
	struct engine_flow *f[2];
	struct match m[2];
	struct ufid u[2];
	struct lab *l;

	lab_profile_generic("share", 9, 0, 0);
	l = lab_open("w", "sim:share", LAB_PORTS, true, NULL);
	for (unsigned i = 0; i < 2; i++) {
		lab_udp(l, 0, i, &m[i]);
		f[i] = lab_put(l, &m[i], i ? "userspace(controller),%1" : "%1", !i, &u[i]);
		lab_wait_state(l, u[i], i ? OFFLOAD_ST_SOFTWARE : OFFLOAD_ST_HARDWARE, -1);
		lab_send(l, 0, &m[i].key, 0, 40 + i);
		lab_wait_packets(l, f[i], 40 + i);
	}
	port_info(l, 0, &before);
	ck_assert_uint_eq(before.packets[LEDGER_HARDWARE], 40);
	ck_assert_uint_eq(before.packets[LEDGER_USER], 41);
	for (unsigned i = 0; i < 2; i++)
		lab_del(l, f[i]);
	for (unsigned ms = 0; ms < 5000 && l->gone_flows < 2; ms++)
		lab_sleep_ms(1);
	ck_assert_uint_eq(l->gone_flows, 2);
	port_info(l, 0, &p);
	ck_assert(!memcmp(p.packets, before.packets, sizeof(p.packets)));
	engine_port_del(l->e, l->port[0]);
	ck_assert_int_eq(engine_port_add(l->e, l->port[0], "sim:share", NULL), 0);
	port_info(l, 0, &p);
	ck_assert(!memcmp(p.packets, before.packets, sizeof(p.packets)));
	ck_assert(!memcmp(p.bytes, before.bytes, sizeof(p.bytes)));
	lab_close(l);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("shares");
	TCase *t = tcase_create("shares");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, reasons_are_ranked_by_what_they_cost, 0, 2);
	tcase_add_test(t, what_a_port_carried_stays);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
