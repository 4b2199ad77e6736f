/* SPDX-License-Identifier: Apache-2.0 */
/* The snapshot that translation sees, built whole from the bridges as they are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "ofproto/bridge/bridge_priv.h"

static void build_ports(struct xl_bridge *x, const struct bridge *br)
{
	struct bridge_port *p;
	size_t n = 0;

	cds_list_for_each_entry (p, &br->ports, node)
		n++;
	x->ports = xcalloc(n, sizeof(*x->ports));
	cds_list_for_each_entry (p, &br->ports, node) {
		struct xl_port *xp = &x->ports[x->n_ports++];

		snprintf(xp->name, sizeof(xp->name), "%s", p->name);
		xp->ofp = p->ofp;
		xp->dp = p->dp;
		xp->config = p->config;
		xp->up = !(p->config & 1) && (p->peer || (p->state.admin_up && p->state.carrier));
		xp->tunnel = p->tunnel ? xmemdup(p->tunnel, sizeof(*p->tunnel)) : NULL;
		xp->counters = xl_counters_ref(p->counters);
	}
	xl_snapshot_sort_ports(x);
}

static struct xl_port *find_port(struct xl_bridge *x, const char *name)
{
	for (size_t i = 0; i < x->n_ports; i++)
		if (!strcmp(x->ports[i].name, name))
			return &x->ports[i];
	return NULL;
}

static uint64_t *copy_bitmap(const uint64_t *b)
{
	return b ? xmemdup(b, VLAN_BITMAP_WORDS * sizeof(*b)) : NULL;
}

static void build_bundle(struct xl_bridge *x, struct xl_bundle *xb, const struct bridge_bundle *b)
{
	snprintf(xb->name, sizeof(xb->name), "%s", b->name);
	xb->id = b->id;
	xb->protected = b->protected;
	xb->vlan = b->vlan;
	xb->vlan.trunks = xb->trunks = copy_bitmap(b->trunks);
	xb->vlan.cvlans = xb->cvlans = copy_bitmap(b->cvlans);
	xb->ports = xcalloc(b->n_ports, sizeof(struct xl_port *));
	for (size_t i = 0; i < b->n_ports; i++) {
		struct xl_port *p = find_port(x, b->ports[i]);

		if (!p)
			continue;
		xb->ports[xb->n_ports++] = p;
		xb->is_local |= p->ofp.v == OFPP_LOCAL_;
		p->bundle = xb;
	}
}

static void build_bundles(struct xl_bridge *x, const struct bridge *br)
{
	struct bridge_bundle *b;
	size_t n = 0;

	cds_list_for_each_entry (b, &br->bundles, node)
		n++;
	x->bundles = xcalloc(n, sizeof(*x->bundles));
	cds_list_for_each_entry (b, &br->bundles, node)
		build_bundle(x, &x->bundles[x->n_bundles++], b);
}

static void build_bridge(struct xl_bridge *x, const struct bridge *br)
{
	snprintf(x->name, sizeof(x->name), "%s", br->name);
	x->id = br->id;
	x->tables = br->tables;
	x->macs = br->macs;
	x->forward_bpdu = br->forward_bpdu;
	x->pins = br->pins;
	x->sflow = bridge_sflow(br);
	memcpy(x->flood_vlans, br->flood_vlans, sizeof(x->flood_vlans));
	x->fail_open = br->failing_open;
	x->loading = !br->loaded;
	x->frags = ofconns_frags(br->conns);
	x->miss_to_controller = ofconns_wants_misses(br->conns, &x->miss_send_len);
	build_ports(x, br);
	build_bundles(x, br);
}

/* A peer is a patch port of that name whose own peer is this one, in any bridge of the backend. */
static void link_peers(struct xl_snapshot *s, const struct backend *be)
{
	struct bridge *br;
	size_t i = 0;

	cds_list_for_each_entry (br, &be->bridges, node) {
		struct xl_bridge *x = &s->bridges[i++];
		struct bridge_port *p;

		cds_list_for_each_entry (p, &br->ports, node) {
			struct bridge *other;
			size_t j = 0;

			if (!p->peer)
				continue;
			cds_list_for_each_entry (other, &be->bridges, node) {
				const struct bridge_port *q = bridge_port_by_name(other, p->peer);
				struct xl_bridge *y = &s->bridges[j++];

				if (q && q->peer && !strcmp(q->peer, p->name))
					find_port(x, p->name)->peer = find_port(y, q->name);
			}
		}
	}
}

struct xl_snapshot *backend_build(struct backend *be)
{
	struct xl_snapshot *s;
	struct bridge *br;
	size_t n = 0;

	cds_list_for_each_entry (br, &be->bridges, node)
		n++;
	s = xl_snapshot_new(n);
	n = 0;
	cds_list_for_each_entry (br, &be->bridges, node)
		build_bridge(&s->bridges[n++], br);
	if (be->ct.n)
		s->ct_zones = xmemdup(be->ct.zones, be->ct.n * sizeof(*be->ct.zones));
	s->n_ct_zones = be->ct.n;
	s->loading = be->cfg.restore_wait || !be->begun_ns;
	link_peers(s, be);
	xl_snapshot_link(s);
	return s;
}
