/* SPDX-License-Identifier: Apache-2.0 */
/* The user datapath alone, for measuring: two ports, static megaflows, nothing else.
 *
 *   dp_forward [-p IN,OUT] [-n MEGAFLOWS] [-t SECONDS] [-c CPU] [-w WORKERS]
 *
 * With -p it forwards from one Linux interface to the other, and all that comes back; without,
 * between ports inside the process, so that what is left is the cost of parsing, lookup and
 * counting.  The frames are UDP with source ports from 1024 up, as frame_gen sends them; with more
 * than one megaflow each of the first interface matches one of those ports.  With -w each worker
 * has an input of its own inside the process.  Prints a line a second: packets forwarded, the CPUs
 * that the workers used, and of the lookups those that the flow cache answered. */
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "core/datapath/user/dp_user.h"
#include "core/packet/parse.h"
#include "core/port/fake.h"

#define FIRST_PORT 1024u
#define MAX_WORKERS 16u

struct options {
	char *in, *out; /* NULL: ports inside the process */
	unsigned flows, seconds, workers;
	int cpu;
};

static void die(const char *what, const struct error *err)
{
	char text[512];

	(void)fprintf(stderr, "dp_forward: %s: %s\n", what,
		      err ? error_text(err, text, sizeof(text)) : "failed");
	exit(1);
}

static struct dp_port add_port(struct dp *dp, const char *name, const char *type)
{
	static const char *const keys[] = { "discard" }, *const values[] = { "true" };
	struct port_config cfg = {
		.name = name, .type = type, .keys = keys, .values = values, .n_options = 1
	};
	struct error err = ERROR_INIT;
	struct dp_port no;

	if (dp->ops->port_add(dp, &cfg, (struct dp_port){ DP_PORT_NONE }, &no, &err))
		die(name, &err);
	return no;
}

static struct flow_key frame_key(unsigned i)
{
	struct flow_key k;

	memset(&k, 0, sizeof(k));
	k.dl_dst = (struct eth_addr){ { 2, 0, 0, 0, 0xbb, 2 } };
	k.dl_src = (struct eth_addr){ { 2, 0, 0, 0, 0xaa, 1 } };
	k.dl_type = htons(0x0800);
	k.nw_src = htonl(0x0a000001);
	k.nw_dst = htonl(0x0a000002);
	k.nw_proto = 17;
	k.nw_ttl = 64;
	k.tp_src = htons((uint16_t)(FIRST_PORT + i));
	k.tp_dst = htons(9);
	return k;
}

static void put_flows(struct dp *dp, struct dp_port in, struct dp_port out, unsigned n)
{
	struct buf acts = BUF_INIT;
	struct flow_key mask;

	memset(&mask, 0, sizeof(mask));
	mask.in_port = UINT32_MAX;
	mask.recirc_id = UINT32_MAX;
	if (n > 1) {
		mask.dl_type = UINT16_MAX;
		mask.nw_frag = UINT8_MAX;
		mask.nw_proto = UINT8_MAX;
		mask.tp_src = UINT16_MAX;
	}
	dp_actions_put_output(&acts, out);
	for (unsigned i = 0; i < n; i++) {
		struct flow_key key = frame_key(i);
		struct dp_flow_op op = { .kind = DP_FLOW_PUT,
					 .ufid = { { i + 1, in.v } },
					 .key = &key,
					 .mask = &mask,
					 .actions = dp_actions_of(&acts) };

		key.in_port = htonl(in.v);
		if (dp_flow_do(dp, &op))
			die("flow", NULL);
	}
	buf_done(&acts);
}

static void replay(const char *name, unsigned n)
{
	struct packet **t = xcalloc(n, sizeof(struct packet *));
	struct port *p = fake_find(name);

	for (unsigned i = 0; i < n; i++) {
		struct flow_key k = frame_key(i);

		t[i] = packet_compose(&k, 18);
	}
	fake_replay(p, t, n, UINT64_MAX);
	port_unref(p);
	for (unsigned i = 0; i < n; i++)
		packet_free(t[i]);
	free(t);
}

/* CPU time of this process without this thread's: the worker's. */
static double worker_seconds(void)
{
	struct timespec all, self;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &all);
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &self);
	return (double)(all.tv_sec - self.tv_sec) + (double)(all.tv_nsec - self.tv_nsec) * 1e-9;
}

static void report(struct dp *dp, unsigned seconds)
{
	struct dp_stats was, st;
	double cpu = worker_seconds();
	uint64_t t = clock_mono_ns();

	dp->ops->stats(dp, &was);
	for (unsigned i = 0; i < seconds; i++) {
		uint64_t t2;
		double cpu2, s;

		sleep(1);
		t2 = clock_mono_ns();
		cpu2 = worker_seconds();
		dp->ops->stats(dp, &st);
		s = (double)(t2 - t) * 1e-9;
		printf("%.0f pps, %.2f CPUs, %.1f%% from the cache, lost %llu\n",
		       (double)(st.hits - was.hits) / s, (cpu2 - cpu) / s,
		       st.hits > was.hits ? 100.0 * (double)(st.cache_hits - was.cache_hits) /
						    (double)(st.hits - was.hits)
					  : 0.0,
		       (unsigned long long)st.lost);
		(void)fflush(stdout);
		was = st;
		t = t2;
		cpu = cpu2;
	}
}

static void parse_options(int argc, char **argv, struct options *o)
{
	int c;

	while ((c = getopt(argc, argv, "p:n:t:c:w:")) != -1) {
		switch (c) {
		case 'p':
			o->in = optarg;
			o->out = strchr(optarg, ',');
			if (!o->out)
				die("-p wants two names", NULL);
			*o->out++ = '\0';
			break;
		case 'n': o->flows = (unsigned)strtoul(optarg, NULL, 10); break;
		case 't': o->seconds = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'c': o->cpu = atoi(optarg); break;
		case 'w': o->workers = (unsigned)strtoul(optarg, NULL, 10); break;
		default:
			die("usage: [-p IN,OUT] [-n MEGAFLOWS] [-t SECONDS] [-c CPU] [-w WORKERS]",
			    NULL);
		}
	}
	if (o->flows < 1 || o->flows > 60000)
		die("1 to 60000 megaflows", NULL);
	if (o->workers < 1 || o->workers > MAX_WORKERS || (o->in && o->workers > 1))
		die("1 to 16 workers; more than one only without -p", NULL);
}

static void start_workers(struct dp *dp, unsigned n)
{
	struct dp_config cfg = { .n_workers = n };
	struct error err = ERROR_INIT;

	if (dp->ops->configure(dp, &cfg, &err))
		die("workers", &err);
}

static void wire_linux(struct dp *dp, const struct options *o)
{
	struct dp_port in = add_port(dp, o->in, "system"), out = add_port(dp, o->out, "system");

	put_flows(dp, in, out, o->flows);
	put_flows(dp, out, in, 1);
}

static void wire_fake(struct dp *dp, const struct options *o)
{
	struct dp_port out =
		add_port(dp, "out", "fake"); /* the first worker's to poll, and silent */
	char name[MAX_WORKERS][16];

	for (unsigned i = 0; i < o->workers; i++) {
		(void)snprintf(name[i], sizeof(name[i]), "in%u", i);
		put_flows(dp, add_port(dp, name[i], "fake"), out, o->flows);
	}
	for (unsigned i = 0; i < o->workers; i++)
		replay(name[i], o->flows);
}

int main(int argc, char **argv)
{
	struct options o = { .flows = 1, .seconds = 5, .workers = 1, .cpu = -1 };
	struct dp *dp;

	parse_options(argc, argv, &o);
	if (o.cpu >= 0) { /* threads that are made from here on inherit it */
		cpu_set_t cpus;

		CPU_ZERO(&cpus);
		CPU_SET((unsigned)o.cpu, &cpus);
		(void)sched_setaffinity(0, sizeof(cpus), &cpus);
	}
	ports_init();
	dp_user_init();
	if (dp_type_find("netdev")->open("bench", &dp, NULL))
		die("datapath", NULL);
	start_workers(dp, o.workers);
	if (o.in)
		wire_linux(dp, &o);
	else
		wire_fake(dp, &o);
	report(dp, o.seconds);
	dp->ops->close(dp, false);
	return 0;
}
