/* SPDX-License-Identifier: Apache-2.0 */
/* The life of flows: states, reasons, queue, policy, audit, explanations. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "core/port/fake.h"
#include "offload/explain.h"
#include "tests/unit/offload/lab.h"

/* --- software only --- */

START_TEST(without_a_device_flows_live_in_software)
{
	struct lab *l = lab_open("a", NULL, 0, true, NULL);
	struct engine_flow_info i;
	struct engine_totals t;
	struct engine_put again;
	struct engine_flow *f;
	struct match m;
	struct ufid u;

	lab_udp(l, 0, 1, &m);
	f = lab_put(l, &m, "%1", true, &u);
	lab_wait_state(l, u, OFFLOAD_ST_SOFTWARE, OFFLOAD_NO_DEVICE);
	again = (struct engine_put){ .ufid = u, .key = &m.key, .mask = &m.mask };
	ck_assert_uint_eq(engine_put(l->e, &again, 1), 1);
	ck_assert_int_eq(again.result, -EEXIST);
	ck_assert_ptr_null(again.flow);
	lab_send(l, 0, &m.key, 10, 100);
	lab_wait_packets(l, f, 100);
	ck_assert_uint_eq(lab_tier(l, u, LEDGER_USER), 100);
	lab_modify(l, f, "%2", false);
	lab_wait_state(l, u, OFFLOAD_ST_SOFTWARE, OFFLOAD_NO_DEVICE);
	engine_totals(l->e, &t);
	ck_assert_uint_eq(t.flows[LEDGER_USER], 1);
	ck_assert_uint_eq(t.no_device[OFFLOAD_NO_DEVICE], 1);
	lab_del(l, f);
	ck_assert_uint_eq(l->gone_flows, 1); /* before engine_del() returned */
	ck_assert_uint_eq(l->last_gone_packets, 100);
	ck_assert_int_eq(engine_flow_info(l->e, u, &i), -ENOENT);
	engine_totals(l->e, &t);
	ck_assert_uint_eq(t.flows[LEDGER_USER], 0);
	ck_assert_uint_eq(t.packets[LEDGER_USER], 100);
	lab_close(l);
}
END_TEST

/* --- the way in and out --- */

START_TEST(a_flow_goes_to_hardware_and_back)
{
	struct lab *l;
	struct engine_flow *f;
	struct engine_flow_info i;
	struct match m;
	struct ufid u;

	lab_profile_generic("full", 100, 0, 0);
	l = lab_open("b", "sim:full", LAB_PORTS, true, NULL);
	lab_udp(l, 0, 1, &m);
	f = lab_put(l, &m, "%1", true, &u);
	lab_wait_state(l, u, OFFLOAD_ST_HARDWARE, OFFLOAD_OK);
	lab_send(l, 0, &m.key, 10, 50);
	lab_wait_packets(l, f, 50);
	ck_assert_uint_eq(lab_tier(l, u, LEDGER_HARDWARE), 50);
	lab_modify(l, f, "%2", true);
	lab_wait_state(l, u, OFFLOAD_ST_HARDWARE, OFFLOAD_REPLACING);
	lab_send(l, 0, &m.key, 10, 50);
	lab_wait_packets(l, f, 100);
	engine_port_enable(l->e, l->no[0], false);
	lab_wait_state(l, u, OFFLOAD_ST_SOFTWARE, OFFLOAD_DISABLED);
	lab_send(l, 0, &m.key, 10, 50);
	lab_wait_packets(l, f, 150);
	ck_assert_uint_eq(lab_tier(l, u, LEDGER_HARDWARE), 100);
	engine_port_enable(l->e, l->no[0], true);
	lab_wait_state(l, u, OFFLOAD_ST_HARDWARE, -1);
	lab_modify(l, f, "%2", false);
	lab_wait_state(l, u, OFFLOAD_ST_SOFTWARE, OFFLOAD_SLOW_PATH);
	lab_info(l, u, &i);
	engine_flow_info_done(&i);
	ck_assert_uint_gt(i.n_events, 8);
	ck_assert_int_eq(i.history[0].to, OFFLOAD_ST_SOFTWARE);
	ck_assert_int_eq(i.history[1].to, OFFLOAD_ST_QUEUED);
	ck_assert_int_eq(i.history[2].to, OFFLOAD_ST_INSTALLING);
	ck_assert_int_eq(i.history[3].to, OFFLOAD_ST_HARDWARE);
	lab_del(l, f);
	ck_assert(engine_quiesce(l->e, 5000));
	ck_assert_uint_eq(l->last_gone_packets, 150);
	lab_close(l);
}
END_TEST

START_TEST(removal_from_hardware_ends_with_gone)
{
	struct engine_flow *f[20];
	struct match m;
	struct lab *l;

	lab_profile_generic("slowish", 100, 2000, 0);
	l = lab_open("c", "sim:slowish", LAB_PORTS, true, NULL);
	for (unsigned i = 0; i < 20; i++) {
		lab_udp(l, 0, i, &m);
		f[i] = lab_put(l, &m, "%1", true, NULL);
	}
	ck_assert(engine_quiesce(l->e, 5000));
	lab_send(l, 0, &m.key, 0, 7);
	lab_wait_packets(l, f[19], 7);
	engine_del(l->e, f, 20);
	ck_assert(engine_quiesce(l->e, 5000));
	for (unsigned ms = 0; ms < 1000 && l->gone_flows < 20; ms++)
		lab_sleep_ms(1);
	ck_assert_uint_eq(l->gone_flows, 20);
	ck_assert_uint_eq(l->gone_packets, 7);
	for (unsigned i = 0; i < 20; i++)
		engine_flow_unref(f[i]);
	lab_close(l);
}
END_TEST

START_TEST(refusals_say_why)
{
	static const struct {
		const char *actions;
		bool mark, hw_ok;
		enum offload_state state;
		enum offload_reason reason;
	} cases[] = {
		{ "%3", false, true, OFFLOAD_ST_REFUSED, OFFLOAD_OUT_DEVICE },
		{ "%1,%2", false, true, OFFLOAD_ST_REFUSED, OFFLOAD_N_ACTIONS },
		{ "recirc(7)", false, true, OFFLOAD_ST_REFUSED, OFFLOAD_RECIRC },
		{ "set(ipv4(ttl=3)),%1", false, true, OFFLOAD_ST_REFUSED, OFFLOAD_ACTION },
		{ "%1", true, true, OFFLOAD_ST_REFUSED, OFFLOAD_FIELD },
		{ "%1", false, false, OFFLOAD_ST_SOFTWARE, OFFLOAD_SLOW_PATH },
		{ "%1", false, true, OFFLOAD_ST_HARDWARE, OFFLOAD_OK },
		{ "drop", false, true, OFFLOAD_ST_HARDWARE, OFFLOAD_OK },
	};
	struct engine_flow *f[ARRAY_SIZE(cases)];
	struct lab *l;

	lab_profile("small2k", NULL);
	l = lab_open("d", "sim:small2k", 3, true, NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct match m;
		struct ufid u;

		lab_udp(l, 0, i, &m);
		if (cases[i].mark)
			m.mask.nw_ttl = UINT8_MAX;
		f[i] = lab_put(l, &m, cases[i].actions, cases[i].hw_ok, &u);
		lab_wait_state(l, u, cases[i].state, (int)cases[i].reason);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
		lab_del(l, f[i]);
	lab_close(l);
}
END_TEST

START_TEST(bad_providers_say_why)
{
	struct lab *l = lab_open("e", NULL, 0, true, NULL);
	struct error err = ERROR_INIT;

	lab_profile("broken", "table_size = 5\nfoo = bar\n");
	engine_port_del(l->e, l->port[0]);
	ck_assert_int_eq(engine_port_add(l->e, l->port[0], "nosuch:x", &err), -ENOENT);
	engine_port_del(l->e, l->port[0]);
	error_clear(&err);
	ck_assert_int_eq(engine_port_add(l->e, l->port[0], "sim:nosuch", &err), -ENOENT);
	engine_port_del(l->e, l->port[0]);
	error_clear(&err);
	ck_assert_int_eq(engine_port_add(l->e, l->port[0], "sim:../x", &err), -EINVAL);
	engine_port_del(l->e, l->port[0]);
	error_clear(&err);
	ck_assert_int_eq(engine_port_add(l->e, l->port[0], "sim:broken", &err), -EINVAL);
	ck_assert_str_eq(err.field, "broken.conf:2");
	ck_assert_ptr_nonnull(strstr(err.cause, "foo"));
	lab_close(l);
}
END_TEST

START_TEST(ports_come_and_go_with_their_rules)
{
	struct engine_flow *in, *out;
	struct engine_device_info *d = xzalloc(sizeof(*d));
	struct ufid u_in, u_out;
	struct match m;
	struct lab *l;

	lab_profile_generic("ports", 100, 0, 0);
	l = lab_open("f", "sim:ports", 2, true, NULL);
	lab_udp(l, 0, 1, &m);
	in = lab_put(l, &m, "%1", true, &u_in);
	lab_wait_state(l, u_in, OFFLOAD_ST_HARDWARE, -1);
	lab_send(l, 0, &m.key, 0, 5);
	lab_wait_packets(l, in, 5);
	lab_udp(l, 1, 1, &m);
	out = lab_put(l, &m, "%0", true, &u_out);
	lab_wait_state(l, u_out, OFFLOAD_ST_HARDWARE, -1);
	engine_port_del(l->e, l->port[0]);
	lab_wait_state(l, u_in, OFFLOAD_ST_SOFTWARE, OFFLOAD_NO_DEVICE);
	lab_wait_state(l, u_out, OFFLOAD_ST_REFUSED, OFFLOAD_OUT_DEVICE);
	ck_assert_uint_eq(lab_tier(l, u_in, LEDGER_HARDWARE), 5);
	lab_device(l, d);
	ck_assert_uint_eq(d->usage.entries, 0);
	ck_assert_int_eq(engine_port_add(l->e, l->port[0], "sim:ports", NULL), 0);
	lab_wait_state(l, u_in, OFFLOAD_ST_HARDWARE, -1);
	lab_wait_state(l, u_out, OFFLOAD_ST_HARDWARE, -1);
	lab_del(l, in);
	lab_del(l, out);
	lab_close(l);
	free(d);
}
END_TEST

START_TEST(a_port_moves_to_another_device)
{
	struct engine_flow *f;
	struct error err = ERROR_INIT;
	struct engine_device_info *d = xzalloc(sizeof(*d));
	struct ufid u;
	struct match m;
	struct lab *l;

	lab_profile_generic("moves", 100, 0, 0);
	l = lab_open("m", "sim:moves", 2, true, NULL);
	lab_udp(l, 0, 1, &m);
	f = lab_put(l, &m, "%1", true, &u);
	lab_wait_state(l, u, OFFLOAD_ST_HARDWARE, -1);
	lab_send(l, 0, &m.key, 0, 5);
	ck_assert_int_eq(engine_port_move(l->e, l->port[0], "sim:moves/2", &err), 0);
	lab_wait_state(l, u, OFFLOAD_ST_REFUSED, OFFLOAD_OUT_DEVICE);
	ck_assert_int_eq(engine_port_move(l->e, l->port[1], "sim:moves/2", &err), 0);
	lab_wait_state(l, u, OFFLOAD_ST_HARDWARE, -1);
	lab_device(l, d);
	ck_assert_str_eq(d->name, "sim:moves/2"); /* the first went with its last port */
	ck_assert_int_eq(engine_port_move(l->e, l->port[0], "sim:nosuch", &err), -ENOENT);
	lab_wait_state(l, u, OFFLOAD_ST_SOFTWARE, OFFLOAD_NO_DEVICE);
	ck_assert_int_eq(engine_port_move(l->e, l->port[0], NULL, NULL), 0);
	ck_assert_int_eq(engine_port_move(l->e, l->port[0], "sim:moves/2", NULL), 0);
	lab_wait_state(l, u, OFFLOAD_ST_HARDWARE, -1);
	lab_send(l, 0, &m.key, 0, 7);
	lab_wait_packets(l, f, 12);
	lab_del(l, f);
	lab_close(l);
	free(d);
}
END_TEST

/* The device may be at the flow just when the port that it leads to comes. */
START_TEST(a_port_that_comes_meanwhile_is_heeded)
{
	struct engine_flow *f[64];
	struct ufid u[ARRAY_SIZE(f)];
	struct match m;
	struct lab *l;

	lab_profile_generic("meanwhile", 100, 0, 0);
	l = lab_open("m", "sim:meanwhile", 2, true, NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(f); i++) {
		lab_udp(l, 0, i, &m);
		f[i] = lab_put(l, &m, "%1", true, &u[i]);
	}
	for (unsigned round = 0; round < 100; round++) {
		engine_port_del(l->e, l->port[0]);
		engine_port_del(l->e, l->port[1]);
		ck_assert_int_eq(engine_port_add(l->e, l->port[0], "sim:meanwhile", NULL), 0);
		usleep(20 * (round % 32)); /* until it has begun */
		ck_assert_int_eq(engine_port_add(l->e, l->port[1], "sim:meanwhile", NULL), 0);
		for (unsigned i = 0; i < ARRAY_SIZE(f); i++)
			lab_wait_state(l, u[i], OFFLOAD_ST_HARDWARE, -1);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(f); i++)
		lab_del(l, f[i]);
	lab_close(l);
}
END_TEST

/* --- queue --- */

static void tiny_queue(struct engine_config *cfg)
{
	cfg->queue_max = 8;
}

START_TEST(the_queue_is_bounded_and_sheds)
{
	struct engine_device_info *d = xzalloc(sizeof(*d));
	struct engine_flow *f[200];
	unsigned shed = 0;
	struct match m;
	struct lab *l;

	lab_profile("slow", "fields = eth_type ip_proto ip_frag nw_src nw_dst udp_src udp_dst\n"
			    "actions = output\ntable_size = 1000\nbatch = 1\n");
	l = lab_open("g", "sim:slow", LAB_PORTS, true, tiny_queue);
	lab_fault(l, 0, "fault slow 30");
	for (unsigned i = 0; i < 200; i++) {
		lab_udp(l, 0, i, &m);
		f[i] = lab_put(l, &m, "%1", true, NULL);
		lab_device(l, d);
		ck_assert_uint_le(d->flows[OFFLOAD_ST_QUEUED], 8 + 1); /* and one in hand */
	}
	shed = (unsigned)d->flows_by_reason[OFFLOAD_QUEUE_FULL];
	ck_assert_uint_gt(shed, 0);
	ck_assert_uint_eq(d->queue_shed, d->refusals[OFFLOAD_QUEUE_FULL]);
	lab_fault(l, 0, "fault clear");
	for (unsigned ms = 0; ms < 60000 && d->flows[OFFLOAD_ST_HARDWARE] < 200; ms += 20) {
		lab_sleep_ms(20);
		if (ms % 1000 == 0)
			clock_warp(NSEC_PER_SEC); /* they are tried again after a while */
		lab_device(l, d);
	}
	ck_assert_uint_eq(d->flows[OFFLOAD_ST_HARDWARE], 200);
	for (unsigned i = 0; i < 200; i++)
		lab_del(l, f[i]);
	lab_close(l);
	free(d);
}
END_TEST

/* A flow that overlaps one on its way out reaches the device behind it: the sim refuses the same
 * match twice, so that any other order would show. */
START_TEST(requests_keep_their_order)
{
	struct engine_device_info *d = xzalloc(sizeof(*d));
	struct engine_flow *f;
	struct match m;
	struct ufid u;
	struct lab *l;

	lab_profile_generic("order", 100, 300, 0);
	l = lab_open("h", "sim:order", LAB_PORTS, true, NULL);
	lab_udp(l, 0, 1, &m);
	f = lab_put(l, &m, "%1", true, &u);
	for (unsigned i = 0; i < 200; i++) {
		if (i % 3 == 0)
			lab_wait_state(l, u, OFFLOAD_ST_HARDWARE, -1);
		lab_del(l, f);
		f = lab_put(l, &m, i % 2 ? "%1" : "%2", true, &u);
	}
	lab_wait_state(l, u, OFFLOAD_ST_HARDWARE, -1);
	lab_device(l, d);
	ck_assert_uint_eq(d->failures, 0);
	lab_del(l, f);
	lab_close(l);
	free(d);
}
END_TEST

/* --- policy --- */

START_TEST(busy_flows_take_the_place_of_idle_ones)
{
	struct engine_device_info *d = xzalloc(sizeof(*d));
	struct engine_flow *f[12];
	struct ufid u[12];
	struct match m[12];
	struct lab *l;

	lab_profile_generic("four", 4, 0, 0);
	l = lab_open("i", "sim:four", LAB_PORTS, true, NULL);
	for (unsigned i = 0; i < 12; i++) {
		lab_udp(l, 0, i, &m[i]);
		f[i] = lab_put(l, &m[i], "%1", true, &u[i]);
	}
	ck_assert(engine_quiesce(l->e, 5000));
	lab_device(l, d);
	ck_assert_uint_eq(d->flows[OFFLOAD_ST_HARDWARE], 4);
	ck_assert_uint_eq(d->usage.entries, 4);
	for (unsigned turn = 0; turn < 300; turn++) {
		for (unsigned i = 8; i < 12; i++)
			lab_send(l, 0, &m[i].key, 0, 20);
		lab_sleep_ms(5);
		engine_refresh(l->e);
	}
	for (unsigned i = 8; i < 12; i++)
		lab_wait_state(l, u[i], OFFLOAD_ST_HARDWARE, -1);
	lab_device(l, d);
	ck_assert_uint_ge(d->evictions, 1);
	ck_assert_uint_le(d->evictions, 6); /* no ping-pong among equals */
	ck_assert_uint_eq(d->flows[OFFLOAD_ST_HARDWARE], 4);
	ck_assert_uint_gt(d->flows_by_reason[OFFLOAD_EVICTED] +
				  d->flows_by_reason[OFFLOAD_NOT_WORTH] +
				  d->flows_by_reason[OFFLOAD_TABLE_FULL],
			  7);
	for (unsigned i = 8; i < 12; i++)
		lab_del(l, f[i]); /* room: the others come in */
	for (unsigned ms = 0; ms < 5000; ms += 20) {
		lab_device(l, d);
		if (d->flows[OFFLOAD_ST_HARDWARE] == 4)
			break;
		lab_sleep_ms(20);
	}
	ck_assert_uint_eq(d->flows[OFFLOAD_ST_HARDWARE], 4);
	for (unsigned i = 0; i < 8; i++)
		lab_del(l, f[i]);
	lab_close(l);
	free(d);
}
END_TEST

/* --- explanations --- */

static struct json_object *member(struct json_object *o, const char *key)
{
	struct json_object *x = NULL;

	ck_assert_msg(json_object_object_get_ex(o, key, &x), "no %s", key);
	return x;
}

START_TEST(explanations_tell_the_story)
{
	struct error err = ERROR_INIT;
	struct json_object *o, *one;
	char text[UFID_TEXT_LEN + 1];
	struct engine_flow *f, *g;
	struct match m;
	struct ufid u, v;
	struct lab *l;

	lab_profile("e810", NULL);
	l = lab_open("p", "sim:e810", 3, true, NULL);
	lab_udp(l, 0, 1, &m);
	m.mask.nw_frag = 0;
	f = lab_put(l, &m, "%1", true, &u);
	g = lab_put(l, (lab_udp(l, 0, 2, &m), m.mask.nw_frag = 0, &m), "%3", true, &v);
	lab_wait_state(l, u, OFFLOAD_ST_HARDWARE, -1);
	lab_wait_state(l, v, OFFLOAD_ST_REFUSED, -1);
	lab_send(l, 0, &m.key, 0, 3);
	lab_wait_packets(l, g, 3);

	o = explain_flows(l->e, NULL, &err);
	ck_assert_uint_eq(json_object_array_length(o), 2);
	json_object_put(o);
	o = explain_flows(l->e, "state=hardware,port=p0", &err);
	ck_assert_uint_eq(json_object_array_length(o), 1);
	json_object_put(o);
	o = explain_flows(l->e, "reason=out_device udp,nw_src=10.0.0.2", &err);
	ck_assert_uint_eq(json_object_array_length(o), 1);
	one = json_object_array_get_idx(o, 0);
	ck_assert_str_eq(json_object_get_string(member(one, "state")), "refused");
	ck_assert_uint_eq(json_object_get_uint64(member(one, "packets")), 3);
	json_object_put(o);
	o = explain_flows(l->e, "udp,nw_src=10.0.0.7", &err);
	ck_assert_uint_eq(json_object_array_length(o), 0);
	json_object_put(o);
	ck_assert_ptr_null(explain_flows(l->e, "state=nowhere", &err));
	ck_assert_int_eq(err.code, EINVAL);
	error_clear(&err);
	ck_assert_ptr_null(explain_flows(l->e, "foo=1", &err));
	error_clear(&err);

	o = explain_why(l->e, offload_ufid_print(v, text), &err);
	one = json_object_array_get_idx(o, 0);
	ck_assert_uint_ge(json_object_array_length(member(one, "history")), 3);
	ck_assert_ptr_nonnull(strstr(json_object_get_string(member(one, "why")), "output"));
	json_object_put(o);
	ck_assert_ptr_null(explain_why(l->e, "state=lost", &err));
	ck_assert_int_eq(err.code, ENOENT);

	o = explain_status(l->e, &(struct flow_stats){ .packets = 5, .bytes = 300 });
	one = json_object_array_get_idx(member(o, "tiers"), LEDGER_N_TIERS);
	ck_assert_str_eq(json_object_get_string(member(one, "tier")), "upcall");
	ck_assert_uint_eq(json_object_get_uint64(member(one, "packets")), 5);
	ck_assert(json_object_get_double(member(member(o, "hardware_share"), "bytes")) < 1);
	one = json_object_array_get_idx(member(o, "devices"), 0);
	ck_assert_str_eq(json_object_get_string(member(one, "name")), "sim:e810");
	ck_assert_uint_eq(json_object_get_uint64(member(one, "entries")), 1);
	ck_assert_uint_eq(json_object_get_uint64(member(member(one, "flows"), "refused")), 1);
	ck_assert_uint_eq(json_object_array_length(member(one, "reasons")), 1);
	ck_assert_uint_eq(json_object_array_length(member(o, "ports")), LAB_PORTS);
	json_object_put(o);
	o = explain_caps(l->e, "sim:e810", &err);
	ck_assert_uint_eq(json_object_get_uint64(member(o, "max_outputs")), 1);
	json_object_put(o);
	error_clear(&err);
	ck_assert_ptr_null(explain_caps(l->e, "nosuch", &err));
	o = explain_top(l->e, &(struct flow_stats){ 0 }, 1, "rate", &err);
	ck_assert_uint_eq(json_object_array_length(member(o, "flows")), 1);
	json_object_put(o);
	ck_assert_ptr_null(explain_top(l->e, &(struct flow_stats){ 0 }, 1, "nonsense", &err));
	lab_del(l, f);
	lab_del(l, g);
	lab_close(l);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("offload engine");
	TCase *t = tcase_create("engine");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_test(t, without_a_device_flows_live_in_software);
	tcase_add_test(t, a_flow_goes_to_hardware_and_back);
	tcase_add_test(t, removal_from_hardware_ends_with_gone);
	tcase_add_test(t, refusals_say_why);
	tcase_add_test(t, bad_providers_say_why);
	tcase_add_test(t, ports_come_and_go_with_their_rules);
	tcase_add_test(t, a_port_moves_to_another_device);
	tcase_add_test(t, a_port_that_comes_meanwhile_is_heeded);
	tcase_add_test(t, the_queue_is_bounded_and_sheds);
	tcase_add_test(t, requests_keep_their_order);
	tcase_add_test(t, busy_flows_take_the_place_of_idle_ones);
	tcase_add_test(t, explanations_tell_the_story);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
