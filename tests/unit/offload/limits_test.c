/* SPDX-License-Identifier: Apache-2.0 */
/* Limits that change while flows are in hardware: what is over leaves, the least valuable first and
 * only as far as evictions are allowed; the limit of the whole switch is divided among its NICs. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "tests/unit/offload/lab.h"

#define FLOWS 60
#define BUSY 12
#define TURNS 2000

static struct lab *l;
static struct match m[FLOWS];
static struct engine_flow *f[FLOWS];
static struct ufid u[FLOWS];
static struct engine_config cfg;
static struct engine_device_info dev[2];

static void keep_config(struct engine_config *c)
{
	c->min_residency_ms = 0;
	c->stats_period_ms = 50;
	cfg = *c;
}

/* The first half of the flows enters by port 0, the other by port 2. */
static void open_flows(unsigned n_sim, unsigned latency_us)
{
	lab_profile_generic("first", 200, latency_us, 0);
	l = lab_open("v", "sim:first", n_sim, true, keep_config);
	for (unsigned i = 0; i < FLOWS; i++)
		lab_udp(l, i < FLOWS / 2 ? 0 : 2, i, &m[i]);
}

static void put_flows(unsigned from, unsigned n)
{
	for (unsigned i = from; i < from + n; i++)
		f[i] = lab_put(l, &m[i], i < FLOWS / 2 ? "%1" : "%3", true, &u[i]);
	ck_assert(engine_quiesce(l->e, 10000));
}

static void close_flows(void)
{
	for (unsigned i = 0; i < FLOWS; i++)
		if (f[i])
			lab_del(l, f[i]);
	lab_close(l);
}

static void look(void)
{
	lab_sleep_ms(2);
	engine_refresh(l->e);
	memset(dev, 0, sizeof(dev));
	(void)engine_devices(l->e, dev, 2);
}

static unsigned in_hardware(unsigned from, unsigned n)
{
	struct engine_flow_info *info = xmalloc(sizeof(*info));
	unsigned there = 0;

	for (unsigned i = from; i < from + n; i++) {
		lab_info(l, u[i], info);
		there += info->state == OFFLOAD_ST_HARDWARE;
		engine_flow_info_done(info);
	}
	free(info);
	return there;
}

/* One more turn of traffic for n flows from that one on. */
static void traffic(unsigned from, unsigned n)
{
	for (unsigned i = from; i < from + n; i++)
		lab_send(l, i < FLOWS / 2 ? 0 : 2, &m[i].key, 0, 20);
	look();
}

/* Readings have shown what the busy ones carry. */
static void learn_rates(unsigned from, unsigned n)
{
	for (unsigned turn = 0; turn < 100; turn++)
		traffic(from, n);
}

static void wait_ticks(unsigned n)
{
	uint64_t until;

	look();
	until = dev[0].ticks + n;
	for (unsigned turn = 0; turn < TURNS && dev[0].ticks < until; turn++)
		traffic(0, BUSY);
	ck_assert_uint_ge(dev[0].ticks, until);
}

START_TEST(the_least_valuable_leave_a_device)
{
	open_flows(LAB_PORTS, 4000); /* so that ticks come while rules leave */
	put_flows(0, FLOWS);
	ck_assert_uint_eq(in_hardware(0, FLOWS), FLOWS);
	learn_rates(0, BUSY);

	cfg.max_entries = 2 * BUSY;
	cfg.max_churn_per_s = 0;
	engine_configure(l->e, &cfg);
	wait_ticks(5);
	ck_assert_uint_eq(dev[0].evictions, 0);
	ck_assert_uint_eq(dev[0].usage.entries, FLOWS);

	cfg.max_churn_per_s = 1000;
	engine_configure(l->e, &cfg);
	for (unsigned turn = 0; turn < TURNS && dev[0].usage.entries > cfg.max_entries; turn++)
		traffic(0, BUSY);
	wait_ticks(3);
	ck_assert_uint_eq(dev[0].usage.entries, cfg.max_entries); /* and not one more */
	ck_assert_uint_eq(dev[0].evictions, FLOWS - cfg.max_entries);
	ck_assert_uint_eq(in_hardware(0, BUSY), BUSY);
	ck_assert(dev[0].limited && dev[0].allowed == cfg.max_entries);
	ck_assert_uint_eq(dev[0].refusals[OFFLOAD_OVER_LIMIT], FLOWS - cfg.max_entries);
	close_flows();
}
END_TEST

START_TEST(a_port_gives_up_its_own)
{
	static const struct engine_port_placement five = { .placement = -1, .max_entries = 5 };

	open_flows(LAB_PORTS, 0);
	put_flows(0, FLOWS);
	learn_rates(0, 5);
	engine_port_placement(l->e, l->no[0], &five);
	for (unsigned turn = 0; turn < TURNS && in_hardware(0, FLOWS / 2) > 5; turn++)
		traffic(0, 5);
	wait_ticks(3);
	ck_assert_uint_eq(in_hardware(0, 5), 5);
	ck_assert_uint_eq(in_hardware(0, FLOWS / 2), 5);
	ck_assert_uint_eq(in_hardware(FLOWS / 2, FLOWS / 2), FLOWS / 2);
	close_flows();
}
END_TEST

static uint64_t both(void)
{
	return dev[0].usage.entries + dev[1].usage.entries;
}

START_TEST(devices_divide_what_all_may_hold)
{
	open_flows(2, 0);
	lab_profile_generic("second", 200, 0, 0);
	for (unsigned i = 2; i < 4; i++)
		ck_assert_int_eq(engine_port_move(l->e, l->port[i], "sim:second", NULL), 0);
	put_flows(0, FLOWS / 2);
	cfg.max_total = 20;
	engine_configure(l->e, &cfg);
	for (unsigned turn = 0; turn < TURNS && (turn < 100 || both() > 20); turn++)
		traffic(0, FLOWS / 2);
	/* The other has no flows: all of it but a rest that cannot be divided. */
	ck_assert_uint_le(both(), 20);
	ck_assert_uint_ge(both(), 19);

	put_flows(FLOWS / 2, 6);
	for (unsigned turn = 0; turn < TURNS && in_hardware(FLOWS / 2, 6) < 6; turn++) {
		traffic(0, FLOWS / 2);
		traffic(FLOWS / 2, 6);
	}
	ck_assert_uint_eq(in_hardware(FLOWS / 2, 6), 6);
	for (unsigned turn = 0; turn < TURNS && both() > 20; turn++)
		traffic(FLOWS / 2, 6);
	ck_assert_uint_le(both(), 20);
	ck_assert_uint_ge(in_hardware(0, FLOWS / 2), 10); /* its equal part, at least */

	cfg.max_total = 0;
	engine_configure(l->e, &cfg);
	for (unsigned turn = 0; turn < TURNS && both() < FLOWS / 2 + 6; turn++)
		traffic(0, FLOWS / 2);
	ck_assert_uint_eq(both(), FLOWS / 2 + 6);
	close_flows();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("offload limits");
	TCase *t = tcase_create("limits");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_test(t, the_least_valuable_leave_a_device);
	tcase_add_test(t, a_port_gives_up_its_own);
	tcase_add_test(t, devices_divide_what_all_may_hold);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
