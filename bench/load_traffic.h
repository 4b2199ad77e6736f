/* SPDX-License-Identifier: Apache-2.0 */
/* Connections at a given rate into the ports of a switch in the same process.
 *
 * One thread opens so many connections a second, each of 5 numbers that no other has (the range of
 * a port is 2^37 of them), and sends the packets of those that are open when they are due.  The
 * packets of a connection follow a Pareto distribution (most are mice, few carry much), so that a
 * table of hardware entries has something to choose from.  The first port has half of all
 * connections: whoever shares with it is to see that it is not starved.
 *
 * A packet is sent when its port's queue took it, and then it is counted here, for good; one that
 * found no room is tried again, and the connection is late by that.  Memory is allocated at the
 * start and does not grow. */
#pragma once

#include "core/base/thread.h"
#include "core/port/port.h"

#define LOAD_PORTS_MAX 16
#define LOAD_FRAME_LEN 64u /* each packet has so many bytes */

struct traffic_config {
	struct port *ports[LOAD_PORTS_MAX]; /* fake ones; borrowed */
	unsigned n_ports;
	uint32_t rate; /* connections a second, of all ports together */
	uint64_t seed;
};

struct traffic;

/* Packets and connections so far; what a thread wrote is seen once it has been stopped, before
 * that soon. */
struct traffic_counts {
	uint64_t opened;
	uint64_t packets[LOAD_PORTS_MAX];
	uint64_t open_now;
	uint64_t behind;    /* connections that the rate asks for and that are not open yet */
	uint64_t not_taken; /* times that a port's queue was full */
};

/* Starts sending.  Exits with a message when there is no thread to be had. */
struct traffic *traffic_start(const struct traffic_config *cfg);
void traffic_counts(const struct traffic *t, struct traffic_counts *c);
/* Stops; the counts stay readable until traffic_free(). */
void traffic_stop(struct traffic *t);
void traffic_free(struct traffic *t);
