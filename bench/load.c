/* SPDX-License-Identifier: Apache-2.0 */
/* A switch under a storm of new connections: does it stay within its bounds, and count everything?
 *
 *   load [-r CONNECTIONS_A_SECOND] [-t SECONDS] [-p CLIENT_PORTS] [-e ENTRIES] [-l LATENCY_US]
 *        [-f FLOW_LIMIT] [-i IDLE_MS] [-q QUEUE] [-w WORKERS] [-h HANDLERS] [-n REPORT_EVERY_S]
 *
 * A whole switch in this process (load_switch.h) with a sim NIC gets connections at a rate
 * (load_traffic.h) for a time; a line every REPORT_EVERY_S seconds says how it is.  At the end what
 * was promised is judged, and the exit status is 1 when a promise is broken:
 *
 *   memory    comes to a halt: the last third of the time needs no more than the one before
 *   queues    requests to the NIC and megaflows stay within their limits
 *   ports     none is starved: something of each is counted in each report, and of the ports that
 *             share with the one that has half of all connections none loses more than that one
 *   counts    what a port was given is what its rule counted and what the upcall queues counted as
 *             lost, to the packet and byte; and what was counted was sent on
 *
 * The seed is printed; SHUNT_SEED runs one again. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/load_switch.h"
#include "bench/load_traffic.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/rcu.h"
#include "core/base/xalloc.h"
#include "core/io/loop.h"
#include "tests/unit/seed.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

#define SYNC_MS 120000
#define HANDLER_BATCH 32u /* megaflows that a handler may install beyond the limit */

struct options {
	struct load_switch_config sw;
	uint32_t rate;
	unsigned seconds, every;
};

/* The most that was seen in each third of the time. */
struct watch {
	uint64_t rss[3], queue, flows;
};

struct moment { /* of a report */
	uint64_t at_ns;
	struct traffic_counts sent;
	uint64_t counted[LOAD_PORTS_MAX], hw[LOAD_PORTS_MAX];
	uint64_t evictions, installs, lost, rounds;
};

struct load {
	struct options o;
	struct loop *loop;
	struct load_switch *sw;
	struct traffic *traffic;
	struct loop_timer *sample, *report, *end;
	uint64_t begun_ns;
	struct watch most;
	struct moment last;
	unsigned broken, starved;
};

static void die(const char *what, const struct error *err)
{
	char text[512];

	(void)fprintf(stderr, "load: %s%s%s\n", what, err ? ": " : "",
		      err ? error_text(err, text, sizeof(text)) : "");
	exit(2);
}

static uint64_t rss_bytes(void)
{
	unsigned long long size, resident = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f && fscanf(f, "%llu %llu", &size, &resident) != 2)
		resident = 0;
	if (f)
		(void)fclose(f);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static struct engine_device_info *device(const struct load *l)
{
	struct engine_device_info *d = xzalloc(sizeof(*d));

	if (engine_devices(load_switch_engine(l->sw), d, 1) != 1)
		die("there is not exactly one device", NULL);
	return d;
}

/* --- while it runs --- */

static void sample(void *arg)
{
	struct load *l = arg;
	uint64_t third = (uint64_t)l->o.seconds * NSEC_PER_SEC / 3;
	uint64_t i = MIN((clock_mono_ns() - l->begun_ns) / third, UINT64_C(2));
	struct engine_device_info *d = device(l);
	struct flows_stats fs;

	flows_stats(load_switch_flows(l->sw), &fs);
	l->most.rss[i] = MAX(l->most.rss[i], rss_bytes());
	l->most.queue = MAX(l->most.queue, (uint64_t)d->queue_depth);
	l->most.flows = MAX(l->most.flows, fs.max_flows);
	free(d);
}

static void look_at_ports(struct load *l, struct moment *m)
{
	struct engine_port_info p[LOAD_PORTS_MAX + LOAD_SERVERS];
	size_t n = engine_ports(load_switch_engine(l->sw), p, ARRAY_SIZE(p));

	for (size_t i = 0; i < MIN(n, ARRAY_SIZE(p)); i++) {
		unsigned k = p[i].no.v - load_switch_port(l->sw, 0)->no.v;

		if (k < l->o.sw.n_clients)
			m->hw[k] = p[i].packets[LEDGER_HARDWARE];
	}
	for (unsigned i = 0; i < l->o.sw.n_clients; i++)
		m->counted[i] = load_switch_counted(l->sw, i).packets;
}

static void look(struct load *l, struct moment *m, struct engine_device_info *d)
{
	struct dp *dp = load_switch_dp(l->sw);
	struct flows_stats fs;
	struct dp_stats ds;

	memset(m, 0, sizeof(*m));
	m->at_ns = clock_mono_ns();
	traffic_counts(l->traffic, &m->sent);
	look_at_ports(l, m);
	dp->ops->stats(dp, &ds);
	flows_stats(load_switch_flows(l->sw), &fs);
	m->rounds = fs.rounds;
	m->lost = ds.lost;
	m->evictions = d->evictions;
	m->installs = d->installs;
}

static uint64_t sum(const uint64_t v[], unsigned n)
{
	uint64_t s = 0;

	for (unsigned i = 0; i < n; i++)
		s += v[i];
	return s;
}

/* Percent of what was sent between two moments that hardware switched: of all, and of the port that
 * has least.  Its counters lag a little. */
static void shares(const struct load *l, const struct moment *m, double *all, double *least)
{
	const struct moment *was = &l->last;
	uint64_t hw = 0, packets = 0;

	*least = 100;
	for (unsigned i = 0; i < l->o.sw.n_clients; i++) {
		uint64_t h = m->hw[i] - was->hw[i], a = m->sent.packets[i] - was->sent.packets[i];

		hw += h;
		packets += a;
		if (a)
			*least = MIN(*least, 100.0 * (double)h / (double)a);
	}
	*all = packets ? 100.0 * (double)hw / (double)packets : 0;
}

/* Rules count in rounds of the revalidator: without a whole one there is nothing to judge by. */
static void starving(struct load *l, const struct moment *m)
{
	if (m->rounds < l->last.rounds + 2)
		return;
	for (unsigned i = 0; i < l->o.sw.n_clients; i++) {
		if (m->sent.packets[i] - l->last.sent.packets[i] < 100 ||
		    m->counted[i] != l->last.counted[i])
			continue;
		printf("port %u is starved: nothing of it was counted\n", i + 1);
		l->starved++;
	}
}

static void report(void *arg)
{
	struct load *l = arg;
	struct engine_device_info *d = device(l);
	unsigned n = l->o.sw.n_clients;
	double s, all, least;
	struct flows_stats fs;
	struct moment m;

	look(l, &m, d);
	flows_stats(load_switch_flows(l->sw), &fs);
	shares(l, &m, &all, &least);
	s = (double)(m.at_ns - l->last.at_ns) / (double)NSEC_PER_SEC;
	printf("%5.0f %8.0f %8.0f %7" PRIu64 " %6" PRIu64 "ms %6" PRIu64 " %8.0f %7.0f %6" PRIu32
	       " %8.0f %6.1f%% %6.1f%% %6.0f\n",
	       (double)(m.at_ns - l->begun_ns) / (double)NSEC_PER_SEC,
	       (double)(m.sent.opened - l->last.sent.opened) / s,
	       (double)(sum(m.sent.packets, n) - sum(l->last.sent.packets, n)) / s, fs.n_flows,
	       fs.round_ms, d->usage.entries, (double)(m.installs - l->last.installs) / s,
	       (double)(m.evictions - l->last.evictions) / s, d->queue_depth,
	       (double)(m.lost - l->last.lost) / s, all, least, (double)rss_bytes() / 1e6);
	(void)fflush(stdout);
	starving(l, &m);
	l->last = m;
	free(d);
}

static void end(void *arg)
{
	struct load *l = arg;

	loop_exit(l->loop);
}

static void run(struct load *l)
{
	uint64_t period = (uint64_t)l->o.seconds * NSEC_PER_SEC / 60;
	struct traffic_config tc = { .n_ports = l->o.sw.n_clients,
				     .rate = l->o.rate,
				     .seed = rng_start("load").state };
	struct engine_device_info *d = device(l);

	for (unsigned i = 0; i < tc.n_ports; i++)
		tc.ports[i] = load_switch_port(l->sw, i);
	printf("%5s %8s %8s %7s %8s %6s %8s %7s %6s %8s %7s %7s %6s\n", "time", "conn/s", "pkts/s",
	       "flows", "round", "in hw", "put/s", "evict/s", "queue", "lost/s", "in hw", "worst",
	       "RSS MB");
	l->begun_ns = clock_mono_ns();
	l->traffic = traffic_start(&tc);
	look(l, &l->last, d);
	free(d);
	l->sample = loop_timer_new(l->loop, sample, l);
	loop_timer_every(l->sample, MIN(MAX(period, NSEC_PER_SEC / 20), NSEC_PER_SEC));
	l->report = loop_timer_new(l->loop, report, l);
	loop_timer_every(l->report, l->o.every * NSEC_PER_SEC);
	l->end = loop_timer_new(l->loop, end, l);
	loop_timer_in(l->end, l->o.seconds * NSEC_PER_SEC);
	if (loop_run(l->loop))
		die("the loop cannot run", NULL);
	loop_timer_free(l->sample);
	loop_timer_free(l->report);
	loop_timer_free(l->end);
	traffic_stop(l->traffic);
}

/* --- afterwards --- */

static bool drained(const struct load *l, const struct traffic_counts *c)
{
	struct dp *dp = load_switch_dp(l->sw);
	uint64_t received = 0, asked = 0;
	struct flows_stats fs;
	struct dp_stats ds;

	for (unsigned i = 0; i < l->o.sw.n_clients; i++) {
		struct port *p = load_switch_port(l->sw, i);
		struct port_stats st;

		(void)p->ops->stats(p, &st); /* a fake port's are always there */
		received += st.rx_packets;
	}
	flows_stats(load_switch_flows(l->sw), &fs);
	dp->ops->stats(dp, &ds);
	for (unsigned i = 0; i < UPCALL_N_KINDS; i++)
		asked += ds.upcalls[i];
	return received == sum(c->packets, l->o.sw.n_clients) && asked == fs.upcalls;
}

/* Until everything has been taken from the ports, answered and counted. */
static void settle(struct load *l, const struct traffic_counts *c)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	uint64_t until = clock_mono_ns() + SYNC_MS * NSEC_PER_MSEC;

	while (!drained(l, c) && clock_mono_ns() < until)
		(void)nanosleep(&pause, NULL); /* a signal only makes it shorter */
	if (!drained(l, c) || !flows_sync(load_switch_flows(l->sw), SYNC_MS) ||
	    !flows_purge(load_switch_flows(l->sw), SYNC_MS))
		die("what was sent is not worked off", NULL);
}

static void judge(struct load *l, const char *what, bool kept, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
static void judge(struct load *l, const char *what, bool kept, const char *fmt, ...)
{
	va_list ap;

	printf("%-7s %-7s ", what, kept ? "kept" : "BROKEN");
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	(void)putchar('\n');
	l->broken += !kept;
}

static void judge_memory(struct load *l)
{
	double before = (double)l->most.rss[1] / 1e6, after = (double)l->most.rss[2] / 1e6;

#ifdef SANITIZED
	printf("memory  not judged: a sanitizer's own is in it (%.0f MB, then %.0f MB)\n", before,
	       after);
	(void)l;
#else
	judge(l, "memory", after <= before * 1.1 + 8,
	      "%.0f MB at most in the second third of the time, %.0f MB in the last", before,
	      after);
#endif
}

static void judge_queues(struct load *l)
{
	uint64_t queue = l->o.sw.queue_max + (uint64_t)l->o.sw.entries;
	uint64_t flows = l->o.sw.flow_limit + (uint64_t)l->o.sw.n_handlers * HANDLER_BATCH;

	judge(l, "queues", l->most.queue <= queue && l->most.flows <= flows,
	      "%" PRIu64 " requests to the NIC at most (%" PRIu64 "), %" PRIu64
	      " megaflows (%" PRIu64 ")",
	      l->most.queue, queue, l->most.flows, flows);
}

struct port_sum {
	uint64_t sent, counted, lost;
	double lost_share;
};

static struct port_sum port_sum(struct load *l, const struct traffic_counts *c, unsigned i)
{
	struct port_sum p = { c->packets[i], load_switch_counted(l->sw, i).packets, 0, 0 };

	p.lost = p.sent - p.counted;
	p.lost_share = p.sent ? 100.0 * (double)p.lost / (double)p.sent : 0;
	return p;
}

static void judge_ports(struct load *l, const struct traffic_counts *c)
{
	struct port_sum hog = port_sum(l, c, 0);
	struct moment m = { 0 };
	bool ok = !l->starved;
	double worst = 0;

	look_at_ports(l, &m);
	printf("\n%-5s %12s %12s %12s %8s %8s\n", "port", "sent", "counted", "lost", "lost",
	       "in hw");
	for (unsigned i = 0; i < l->o.sw.n_clients; i++) {
		struct port_sum p = port_sum(l, c, i);

		printf("%-5u %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %7.2f%% %7.1f%%\n", i + 1,
		       p.sent, p.counted, p.lost, p.lost_share,
		       p.sent ? 100.0 * (double)m.hw[i] / (double)p.sent : 0);
		worst = MAX(worst, p.lost_share);
		ok &= p.counted && m.hw[i];
	}
	(void)putchar('\n');
	judge(l, "ports", ok && worst <= hog.lost_share + 1,
	      "the worst lost %.2f%% of its packets before translation, the busiest %.2f%%", worst,
	      hog.lost_share);
}

static void judge_counts(struct load *l, const struct traffic_counts *c)
{
	unsigned n = l->o.sw.n_clients;
	struct flow_stats all = { 0 }, sent = load_switch_sent(l->sw);
	struct dp *dp = load_switch_dp(l->sw);
	uint64_t packets = sum(c->packets, n);
	struct dp_stats ds;
	bool ok = true;

	dp->ops->stats(dp, &ds);
	for (unsigned i = 0; i < n; i++) {
		struct flow_stats one = load_switch_counted(l->sw, i);

		all.packets += one.packets;
		all.bytes += one.bytes;
		ok &= one.packets <= c->packets[i];
	}
	ok &= all.packets + ds.lost == packets && all.bytes == all.packets * LOAD_FRAME_LEN;
	ok &= sent.packets == all.packets && sent.bytes == all.bytes;
	judge(l, "counts", ok,
	      "%" PRIu64 " packets given to ports = %" PRIu64 " counted + %" PRIu64
	      " lost before translation; %" PRIu64 " sent on",
	      packets, all.packets, ds.lost, sent.packets);
}

static void judge_all(struct load *l)
{
	struct traffic_counts c;
	struct flows_stats fs;

	traffic_counts(l->traffic, &c);
	settle(l, &c);
	flows_stats(load_switch_flows(l->sw), &fs);
	printf("\n%" PRIu64 " connections, %.0f a second of %" PRIu32 " asked for; %" PRIu64
	       " megaflows, %" PRIu64 " packets over the limit on them\n",
	       c.opened, (double)c.opened / l->o.seconds, l->o.rate, fs.installed, fs.over_limit);
	judge_ports(l, &c);
	judge_memory(l);
	judge_queues(l);
	judge_counts(l, &c);
}

/* --- options --- */

static uint32_t number(char option, const char *text, uint32_t least, uint32_t most)
{
	char *stop;
	unsigned long n = strtoul(text, &stop, 10);

	if (*stop || !*text || n < least || n > most) {
		(void)fprintf(stderr, "load: -%c takes a number from %" PRIu32 " to %" PRIu32 "\n",
			      option, least, most);
		exit(2);
	}
	return (uint32_t)n;
}

static void parse_options(int argc, char **argv, struct options *o)
{
	const struct {
		char option;
		uint32_t *value, least, most;
	} table[] = {
		{ 'r', &o->rate, 100, 1000000 },
		{ 't', &o->seconds, 1, 86400 },
		{ 'n', &o->every, 1, 3600 },
		{ 'p', &o->sw.n_clients, 1, LOAD_PORTS_MAX },
		{ 'e', &o->sw.entries, 16, 1000000 },
		{ 'l', &o->sw.latency_us, 0, 10000 },
		{ 'f', &o->sw.flow_limit, 1000, 2000000 },
		{ 'i', &o->sw.max_idle_ms, 100, 60000 },
		{ 'q', &o->sw.queue_max, 16, 1000000 },
		{ 'w', &o->sw.n_workers, 1, 16 },
		{ 'h', &o->sw.n_handlers, 1, 16 },
	};
	int c;

	while ((c = getopt(argc, argv, "r:t:n:p:e:l:f:i:q:w:h:")) != -1) {
		size_t i = 0;

		while (i < ARRAY_SIZE(table) && table[i].option != c)
			i++;
		if (i == ARRAY_SIZE(table))
			die("usage: see the head of load.c", NULL);
		*table[i].value = number((char)c, optarg, table[i].least, table[i].most);
	}
}

int main(int argc, char **argv)
{
	struct load l = { .o = { .rate = 50000,
				 .seconds = 600,
				 .every = 10,
				 .sw = { .n_clients = 8,
					 .n_workers = 1,
					 .n_handlers = 1,
					 .entries = 16384,
					 .latency_us = 20,
					 .flow_limit = 200000,
					 .max_idle_ms = 10000,
					 .queue_max = 65536 } } };
	struct error err = ERROR_INIT;

	parse_options(argc, argv, &l.o);
	log_set_all(LD_CONSOLE, LL_WARN);
	rcu_thread_start();
	l.loop = loop_new(&err);
	if (!l.loop)
		die("no loop", &err);
	l.sw = load_switch_new(l.loop, &l.o.sw, &err);
	if (!l.sw)
		die("no switch", &err);
	run(&l);
	judge_all(&l);
	load_switch_free(l.sw);
	traffic_free(l.traffic);
	(void)loop_turn(l.loop, 0); /* what the switch left to it */
	loop_free(l.loop);
	rcu_settle();
	rcu_thread_stop();
	return l.broken ? EXIT_FAILURE : EXIT_SUCCESS;
}
