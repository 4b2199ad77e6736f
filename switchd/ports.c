/* SPDX-License-Identifier: Apache-2.0 */
/* A bridge's Ports and Interfaces, from rows to the bridge layer. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "switchd/config.h"
#include "switchd/placement.h"
#include "switchd/schema.h"

LOG_MODULE("config_ports");

#define OPTIONS_MAX 64
#define TAP_MTU_MAX (65535u - 14u) /* a frame's length has 16 bits there */
#define OFFLOAD_TEXT_MAX 256

bool sw_iface_is_device(const char *type)
{
	return !*type || !strcmp(type, "system");
}

static struct sw_port *port_find(struct sw_bridge *b, const char *name)
{
	struct sw_port *p;

	cds_list_for_each_entry (p, &b->ports, node)
		if (!strcmp(p->name, name))
			return p;
	return NULL;
}

struct sw_iface *sw_iface_find(struct sw_bridge *b, const char *name)
{
	struct sw_port *p;

	cds_list_for_each_entry (p, &b->ports, node)
		for (size_t i = 0; i < p->n_ifaces; i++)
			if (!strcmp(p->ifaces[i].name, name))
				return &p->ifaces[i];
	return NULL;
}

static void ifaces_free(struct sw_port *p)
{
	for (size_t i = 0; i < p->n_ifaces; i++) {
		free(p->ifaces[i].name);
		free(p->ifaces[i].type);
	}
	free(p->ifaces);
	p->ifaces = NULL;
	p->n_ifaces = 0;
}

static void port_drop(struct sw_bridge *b, struct sw_port *p)
{
	cds_list_del(&p->node);
	if (b->br) {
		for (size_t i = 0; i < p->n_ifaces; i++)
			bridge_port_del(b->br, p->ifaces[i].name);
		bridge_bundle_del(b->br, p->name);
	}
	ifaces_free(p);
	free(p->name);
	free(p);
}

void sw_ports_free(struct sw_bridge *b)
{
	struct sw_port *p, *next;

	cds_list_for_each_entry_safe (p, next, &b->ports, node) {
		cds_list_del(&p->node); /* the bridge layer takes its own down with the bridge */
		ifaces_free(p);
		free(p->name);
		free(p);
	}
}

/* --- going --- */

static const struct db_row *row_of_port(struct sw_bridge *b, const struct db_row *row,
					const char *name)
{
	const struct schema *s = b->sw->schema;

	for (size_t i = 0; i < db_get_n(row, s->br_ports); i++) {
		const struct db_row *port = db_get_ref(row, s->br_ports, i);

		if (port && !strcmp(db_get_string(port, s->port_name, ""), name))
			return port;
	}
	return NULL;
}

static bool same_ifaces(struct sw_bridge *b, const struct sw_port *p, const struct db_row *port)
{
	const struct schema *s = b->sw->schema;

	if (db_get_n(port, s->port_interfaces) != p->n_ifaces)
		return false;
	for (size_t i = 0; i < p->n_ifaces; i++) {
		const struct db_row *row = db_get_ref(port, s->port_interfaces, i);

		if (!row || strcmp(db_get_string(row, s->if_name, ""), p->ifaces[i].name) ||
		    strcmp(db_get_string(row, s->if_type, ""), p->ifaces[i].type))
			return false;
	}
	return true;
}

/* The device that was opened is gone, or another one has its name. */
static void drop_vanished(struct sw_bridge *b, struct sw_iface *i)
{
	const struct link_info *link;

	if (!sw_iface_is_device(i->type) || *i->error)
		return;
	link = rtnl_by_name(b->sw->rtnl, i->name);
	if (link && link->ifindex == i->ifindex)
		return;
	bridge_port_del(b->br, i->name);
	snprintf(i->error, sizeof(i->error), "could not open network device %s (No such device)",
		 i->name);
}

void sw_ports_drop_unwanted(struct sw_bridge *b, const struct db_row *row)
{
	struct sw_port *p, *next;

	cds_list_for_each_entry_safe (p, next, &b->ports, node) {
		const struct db_row *port = row_of_port(b, row, p->name);

		if (!port || !same_ifaces(b, p, port)) {
			port_drop(b, p);
			continue;
		}
		for (size_t i = 0; b->br && i < p->n_ifaces; i++)
			drop_vanished(b, &p->ifaces[i]);
	}
}

/* --- coming --- */

struct options {
	const char *keys[OPTIONS_MAX], *values[OPTIONS_MAX];
	size_t n;
};

static void options_of(const struct db_row *row, const struct db_column *c, struct options *o)
{
	for (o->n = 0; o->n < db_get_n(row, c) && o->n < OPTIONS_MAX; o->n++) {
		o->keys[o->n] = db_get_string_at(row, c, o->n);
		o->values[o->n] = db_get_value_string_at(row, c, o->n);
	}
}

static bool parse_mac(const char *text, struct eth_addr *mac)
{
	unsigned v[6];
	int n = 0;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5],
		   &n) != 6 ||
	    text[n])
		return false;
	for (unsigned i = 0; i < 6; i++)
		mac->b[i] = (uint8_t)v[i];
	return true;
}

static const struct db_row *first_iface(const struct schema *s, const struct db_row *port)
{
	const struct db_row *first = NULL;

	for (size_t i = 0; port && i < db_get_n(port, s->port_interfaces); i++) {
		const struct db_row *row = db_get_ref(port, s->port_interfaces, i);

		if (row && (!first || strcmp(db_get_string(row, s->if_name, ""),
					     db_get_string(first, s->if_name, "")) < 0))
			first = row;
	}
	return first;
}

static bool iface_mac(struct switchd *sw, const struct db_row *row, struct eth_addr *mac)
{
	const struct link_info *link;

	if (!row || !sw_iface_is_device(db_get_string(row, sw->schema->if_type, "")))
		return false;
	if (parse_mac(db_get_string(row, sw->schema->if_mac, ""), mac))
		return true;
	link = rtnl_by_name(sw->rtnl, db_get_string(row, sw->schema->if_name, ""));
	if (link && link->has_mac)
		*mac = link->mac;
	return link && link->has_mac;
}

/* The local port's address unless one is configured: the lowest among the other ports' (ovs-
 * vswitchd.conf.db(5), Interface mac), locally administered ones left out, so that an uplink's
 * neighbours know the bridge by it; with no such port one made from the row's identity.  Either way
 * a restart finds the same again, and with it the datapath ID. */
static struct eth_addr default_local_mac(struct sw_bridge *b, const struct db_row *br_row)
{
	const struct schema *s = b->sw->schema;
	struct eth_addr lowest, mac;
	bool any = false;

	memcpy(lowest.b, db_row_uuid(br_row)->b, sizeof(lowest.b));
	lowest.b[0] = (uint8_t)((lowest.b[0] & 0xfcu) | 0x02u); /* unicast, locally administered */
	for (size_t i = 0; i < db_get_n(br_row, s->br_ports); i++) {
		const struct db_row *row = first_iface(s, db_get_ref(br_row, s->br_ports, i));

		if (!row || !strcmp(db_get_string(row, s->if_name, ""), b->name) ||
		    !iface_mac(b->sw, row, &mac) || mac.b[0] & 3)
			continue;
		if (!any || memcmp(mac.b, lowest.b, sizeof(mac.b)) < 0)
			lowest = mac;
		any = true;
	}
	return lowest;
}

/* An internal device without an MTU of its own has the least of the other devices' (ovs-vswitchd.
 * conf.db(5), Interface mtu_request), so that the host sends nothing that does not fit; 0: none. */
static uint32_t default_internal_mtu(struct sw_bridge *b, const struct db_row *br_row)
{
	const struct schema *s = b->sw->schema;
	uint32_t least = 0;

	for (size_t i = 0; i < db_get_n(br_row, s->br_ports); i++) {
		const struct db_row *port = db_get_ref(br_row, s->br_ports, i);

		for (size_t j = 0; port && j < db_get_n(port, s->port_interfaces); j++) {
			const struct db_row *row = db_get_ref(port, s->port_interfaces, j);
			const char *name = row ? db_get_string(row, s->if_name, "") : b->name;
			const struct link_info *link = rtnl_by_name(b->sw->rtnl, name);

			if (link && strcmp(name, b->name) &&
			    sw_iface_is_device(db_get_string(row, s->if_type, "")) &&
			    (!least || link->mtu < least))
				least = link->mtu;
		}
	}
	return MIN(least, TAP_MTU_MAX);
}

/* True when `list`, separated by commas and blanks, has the first `len` bytes of `word`. */
static bool list_has(const char *list, const char *word, size_t len)
{
	for (const char *p = list; *p; p += strcspn(p, ", ")) {
		p += strspn(p, ", ");
		if (strcspn(p, ", ") == len && !strncmp(p, word, len))
			return true;
	}
	return false;
}

/* "auto:" and the providers of `order` (NULL: all) that are not in `off`; none is left: "none". */
static const char *order_without(const char *order, const char *off, char *text, size_t size)
{
	struct str s = STR_INIT;

	for (unsigned i = 0; !order && offload_provider_at(i); i++)
		if (!list_has(off, offload_provider_at(i)->type,
			      strlen(offload_provider_at(i)->type)))
			str_printf(&s, "%s%s", s.len ? "," : "", offload_provider_at(i)->type);
	for (const char *p = order; p && *p; p += strcspn(p, ", ")) {
		size_t len;

		p += strspn(p, ", ");
		len = strcspn(p, ", ");
		if (len && !list_has(off, p, len))
			str_printf(&s, "%s%.*s", s.len ? "," : "", (int)len, p);
	}
	(void)snprintf(text, size, s.len ? "auto:%s" : "none%s", str_cstr(&s));
	str_done(&s);
	return text;
}

/* The Interface's other_config:offload, or who is offered the port in which order: its
 * other_config:hw-offload-priority or the switch's; but nobody of the switch's hw-offload-off. */
static const char *offload_of(struct switchd *sw, const struct db_row *row, char *text, size_t size)
{
	const struct schema *s = sw->schema;
	const struct db_row *root = db_row_first(s->root);
	const char *own = db_get_map_string(row, s->if_other_config, "offload", NULL);
	const char *order = db_get_map_string(row, s->if_other_config, "hw-offload-priority", NULL);
	const char *off =
		root ? db_get_map_string(root, s->root_other_config, "hw-offload-off", "") : "";

	if (own && strcmp(own, "auto"))
		return list_has(off, own, strcspn(own, ":")) ? "none" : own;
	if (!order && root)
		order = db_get_map_string(root, s->root_other_config, "hw-offload-priority", NULL);
	if (order && !strcmp(order, "none"))
		return order;
	return order || *off ? order_without(order, off, text, size) : NULL;
}

static void iface_set(struct sw_bridge *b, struct sw_iface *i, const struct db_row *row,
		      const struct db_row *br_row)
{
	const struct schema *s = b->sw->schema;
	const struct link_info *link = rtnl_by_name(b->sw->rtnl, i->name);
	bool local = !strcmp(i->name, b->name);
	const char *mac = db_get_string(row, s->if_mac, "");
	char order[OFFLOAD_TEXT_MAX];
	struct bridge_port_config cfg = {
		.port = { .name = i->name, .type = local ? "internal" : i->type },
		.ofport_request = (uint32_t)db_get_integer(row, s->if_ofport_request, 0),
		.ofport_was = (uint32_t)MAX(db_get_integer(row, s->if_ofport, 0), 0),
		.local = local,
		.offload = offload_of(b->sw, row, order, sizeof(order)),
		.tc_policy = sw_tc_policy(row, s->if_other_config, i->name),
		.offload_off = !db_get_map_boolean(row, s->if_other_config, "hw-offload", true),
	};
	struct error err = ERROR_INIT;
	struct engine_port_placement placement;
	struct options o;
	int rc;

	if (local && !*mac)
		mac = db_get_map_string(br_row, s->br_other_config, "hwaddr", "");
	sw_placement_port(row, s->if_other_config, i->name, &placement);
	cfg.placement = &placement;
	options_of(row, s->if_options, &o);
	cfg.port.keys = o.keys;
	cfg.port.values = o.values;
	cfg.port.n_options = o.n;
	cfg.port.mac_set = *mac && parse_mac(mac, &cfg.port.mac);
	if (local && !cfg.port.mac_set) {
		cfg.port.mac = default_local_mac(b, br_row);
		cfg.port.mac_set = !link || !eth_addr_equal(link->mac, cfg.port.mac);
	}
	cfg.port.mtu = (uint32_t)db_get_integer(row, s->if_mtu_request, 0);
	if (!cfg.port.mtu && !strcmp(cfg.port.type, "internal"))
		cfg.port.mtu = default_internal_mtu(b, br_row);
	if (!local && sw_iface_is_device(i->type) && !link)
		rc = error_set(&err, ENODEV, NULL,
			       "could not open network device %s (No such device)", i->name);
	else
		rc = bridge_port_set(b->br, &cfg, &i->ofp, &err);
	if (rc && strcmp(i->error, err.cause))
		log_warn("bridge %s: interface %s: %s", b->name, i->name, err.cause);
	snprintf(i->error, sizeof(i->error), "%s", err.cause);
	i->ifindex = link ? link->ifindex : 0;
}

const uint64_t *sw_vlans(const struct db_row *row, const struct db_column *c, uint64_t *map)
{
	size_t n = db_get_n(row, c);

	if (!n)
		return NULL;
	memset(map, 0, VLAN_BITMAP_WORDS * sizeof(*map));
	for (size_t i = 0; i < n; i++) {
		int64_t vid = db_get_integer_at(row, c, i);

		if (vid >= 0 && vid <= VLAN_VID_MAX)
			vlan_bit_set(map, (uint16_t)vid);
	}
	return map;
}

static void bundle_set(struct sw_bridge *b, struct sw_port *p, const struct db_row *row)
{
	const struct schema *s = b->sw->schema;
	uint64_t trunks[VLAN_BITMAP_WORDS], cvlans[VLAN_BITMAP_WORDS];
	const char **names = xcalloc(p->n_ifaces, sizeof(*names));
	int mode = vlan_mode_parse(db_get_string(row, s->port_vlan_mode, ""));
	int prio = vlan_priority_tags_parse(
		db_get_map_string(row, s->port_other_config, "priority-tags", "never"));
	bool tagged = db_get_n(row, s->port_tag) > 0;
	const char *ethtype =
		db_get_map_string(row, s->port_other_config, "qinq-ethtype", "802.1ad");
	struct bridge_bundle_config cfg = {
		.name = p->name,
		.ports = names,
		.n_ports = p->n_ifaces,
		.protected = db_get_boolean(row, s->port_protected, false),
	};

	cfg.vlan.mode = (uint8_t)(mode >= 0 ? mode : tagged ? VLAN_ACCESS : VLAN_TRUNK);
	cfg.vlan.priority_tags = (uint8_t)(prio >= 0 ? prio : VLAN_PRIO_NEVER);
	cfg.vlan.tag = (uint16_t)db_get_integer(row, s->port_tag, 0);
	cfg.vlan.qinq_tpid =
		htons(strcmp(ethtype, "802.1q") && strcmp(ethtype, "0x8100") ? 0x88a8 : 0x8100);
	cfg.vlan.trunks = sw_vlans(row, s->port_trunks, trunks);
	cfg.vlan.cvlans = sw_vlans(row, s->port_cvlans, cvlans);
	for (size_t i = 0; i < p->n_ifaces; i++)
		names[i] = p->ifaces[i].name;
	bridge_bundle_set(b->br, &cfg);
	free(names);
}

static struct sw_port *port_add(struct sw_bridge *b, const struct db_row *row)
{
	const struct schema *s = b->sw->schema;
	struct sw_port *p = xzalloc(sizeof(*p));

	p->name = xstrdup(db_get_string(row, s->port_name, ""));
	p->n_ifaces = db_get_n(row, s->port_interfaces);
	p->ifaces = xcalloc(p->n_ifaces, sizeof(*p->ifaces));
	for (size_t i = 0; i < p->n_ifaces; i++) {
		const struct db_row *iface = db_get_ref(row, s->port_interfaces, i);

		p->ifaces[i].name = xstrdup(iface ? db_get_string(iface, s->if_name, "") : "");
		p->ifaces[i].type = xstrdup(iface ? db_get_string(iface, s->if_type, "") : "");
	}
	cds_list_add_tail(&p->node, &b->ports);
	return p;
}

static unsigned new_devices_of(struct sw_bridge *b, const struct db_row *port)
{
	const struct schema *s = b->sw->schema;
	unsigned n = 0;

	if (!port || port_find(b, db_get_string(port, s->port_name, "")))
		return 0;
	for (size_t i = 0; i < db_get_n(port, s->port_interfaces); i++) {
		const struct db_row *iface = db_get_ref(port, s->port_interfaces, i);

		n += iface && sw_iface_is_device(db_get_string(iface, s->if_type, "")) &&
		     rtnl_by_name(b->sw->rtnl, db_get_string(iface, s->if_name, ""));
	}
	return n;
}

/* Lets the devices that will be added be prepared together: the kernel takes its time for each. */
static void expect_devices(struct sw_bridge *b, const struct db_row *row)
{
	const struct schema *s = b->sw->schema;
	unsigned n = 0;

	for (size_t i = 0; i < db_get_n(row, s->br_ports); i++)
		n += new_devices_of(b, db_get_ref(row, s->br_ports, i));
	if (n > 1 && !strcmp(b->datapath_type, "netdev"))
		ports_expect(n);
}

void sw_ports_configure(struct sw_bridge *b, const struct db_row *row)
{
	const struct schema *s = b->sw->schema;

	expect_devices(b, row);
	for (size_t i = 0; i < db_get_n(row, s->br_ports); i++) {
		const struct db_row *port = db_get_ref(row, s->br_ports, i);
		struct sw_port *p =
			port ? port_find(b, db_get_string(port, s->port_name, "")) : NULL;

		if (!port)
			continue;
		if (!p)
			p = port_add(b, port);
		for (size_t j = 0; j < p->n_ifaces; j++) {
			const struct db_row *iface = db_get_ref(port, s->port_interfaces, j);

			if (iface)
				iface_set(b, &p->ifaces[j], iface, row);
		}
		bundle_set(b, p, port);
	}
	ports_expect(0);
}
