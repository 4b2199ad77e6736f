/* SPDX-License-Identifier: Apache-2.0 */
/* Packet sockets with their rings, made and closed side by side.
 *
 * Giving a packet socket a ring, taking the ring away and closing the socket each wait for a grace
 * period of the kernel's RCU (net/packet/af_packet.c, synchronize_net()): some ten milliseconds, so
 * that a hundred ports, one after another, would take seconds.  Who waits at the same time shares
 * the grace period.  Therefore threads wait: the rings of a port are made together, those of ports
 * that are known to come are made ahead, and sockets are closed when nobody looks any more.
 *
 * A ring's socket is bound to nothing yet and belongs to the network namespace of the thread that
 * asked for it. */
#pragma once

#include <linux/if_packet.h>

#include "core/base/types.h"

/* Where the kernel looks for a frame in a slot to be sent. */
#define AF_TX_OFS TPACKET_ALIGN(sizeof(struct tpacket2_hdr))

enum af_dir { AF_RX, AF_TX, AF_N_DIRS };

struct af_ring {
	int fd;       /* -1: none */
	uint8_t *map; /* owned; n_slots slots */
	size_t map_len;
	uint32_t slot_bytes, n_slots; /* n_slots is a power of two */
};
#define AF_RING_NONE                                                                               \
	(struct af_ring)                                                                           \
	{                                                                                          \
		.fd = -1                                                                           \
	}

struct af_making; /* a ring under way */

/* Starts making a ring for frames of up to frame_bytes; any thread. */
struct af_making *af_ring_start(enum af_dir dir, uint32_t frame_bytes);
/* Waits for it, and frees m.  0, or -errno and *r is AF_RING_NONE. */
int af_ring_finish(struct af_making *m, struct af_ring *r) MUST_CHECK;
/* Closes it some time later.  *r is AF_RING_NONE then; AF_RING_NONE itself is fine. */
void af_ring_close(struct af_ring *r);

/* Rings of the common size for n ports that are about to be opened; 0: no more are, those that were
 * not taken are closed. */
void af_rings_expect(unsigned n);
/* Waits until nothing is under way and all that was closed is closed. */
void af_rings_settle(void);
