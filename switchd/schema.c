/* SPDX-License-Identifier: Apache-2.0 */
#include "switchd/schema.h"

#include <errno.h>
#include <stdlib.h>

#include "core/base/xalloc.h"

#define WANT(PREFIX, NAME)                                                                         \
	{                                                                                          \
#NAME, &s->PREFIX##_##NAME                                                         \
	}
#define RESOLVE(TABLE, ...)                                                                        \
	do {                                                                                       \
		const struct db_column_want wants[] = { __VA_ARGS__ };                             \
		(void)db_columns_resolve(TABLE, wants, ARRAY_SIZE(wants));                         \
	} while (0)

static void resolve_columns(struct schema *s)
{
	RESOLVE(s->root, WANT(root, bridges), WANT(root, next_cfg), WANT(root, cur_cfg),
		WANT(root, other_config), WANT(root, ovs_version), WANT(root, db_version),
		WANT(root, datapath_types), WANT(root, iface_types), WANT(root, system_type),
		WANT(root, system_version), WANT(root, external_ids), WANT(root, manager_options),
		WANT(root, ssl), WANT(root, datapaths));
	RESOLVE(s->bridge, WANT(br, name), WANT(br, ports), WANT(br, datapath_type),
		WANT(br, controller), WANT(br, fail_mode), WANT(br, protocols),
		WANT(br, other_config), WANT(br, datapath_id), WANT(br, status),
		WANT(br, external_ids), WANT(br, flood_vlans), WANT(br, sflow));
	RESOLVE(s->port, WANT(port, name), WANT(port, interfaces), WANT(port, tag),
		WANT(port, trunks), WANT(port, vlan_mode), WANT(port, cvlans),
		WANT(port, other_config), WANT(port, protected));
	RESOLVE(s->iface, WANT(if, name), WANT(if, type), WANT(if, options), WANT(if, mac),
		WANT(if, mtu_request), WANT(if, ofport_request), WANT(if, other_config),
		WANT(if, ofport), WANT(if, error), WANT(if, admin_state), WANT(if, link_state),
		WANT(if, link_speed), WANT(if, duplex), WANT(if, mtu), WANT(if, mac_in_use),
		WANT(if, ifindex), WANT(if, statistics), WANT(if, status), WANT(if, link_resets),
		WANT(if, external_ids));
	RESOLVE(s->controller, WANT(ctl, target), WANT(ctl, max_backoff),
		WANT(ctl, inactivity_probe), WANT(ctl, is_connected), WANT(ctl, role),
		WANT(ctl, status), WANT(ctl, connection_mode), WANT(ctl, type));
	if (s->manager)
		RESOLVE(s->manager, WANT(mgr, target), WANT(mgr, status));
	if (s->datapath && s->ct_zone && s->ct_policy) {
		RESOLVE(s->datapath, WANT(dp, ct_zones), WANT(dp, capabilities));
		RESOLVE(s->ct_zone, WANT(zone, timeout_policy));
		RESOLVE(s->ct_policy, WANT(policy, timeouts));
	}
	if (s->sflow)
		RESOLVE(s->sflow, WANT(sflow, agent), WANT(sflow, targets), WANT(sflow, sampling),
			WANT(sflow, header), WANT(sflow, polling));
	if (s->ssl)
		RESOLVE(s->ssl, WANT(ssl, private_key), WANT(ssl, certificate), WANT(ssl, ca_cert));
}

struct schema *schema_new(struct db *db, struct error *err)
{
	struct schema *s = xzalloc(sizeof(*s));

	s->root = db_table(db, "Open_vSwitch");
	s->bridge = db_table(db, "Bridge");
	s->port = db_table(db, "Port");
	s->iface = db_table(db, "Interface");
	s->controller = db_table(db, "Controller");
	s->manager = db_table(db, "Manager");
	s->ssl = db_table(db, "SSL");
	s->datapath = db_table(db, "Datapath");
	s->ct_zone = db_table(db, "CT_Zone");
	s->ct_policy = db_table(db, "CT_Timeout_Policy");
	s->sflow = db_table(db, "sFlow");
	if (!s->root || !s->bridge || !s->port || !s->iface || !s->controller) {
		free(s);
		error_set(err, EINVAL, "schema", "the database lacks a table of Open_vSwitch");
		return NULL;
	}
	resolve_columns(s);
	return s;
}
