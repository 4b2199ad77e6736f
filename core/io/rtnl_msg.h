/* SPDX-License-Identifier: Apache-2.0 */
/* The messages behind core/io/rtnl.h: reading and requesting links (rtnetlink(7), if_link.h). */
#pragma once

#include "core/base/err.h"
#include "core/base/types.h"
#include "core/io/link_info.h"

struct nl_msg;
struct nl_sock;
struct nlmsghdr;

/* Reads RTM_NEWLINK or RTM_DELLINK.  False: not a link's message, or one of a bridge port. */
bool rtnl_msg_parse(const struct nlmsghdr *nlh, struct link_info *link, bool *gone) MUST_CHECK;

/* Dumps all links, fn(link, arg) for each.  0, -EAGAIN (they changed meanwhile and the dump may be
 * incomplete), or another -errno.  Blocks. */
int rtnl_msg_dump(struct nl_sock *sock, void (*fn)(const struct link_info *link, void *arg),
		  void *arg) MUST_CHECK;

/* RTM_SETLINK: flags (where `change` has bits) and one attribute (`type` 0: none).  0, or the
 * kernel's -errno with its words in *err.  Blocks. */
struct rtnl_change_request {
	int ifindex;
	uint32_t flags, change;
	int type; /* IFLA_* */
	const void *data;
	int len;
};
int rtnl_msg_change(struct nl_sock *sock, const struct rtnl_change_request *req,
		    struct error *err) MUST_CHECK;

/* A connected socket for requests, with the kernel's own words in its errors.  NULL and *err. */
struct nl_sock *rtnl_msg_socket(struct error *err);
int rtnl_msg_errno(int nle); /* libnl's -NLE_* as -errno */
