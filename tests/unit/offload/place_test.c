/* SPDX-License-Identifier: Apache-2.0 */
/* The engine over a full sim NIC: exchanges are made before broken, pinned flows stay, no port is
 * below its share, and every packet is counted through all of it. */
#include <check.h>
#include <stdlib.h>

#include "core/base/xalloc.h"
#include "tests/unit/offload/lab.h"

#define FLOWS 300
#define TURNS 1000

static struct lab *l;
static struct match m[FLOWS];
static struct engine_flow *f[FLOWS];
static struct ufid u[FLOWS];
static uint64_t sent;

static void open_with(const char *name, unsigned size, unsigned n, unsigned n_second_port,
		      void (*tune)(struct engine_config *cfg))
{
	char *device = xasprintf("sim:%s", name);

	lab_profile_generic(name, size, 0, 0);
	l = lab_open("p", device, LAB_PORTS, true, tune);
	free(device);
	for (unsigned i = 0; i < n; i++) {
		lab_udp(l, i < n - n_second_port ? 0 : 2, i, &m[i]);
		f[i] = lab_put(l, &m[i], "%1", true, &u[i]);
	}
	ck_assert(engine_quiesce(l->e, 10000));
	sent = 0;
}

/* What was sent has been switched, and read. */
static bool all_counted(void)
{
	struct engine_totals t;
	uint64_t n = 0;

	engine_refresh(l->e);
	engine_totals(l->e, &t);
	for (unsigned i = 0; i < LEDGER_N_TIERS; i++)
		n += t.packets[i];
	ck_assert_uint_le(n, sent);
	return n == sent;
}

static void end(unsigned n)
{
	for (unsigned ms = 0; ms < 20000 && !all_counted(); ms += 5)
		lab_sleep_ms(5);
	ck_assert(all_counted());
	for (unsigned i = 0; i < n; i++)
		lab_del(l, f[i]);
	for (unsigned ms = 0; ms < 20000 && l->gone_flows < n; ms++)
		lab_sleep_ms(1); /* the last callbacks come after the last request */
	ck_assert_uint_eq(l->gone_flows, n);
	ck_assert_uint_eq(l->gone_packets, sent);
	lab_close(l);
}

static bool in_hardware(unsigned i)
{
	struct engine_flow_info *info = xmalloc(sizeof(*info));
	bool yes;

	lab_info(l, u[i], info);
	yes = info->state == OFFLOAD_ST_HARDWARE;
	engine_flow_info_done(info);
	free(info);
	return yes;
}

static void look_on(struct engine_device_info *d, unsigned size)
{
	lab_sleep_ms(5);
	engine_refresh(l->e);
	lab_device(l, d);
	ck_assert_uint_le(d->usage.entries, size);
}

START_TEST(exchanges_are_made_before_broken)
{
	struct engine_device_info *d = xzalloc(sizeof(*d));
	unsigned busy[10], n_busy = 0, there = 0;

	open_with("two56", 256, FLOWS, 0, NULL);
	lab_device(l, d);
	ck_assert_uint_eq(d->flows[OFFLOAD_ST_HARDWARE], 255); /* and one to spare */
	for (unsigned i = 0; i < FLOWS && n_busy < 10; i++)
		if (!in_hardware(i))
			busy[n_busy++] = i;
	ck_assert_uint_eq(n_busy, 10);
	for (unsigned turn = 0; turn < TURNS && there < n_busy; turn++) {
		there = 0;
		for (unsigned i = 0; i < n_busy; i++) {
			lab_send(l, 0, &m[busy[i]].key, 0, 20);
			sent += 20;
			there += in_hardware(busy[i]);
		}
		look_on(d, 256);
	}
	ck_assert_uint_eq(there, n_busy);
	ck_assert(engine_quiesce(l->e, 10000));
	lab_device(l, d);
	ck_assert_uint_ge(d->exchanges, n_busy);
	ck_assert_uint_eq(d->evictions, d->exchanges); /* each replacement stood before */
	end(FLOWS);
	free(d);
}
END_TEST

static void pinned(struct engine_config *cfg)
{
	cfg->placement = PLACEMENT_PINNED;
	cfg->min_residency_ms = 0;
}

START_TEST(pinned_flows_stay)
{
	struct engine_device_info *d = xzalloc(sizeof(*d));
	unsigned turn = 0, there = 0;

	open_with("eight", 8, 24, 0, pinned);
	for (unsigned i = 20; i < 24; i++) /* they wait, and come in though they carry nothing */
		engine_pin(l->e, f[i], true);
	for (unsigned i = 20; i < 24; i++)
		lab_wait_state(l, u[i], OFFLOAD_ST_HARDWARE, -1);
	for (; turn < TURNS && (turn < 300 || there < 4); turn++) {
		there = 0;
		for (unsigned i = 10; i < 18; i++) {
			lab_send(l, 0, &m[i].key, 0, 10);
			sent += 10;
			there += in_hardware(i);
		}
		for (unsigned i = 20; i < 24; i++)
			ck_assert(in_hardware(i));
		look_on(d, 8);
	}
	ck_assert_uint_eq(there, 4); /* what is left */
	end(24);
	free(d);
}
END_TEST

START_TEST(no_port_is_below_its_share)
{
	struct engine_device_info *d = xzalloc(sizeof(*d));
	unsigned there = 0;

	open_with("sixty4", 64, 110, 10, NULL);
	for (unsigned turn = 0; turn < TURNS && there < 10; turn++) {
		for (unsigned i = 0; i < 100; i++) {
			lab_send(l, 0, &m[i].key, 0, 8);
			sent += 8;
		}
		there = 0;
		for (unsigned i = 100; i < 110; i++) { /* a quarter of the others' rate */
			lab_send(l, 2, &m[i].key, 0, 2);
			sent += 2;
			there += in_hardware(i);
		}
		look_on(d, 64);
	}
	ck_assert_uint_eq(there, 10);
	end(110);
	free(d);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("offload placement");
	TCase *t = tcase_create("place");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_test(t, exchanges_are_made_before_broken);
	tcase_add_test(t, pinned_flows_stay);
	tcase_add_test(t, no_port_is_below_its_share);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
