/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/placement.h"

void trace_init(struct trace *t, const char *name)
{
	memset(t, 0, sizeof(*t));
	snprintf(t->name, sizeof(t->name), "%s", name);
	t->step = xgrow(t->step, &t->cap_steps, 16, sizeof(*t->step));
	t->step[0] = 0;
}

void trace_done(struct trace *t)
{
	free(t->flows);
	free(t->counts);
	free(t->step);
}

uint32_t trace_flow(struct trace *t, uint32_t port, uint16_t frame, uint8_t cost, uint32_t step)
{
	if (t->n_flows == t->cap_flows)
		t->flows = xgrow(t->flows, &t->cap_flows, t->n_flows + 1, sizeof(*t->flows));
	t->flows[t->n_flows] = (struct tflow){
		.port = port, .frame = frame, .cost = cost, .first = step, .last = step
	};
	t->n_ports = MAX(t->n_ports, port + 1);
	return (uint32_t)t->n_flows++;
}

void trace_count(struct trace *t, uint32_t flow, uint32_t packets)
{
	if (t->n_counts == t->cap_counts)
		t->counts = xgrow(t->counts, &t->cap_counts, t->n_counts + 1, sizeof(*t->counts));
	t->counts[t->n_counts++] = (struct tcount){ flow, packets };
	t->flows[flow].last = t->n_steps;
}

void trace_step_end(struct trace *t)
{
	if (t->n_steps + 2 > t->cap_steps)
		t->step = xgrow(t->step, &t->cap_steps, t->n_steps + 2, sizeof(*t->step));
	t->step[++t->n_steps] = t->n_counts;
}

/* --- tally --- */

void tally_init(struct tally *y, const struct trace *t)
{
	memset(y, 0, sizeof(*y));
	y->evicted = xcalloc(t->n_steps + 1u, sizeof(*y->evicted));
}

void tally_step(struct tally *y, struct trace *t, uint32_t step, const bool *in_hw)
{
	for (size_t i = t->step[step]; i < t->step[step + 1]; i++) {
		const struct tcount *c = &t->counts[i];
		const struct tflow *f = &t->flows[c->flow];
		uint64_t bytes = (uint64_t)c->packets * f->frame;

		if (step < WARM_S * STEPS_A_S)
			continue;
		y->all[f->port] += c->packets;
		y->all_bytes[f->port] += bytes;
		if (in_hw[c->flow]) {
			y->hw[f->port] += c->packets;
			y->hw_bytes[f->port] += bytes;
		}
	}
}

static double part(uint64_t some, uint64_t all)
{
	return all ? (double)some / (double)all : 1;
}

static uint32_t most_in_a_second(const uint32_t *evicted, uint32_t n)
{
	uint32_t sum = 0, most = 0;

	for (uint32_t i = 0; i < n; i++) {
		sum += evicted[i];
		if (i >= STEPS_A_S)
			sum -= evicted[i - STEPS_A_S];
		most = MAX(most, sum);
	}
	return most;
}

void tally_result(struct tally *y, const struct trace *t, struct result *r)
{
	uint64_t all = 0, hw = 0, all_bytes = 0, hw_bytes = 0;

	r->worst_packets = r->worst_bytes = 1;
	for (uint32_t p = 0; p < t->n_ports; p++) {
		all += y->all[p];
		hw += y->hw[p];
		all_bytes += y->all_bytes[p];
		hw_bytes += y->hw_bytes[p];
		if (part(y->hw[p], y->all[p]) < r->worst_packets) {
			r->worst_packets = part(y->hw[p], y->all[p]);
			r->worst_port = p;
		}
		r->worst_bytes = fmin(r->worst_bytes, part(y->hw_bytes[p], y->all_bytes[p]));
	}
	r->packets = part(hw, all);
	r->bytes = part(hw_bytes, all_bytes);
	for (uint32_t i = 0; i < t->n_steps; i++)
		r->evictions += y->evicted[i];
	r->churn_per_s = most_in_a_second(y->evicted, t->n_steps);
	r->violations = y->violations;
	free(y->evicted);
}
