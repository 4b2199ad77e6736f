/* SPDX-License-Identifier: Apache-2.0 */
/* The network under a tunnel: for each far end the device, the link-layer addresses and the source
 * address that its packets leave with, from the kernel's live routes and neighbours.
 *
 * A thread of its own asks the kernel (core/io/route.h, neigh.h) and follows its notices; what it
 * knows of a far end is an immutable path that workers read under RCU: a packet costs one lookup in
 * a hash table, no lock and no system call.  A far end nobody has asked for yet is resolved while
 * its first packets wait in a small room; what does not fit there, or waits too long, is dropped,
 * and the owner counts why.  When a route or neighbour changes, the next packet leaves with the new
 * header; the old path stays until the new one is complete, for as long as its device is there.
 *
 * Frames leave by AF_PACKET on the route's device.  An internal port of a bridge is such a device,
 * too: what is sent there the bridge receives from its own port, as it does the host's packets.
 *
 * Threads: said with each call. */
#pragma once

#include "core/base/err.h"
#include "core/base/ip_addr.h"
#include "core/packet/packet.h"

#define UNDERLAY_WAIT_MS 3000  /* longest that a packet waits */
#define UNDERLAY_ROOM 128u     /* packets that wait at once */
#define UNDERLAY_ENDS_MAX 4096 /* far ends known at once */

struct underlay;

/* Why there is no path. */
enum underlay_state {
	UNDERLAY_OK,
	UNDERLAY_WAITING,      /* asked for; the packet waits, or its like do */
	UNDERLAY_NO_ROUTE,     /* the kernel has none, or only one that cannot be used */
	UNDERLAY_NO_NEIGHBOUR, /* nobody answers */
	UNDERLAY_FULL,         /* no more room for waiting */
};

struct underlay_dev;

struct underlay_path { /* immutable; RCU */
	struct eth_addr dl_dst, dl_src;
	struct be128 src;         /* the outer source address */
	struct be128 next;        /* whose address dl_dst is */
	uint32_t mtu;             /* bytes of an IP packet */
	struct underlay_dev *dev; /* the path's reference */
};

struct underlay_ops {
	/* A packet that waited can go; borrowed for the call.  The underlay's thread, in an RCU
	 * section. */
	void (*send)(void *arg, struct packet *p);
	/* One waited in vain. */
	void (*drop)(void *arg, enum underlay_state why);
};

/* NULL and *err when there is no netlink or no thread.  Main thread. */
struct underlay *underlay_new(const struct underlay_ops *ops, void *arg, struct error *err);
/* No caller is in any of the calls below any more.  What still waits is dropped.  NULL is fine. */
void underlay_free(struct underlay *u);

/* --- any thread, in an RCU section --- */

/* The path to send with from src (zero: whatever is usual) to dst, good until the section ends.
 * NULL and *why.  UNDERLAY_WAITING: underlay_wait() takes the packet. */
const struct underlay_path *underlay_path(struct underlay *u, const struct be128 *dst,
					  const struct be128 *src, enum underlay_state *why);
/* Keeps a copy of p, *p->tnl included, until the path is known.  False: there is no room for it. */
bool underlay_wait(struct underlay *u, const struct be128 *dst, const struct be128 *src,
		   const struct packet *p);
/* Sends n frames, Ethernet header first, out of the path's device; copied. */
void underlay_send(const struct underlay_path *path, struct packet *const frames[], unsigned n);
/* Pushes out what is on its way in any device. */
void underlay_flush(struct underlay *u);

/* fn for each far end that there is a path to; any thread. */
void underlay_visit(struct underlay *u, void (*fn)(const struct underlay_path *path, void *arg),
		    void *arg);
/* The device that a path leaves by. */
int underlay_path_ifindex(const struct underlay_path *path);

struct underlay_stats {
	uint64_t ends, waiting;
	uint64_t full, down; /* frames that devices had no room for, or were down for */
};
void underlay_get_stats(struct underlay *u, struct underlay_stats *st);
