/* SPDX-License-Identifier: Apache-2.0 */
/* Handles of the tables and columns of Open_vSwitch that the switch reads and writes; NULL where an
 * older schema lacks one (view.h). */
#pragma once

#include "dbserver/engine/view.h"

struct schema {
	struct db_table *root, *bridge, *port, *iface, *controller, *manager, *ssl, *datapath,
		*ct_zone, *ct_policy, *sflow;

	const struct db_column *root_bridges, *root_next_cfg, *root_cur_cfg, *root_other_config,
		*root_ovs_version, *root_db_version, *root_datapath_types, *root_iface_types,
		*root_system_type, *root_system_version, *root_external_ids, *root_manager_options,
		*root_ssl, *root_datapaths;
	const struct db_column *br_name, *br_ports, *br_datapath_type, *br_controller,
		*br_fail_mode, *br_protocols, *br_other_config, *br_datapath_id, *br_status,
		*br_external_ids, *br_flood_vlans, *br_sflow;
	const struct db_column *port_name, *port_interfaces, *port_tag, *port_trunks,
		*port_vlan_mode, *port_cvlans, *port_other_config, *port_protected;
	const struct db_column *if_name, *if_type, *if_options, *if_mac, *if_mtu_request,
		*if_ofport_request, *if_other_config, *if_ofport, *if_error, *if_admin_state,
		*if_link_state, *if_link_speed, *if_duplex, *if_mtu, *if_mac_in_use, *if_ifindex,
		*if_statistics, *if_status, *if_link_resets, *if_external_ids;
	const struct db_column *ctl_target, *ctl_max_backoff, *ctl_inactivity_probe,
		*ctl_is_connected, *ctl_role, *ctl_status, *ctl_connection_mode, *ctl_type;
	const struct db_column *mgr_target, *mgr_status;
	const struct db_column *ssl_private_key, *ssl_certificate, *ssl_ca_cert;
	const struct db_column *sflow_agent, *sflow_targets, *sflow_sampling, *sflow_header,
		*sflow_polling;
	const struct db_column *dp_ct_zones, *dp_capabilities, *zone_timeout_policy,
		*policy_timeouts;
};

/* NULL and *err when a table is missing: not the switch's database at all. */
struct schema *schema_new(struct db *db, struct error *err);
