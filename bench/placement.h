/* SPDX-License-Identifier: Apache-2.0 */
/* bench/placement: what the placement policy makes of recorded or made-up traffic, beside what
 * others would.
 *
 * A trace says for each step of STEP_S how many packets each flow sent.  A policy sees a step when
 * it is over, and chooses what is in hardware during the next: so the first packets of a flow are
 * always software's, for every policy, the oracle included.  Traffic of the first WARM_S is not
 * counted: tables start empty. */
#pragma once

#include <math.h>

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/base/xalloc.h"

#define STEP_S 0.5 /* between readings of counters, and so between decisions */
#define STEP_NS (NSEC_PER_SEC / 2)
#define STEPS_A_S 2
#define WARM_S 5
#define IDLE_S 10 /* other_config:max-idle */
#define PORTS_MAX 64

struct tflow {
	uint32_t port, first, last; /* steps in which it sent its first and its last packet */
	uint32_t packets;           /* in the step under way */
	uint16_t frame;             /* bytes of its frames, on the average */
	uint8_t cost;               /* entries */
};

struct tcount {
	uint32_t flow, packets;
};

struct trace {
	char name[64];
	const char *source; /* whom the figures are of */
	struct tflow *flows;
	struct tcount *counts; /* by step */
	size_t *step;          /* n_steps + 1: where a step begins in counts */
	size_t n_flows, cap_flows, n_counts, cap_counts, cap_steps;
	uint32_t n_steps, n_ports;
};

void trace_init(struct trace *t, const char *name);
void trace_done(struct trace *t);
uint32_t trace_flow(struct trace *t, uint32_t port, uint16_t frame, uint8_t cost, uint32_t step);
void trace_count(struct trace *t, uint32_t flow, uint32_t packets);
void trace_step_end(struct trace *t);

/* placement_synth.c */
#define SYNTH_N 6
extern const char *const synth_name[SYNTH_N];
void synth(struct trace *t, unsigned which, double seconds, double scale, uint64_t seed);

/* placement_pcap.c: flows are 5-tuples, ports are source MAC addresses. 0 or -errno. */
int trace_pcap(struct trace *t, const char *file, struct error *err);

struct result {
	double packets, bytes;             /* share in hardware, of what came after WARM_S */
	double worst_packets, worst_bytes; /* of the port with the least */
	uint32_t worst_port, churn_per_s;  /* the most evictions in any second */
	uint64_t evictions;
	uint64_t violations; /* of what must hold: capacity, churn, residency */
	double tick_us;      /* time of a decision, on the average */
	double tick_max_us;
};

struct past;

struct replay_config {
	uint64_t table;
	uint32_t max_churn_per_s, min_residency_ms, fair_percent;
	const struct past *past; /* what other traces have taught; replay_past()'s */
};

typedef void replay_fn(struct trace *t, const struct replay_config *c, struct result *r);
replay_fn replay_shunt, replay_oracle, replay_greedy, replay_rebalance;
replay_fn replay_bounded; /* placement_bounded.c */
replay_fn replay_past;    /* placement_past.h; all zero where nothing was learned */

/* Sums up what a policy brings: called for each step before the policy looks at it. */
struct tally {
	uint64_t all[PORTS_MAX], hw[PORTS_MAX], all_bytes[PORTS_MAX], hw_bytes[PORTS_MAX];
	uint32_t *evicted; /* by step */
	uint64_t violations;
};
void tally_init(struct tally *y, const struct trace *t);
void tally_step(struct tally *y, struct trace *t, uint32_t step, const bool *in_hw);
void tally_result(struct tally *y, const struct trace *t, struct result *r);
