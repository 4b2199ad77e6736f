/* SPDX-License-Identifier: Apache-2.0 */
/* The best that the past can tell: a table filled by what flows of a kind sent next, in the mean,
 * in other traces of the same sort.
 *
 * A kind is the packets of the last reading (to half a factor of two) and of all readings (to a
 * factor of two), the steps since it began and since it sent last.  What is known of few flows of
 * a kind leans on the same kind of any age, and that on the same of any total.  It pays nothing for
 * changes, has no bounds, and does not learn while it runs: no policy that looks at these figures
 * alone can be expected to carry more. */
#pragma once

#include "bench/placement.h"

#define PAST_LAST 32
#define PAST_ALL 16
#define PAST_SILENT 8
#define PAST_AGE 8
#define PAST_KINDS (PAST_LAST * PAST_ALL * PAST_SILENT * PAST_AGE)

struct past_sum {
	double next; /* packets in the step after */
	double n;
};

struct past {
	struct past_sum fine[PAST_KINDS];
	struct past_sum ageless[PAST_LAST * PAST_ALL * PAST_SILENT];
	struct past_sum plain[PAST_LAST * PAST_SILENT];
	float mean[PAST_KINDS];
	bool known;
};

/* What is known of a flow at the end of a step, all in steps and packets. */
struct past_flow {
	uint64_t all;
	uint32_t last, first_step, last_step;
};
uint32_t past_kind(const struct past_flow *f, uint32_t step);

void past_learn(struct past *p, struct trace *t);
/* After the last past_learn(). */
void past_judge(struct past *p);
