/* SPDX-License-Identifier: Apache-2.0 */
/* A port: where frames come from and go to.
 *
 * One table of operations per kind (af_packet, tap/internal, patch is above us, pcap, fake);
 * type-private data sits behind struct port.  A port belongs to one datapath; its workers poll it.
 * rx gives packets whose bytes live in the port's ring until rx_done(); tx copies (or writes out)
 * before it returns.
 *
 * Threads: rx of one queue is one worker's; tx may be called by any thread, each port serialises it
 * itself; state, set and statistics are the main thread's.  Lifetime: reference counted, readers in
 * RCU sections. */
#pragma once

#include "core/base/err.h"
#include "core/base/rcu.h"
#include "core/packet/packet.h"

struct port;

/* Why a port lost a frame; one counter each. */
enum port_drop {
	PORT_DROP_RX_RING,         /* the kernel's ring was full */
	PORT_DROP_RX_TRUNC,        /* longer than a ring slot */
	PORT_DROP_RX_BAD_TUNNEL,   /* not of the tunnel's protocol */
	PORT_DROP_TX_RING,         /* no room, or the device refused; from here on: in sending */
	PORT_DROP_TX_LEN,          /* longer than the MTU allows */
	PORT_DROP_TX_DOWN,         /* link or port is down */
	PORT_DROP_TX_NO_TUNNEL,    /* a tunnel, and no outer header was set */
	PORT_DROP_TX_NO_ROUTE,     /* to the tunnel's far end */
	PORT_DROP_TX_NO_NEIGHBOUR, /* on the way there answers */
	PORT_DROP_TX_WAIT,         /* no room to wait until the far end is resolved */
	PORT_N_DROPS
};
extern const char *const port_drop_name[PORT_N_DROPS];

struct port_stats {
	uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes; /* bytes: frame without FCS */
	uint64_t rx_dropped, tx_dropped, rx_errors, tx_errors;
	uint64_t rx_frame_err, rx_over_err, rx_crc_err, collisions;
	uint64_t drops[PORT_N_DROPS];
};

struct port_state {
	int ifindex; /* 0 = no Linux device */
	struct eth_addr mac;
	uint32_t mtu;
	bool admin_up, carrier; /* link is up when both */
	uint32_t link_resets;   /* carrier changes seen */
	uint64_t speed_bps;     /* 0 = unknown */
	bool full_duplex;
	uint32_t of10_curr, of10_adv, of10_supp,
		of10_peer;       /* OFPPF_* bits of OpenFlow 1.3 (section A.2.1) */
	char driver[32];         /* ethtool driver name */
	char phys_switch_id[33]; /* hex; "" = none: switchdev representors share it */
	char bond_master[16];
};

struct port_config {      /* Interface columns that a port looks at; borrowed for the call */
	const char *name; /* device name */
	const char *type; /* "" or "system", "internal", "tap", "fake", "pcap", … */
	/* key/value options of the Interface row */
	const char *const *keys, *const *values;
	size_t n_options;
	bool mac_set;
	struct eth_addr mac; /* internal ports: address to give the device */
	uint32_t mtu;        /* mtu_request; 0 = leave */
};
const char *port_config_get(const struct port_config *cfg, const char *key); /* NULL when absent */

struct port_ops {
	const char *type;
	/* Allocates and opens; -ENODEV when there is no such device, err says which and why. */
	int (*open)(const struct port_config *cfg, struct port **portp, struct error *err);
	/* Takes new options in place; -EBUSY when only close and open can do it. */
	int (*reconfigure)(struct port *p, const struct port_config *cfg, struct error *err);
	void (*close)(struct port *p);           /* frees; after a grace period of port_unref() */
	unsigned (*n_rxq)(const struct port *p); /* NULL: one */
	/* Up to PACKET_BATCH frames; p->in_port and rings' flags set, and p->tnl: the outer header
	 * that it came with, or NULL.  0 = none now. */
	unsigned (*rx)(struct port *p, unsigned queue, struct packet *pkts[PACKET_BATCH]);
	/* The frames of the last rx are no longer needed. */
	void (*rx_done)(struct port *p, unsigned queue);
	/* Sends or drops (counted) all n frames; they stay the caller's, as they are.  A tunnel's
	 * port sends with the outer header *p->tnl. */
	void (*tx)(struct port *p, struct packet *const pkts[], unsigned n);
	/* Pushes out what tx left queued (one system call a batch). */
	void (*tx_flush)(struct port *p);
	/* Becomes readable when rx has something; -1 = only polling. */
	int (*rx_fd)(const struct port *p, unsigned queue);
	/* -ENODEV: the device is gone; it does not come back to this port, open a new one. */
	int (*state)(struct port *p, struct port_state *st);
	int (*set_up)(struct port *p, bool up); /* OFPPC_PORT_DOWN */
	/* -ENODEV: the device is gone; drops[] are right all the same. */
	int (*stats)(struct port *p, struct port_stats *st);
};

/* Ahead of the datapath: whoever switches at the port's ingress (the sim NIC) takes packets out of
 * `pkts` by leaving the rest compacted at the front, and returns how many are left.  Called by the
 * worker that polls the port, in an RCU section. */
typedef unsigned port_ingress_fn(void *ctx, struct port *p, struct packet *pkts[], unsigned n);
struct port_ingress {
	port_ingress_fn *fn;
	void *ctx;
	/* called by the worker after each turn of its loop in which fn was called: send what was
	 * queued; may be NULL */
	void (*flush)(void *ctx);
};

struct port {
	const struct port_ops *ops;
	char name[64];
	struct dp_port no;
	_Atomic uint32_t refs;
	_Atomic bool no_rx, no_tx,
		admin_down; /* OpenFlow port configuration that the datapath itself must enforce */
	struct port_ingress *ingress; /* RCU; NULL = straight to the datapath */
	/* stats() leaves out what a device's rules take at the port or give to it: they work where
	 * the counters do not look (engine_port_beside()); set before the port is anybody's */
	bool counts_datapath_only;
};

/* Kinds by `type` of the Interface ("" is "system"); -EAFNOSUPPORT when unknown. */
int port_open(const struct port_config *cfg, struct port **portp, struct error *err) MUST_CHECK;
void port_register(const struct port_ops *ops); /* at start-up */
bool port_type_known(const char *type);         /* registered */
/* For a kind's open(): fills what all ports have; one reference, no number, no ingress. */
void port_init(struct port *p, const struct port_ops *ops, const char *name);
struct port *port_ref(struct port *p);
/* The last one closes the port after a grace period, on another thread. */
void port_unref(struct port *p);
/* Like port_unref(), but when it is the last reference the port is closed when this returns, so
 * that its device can be opened again.  Waits for a grace period: main thread, no RCU section. */
void port_release(struct port *p);
/* Exchanges the ingress hook; waits for nothing.  The old struct is the caller's to rcu_defer. */
struct port_ingress *port_set_ingress(struct port *p, struct port_ingress *in);
/* Called once: registers the kinds of this folder. */
void ports_init(void);
/* n Linux devices are about to be opened, one after another: what takes long is begun for all of
 * them together.  0: no more are. */
void ports_expect(unsigned n);
/* Waits until what ports have left to be done later (closing their sockets) is done. */
void ports_settle(void);
