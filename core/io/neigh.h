/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's neighbours: which link-layer address an IP address of a link has (rtnetlink(7),
 * RTM_GETNEIGH), asking for one to be found, and word of changes.
 *
 * Resolving is the kernel's work, ARP and neighbour discovery, its retries, confirmation and ageing
 * included; who sends past the kernel's own stack tells it by neigh_use() what is in use, so that
 * it keeps and confirms the entry as for its own traffic.
 *
 * Threads: the loop's, whose network namespace it is.  Requests block for some microseconds. */
#pragma once

#include "core/base/err.h"
#include "core/base/types.h"

struct loop;
struct neighs;

enum neigh_state {
	NEIGH_UNKNOWN, /* nobody has asked yet */
	NEIGH_ASKING,  /* the kernel is asking */
	NEIGH_FAILED,  /* nobody answered */
	NEIGH_VALID,   /* *mac is right, as far as is known */
};

struct neigh_info {
	enum neigh_state state;
	struct eth_addr mac; /* with NEIGH_VALID */
	bool fixed;          /* somebody has set it, or there is nobody to ask: it needs no care */
};

/* A neighbour of `ifindex` is other than it was; addr NULL: any of any may be (notices were lost).
 */
typedef void neigh_fn(int ifindex, const struct be128 *addr, const struct neigh_info *now,
		      void *arg);

struct neighs *neighs_new(struct loop *l, neigh_fn *changed, void *arg, struct error *err);
void neighs_free(struct neighs *n); /* NULL is fine */
/* What the kernel has now.  0, or netlink's -errno. */
int neigh_get(struct neighs *n, int ifindex, const struct be128 *addr,
	      struct neigh_info *ret) MUST_CHECK;
/* It is, or is to be, sent to: an unknown one is asked for, a stale one confirmed, a fixed one left
 * alone.  0 or -errno (-EINVAL: not a neighbour's address). */
int neigh_use(struct neighs *n, int ifindex, const struct be128 *addr) MUST_CHECK;
