/* SPDX-License-Identifier: Apache-2.0 */
/* What each device may hold of the entries that the whole switch may.
 *
 * Like ports in one table (policy/share.h): max-min by what devices hold and what waits for them.
 * The parts add up to the limit, so devices need not agree about each flow.  A part follows demand
 * within a tick; what a device then holds beyond its part leaves (policy/shrink.h), and until that
 * is done others may be above the limit together, never one above its own part for long. */
#include <stdlib.h>

#include "core/base/xalloc.h"
#include "offload/engine_priv.h"
#include "offload/policy/share.h"

static uint32_t demand_of(const struct engine_dev *d) REQUIRES(&d->e->lock)
{
	uint64_t n = d->budget.used, most = UINT32_MAX;
	const struct engine_port *p;

	HTABLE_FOR_EACH (p, struct engine_port, node, &d->e->ports)
		if (p->dev == d)
			n += p->out[0].n_worth + p->out[1].n_worth;
	if (d->budget.declared)
		most = MIN(most, d->budget.declared);
	if (d->budget.allowed)
		most = MIN(most, d->budget.allowed);
	return (uint32_t)MIN(n, most);
}

static uint32_t begin(struct engine *e) ENGINE_LOCKED(e)
{
	struct engine_dev *d;
	uint32_t n = 0;

	cds_list_for_each_entry (d, &e->devs, node) {
		d->budget.divided = e->cfg.max_total;
		n++;
	}
	return e->cfg.max_total ? n : 0;
}

/* What nobody asks for is everybody's room for what comes until the next time. */
static void give_out(struct engine *e, const uint32_t part[], uint32_t n) ENGINE_LOCKED(e)
{
	uint32_t rest = e->cfg.max_total, i = 0;
	struct engine_dev *d;

	for (uint32_t k = 0; k < n; k++)
		rest -= part[k];
	cds_list_for_each_entry (d, &e->devs, node) {
		d->budget.part = part[i] + rest / n + (i < rest % n);
		i++;
	}
}

void divide_entries(struct engine *e) NO_TSA /* d->e is e */
{
	uint32_t n = begin(e), i = 0, *demand;
	struct engine_dev *d;

	if (!n)
		return;
	demand = xcalloc(2 * (size_t)n, sizeof(*demand));
	cds_list_for_each_entry (d, &e->devs, node)
		demand[i++] = demand_of(d);
	share_fill(e->cfg.max_total, n, demand, demand + n);
	give_out(e, demand + n, n);
	free(demand);
}
