/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/placement_report.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

const struct policy_row policies[N_POLICIES] = {
	[SHUNT] = { "shunt", replay_shunt },       [ORACLE] = { "oracle", replay_oracle },
	[BOUNDED] = { "bounded", replay_bounded }, [PAST] = { "past", replay_past },
	[GREEDY] = { "greedy", replay_greedy },    [REBALANCE] = { "rebalance", replay_rebalance },
};

static double of(double a, double b)
{
	return b > 0 ? a / b : 1;
}

/* --- over the seeds --- */

typedef double figure_fn(const struct result r[], unsigned policy);

static double packets(const struct result r[], unsigned policy)
{
	return 100 * r[policy].packets;
}

static double bytes(const struct result r[], unsigned policy)
{
	return 100 * r[policy].bytes;
}

static double worst(const struct result r[], unsigned policy)
{
	return 100 * r[policy].worst_packets;
}

static double churn(const struct result r[], unsigned policy)
{
	return r[policy].churn_per_s;
}

/* Shunt's share of another's. */
static double of_total(const struct result r[], unsigned policy)
{
	return 100 * of(r[SHUNT].packets, r[policy].packets);
}

static double of_worst(const struct result r[], unsigned policy)
{
	return 100 * of(r[SHUNT].worst_packets, r[policy].worst_packets);
}

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

struct spread {
	double least, median, most;
};

static struct spread spread_of(const struct row *row, figure_fn *fn, unsigned policy)
{
	double v[SEEDS_MAX];

	for (unsigned i = 0; i < row->n; i++)
		v[i] = fn(row->r[i], policy);
	qsort(v, row->n, sizeof(*v), by_size);
	return (struct spread){ v[0], (v[(row->n - 1) / 2] + v[row->n / 2]) / 2, v[row->n - 1] };
}

static double median(const struct row *row, figure_fn *fn, unsigned policy)
{
	return spread_of(row, fn, policy).median;
}

/* --- text --- */

static void print_head(void)
{
	printf("%% of packets in hardware, bytes, the worst port's packets; and of what others "
	       "carry: median of the seeds, least\n"
	       "%-10s %6s | %17s | %11s %11s | %11s | %11s | %11s %5s %5s | %5s %5s | %s\n",
	       "trace", "table", "shunt", "of oracle", "worst port", "of bounded", "of past",
	       "oracle", "bound", "past", "greed", "rebal",
	       "evictions/s: shunt at most, rebalance; tick");
}

static void print_of(const struct row *row, figure_fn *fn, unsigned policy)
{
	struct spread s = spread_of(row, fn, policy);

	printf(" %5.1f %5.1f", s.median, s.least);
}

static void print_row(const struct report *rep, const struct row *row)
{
	bool past = row->r[0][PAST].packets > 0;

	if (!rep->rows)
		print_head();
	printf("%-10.10s %6llu | %5.1f %5.1f %5.1f |", row->trace, (unsigned long long)row->table,
	       median(row, packets, SHUNT), median(row, bytes, SHUNT), median(row, worst, SHUNT));
	print_of(row, of_total, ORACLE);
	print_of(row, of_worst, ORACLE);
	printf(" |");
	print_of(row, of_total, BOUNDED);
	printf(" |");
	if (past)
		print_of(row, of_total, PAST);
	else
		printf(" %5s %5s", "-", "-");
	printf(" | %5.1f %5.1f %5.1f", median(row, packets, ORACLE), median(row, worst, ORACLE),
	       median(row, packets, BOUNDED));
	if (past)
		printf(" %5.1f", median(row, packets, PAST));
	else
		printf(" %5s", "-");
	printf(" | %5.1f %5.1f | %.0f of %u, %.0f; %.0f us, at most %.0f\n",
	       median(row, packets, GREEDY), median(row, packets, REBALANCE),
	       spread_of(row, churn, SHUNT).most, rep->max_churn_per_s,
	       spread_of(row, churn, REBALANCE).most, row->r[0][SHUNT].tick_us,
	       row->r[0][SHUNT].tick_max_us);
}

/* --- JSON --- */

static void print_json(const struct report *rep, const struct row *row, unsigned i)
{
	const struct result *r = row->r[i];

	printf("%s\n {\"trace\":\"%s\",\"seed\":%llu,\"flows\":%zu,\"ports\":%u,\"table\":%llu",
	       rep->rows || i ? "," : "[", row->trace, (unsigned long long)row->first_seed + i,
	       row->n_flows, row->n_ports, (unsigned long long)row->table);
	for (unsigned k = 0; k < N_POLICIES; k++)
		printf(",\"%s\":{\"packets\":%.4f,\"bytes\":%.4f,\"worst_packets\":%.4f,"
		       "\"worst_bytes\":%.4f,\"worst_port\":%u,\"churn_max\":%u,\"evictions\":%"
		       "llu}",
		       policies[k].name, r[k].packets, r[k].bytes, r[k].worst_packets,
		       r[k].worst_bytes, r[k].worst_port, r[k].churn_per_s,
		       (unsigned long long)r[k].evictions);
	printf(",\"churn_bound\":%u,\"violations\":%llu,\"tick_us\":%.0f,\"tick_max_us\":%.0f}",
	       rep->max_churn_per_s, (unsigned long long)r[SHUNT].violations, r[SHUNT].tick_us,
	       r[SHUNT].tick_max_us);
}

/* --- what must hold on any trace, and what would make the figures nonsense --- */

static const char *wrong_with(const struct report *rep, const struct result r[])
{
	static const struct {
		unsigned better, worse;
		double by;
		const char *wrong;
	} orders[] = {
		{ ORACLE, SHUNT, .005, "the oracle is beaten" },
		{ ORACLE, BOUNDED, .005, "the free oracle is beaten by a bound one" },
		{ ORACLE, PAST, .005, "the oracle is beaten by the past" },
		{ ORACLE, REBALANCE, .005, "the oracle is beaten by rebalancing" },
		{ SHUNT, GREEDY, .02, "first come does better" },
		{ SHUNT, REBALANCE, .02, "rebalancing does better" },
	};

	if (r[SHUNT].violations)
		return "a bound of the policy is broken";
	if (r[BOUNDED].churn_per_s > rep->max_churn_per_s)
		return "the bound oracle breaks its bound";
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
		if (r[orders[i].better].packets + orders[i].by < r[orders[i].worse].packets)
			return orders[i].wrong;
	return NULL;
}

static void check_row(struct report *rep, const struct row *row)
{
	for (unsigned i = 0; i < row->n; i++) {
		const char *wrong = wrong_with(rep, row->r[i]);

		if (!wrong)
			continue;
		fprintf(stderr, "%s, seed %llu, table of %llu: %s\n", row->trace,
			(unsigned long long)row->first_seed + i, (unsigned long long)row->table,
			wrong);
		rep->faults++;
	}
	if (median(row, of_total, ORACLE) < 100 * AIM || median(row, of_worst, ORACLE) < 100 * AIM)
		rep->missed++;
}

void report_row(struct report *rep, const struct row *row)
{
	if (!rep->json)
		print_row(rep, row);
	for (unsigned i = 0; rep->json && i < row->n; i++)
		print_json(rep, row, i);
	check_row(rep, row);
	rep->rows++;
	fflush(stdout);
}

void report_end(const struct report *rep)
{
	if (rep->json)
		printf("%s\n]\n", rep->rows ? "" : "[");
	else
		printf("%u of %u rows below %.0f %% of the oracle's share, in all or for the worst "
		       "port\n",
		       rep->missed, rep->rows, 100 * AIM);
}
