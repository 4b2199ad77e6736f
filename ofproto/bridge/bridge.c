/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/bridge/bridge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/random.h"
#include "core/base/xalloc.h"
#include "core/io/stream.h"
#include "ofproto/bridge/bridge_priv.h"

LOG_MODULE("bridge");

#define SYNC_MS 5000

static void tables_changed(void *arg)
{
	struct bridge *br = arg;

	if (!br->going) /* else no megaflow names it, and the backend may have gone already */
		flows_kick(br->be->flows);
}

static void conns_changed(void *arg)
{
	struct bridge *br = arg;

	if (br->going || !br->configured)
		return;
	bridge_update_fail_mode(br);
	backend_mark(br->be);
}

static void replace(char **dst, const char *src)
{
	free(*dst);
	*dst = xstrdup(src ? src : "");
}

/* Also while nobody is connected to them (flow-restore-wait). */
static bool any_primary(const struct bridge_config *cfg)
{
	for (size_t i = 0; i < cfg->n_controllers; i++)
		if (!cfg->controllers[i].service &&
		    !stream_target_is_passive(cfg->controllers[i].target))
			return true;
	return false;
}

void bridge_configure(struct bridge *br, const struct bridge_config *cfg)
{
	replace(&br->dp_desc, cfg->dp_desc);
	replace(&br->serial, cfg->serial);
	br->configured_dpid = cfg->datapath_id;
	if (cfg->datapath_id)
		br->datapath_id = cfg->datapath_id;
	br->secure = cfg->secure;
	br->forward_bpdu = cfg->forward_bpdu;
	br->pins = cfg->pins;
	memset(br->flood_vlans, 0, sizeof(br->flood_vlans));
	if (cfg->flood_vlans)
		memcpy(br->flood_vlans, cfg->flood_vlans, sizeof(br->flood_vlans));
	mac_configure(br->macs, cfg->mac_table_size ? cfg->mac_table_size : 8192,
		      cfg->mac_aging_s ? cfg->mac_aging_s : 300);
	br->configured = true;
	br->any_primary = any_primary(cfg);
	ofconns_set_controllers(br->conns, cfg->controllers,
				br->be->cfg.restore_wait ? 0 : cfg->n_controllers,
				cfg->versions ? cfg->versions : OFP_VERSIONS);
	bridge_update_fail_mode(br);
	bridge_update_loading(br);
	bridge_sflow_configure(br, cfg->sflow);
	backend_mark(br->be);
}

struct bridge *bridge_new(struct backend *be, const struct bridge_config *cfg, const char *rundir,
			  struct error *err)
{
	static const struct tables_ops tables_ops = { .removed = bridge_rule_removed,
						      .changed = tables_changed };
	static const struct ofconns_ops conns_ops = { .message = bridge_message,
						      .changed = conns_changed,
						      .barrier = bridge_barrier };
	struct bridge *br = xzalloc(sizeof(*br));

	br->be = be;
	br->id = ++be->next_bridge_id;
	br->name = xstrdup(cfg->name);
	CDS_INIT_LIST_HEAD(&br->ports);
	CDS_INIT_LIST_HEAD(&br->bundles);
	CDS_INIT_LIST_HEAD(&br->removed_new);
	CDS_INIT_LIST_HEAD(&br->removed_wait);
	lock_init(&br->removed_lock);
	/* Until the local port gives its address: a random one, locally administered. */
	br->datapath_id = (random_u64() & 0xfeffffffffffull) | 0x020000000000ull;
	br->tables = tables_new(&tables_ops, br);
	br->macs = mac_table_new();
	br->conns = ofconns_new(be->loop, cfg->name, &conns_ops, br);
	cds_list_add_tail(&br->node, &be->bridges);
	if (ofconns_open_sockets(br->conns, rundir, err)) {
		error_wrap(err, "bridge %s", cfg->name);
		bridge_free(br);
		return NULL;
	}
	bridge_configure(br, cfg);
	log_info("bridge %s: created, datapath ID %016llx", br->name,
		 (unsigned long long)br->datapath_id);
	return br;
}

static void destroy(void *arg)
{
	struct bridge *br = arg;

	bridge_drop_removed(br);
	tables_flush(br->tables, false);
	bridge_drop_removed(br);
	tables_free(br->tables);
	mac_table_free(br->macs);
	lock_done(&br->removed_lock);
	free(br->name);
	free(br->dp_desc);
	free(br->serial);
	free(br);
}

void bridge_free(struct bridge *br)
{
	struct backend *be;

	if (!br)
		return;
	be = br->be;
	br->going = true;
	bridge_sflow_configure(br, NULL);
	ofconns_free(br->conns);
	br->conns = NULL;
	cds_list_del(&br->node);
	backend_mark(be);
	backend_publish(be);
	/* No megaflow names the tables after this; what handlers are at has been handed over.  One
	 * that is left alone goes with the backend, before destroy() runs. */
	if (!be->leaving && !flows_sync(be->flows, SYNC_MS))
		log_warn("bridge %s: megaflows have not gone in %d ms: a device does not answer",
			 br->name, SYNC_MS);
	bridge_meters_free(br);
	bridge_ports_free(br);
	bridge_bundles_free(br);
	loop_post(be->loop, destroy, br); /* behind the events that are posted already */
}

const char *bridge_name(const struct bridge *br)
{
	return br->name;
}

uint64_t bridge_id(const struct bridge *br)
{
	return br->id;
}

uint64_t bridge_datapath_id(const struct bridge *br)
{
	return br->datapath_id;
}

struct backend *bridge_backend(const struct bridge *br)
{
	return br->be;
}

struct ofconns *bridge_conns(const struct bridge *br)
{
	return br->conns;
}

struct ofp_tables *bridge_tables(const struct bridge *br)
{
	return br->tables;
}

struct mac_table *bridge_macs(const struct bridge *br)
{
	return br->macs;
}

bool bridge_failing_open(const struct bridge *br)
{
	return br->failing_open;
}
