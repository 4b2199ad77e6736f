/* SPDX-License-Identifier: Apache-2.0 */
/* From the database to bridges.  A pass compares everything that is wanted with everything there
 * is, takes away before it adds (a port may have moved from one bridge to another), and ends by
 * saying which configuration is in force. */
#include "switchd/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/counter.h"
#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "core/io/daemon.h"
#include "switchd/placement.h"
#include "switchd/schema.h"

LOG_MODULE("config");

COUNTER_DEFINE(bridge_reconfigure);

#define CONTROLLERS_MAX 64
#define ADOPT_WAIT_MS 60000

struct sw_bridge *switchd_bridge(struct switchd *sw, const char *name)
{
	struct sw_bridge *b;

	cds_list_for_each_entry (b, &sw->bridges, node)
		if (!strcmp(b->name, name))
			return b;
	return NULL;
}

/* The empty type is what the machine has. */
static const char *datapath_type_of(struct switchd *sw, const struct db_row *row)
{
	const char *type = db_get_string(row, sw->schema->br_datapath_type, "");
	const struct dp_ops *ops = dp_type_find(type);

	return ops ? ops->type : type;
}

static const struct db_row *root_row(struct switchd *sw)
{
	return db_row_first(sw->schema->root);
}

/* --- backends --- */

static void flows_config(struct switchd *sw, struct flows_config *c)
{
	const struct db_row *root = root_row(sw);
	const struct db_column *oc = sw->schema->root_other_config;

	flows_config_default(c);
	if (!root)
		return;
	c->n_handlers =
		(unsigned)MAX(db_get_map_integer(root, oc, "n-handler-threads", c->n_handlers), 1);
	c->flow_limit = (uint32_t)MAX(db_get_map_integer(root, oc, "flow-limit", c->flow_limit), 0);
	c->max_idle_ms =
		(uint32_t)MAX(db_get_map_integer(root, oc, "max-idle", c->max_idle_ms), 500);
	c->max_revalidator_ms = (uint32_t)MAX(
		db_get_map_integer(root, oc, "max-revalidator", c->max_revalidator_ms), 100);
	c->paused = !sw->restored;
}

static void backend_settings(struct switchd *sw, struct backend_config *c)
{
	const struct db_row *root = root_row(sw);
	int64_t wait = ADOPT_WAIT_MS;

	if (root)
		wait = db_get_map_integer(root, sw->schema->root_other_config, "adopt-wait", wait);
	*c = (struct backend_config){ .restore_wait = !sw->restored,
				      .adopt_wait_ms = (uint32_t)MIN(MAX(wait, 0), UINT32_MAX) };
}

/* Set before the start and deleted when the tables have been restored; later it means nothing
 * (ovs-vswitchd.conf.db(5)). */
static void look_for_restore(struct switchd *sw)
{
	const struct db_row *root = root_row(sw);

	sw->restored |= !root || !db_get_map_boolean(root, sw->schema->root_other_config,
						     "flow-restore-wait", false);
}

int sw_tc_policy(const struct db_row *row, const struct db_column *c, const char *what)
{
	const char *text = db_get_map_string(row, c, "tc-policy", NULL);
	int policy = text ? offload_policy_parse(text) : -1;

	if (text && policy < 0)
		log_warn_rl("%s: other_config:tc-policy: \"%.40s\" is not one of none, skip_sw and "
			    "skip_hw: it is left out of account",
			    what, text);
	return policy;
}

static void engine_settings(struct switchd *sw, struct engine_config *c)
{
	const struct db_row *root = root_row(sw);

	engine_config_default(c);
	if (!root)
		return;
	c->hw_offload = db_get_map_boolean(root, sw->schema->root_other_config, "hw-offload", true);
	c->policy = (enum offload_policy)MAX(
		sw_tc_policy(root, sw->schema->root_other_config, "Open_vSwitch"), 0);
	sw_placement_switch(root, sw->schema->root_other_config, c);
}

static void datapath_settings(struct switchd *sw, struct dp_config *c)
{
	const struct db_row *root = root_row(sw);
	const struct db_column *oc = sw->schema->root_other_config;

	*c = (struct dp_config){ 0 };
	if (!root)
		return;
	c->n_workers = (unsigned)MIN(MAX(db_get_map_integer(root, oc, "n-worker-threads", 1), 1),
				     UINT32_MAX);
	c->flow_limit = (uint64_t)MAX(db_get_map_integer(root, oc, "flow-limit", 0), 0);
}

/* Only when something changed, so that what cannot be done is said once. */
static void configure_datapath(struct sw_backend *b, const struct dp_config *c)
{
	struct dp *dp = backend_dp(b->be);
	struct error err = ERROR_INIT;
	char text[400];

	if (!dp->ops->configure ||
	    (c->n_workers == b->dp_cfg.n_workers && c->flow_limit == b->dp_cfg.flow_limit &&
	     c->settled == b->dp_cfg.settled))
		return;
	b->dp_cfg = *c;
	if (dp->ops->configure(dp, c, &err))
		log_warn("other_config: %s", error_text(&err, text, sizeof(text)));
}

/* Only where flows outlive the process is there anything to go on with. */
static void keep(struct sw_backend *b)
{
	char *path;

	if (strcmp(b->type, "system"))
		return;
	path = dir_file(dir_run(), "shuntd.system.kept");
	backend_keep(b->be, path);
	free(path);
}

static struct backend *backend_for(struct switchd *sw, const char *type, struct error *err)
{
	struct backend_config bc;
	struct engine_config ec;
	struct flows_config fc;
	struct dp_config dc;
	struct sw_backend *b;

	cds_list_for_each_entry (b, &sw->backends, node)
		if (!strcmp(b->type, type))
			return b->be;
	flows_config(sw, &fc);
	b = xzalloc(sizeof(*b));
	b->be = backend_new(sw->loop, type, &fc, err);
	if (!b->be) {
		free(b);
		return NULL;
	}
	b->type = xstrdup(type);
	keep(b);
	cds_list_add_tail(&b->node, &sw->backends);
	engine_settings(sw, &ec);
	engine_configure(flows_engine(backend_flows(b->be)), &ec);
	datapath_settings(sw, &dc);
	configure_datapath(b, &dc);
	backend_settings(sw, &bc);
	backend_configure(b->be, &bc);
	backend_on_change(b->be, switchd_status_soon, sw);
	return b->be;
}

static void configure_backends(struct switchd *sw)
{
	struct backend_config bc;
	struct engine_config ec;
	struct flows_config fc;
	struct error err = ERROR_INIT;
	struct dp_config dc;
	struct sw_backend *b;
	char text[400];

	flows_config(sw, &fc);
	engine_settings(sw, &ec);
	datapath_settings(sw, &dc);
	backend_settings(sw, &bc);
	cds_list_for_each_entry (b, &sw->backends, node) {
		backend_configure(b->be, &bc);
		engine_configure(flows_engine(backend_flows(b->be)), &ec);
		dc.settled = b->dp_cfg.settled;
		configure_datapath(b, &dc);
		if (flows_configure(backend_flows(b->be), &fc, &err))
			log_warn("other_config: %s", error_text(&err, text, sizeof(text)));
	}
}

struct backend *switchd_backend_next(struct switchd *sw, struct backend *prev)
{
	struct sw_backend *b;
	bool take = !prev;

	cds_list_for_each_entry (b, &sw->backends, node) {
		if (take)
			return b->be;
		take = b->be == prev;
	}
	return NULL;
}

/* --- one bridge's settings --- */

static uint32_t versions_of(struct switchd *sw, const struct db_row *row)
{
	const struct db_column *c = sw->schema->br_protocols;
	uint32_t bits = 0;

	for (size_t i = 0; i < db_get_n(row, c); i++) {
		const char *p = db_get_string_at(row, c, i);

		if (!strcmp(p, "OpenFlow10"))
			bits |= OFP_VERSION_BIT(OFP10);
		else if (!strcmp(p, "OpenFlow13"))
			bits |= OFP_VERSION_BIT(OFP13);
		else
			log_warn_rl("bridge %s: protocols: %s is not spoken here: OpenFlow10 and "
				    "OpenFlow13 are",
				    db_get_string(row, sw->schema->br_name, ""), p);
	}
	return bits;
}

static size_t controllers_of(struct switchd *sw, const struct db_row *row,
			     struct ofcontroller_config *out)
{
	const struct schema *s = sw->schema;
	size_t n = 0;

	for (size_t i = 0; i < db_get_n(row, s->br_controller) && n < CONTROLLERS_MAX; i++) {
		const struct db_row *c = db_get_ref(row, s->br_controller, i);

		if (!c)
			continue;
		out[n++] = (struct ofcontroller_config){
			.target = db_get_string(c, s->ctl_target, ""),
			.max_backoff_ms =
				(uint32_t)MAX(db_get_integer(c, s->ctl_max_backoff, 8000), 1000),
			.inactivity_probe_ms =
				(uint32_t)MAX(db_get_integer(c, s->ctl_inactivity_probe, 5000), 0),
			.service = !strcmp(db_get_string(c, s->ctl_type, "primary"), "service"),
		};
	}
	return n;
}

static void configure_bridge(struct switchd *sw, struct sw_bridge *b, const struct db_row *row)
{
	const struct schema *s = sw->schema;
	struct ofcontroller_config controllers[CONTROLLERS_MAX];
	uint64_t flood_vlans[VLAN_BITMAP_WORDS];
	struct bridge_config cfg = {
		.name = b->name,
		.datapath_id = strtoull(
			db_get_map_string(row, s->br_other_config, "datapath-id", "0"), NULL, 16),
		.secure = !strcmp(db_get_string(row, s->br_fail_mode, ""), "secure"),
		.versions = versions_of(sw, row),
		.forward_bpdu = db_get_map_boolean(row, s->br_other_config, "forward-bpdu", false),
		.flood_vlans = sw_vlans(row, s->br_flood_vlans, flood_vlans),
		.mac_table_size = (uint32_t)MAX(
			db_get_map_integer(row, s->br_other_config, "mac-table-size", 0), 0),
		.mac_aging_s = (uint32_t)MAX(
			db_get_map_integer(row, s->br_other_config, "mac-aging-time", 0), 0),
		.dp_desc = db_get_map_string(row, s->br_other_config, "dp-desc", ""),
		.serial = db_get_map_string(row, s->br_other_config, "dp-sn", ""),
		.controllers = controllers,
		.n_controllers = controllers_of(sw, row, controllers),
	};
	struct error err = ERROR_INIT;
	struct sw_sflow sflow;
	struct backend *be;
	char text[400];

	if (sw_sflow(s, row, &sflow))
		cfg.sflow = &sflow.cfg;
	sw_placement_pins(row, s->br_other_config, b->name, root_row(sw), s->root_other_config,
			  &cfg.pins);
	if (b->br) {
		bridge_configure(b->br, &cfg);
		return;
	}
	be = backend_for(sw, b->datapath_type, &err);
	if (be)
		b->br = bridge_new(be, &cfg, dir_run(), &err);
	if (!b->br)
		log_err("bridge %s: %s", b->name, error_text(&err, text, sizeof(text)));
	snprintf(b->error, sizeof(b->error), "%s",
		 b->br ? "" : error_text(&err, text, sizeof(text)));
}

/* --- the pass --- */

static void bridge_drop(struct sw_bridge *b)
{
	cds_list_del(&b->node);
	sw_ports_free(b);
	bridge_free(b->br);
	free(b->name);
	free(b->datapath_type);
	free(b);
}

static struct sw_bridge *bridge_add(struct switchd *sw, const char *name, const char *type)
{
	struct sw_bridge *b = xzalloc(sizeof(*b));

	b->sw = sw;
	b->name = xstrdup(name);
	b->datapath_type = xstrdup(type);
	CDS_INIT_LIST_HEAD(&b->ports);
	cds_list_add_tail(&b->node, &sw->bridges);
	return b;
}

/* Takes away what is not wanted any more; a bridge of another datapath type is another bridge. */
static void drop_unwanted(struct switchd *sw, const struct db_row *root)
{
	const struct schema *s = sw->schema;
	struct sw_bridge *b, *next;

	cds_list_for_each_entry (b, &sw->bridges, node)
		b->wanted = false;
	for (size_t i = 0; root && i < db_get_n(root, s->root_bridges); i++) {
		const struct db_row *row = db_get_ref(root, s->root_bridges, i);

		b = row ? switchd_bridge(sw, db_get_string(row, s->br_name, "")) : NULL;
		if (b && !strcmp(b->datapath_type, datapath_type_of(sw, row))) {
			b->wanted = true;
			sw_ports_drop_unwanted(b, row);
		}
	}
	cds_list_for_each_entry_safe (b, next, &sw->bridges, node)
		if (!b->wanted)
			bridge_drop(b);
}

static void add_wanted(struct switchd *sw, const struct db_row *root)
{
	const struct schema *s = sw->schema;

	for (size_t i = 0; root && i < db_get_n(root, s->root_bridges); i++) {
		const struct db_row *row = db_get_ref(root, s->root_bridges, i);
		struct sw_bridge *b;

		if (!row)
			continue;
		b = switchd_bridge(sw, db_get_string(row, s->br_name, ""));
		if (!b)
			b = bridge_add(sw, db_get_string(row, s->br_name, ""),
				       datapath_type_of(sw, row));
		configure_bridge(sw, b, row);
		if (b->br)
			sw_ports_configure(b, row);
	}
}

static void write_back(struct switchd *sw)
{
	struct db_txn *txn = db_txn_new(sw->db, sw);
	const struct db_row *root = root_row(sw);
	struct error err = ERROR_INIT;
	char text[400];

	switchd_write_status(sw, txn);
	switchd_managers_pass(sw, txn);
	if (root)
		db_txn_set_integer(txn, root, sw->schema->root_cur_cfg,
				   db_get_integer(root, sw->schema->root_next_cfg, 0));
	if (db_txn_commit(txn, &err) < 0)
		log_err("cannot write status to the database: %s",
			error_text(&err, text, sizeof(text)));
}

/* The first pass has added every port that is wanted. */
static void settle(struct sw_backend *b)
{
	struct dp_config c = b->dp_cfg;

	c.settled = true;
	configure_datapath(b, &c);
}

static void begin(struct sw_backend *b)
{
	int rc = backend_begin(b->be);

	if (rc)
		log_warn("datapath %s: cannot read what a former process left: %s", b->type,
			 strerror(-rc));
}

void switchd_pass(struct switchd *sw)
{
	const struct db_row *root = root_row(sw);
	struct sw_backend *b;

	sw->pass_due = false;
	counter_inc(bridge_reconfigure);
	look_for_restore(sw);
	configure_backends(sw);
	drop_unwanted(sw, root);
	add_wanted(sw, root);
	cds_list_for_each_entry (b, &sw->backends, node) {
		sw_ct_zones_configure(sw, b->be, b->type);
		backend_publish(b->be);
		begin(b);
		settle(b);
	}
	write_back(sw);
}

static void pass_deferred(void *arg)
{
	switchd_pass(arg);
}

void switchd_reconfigure(struct switchd *sw)
{
	if (sw->pass_due)
		return;
	sw->pass_due = true;
	loop_defer(sw->loop, pass_deferred, sw);
}

void switchd_remove_bridges(struct switchd *sw)
{
	struct sw_bridge *b, *next;
	struct sw_backend *be, *next_be;

	loop_defer_cancel(sw->loop, pass_deferred, sw);
	cds_list_for_each_entry (be, &sw->backends, node)
		if (!sw->exit_cleanup)
			backend_leave(be->be);
	cds_list_for_each_entry_safe (b, next, &sw->bridges, node)
		bridge_drop(b);
	cds_list_for_each_entry_safe (be, next_be, &sw->backends, node) {
		cds_list_del(&be->node);
		backend_free(be->be, !sw->exit_cleanup);
		free(be->type);
		free(be);
	}
}
