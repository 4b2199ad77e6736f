/* SPDX-License-Identifier: Apache-2.0 */
#include "offload/policy/shrink.h"

#include <stdlib.h>

#include "core/base/xalloc.h"

enum pass { PASS_PORTS, PASS_ABOVE_SHARE, PASS_ANY, N_PASSES };

static int by_worth(const void *a, const void *b)
{
	const struct rank_flow *x = a, *y = b;

	if (x->pinned != y->pinned)
		return x->pinned ? 1 : -1;
	return (x->value > y->value) - (x->value < y->value);
}

static bool must_leave(const struct shrink_in *in, const struct rank_flow *f, enum pass pass)
{
	const struct rank_port *p = &in->ports[f->port];

	switch (pass) {
	case PASS_PORTS: return p->limit != UINT32_MAX && p->used > p->limit;
	case PASS_ABOVE_SHARE:
		return in->over && !f->pinned && p->used >= p->share + (uint64_t)f->cost;
	case PASS_ANY: return in->over;
	case N_PASSES: break;
	}
	return false;
}

static void leave(struct shrink_in *in, const struct rank_flow *f)
{
	struct rank_port *p = &in->ports[f->port];

	p->used -= MIN(p->used, f->cost);
	in->over -= MIN(in->over, (uint64_t)f->cost);
	in->evictions--;
}

uint32_t shrink_decide(struct shrink_in *in, uint32_t victims[])
{
	uint8_t *left = xcalloc(in->n_have + 1u, 1);
	uint32_t n = 0;

	if (in->n_have)
		qsort(in->have, in->n_have, sizeof(*in->have), by_worth);
	for (unsigned pass = PASS_PORTS; pass < N_PASSES; pass++)
		for (uint32_t i = 0; i < in->n_have && in->evictions; i++) {
			if (left[i] || !must_leave(in, &in->have[i], (enum pass)pass))
				continue;
			leave(in, &in->have[i]);
			left[i] = true;
			victims[n++] = i;
		}
	free(left);
	return n;
}
