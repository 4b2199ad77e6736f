/* SPDX-License-Identifier: Apache-2.0 */
/* The rings that AF_PACKET shares with the kernel (packet(7); packet_mmap in the kernel's
 * documentation, TPACKET_V2), each with a socket of its own.
 *
 * Version 2 because its slots become ours one by one: version 3 hands over blocks, after a timer.
 *
 * Receiving: frames that fit a slot are used where the kernel put them; longer ones (large segments
 * of local stacks) come by recvmsg() in their turn, because PACKET_COPY_THRESH queues them whole
 * when the slot holds only their beginning.  A VLAN tag that the kernel took out is put back.
 *
 * Sending: frames are copied to slots and one sendto() gives them to the device.  The
 * virtio header in front says that all of a frame is header: the kernel then copies it to linear
 * memory, where it would otherwise pin the slot's page until the receiver is done with the frame.
 * Large segments go by sendmsg() on a socket without PACKET_QDISC_BYPASS, so that the kernel cuts
 * them for devices that cannot. */
#pragma once

#include "core/base/lock.h"
#include "core/packet/packet.h"
#include "core/port/af_make.h"
#include "core/port/vnet.h"

#define AF_BIG_MAX 16u /* long frames in one batch */

struct af_rx { /* one queue; its worker's */
	struct af_ring ring;
	uint32_t next;      /* slot to look at next */
	uint32_t n_taken;   /* slots of the last rx, before `next` */
	unsigned n_big;     /* long frames of the last rx */
	uint8_t *big;       /* owned; AF_BIG_MAX buffers, made with the first long frame */
	uint64_t truncated; /* frames of which we got only a part */
	struct packet pkts[PACKET_BATCH];
};

struct af_tx {
	struct af_ring ring;
	int big_fd;

	struct lock lock;
	uint32_t next GUARDED_BY(lock);    /* slot to fill next */
	uint32_t pending GUARDED_BY(lock); /* filled since the last flush */
	/* frames lost, and failures that the device has counted itself */
	uint64_t full GUARDED_BY(lock), down GUARDED_BY(lock), refused GUARDED_BY(lock);
};

/* On device ifindex, with a ring that is taken (waited for) in any case; receives nothing before
 * af_rx_start().  0 or -errno. */
int af_rx_open(struct af_rx *r, int ifindex, struct af_making *ring) MUST_CHECK;
int af_rx_start(struct af_rx *r, int ifindex) MUST_CHECK;
void af_rx_close(struct af_rx *r);
unsigned af_rx_burst(struct af_rx *r, struct packet *pkts[], struct dp_port in_port);
void af_rx_done(struct af_rx *r);

int af_tx_open(struct af_tx *t, int ifindex, struct af_making *ring) MUST_CHECK;
void af_tx_close(struct af_tx *t);
/* Any thread. */
void af_tx_put(struct af_tx *t, struct packet *const pkts[], unsigned n);
void af_tx_flush(struct af_tx *t);
