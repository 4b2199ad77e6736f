/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's links (network interfaces) of this thread's namespace: a cache that follows them,
 * and the few changes that a switch makes to them (libnl-3, rtnetlink(7)).
 *
 * The cache is filled before rtnl_new() returns and then follows the kernel's notifications on the
 * loop.  When the kernel has dropped some (ENOBUFS), everything is read anew and the differences
 * are reported as if each had been notified: a watcher never misses a state, though it may miss a
 * state that came and went.  Nothing is reported from inside rtnl_new().
 *
 * All calls and callbacks on the loop's thread, which must stay in the namespace where rtnl_new()
 * was called (the sockets stay there; only the name lookups of others would differ). */
#pragma once

#include "core/base/err.h"
#include "core/base/types.h"
#include "core/io/link_info.h"

struct loop;
struct rtnl;
struct rtnl_watch;

enum rtnl_change { RTNL_NEW, RTNL_CHANGED, RTNL_GONE };

/* `was` is the former state (NULL for NEW), `now` the new one (NULL for GONE); both borrowed until
 * it returns.  A rename is CHANGED with other names. */
typedef void rtnl_fn(enum rtnl_change change, const struct link_info *was,
		     const struct link_info *now, void *arg);

/* NULL and *err when netlink is not there. */
struct rtnl *rtnl_new(struct loop *l, struct error *err);
void rtnl_free(struct rtnl *r); /* NULL is fine */

/* Borrowed until the next turn of the loop; NULL when there is none. */
const struct link_info *rtnl_by_name(const struct rtnl *r, const char *name);
const struct link_info *rtnl_by_index(const struct rtnl *r, int ifindex);
/* In no order, until fn returns false. */
void rtnl_each(const struct rtnl *r, bool (*fn)(const struct link_info *link, void *arg),
	       void *arg);
/* Notes every change; watchers run in the order in which they came. */
struct rtnl_watch *rtnl_watch_new(struct rtnl *r, rtnl_fn *fn, void *arg);
void rtnl_watch_free(struct rtnl_watch *w);

/* Blocking requests (well under a millisecond).  0, -ENODEV, -EPERM, or the driver's -errno with
 * its own words in *err. */
int rtnl_set_up(struct rtnl *r, int ifindex, bool up, struct error *err);
int rtnl_set_mtu(struct rtnl *r, int ifindex, uint32_t mtu, struct error *err);
int rtnl_set_mac(struct rtnl *r, int ifindex, const struct eth_addr *mac, struct error *err);

struct rtnl_stats {
	uint64_t events, overruns, dumps;
	size_t links;
};
void rtnl_get_stats(const struct rtnl *r, struct rtnl_stats *st);
