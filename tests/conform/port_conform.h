/* SPDX-License-Identifier: Apache-2.0 */
/* What every kind of port must do, as one Check suite.
 *
 * A kind brings an environment: how to make a port, how the other end of its wire sends and
 * receives, and what it cannot do.  Frames that the test sends carry EtherType 0x88b5 (local
 * experiments, IEEE 802), so that whatever else is on the wire can be told apart. */
#pragma once

#include <check.h>

#include "core/port/port.h"

#define CONFORM_TYPE 0x88b5

struct port_env {
	const char *name;
	/* A port with the other end of its wire in place, up. */
	struct port *(*open)(void);
	/* The other end sends a frame / gives the next frame of the test's own within a second (its
	 * length, 0 = none). */
	void (*peer_send)(const void *frame, size_t len);
	size_t (*peer_recv)(void *frame, size_t size);
	/* Takes the device away under the port; NULL: cannot happen. */
	void (*vanish)(void);
	bool other_traffic; /* counters may show more than the test's frames */
	uint32_t mtu;       /* frames longer than this and headers are dropped; 0 = any */
	bool has_link;      /* set_up(false) stops sending */
};

Suite *port_conform_suite(const struct port_env *env);
