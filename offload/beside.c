/* SPDX-License-Identifier: Apache-2.0 */
/* What rules of devices take and give beside a port's own counters.
 *
 * TC's rules for what the host sends by an internal port stand at the egress of its device, ahead
 * of the driver that counts; what they have for the host they put in at the device's ingress,
 * behind the driver.  So the port's counters are the device's and these.
 *
 * A rule that ends in a later chain is left out: the packet is counted there, by the rule that ends
 * its way, or by the port when no rule of that chain takes it and it goes on to the datapath; in
 * either case with the length that it has by then. */
#include "core/packet/wire.h"
#include "offload/engine_priv.h"

/* By how many bytes frames are longer behind an action. */
static const int8_t longer_by[DP_ACT_N_KINDS] = {
	[DP_ACT_PUSH_VLAN] = VLAN_HLEN,
	[DP_ACT_POP_VLAN] = -VLAN_HLEN,
	[DP_ACT_PUSH_MPLS] = MPLS_HLEN,
	[DP_ACT_POP_MPLS] = -MPLS_HLEN,
};

/* A packet that meets the rule goes on in a later chain. */
static bool goes_on(struct dp_actions acts)
{
	const struct dp_action *a;

	DP_ACTION_FOR_EACH (a, acts)
		if (a->kind == DP_ACT_RECIRC ||
		    (a->kind == DP_ACT_CLONE && goes_on(dp_action_nested(a, 0))))
			return true;
	return false;
}

static void give(struct engine *e, struct dp_port port, const struct flow_stats *d, int longer)
	ENGINE_LOCKED(e)
{
	struct engine_port *p = port_find(e, port);

	if (!p || !p->is_beside)
		return;
	p->beside.tx_packets += d->packets;
	p->beside.tx_bytes += d->bytes + (uint64_t)longer * d->packets; /* modulo 2^64 */
}

static void give_all(struct engine *e, struct dp_actions acts, const struct flow_stats *d,
		     int longer) ENGINE_LOCKED(e)
{
	const struct dp_action *a;

	DP_ACTION_FOR_EACH (a, acts) {
		longer += longer_by[a->kind];
		if (a->kind == DP_ACT_OUTPUT)
			give(e, ((const struct act_output *)dp_action_payload(a))->port, d, longer);
		else if (a->kind == DP_ACT_CLONE)
			give_all(e, dp_action_nested(a, 0), d, longer);
	}
}

void beside_count(struct engine *e, const struct engine_flow *f, const struct flow_stats *d)
{
	struct dp_actions acts = flow_acts_list(f->hw_acts ? f->hw_acts : f->acts);

	if (f->port && f->port->is_beside && !goes_on(acts)) {
		f->port->beside.rx_packets += d->packets;
		f->port->beside.rx_bytes += d->bytes;
	}
	give_all(e, acts, d, 0);
}

void beside_begin(struct engine *e, struct engine_port *p)
{
	if (!p->port->counts_datapath_only || p->is_beside)
		return;
	p->is_beside = true;
	e->n_beside++;
}

void beside_end(struct engine *e, const struct engine_port *p)
{
	e->n_beside -= p->is_beside;
}

void engine_port_beside(struct engine *e, struct dp_port port, struct engine_beside *ret)
{
	const struct engine_port *p;

	*ret = (struct engine_beside){ .rx_packets = 0 };
	lock_take(&e->lock);
	p = port_find(e, port);
	if (p)
		*ret = p->beside;
	lock_give(&e->lock);
}
