/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the bridge layer. */
#pragma once

#include "core/base/id_pool.h"
#include "core/base/lock.h"
#include "core/base/rcu.h"
#include "core/datapath/dp_meter.h"
#include "ofproto/bridge/bridge.h"

#define BRIDGE_N_TABLES 254 /* what controllers may use */
#define PACKET_INS_MAX 8192 /* waiting for the main thread; more are dropped and counted */
#define SAMPLES_MAX 8192    /* likewise */

struct bridge_port {
	struct cds_list_head node; /* in bridge->ports, by ofp */
	struct bridge *br;
	char *name, *type, *peer; /* owned; peer: patch ports only */
	char *offload;            /* owned; provider text that was asked for, or NULL */
	char *offload_error;      /* owned; why it has no device, or NULL */
	char lacking[256];        /* as last told: engine_port_lacking() */
	struct ofp_port ofp;
	struct dp_port dp;            /* DP_PORT_NONE: patch */
	struct port *port;            /* referenced; NULL for patch, tunnel and kernel ports */
	uint32_t config;              /* OFPPC_* */
	struct port_state state;      /* as last told to controllers */
	struct tunnel_conf *tunnel;   /* owned; tunnels only */
	struct tunnel_port *shared;   /* tunnels: the datapath's port, of which dp is the number */
	struct xl_counters *counters; /* patch ports and tunnels; referenced */
	uint64_t created_ns;
	bool local;
};

struct tunnel_port {
	struct cds_list_head node; /* in backend->tunnels */
	uint16_t dst_port;
	bool gbp;
	struct dp_port dp;
	struct port *port; /* referenced; NULL for kernel ports */
	unsigned users;
};

struct bridge_bundle {
	struct cds_list_head node;
	char *name;
	uint32_t id;
	char **ports; /* owned names */
	size_t n_ports;
	struct vlan_conf vlan;
	uint64_t *trunks, *cvlans; /* owned */
	bool protected;
};

struct removed_event {
	struct cds_list_head node;
	struct rule *rule; /* referenced */
	uint8_t reason;
	uint64_t at_ns;
};

/* Is the rule of a bridge without controllers there (fail.c)? */
enum default_rule { DEFAULT_UNDECIDED, DEFAULT_PRESENT, DEFAULT_ABSENT };

struct bridge {
	struct cds_list_head node; /* in backend->bridges */
	struct backend *be;
	char *name, *dp_desc, *serial;
	uint64_t id;
	uint64_t datapath_id, configured_dpid;
	bool secure, forward_bpdu, failing_open, configured;
	uint64_t flood_vlans[VLAN_BITMAP_WORDS];
	struct xl_pins pins;
	struct sflow *sflow; /* owned; NULL: none */
	struct xl_sflow sampling;
	bool any_primary;   /* controllers are configured that we connect to */
	bool loaded;        /* its tables are what adopted megaflows are checked against */
	_Atomic bool going; /* the loop sets it; writers of the tables look */
	enum default_rule default_rule;
	struct ofp_tables *tables;
	struct mac_table *macs;
	struct ofconns *conns;
	struct cds_list_head ports, bundles;
	uint32_t next_bundle_id;

	struct lock removed_lock;          /* guards the next three */
	struct cds_list_head removed_new;  /* waiting for a round to begin */
	struct cds_list_head removed_wait; /* in a round */
	bool removed_waiting;
};

struct backend_meters { /* meters.c */
	struct dp_meter_caps caps;
	struct id_pool ids;         /* the datapath's numbers that are taken */
	struct cds_list_head dying; /* deleted; megaflows may name them still */
	/* Owned, by the datapath's number: what was counted before a modification. */
	struct dp_meter_stats *before;
	size_t n_before;
};

struct backend_ct { /* ct_zones.c */
	struct cds_list_head policies;
	struct xl_ct_zone *zones; /* owned, by zone */
	size_t n;
	uint64_t tidy_ns; /* when it is next looked for what can be deleted */
	bool looked;      /* for what a former process left */
};

struct kept_mac { /* keep.c: of a former process */
	struct cds_list_head node;
	char *bridge, *port; /* owned */
	uint16_t vlan;
	struct eth_addr mac;
	uint64_t age_s;
};

struct backend_keep {
	char *path;                /* owned; NULL: nothing is kept */
	struct cds_list_head macs; /* of a former process */
	uint64_t saved_ns, saved_seq;
};

struct backend_samples {  /* sampling.c */
	struct lock lock; /* guards the rest */
	struct sample *head, **tail;
	unsigned n;
	uint64_t dropped; /* since they were last taken */
	bool posted;
};

struct backend {
	struct loop *loop;
	struct dp *dp;
	struct flows *flows;
	struct cds_list_head bridges, tunnels;
	struct backend_meters meters;
	struct backend_ct ct;
	struct backend_keep keep;
	struct backend_samples samples;
	struct loop_timer *tick;
	uint64_t next_bridge_id;
	bool dirty, leaving;
	void (*changed)(void *arg); /* may be NULL */
	void *changed_arg;
	struct backend_config cfg;
	uint64_t begun_ns; /* backend_begin(); 0: still to come */

	struct lock pin_lock; /* guards the packet-ins */
	struct xlate_packet_in *pins, **pins_tail;
	unsigned n_pins;
	bool pins_posted;
	_Atomic uint64_t pins_dropped;
};

/* backend.c */
void backend_mark(struct backend *be);
/* build.c */
struct xl_snapshot *backend_build(struct backend *be);
/* ports.c */
struct bridge_port *bridge_port_by_ofp(const struct bridge *br, struct ofp_port ofp);
struct bridge_port *bridge_port_by_name(const struct bridge *br, const char *name);
void bridge_port_phy(const struct bridge_port *p, struct ofp_phy_port *phy);
int bridge_port_stats(struct bridge_port *p, struct port_stats *st);
enum ofperr bridge_port_mod(struct bridge *br, const struct ofp_port_mod *pm);
void bridge_ports_free(struct bridge *br);
/* tunnels.c */
/* The datapath's port for such tunnels, made when there is none; -EEXIST: of another kind. */
int tunnel_port_get(struct backend *be, const struct tunnel_conf *c, struct tunnel_port **ret,
		    struct error *err) MUST_CHECK;
void tunnel_port_put(struct backend *be, struct tunnel_port *t); /* NULL is fine */
/* A port, of any bridge and not `but`, that takes the same packets. */
const struct bridge_port *tunnel_clash(const struct backend *be, const struct tunnel_conf *c,
				       const struct bridge_port *but);
/* meters.c */
void backend_meters_init(struct backend *be);
void backend_meters_done(struct backend *be); /* no megaflow is left, or they are left alone */
bool backend_has_meters(const struct backend *be);
enum ofperr bridge_meter_mod(struct bridge *br, const struct ofp_meter_mod *mm);
void bridge_meters_free(struct bridge *br);
void bridge_meter_features(const struct bridge *br, struct ofp_meter_features *f);
void bridge_put_meter_stats(struct bridge *br, const struct meter *m, struct ofp_multipart *mp);
/* keep.c */
void keep_init(struct backend *be);
void keep_done(struct backend *be);
/* The ports of the start are there: teaches what was known. */
void keep_begin(struct backend *be);
void keep_tick(struct backend *be);
void keep_save(struct backend *be);
/* bundles.c */
struct bridge_bundle *bridge_bundle_of_port(const struct bridge *br, const char *port);
void bridge_bundles_free(struct bridge *br);
/* events.c */
void bridge_rule_removed(void *bridge, struct rule *r, enum ofp_removed_reason reason);
void bridge_drop_removed(struct bridge *br);
void backend_packet_in(void *backend, struct xlate_packet_in *list);
/* dispatch.c, stats.c */
enum ofperr bridge_message(void *bridge, struct ofconn *c, const struct ofp_msg *m);
enum ofperr bridge_stats_message(struct bridge *br, struct ofconn *c, const struct ofp_msg *m);
/* fail.c */
void bridge_update_fail_mode(struct bridge *br);
/* loading.c */
void bridge_update_loading(struct bridge *br);
void bridge_barrier(void *bridge, bool primary);
struct bridge *backend_bridge_by_id(struct backend *be, uint64_t id);

/* --- ct_zones.c --- */
void backend_ct_init(struct backend *be);
void backend_ct_done(struct backend *be);
/* Deletes what nothing names any more. */
void backend_ct_tick(struct backend *be, uint64_t now_ns);

/* --- sampling.c --- */
void backend_samples_init(struct backend *be);
void backend_samples_done(struct backend *be);
void backend_sample(void *backend, const struct dp_upcall *up);                 /* any thread */
void bridge_sflow_configure(struct bridge *br, const struct sflow_config *cfg); /* NULL: none */
/* What translation samples now. */
struct xl_sflow bridge_sflow(const struct bridge *br);
