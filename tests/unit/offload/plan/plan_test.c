/* SPDX-License-Identifier: Apache-2.0 */
/* A plan says what placement does: random flows are put on a sim NIC and, as the text of a dump,
 * into a plan for its profile, and each has the same verdict in both.  And what a plan sums up is
 * so: shares, rates, the table, the lines that it could not read. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "offload/plan/plan_priv.h"
#include "tests/unit/offload/lab.h"
#include "tests/unit/tc/random_rule.h"

#define FLOWS 250
#define N_NIC 3 /* of LAB_PORTS */

/* --- the plan and the NIC agree --- */

static void map_ports(const struct lab *l, struct random_rule *x)
{
	uint32_t in = ntohl(x->key.in_port);

	/* Ports 1 to 4 are the lab's; what is not there stays. */
	if (in >= 1 && in <= LAB_PORTS)
		x->key.in_port = htonl(l->no[in - 1].v);
}

/* A plain flow now and then, since most random ones ask for too much. */
static void simple(struct rng *r, struct lab *l, struct random_rule *x, unsigned i)
{
	struct match m;

	lab_udp(l, (unsigned)rng_below(r, LAB_PORTS), i, &m);
	flow_key_mask(&x->key, &m.key, &m.mask);
	x->mask = m.mask;
	if (!rng_below(r, 3))
		x->mask.tp_src = 0;
	if (!rng_below(r, 4))
		x->mask.nw_dst = htonl(0xffffff00);
	flow_key_mask(&x->key, &m.key, &x->mask);
	buf_clear(&x->actions);
	dp_actions_put_output(&x->actions, l->no[rng_below(r, LAB_PORTS)]);
	if (!rng_below(r, 4)) {
		struct act_userspace u = { .kind = UPCALL_CONTROLLER, .max_len = UINT32_MAX };

		dp_actions_put(&x->actions, DP_ACT_USERSPACE, &u, sizeof(u));
	}
	x->rule.actions = dp_actions_of(&x->actions);
}

static bool goes_up(struct dp_actions acts)
{
	const struct dp_action *a;

	DP_ACTION_FOR_EACH (a, acts)
		if (a->kind == DP_ACT_USERSPACE)
			return true;
	return false;
}

static enum offload_reason verdict(struct plan *p)
{
	const struct plan_rec *rec = p->recs[p->n_recs - 1];

	return rec->group < 0 ? OFFLOAD_OK : p->groups[rec->group].why.reason;
}

static void plan_one(struct plan *p, const struct random_rule *x, unsigned i, struct str *line)
{
	struct error err = ERROR_INIT;

	str_clear(line);
	str_printf(line, "ufid:00000000-0000-0000-0000-%012x, ", i);
	match_format_dp(&x->key, &x->mask, NULL, NULL, line);
	str_printf(line, ", packets:%u, bytes:%u, used:1.0s, dp:ovs, actions:", i, i * 60);
	dp_actions_format(x->rule.actions, NULL, NULL, line);
	str_putc(line, '\n');
	ck_assert_int_eq(plan_read(p, "dump", str_cstr(line), line->len, &err), 0);
	ck_assert_msg(!p->n_unreadable, "%s: %s", p->shown[0].text, p->shown[0].why);
}

static void compare(struct lab *l, struct ufid u, enum offload_reason planned, const char *line)
{
	enum offload_reason live;
	struct engine_flow_info i;

	lab_info(l, u, &i);
	engine_flow_info_done(&i);
	live = i.state == OFFLOAD_ST_HARDWARE ? OFFLOAD_OK : i.why.reason;
	ck_assert_msg(live == planned, "live %s (%s), planned %s: %s",
		      offload_reason_table[live].name, offload_state_name[i.state],
		      offload_reason_table[planned].name, line);
}

/* false: the user datapath itself does not take it (conntrack), or has its like. */
static bool put(struct lab *l, const struct random_rule *x, struct engine_flow **f, struct ufid *u)
{
	struct engine_put one = { .ufid = lab_ufid(l),
				  .key = &x->key,
				  .mask = &x->mask,
				  .actions = x->rule.actions,
				  .hw_ok = !goes_up(x->rule.actions) };

	(void)engine_put(l->e, &one, 1);
	*f = one.result ? NULL : one.flow;
	*u = one.ufid;
	return !one.result;
}

static const char *const profiles[] = { "generic", "cx6dx", "e810", "small2k" };

START_TEST(it_is_what_placement_does)
{
	struct rng rng = rng_start("it_is_what_placement_does");
	enum offload_reason *planned = xcalloc(FLOWS, sizeof(*planned));
	struct engine_flow **f = xcalloc(FLOWS, sizeof(struct engine_flow *));
	struct ufid *u = xcalloc(FLOWS, sizeof(*u));
	char **lines = xcalloc(FLOWS, sizeof(char *));
	unsigned fits = 0, reasons = 0;
	struct str line = STR_INIT;
	struct random_rule x;
	struct str ports = STR_INIT;
	char device[40];
	struct plan *p;
	struct lab *l;

	lab_profile(profiles[_i], NULL);
	(void)snprintf(device, sizeof(device), "sim:%s", profiles[_i]);
	l = lab_open("pl", device, N_NIC, true, NULL);
	for (unsigned i = 0; i < N_NIC; i++)
		str_printf(&ports, "%s%u", i ? "," : "", l->no[i].v);
	p = plan_new_named(profiles[_i], str_cstr(&ports), NULL);
	ck_assert_ptr_nonnull(p);
	random_rule_start(&x);
	for (unsigned i = 0; i < FLOWS;) {
		random_rule(&rng, &x);
		map_ports(l, &x);
		if (i % 2)
			simple(&rng, l, &x, i);
		if (!x.key.vlans[0].tci) /* text without a tag is of packets without one */
			x.mask.vlans[0].tci = UINT16_MAX;
		if (!put(l, &x, &f[i], &u[i]))
			continue;
		plan_one(p, &x, i, &line);
		planned[i] = verdict(p);
		lines[i++] = xstrdup(str_cstr(&line));
	}
	ck_assert(engine_quiesce(l->e, 30000));
	for (unsigned i = 0; i < FLOWS; i++) {
		compare(l, u[i], planned[i], lines[i]);
		fits += planned[i] == OFFLOAD_OK;
		reasons |= 1u << planned[i];
		lab_del(l, f[i]);
		free(lines[i]);
	}
	ck_assert_uint_gt(fits, 0); /* both kinds were there */
	ck_assert_uint_lt(fits, FLOWS);
	ck_assert_int_ge(__builtin_popcount(reasons), 4);
	random_rule_done(&x);
	plan_free(p);
	lab_close(l);
	str_done(&line);
	str_done(&ports);
	free(planned);
	free(f);
	free(u);
	free(lines);
}
END_TEST

/* --- sums --- */

static uint64_t number(struct json_object *o, const char *a, const char *b)
{
	struct json_object *x = json_object_object_get(o, a);

	if (b)
		x = json_object_object_get(x, b);
	ck_assert_msg(x != NULL, "%s.%s is not there", a, b ? b : "");
	return (uint64_t)json_object_get_int64(x);
}

static double real(struct json_object *o, const char *a, const char *b)
{
	return json_object_get_double(json_object_object_get(json_object_object_get(o, a), b));
}

static struct plan *small(unsigned capacity)
{
	struct sim_profile sp;
	char text[200];

	(void)snprintf(
		text, sizeof(text),
		"fields = eth_type ip_frag vlan_vid\nactions = output drop\ntable_size = %u\n",
		capacity);
	ck_assert_int_eq(profile_parse(text, strlen(text), "small.conf", &sp, NULL), 0);
	return plan_new(&sp, NULL);
}

static void read_text(struct plan *p, const char *text)
{
	struct error err = ERROR_INIT;

	ck_assert_int_eq(plan_read(p, "f", text, strlen(text), &err), 0);
}

/* A flow that fits, by its Ethertype; another action, another port. */
#define FLOW(TYPE, PACKETS, ACTIONS)                                                               \
	"ufid:00000000-0000-0000-0000-00000000" TYPE ", recirc_id(0),in_port(a),eth_type(0x" TYPE  \
	"), packets:" PACKETS ", bytes:" PACKETS "00, used:0.1s, actions:" ACTIONS "\n"

START_TEST(the_busiest_have_the_table)
{
	struct plan *p = small(2);
	struct json_object *o, *reasons, *first;

	read_text(p, FLOW("9001", "5", "b") FLOW("9002", "50", "b") FLOW("9003", "500", "b")
			     FLOW("9004", "1000", "push_vlan(vid=1,pcp=0),b")
				     FLOW("9005", "7", "vxlan_sys_4789"));
	o = plan_report(p);
	ck_assert_uint_eq(number(o, "capacity", NULL), 2);
	ck_assert_uint_eq(number(o, "entries", NULL), 3);
	ck_assert_uint_eq(number(o, "used", NULL), 2);
	ck_assert_uint_eq(number(o, "total", "packets"), 1562);
	ck_assert_uint_eq(number(o, "fits", "packets"), 555);
	ck_assert_uint_eq(number(o, "hardware", "packets"), 550);
	ck_assert_uint_eq(number(o, "outside", "bytes"), 101200);
	reasons = json_object_object_get(o, "reasons");
	ck_assert_uint_eq(json_object_array_length(reasons), 3); /* action, out_device, not_worth */
	first = json_object_array_get_idx(reasons, 0);
	ck_assert_str_eq(json_object_get_string(json_object_object_get(first, "reason")), "action");
	ck_assert_str_eq(json_object_get_string(json_object_object_get(first, "action")),
			 "push_vlan");
	ck_assert_str_eq(json_object_get_string(json_object_object_get(
				 json_object_object_get(first, "example"), "place")),
			 "f:4");
	json_object_put(o);
	plan_free(p);
}
END_TEST

/* One that came in between, one whose counters began anew, one that stands still, one that left. */
START_TEST(two_readings_give_rates)
{
	struct plan *p = small(2);
	struct json_object *o;

	read_text(p, FLOW("9001", "1000", "b") FLOW("9002", "500", "b") FLOW("9003", "9", "b")
			     FLOW("9004", "9", "b"));
	plan_again(p, 2);
	read_text(p, FLOW("9001", "1000", "b") FLOW("9002", "20", "b") FLOW("9003", "109", "b")
			     FLOW("9005", "40", "pop_vlan,b"));
	o = plan_report(p);
	ck_assert_double_eq_tol(real(o, "total", "pps"), (20 + 100 + 40) / 2.0, 1e-9);
	ck_assert_double_eq_tol(real(o, "total", "bps"), 160 * 100 / 2.0, 1e-9);
	ck_assert_double_eq_tol(real(o, "hardware", "pps"), 60, 1e-9);
	ck_assert_uint_eq(number(o, "hardware", "packets"), 129); /* by rate, not by count */
	ck_assert_uint_eq(number(o, "total", "flows"), 4);
	json_object_put(o);
	plan_free(p);
}
END_TEST

START_TEST(one_rule_for_all_threads_and_every_line_is_told)
{
	struct plan *p = small(9);
	struct json_object *o, *shown, *u;
	struct str s = STR_INIT;

	str_puts(&s, "flow-dump from pmd on cpu core: 0\n" FLOW(
			     "9001", "10",
			     "b") "flow-dump from pmd on cpu core: 1\n" FLOW("9001", "5",
									     "b") "rubbish\n\n");
	for (unsigned i = 0; i < 30; i++)
		str_puts(&s, "in_port(a),what(1), actions:1\n");
	read_text(p, str_cstr(&s));
	o = plan_report(p);
	ck_assert_uint_eq(number(o, "total", "flows"), 1);
	ck_assert_uint_eq(number(o, "total", "packets"), 15);
	ck_assert_uint_eq(number(o, "used", NULL), 1);
	u = json_object_object_get(o, "unreadable");
	ck_assert_uint_eq(number(u, "lines", NULL), 31);
	shown = json_object_object_get(u, "shown");
	ck_assert_uint_eq(json_object_array_length(shown), PLAN_UNREADABLE_SHOWN);
	ck_assert_str_eq(json_object_get_string(json_object_object_get(
				 json_object_array_get_idx(shown, 0), "place")),
			 "f:5");
	json_object_put(o);
	plan_free(p);
	str_done(&s);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("plan");
	TCase *t = tcase_create("plan");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, it_is_what_placement_does, 0, ARRAY_SIZE(profiles));
	tcase_add_test(t, the_busiest_have_the_table);
	tcase_add_test(t, two_readings_give_rates);
	tcase_add_test(t, one_rule_for_all_threads_and_every_line_is_told);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
