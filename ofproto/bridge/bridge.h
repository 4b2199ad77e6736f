/* SPDX-License-Identifier: Apache-2.0 */
/* A bridge: OpenFlow tables, ports, MACs and connections, on a datapath that it shares with others.
 *
 * A *backend* is one datapath with its megaflows; all bridges of one datapath_type share one,
 * because patch ports lead between them.  Whatever changes about bridges, ports or bundles marks
 * the backend; before the loop sleeps it builds one new snapshot of everything and publishes it
 * (snapshot.h of xlate).
 *
 * Numbers that controllers see are exact: an answer about flows waits for a round of the
 * revalidator, and a flow-removed message for the last readings of the megaflows that used the
 * rule.
 *
 * Threads: the loop's, all of it. */
#pragma once

#include "core/datapath/dp_ct.h"
#include "core/io/loop.h"
#include "ofproto/conn/conn.h"
#include "ofproto/export/sflow.h"
#include "ofproto/flows/flows.h"
#include "ofproto/l2/tunnel.h"
#include "ofproto/l2/vlan.h"

#define BRIDGE_PORTS_MAX 65279 /* OpenFlow 1.0's port numbers, 1 to 0xfeff */

struct backend;
struct bridge;

/* datapath_type as in the Bridge row ("" is "netdev" here).  NULL and *err.  Takes no upcall before
 * backend_begin(). */
struct backend *backend_new(struct loop *loop, const char *datapath_type,
			    const struct flows_config *cfg, struct error *err);
struct backend_config {
	bool restore_wait;      /* somebody restores the tables: nothing is decided meanwhile */
	uint32_t adopt_wait_ms; /* longest wait for a controller's barrier (60000) */
};
void backend_configure(struct backend *be, const struct backend_config *cfg);
/* What bridges come to know and the datapath does not keep (learned addresses, which meter is
 * which) is written to this file, and taken from it when it is there.  Right after backend_new().
 */
void backend_keep(struct backend *be, const char *path);
/* The bridges and ports of the start are there: takes over what a former process left
 * (flows_begin()), and from here on takes upcalls.  Once; does nothing the next time. */
int backend_begin(struct backend *be);
/* The process ends and what forwards without it shall go on: no megaflow, rule or kernel port is
 * touched any more.  Before the bridges are freed; then backend_free(be, true). */
void backend_leave(struct backend *be);
/* All bridges must be gone.  leave: rules stay in hardware and kernel; after backend_leave(). */
void backend_free(struct backend *be, bool leave);
struct flows *backend_flows(struct backend *be);
struct dp *backend_dp(struct backend *be);
/* fn(arg) after something has changed that people are told of: ports, links, connections, roles. */
void backend_on_change(struct backend *be, void (*fn)(void *arg), void *arg);
/* Publishes what has changed now instead of before the next sleep. */
void backend_publish(struct backend *be);
uint64_t backend_packet_ins_dropped(const struct backend *be);

/* A zone whose connections have timeouts of their own; 0: the datapath's. */
struct ct_zone_config {
	uint16_t zone;
	uint32_t seconds[DP_CT_N_TIMEOUTS];
};
/* All of them, in any order.  Connections have them from their next commit on.  Where the datapath
 * cannot, it is logged. */
void backend_configure_ct_zones(struct backend *be, const struct ct_zone_config *zones, size_t n);

struct bridge_config { /* borrowed for the call */
	const char *name;
	uint64_t datapath_id; /* 0: from the local port's address */
	bool secure;          /* fail_mode=secure */
	uint32_t versions;    /* OFP_VERSION_BIT()s of the protocols column; 0: all */
	bool forward_bpdu;
	const uint64_t
		*flood_vlans; /* VLAN_BITMAP_WORDS words: VLANs without learning; NULL: none */
	uint32_t mac_table_size, mac_aging_s; /* 0: defaults 8192, 300 */
	struct xl_pins pins;                  /* of its rules to hardware */
	const struct sflow_config *sflow;     /* NULL: none */
	const char *dp_desc, *serial;         /* of the description statistics; "" = none */
	const struct ofcontroller_config *controllers;
	size_t n_controllers;
};

struct bridge *bridge_new(struct backend *be, const struct bridge_config *cfg, const char *rundir,
			  struct error *err);
void bridge_configure(struct bridge *br, const struct bridge_config *cfg);
/* Ports, megaflows, connections and tables go; blocks for the megaflows' last counts. */
void bridge_free(struct bridge *br);

struct bridge_port_config {
	struct port_config port; /* device; type "patch" has options:peer, "vxlan" a tunnel's */
	uint32_t ofport_request; /* 0: any */
	uint32_t ofport_was;     /* without a request: what it had before a restart; 0: nothing */
	bool local;              /* the bridge's own port */
	const char
		*offload; /* provider text for the engine ("sim:PROFILE"); NULL: whoever wants it */
	bool offload_off;
	int tc_policy;                                 /* enum offload_policy; -1: the switch's */
	const struct engine_port_placement *placement; /* NULL: nothing of its own */
};
/* What people can have as Interface's type: of core/port, and of the bridge itself. */
extern const char *const bridge_port_types[6];
/* Adds a port, or gives an existing one new settings.  *ofp gets its number.  -errno and *err; the
 * port is then not there. */
int bridge_port_set(struct bridge *br, const struct bridge_port_config *cfg, struct ofp_port *ofp,
		    struct error *err) MUST_CHECK;
void bridge_port_del(struct bridge *br, const char *name);
/* The device changed state (netlink said so): looks again, tells controllers. */
void bridge_port_refresh(struct bridge *br, const char *name);

struct bridge_bundle_config {
	const char *name; /* Port row */
	const char *const *ports;
	size_t n_ports;
	struct vlan_conf vlan; /* bitmaps copied */
	bool protected;
};
void bridge_bundle_set(struct bridge *br, const struct bridge_bundle_config *cfg);
void bridge_bundle_del(struct bridge *br, const char *name);

/* --- looking --- */
struct bridge_port_info {
	const char *name, *type; /* borrowed until the port changes */
	struct ofp_port ofp;
	struct dp_port dp;
	struct port_state state;
	struct port_stats stats;
	const char *peer;                 /* patch; NULL */
	const struct tunnel_conf *tunnel; /* likewise; NULL: not a tunnel */
	const char *offload_error;        /* why the device that was asked for is not used; NULL */
	uint32_t config;                  /* OFPPC_* */
};
/* -ENODEV. */
int bridge_port_info(struct bridge *br, const char *name, struct bridge_port_info *info);
typedef void bridge_port_visit_fn(const struct bridge_port_info *info, void *aux);
void bridge_ports_visit(struct bridge *br, bridge_port_visit_fn *fn,
			void *aux); /* by OpenFlow number */
/* The datapath's ports that tunnels share: each once, as the datapath has it. */
void backend_tunnels_visit(struct backend *be, void (*fn)(const struct dp_port_info *, void *aux),
			   void *aux);
const char *bridge_name(const struct bridge *br);
uint64_t bridge_id(const struct bridge *br);
uint64_t bridge_datapath_id(const struct bridge *br);
struct backend *bridge_backend(const struct bridge *br);
struct ofconns *bridge_conns(const struct bridge *br);
struct ofp_tables *bridge_tables(const struct bridge *br);
struct mac_table *bridge_macs(const struct bridge *br);
/* Name of a bundle's first port's OpenFlow number, for fdb/show. */
uint32_t bridge_bundle_ofp(const struct bridge *br, uint32_t bundle);
bool bridge_failing_open(const struct bridge *br);
bool bridge_has_dp_port(const struct bridge *br, struct dp_port dp);
const char *bridge_port_name(const struct bridge *br, struct ofp_port ofp); /* NULL: none */
/* Why collectors are not told, or not all of them; NULL: they are, or there are none. */
const char *bridge_sflow_error(const struct bridge *br);
/* False: none is configured. */
bool bridge_sflow_stats(const struct bridge *br, struct sflow_stats *st);
/* Bridges of a backend, in order of creation. */
struct bridge *backend_bridge_next(struct backend *be, struct bridge *prev);
