/* SPDX-License-Identifier: Apache-2.0 */
/* What the policies brought, as text (medians over the seeds) or JSON (each run). */
#pragma once

#include "bench/placement.h"

#define SEEDS_MAX 32
/* What --check asks for: of the oracle's share of packets, in all and for the worst port. */
#define AIM 0.95

enum { SHUNT, ORACLE, BOUNDED, PAST, GREEDY, REBALANCE, N_POLICIES };
extern const struct policy_row {
	const char *name;
	replay_fn *fn;
} policies[N_POLICIES];

struct report {
	bool json;
	unsigned rows, faults, missed;
	uint32_t max_churn_per_s;
};

/* One trace and table, under `n` seeds: r[seed][policy]. */
struct row {
	const char *trace;
	size_t n_flows;
	uint32_t n_ports;
	uint64_t table, first_seed;
	unsigned n;
	struct result (*r)[N_POLICIES];
};

void report_row(struct report *rep, const struct row *row);
void report_end(const struct report *rep);
