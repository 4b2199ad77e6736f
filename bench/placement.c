/* SPDX-License-Identifier: Apache-2.0 */
/* bench/placement: see placement.h and docs/decisions/0010-placement.md. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/placement.h"

#define TABLES_MAX 8
#define PCAPS_MAX 16
/* What --check asks for: of the oracle's share of packets, in all and for the worst port. */
#define AIM 0.95

static const struct {
	const char *name;
	replay_fn *fn;
} policies[] = {
	{ "shunt", replay_shunt },
	{ "oracle", replay_oracle },
	{ "greedy", replay_greedy },
	{ "rebalance", replay_rebalance },
};
#define N_POLICIES (sizeof(policies) / sizeof(policies[0]))
enum { SHUNT, ORACLE, GREEDY, REBALANCE };

struct options {
	const char *traces, *tables;
	const char *pcap[PCAPS_MAX];
	unsigned n_pcaps;
	double seconds, scale;
	uint64_t seed;
	struct replay_config c;
	bool json, check, none; /* none: no made-up traces */
};

struct report {
	const struct options *o;
	unsigned rows, faults, missed;
};

static void usage(FILE *out)
{
	fputs("usage: bench/placement [OPTION]...\n"
	      "Shares of packets and bytes in hardware: Shunt's policy, an oracle that knows the\n"
	      "future, first come, and Open vSwitch's rebalancing.\n\n"
	      "  --traces=LIST     of websearch, datamining, enterprise, hadoop, cache\n"
	      "  --pcap=FILE       a capture (may be given again); alone when --traces is not "
	      "given\n"
	      "  --tables=LIST     entries (1024,4096,16384,65536)\n"
	      "  --seconds=N       length of made-up traces (60)\n"
	      "  --scale=X         of their rate of arrivals (1)\n"
	      "  --seed=N          (7: nothing was tuned on it)\n"
	      "  --churn=N         evictions a second at most (4000)\n"
	      "  --residency=MS    (500)\n"
	      "  --fair=PERCENT    of the table that ports are sure of (50)\n"
	      "  --quick           20 seconds, a tenth of the rate, tables of 256 to 4096\n"
	      "  --check           ends with 1 when a bound is broken or the shares are not sane\n"
	      "  --json            prints JSON\n",
	      out);
}

static bool listed(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = list; *p; p += strcspn(p, ","), p += *p == ',')
		if (strcspn(p, ",") == len && !strncmp(p, name, len))
			return true;
	return false;
}

static void print_json(struct report *rep, const struct trace *t, uint64_t table,
		       const struct result r[])
{
	printf("%s\n {\"trace\":\"%s\",\"flows\":%zu,\"ports\":%u,\"table\":%llu",
	       rep->rows ? "," : "[", t->name, t->n_flows, t->n_ports, (unsigned long long)table);
	for (unsigned i = 0; i < N_POLICIES; i++)
		printf(",\"%s\":{\"packets\":%.4f,\"bytes\":%.4f,\"worst_packets\":%.4f,"
		       "\"worst_bytes\":%.4f,\"worst_port\":%u,\"churn_max\":%u,\"evictions\":%"
		       "llu}",
		       policies[i].name, r[i].packets, r[i].bytes, r[i].worst_packets,
		       r[i].worst_bytes, r[i].worst_port, r[i].churn_per_s,
		       (unsigned long long)r[i].evictions);
	printf(",\"churn_bound\":%u,\"violations\":%llu,\"tick_us\":%.0f,\"tick_max_us\":%.0f}",
	       rep->o->c.max_churn_per_s, (unsigned long long)r[SHUNT].violations, r[SHUNT].tick_us,
	       r[SHUNT].tick_max_us);
}

static double of(double a, double b)
{
	return b > 0 ? a / b : 1;
}

static void print_row(struct report *rep, const struct trace *t, uint64_t table,
		      const struct result r[])
{
	if (!rep->rows)
		printf("%% of packets, of bytes, of the worst port's packets; and of the oracle's\n"
		       "%-10s %6s | %22s | %5s %5s | %14s | %14s | %14s | %s\n",
		       "trace", "table", "shunt", "total", "worst", "oracle", "greedy", "rebalance",
		       "churn/s shunt, rebalance; tick");
	printf("%-10.10s %6llu | %5.1f %5.1f %5.1f       | %5.1f %5.1f |", t->name,
	       (unsigned long long)table, 100 * r[SHUNT].packets, 100 * r[SHUNT].bytes,
	       100 * r[SHUNT].worst_packets, 100 * of(r[SHUNT].packets, r[ORACLE].packets),
	       100 * of(r[SHUNT].worst_packets, r[ORACLE].worst_packets));
	for (unsigned i = ORACLE; i < N_POLICIES; i++)
		printf(" %4.1f %4.1f %4.1f |", 100 * r[i].packets, 100 * r[i].bytes,
		       100 * r[i].worst_packets);
	printf(" %u of %u, %u; %.0f us, at most %.0f\n", r[SHUNT].churn_per_s,
	       rep->o->c.max_churn_per_s, r[REBALANCE].churn_per_s, r[SHUNT].tick_us,
	       r[SHUNT].tick_max_us);
}

/* What must hold on any trace, and what would make the figures nonsense. */
static void check_row(struct report *rep, const struct trace *t, uint64_t table,
		      const struct result r[])
{
	const char *wrong = NULL;

	if (r[SHUNT].violations)
		wrong = "a bound of the policy is broken";
	else if (r[ORACLE].packets + 0.005 < r[SHUNT].packets ||
		 r[ORACLE].packets + 0.005 < r[REBALANCE].packets)
		wrong = "the oracle is beaten";
	else if (r[SHUNT].packets + 0.02 < r[GREEDY].packets)
		wrong = "first come does better";
	else if (r[SHUNT].packets + 0.02 < r[REBALANCE].packets)
		wrong = "rebalancing does better";
	if (of(r[SHUNT].packets, r[ORACLE].packets) < AIM ||
	    of(r[SHUNT].worst_packets, r[ORACLE].worst_packets) < AIM)
		rep->missed++;
	if (!wrong)
		return;
	fprintf(stderr, "%s, table of %llu: %s\n", t->name, (unsigned long long)table, wrong);
	rep->faults++;
}

static void run_trace(struct report *rep, struct trace *t)
{
	for (const char *p = rep->o->tables; *p; p += strcspn(p, ","), p += *p == ',') {
		struct replay_config c = rep->o->c;
		struct result r[N_POLICIES];

		c.table = strtoull(p, NULL, 10);
		for (unsigned i = 0; i < N_POLICIES; i++)
			policies[i].fn(t, &c, &r[i]);
		if (rep->o->json)
			print_json(rep, t, c.table, r);
		else
			print_row(rep, t, c.table, r);
		check_row(rep, t, c.table, r);
		rep->rows++;
		fflush(stdout);
	}
	trace_done(t);
}

static int run(const struct options *o)
{
	struct report rep = { .o = o };
	struct trace t;

	for (unsigned i = 0; i < SYNTH_N; i++) {
		if (o->none || (o->traces && !listed(o->traces, synth_name[i])))
			continue;
		synth(&t, i, o->seconds, o->scale, o->seed);
		run_trace(&rep, &t);
	}
	for (unsigned i = 0; i < o->n_pcaps; i++) {
		struct error why = ERROR_INIT;
		char text[400];

		if (trace_pcap(&t, o->pcap[i], &why)) {
			fprintf(stderr, "bench/placement: %s\n",
				error_text(&why, text, sizeof(text)));
			return 2;
		}
		run_trace(&rep, &t);
	}
	if (o->json)
		printf("%s\n]\n", rep.rows ? "" : "[");
	else
		printf("%u of %u rows below %.0f %% of the oracle's share, in all or for the worst "
		       "port\n",
		       rep.missed, rep.rows, 100 * AIM);
	return o->check && (rep.faults || !rep.rows);
}

static const struct option long_options[] = {
	{ "traces", required_argument, NULL, 't' }, { "pcap", required_argument, NULL, 'p' },
	{ "tables", required_argument, NULL, 'n' }, { "seconds", required_argument, NULL, 's' },
	{ "scale", required_argument, NULL, 'x' },  { "seed", required_argument, NULL, 'r' },
	{ "churn", required_argument, NULL, 'c' },  { "residency", required_argument, NULL, 'm' },
	{ "fair", required_argument, NULL, 'f' },   { "quick", no_argument, NULL, 'q' },
	{ "check", no_argument, NULL, 'k' },        { "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },         { NULL, 0, NULL, 0 },
};

static bool take_option(struct options *o, int c)
{
	switch (c) {
	case 't': o->traces = optarg; return true;
	case 'p':
		if (o->n_pcaps < PCAPS_MAX)
			o->pcap[o->n_pcaps++] = optarg;
		return true;
	case 'n': o->tables = optarg; return true;
	case 's': o->seconds = strtod(optarg, NULL); return true;
	case 'x': o->scale = strtod(optarg, NULL); return true;
	case 'r': o->seed = strtoull(optarg, NULL, 0); return true;
	case 'c': o->c.max_churn_per_s = (uint32_t)strtoul(optarg, NULL, 10); return true;
	case 'm': o->c.min_residency_ms = (uint32_t)strtoul(optarg, NULL, 10); return true;
	case 'f': o->c.fair_percent = (uint32_t)MIN(strtoul(optarg, NULL, 10), 100ul); return true;
	case 'q':
		o->seconds = 20;
		o->scale = 0.1;
		o->tables = "256,1024,4096";
		return true;
	case 'k': o->check = true; return true;
	case 'j': o->json = true; return true;
	default: return false;
	}
}

int main(int argc, char *argv[])
{
	struct options o = {
		.tables = "1024,4096,16384,65536",
		.seconds = 60,
		.scale = 1,
		.seed = 7,
		.c = { .max_churn_per_s = 4000, .min_residency_ms = 500, .fair_percent = 50 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (take_option(&o, c))
			continue;
		usage(c == 'h' ? stdout : stderr);
		return c == 'h' ? 0 : 2;
	}
	o.none = o.n_pcaps && !o.traces;
	return run(&o);
}
