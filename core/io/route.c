/* SPDX-License-Identifier: Apache-2.0 */
#include "core/io/route.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "core/base/clock.h"
#include "core/base/ip_addr.h"
#include "core/base/xalloc.h"
#include "core/io/loop.h"
#include "core/io/nl.h"

struct routes {
	struct nl_chan *requests, *events; /* owned */
	struct nl_batch batch;
	struct loop_fd *watch;    /* owned */
	struct loop_timer *timer; /* owned; runs while a change is to be told */
	uint64_t told_ns;
	void (*changed)(void *arg);
	void *arg;
};

/* --- asking --- */

static void put_addr(struct buf *b, uint16_t type, const struct be128 *a)
{
	if (ip_addr_is4(a))
		nlattr_put(b, type, &a->w[3], 4);
	else
		nlattr_put(b, type, a, 16);
}

static struct be128 addr_of(const struct nlattr *a)
{
	struct be128 x;

	if (nlattr_len(a) == 4)
		return ip_addr4(nlattr_be32(a));
	memcpy(&x, nlattr_data(a), sizeof(x));
	return x;
}

static void put_request(struct nl_batch *b, const struct be128 *dst, const struct be128 *src)
{
	bool v4 = ip_addr_is4(dst);
	struct rtmsg rtm = { .rtm_family = v4 ? AF_INET : AF_INET6,
			     .rtm_dst_len = v4 ? 32 : 128,
			     .rtm_src_len = ip_addr_is_zero(src) ? 0
					    : v4                 ? 32
								 : 128 };

	(void)nl_batch_add(b, RTM_GETROUTE, 0);
	buf_put(&b->buf, &rtm, sizeof(rtm));
	put_addr(&b->buf, RTA_DST, dst);
	if (rtm.rtm_src_len)
		put_addr(&b->buf, RTA_SRC, src);
}

/* A gateway of the other family (RFC 5549). */
static const struct be128 *via_of(const struct nlattr *a, struct be128 *addr)
{
	const struct rtvia *via = nlattr_data(a);
	size_t n = nlattr_len(a) - sizeof(*via);

	if (via->rtvia_family == AF_INET && n == 4) {
		be32 v4;

		memcpy(&v4, via->rtvia_addr, sizeof(v4));
		*addr = ip_addr4(v4);
	} else if (via->rtvia_family == AF_INET6 && n == 16) {
		memcpy(addr, via->rtvia_addr, sizeof(*addr));
	} else {
		return NULL;
	}
	return addr;
}

static uint32_t mtu_of(const struct nlattr *metrics)
{
	static const struct nlattr_policy policy[RTAX_MTU + 1] = { [RTAX_MTU] = NLATTR_EXACT(4) };
	const struct nlattr *a[RTAX_MTU + 1];

	if (!metrics || nlattr_parse_nested(metrics, policy, RTAX_MTU + 1, a) < 0 || !a[RTAX_MTU])
		return 0;
	return nlattr_u32(a[RTAX_MTU]);
}

static const struct nlattr_policy route_policy[RTA_VIA + 1] = {
	[RTA_DST] = { 4, 16 },
	[RTA_OIF] = NLATTR_EXACT(4),
	[RTA_GATEWAY] = { 4, 16 },
	[RTA_PREFSRC] = { 4, 16 },
	[RTA_METRICS] = NLATTR_ANY,
	[RTA_VIA] = { sizeof(struct rtvia) + 4, sizeof(struct rtvia) + 16 },
};

static int parse(const struct nlmsghdr *h, const struct rtmsg **rtm,
		 const struct nlattr *a[RTA_VIA + 1])
{
	size_t head = NLMSG_LENGTH(sizeof(**rtm));

	*rtm = (const void *)(h + 1);
	if (h->nlmsg_type != RTM_NEWROUTE || h->nlmsg_len < head ||
	    nlattr_parse(*rtm + 1, h->nlmsg_len - head, route_policy, RTA_VIA + 1, a) < 0)
		return -EBADMSG;
	return 0;
}

static int read_answer(const struct nlmsghdr *h, const struct be128 *dst, const struct be128 *src,
		       struct route *ret)
{
	const struct nlattr *a[RTA_VIA + 1];
	const struct rtmsg *rtm;
	struct be128 via;

	if (parse(h, &rtm, a))
		return -EBADMSG;
	if (rtm->rtm_type == RTN_UNREACHABLE || rtm->rtm_type == RTN_PROHIBIT ||
	    rtm->rtm_type == RTN_BLACKHOLE || !a[RTA_OIF])
		return -ENETUNREACH;
	*ret = (struct route){ .ifindex = (int)nlattr_u32(a[RTA_OIF]),
			       .local = rtm->rtm_type == RTN_LOCAL,
			       .src = a[RTA_PREFSRC] ? addr_of(a[RTA_PREFSRC]) : *src,
			       .next = a[RTA_GATEWAY] ? addr_of(a[RTA_GATEWAY]) : *dst,
			       .mtu = mtu_of(a[RTA_METRICS]) };
	if (!ip_addr_is_zero(src))
		ret->src = *src;
	if (a[RTA_VIA] && via_of(a[RTA_VIA], &via))
		ret->next = via;
	return 0;
}

int route_lookup(struct routes *r, const struct be128 *dst, const struct be128 *src,
		 struct route *ret)
{
	const struct nlmsghdr *h;
	int rc;

	nl_batch_clear(&r->batch);
	put_request(&r->batch, dst, src);
	rc = nl_chan_do(r->requests, &r->batch);
	if (!rc)
		rc = nl_batch_code(&r->batch, 0);
	if (rc)
		return rc;
	h = nl_batch_data(&r->batch, 0);
	return h ? read_answer(h, dst, src, ret) : -ENETUNREACH;
}

/* --- the tables --- */

/* False: not one to show. */
static bool read_entry(const struct nlmsghdr *h, struct route_entry *e)
{
	static const struct be128 none6;
	const struct nlattr *a[RTA_VIA + 1];
	const struct rtmsg *rtm;
	struct be128 src, any;

	memset(&src, 0, sizeof(src));
	if (parse(h, &rtm, a) || (rtm->rtm_family != AF_INET && rtm->rtm_family != AF_INET6) ||
	    (rtm->rtm_table != RT_TABLE_MAIN && rtm->rtm_table != RT_TABLE_LOCAL) ||
	    (rtm->rtm_type != RTN_UNICAST && rtm->rtm_type != RTN_LOCAL))
		return false;
	any = rtm->rtm_family == AF_INET ? ip_addr4(0) : none6;
	*e = (struct route_entry){ .dst = a[RTA_DST] ? addr_of(a[RTA_DST]) : any,
				   .prefix = rtm->rtm_dst_len };
	if (read_answer(h, &e->dst, &src, &e->to))
		return false;
	e->has_gateway = a[RTA_GATEWAY] || a[RTA_VIA];
	return true;
}

int routes_visit(struct routes *r, void (*fn)(const struct route_entry *e, void *arg), void *arg)
{
	struct rtmsg rtm = { .rtm_family = AF_UNSPEC };
	const struct nlmsghdr *h;
	struct route_entry e;
	int rc;

	nl_batch_clear(&r->batch);
	(void)nl_batch_add(&r->batch, RTM_GETROUTE, 0);
	buf_put(&r->batch.buf, &rtm, sizeof(rtm));
	rc = nl_dump_begin(r->requests, &r->batch);
	while (!rc && (rc = nl_dump_next(r->requests, &h)) > 0) {
		rc = 0;
		if (read_entry(h, &e))
			fn(&e, arg);
	}
	nl_dump_end(r->requests);
	return rc;
}

/* --- being told --- */

static void tell(void *arg)
{
	struct routes *r = arg;

	r->told_ns = clock_mono_ns();
	r->changed(r->arg);
}

static void any_notice(const struct nlmsghdr *h UNUSED, void *arg)
{
	struct routes *r = arg;
	uint64_t since = clock_mono_ns() - r->told_ns, quiet = ROUTE_QUIET_MS * NSEC_PER_MSEC;

	if (!loop_timer_running(r->timer))
		loop_timer_in(r->timer, since < quiet ? quiet - since : 0);
}

static void on_readable(int fd UNUSED, unsigned int events UNUSED, void *arg)
{
	struct routes *r = arg;

	if (nl_chan_notices(r->events, any_notice, r) == -ENOBUFS)
		any_notice(NULL, r); /* whatever it was: one more change */
}

static int subscribe(struct routes *r, struct loop *l, struct error *err)
{
	static const uint32_t groups[] = {
		RTNLGRP_IPV4_ROUTE,  RTNLGRP_IPV6_ROUTE,  RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE,
		RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_LINK,      RTNLGRP_NEXTHOP,
	};

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		int rc = nl_chan_join(r->events, groups[i]);

		/* Next hops as objects are younger than Linux 5.3, IPv6 may be left out. */
		if (rc && groups[i] == RTNLGRP_IPV4_ROUTE)
			return error_set(err, -rc, NULL, "cannot follow the kernel's routes (%s)",
					 strerrordesc_np(-rc));
	}
	r->watch = loop_fd_new(l, nl_chan_fd(r->events), LOOP_READ, on_readable, r, err);
	return r->watch ? 0 : -EIO;
}

struct routes *routes_new(struct loop *l, void (*changed)(void *arg), void *arg, struct error *err)
{
	struct routes *r = xzalloc(sizeof(*r));

	nl_batch_init(&r->batch);
	r->changed = changed;
	r->arg = arg;
	r->timer = loop_timer_new(l, tell, r);
	if (nl_chan_open(NETLINK_ROUTE, &r->requests, err) ||
	    nl_chan_open(NETLINK_ROUTE, &r->events, err) || subscribe(r, l, err)) {
		routes_free(r);
		return NULL;
	}
	return r;
}

void routes_free(struct routes *r)
{
	if (!r)
		return;
	loop_fd_free(r->watch);
	loop_timer_free(r->timer);
	nl_chan_close(r->events);
	nl_chan_close(r->requests);
	nl_batch_done(&r->batch);
	free(r);
}
