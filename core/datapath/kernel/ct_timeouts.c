/* SPDX-License-Identifier: Apache-2.0 */
/* Timeout policies of connections: nfnetlink_cttimeout.h.  A policy is for one network and
 * transport protocol; a row says which of our timeouts the kernel has for it, and as what. */
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_cttimeout.h>
#include <netinet/in.h>
#include <string.h>

#include "core/datapath/kernel/kernel.h"

static const struct row {
	uint8_t proto, key; /* IPPROTO_*, enum dp_ct_timeout_key */
	uint16_t attr;      /* CTA_TIMEOUT_TCP_*, … */
} rows[] = {
#define TCP(NAME)                                                                                  \
	{                                                                                          \
		IPPROTO_TCP, DP_CT_TCP_##NAME, CTA_TIMEOUT_TCP_##NAME                              \
	}
	TCP(SYN_SENT),
	TCP(SYN_RECV),
	TCP(ESTABLISHED),
	TCP(FIN_WAIT),
	TCP(CLOSE_WAIT),
	TCP(LAST_ACK),
	TCP(TIME_WAIT),
	TCP(CLOSE),
	TCP(SYN_SENT2),
	{ IPPROTO_TCP, DP_CT_TCP_RETRANSMIT, CTA_TIMEOUT_TCP_RETRANS },
	TCP(UNACK),
	/* The kernel makes no difference between the first packet and more of one side. */
	{ IPPROTO_UDP, DP_CT_UDP_SINGLE, CTA_TIMEOUT_UDP_UNREPLIED },
	{ IPPROTO_UDP, DP_CT_UDP_MULTIPLE, CTA_TIMEOUT_UDP_REPLIED },
	{ IPPROTO_ICMP, DP_CT_ICMP_FIRST, CTA_TIMEOUT_ICMP_TIMEOUT },
	{ IPPROTO_ICMPV6, DP_CT_ICMP_FIRST, CTA_TIMEOUT_ICMPV6_TIMEOUT },
};

static void begin(struct nl_batch *b, uint8_t cmd, uint16_t flags, const char *name)
{
	struct nfgenmsg m = { .nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0 };

	nl_batch_init(b);
	(void)nl_batch_add(b, (uint16_t)(NFNL_SUBSYS_CTNETLINK_TIMEOUT << 8 | cmd), flags);
	buf_put(&b->buf, &m, sizeof(m));
	nlattr_put_str(&b->buf, CTA_TIMEOUT_NAME, name);
}

static int ask(struct nl_batch *b, const char *name, struct error *err)
{
	struct nl_chan *c;
	int rc = nl_chan_open(NETLINK_NETFILTER, &c, err);

	if (rc)
		return rc;
	(void)nl_chan_do(c, b); /* the request has the code, too */
	rc = nl_batch_error(b, 0, err, name);
	nl_chan_close(c);
	return rc;
}

int kdp_ct_timeout_set(struct dp *dp UNUSED, const struct dp_ct_timeout *t, struct error *err)
{
	struct nl_batch b;
	size_t nest;
	int rc;

	begin(&b, IPCTNL_MSG_TIMEOUT_NEW, NLM_F_CREATE | NLM_F_REPLACE, t->name);
	nlattr_put_be16(&b.buf, CTA_TIMEOUT_L3PROTO, htons(t->family));
	nlattr_put_u8(&b.buf, CTA_TIMEOUT_L4PROTO, t->proto);
	nest = nlattr_nest_flagged(&b.buf, CTA_TIMEOUT_DATA);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].proto == t->proto && t->seconds[rows[i].key])
			nlattr_put_be32(&b.buf, rows[i].attr | NLA_F_NET_BYTEORDER,
					htonl(t->seconds[rows[i].key]));
	}
	nlattr_nest_end(&b.buf, nest);
	rc = ask(&b, t->name, err);
	nl_batch_done(&b);
	return rc;
}

int kdp_ct_timeout_del(struct dp *dp UNUSED, const char *name, struct error *err)
{
	struct nl_batch b;
	int rc;

	begin(&b, IPCTNL_MSG_TIMEOUT_DELETE, 0, name);
	rc = ask(&b, name, err);
	nl_batch_done(&b);
	return rc;
}

static bool name_of(const struct nlmsghdr *h, char *name, size_t size)
{
	static const struct nlattr_policy policy[] = { [CTA_TIMEOUT_NAME] = {
							       1, CTNL_TIMEOUT_NAME_MAX } };
	size_t skip = NLMSG_SPACE(sizeof(struct nfgenmsg));
	const struct nlattr *tb[ARRAY_SIZE(policy)];

	return h->nlmsg_len >= skip &&
	       nlattr_parse((const uint8_t *)h + skip, h->nlmsg_len - skip, policy,
			    ARRAY_SIZE(policy), tb) >= 0 &&
	       tb[CTA_TIMEOUT_NAME] && nlattr_str(tb[CTA_TIMEOUT_NAME], name, size);
}

int kdp_ct_timeouts(struct dp *dp UNUSED, void (*fn)(const char *name, void *arg), void *arg)
{
	struct nfgenmsg m = { .nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0 };
	char name[CTNL_TIMEOUT_NAME_MAX + 1];
	const struct nlmsghdr *h;
	struct nl_batch b;
	struct nl_chan *c;
	int rc = nl_chan_open(NETLINK_NETFILTER, &c, NULL);

	if (rc)
		return rc;
	nl_batch_init(&b);
	(void)nl_batch_add(
		&b, (uint16_t)(NFNL_SUBSYS_CTNETLINK_TIMEOUT << 8 | IPCTNL_MSG_TIMEOUT_GET), 0);
	buf_put(&b.buf, &m, sizeof(m));
	rc = nl_dump_begin(c, &b);
	while (!rc && (rc = nl_dump_next(c, &h)) > 0) {
		rc = 0;
		if (name_of(h, name, sizeof(name)))
			fn(name, arg);
	}
	nl_dump_end(c);
	nl_batch_done(&b);
	nl_chan_close(c);
	return rc;
}
