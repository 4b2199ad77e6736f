/* SPDX-License-Identifier: Apache-2.0 */
#include "core/io/rtnl_msg.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/io/nl_dumps.h"

static const struct {
	int nle, code;
} codes[] = {
	{ NLE_INTR, EINTR },          { NLE_BAD_SOCK, EBADF },   { NLE_AGAIN, EAGAIN },
	{ NLE_NOMEM, ENOBUFS },       { NLE_EXIST, EEXIST },     { NLE_INVAL, EINVAL },
	{ NLE_RANGE, ERANGE },        { NLE_MSGSIZE, EMSGSIZE }, { NLE_OPNOTSUPP, EOPNOTSUPP },
	{ NLE_OBJ_NOTFOUND, ENOENT }, { NLE_PERM, EPERM },       { NLE_NOACCESS, EACCES },
	{ NLE_BUSY, EBUSY },          { NLE_NODEV, ENODEV },     { NLE_DUMP_INTR, EAGAIN },
};

int rtnl_msg_errno(int nle)
{
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (codes[i].nle == abs(nle))
			return -codes[i].code;
	return -EIO;
}

/* ---- Reading ------------------------------------------------------------------------------ */

static uint32_t get_u32(struct nlattr *a)
{
	return a && nla_len(a) >= (int)sizeof(uint32_t) ? nla_get_u32(a) : 0;
}

static void get_text(struct nlattr *a, char *text, size_t size)
{
	text[0] = '\0';
	if (a)
		(void)nla_strlcpy(text, a, size);
}

static void get_kind(struct nlattr *info, struct link_info *link)
{
	struct nlattr *a[IFLA_INFO_MAX + 1];

	if (info && !nla_parse_nested(a, IFLA_INFO_MAX, info, NULL))
		get_text(a[IFLA_INFO_KIND], link->kind, sizeof(link->kind));
}

static void get_mac(struct nlattr *a, struct link_info *link)
{
	if (!a || nla_len(a) != (int)sizeof(link->mac))
		return;
	memcpy(&link->mac, nla_data(a), sizeof(link->mac));
	link->has_mac = true;
}

bool rtnl_msg_parse(const struct nlmsghdr *nlh, struct link_info *link, bool *gone)
{
	struct nlmsghdr *h = (struct nlmsghdr *)(uintptr_t)nlh; /* libnl's reader has no const */
	const struct ifinfomsg *ifi;
	struct nlattr *a[IFLA_MAX + 1];

	if ((h->nlmsg_type != RTM_NEWLINK && h->nlmsg_type != RTM_DELLINK) ||
	    nlmsg_parse(h, sizeof(*ifi), a, IFLA_MAX, NULL))
		return false;
	ifi = nlmsg_data(h);
	if (ifi->ifi_family != AF_UNSPEC || ifi->ifi_index <= 0)
		return false; /* a bridge speaks of its ports with the same messages */
	*gone = h->nlmsg_type == RTM_DELLINK;
	*link = (struct link_info){ .ifindex = ifi->ifi_index, .flags = ifi->ifi_flags };
	link->up = ifi->ifi_flags & IFF_UP;
	link->running = ifi->ifi_flags & IFF_RUNNING;
	get_text(a[IFLA_IFNAME], link->name, sizeof(link->name));
	get_kind(a[IFLA_LINKINFO], link);
	get_mac(a[IFLA_ADDRESS], link);
	link->mtu = get_u32(a[IFLA_MTU]);
	link->master = (int)get_u32(a[IFLA_MASTER]);
	if (!a[IFLA_LINK_NETNSID])
		link->link = (int)get_u32(a[IFLA_LINK]);
	if (a[IFLA_OPERSTATE])
		link->operstate = nla_get_u8(a[IFLA_OPERSTATE]);
	return true;
}

/* ---- Requests ----------------------------------------------------------------------------- */

struct answer {
	void (*fn)(const struct link_info *link, void *arg); /* NULL: no links expected */
	void *arg;
	int code;        /* -errno that the kernel gave; 0: none */
	char words[160]; /* and its own words */
};

static int on_valid(struct nl_msg *msg, void *arg)
{
	struct answer *ans = arg;
	struct link_info link;
	bool gone;

	if (ans->fn && rtnl_msg_parse(nlmsg_hdr(msg), &link, &gone) && !gone)
		ans->fn(&link, ans->arg);
	return NL_OK;
}

/* The attributes behind an error (struct nlmsgerr, linux/netlink.h). */
static int on_error(struct sockaddr_nl *who UNUSED, struct nlmsgerr *e, void *arg)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)e - 1;
	struct nlattr *a[NLMSGERR_ATTR_MAX + 1];
	size_t skip = sizeof(*e);
	struct answer *ans = arg;

	ans->code = e->error;
	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
		return NL_STOP;
	if (!(h->nlmsg_flags & NLM_F_CAPPED))
		skip += e->msg.nlmsg_len - sizeof(e->msg);
	if (NLMSG_HDRLEN + skip < h->nlmsg_len &&
	    !nla_parse(a, NLMSGERR_ATTR_MAX, (struct nlattr *)(void *)((char *)e + skip),
		       (int)(h->nlmsg_len - NLMSG_HDRLEN - skip), NULL))
		get_text(a[NLMSGERR_ATTR_MSG], ans->words, sizeof(ans->words));
	return NL_STOP;
}

/* Receives until the answer is complete. */
static int receive(struct nl_sock *sock, struct answer *ans)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int rc;

	if (!cb)
		abort(); /* out of memory */
	(void)nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, ans);
	(void)nl_cb_err(cb, NL_CB_CUSTOM, on_error, ans);
	rc = nl_recvmsgs(sock, cb);
	nl_cb_put(cb);
	if (rc == -NLE_DUMP_INTR)
		nl_dumps_interrupted(NL_DUMPS_LINK);
	if (ans->code)
		return ans->code;
	return rc < 0 ? rtnl_msg_errno(rc) : 0;
}

int rtnl_msg_dump(struct nl_sock *sock, void (*fn)(const struct link_info *link, void *arg),
		  void *arg)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	struct answer ans = { .fn = fn, .arg = arg };
	int rc = nl_send_simple(sock, RTM_GETLINK, NLM_F_DUMP, &ifi, sizeof(ifi));

	return rc < 0 ? rtnl_msg_errno(rc) : receive(sock, &ans);
}

static int send_change(struct nl_sock *sock, const struct rtnl_change_request *req)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC,
				 .ifi_index = req->ifindex,
				 .ifi_flags = req->flags,
				 .ifi_change = req->change };
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK);
	int rc;

	if (!msg || nlmsg_append(msg, &ifi, sizeof(ifi), NLMSG_ALIGNTO) ||
	    (req->type && nla_put(msg, req->type, req->len, req->data)))
		abort(); /* out of memory */
	rc = nl_send_auto(sock, msg);
	nlmsg_free(msg);
	return rc;
}

int rtnl_msg_change(struct nl_sock *sock, const struct rtnl_change_request *req, struct error *err)
{
	struct answer ans = { .fn = NULL };
	int rc = send_change(sock, req);

	rc = rc < 0 ? rtnl_msg_errno(rc) : receive(sock, &ans);
	if (rc)
		return error_set(err, -rc, NULL, "%s",
				 ans.words[0] ? ans.words : strerrordesc_np(-rc));
	return 0;
}

struct nl_sock *rtnl_msg_socket(struct error *err)
{
	struct nl_sock *sock = nl_socket_alloc();
	int rc, one = 1;

	if (!sock)
		abort(); /* out of memory */
	rc = nl_connect(sock, NETLINK_ROUTE);
	if (rc < 0) {
		(void)error_set(err, -rtnl_msg_errno(rc), NULL, "cannot open rtnetlink (%s)",
				nl_geterror(rc));
		nl_socket_free(sock);
		return NULL;
	}
	/* Older kernels have neither: errors then come without words. */
	(void)setsockopt(nl_socket_get_fd(sock), SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	(void)setsockopt(nl_socket_get_fd(sock), SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	return sock;
}
