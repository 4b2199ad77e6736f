/* SPDX-License-Identifier: Apache-2.0 */
#include "offload/policy/rate.h"

#include <math.h>

#include "core/base/clock.h"

void rate_init(struct rate *r, uint64_t now_ns)
{
	*r = (struct rate){ .at_ns = now_ns };
}

void rate_add(struct rate *r, uint64_t packets, uint64_t now_ns)
{
	double dt, keep, weight;

	r->packets += packets;
	if (now_ns < r->at_ns + RATE_STEP_NS)
		return;
	dt = (double)(now_ns - r->at_ns) / NSEC_PER_SEC;
	keep = exp(-dt / RATE_TAU_S);
	weight = RATE_TAU_S * (1 - keep); /* of dt seconds that end now */
	r->sum = r->sum * keep + (double)r->packets / dt * weight;
	r->span_s = r->span_s * keep + weight;
	r->packets = 0;
	r->at_ns = now_ns;
}

static double mean(const struct rate *r, uint64_t as_of_ns, double prior_s)
{
	double idle = as_of_ns > r->at_ns ? (double)(as_of_ns - r->at_ns) / NSEC_PER_SEC : 0;
	double keep = exp(-idle / RATE_TAU_S);
	double span = r->span_s * keep + RATE_TAU_S * (1 - keep) + prior_s;

	return span > 0 ? r->sum * keep / span : 0;
}

double rate_pps(const struct rate *r, uint64_t as_of_ns)
{
	return mean(r, as_of_ns, 0);
}

double rate_value(const struct rate *r, uint64_t as_of_ns)
{
	return r->sum > 0 ? mean(r, as_of_ns, RATE_PRIOR_S) : 0;
}
