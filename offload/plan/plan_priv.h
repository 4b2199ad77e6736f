/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a plan: what judging and reporting share. */
#pragma once

#include "core/base/htable.h"
#include "offload/plan/dump.h"
#include "offload/plan/plan.h"

struct plan_sum {
	uint64_t flows, packets, bytes;
	double pps, bps;
};

struct plan_group { /* flows that stay out for the same thing */
	struct offload_refusal why;
	struct plan_sum sum;
	double best; /* value of the example */
	char *place, *match, *actions;
	char ufid[UFID_TEXT_LEN + 1];
};

struct plan_rec {          /* a flow */
	struct hnode node; /* plan.now or plan.before, by id */
	uint64_t id[2];
	uint64_t packets, bytes;
	double pps, bps;
	uint32_t cost;
	int32_t group; /* -1: it fits */
	bool offloaded, placed;
};

struct plan_line { /* one that could not be read */
	char *place, *why, *text;
};

struct plan_source {
	char *name;
	uint64_t flows;
};

struct plan {
	struct sim_profile profile;
	char *ports; /* owned; NULL */
	struct dump_reader reader;
	struct htable now, before;
	bool again;
	double seconds;
	struct plan_rec **recs; /* those of `now`; owned */
	size_t n_recs, cap_recs;
	struct plan_group *groups; /* owned */
	size_t n_groups, cap_groups;
	struct plan_line shown[PLAN_UNREADABLE_SHOWN];
	uint64_t n_unreadable;
	struct plan_source *sources; /* owned */
	size_t n_sources, cap_sources;
};

bool plan_has_port(const struct plan *p, struct dp_port port);
/* By what flows compete: packets a second, or packets, for each entry. */
double plan_value(const struct plan *p, const struct plan_rec *r);
void plan_sum_add(struct plan_sum *s, const struct plan_rec *r);
