/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the VXLAN port: queues of sockets, and the way out. */
#pragma once

#include <sys/socket.h>

#include "core/base/lock.h"
#include "core/port/port.h"
#include "core/port/underlay.h"

#define VXLAN_FAMILIES 2u

struct vxlan_rxq { /* one socket; its worker's */
	int fd;
	bool v6;
	uint8_t *slots; /* owned; PACKET_BATCH of them */
	struct mmsghdr *msgs;
	struct vxlan_msg *bufs; /* owned; what msgs point to */
	struct packet pkts[PACKET_BATCH];
	struct flow_tnl tnl[PACKET_BATCH];
	uint64_t packets, bytes; /* inner frames */
	uint64_t bad;            /* datagrams that are no VXLAN */
	uint64_t truncated;
	int mtu_ifindex;    /* whose MTU is known, */
	uint32_t mtu;       /* and was this */
	uint64_t mtu_ns;    /* then */
	uint32_t overflows; /* as the kernel counts them: what the socket had no room for */
};

struct vxlan_tx {
	/* any thread; locked additions, one a batch */
	_Atomic uint64_t packets, bytes; /* inner frames */
	_Atomic uint64_t drops[PORT_N_DROPS];
	_Atomic uint16_t ip_id;

	struct lock scratch_lock; /* guards the next two */
	uint8_t *scratch;         /* owned; frames that are made anew, one after the other */
	size_t scratch_bytes;
};

struct vxlan_port {
	struct port up;
	uint16_t dst_port;
	bool gbp;
	unsigned n_rxq;
	struct vxlan_rxq rx[VXLAN_FAMILIES];
	struct vxlan_tx tx;
	struct underlay *underlay; /* owned */
};

static inline struct vxlan_port *vxlan_of(struct port *p)
{
	return container_of(p, struct vxlan_port, up);
}

/* vxlan_rx.c */
/* -EAFNOSUPPORT: the kernel lacks the family; else -errno. */
int vxlan_rx_open(struct vxlan_rxq *q, uint16_t udp_port, bool v6) MUST_CHECK;
void vxlan_rx_close(struct vxlan_rxq *q);
unsigned vxlan_rx_burst(struct vxlan_rxq *q, const struct vxlan_port *v, struct packet *pkts[]);

/* vxlan_tx.c */
void vxlan_tx_init(struct vxlan_tx *tx);
void vxlan_tx_done(struct vxlan_tx *tx);
void vxlan_send(struct vxlan_port *v, struct packet *const pkts[], unsigned n);
void vxlan_count_drop(struct vxlan_port *v, enum underlay_state why);
