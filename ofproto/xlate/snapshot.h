/* SPDX-License-Identifier: Apache-2.0 */
/* What translation sees of the switch's configuration: bridges, ports, bundles, as one immutable
 * snapshot.
 *
 * The bridge layer builds a new snapshot when anything in it changes and exchanges the pointer
 * (RCU); nothing in a snapshot is ever written after that, but for the counters of patch ports and
 * tunnels, which are atomics in an object of their own.  Tables and MAC tables are borrowed: a
 * bridge that goes away is first left out of the snapshot, then its megaflows go, then its tables
 * are freed.
 *
 * One snapshot serves all bridges of one datapath, because patch ports lead from one to another. */
#pragma once

#include "core/datapath/dp_features.h"
#include "ofproto/l2/mac.h"
#include "ofproto/l2/tunnel.h"
#include "ofproto/l2/vlan.h"
#include "ofproto/table/tables.h"
#include "ofproto/xlate/recirc.h"

/* Packets through a port that no datapath knows, or not as one: patch ports, tunnels. */
struct xl_counters {
	_Atomic uint32_t refs;
	_Atomic uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
};
struct xl_counters *xl_counters_new(void);
struct xl_counters *xl_counters_ref(struct xl_counters *c);
void xl_counters_unref(struct xl_counters *c);

struct xl_bridge;
struct xl_bundle;

/* OFPPC_* bits that translation obeys (OpenFlow 1.0 section 5.2.1, 1.3.5 section 7.2.1). */
#define XL_PC_NO_STP 0x02
#define XL_PC_NO_RECV 0x04
#define XL_PC_NO_RECV_STP 0x08
#define XL_PC_NO_FLOOD 0x10
#define XL_PC_NO_FWD 0x20
#define XL_PC_NO_PACKET_IN 0x40

struct xl_port {
	char name[64];
	struct ofp_port ofp;
	struct dp_port dp; /* DP_PORT_NONE for a patch port; tunnels share theirs */
	uint32_t config;   /* XL_PC_* */
	bool up;           /* may carry traffic: liveness of fast failover and bundles */
	struct xl_bridge *bridge;
	struct xl_bundle *bundle; /* NULL: not in one */
	struct xl_port *peer; /* patch: the other end, in the same snapshot; NULL when missing */
	struct tunnel_conf *tunnel;   /* owned; NULL: not a tunnel */
	struct xl_counters *counters; /* patch ports and tunnels; referenced */
};

struct xl_bundle {
	uint32_t id; /* what the MAC table stores */
	char name[64];
	struct vlan_conf vlan;
	uint64_t *trunks, *cvlans; /* owned bitmaps behind vlan.trunks, vlan.cvlans, or NULL */
	bool is_local;
	bool protected;
	struct xl_port **ports; /* owned array */
	size_t n_ports;
};

/* What is pinned to hardware (pins.h). */
#define XL_PINS_MAX 32
struct xl_pins {
	bool all; /* whatever its rules carry */
	unsigned n;
	struct {
		be64 cookie, mask;
	} v[XL_PINS_MAX];
};

/* Packets of whom collectors are told (core/packet/sflow_cookie.h). */
struct xl_sflow {
	uint32_t rate;   /* one of so many; 0: none */
	uint32_t header; /* bytes of each that go up */
};

struct xl_bridge {
	char name[64];
	uint64_t id; /* stable over snapshots: what upcalls and effects name a bridge by */
	struct ofp_tables *tables;
	struct mac_table *macs;
	struct xl_port *ports; /* owned array, sorted by ofp */
	size_t n_ports;
	struct xl_bundle *bundles; /* owned array */
	size_t n_bundles;
	bool miss_to_controller; /* a connection older than OpenFlow 1.3 wants packets that no rule
				    matches */
	bool forward_bpdu;
	uint64_t flood_vlans[VLAN_BITMAP_WORDS]; /* where nothing is learnt and everything is
						    flooded */
	struct xl_pins pins;
	struct xl_sflow sflow;
	bool loading;   /* its tables are not what they shall be yet: adopted megaflows wait */
	bool fail_open; /* no controller: NORMAL for every packet, whatever the tables hold */
	uint16_t miss_send_len;
	enum ofp_frags frags;
};

/* A zone whose connections have timeouts of their own.  The datapath has them by names that begin
 * with `stem`, one for each of these protocols that they say something about. */
enum xl_ct_proto {
	XL_CT_TCP4,
	XL_CT_TCP6,
	XL_CT_UDP4,
	XL_CT_UDP6,
	XL_CT_ICMP4,
	XL_CT_ICMP6,
	XL_CT_N_PROTOS
};
#define XL_CT_TIMEOUT_NAME 32 /* act_ct.timeout */
struct xl_ct_zone {
	char stem[16];
	uint16_t zone;
	uint8_t protos, pad; /* a bit for each enum xl_ct_proto */
};
void xl_ct_timeout_name(const char *stem, unsigned proto, char name[XL_CT_TIMEOUT_NAME]);

struct xl_snapshot {
	uint64_t seq;              /* of this snapshot; newer is larger */
	bool loading;              /* all bridges are */
	struct xl_bridge *bridges; /* owned array */
	size_t n_bridges;
	struct dp_features features; /* of the datapath */
	struct recirc_table *recirc; /* borrowed: outlives the snapshot; the datapath's own */
	struct xl_port **by_dp;      /* owned, indexed by dp_port.v; NULL where no port is */
	uint32_t n_by_dp;
	struct xl_ct_zone *ct_zones; /* owned, by zone */
	size_t n_ct_zones;
	struct tunnel_map *tunnels; /* owned; of struct xl_port; NULL: there are none */
};

/* Zeroed snapshot with room for n bridges; fill, then xl_snapshot_link(). */
struct xl_snapshot *xl_snapshot_new(size_t n_bridges);
/* Sorts a bridge's port array by OpenFlow number: call it before anything points into the array. */
void xl_snapshot_sort_ports(struct xl_bridge *b);
/* Sets the ports' back pointers, the by_dp index and the map of tunnels.  The caller has filled and
 * sorted ports, bundles (with their port arrays) and peers. */
void xl_snapshot_link(struct xl_snapshot *s);
/* Frees it at once; exchange first and rcu_defer() this. */
void xl_snapshot_free(void *snapshot);

/* NULL: its connections have the datapath's timeouts. */
const struct xl_ct_zone *xl_ct_zone(const struct xl_snapshot *s, uint16_t zone);
const struct xl_port *xl_port_by_dp(const struct xl_snapshot *s, struct dp_port dp);
/* The port that a packet of the datapath came in by: its in_port's, or the tunnel's that its outer
 * header belongs to.  Adds what that depends on, in_port apart, to *mask. */
const struct xl_port *xl_port_of_packet(const struct xl_snapshot *s, const struct flow_key *key,
					struct flow_key *mask);
const struct xl_port *xl_port_by_ofp(const struct xl_bridge *b, struct ofp_port ofp);
const struct xl_bridge *xl_bridge_by_name(const struct xl_snapshot *s, const char *name);
const struct xl_bridge *xl_bridge_by_id(const struct xl_snapshot *s, uint64_t id);
const struct xl_bundle *xl_bundle_by_id(const struct xl_bridge *b, uint32_t id);
