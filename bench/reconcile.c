/* SPDX-License-Identifier: Apache-2.0 */
/* What it costs to keep the counters of many flows on one device up to date: CPU time of the
 * device's thread, at a period of a second, with flows that rest and with flows that are all hit
 * between two passes; and of the continuous audit beside it.  The device is sim's, so that what is
 * measured is Shunt's own work and no driver's.
 *
 *   bench/reconcile [FLOWS [SECONDS]]      200000 flows, 5 seconds a figure */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/lab_main.h"
#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "tests/unit/offload/lab.h"

static struct lab *lab;
static unsigned n_flows = 200000, seconds = 5;
static struct match *matches;

static void tune(struct engine_config *cfg)
{
	cfg->stats_period_ms = 1000;
	cfg->audit_period_ms = 0;
	cfg->queue_max = n_flows;
}

/* Nanoseconds that the thread of this name has run (/proc/PID/task/TID/schedstat, proc(5)). */
static uint64_t thread_ns(const char *name)
{
	DIR *d = opendir("/proc/self/task");
	unsigned long long sum = 0;
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char path[300], comm[32] = "";
		unsigned long long ns = 0;
		FILE *f;

		(void)snprintf(path, sizeof(path), "/proc/self/task/%s/comm", e->d_name);
		f = fopen(path, "r");
		if (!f || fscanf(f, "%31s", comm) != 1)
			comm[0] = '\0';
		if (f)
			(void)fclose(f);
		if (strcmp(comm, name))
			continue;
		(void)snprintf(path, sizeof(path), "/proc/self/task/%s/schedstat", e->d_name);
		f = fopen(path, "r");
		if (f && fscanf(f, "%llu", &ns) == 1)
			sum += ns;
		if (f)
			(void)fclose(f);
	}
	if (d)
		(void)closedir(d);
	return sum;
}

static void hit_all(void)
{
	for (unsigned i = 0; i < n_flows; i++)
		lab_send(lab, 0, &matches[i].key, 0, 1);
}

static void figure(const char *what, bool hit)
{
	uint64_t end, cpu, wall, sent = 0;

	lab_sleep_ms(1500); /* what went before is over */
	cpu = thread_ns("offload");
	wall = clock_mono_ns();
	end = wall + seconds * NSEC_PER_SEC;
	while (clock_mono_ns() < end) {
		uint64_t next = clock_mono_ns() + NSEC_PER_SEC;

		if (hit)
			hit_all();
		sent += hit ? n_flows : 0;
		if (clock_mono_ns() < next)
			lab_sleep_ms((unsigned)((next - clock_mono_ns()) / NSEC_PER_MSEC));
	}
	cpu = thread_ns("offload") - cpu;
	wall = clock_mono_ns() - wall;
	printf("%-44s %6.2f %% of a core   (%llu packets)\n", what,
	       100.0 * (double)cpu / (double)wall, (unsigned long long)sent);
	(void)fflush(stdout);
}

START_TEST(reconcile)
{
	struct engine_device_info *d = xcalloc(1, sizeof(*d));
	struct engine_config cfg;
	struct ufid u;

	matches = xcalloc(n_flows, sizeof(*matches));
	lab_profile_generic("many", n_flows + 1, 0, 0);
	lab = lab_open("r", "sim:many", 2, true, tune);
	for (unsigned i = 0; i < n_flows; i++) {
		lab_udp(lab, 0, i, &matches[i]);
		engine_flow_unref(lab_put(lab, &matches[i], "%1", true, &u));
	}
	do {
		lab_sleep_ms(100);
		lab_device(lab, d);
	} while (d->flows[OFFLOAD_ST_HARDWARE] < n_flows);
	printf("%u flows in one device, counters read once a second:\n", n_flows);
	figure("flows that rest", false);
	figure("every flow hit between two passes", true);
	engine_config_default(&cfg);
	tune(&cfg);
	cfg.audit_period_ms = 1000;
	engine_configure(lab->e, &cfg);
	figure("flows that rest, audited a second apart", false);
	lab_device(lab, d);
	printf("audits: %llu, the last took %llu ms\n", (unsigned long long)d->audit_runs,
	       (unsigned long long)(d->audit_took_ns / NSEC_PER_MSEC));
	lab_close(lab);
	free(matches);
	free(d);
}
END_TEST

int main(int argc, char *argv[])
{
	return lab_main(argc, argv, reconcile, &n_flows, &seconds);
}
