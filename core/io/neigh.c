/* SPDX-License-Identifier: Apache-2.0 */
#include "core/io/neigh.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "core/base/ip_addr.h"
#include "core/base/xalloc.h"
#include "core/io/loop.h"
#include "core/io/nl.h"

#define VALID_STATES (NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY)

struct neighs {
	struct nl_chan *requests, *events; /* owned */
	struct nl_batch batch;
	struct loop_fd *watch; /* owned */
	neigh_fn *changed;
	void *arg;
};

/* --- reading --- */

static enum neigh_state state_of(uint16_t nud)
{
	if (nud & VALID_STATES)
		return NEIGH_VALID;
	if (nud & NUD_INCOMPLETE)
		return NEIGH_ASKING;
	return nud & NUD_FAILED ? NEIGH_FAILED : NEIGH_UNKNOWN;
}

/* False: it is no neighbour of a kind that matters here. */
static bool read_neigh(const struct nlmsghdr *h, int *ifindex, struct be128 *addr,
		       struct neigh_info *info)
{
	static const struct nlattr_policy policy[NDA_LLADDR + 1] = {
		[NDA_DST] = { 4, 16 }, [NDA_LLADDR] = NLATTR_ANY
	};
	const struct ndmsg *ndm = (const void *)(h + 1);
	const struct nlattr *a[NDA_LLADDR + 1];

	if ((h->nlmsg_type != RTM_NEWNEIGH && h->nlmsg_type != RTM_DELNEIGH) ||
	    h->nlmsg_len < NLMSG_LENGTH(sizeof(*ndm)) ||
	    (ndm->ndm_family != AF_INET && ndm->ndm_family != AF_INET6) ||
	    nlattr_parse(ndm + 1, h->nlmsg_len - NLMSG_LENGTH(sizeof(*ndm)), policy, NDA_LLADDR + 1,
			 a) < 0 ||
	    !a[NDA_DST] || nlattr_len(a[NDA_DST]) != (ndm->ndm_family == AF_INET ? 4 : 16))
		return false;
	*ifindex = ndm->ndm_ifindex;
	if (ndm->ndm_family == AF_INET)
		*addr = ip_addr4(nlattr_be32(a[NDA_DST]));
	else
		memcpy(addr, nlattr_data(a[NDA_DST]), sizeof(*addr));
	*info = (struct neigh_info){ .state = state_of(ndm->ndm_state),
				     .fixed = ndm->ndm_state & (NUD_PERMANENT | NUD_NOARP) };
	if (h->nlmsg_type == RTM_DELNEIGH)
		info->state = NEIGH_UNKNOWN;
	if (info->state != NEIGH_VALID)
		return true;
	if (a[NDA_LLADDR] && nlattr_len(a[NDA_LLADDR]) == sizeof(info->mac))
		memcpy(&info->mac, nlattr_data(a[NDA_LLADDR]), sizeof(info->mac));
	else
		info->state = NEIGH_FAILED; /* not an Ethernet */
	return true;
}

/* --- asking --- */

static void put_request(struct nl_batch *b, uint16_t type, uint16_t flags, const struct ndmsg *ndm,
			const struct be128 *addr)
{
	(void)nl_batch_add(b, type, flags);
	buf_put(&b->buf, ndm, sizeof(*ndm));
	if (ndm->ndm_family == AF_INET)
		nlattr_put(&b->buf, NDA_DST, &addr->w[3], 4);
	else
		nlattr_put(&b->buf, NDA_DST, addr, 16);
}

static int request(struct neighs *n, uint16_t type, uint16_t flags, struct ndmsg ndm,
		   const struct be128 *addr)
{
	int rc;

	ndm.ndm_family = ip_addr_is4(addr) ? AF_INET : AF_INET6;
	nl_batch_clear(&n->batch);
	put_request(&n->batch, type, flags, &ndm, addr);
	rc = nl_chan_do(n->requests, &n->batch);
	return rc ? rc : nl_batch_code(&n->batch, 0);
}

int neigh_get(struct neighs *n, int ifindex, const struct be128 *addr, struct neigh_info *ret)
{
	int rc = request(n, RTM_GETNEIGH, 0, (struct ndmsg){ .ndm_ifindex = ifindex }, addr);
	const struct nlmsghdr *h = rc ? NULL : nl_batch_data(&n->batch, 0);
	struct be128 whose;

	if (rc && rc != -ENOENT)
		return rc;
	if (!h || !read_neigh(h, &ifindex, &whose, ret))
		*ret = (struct neigh_info){ .state = NEIGH_UNKNOWN };
	return 0;
}

int neigh_use(struct neighs *n, int ifindex, const struct be128 *addr)
{
	struct ndmsg ndm = { .ndm_ifindex = ifindex, .ndm_flags = NTF_USE, .ndm_state = NUD_NONE };
	struct neigh_info now;
	int rc = neigh_get(n, ifindex, addr, &now);

	if (rc || now.fixed) /* since Linux 5.16 use makes a permanent entry an ordinary one */
		return rc;
	return request(n, RTM_NEWNEIGH, NLM_F_CREATE, ndm, addr);
}

/* --- being told --- */

static void on_notice(const struct nlmsghdr *h, void *arg)
{
	struct neighs *n = arg;
	struct neigh_info info;
	struct be128 addr;
	int ifindex;

	if (read_neigh(h, &ifindex, &addr, &info))
		n->changed(ifindex, &addr, &info, n->arg);
}

static void on_readable(int fd UNUSED, unsigned int events UNUSED, void *arg)
{
	struct neighs *n = arg;

	if (nl_chan_notices(n->events, on_notice, n) == -ENOBUFS)
		n->changed(0, NULL, NULL, n->arg);
}

struct neighs *neighs_new(struct loop *l, neigh_fn *changed, void *arg, struct error *err)
{
	struct neighs *n = xzalloc(sizeof(*n));
	int rc;

	nl_batch_init(&n->batch);
	n->changed = changed;
	n->arg = arg;
	if (nl_chan_open(NETLINK_ROUTE, &n->requests, err) ||
	    nl_chan_open(NETLINK_ROUTE, &n->events, err))
		goto fail;
	rc = nl_chan_join(n->events, RTNLGRP_NEIGH);
	if (rc) {
		error_set(err, -rc, NULL, "cannot follow the kernel's neighbours (%s)",
			  strerrordesc_np(-rc));
		goto fail;
	}
	n->watch = loop_fd_new(l, nl_chan_fd(n->events), LOOP_READ, on_readable, n, err);
	if (n->watch)
		return n;
fail:
	neighs_free(n);
	return NULL;
}

void neighs_free(struct neighs *n)
{
	if (!n)
		return;
	loop_fd_free(n->watch);
	nl_chan_close(n->events);
	nl_chan_close(n->requests);
	nl_batch_done(&n->batch);
	free(n);
}
