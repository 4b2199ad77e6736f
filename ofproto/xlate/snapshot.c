/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/xlate/snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"

struct xl_counters *xl_counters_new(void)
{
	struct xl_counters *c = xzalloc(sizeof(*c));

	c->refs = 1;
	return c;
}

struct xl_counters *xl_counters_ref(struct xl_counters *c)
{
	if (c)
		c->refs++;
	return c;
}

void xl_counters_unref(struct xl_counters *c)
{
	if (c && --c->refs == 0)
		rcu_defer_free(c);
}

struct xl_snapshot *xl_snapshot_new(size_t n_bridges)
{
	struct xl_snapshot *s = xzalloc(sizeof(*s));

	s->bridges = xcalloc(n_bridges, sizeof(*s->bridges));
	s->n_bridges = n_bridges;
	return s;
}

static int port_cmp(const void *a, const void *b)
{
	const struct xl_port *x = a, *y = b;

	return x->ofp.v < y->ofp.v ? -1 : x->ofp.v > y->ofp.v;
}

static bool in_datapath(const struct xl_port *p)
{
	return p->dp.v != DP_PORT_NONE;
}

static void link_bridge(struct xl_snapshot *s, struct xl_bridge *b)
{
	for (size_t i = 0; i < b->n_ports; i++) {
		struct xl_port *p = &b->ports[i];

		p->bridge = b;
		if (in_datapath(p) && p->dp.v >= s->n_by_dp)
			s->n_by_dp = p->dp.v + 1;
	}
}

void xl_snapshot_sort_ports(struct xl_bridge *b)
{
	if (b->n_ports)
		qsort(b->ports, b->n_ports, sizeof(*b->ports), port_cmp);
}

static void link_tunnels(struct xl_snapshot *s)
{
	struct tunnel_entry *e;
	size_t n = 0;

	for (size_t i = 0; i < s->n_bridges; i++)
		n += s->bridges[i].n_ports;
	e = xcalloc(n, sizeof(*e));
	n = 0;
	for (size_t i = 0; i < s->n_bridges; i++) {
		for (size_t j = 0; j < s->bridges[i].n_ports; j++) {
			struct xl_port *p = &s->bridges[i].ports[j];

			if (p->tunnel && in_datapath(p))
				e[n++] = (struct tunnel_entry){ p->dp, p->tunnel, p };
		}
	}
	tunnel_map_free(s->tunnels);
	s->tunnels = tunnel_map_new(e, n);
	free(e);
}

void xl_snapshot_link(struct xl_snapshot *s)
{
	s->n_by_dp = 0;
	for (size_t i = 0; i < s->n_bridges; i++)
		link_bridge(s, &s->bridges[i]);
	free(s->by_dp);
	s->by_dp = xcalloc(s->n_by_dp, sizeof(struct xl_port *));
	for (size_t i = 0; i < s->n_bridges; i++) {
		struct xl_bridge *b = &s->bridges[i];

		for (size_t j = 0; j < b->n_ports; j++)
			if (in_datapath(&b->ports[j]) && !b->ports[j].tunnel)
				s->by_dp[b->ports[j].dp.v] = &b->ports[j];
	}
	link_tunnels(s);
}

void xl_snapshot_free(void *snapshot)
{
	struct xl_snapshot *s = snapshot;

	if (!s)
		return;
	for (size_t i = 0; i < s->n_bridges; i++) {
		struct xl_bridge *b = &s->bridges[i];

		for (size_t j = 0; j < b->n_ports; j++) {
			xl_counters_unref(b->ports[j].counters);
			free(b->ports[j].tunnel);
		}
		for (size_t j = 0; j < b->n_bundles; j++) {
			free(b->bundles[j].ports);
			free(b->bundles[j].trunks);
			free(b->bundles[j].cvlans);
		}
		free(b->ports);
		free(b->bundles);
	}
	free(s->bridges);
	free(s->by_dp);
	tunnel_map_free(s->tunnels);
	free(s->ct_zones);
	free(s);
}

const struct xl_port *xl_port_by_dp(const struct xl_snapshot *s, struct dp_port dp)
{
	return dp.v < s->n_by_dp ? s->by_dp[dp.v] : NULL;
}

const struct xl_port *xl_port_of_packet(const struct xl_snapshot *s, const struct flow_key *key,
					struct flow_key *mask)
{
	if (tunnel_map_has(s->tunnels, flow_in_dp(key)))
		return tunnel_map_find(s->tunnels, key, mask);
	return xl_port_by_dp(s, flow_in_dp(key));
}

const struct xl_port *xl_port_by_ofp(const struct xl_bridge *b, struct ofp_port ofp)
{
	struct xl_port key = { .ofp = ofp };

	return b->n_ports ? bsearch(&key, b->ports, b->n_ports, sizeof(key), port_cmp) : NULL;
}

const struct xl_bridge *xl_bridge_by_name(const struct xl_snapshot *s, const char *name)
{
	for (size_t i = 0; i < s->n_bridges; i++)
		if (!strcmp(s->bridges[i].name, name))
			return &s->bridges[i];
	return NULL;
}

const struct xl_bridge *xl_bridge_by_id(const struct xl_snapshot *s, uint64_t id)
{
	for (size_t i = 0; i < s->n_bridges; i++)
		if (s->bridges[i].id == id)
			return &s->bridges[i];
	return NULL;
}

const struct xl_bundle *xl_bundle_by_id(const struct xl_bridge *b, uint32_t id)
{
	for (size_t i = 0; i < b->n_bundles; i++)
		if (b->bundles[i].id == id)
			return &b->bundles[i];
	return NULL;
}

/* ---- zones of connections ---- */

void xl_ct_timeout_name(const char *stem, unsigned proto, char name[XL_CT_TIMEOUT_NAME])
{
	static const char *const suffix[XL_CT_N_PROTOS] = { "tcp4", "tcp6",  "udp4",
							    "udp6", "icmp4", "icmp6" };

	(void)snprintf(name, XL_CT_TIMEOUT_NAME, "%.15s_%s", stem, suffix[proto]);
}

static int compare_zone(const void *key, const void *member)
{
	const struct xl_ct_zone *z = member;
	uint16_t zone = *(const uint16_t *)key;

	return (zone > z->zone) - (zone < z->zone);
}

const struct xl_ct_zone *xl_ct_zone(const struct xl_snapshot *s, uint16_t zone)
{
	return s->n_ct_zones ? bsearch(&zone, s->ct_zones, s->n_ct_zones, sizeof(*s->ct_zones),
				       compare_zone)
			     : NULL;
}
