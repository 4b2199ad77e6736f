/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the configuration pass: a bridge's Ports and Interfaces. */
#pragma once

#include "switchd/switchd.h"

struct sw_iface {
	char *name, *type; /* owned; type as in the row */
	int ifindex;       /* of the device when it was opened; 0: has none */
	struct ofp_port ofp;
	char error[320]; /* why it is not there; "" = it is */
};

struct sw_port { /* a Port row and its Interfaces */
	struct cds_list_head node;
	char *name;
	struct sw_iface *ifaces; /* owned */
	size_t n_ifaces;
};

/* Deletes what the Bridge row does not want (any more), or wants differently enough. */
void sw_ports_drop_unwanted(struct sw_bridge *b, const struct db_row *row);
/* Adds and changes the rest. */
void sw_ports_configure(struct sw_bridge *b, const struct db_row *row);
void sw_ports_free(struct sw_bridge *b);
/* Gives the backend of this datapath_type the timeouts of its zones. */
void sw_ct_zones_configure(struct switchd *sw, struct backend *be, const char *type);
/* What a Bridge's sFlow row says; false: it has none.  Borrowed from the database. */
struct sw_sflow {
	struct sflow_config cfg;
	const char *targets[SFLOW_TARGETS_MAX + 1]; /* one over, so that it is said */
};
bool sw_sflow(const struct schema *s, const struct db_row *bridge, struct sw_sflow *out);
/* other_config:tc-policy; -1: not set, or nonsense, which is logged.  what: whose, for the log. */
int sw_tc_policy(const struct db_row *row, const struct db_column *c, const char *what);
struct sw_iface *sw_iface_find(struct sw_bridge *b, const char *name);
/* A column of VLANs as a bitmap of VLAN_BITMAP_WORDS words: `map`, or NULL when there are none. */
const uint64_t *sw_vlans(const struct db_row *row, const struct db_column *c, uint64_t *map);
/* A type that opens an existing Linux device of that name. */
bool sw_iface_is_device(const char *type);
