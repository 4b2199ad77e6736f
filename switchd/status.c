/* SPDX-License-Identifier: Apache-2.0 */
/* What is, written into the database: ports' numbers, errors, links and counters; controllers;
 * versions.  Writing a value that is there already is no change (view.h), so everything is simply
 * written. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "core/base/log.h"
#include "core/datapath/kernel/dp_kernel.h"
#include "dbserver/data/datum.h"
#include "switchd/config.h"
#include "switchd/schema.h"

LOG_MODULE("status");

static void set_optional_integer(struct db_txn *txn, const struct db_row *row,
				 const struct db_column *c, bool known, int64_t value)
{
	if (known)
		db_txn_set_integer(txn, row, c, value);
	else
		db_txn_clear(txn, row, c);
}

static void write_statistics(const struct schema *s, struct db_txn *txn, const struct db_row *row,
			     const struct port_stats *st)
{
	const struct {
		const char *name;
		uint64_t value;
	} stats[] = {
		{ "collisions", st->collisions },   { "rx_bytes", st->rx_bytes },
		{ "rx_crc_err", st->rx_crc_err },   { "rx_dropped", st->rx_dropped },
		{ "rx_errors", st->rx_errors },     { "rx_frame_err", st->rx_frame_err },
		{ "rx_over_err", st->rx_over_err }, { "rx_packets", st->rx_packets },
		{ "tx_bytes", st->tx_bytes },       { "tx_dropped", st->tx_dropped },
		{ "tx_errors", st->tx_errors },     { "tx_packets", st->tx_packets },
	};

	struct datum_builder b;

	if (!s->if_statistics)
		return;
	datum_builder_init(&b, &s->if_statistics->type);
	for (size_t i = 0; i < ARRAY_SIZE(stats); i++)
		datum_builder_put_integer(&b, stats[i].name, (int64_t)stats[i].value);
	db_txn_set(txn, row, s->if_statistics, datum_builder_finish(&b));
}

static void write_link(const struct schema *s, struct db_txn *txn, const struct db_row *row,
		       const struct bridge_port_info *info)
{
	const struct port_state *st = &info->state;
	char mac[18];

	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", st->mac.b[0], st->mac.b[1],
		 st->mac.b[2], st->mac.b[3], st->mac.b[4], st->mac.b[5]);
	db_txn_set_string(txn, row, s->if_admin_state, st->admin_up ? "up" : "down");
	db_txn_set_string(txn, row, s->if_link_state, st->admin_up && st->carrier ? "up" : "down");
	set_optional_integer(txn, row, s->if_link_speed, st->speed_bps, (int64_t)st->speed_bps);
	db_txn_set_string(txn, row, s->if_duplex,
			  !st->speed_bps    ? NULL
			  : st->full_duplex ? "full"
					    : "half");
	set_optional_integer(txn, row, s->if_mtu, st->mtu, st->mtu);
	db_txn_set_string(txn, row, s->if_mac_in_use, mac);
	set_optional_integer(txn, row, s->if_ifindex, st->ifindex, st->ifindex);
	set_optional_integer(txn, row, s->if_link_resets, true, st->link_resets);
	db_txn_set_map_item(txn, row, s->if_status, "driver_name", *st->driver ? st->driver : NULL);
	db_txn_set_map_item(txn, row, s->if_status, "offload_error", info->offload_error);
	write_statistics(s, txn, row, &info->stats);
}

/* The device that it leaves by; *mtu gets what goes through. */
static void write_tunnel(struct switchd *sw, struct db_txn *txn, const struct db_row *row,
			 const struct tunnel_conf *c, uint32_t *mtu)
{
	const struct schema *s = sw->schema;
	struct tunnel_status st;

	switchd_tunnel_status(sw, c, &st);
	*mtu = st.mtu;
	db_txn_set_map_item(txn, row, s->if_status, "tunnel_egress_iface",
			    *st.egress ? st.egress : NULL);
	db_txn_set_map_item(txn, row, s->if_status, "tunnel_egress_iface_carrier",
			    !*st.egress  ? NULL
			    : st.carrier ? "up"
					 : "down");
}

static void clear_link(const struct schema *s, struct db_txn *txn, const struct db_row *row)
{
	const struct db_column *const columns[] = {
		s->if_admin_state, s->if_link_state,  s->if_link_speed, s->if_duplex,
		s->if_mtu,         s->if_mac_in_use,  s->if_ifindex,    s->if_status,
		s->if_statistics,  s->if_link_resets,
	};

	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		db_txn_clear(txn, row, columns[i]);
}

static void write_iface(struct sw_bridge *b, const struct sw_iface *i, struct db_txn *txn)
{
	const struct schema *s = b->sw->schema;
	const struct db_row *row = db_row_find_string(s->iface, s->if_name, i->name);
	struct bridge_port_info info;

	if (!row)
		return;
	if (!*i->error && b->br && !bridge_port_info(b->br, i->name, &info)) {
		db_txn_set_integer(txn, row, s->if_ofport, info.ofp.v & 0xffff);
		db_txn_clear(txn, row, s->if_error);
		if (info.tunnel)
			write_tunnel(b->sw, txn, row, info.tunnel, &info.state.mtu);
		write_link(s, txn, row, &info);
		return;
	}
	db_txn_set_integer(txn, row, s->if_ofport, -1);
	db_txn_set_string(txn, row, s->if_error, *i->error ? i->error : b->error);
	clear_link(s, txn, row);
}

/* A bridge that could not be made says so in the rows of its interfaces. */
static void write_unmade(struct sw_bridge *b, const struct db_row *row, struct db_txn *txn)
{
	const struct schema *s = b->sw->schema;

	for (size_t i = 0; i < db_get_n(row, s->br_ports); i++) {
		const struct db_row *port = db_get_ref(row, s->br_ports, i);

		for (size_t j = 0; port && j < db_get_n(port, s->port_interfaces); j++) {
			const struct db_row *iface = db_get_ref(port, s->port_interfaces, j);

			if (!iface)
				continue;
			db_txn_set_integer(txn, iface, s->if_ofport, -1);
			db_txn_set_string(txn, iface, s->if_error, b->error);
			clear_link(s, txn, iface);
		}
	}
}

static const char *role_name(enum ofp_role role)
{
	switch (role) {
	case OFPCR_MASTER_: return "master";
	case OFPCR_SLAVE_: return "slave";
	case OFPCR_EQUAL_: return "other";
	case OFPCR_NOCHANGE_: return NULL;
	}
	return NULL;
}

static void set_seconds(struct db_txn *txn, const struct db_row *row, const struct db_column *c,
			const char *key, uint64_t s)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, s);
	db_txn_set_map_item(txn, row, c, key, s == UINT64_MAX ? NULL : text);
}

static void write_controllers(struct sw_bridge *b, const struct db_row *row, struct db_txn *txn)
{
	const struct schema *s = b->sw->schema;
	struct ofcontroller_status st[64];
	size_t n =
		MIN(ofconns_controllers(bridge_conns(b->br), st, ARRAY_SIZE(st)), ARRAY_SIZE(st));

	for (size_t i = 0; i < db_get_n(row, s->br_controller); i++) {
		const struct db_row *c = db_get_ref(row, s->br_controller, i);

		for (size_t j = 0; c && j < n; j++) {
			if (strcmp(st[j].target, db_get_string(c, s->ctl_target, "")))
				continue;
			db_txn_set_boolean(txn, c, s->ctl_is_connected, st[j].connected);
			db_txn_set_string(txn, c, s->ctl_role, role_name(st[j].role));
			db_txn_set_map_item(txn, c, s->ctl_status, "state", st[j].state);
			db_txn_set_map_item(txn, c, s->ctl_status, "last_error",
					    *st[j].last_error ? st[j].last_error : NULL);
			set_seconds(txn, c, s->ctl_status, "sec_since_connect",
				    st[j].since_connect_s);
			set_seconds(txn, c, s->ctl_status, "sec_since_disconnect",
				    st[j].since_disconnect_s);
		}
	}
}

static void write_bridge(struct sw_bridge *b, struct db_txn *txn)
{
	const struct schema *s = b->sw->schema;
	const struct db_row *row = db_row_find_string(s->bridge, s->br_name, b->name);
	struct sw_port *p;
	char dpid[17];

	if (!row)
		return;
	if (!b->br) {
		write_unmade(b, row, txn);
		return;
	}
	snprintf(dpid, sizeof(dpid), "%016" PRIx64, bridge_datapath_id(b->br));
	db_txn_set_string(txn, row, s->br_datapath_id, dpid);
	cds_list_for_each_entry (p, &b->ports, node)
		for (size_t i = 0; i < p->n_ifaces; i++)
			write_iface(b, &p->ifaces[i], txn);
	write_controllers(b, row, txn);
	db_txn_set_map_item(txn, row, s->br_status, "sflow_error", bridge_sflow_error(b->br));
}

static void set_strings(struct db_txn *txn, const struct db_row *row, const struct db_column *c,
			const char *const values[], size_t n)
{
	struct datum_builder b;

	if (!c)
		return;
	datum_builder_init(&b, &c->type);
	for (size_t i = 0; i < n; i++)
		datum_builder_add_string(&b, values[i]);
	db_txn_set(txn, row, c, datum_builder_finish(&b));
}

static void write_root(struct switchd *sw, const struct db_row *root, struct db_txn *txn)
{
	static const char *const datapaths[] = { "netdev", "system" };
	const struct schema *s = sw->schema;
	struct utsname un;

	db_txn_set_string(txn, root, s->root_ovs_version, PACKAGE_VERSION);
	db_txn_set_string(txn, root, s->root_db_version, sw->db->schema->version);
	set_strings(txn, root, s->root_datapath_types, datapaths, dp_kernel_there() ? 2 : 1);
	set_strings(txn, root, s->root_iface_types, bridge_port_types,
		    ARRAY_SIZE(bridge_port_types));
	if (!uname(&un)) {
		db_txn_set_string(txn, root, s->root_system_type, un.sysname);
		db_txn_set_string(txn, root, s->root_system_version, un.release);
	}
}

static void put_capability(const char *key, const char *value, void *arg)
{
	datum_builder_put_string(arg, key, value);
}

static void put_capabilities(const struct dp_features *f, struct datum_builder *b)
{
	dp_features_visit(f, put_capability, b);
	put_capability("ct_flush", "false", b); /* an OpenFlow message that we do not speak */
}

/* Of the rows that somebody has made (ovs-vsctl add-zone-tp wants them); a datapath that no bridge
 * is in has not been asked what it can do. */
static void write_capabilities(const struct switchd *sw, const struct db_row *root,
			       struct db_txn *txn)
{
	const struct schema *s = sw->schema;
	const struct sw_backend *b;

	for (size_t i = 0; s->dp_capabilities && i < db_get_n(root, s->root_datapaths); i++) {
		const struct db_row *row = db_get_ref(root, s->root_datapaths, i);
		struct datum_builder caps;

		if (!row)
			continue;
		datum_builder_init(&caps, &s->dp_capabilities->type);
		cds_list_for_each_entry (b, &sw->backends, node)
			if (!strcmp(b->type, db_get_string_at(root, s->root_datapaths, i)))
				put_capabilities(&backend_dp(b->be)->features, &caps);
		db_txn_set(txn, row, s->dp_capabilities, datum_builder_finish(&caps));
	}
}

void switchd_write_status(struct switchd *sw, struct db_txn *txn)
{
	const struct db_row *root = db_row_first(sw->schema->root);
	struct sw_bridge *b;

	if (root) {
		write_root(sw, root, txn);
		write_capabilities(sw, root, txn);
	}
	cds_list_for_each_entry (b, &sw->bridges, node)
		write_bridge(b, txn);
}

void switchd_status_pass(struct switchd *sw)
{
	struct db_txn *txn = db_txn_new(sw->db, sw);
	struct error err = ERROR_INIT;
	char text[400];

	switchd_write_status(sw, txn);
	if (db_txn_commit(txn, &err) < 0)
		log_err_rl("cannot write status to the database: %s",
			   error_text(&err, text, sizeof(text)));
}
