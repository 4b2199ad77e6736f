/* SPDX-License-Identifier: Apache-2.0 */
/* What it costs to decide who gets the entries while very many flows wait: CPU time of a tick of
 * the engine, as the engine itself counts it (engine_device_info.tick_ns), over a full table of
 * sim's.  Twice a second packets of a tenth of the flows, others each time, are counted and read,
 * so that values move and flows change places; the table is four thousand entries.
 *
 *   bench/decide [FLOWS [SECONDS]]      200000 flows, 10 seconds a figure */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/lab_main.h"
#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "tests/unit/offload/lab.h"

#define TABLE 4096
#define TURN_NS (NSEC_PER_SEC / 2)

static struct lab *lab;
static unsigned n_flows = 200000, seconds = 10;
static struct match *matches;

static unsigned port_of_flow(unsigned i)
{
	return i % 2 ? 2 : 0;
}

static void tune(struct engine_config *cfg)
{
	cfg->stats_period_ms = 500;
	cfg->min_residency_ms = 500;
	cfg->audit_period_ms = 0;
	cfg->queue_max = n_flows;
}

/* Packets for every tenth flow from `first` on; of some many. */
static void send_to_a_tenth(unsigned first)
{
	for (unsigned i = first % 10; i < n_flows; i += 10)
		lab_send(lab, port_of_flow(i), &matches[i].key, 0, i / 10 % 8 ? 1 : 40);
}

static void figure(const char *what, bool hit)
{
	struct engine_device_info *d = xcalloc(2, sizeof(*d));
	uint64_t end = clock_mono_ns() + seconds * NSEC_PER_SEC;

	lab_device(lab, &d[0]);
	for (unsigned turn = 0; clock_mono_ns() < end; turn++) {
		uint64_t next = clock_mono_ns() + TURN_NS;

		if (hit)
			send_to_a_tenth(turn);
		engine_refresh(lab->e);
		if (clock_mono_ns() < next)
			lab_sleep_ms((unsigned)((next - clock_mono_ns()) / NSEC_PER_MSEC));
	}
	lab_device(lab, &d[1]);
	printf("%-32s %5llu ticks, %7.0f us each, at most %.0f since the start; %llu evictions\n",
	       what, (unsigned long long)(d[1].ticks - d[0].ticks),
	       (double)(d[1].tick_ns - d[0].tick_ns) / 1e3 /
		       (double)MAX(d[1].ticks - d[0].ticks, UINT64_C(1)),
	       (double)d[1].tick_max_ns / 1e3,
	       (unsigned long long)(d[1].evictions - d[0].evictions));
	(void)fflush(stdout);
	free(d);
}

START_TEST(decide)
{
	struct engine_device_info *d = xcalloc(1, sizeof(*d));
	struct ufid u;

	matches = xcalloc(n_flows, sizeof(*matches));
	lab_profile_generic("few", TABLE, 0, 0);
	lab = lab_open("t", "sim:few", LAB_PORTS, true, tune);
	for (unsigned i = 0; i < n_flows; i++) {
		lab_udp(lab, port_of_flow(i), i, &matches[i]);
		engine_flow_unref(lab_put(lab, &matches[i], "%1", true, &u));
	}
	ck_assert(engine_quiesce(lab->e, 60000));
	lab_device(lab, d);
	printf("%u flows, of which %llu wait for a table of %d:\n", n_flows,
	       (unsigned long long)d->flows[OFFLOAD_ST_REFUSED], TABLE);
	figure("nothing is counted", false);
	figure("a tenth is counted each reading", true);
	lab_close(lab);
	free(matches);
	free(d);
}
END_TEST

int main(int argc, char *argv[])
{
	return lab_main(argc, argv, decide, &n_flows, &seconds);
}
