/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's answer to "how does a packet get there": device, next hop, source address
 * (rtnetlink(7), RTM_GETROUTE), and word when an answer may have changed.
 *
 * Asked, not copied: rules, several tables, metrics, multipath and VRFs are the kernel's to apply,
 * and a host with a full table costs nothing here.  Whoever keeps an answer asks again when told
 * that something changed: a route, a rule, an address, a device, a next hop.  Changes of one moment
 * are told once, at most each ROUTE_QUIET_MS.
 *
 * Threads: the loop's, whose network namespace it is.  A lookup blocks for some microseconds. */
#pragma once

#include "core/base/err.h"
#include "core/base/types.h"

#define ROUTE_QUIET_MS 50

struct loop;
struct routes;

struct route {
	int ifindex;
	struct be128 src;  /* to send from, as asked for or as the kernel chooses; zero: none */
	struct be128 next; /* whose link-layer address it takes: the gateway, or dst itself */
	uint32_t mtu;      /* the route's own; 0: the device's counts */
	bool local;        /* dst is an address of this host */
};

struct route_entry { /* a line of the kernel's tables */
	struct be128 dst;
	uint8_t prefix; /* bits of the address's own family */
	bool has_gateway;
	struct route to; /* next: the gateway, when there is one */
};

/* changed(arg): ask again.  NULL and *err when netlink is not there. */
struct routes *routes_new(struct loop *l, void (*changed)(void *arg), void *arg, struct error *err);
void routes_free(struct routes *r); /* NULL is fine */
/* Addresses as in ip_addr.h; src zero: any.  0 and *ret; -ENETUNREACH, -EHOSTUNREACH, -EACCES: the
 * kernel's tables have no way or forbid it; -EINVAL: no such source here; or netlink's -errno. */
int route_lookup(struct routes *r, const struct be128 *dst, const struct be128 *src,
		 struct route *ret) MUST_CHECK;
/* fn for each unicast and local route that leads to one device, of the main and local tables: for
 * people, who want to see them.  0; -EINTR: they changed meanwhile, -errno. */
int routes_visit(struct routes *r, void (*fn)(const struct route_entry *e, void *arg),
		 void *arg) MUST_CHECK;
