/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the underlay: far ends, devices, the waiting room. */
#pragma once

#include "core/base/htable.h"
#include "core/base/lock.h"
#include "core/base/rcu.h"
#include "core/base/thread.h"
#include "core/io/loop.h"
#include "core/io/neigh.h"
#include "core/io/route.h"
#include "core/io/rtnl.h"
#include "core/port/af_ring.h"
#include "core/port/underlay.h"

#define ROOM_FRAME 2048u /* longest frame that waits */

struct underlay_dev {
	int ifindex;
	uint32_t mtu;
	struct af_tx tx;
	_Atomic unsigned refs;     /* the thread's list, and a grace period under way */
	_Atomic bool quiet;        /* no reader has it any more */
	unsigned users;            /* thread: paths of ends */
	struct underlay_dev *next; /* thread: in underlay.retired */
};

struct underlay_devs { /* immutable; RCU */
	size_t n;
	struct underlay_dev *dev[];
};

struct underlay_end {
	struct be128 dst, src;
	struct underlay_path *path; /* RCU; NULL: none */
	_Atomic uint8_t state;      /* enum underlay_state; means something while path is NULL */
	_Atomic bool used;          /* since the thread last looked */

	/* the thread's own */
	struct hnode node; /* in underlay.by_neigh, while has_route */
	struct route route;
	bool has_route;
	uint64_t asked_ns; /* the kernel was asked for the neighbour, and has not answered; 0: no */
	unsigned idle;     /* looks without use */
};

struct underlay_ends { /* immutable but for what hangs on an end; RCU */
	size_t mask, n;
	struct underlay_end *slots[]; /* NULL: free; at most half full */
};

struct waiting { /* a packet in the room */
	bool busy;
	uint64_t seq, since_ns;
	struct be128 dst, src;
	struct packet p; /* data, tnl point into this */
	struct flow_tnl tnl;
	uint8_t bytes[PACKET_HEADROOM + ROOM_FRAME];
};

struct underlay {
	struct underlay_ops ops;
	void *arg;
	struct underlay_ends *ends; /* RCU */
	struct underlay_devs *devs; /* RCU */

	struct lock lock;     /* guards the room and the counts */
	struct waiting *room; /* owned; UNDERLAY_ROOM */
	uint64_t next_seq;
	_Atomic unsigned n_waiting;
	uint64_t gone_full, gone_down; /* of devices that are no more */

	/* the thread's own, once it runs */
	struct thread thread;
	struct loop *loop;
	struct loop_timer *tick, *refresh;
	struct rtnl *rtnl;
	struct rtnl_watch *links;
	struct routes *routes;
	struct neighs *neighs;
	struct htable by_neigh; /* ends, by device and next hop */
	struct underlay_dev *retired;
	unsigned ticks;
};

/* underlay.c */
struct underlay_end *underlay_end_find(const struct underlay_ends *ends, const struct be128 *dst,
				       const struct be128 *src);
/* NULL: there are too many. */
struct underlay_end *underlay_end_add(struct underlay *u, const struct be128 *dst,
				      const struct be128 *src);
void underlay_end_remove(struct underlay *u, struct underlay_end *e);

/* underlay_room.c; the thread */
/* Sends (why OK) or drops what waits for this end, oldest first. */
void underlay_room_release(struct underlay *u, const struct underlay_end *e,
			   enum underlay_state why);
/* Gives each pair of addresses that something waits for to fn. */
void underlay_room_visit(struct underlay *u, void (*fn)(struct underlay *u, const struct be128 *dst,
							const struct be128 *src));
/* Drops what came before `before_ns`, all of it with UINT64_MAX. */
void underlay_room_expire(struct underlay *u, uint64_t before_ns, enum underlay_state why);

/* underlay_dev.c; the thread */
struct underlay_dev *underlay_dev_get(struct underlay *u, int ifindex, uint32_t mtu);
void underlay_dev_put(struct underlay *u, struct underlay_dev *d); /* NULL is fine */
void underlay_devs_reap(struct underlay *u);
void underlay_devs_free(struct underlay *u);

/* underlay_resolve.c */
int underlay_resolver_open(struct underlay *u, struct error *err) MUST_CHECK;
void underlay_resolver_close(struct underlay *u);
void underlay_main(struct thread *t, void *underlay);
/* Exchanges the end's path; takes `path`.  The thread. */
void underlay_set_path(struct underlay *u, struct underlay_end *e, struct underlay_path *path,
		       enum underlay_state state);
