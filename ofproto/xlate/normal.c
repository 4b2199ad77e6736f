/* SPDX-License-Identifier: Apache-2.0 */
/* NORMAL and FLOOD: a learning switch with VLANs (ovs-actions(7), ovs-vswitchd.conf.db(5) table
 * Port). */
#include <string.h>

#include "ofproto/xlate/xlate_priv.h"

struct normal {
	const struct xl_bundle *in; /* NULL: from no port of ours (packet-out) */
	struct vlan_in vlan;
	bool floods; /* a VLAN without learning */
};

static bool is_gratuitous_arp(struct xl *x)
{
	const struct flow_key *f = &x->f.flow;

	if (!flow_is_arp(f) || x->f.behind_mpls || !eth_addr_is_multicast(f->dl_dst))
		return false;
	xl_look(x, FIELD_ARP_OP);
	if (f->nw_proto == 2)
		return true;
	xl_look(x, FIELD_ARP_SPA);
	xl_look(x, FIELD_ARP_TPA);
	return f->nw_proto == 1 && f->nw_src == f->nw_dst;
}

static void learn(struct xl *x, const struct normal *n)
{
	const struct flow_key *f = &x->f.flow;
	struct effect *e;

	xl_look(x, FIELD_ETH_SRC);
	if (!n->in || eth_addr_is_multicast(f->dl_src) || n->floods)
		return;
	e = effects_add(&x->out->effects, EFFECT_MAC);
	e->mac.macs = x->f.br->macs;
	e->mac.addr = f->dl_src;
	e->mac.vlan = n->vlan.vid;
	e->mac.bundle = n->in->id;
	e->mac.grat_arp = is_gratuitous_arp(x);
}

static const struct xl_port *usable_port(const struct xl_bundle *b)
{
	for (size_t i = 0; i < b->n_ports; i++)
		if (b->ports[i]->up || b->ports[i]->dp.v == DP_PORT_NONE)
			return b->ports[i];
	return NULL;
}

/* The headers that this bundle wants, for this one output. */
static void output_bundle(struct xl *x, const struct normal *n, const struct xl_bundle *b)
{
	const struct xl_port *p = usable_port(b);
	struct flow_vlan saved[FLOW_N_VLANS], *v = x->f.flow.vlans;
	struct vlan_out out;

	if (b->vlan.priority_tags != VLAN_PRIO_NEVER || b->vlan.mode == VLAN_DOT1Q_TUNNEL)
		xl_know_vlans(x);
	if (!vlan_output(&b->vlan, &n->vlan, &out)) {
		xl_note(x, "port %s does not carry VLAN %u: not sent", b->name, n->vlan.vid);
		return;
	}
	if (!p) {
		xl_note(x, "port %s is down: not sent", b->name);
		return;
	}
	memcpy(saved, v, sizeof(saved));
	if (n->vlan.strip) {
		memmove(&v[0], &v[1], sizeof(v[0]) * (FLOW_N_VLANS - 1));
		memset(&v[FLOW_N_VLANS - 1], 0, sizeof(v[0]));
	}
	if (out.push) {
		memmove(&v[1], &v[0], sizeof(v[0]) * (FLOW_N_VLANS - 1));
		v[0] = out.tag;
	}
	if (memcmp(v, saved, sizeof(saved)) || memcmp(v, x->base.vlans, sizeof(saved)))
		xl_know_vlans(x);
	xl_output_port(x, p);
	memcpy(v, saved, sizeof(saved));
}

static bool floods_to(const struct normal *n, const struct xl_bundle *b)
{
	const struct xl_port *p = b->n_ports ? b->ports[0] : NULL;

	if (b == n->in || !p || (n->in && n->in->protected && b->protected))
		return false;
	for (size_t i = 0; i < b->n_ports; i++)
		if (!(b->ports[i]->config & XL_PC_NO_FLOOD))
			return vlan_carries(&b->vlan, n->vlan.vid, n->vlan.cvid);
	return false;
}

static void flood(struct xl *x, const struct normal *n)
{
	const struct xl_bridge *br = x->f.br;

	for (size_t i = 0; i < br->n_bundles; i++)
		if (floods_to(n, &br->bundles[i]))
			output_bundle(x, n, &br->bundles[i]);
}

static void forward(struct xl *x, const struct normal *n)
{
	const struct flow_key *f = &x->f.flow;
	const struct xl_bundle *to;
	uint32_t id;

	if (n->floods || eth_addr_is_multicast(f->dl_dst)) {
		xl_note(x, "-> %s, flooding", n->floods ? "VLAN without learning" : "multicast");
		flood(x, n);
		return;
	}
	id = mac_lookup(x->f.br->macs, n->vlan.vid, f->dl_dst);
	to = id == MAC_NONE ? NULL : xl_bundle_by_id(x->f.br, id);
	if (!to) {
		xl_note(x, "-> no learned MAC for destination, flooding");
		flood(x, n);
	} else if (to == n->in) {
		xl_note(x, "-> learned port is input port, dropping");
	} else if (n->in && n->in->protected && to->protected) {
		xl_note(x, "-> both ports are protected, dropping");
	} else {
		xl_note(x, "-> forwarding to learned port %s", to->name);
		output_bundle(x, n, to);
	}
}

/* What tells the packet's VLAN: presence and VID of the outer tag, of the inner one behind a tunnel
 * port. */
static void look_vlan(struct xl *x, const struct vlan_conf *c)
{
	struct flow_key m;

	memset(&m, 0, sizeof(m));
	m.vlans[0].tpid = htons(0xffff);
	m.vlans[0].tci = htons(VLAN_CFI | 0x0fff);
	if (c->mode == VLAN_DOT1Q_TUNNEL)
		m.vlans[1] = m.vlans[0];
	xl_look_mask(x, &m);
}

/* Protocols between neighbours, which a switch that does not speak them keeps from going further
 * (ovs-vswitchd.conf.db(5), Bridge other_config:forward-bpdu). */
static bool is_reserved(struct eth_addr a)
{
	static const struct {
		uint64_t first, last;
	} ranges[] = {
		{ 0x0180c2000000, 0x0180c200000f }, /* STP, pause frames, LACP, LLDP and others */
		{ 0x00e02b000000, 0x00e02b000000 }, /* Extreme discovery */
		{ 0x00e02b000004, 0x00e02b000004 }, /* EAPS */
		{ 0x00e02b000006, 0x00e02b000006 },
		{ 0x01000cccccc0, 0x01000cccccc7 }, /* Cisco: CFM */
		{ 0x01000ccccccc, 0x01000ccccccd }, /* CDP, VTP, DTP, PAgP; PVST+ */
		{ 0x01000ccdcdcd, 0x01000ccdcdcd }, /* STP uplink fast */
		{ 0x01000c000000, 0x01000c000000 }, /* ISL */
	};
	uint64_t v = 0;

	for (unsigned i = 0; i < sizeof(a.b); i++)
		v = v << 8 | a.b[i];
	for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++)
		if (v >= ranges[i].first && v <= ranges[i].last)
			return true;
	return false;
}

void xl_normal(struct xl *x)
{
	static const struct vlan_conf any_vlan; /* a trunk of all VLANs */
	const struct xl_port *port = xl_port_by_ofp(x->f.br, flow_in_ofp(&x->f.flow));
	struct normal n = { .in = port ? port->bundle : NULL };
	const struct vlan_conf *c = n.in ? &n.in->vlan : &any_vlan;
	int vid;

	if (port ? !port->bundle : flow_in_ofp(&x->f.flow).v < OFPP_MAX_) {
		xl_note(x, "-> input port is %s, dropping", port ? "in no bundle" : "unknown");
		return;
	}
	look_vlan(x, c);
	vid = vlan_input(c, x->f.flow.vlans, &n.vlan);
	if (vid < 0) {
		xl_note(x, "-> %s, dropping", vlan_drop_text((enum vlan_drop) - vid));
		return;
	}
	n.floods = vlan_bit(x->f.br->flood_vlans, n.vlan.vid);
	xl_look(x, FIELD_ETH_DST);
	if (!x->f.br->forward_bpdu && is_reserved(x->f.flow.dl_dst)) {
		xl_note(x, "-> reserved address, dropping");
		return;
	}
	learn(x, &n);
	forward(x, &n);
}

void xl_flood(struct xl *x, bool all)
{
	const struct xl_bridge *br = x->f.br;
	struct ofp_port in = flow_in_ofp(&x->f.flow);

	for (size_t i = 0; i < br->n_ports; i++) {
		const struct xl_port *p = &br->ports[i];

		if (p->ofp.v != in.v && (all || !(p->config & XL_PC_NO_FLOOD)))
			xl_output_port(x, p);
	}
}
