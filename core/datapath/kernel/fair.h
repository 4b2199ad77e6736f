/* SPDX-License-Identifier: Apache-2.0 */
/* Upcalls between a handler's socket and the handler, fair between ports.
 *
 * The kernel puts what comes up on a CPU into one socket, in the order in which it comes: a port
 * that floods with misses is then all that a handler sees, and fills the socket for everybody.  To
 * take an upcall from the socket costs a tenth of what it costs to handle it, so a handler takes
 * more than it handles, keeps these by port, and handles them in turns.  A port may hold at most
 * twice the bytes that are still free, as in the user datapath: alone it gets two thirds, a hog
 * leaves room for the others, and nothing is set aside for ports that are silent.  What is over its
 * share is dropped and counted.  What comes faster than it can be taken fills the socket all the
 * same, and then the kernel drops whoever's packet comes next.
 *
 * Threads: the handler's alone. */
#pragma once

#include "core/base/list.h"
#include "core/datapath/dp.h"

#define FAIR_BYTES (1u << 20) /* held at most, of frames and of what goes with them */
#define FAIR_PORTS 256u       /* in_port modulo this; sharing one costs fairness only */

struct fair_port {
	struct cds_list_head turn;  /* fair_queue.turns, while it holds something */
	struct cds_list_head items; /* oldest first */
	uint32_t bytes;
};

struct fair_queue {
	struct cds_list_head turns; /* of ports: the next one first */
	size_t n;
	uint32_t bytes;
	struct fair_port ports[FAIR_PORTS];
};

void fair_init(struct fair_queue *q);
/* Frees what is held; returns how many that were. */
size_t fair_done(struct fair_queue *q);
/* Whether the port may hold a frame of so many bytes more. */
bool fair_admits(const struct fair_queue *q, uint32_t port, size_t len);
/* Takes over the packet; by the key's in_port. */
void fair_put(struct fair_queue *q, const struct dp_upcall *up);
/* Up to max, a port's oldest one at each turn; the packets are the caller's. */
unsigned fair_get(struct fair_queue *q, struct dp_upcall *out, unsigned max);
