/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles: the database's Ports, each of one or more interfaces, with VLAN settings. */
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "ofproto/bridge/bridge_priv.h"

static struct bridge_bundle *find(const struct bridge *br, const char *name)
{
	struct bridge_bundle *b;

	cds_list_for_each_entry (b, &br->bundles, node)
		if (!strcmp(b->name, name))
			return b;
	return NULL;
}

static void clear(struct bridge_bundle *b)
{
	for (size_t i = 0; i < b->n_ports; i++)
		free(b->ports[i]);
	free(b->ports);
	free(b->trunks);
	free(b->cvlans);
}

static bool bitmap_equal(const uint64_t *a, const uint64_t *b)
{
	return a && b ? !memcmp(a, b, VLAN_BITMAP_WORDS * sizeof(*a)) : a == b;
}

static bool same(const struct bridge_bundle *b, const struct bridge_bundle_config *cfg)
{
	if (b->n_ports != cfg->n_ports || b->protected != cfg->protected ||
	    b->vlan.mode != cfg->vlan.mode || b->vlan.priority_tags != cfg->vlan.priority_tags ||
	    b->vlan.tag != cfg->vlan.tag || b->vlan.qinq_tpid != cfg->vlan.qinq_tpid ||
	    !bitmap_equal(b->trunks, cfg->vlan.trunks) ||
	    !bitmap_equal(b->cvlans, cfg->vlan.cvlans))
		return false;
	for (size_t i = 0; i < b->n_ports; i++)
		if (strcmp(b->ports[i], cfg->ports[i]))
			return false;
	return true;
}

static uint64_t *copy_bitmap(const uint64_t *b)
{
	return b ? xmemdup(b, VLAN_BITMAP_WORDS * sizeof(*b)) : NULL;
}

void bridge_bundle_set(struct bridge *br, const struct bridge_bundle_config *cfg)
{
	struct bridge_bundle *b = find(br, cfg->name);

	if (b && same(b, cfg))
		return;
	if (!b) {
		b = xzalloc(sizeof(*b));
		b->name = xstrdup(cfg->name);
		b->id = br->next_bundle_id++;
		cds_list_add_tail(&b->node, &br->bundles);
	} else {
		clear(b);
		mac_forget_bundle(br->macs,
				  b->id); /* what was learned may be in another VLAN now */
	}
	b->vlan = cfg->vlan;
	b->trunks = copy_bitmap(cfg->vlan.trunks);
	b->cvlans = copy_bitmap(cfg->vlan.cvlans);
	b->protected = cfg->protected;
	b->n_ports = cfg->n_ports;
	b->ports = xcalloc(cfg->n_ports, sizeof(*b->ports));
	for (size_t i = 0; i < cfg->n_ports; i++)
		b->ports[i] = xstrdup(cfg->ports[i]);
	backend_mark(br->be);
}

static void bundle_free(struct bridge_bundle *b)
{
	cds_list_del(&b->node);
	clear(b);
	free(b->name);
	free(b);
}

void bridge_bundle_del(struct bridge *br, const char *name)
{
	struct bridge_bundle *b = find(br, name);

	if (!b)
		return;
	mac_forget_bundle(br->macs, b->id);
	bundle_free(b);
	backend_mark(br->be);
}

void bridge_bundles_free(struct bridge *br)
{
	struct bridge_bundle *b, *next;

	cds_list_for_each_entry_safe (b, next, &br->bundles, node)
		bundle_free(b);
}

uint32_t bridge_bundle_ofp(const struct bridge *br, uint32_t bundle)
{
	struct bridge_bundle *b;

	cds_list_for_each_entry (b, &br->bundles, node)
		if (b->id == bundle && b->n_ports) {
			const struct bridge_port *p = bridge_port_by_name(br, b->ports[0]);

			return p ? p->ofp.v : OFPP_NONE_;
		}
	return OFPP_NONE_;
}
