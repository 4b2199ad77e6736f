/* SPDX-License-Identifier: Apache-2.0 */
/* bench/placement: see placement.h and docs/decisions/0010-placement.md. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/placement_past.h"
#include "bench/placement_report.h"

#define TABLES_MAX 8
#define PCAPS_MAX 16
#define TEACHERS                                                                                   \
	2 /* traces that replay_past() learns from, of seeds far from those it is judged on */

struct options {
	const char *traces, *tables;
	const char *pcap[PCAPS_MAX];
	unsigned n_pcaps;
	double seconds, scale;
	uint64_t seed;
	unsigned n_seeds;
	struct replay_config c;
	bool json, check, none; /* none: no made-up traces */
};

static void usage(FILE *out)
{
	fputs("usage: bench/placement [OPTION]...\n"
	      "Shares of packets and bytes in hardware: Shunt's policy, an oracle that knows the\n"
	      "future, one that is bound as the policy is, the best that the past can tell, first\n"
	      "come, and Open vSwitch's rebalancing.\n\n"
	      "  --traces=LIST     of websearch, datamining, enterprise, hadoop, cache, storage\n"
	      "  --pcap=FILE       a capture (may be given again); alone when --traces is not "
	      "given\n"
	      "  --tables=LIST     entries (1024,4096,16384,65536)\n"
	      "  --seconds=N       length of made-up traces (60)\n"
	      "  --scale=X         of their rate of arrivals (1)\n"
	      "  --seed=N          (7: nothing was tuned on it)\n"
	      "  --seeds=N         as many, from that one on: medians and the least (1)\n"
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

static unsigned parse_tables(const char *list, uint64_t tables[TABLES_MAX])
{
	unsigned n = 0;

	for (const char *p = list; *p && n < TABLES_MAX; p += strcspn(p, ","), p += *p == ',')
		tables[n++] = strtoull(p, NULL, 10);
	return n;
}

/* All tables and policies on one trace: r[table * n_seeds + seed]. */
static void replay(const struct options *o, struct trace *t, const struct past *past,
		   struct result (*r)[N_POLICIES], unsigned n_seeds)
{
	uint64_t tables[TABLES_MAX];
	unsigned n = parse_tables(o->tables, tables);

	for (unsigned i = 0; i < n; i++) {
		struct replay_config c = o->c;

		c.table = tables[i];
		c.past = past;
		for (unsigned p = 0; p < N_POLICIES; p++)
			policies[p].fn(t, &c, &r[i * n_seeds][p]);
	}
}

static void report_tables(struct report *rep, const struct options *o, struct row *row)
{
	uint64_t tables[TABLES_MAX];
	unsigned n = parse_tables(o->tables, tables);
	struct result(*r)[N_POLICIES] = row->r;

	for (unsigned i = 0; i < n; i++) {
		row->table = tables[i];
		row->r = r + i * row->n;
		report_row(rep, row);
	}
	row->r = r;
}

static struct past *learn(const struct options *o, unsigned kind)
{
	struct past *past = xcalloc(1, sizeof(*past));

	for (unsigned i = 0; i < TEACHERS; i++) {
		struct trace t;

		synth(&t, kind, o->seconds, o->scale, ~(o->seed + i));
		past_learn(past, &t);
		trace_done(&t);
	}
	past_judge(past);
	return past;
}

static void run_kind(struct report *rep, const struct options *o, unsigned kind)
{
	struct result(*r)[N_POLICIES] = xcalloc((size_t)TABLES_MAX * o->n_seeds, sizeof(*r));
	struct row row = { .first_seed = o->seed, .n = o->n_seeds, .r = r };
	struct past *past = learn(o, kind);

	for (unsigned i = 0; i < o->n_seeds; i++) {
		struct trace t;

		synth(&t, kind, o->seconds, o->scale, o->seed + i);
		row.trace = synth_name[kind];
		row.n_flows = t.n_flows;
		row.n_ports = t.n_ports;
		replay(o, &t, past, r + i, o->n_seeds);
		trace_done(&t);
	}
	report_tables(rep, o, &row);
	free(past);
	free(r);
}

static int run_pcap(struct report *rep, const struct options *o, const char *file)
{
	struct result(*r)[N_POLICIES];
	struct error why = ERROR_INIT;
	struct row row = { .n = 1 };
	struct trace t;
	char text[400];

	if (trace_pcap(&t, file, &why)) {
		fprintf(stderr, "bench/placement: %s\n", error_text(&why, text, sizeof(text)));
		return -1;
	}
	row.r = r = xcalloc(TABLES_MAX, sizeof(*r));
	row.trace = t.name;
	row.n_flows = t.n_flows;
	row.n_ports = t.n_ports;
	replay(o, &t, NULL, r, 1);
	report_tables(rep, o, &row);
	trace_done(&t);
	free(r);
	return 0;
}

static int run(const struct options *o)
{
	struct report rep = { .json = o->json, .max_churn_per_s = o->c.max_churn_per_s };

	for (unsigned i = 0; i < SYNTH_N; i++)
		if (!o->none && (!o->traces || listed(o->traces, synth_name[i])))
			run_kind(&rep, o, i);
	for (unsigned i = 0; i < o->n_pcaps; i++)
		if (run_pcap(&rep, o, o->pcap[i]))
			return 2;
	report_end(&rep);
	return o->check && (rep.faults || !rep.rows);
}

static const struct option long_options[] = {
	{ "traces", required_argument, NULL, 't' },
	{ "pcap", required_argument, NULL, 'p' },
	{ "tables", required_argument, NULL, 'n' },
	{ "seconds", required_argument, NULL, 's' },
	{ "scale", required_argument, NULL, 'x' },
	{ "seed", required_argument, NULL, 'r' },
	{ "seeds", required_argument, NULL, 'S' },
	{ "churn", required_argument, NULL, 'c' },
	{ "residency", required_argument, NULL, 'm' },
	{ "fair", required_argument, NULL, 'f' },
	{ "quick", no_argument, NULL, 'q' },
	{ "check", no_argument, NULL, 'k' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
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
	case 'S':
		o->n_seeds = (unsigned)MIN(MAX(strtoul(optarg, NULL, 10), 1ul), SEEDS_MAX + 0ul);
		return true;
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
		.n_seeds = 1,
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
