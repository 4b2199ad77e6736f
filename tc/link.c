/* SPDX-License-Identifier: Apache-2.0 */
#include "tc/link.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/xalloc.h"
#include "tc/flower_action.h"

#define LIST_TRIES 5u

/* <net/if.h> collides with <linux/if.h>. */
char *if_indextoname(unsigned ifindex, char *name);

/* --- one request --- */

/* Sends the only request of the batch; its result. */
static int ask(struct nl_chan *c, struct nl_batch *b, struct error *err, const char *what)
{
	int rc = nl_chan_do(c, b);

	if (rc)
		return error_set(err, -rc, NULL, "%s: %s", what, strerror(-rc));
	return nl_batch_code(b, 0) ? nl_batch_error(b, 0, err, what) : 0;
}

int tc_read_list(int (*fn)(void *arg), void *arg)
{
	int rc = -EINTR;

	for (unsigned i = 0; rc == -EINTR && i < LIST_TRIES; i++)
		rc = fn(arg);
	return rc;
}

/* --- links --- */

static const struct nlattr_policy link_policy[IFLA_LINKINFO + 1] = {
	[IFLA_ADDRESS] = NLATTR_ANY,
	[IFLA_IFNAME] = { 1, IFNAMSIZ },
	[IFLA_MASTER] = NLATTR_EXACT(4),
	[IFLA_LINKINFO] = NLATTR_ANY,
};
static const struct nlattr_policy info_policy[IFLA_INFO_SLAVE_DATA + 1] = {
	[IFLA_INFO_KIND] = { 1, 32 },
	[IFLA_INFO_DATA] = NLATTR_ANY,
	[IFLA_INFO_SLAVE_KIND] = { 1, 32 },
	[IFLA_INFO_SLAVE_DATA] = NLATTR_ANY,
};

/* A tunnel device that takes its header with each packet: attribute `flag` of its kind's data. */
static const struct {
	const char *kind;
	enum flower_port_kind is;
	uint16_t flag; /* 0: every device of the kind */
	uint16_t port; /* attribute of its UDP port; 0: it has none */
} kinds[] = {
	{ "openvswitch", FLOWER_PORT_INTERNAL, 0, 0 },
	{ "vxlan", FLOWER_PORT_VXLAN, IFLA_VXLAN_COLLECT_METADATA, IFLA_VXLAN_PORT },
	{ "geneve", FLOWER_PORT_GENEVE, IFLA_GENEVE_COLLECT_METADATA, IFLA_GENEVE_PORT },
	{ "gretap", FLOWER_PORT_GRE, 18 /* IFLA_GRE_COLLECT_METADATA, linux/if_tunnel.h */, 0 },
	{ "ip6gretap", FLOWER_PORT_GRE, 18, 0 },
};

/* An attribute of a kind's data; NULL: it is not there. */
static const struct nlattr *find(const struct nlattr *data, uint16_t type)
{
	const struct nlattr *a, *found = NULL;
	bool bad = false;

	if (!data || !type)
		return NULL;
	NLATTR_FOR_EACH(a, nlattr_data(data), nlattr_len(data), &bad)
	{
		if (nlattr_type(a) == type)
			found = a;
	}
	return found;
}

static bool has_flag(const struct nlattr *data, uint16_t flag)
{
	const struct nlattr *a = find(data, flag);

	return a && (!nlattr_len(a) || nlattr_u8(a));
}

static be16 port_of(const struct nlattr *data, uint16_t type)
{
	const struct nlattr *a = find(data, type);

	return a && nlattr_len(a) == sizeof(be16) ? nlattr_be16(a) : 0;
}

static bool is_kind(const struct nlattr *a, const char *kind)
{
	char text[32];

	return a && nlattr_str(a, text, sizeof(text)) && !strcmp(text, kind);
}

/* A bond says what it is, its slaves whether they wait (IFLA_BOND_SLAVE_STATE 1). */
static void get_bond(const struct nlattr *const tb[], struct tc_link *ret)
{
	const struct nlattr *state = NULL;

	ret->is_bond = is_kind(tb[IFLA_INFO_KIND], "bond");
	if (ret->is_bond)
		ret->backups_count = has_flag(tb[IFLA_INFO_DATA], IFLA_BOND_ALL_SLAVES_ACTIVE);
	if (is_kind(tb[IFLA_INFO_SLAVE_KIND], "bond"))
		state = find(tb[IFLA_INFO_SLAVE_DATA], IFLA_BOND_SLAVE_STATE);
	ret->is_backup = state && nlattr_len(state) == 1 && nlattr_u8(state) == 1;
}

static void get_kind(const struct nlattr *info, struct tc_link *ret)
{
	const struct nlattr *tb[ARRAY_SIZE(info_policy)];

	if (!info || nlattr_parse_nested(info, info_policy, ARRAY_SIZE(info_policy), tb) < 0)
		return;
	get_bond(tb, ret);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (is_kind(tb[IFLA_INFO_KIND], kinds[i].kind) &&
		    (!kinds[i].flag || has_flag(tb[IFLA_INFO_DATA], kinds[i].flag))) {
			ret->kind = kinds[i].is;
			ret->udp_port = port_of(tb[IFLA_INFO_DATA], kinds[i].port);
		}
}

int tc_link_parse(const struct nlmsghdr *h, struct tc_link *ret)
{
	const struct nlattr *tb[ARRAY_SIZE(link_policy)];
	size_t skip = NLMSG_SPACE(sizeof(struct ifinfomsg));
	struct ifinfomsg m;

	if (!h || h->nlmsg_type != RTM_NEWLINK || h->nlmsg_len < skip ||
	    nlattr_parse((const uint8_t *)h + skip, h->nlmsg_len - skip, link_policy,
			 ARRAY_SIZE(link_policy), tb) < 0)
		return -EBADMSG;
	memcpy(&m, (const uint8_t *)h + NLMSG_HDRLEN, sizeof(m));
	*ret = (struct tc_link){ .ifindex = m.ifi_index, .kind = FLOWER_PORT_PLAIN };
	if (tb[IFLA_IFNAME])
		(void)nlattr_str(tb[IFLA_IFNAME], ret->name, sizeof(ret->name));
	if (tb[IFLA_ADDRESS] && nlattr_len(tb[IFLA_ADDRESS]) == sizeof(ret->mac))
		memcpy(&ret->mac, nlattr_data(tb[IFLA_ADDRESS]), sizeof(ret->mac));
	get_kind(tb[IFLA_LINKINFO], ret);
	ret->master = tb[IFLA_MASTER] ? (int)nlattr_u32(tb[IFLA_MASTER]) : 0;
	return 0;
}

int tc_link_get(struct nl_chan *c, int ifindex, struct tc_link *ret)
{
	struct ifinfomsg m = { .ifi_index = ifindex };
	struct nl_batch b;
	int rc;

	nl_batch_init(&b);
	(void)nl_batch_add(&b, RTM_GETLINK, 0);
	buf_put(&b.buf, &m, sizeof(m));
	rc = ask(c, &b, NULL, "link");
	if (!rc)
		rc = tc_link_parse(nl_batch_data(&b, 0), ret);
	nl_batch_done(&b);
	return rc;
}

int tc_links_each(struct nl_chan *c, int master, void (*fn)(const struct tc_link *l, void *arg),
		  void *arg)
{
	struct ifinfomsg m = { .ifi_family = AF_UNSPEC };
	const struct nlmsghdr *h;
	struct tc_link l;
	struct nl_batch b;
	int rc;

	nl_batch_init(&b);
	(void)nl_batch_add(&b, RTM_GETLINK, 0);
	buf_put(&b.buf, &m, sizeof(m));
	nlattr_put_u32(&b.buf, IFLA_MASTER, (uint32_t)master);
	rc = nl_dump_begin(c, &b);
	while (!rc && (rc = nl_dump_next(c, &h)) > 0) {
		rc = 0;
		if (!tc_link_parse(h, &l) && l.master == master)
			fn(&l, arg);
	}
	nl_dump_end(c);
	nl_batch_done(&b);
	return rc;
}

/* --- features --- */

static int ethtool(int fd, const char *name, void *data)
{
	struct ifreq r;

	memset(&r, 0, sizeof(r));
	(void)memcpy(r.ifr_name, name, strnlen(name, sizeof(r.ifr_name) - 1));
	r.ifr_data = data;
	return ioctl(fd, SIOCETHTOOL, &r) < 0 ? -errno : 0;
}

/* Number of the feature by its name, -1: this kernel has none. */
static int feature_bit(int fd, const char *name, uint32_t n)
{
	struct ethtool_gstrings *s = xzalloc(sizeof(*s) + (size_t)n * ETH_GSTRING_LEN);
	int bit = -1;

	s->cmd = ETHTOOL_GSTRINGS;
	s->string_set = ETH_SS_FEATURES;
	s->len = n;
	if (!ethtool(fd, name, s))
		for (uint32_t i = 0; i < MIN(s->len, n) && bit < 0; i++)
			if (!strncmp((const char *)s->data + (size_t)i * ETH_GSTRING_LEN,
				     "hw-tc-offload", ETH_GSTRING_LEN))
				bit = (int)i;
	free(s);
	return bit;
}

static bool feature_on(int fd, const char *name, uint32_t bit, uint32_t n)
{
	uint32_t blocks = DIV_ROUND_UP(n, 32);
	struct ethtool_gfeatures *f = xzalloc(sizeof(*f) + blocks * sizeof(f->features[0]));
	bool on;

	f->cmd = ETHTOOL_GFEATURES;
	f->size = blocks;
	on = !ethtool(fd, name, f) && bit / 32 < f->size &&
	     f->features[bit / 32].active >> (bit % 32) & 1;
	free(f);
	return on;
}

/* How many features this kernel has names for. */
static uint32_t n_features(int fd, const char *name)
{
	struct ethtool_sset_info *info = xzalloc(sizeof(*info) + sizeof(info->data[0]));
	uint32_t n;

	info->cmd = ETHTOOL_GSSET_INFO;
	info->sset_mask = 1ull << ETH_SS_FEATURES;
	n = !ethtool(fd, name, info) && info->sset_mask ? info->data[0] : 0;
	free(info);
	return n;
}

bool tc_link_offloads(int ifindex)
{
	char name[IFNAMSIZ];
	bool on = false;
	uint32_t n;
	int fd, bit;

	if (!if_indextoname((unsigned)ifindex, name))
		return false;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	n = n_features(fd, name);
	if (n) {
		bit = feature_bit(fd, name, n);
		on = bit >= 0 && feature_on(fd, name, (uint32_t)bit, n);
	}
	(void)close(fd); /* nothing was written */
	return on;
}

/* --- qdiscs --- */

static const struct nlattr_policy qdisc_policy[TCA_INGRESS_BLOCK + 1] = {
	[TCA_KIND] = { 1, 16 },
	[TCA_STATS2] = NLATTR_ANY,
	[TCA_INGRESS_BLOCK] = NLATTR_EXACT(4),
};

static bool qdisc_counts(const struct nlattr *a, struct tc_qdisc_at *q)
{
	struct flower_counts c;

	if (flower_counts_get(a, &c))
		return false;
	q->packets = c.packets;
	q->bytes = c.bytes;
	return true;
}

static bool qdisc_of(const struct nlmsghdr *h, struct tc_qdisc_at *ret)
{
	size_t skip = NLMSG_SPACE(sizeof(struct tcmsg));
	const struct nlattr *tb[ARRAY_SIZE(qdisc_policy)];
	struct tcmsg t;

	if (h->nlmsg_type != RTM_NEWQDISC || h->nlmsg_len < skip)
		return false;
	memcpy(&t, (const uint8_t *)h + NLMSG_HDRLEN, sizeof(t));
	if (t.tcm_parent != TC_H_INGRESS ||
	    nlattr_parse((const uint8_t *)h + skip, h->nlmsg_len - skip, qdisc_policy,
			 ARRAY_SIZE(qdisc_policy), tb) < 0 ||
	    !tb[TCA_KIND])
		return false;
	*ret = (struct tc_qdisc_at){
		.ifindex = t.tcm_ifindex,
		.kind = is_kind(tb[TCA_KIND], "clsact") ? TC_QDISC_CLSACT : TC_QDISC_INGRESS,
		.block = tb[TCA_INGRESS_BLOCK] ? nlattr_u32(tb[TCA_INGRESS_BLOCK]) : 0,
	};
	return qdisc_counts(tb[TCA_STATS2], ret);
}

int tc_qdiscs_each(struct nl_chan *c, void (*fn)(const struct tc_qdisc_at *q, void *arg), void *arg)
{
	struct tcmsg t = { .tcm_ifindex = 0 };
	const struct nlmsghdr *h;
	struct tc_qdisc_at q;
	struct nl_batch b;
	int rc;

	nl_batch_init(&b);
	(void)nl_batch_add(&b, RTM_GETQDISC, 0);
	buf_put(&b.buf, &t, sizeof(t));
	rc = nl_dump_begin(c, &b);
	while (!rc && (rc = nl_dump_next(c, &h)) > 0) {
		rc = 0;
		if (qdisc_of(h, &q))
			fn(&q, arg);
	}
	nl_dump_end(c);
	nl_batch_done(&b);
	return rc;
}

static void keep_qdisc(const struct tc_qdisc_at *q, void *arg)
{
	struct tc_qdisc_at *ret = arg;

	if (q->ifindex == ret->ifindex)
		*ret = *q;
}

struct find_qdisc {
	struct nl_chan *c;
	int ifindex;
	struct tc_qdisc_at *ret;
};

static int find_qdisc(void *arg)
{
	const struct find_qdisc *f = arg;

	*f->ret = (struct tc_qdisc_at){ .ifindex = f->ifindex, .kind = TC_QDISC_NONE };
	return tc_qdiscs_each(f->c, keep_qdisc, f->ret);
}

int tc_qdisc_find(struct nl_chan *c, int ifindex, struct tc_qdisc_at *ret)
{
	struct find_qdisc f = { c, ifindex, ret };
	int rc = tc_read_list(find_qdisc, &f);

	return rc == -EINTR ? 0 : rc; /* others come and go all the time */
}

static int qdisc_request(struct nl_chan *c, uint16_t type, uint16_t flags, int ifindex,
			 uint32_t block, struct error *err, const char *what)
{
	struct tcmsg t = { .tcm_ifindex = ifindex,
			   .tcm_parent = TC_H_CLSACT,
			   .tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0) };
	struct nl_batch b;
	int rc;

	nl_batch_init(&b);
	(void)nl_batch_add(&b, type, flags);
	buf_put(&b.buf, &t, sizeof(t));
	if (type == RTM_NEWQDISC)
		nlattr_put_str(&b.buf, TCA_KIND, "clsact");
	if (block)
		nlattr_put_u32(&b.buf, TCA_INGRESS_BLOCK, block);
	rc = ask(c, &b, err, what);
	nl_batch_done(&b);
	return rc;
}

int tc_qdisc_add(struct nl_chan *c, int ifindex, uint32_t block, struct error *err)
{
	return qdisc_request(c, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, ifindex, block, err,
			     "cannot make a clsact qdisc");
}

int tc_qdisc_del(struct nl_chan *c, int ifindex)
{
	return qdisc_request(c, RTM_DELQDISC, 0, ifindex, 0, NULL,
			     "cannot delete the clsact qdisc");
}
