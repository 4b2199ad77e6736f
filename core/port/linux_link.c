/* SPDX-License-Identifier: Apache-2.0 */
#include "core/port/linux_link.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* <net/if.h> collides with <linux/if.h>. */
unsigned if_nametoindex(const char *name);
char *if_indextoname(unsigned ifindex, char *name);

#define ANSWER_SIZE (32u << 10) /* one link with all its attributes */

/* Sends one request and gives its answers to cb.  0 or -errno. */
static int talk(struct nlmsghdr *req, mnl_cb_t cb, void *arg)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	char buf[ANSWER_SIZE];
	ssize_t n;
	int rc = 1;

	if (!nl)
		return -errno;
	req->nlmsg_seq = 1;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(nl, req, req->nlmsg_len) < 0)
		rc = -errno;
	while (rc > 0) {
		n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		if (n < 0)
			rc = -errno;
		else if (mnl_cb_run(buf, (size_t)n, 1, mnl_socket_get_portid(nl), cb, arg) < 0)
			rc = -errno;
		else
			rc = 0; /* the answer, or the acknowledgement, of one request */
	}
	(void)mnl_socket_close(nl);
	return rc;
}

static struct nlmsghdr *link_request(char *buf, uint16_t type, int ifindex, uint32_t flags,
				     uint32_t change)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *ifi;

	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | (type == RTM_NEWLINK ? NLM_F_ACK : 0);
	ifi = mnl_nlmsg_put_extra_header(h, sizeof(*ifi));
	ifi->ifi_index = ifindex;
	ifi->ifi_flags = flags;
	ifi->ifi_change = change;
	return h;
}

int linux_link_find(const char *name, int *ret)
{
	unsigned i = strlen(name) < IFNAMSIZ ? if_nametoindex(name) : 0;

	if (!i)
		return -ENODEV;
	*ret = (int)i;
	return 0;
}

/* ---- state ---- */

static void get_switch_id(const struct nlattr *a, struct port_state *st)
{
	const uint8_t *id = mnl_attr_get_payload(a);
	size_t n = MIN(mnl_attr_get_payload_len(a), (sizeof(st->phys_switch_id) - 1) / 2);

	for (size_t i = 0; i < n; i++)
		(void)snprintf(st->phys_switch_id + 2 * i, 3, "%02x", id[i]);
}

struct link_attrs {
	struct port_state *st;
	const struct nlattr *info; /* IFLA_LINKINFO */
	int master;
	bool is_bond;
};

static int on_slave_kind(const struct nlattr *a, void *arg)
{
	struct link_attrs *l = arg;

	if (mnl_attr_get_type(a) == IFLA_INFO_SLAVE_KIND)
		l->is_bond = !strcmp(mnl_attr_get_str(a), "bond");
	return MNL_CB_OK;
}

static int on_link_attr(const struct nlattr *a, void *arg)
{
	struct link_attrs *l = arg;

	switch (mnl_attr_get_type(a)) {
	case IFLA_ADDRESS:
		if (mnl_attr_get_payload_len(a) == sizeof(l->st->mac))
			memcpy(&l->st->mac, mnl_attr_get_payload(a), sizeof(l->st->mac));
		break;
	case IFLA_MTU: l->st->mtu = mnl_attr_get_u32(a); break;
	case IFLA_CARRIER: l->st->carrier = mnl_attr_get_u8(a); break;
	case IFLA_CARRIER_CHANGES: l->st->link_resets = mnl_attr_get_u32(a); break;
	case IFLA_PHYS_SWITCH_ID: get_switch_id(a, l->st); break;
	case IFLA_MASTER: l->master = (int)mnl_attr_get_u32(a); break;
	case IFLA_LINKINFO: l->info = a; break;
	default: break;
	}
	return MNL_CB_OK;
}

static int on_link(const struct nlmsghdr *h, void *arg)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(h);
	struct link_attrs l = { .st = arg };
	char name[IFNAMSIZ];

	l.st->ifindex = ifi->ifi_index;
	l.st->admin_up = ifi->ifi_flags & IFF_UP;
	l.st->carrier = ifi->ifi_flags & IFF_LOWER_UP;
	if (mnl_attr_parse(h, sizeof(*ifi), on_link_attr, &l) < 0)
		return MNL_CB_ERROR;
	if (l.info)
		(void)mnl_attr_parse_nested(l.info, on_slave_kind, &l); /* no kind: no bond */
	if (l.is_bond && l.master && if_indextoname((unsigned)l.master, name))
		(void)snprintf(l.st->bond_master, sizeof(l.st->bond_master), "%s", name);
	return MNL_CB_OK;
}

int linux_link_state(int ifindex, struct port_state *st)
{
	char req[MNL_NLMSG_HDRLEN + 64];
	int rc;

	memset(st, 0, sizeof(*st));
	rc = talk(link_request(req, RTM_GETLINK, ifindex, 0, 0), on_link, st);
	if (!rc)
		linux_ethtool_state(ifindex, st);
	return rc;
}

int linux_link_is_free(const char *name, struct error *err)
{
	struct port_state st;
	int ifindex;

	if (linux_link_find(name, &ifindex) || linux_link_state(ifindex, &st) || !*st.bond_master)
		return 0;
	return error_set(err, EBUSY, "name", "%s is a slave of %s: what comes in by it is %s's",
			 name, st.bond_master, st.bond_master);
}

static int on_mtu_attr(const struct nlattr *a, void *arg)
{
	if (mnl_attr_get_type(a) == IFLA_MTU)
		*(uint32_t *)arg = mnl_attr_get_u32(a);
	return MNL_CB_OK;
}

static int on_mtu(const struct nlmsghdr *h, void *arg)
{
	return mnl_attr_parse(h, sizeof(struct ifinfomsg), on_mtu_attr, arg);
}

uint32_t linux_link_mtu(int ifindex)
{
	char req[MNL_NLMSG_HDRLEN + 64];
	uint32_t mtu = 0;

	return talk(link_request(req, RTM_GETLINK, ifindex, 0, 0), on_mtu, &mtu) ? 0 : mtu;
}

/* ---- counters ---- */

static int on_stats_attr(const struct nlattr *a, void *arg)
{
	if (mnl_attr_get_type(a) == IFLA_STATS_LINK_64)
		memcpy(arg, mnl_attr_get_payload(a),
		       MIN(sizeof(struct rtnl_link_stats64), mnl_attr_get_payload_len(a)));
	return MNL_CB_OK;
}

static int on_stats(const struct nlmsghdr *h, void *arg)
{
	struct port_stats *st = arg;
	struct rtnl_link_stats64 s;

	memset(&s, 0, sizeof(s));
	if (mnl_attr_parse(h, sizeof(struct if_stats_msg), on_stats_attr, &s) < 0)
		return MNL_CB_ERROR;
	st->rx_packets = s.rx_packets;
	st->tx_packets = s.tx_packets;
	st->rx_bytes = s.rx_bytes;
	st->tx_bytes = s.tx_bytes;
	st->rx_dropped = s.rx_dropped;
	st->tx_dropped = s.tx_dropped;
	st->rx_errors = s.rx_errors;
	st->tx_errors = s.tx_errors;
	st->rx_frame_err = s.rx_frame_errors;
	st->rx_over_err = s.rx_over_errors;
	st->rx_crc_err = s.rx_crc_errors;
	st->collisions = s.collisions;
	return MNL_CB_OK;
}

int linux_link_stats(int ifindex, struct port_stats *st)
{
	char buf[MNL_NLMSG_HDRLEN + 64];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct if_stats_msg *m;

	memset(st, 0, sizeof(*st));
	h->nlmsg_type = RTM_GETSTATS;
	h->nlmsg_flags = NLM_F_REQUEST;
	m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->ifindex = (uint32_t)ifindex;
	m->filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64);
	return talk(h, on_stats, st);
}

/* ---- changes ---- */

int linux_link_set_up(int ifindex, bool up)
{
	char req[MNL_NLMSG_HDRLEN + 64];

	return talk(link_request(req, RTM_NEWLINK, ifindex, up ? IFF_UP : 0, IFF_UP), NULL, NULL);
}

int linux_link_set(int ifindex, const struct eth_addr *mac, uint32_t mtu)
{
	char buf[MNL_NLMSG_HDRLEN + 128];
	struct nlmsghdr *h = link_request(buf, RTM_NEWLINK, ifindex, 0, 0);

	if (!mac && !mtu)
		return 0;
	if (mac)
		mnl_attr_put(h, IFLA_ADDRESS, sizeof(*mac), mac);
	if (mtu)
		mnl_attr_put_u32(h, IFLA_MTU, mtu);
	return talk(h, NULL, NULL);
}
