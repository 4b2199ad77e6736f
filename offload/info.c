/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at the engine: everything is copied out under its lock. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "offload/engine_priv.h"

int engine_flow_info(struct engine *e, struct ufid ufid, struct engine_flow_info *info)
{
	struct engine_flow *f;

	lock_take(&e->lock);
	f = flow_find(e, ufid);
	if (f)
		flow_info_fill(e, f, info);
	lock_give(&e->lock);
	return f ? 0 : -ENOENT;
}

void engine_visit(struct engine *e, engine_visit_fn *fn, void *aux)
{
	struct engine_flow **flows, *f;
	struct engine_flow_info *info = xmalloc(sizeof(*info));
	size_t n = 0;
	bool more = true;

	lock_take(&e->lock);
	flows = xcalloc(e->flows.n ? e->flows.n : 1, sizeof(struct engine_flow *));
	HTABLE_FOR_EACH (f, struct engine_flow, by_ufid, &e->flows)
		flows[n++] = engine_flow_ref(f);
	lock_give(&e->lock);
	for (size_t i = 0; i < n; i++) {
		if (more) {
			lock_take(&e->lock);
			flow_info_fill(e, flows[i], info);
			lock_give(&e->lock);
			more = fn(info, aux);
			engine_flow_info_done(info);
		}
		engine_flow_unref(flows[i]);
	}
	free(flows);
	free(info);
}

static void add_cost(struct engine_reason_cost *c, const struct engine_flow *f)
{
	const struct flow_stats *hw = &f->ledger.tier[LEDGER_HARDWARE].total;
	double pps = flow_pps(f);
	struct flow_stats total;

	ledger_total(&f->ledger, &total);
	c->flows++;
	c->packets += total.packets - hw->packets;
	c->bytes += total.bytes - hw->bytes;
	c->pps += pps;
	if (total.packets)
		c->bps += pps * (double)total.bytes / (double)total.packets;
}

/* Reasons are summed over the flows that have them now; of one device, or of all (NULL). */
static void sum_reasons(struct engine *e, const struct engine_dev *d,
			struct engine_reason_cost cost[OFFLOAD_N_REASONS]) ENGINE_LOCKED(e)
{
	struct engine_flow *f;

	memset(cost, 0, OFFLOAD_N_REASONS * sizeof(*cost));
	HTABLE_FOR_EACH (f, struct engine_flow, by_ufid, &e->flows)
		if ((!d || f->dev == d) && f->state != OFFLOAD_ST_HARDWARE)
			add_cost(&cost[f->why.reason], f);
}

void engine_reasons(struct engine *e, struct engine_reason_cost cost[OFFLOAD_N_REASONS])
{
	lock_take(&e->lock);
	sum_reasons(e, NULL, cost);
	lock_give(&e->lock);
}

static void fill_reasons(struct engine *e, const struct engine_dev *d, struct engine_device_info *i)
	ENGINE_LOCKED(e)
{
	struct engine_reason_cost cost[OFFLOAD_N_REASONS];

	sum_reasons(e, d, cost);
	for (unsigned r = 0; r < OFFLOAD_N_REASONS; r++) {
		i->flows_by_reason[r] = cost[r].flows;
		i->packets_by_reason[r] = cost[r].packets;
		i->bytes_by_reason[r] = cost[r].bytes;
		i->pps_by_reason[r] = cost[r].pps;
	}
}

static void fill_device(struct engine *e, struct engine_dev *d, struct engine_device_info *i)
	ENGINE_LOCKED(e)
{
	uint64_t oldest = queue_oldest_ns(&d->queue), now = clock_mono_ns();

	*i = d->stat;
	memcpy(i->name, d->od->name, sizeof(i->name));
	(void)snprintf(i->provider, sizeof(i->provider), "%s", d->od->ops->type);
	i->caps = d->caps;
	i->usage = d->usage;
	i->usage.entries = d->budget.used + d->budget.foreign;
	i->queue_depth = queue_depth(&d->queue) + d->n_busy;
	i->queue_oldest_ns = oldest && now > oldest ? now - oldest : 0;
	i->queue_shed = d->queue.shed;
	i->hung = d->hung;
	i->churn_bound = policy_churn_bound(d);
	i->limited = d->budget.allowed || d->budget.divided;
	i->allowed = d->budget.allowed ? d->budget.allowed : d->budget.part;
	if (d->budget.allowed && d->budget.divided)
		i->allowed = MIN(d->budget.allowed, d->budget.part);
	fill_reasons(e, d, i);
}

size_t engine_devices(struct engine *e, struct engine_device_info *out, size_t max)
{
	struct engine_dev *d;
	size_t n = 0;

	lock_take(&e->lock);
	cds_list_for_each_entry (d, &e->devs, node) {
		if (n < max)
			fill_device(e, d, &out[n]);
		n++;
	}
	lock_give(&e->lock);
	return n;
}

static void fill_port(const struct engine_port *p, struct engine_port_info *i)
{
	memset(i, 0, sizeof(*i));
	i->no = p->no;
	memcpy(i->name, p->port->name, sizeof(i->name));
	if (p->dev)
		memcpy(i->device, p->dev->od->name, sizeof(i->device));
	i->enabled = p->enabled;
	i->flows = p->flows;
	i->flows_hw = p->flows_hw;
	i->flows_tc = p->flows_tc;
	memcpy(i->packets, p->packets, sizeof(i->packets));
	memcpy(i->bytes, p->bytes, sizeof(i->bytes));
}

size_t engine_ports(struct engine *e, struct engine_port_info *out, size_t max)
{
	struct engine_port *p;
	size_t n = 0;

	lock_take(&e->lock);
	HTABLE_FOR_EACH (p, struct engine_port, node, &e->ports) {
		if (n < max)
			fill_port(p, &out[n]);
		n++;
	}
	lock_give(&e->lock);
	return n;
}

void engine_port_lacking(struct engine *e, struct dp_port port, char *words, size_t size)
{
	const struct engine_port *p;

	lock_take(&e->lock);
	p = port_find(e, port);
	(void)snprintf(words, size, "%s",
		       p && p->dev && p->dev->caps.no_rules ? p->dev->caps.lacking : "");
	lock_give(&e->lock);
}

void engine_totals(struct engine *e, struct engine_totals *t)
{
	lock_take(&e->lock);
	*t = e->totals;
	lock_give(&e->lock);
}
