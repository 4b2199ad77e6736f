/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's connections: nfnetlink_conntrack.h.  They are the network namespace's, not the
 * datapath's: zones keep those of others apart. */
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "core/datapath/kernel/kernel.h"
#include "core/datapath/kernel/key.h"

/* ---- reading ---- */

static const struct nlattr_policy entry_policy[] = {
	[CTA_TUPLE_ORIG] = NLATTR_ANY,     [CTA_TUPLE_REPLY] = NLATTR_ANY,
	[CTA_STATUS] = NLATTR_EXACT(4),    [CTA_PROTOINFO] = NLATTR_ANY,
	[CTA_HELP] = NLATTR_ANY,           [CTA_TIMEOUT] = NLATTR_EXACT(4),
	[CTA_MARK] = NLATTR_EXACT(4),      [CTA_COUNTERS_ORIG] = NLATTR_ANY,
	[CTA_COUNTERS_REPLY] = NLATTR_ANY, [CTA_ID] = NLATTR_EXACT(4),
	[CTA_ZONE] = NLATTR_EXACT(2),      [CTA_LABELS] = NLATTR_EXACT(16),
};
#define N_ATTRS ARRAY_SIZE(entry_policy)

static int read_addresses(const struct nlattr *nest, struct dp_ct_tuple *t)
{
	static const struct nlattr_policy policy[] = {
		[CTA_IP_V4_SRC] = NLATTR_EXACT(4),
		[CTA_IP_V4_DST] = NLATTR_EXACT(4),
		[CTA_IP_V6_SRC] = NLATTR_EXACT(16),
		[CTA_IP_V6_DST] = NLATTR_EXACT(16),
	};
	const struct nlattr *a[ARRAY_SIZE(policy)];

	if (!nest || nlattr_parse_nested(nest, policy, ARRAY_SIZE(policy), a) < 0)
		return -EBADMSG;
	if (a[CTA_IP_V4_SRC] && a[CTA_IP_V4_DST]) {
		t->family = AF_INET;
		t->src.w[0] = nlattr_be32(a[CTA_IP_V4_SRC]);
		t->dst.w[0] = nlattr_be32(a[CTA_IP_V4_DST]);
		return 0;
	}
	if (!a[CTA_IP_V6_SRC] || !a[CTA_IP_V6_DST])
		return -EBADMSG;
	t->family = AF_INET6;
	memcpy(&t->src, nlattr_data(a[CTA_IP_V6_SRC]), sizeof(t->src));
	memcpy(&t->dst, nlattr_data(a[CTA_IP_V6_DST]), sizeof(t->dst));
	return 0;
}

static int read_proto(const struct nlattr *nest, struct dp_ct_tuple *t)
{
	static const struct nlattr_policy policy[] = {
		[CTA_PROTO_NUM] = NLATTR_EXACT(1),
		[CTA_PROTO_SRC_PORT] = NLATTR_EXACT(2),
		[CTA_PROTO_DST_PORT] = NLATTR_EXACT(2),
		[CTA_PROTO_ICMP_ID] = NLATTR_EXACT(2),
		[CTA_PROTO_ICMP_TYPE] = NLATTR_EXACT(1),
		[CTA_PROTO_ICMP_CODE] = NLATTR_EXACT(1),
		[CTA_PROTO_ICMPV6_ID] = NLATTR_EXACT(2),
		[CTA_PROTO_ICMPV6_TYPE] = NLATTR_EXACT(1),
		[CTA_PROTO_ICMPV6_CODE] = NLATTR_EXACT(1),
	};
	const struct nlattr *a[ARRAY_SIZE(policy)], *id, *type, *code;

	if (!nest || nlattr_parse_nested(nest, policy, ARRAY_SIZE(policy), a) < 0 ||
	    !a[CTA_PROTO_NUM])
		return -EBADMSG;
	t->proto = nlattr_u8(a[CTA_PROTO_NUM]);
	id = a[CTA_PROTO_ICMP_ID] ? a[CTA_PROTO_ICMP_ID] : a[CTA_PROTO_ICMPV6_ID];
	type = a[CTA_PROTO_ICMP_TYPE] ? a[CTA_PROTO_ICMP_TYPE] : a[CTA_PROTO_ICMPV6_TYPE];
	code = a[CTA_PROTO_ICMP_CODE] ? a[CTA_PROTO_ICMP_CODE] : a[CTA_PROTO_ICMPV6_CODE];
	if (a[CTA_PROTO_SRC_PORT])
		t->sport = nlattr_be16(a[CTA_PROTO_SRC_PORT]);
	if (a[CTA_PROTO_DST_PORT])
		t->dport = nlattr_be16(a[CTA_PROTO_DST_PORT]);
	if (id)
		t->sport = nlattr_be16(id);
	if (type)
		t->icmp_type = nlattr_u8(type);
	if (code)
		t->icmp_code = nlattr_u8(code);
	return 0;
}

static int read_tuple(const struct nlattr *nest, struct dp_ct_tuple *t)
{
	static const struct nlattr_policy policy[] = {
		[CTA_TUPLE_IP] = NLATTR_ANY,
		[CTA_TUPLE_PROTO] = NLATTR_ANY,
	};
	const struct nlattr *a[ARRAY_SIZE(policy)];
	int rc;

	if (!nest || nlattr_parse_nested(nest, policy, ARRAY_SIZE(policy), a) < 0)
		return -EBADMSG;
	rc = read_addresses(a[CTA_TUPLE_IP], t);
	return rc ? rc : read_proto(a[CTA_TUPLE_PROTO], t);
}

static bool read_counters(const struct nlattr *nest, uint64_t *packets, uint64_t *bytes)
{
	static const struct nlattr_policy policy[] = {
		[CTA_COUNTERS_PACKETS] = NLATTR_EXACT(8),
		[CTA_COUNTERS_BYTES] = NLATTR_EXACT(8),
	};
	const struct nlattr *a[ARRAY_SIZE(policy)];

	if (!nest || nlattr_parse_nested(nest, policy, ARRAY_SIZE(policy), a) < 0 ||
	    !a[CTA_COUNTERS_PACKETS] || !a[CTA_COUNTERS_BYTES])
		return false;
	*packets = ntoh64(nlattr_be64(a[CTA_COUNTERS_PACKETS]));
	*bytes = ntoh64(nlattr_be64(a[CTA_COUNTERS_BYTES]));
	return true;
}

static uint8_t u8_or_0(const struct nlattr *a)
{
	return a ? nlattr_u8(a) : 0;
}

static void read_tcp(const struct nlattr *info, struct dp_ct_entry *e)
{
	static const struct nlattr_policy outer[] = { [CTA_PROTOINFO_TCP] = NLATTR_ANY };
	static const struct nlattr_policy inner[] = {
		[CTA_PROTOINFO_TCP_STATE] = NLATTR_EXACT(1),
		[CTA_PROTOINFO_TCP_WSCALE_ORIGINAL] = NLATTR_EXACT(1),
		[CTA_PROTOINFO_TCP_WSCALE_REPLY] = NLATTR_EXACT(1),
		[CTA_PROTOINFO_TCP_FLAGS_ORIGINAL] = NLATTR_EXACT(2),
		[CTA_PROTOINFO_TCP_FLAGS_REPLY] = NLATTR_EXACT(2),
	};
	static const uint16_t scale[] = { CTA_PROTOINFO_TCP_WSCALE_ORIGINAL,
					  CTA_PROTOINFO_TCP_WSCALE_REPLY };
	static const uint16_t flags[] = { CTA_PROTOINFO_TCP_FLAGS_ORIGINAL,
					  CTA_PROTOINFO_TCP_FLAGS_REPLY };
	const struct nlattr *o[ARRAY_SIZE(outer)], *i[ARRAY_SIZE(inner)];

	if (!info || nlattr_parse_nested(info, outer, ARRAY_SIZE(outer), o) < 0 ||
	    !o[CTA_PROTOINFO_TCP] ||
	    nlattr_parse_nested(o[CTA_PROTOINFO_TCP], inner, ARRAY_SIZE(inner), i) < 0)
		return;
	for (unsigned dir = 0; dir < 2; dir++) {
		const struct nlattr *f = i[flags[dir]];

		/* The kernel keeps one state for both directions. */
		e->tcp_state[dir] = u8_or_0(i[CTA_PROTOINFO_TCP_STATE]);
		e->tcp_wscale[dir] = u8_or_0(i[scale[dir]]);
		/* struct nf_ct_tcp_flags: the flags, then their mask */
		e->tcp_flags[dir] = f ? *(const uint8_t *)nlattr_data(f) : 0;
	}
}

static void read_helper(const struct nlattr *nest, struct dp_ct_entry *e)
{
	static const struct nlattr_policy policy[] = { [CTA_HELP_NAME] = NLATTR_ANY };
	const struct nlattr *a[ARRAY_SIZE(policy)];

	if (nest && nlattr_parse_nested(nest, policy, ARRAY_SIZE(policy), a) >= 0 &&
	    a[CTA_HELP_NAME])
		(void)nlattr_str(a[CTA_HELP_NAME], e->helper, sizeof(e->helper)); /* cut is fine */
}

static uint32_t be32_or_0(const struct nlattr *a)
{
	return a ? ntohl(nlattr_be32(a)) : 0;
}

static int read_entry(const struct nlmsghdr *h, struct dp_ct_entry *e, const struct nlattr *a[])
{
	size_t skip = NLMSG_SPACE(sizeof(struct nfgenmsg));
	bool counts;
	int rc;

	if (h->nlmsg_type != (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW) ||
	    h->nlmsg_len < skip)
		return -EBADMSG;
	rc = nlattr_parse((const uint8_t *)h + skip, h->nlmsg_len - skip, entry_policy, N_ATTRS, a);
	if (rc < 0)
		return rc;
	memset(e, 0, sizeof(*e));
	rc = read_tuple(a[CTA_TUPLE_ORIG], &e->orig);
	if (!rc)
		rc = read_tuple(a[CTA_TUPLE_REPLY], &e->reply);
	if (rc)
		return rc;
	e->zone = a[CTA_ZONE] ? ntohs(nlattr_be16(a[CTA_ZONE])) : 0;
	e->status = be32_or_0(a[CTA_STATUS]);
	e->timeout_s = be32_or_0(a[CTA_TIMEOUT]);
	e->mark = be32_or_0(a[CTA_MARK]);
	e->id = be32_or_0(a[CTA_ID]);
	if (a[CTA_LABELS])
		kdp_label_swap(nlattr_data(a[CTA_LABELS]), &e->label);
	counts = read_counters(a[CTA_COUNTERS_ORIG], &e->packets[0], &e->bytes[0]);
	e->has_counts =
		read_counters(a[CTA_COUNTERS_REPLY], &e->packets[1], &e->bytes[1]) && counts;
	read_tcp(a[CTA_PROTOINFO], e);
	read_helper(a[CTA_HELP], e);
	return 0;
}

/* ---- filters ---- */

static bool addr_is_set(const struct be128 *a)
{
	return a->d[0] || a->d[1];
}

static bool tuple_fits(const struct dp_ct_tuple *f, const struct dp_ct_tuple *t)
{
	if (!f->family)
		return true;
	return f->family == t->family && (!f->proto || f->proto == t->proto) &&
	       (!addr_is_set(&f->src) || !memcmp(&f->src, &t->src, sizeof(t->src))) &&
	       (!addr_is_set(&f->dst) || !memcmp(&f->dst, &t->dst, sizeof(t->dst))) &&
	       (!f->sport || f->sport == t->sport) && (!f->dport || f->dport == t->dport) &&
	       (!f->icmp_type || f->icmp_type == t->icmp_type) &&
	       (!f->icmp_code || f->icmp_code == t->icmp_code);
}

static bool fits(const struct dp_ct_filter *f, const struct dp_ct_entry *e)
{
	return !f || ((f->zone == DP_CT_ANY_ZONE || f->zone == e->zone) &&
		      tuple_fits(&f->orig, &e->orig));
}

/* Names one connection. */
static bool is_one(const struct dp_ct_filter *f)
{
	return f && f->zone != DP_CT_ANY_ZONE && f->orig.family && f->orig.proto &&
	       addr_is_set(&f->orig.src) && addr_is_set(&f->orig.dst) && f->orig.sport;
}

/* ---- dumps ---- */

typedef bool entry_fn(const struct nlmsghdr *h, const struct nlattr *const a[],
		      const struct dp_ct_entry *e, void *arg);

static size_t add(struct nl_batch *b, uint8_t cmd, uint8_t family)
{
	struct nfgenmsg m = { .nfgen_family = family, .version = NFNETLINK_V0 };
	size_t i = nl_batch_add(b, (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | cmd), 0);

	buf_put(&b->buf, &m, sizeof(m));
	return i;
}

static int each(struct nl_chan *c, const struct dp_ct_filter *f, entry_fn *fn, void *arg)
{
	const struct nlattr *a[N_ATTRS];
	const struct nlmsghdr *h;
	struct dp_ct_entry e;
	struct nl_batch b;
	bool more = true;
	int rc;

	nl_batch_init(&b);
	(void)add(&b, IPCTNL_MSG_CT_GET, AF_UNSPEC);
	rc = nl_dump_begin(c, &b);
	while (!rc && more && (rc = nl_dump_next(c, &h)) > 0) {
		if (!read_entry(h, &e, a) && fits(f, &e))
			more = fn(h, a, &e, arg);
		rc = 0;
	}
	nl_dump_end(c);
	nl_batch_done(&b);
	return rc;
}

struct dumping {
	bool (*fn)(const struct dp_ct_entry *e, void *arg);
	void *arg;
};

static bool tell(const struct nlmsghdr *h UNUSED, const struct nlattr *const a[] UNUSED,
		 const struct dp_ct_entry *e, void *arg)
{
	struct dumping *d = arg;

	return d->fn(e, d->arg);
}

static int ct_dump(struct dp *dp UNUSED, const struct dp_ct_filter *f,
		   bool (*fn)(const struct dp_ct_entry *e, void *arg), void *arg)
{
	struct dumping d = { fn, arg };
	struct nl_chan *c;
	int rc = nl_chan_open(NETLINK_NETFILTER, &c, NULL);

	if (rc)
		return rc;
	rc = each(c, f, tell, &d);
	nl_chan_close(c);
	return rc;
}

/* ---- flushing ---- */

/* Names the connection by its own words: tuple, zone and number. */
static bool add_removal(const struct nlmsghdr *h UNUSED, const struct nlattr *const a[],
			const struct dp_ct_entry *e, void *arg)
{
	static const uint16_t copied[] = { CTA_TUPLE_ORIG, CTA_ZONE, CTA_ID };
	struct nl_batch *b = arg;

	(void)add(b, IPCTNL_MSG_CT_DELETE, (uint8_t)e->orig.family);
	for (size_t i = 0; i < ARRAY_SIZE(copied); i++) {
		const struct nlattr *x = a[copied[i]];

		if (x)
			nlattr_put(&b->buf, x->nla_type, nlattr_data(x), nlattr_len(x));
	}
	return true;
}

static int flush_all(struct nl_chan *c)
{
	struct nl_batch b;
	int rc;

	nl_batch_init(&b);
	(void)add(&b, IPCTNL_MSG_CT_DELETE, AF_UNSPEC);
	rc = nl_chan_do(c, &b);
	if (!rc)
		rc = nl_batch_code(&b, 0);
	nl_batch_done(&b);
	return rc;
}

/* What ends by itself meanwhile is gone as well. */
static int flush_some(struct nl_chan *c, const struct dp_ct_filter *f)
{
	struct nl_batch b;
	int rc;

	nl_batch_init(&b);
	rc = each(c, f, add_removal, &b);
	if (rc == -EINTR)
		rc = 0; /* those that were found go; newer ones are after the flush */
	if (!rc && !b.n && is_one(f))
		rc = -ENOENT;
	if (!rc && b.n)
		rc = nl_chan_do(c, &b);
	nl_batch_done(&b);
	return rc;
}

static int ct_flush(struct dp *dp UNUSED, const struct dp_ct_filter *f)
{
	bool all = !f || (f->zone == DP_CT_ANY_ZONE && !f->orig.family);
	struct nl_chan *c;
	int rc = nl_chan_open(NETLINK_NETFILTER, &c, NULL);

	if (rc)
		return rc;
	rc = all ? flush_all(c) : flush_some(c, f);
	nl_chan_close(c);
	return rc;
}

const struct dp_ct_ops kdp_ct_ops = {
	.flush = ct_flush,
	.dump = ct_dump,
	.limit_set = kdp_ct_limit_set,
	.limit_del = kdp_ct_limit_del,
	.limits = kdp_ct_limits,
	.limit_get = kdp_ct_limit_get,
	.timeout_set = kdp_ct_timeout_set,
	.timeout_del = kdp_ct_timeout_del,
	.timeouts = kdp_ct_timeouts,
};
