/* SPDX-License-Identifier: Apache-2.0 */
/* What is plugged into a switch's four ports: fake ports, pairs of veth devices, or a NIC of
 * nicsim's.
 *
 * Frames go in and come out whole: a tag that a kernel keeps beside the frame is put back, and a
 * checksum that is begun only is finished, so that what comes out can be compared byte for byte.
 */
#pragma once

#include "core/port/port.h"
#include "tests/agree/case.h"

struct wires {
	const struct wires_ops *ops;
	char near[AGREE_PORTS][16], far[AGREE_PORTS][16]; /* devices; far: none for fake ports */
	unsigned base;                                    /* devices' numbers begin here */
	struct port *port[AGREE_PORTS];                   /* referenced; fake ports only */
	int fd[AGREE_PORTS];                              /* at the far devices */
};

struct wires_ops {
	const char *type; /* of the ports on them */
	bool guest;       /* only in a guest of the lab */
	/* Makes the devices; w->base and w->ops are set. */
	void (*open)(struct wires *w);
	/* The ports are there. */
	void (*join)(struct wires *w, unsigned i, struct port *p);
	void (*close)(struct wires *w);
	/* False: there is no room just now. */
	bool (*send)(struct wires *w, const struct agree_packet *p);
	/* The next frame that came out of port i, or 0; room for AGREE_FRAME + 64 bytes. */
	size_t (*receive)(struct wires *w, unsigned i, uint8_t *frame);
};

#define WIRES_ROOM (AGREE_FRAME + 64)

extern const struct wires_ops wires_fake, wires_veth, wires_nicsim;

/* The packet as a port would bring it: packet_free(). */
struct packet *wires_packet(const struct agree_packet *p);
/* Ends a checksum that is begun only, from `start`, in the 16 bits at start + ofs. */
void wires_finish(uint8_t *frame, size_t len, size_t start, size_t ofs);
/* The frame as it leaves us; its length. */
size_t wires_take(const struct packet *p, uint8_t *frame);
