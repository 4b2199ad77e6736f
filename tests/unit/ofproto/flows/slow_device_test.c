/* SPDX-License-Identifier: Apache-2.0 */
/* A device whose counters take long to read holds up nobody: rounds go on, misses are answered, the
 * limit on megaflows stays, and nothing is taken for idle because it could not be read in time.
 * Whoever asks for counters gets them as of his question, but for those that take too long. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/rcu.h"
#include "core/base/xalloc.h"
#include "ofproto/flows/flows.h"
#include "ofproto/text/flow_text.h"
#include "tests/fake/survivor.h"

#define PORTS 4
#define IDLE_MS 500
#define READ_MS 700 /* longer than that; and with the rest after it, than the rule's idle time */

static struct survivor *w;
static struct dp *dp;
static struct flows *f;
static struct ofp_tables *tables;
static struct mac_table *macs;

static void drop_packet_ins(void *ctx UNUSED, struct xlate_packet_in *list)
{
	xlate_packet_in_free(list);
}

static void publish(void)
{
	struct xl_snapshot *s = xl_snapshot_new(1);
	struct xl_bridge *x = &s->bridges[0];

	(void)snprintf(x->name, sizeof(x->name), "br0");
	x->id = 1;
	x->tables = tables;
	x->macs = macs;
	x->n_ports = x->n_bundles = PORTS;
	x->ports = xcalloc(PORTS, sizeof(*x->ports));
	x->bundles = xcalloc(PORTS, sizeof(*x->bundles));
	for (uint32_t i = 0; i < PORTS; i++) {
		struct xl_port *p = &x->ports[i];
		struct xl_bundle *b = &x->bundles[i];

		(void)snprintf(p->name, sizeof(p->name), "sp%u", i);
		p->ofp.v = p->dp.v = i + 1;
		p->up = true;
		p->bundle = b;
		b->id = i;
		b->vlan.mode = VLAN_TRUNK;
		b->ports = xcalloc(1, sizeof(struct xl_port *));
		b->ports[0] = p;
		b->n_ports = 1;
	}
	xl_snapshot_link(s);
	flows_set_snapshot(f, s);
}

/* The last port has no device. */
static void add_port(unsigned i)
{
	char name[] = { 's', 'p', (char)('0' + i), '\0' };
	struct port_config cfg = { .name = name, .type = "survivor" };
	struct dp_port_info info;
	struct dp_port no;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(dp->ops->port_add(dp, &cfg, (struct dp_port){ DP_PORT_NONE }, &no, &err),
			 0);
	ck_assert_int_eq(dp->ops->port_get(dp, no, &info), 0);
	ck_assert_int_eq(engine_port_add(flows_engine(f), info.port,
					 i + 1 < PORTS ? "survivor:a" : "none", &err),
			 0);
	port_unref(info.port);
}

static void add_rule(const char *text)
{
	struct buf acts = BUF_INIT;
	struct error err = ERROR_INIT;
	struct ofp_flow_mod fm;

	ck_assert_msg(!flow_mod_parse(text, OFPFC_ADD_, NULL, &fm, &acts, &err), "%s: %s", text,
		      err.cause);
	ck_assert_int_eq(tables_flow_mod(tables, &fm, NULL), OFPERR_OK);
	buf_done(&acts);
}

static void setup(void)
{
	static const struct flows_ops ops = { .packet_in = drop_packet_ins };
	static const struct tables_ops no_ops;
	struct engine_config ec;
	struct flows_config cfg;
	struct error err = ERROR_INIT;

	survivor_register();
	w = survivor_new();
	ck_assert_int_eq(dp_type_find("survivor")->open("slow", &dp, &err), 0);
	flows_config_default(&cfg);
	cfg.max_idle_ms = IDLE_MS;
	cfg.max_revalidator_ms = 20;
	f = flows_new(dp, &ops, NULL, &cfg, &err);
	ck_assert_ptr_nonnull(f);
	engine_config_default(&ec);
	ec.stats_period_ms = 20;
	ec.audit_period_ms = 0;
	ec.hang_ms = 60000; /* slow, and no more than that */
	engine_configure(flows_engine(f), &ec);
	tables = tables_new(&no_ops, NULL);
	macs = mac_table_new();
	mac_configure(macs, 1000, 300);
	for (unsigned i = 0; i < PORTS; i++)
		add_port(i);
	add_rule("idle_timeout=2,in_port=1,actions=output:2");
	add_rule("in_port=4,actions=output:2");
	publish();
}

static void teardown(void)
{
	w->stats_naps_ms = 0;
	flows_free(f, false);
	dp->ops->close(dp, false);
	rcu_settle();
	tables_free(tables);
	mac_table_free(macs);
	survivor_free(w);
}

static struct flow_key key_of(unsigned in, uint32_t id)
{
	struct flow_key k;

	memset(&k, 0, sizeof(k));
	k.in_port = htonl(in);
	k.dl_src = (struct eth_addr){ { 2, 0, 0, 0, 0, 1 } };
	k.dl_dst = (struct eth_addr){ { 2, 0, (uint8_t)(id >> 8), (uint8_t)id, 0, 2 } };
	k.dl_type = htons(0x88b5);
	return k;
}

static uint64_t state(enum offload_state st)
{
	struct engine_device_info *d = xcalloc(1, sizeof(*d));
	uint64_t n;

	ck_assert_uint_eq(engine_devices(flows_engine(f), d, 1), 1);
	n = d->flows[st];
	free(d);
	return n;
}

static struct flows_stats stats(void)
{
	struct flows_stats st;

	flows_stats(f, &st);
	return st;
}

static uint64_t n_rules(void)
{
	(void)tables_expire(tables, clock_mono_ns(), flows_counted_ns(f));
	return tables_n_rules(tables);
}

#define UNTIL(COND)                                                                                \
	do {                                                                                       \
		for (unsigned i_ = 0; i_ < 20000 && !(COND); i_++)                                 \
			(void)usleep(1000);                                                        \
		ck_assert_msg(COND, "%s", #COND);                                                  \
	} while (0)

START_TEST(nobody_waits_for_its_counters)
{
	struct flow_key busy = key_of(1, 0), first = key_of(4, 0);
	struct flows_stats was;
	uint64_t passes;

	/* the first miss brings the megaflow */
	UNTIL(survivor_send(w, &busy, 1) && state(OFFLOAD_ST_HARDWARE) == 1);
	w->stats_naps_ms = READ_MS;
	passes = w->stats_passes + 1;
	UNTIL(survivor_send(w, &busy, 1) &&
	      w->stats_passes > passes); /* from here on each reading takes so long */
	was = stats();
	passes = w->stats_passes;
	UNTIL(survivor_send(w, &first, 1)); /* a miss is answered meanwhile */
	while (w->stats_passes < passes + 2) {
		ck_assert(survivor_send(w, &busy, 1)); /* is there all the time */
		(void)usleep(10000);
		ck_assert_uint_eq(n_rules(), 2);
	}
	ck_assert_uint_eq(w->applied[OFFLOAD_REMOVE], 0);
	ck_assert_uint_eq(w->applied[OFFLOAD_INSTALL], 1);
	ck_assert_uint_eq(state(OFFLOAD_ST_HARDWARE), 1);
	ck_assert_uint_gt(stats().rounds, was.rounds + 2); /* more of them than readings */
	ck_assert_uint_eq(stats().flow_limit, was.flow_limit);
	ck_assert_uint_gt(stats().deleted_idle, was.deleted_idle); /* what no device has */

	w->stats_naps_ms = 0; /* what is known to be idle goes, rule and megaflow */
	UNTIL(n_rules() == 1);
	UNTIL(stats().n_flows == 0);
}
END_TEST

/* --- answers --- */

/* No reading but those that are asked for. */
static void read_when_asked(void)
{
	struct engine_config ec;

	engine_config_default(&ec);
	ec.stats_period_ms = 3600 * 1000;
	ec.audit_period_ms = 0;
	ec.hang_ms = 600000;
	engine_configure(flows_engine(f), &ec);
}

struct answer {
	_Atomic bool here;
};

static void answered(void *arg)
{
	struct answer *a = arg;

	a->here = true;
}

static void ask(void)
{
	struct answer a = { false };

	flows_after_readings(f, answered, &a);
	UNTIL(a.here);
}

static bool add_packets(struct rule *r, void *sum)
{
	*(uint64_t *)sum += r->stats->packets;
	return true;
}

static uint64_t counted(void)
{
	struct ofp_flow_stats_request all = { .table = OFPTT_ALL_,
					      .out_port = { OFPP_NONE_ },
					      .out_group = OFPG_ANY_ };
	uint64_t sum = 0;

	match_init_catchall(&all.match);
	tables_visit(tables, &all, add_packets, &sum);
	return sum;
}

/* The first misses bring the megaflow. */
static void bring_in(const struct flow_key *k)
{
	UNTIL(survivor_send(w, k, 1) && state(OFFLOAD_ST_HARDWARE) == 1);
}

START_TEST(an_answer_holds_what_the_device_counted)
{
	struct flow_key k = key_of(1, 0);

	bring_in(&k);
	read_when_asked();
	ask(); /* one that the shorter period had begun has ended */
	for (unsigned i = 1; i < 20; i++) {
		ck_assert(survivor_send(w, &k, i));
		ask();
		ck_assert_uint_eq(counted(), w->sent);
	}
	ck_assert_uint_eq(stats().readings_late, 0);
}
END_TEST

START_TEST(who_asks_all_the_time_has_nothing_read_more_often)
{
	struct flow_key k = key_of(1, 0);
	uint64_t begun, passes, asked = 0;

	bring_in(&k);
	read_when_asked();
	ask();
	passes = w->stats_passes;
	begun = clock_mono_ns();
	for (; w->stats_passes < passes + 5; asked++) {
		struct answer a[4] = { { false } };

		for (unsigned i = 0; i < 4; i++)
			flows_after_readings(f, answered, &a[i]);
		UNTIL(a[0].here && a[1].here && a[2].here && a[3].here);
	}
	passes = w->stats_passes - passes;
	/* the first may have begun at once */
	ck_assert_uint_ge(clock_mono_ns() - begun,
			  (passes - 1) * ENGINE_READ_REST_MS * NSEC_PER_MSEC);
	ck_assert_uint_ge(asked, 1);
}
END_TEST

START_TEST(a_reading_that_takes_too_long_is_not_waited_for)
{
	struct flow_key k = key_of(1, 0);
	uint64_t sent;

	bring_in(&k);
	read_when_asked();
	ask();
	sent = w->sent;
	ck_assert_uint_eq(counted(), sent);
	w->stats_naps_ms = 300000;
	ck_assert(survivor_send(w, &k, 7));
	ask();
	ck_assert_uint_eq(counted(), sent);
	ck_assert_uint_eq(stats().readings_late, 1);
	w->stats_naps_ms = 0;
	ask();
	ck_assert_uint_eq(counted(), sent + 7);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("slow device");
	TCase *t = tcase_create("slow");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 180);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, nobody_waits_for_its_counters);
	tcase_add_test(t, an_answer_holds_what_the_device_counted);
	tcase_add_test(t, who_asks_all_the_time_has_nothing_read_more_often);
	tcase_add_test(t, a_reading_that_takes_too_long_is_not_waited_for);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
