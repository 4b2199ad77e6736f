/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel sends up: a socket for each handler, and behind it a queue that is fair between
 * ports (fair.h), which is used when more has come than the handler takes at once.
 *
 * The kernel never waits: a socket that is full loses the packet and the datapath counts it
 * (n_lost). Sockets of handlers that are no more stay open until the datapath is closed, so that a
 * number in a flow or at a port never means somebody else; what still comes to one is taken and
 * counted as lost. */
#include <errno.h>
#include <linux/openvswitch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/base/xalloc.h"
#include "core/datapath/kernel/acts.h"
#include "core/datapath/kernel/fair.h"
#include "core/datapath/kernel/kernel.h"
#include "core/datapath/kernel/key.h"
#include "core/packet/parse.h"

#define TAILROOM 64u /* behind the packets that recv gives */

/* Taken from the socket before the next ones are handled, some eight times what is handled. */
#define TAKE_AHEAD 256u

struct kdp_handler {
	struct nl_chan *chan; /* owned */
	/* Readable while one of two is: the socket, and held_fd, an event while the queue holds
	 * something. */
	int fd, held_fd;
	bool told; /* held_fd is readable */
	struct fair_queue held;
};

/* ---- sockets ---- */

uint32_t kdp_upcall_pid(const struct kdp *d, uint32_t port)
{
	unsigned n = d->n_handlers;

	if (d->per_cpu || !n)
		return UINT32_MAX; /* nobody's, as the kernel does not look, or nobody is there */
	return nl_chan_portid(d->handlers[port % n]->chan);
}

void kdp_upcall_pids(const struct kdp *d, uint32_t *pids, unsigned n)
{
	unsigned handlers = d->n_handlers;

	for (unsigned i = 0; i < n && handlers; i++)
		pids[i] = nl_chan_portid(d->handlers[i % handlers]->chan);
}

static void handler_free(struct kdp_handler *h)
{
	if (h->held_fd >= 0)
		close(h->held_fd);
	if (h->fd >= 0)
		close(h->fd);
	(void)fair_done(&h->held); /* the datapath that counts is closed */
	nl_chan_close(h->chan);
	free(h);
}

static int watch(struct kdp_handler *h, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN };

	return epoll_ctl(h->fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

static int open_fds(struct kdp_handler *h)
{
	int rc;

	h->fd = epoll_create1(EPOLL_CLOEXEC);
	h->held_fd = h->fd < 0 ? -1 : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->held_fd < 0)
		return -errno;
	rc = watch(h, h->held_fd);
	return rc ? rc : watch(h, nl_chan_fd(h->chan));
}

static int handler_new(struct kdp_handler **ret)
{
	struct kdp_handler *h = xzalloc(sizeof(*h));
	int rc;

	h->fd = h->held_fd = -1;
	fair_init(&h->held);
	rc = nl_chan_open(NETLINK_GENERIC, &h->chan, NULL);
	if (!rc)
		rc = open_fds(h);
	if (rc)
		handler_free(h);
	else
		*ret = h;
	return rc;
}

static int make(struct kdp *d, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct kdp_handler *h;
		int rc;

		if (d->handlers[i])
			continue;
		rc = handler_new(&h);
		if (rc)
			return rc;
		d->handlers[i] = h;
	}
	return 0;
}

static void count_lost(const struct nlmsghdr *h UNUSED, void *arg)
{
	struct kdp *d = arg;

	d->lost++;
}

static void tell_held(struct kdp_handler *h)
{
	uint64_t x = 1;

	if (h->told == (h->held.n > 0))
		return;
	h->told = h->held.n > 0;
	if (h->told)
		(void)!write(h->held_fd, &x, sizeof(x)); /* of zero: there is room */
	else
		(void)!read(h->held_fd, &x, sizeof(x)); /* what was written */
}

/* Nobody looks there any more. */
static void drain(struct kdp *d, unsigned from)
{
	for (unsigned i = from; i < KDP_MAX_HANDLERS && d->handlers[i]; i++) {
		struct kdp_handler *h = d->handlers[i];

		(void)nl_chan_notices(h->chan, count_lost, d); /* overrun: counted */
		d->lost += fair_done(&h->held);
		tell_held(h);
	}
}

int kdp_set_handlers(struct dp *dp, unsigned n)
{
	struct kdp *d = kdp_of(dp);
	int rc;

	if (n > KDP_MAX_HANDLERS)
		return -EINVAL;
	rc = make(d, n);
	if (rc)
		return rc;
	d->n_handlers = n;
	rc = kdp_set_dispatch(d, NULL);
	if (!rc)
		rc = kdp_vports_set_pids(d);
	drain(d, n);
	return rc;
}

void kdp_handlers_free(struct kdp *d)
{
	for (unsigned i = 0; i < KDP_MAX_HANDLERS; i++) {
		struct kdp_handler *h = d->handlers[i];

		if (h)
			handler_free(h);
	}
}

int kdp_recv_fd(struct dp *dp, unsigned handler)
{
	struct kdp *d = kdp_of(dp);

	return handler < d->n_handlers ? d->handlers[handler]->fd : -EINVAL;
}

/* ---- packets ---- */

static const struct nlattr_policy packet_policy[] = {
	[OVS_PACKET_ATTR_PACKET] = { 1, UINT16_MAX },
	[OVS_PACKET_ATTR_KEY] = NLATTR_ANY,
	[OVS_PACKET_ATTR_USERDATA] = NLATTR_ANY,
	[OVS_PACKET_ATTR_LEN] = NLATTR_EXACT(4),
};
#define N_ATTRS ARRAY_SIZE(packet_policy)

/* A flow of somebody else's may send up, too: what it says is not ours to understand. */
static int take_cookie(const struct nlattr *a, struct dp_upcall *up, uint32_t *max_len)
{
	struct kdp_cookie c;

	if (!a || nlattr_len(a) != sizeof(c))
		return -EBADMSG;
	memcpy(&c, nlattr_data(a), sizeof(c));
	if (c.magic != KDP_COOKIE_MAGIC || c.kind >= UPCALL_N_KINDS || c.kind == UPCALL_MISS)
		return -EBADMSG;
	up->kind = c.kind;
	*max_len = c.max_len;
	memcpy(up->cookie, c.cookie, sizeof(up->cookie));
	return 0;
}

static void look_inside(struct dp_upcall *up)
{
	struct flow_key seen;

	memset(&seen, 0, sizeof(seen));
	(void)packet_parse(up->packet, &seen, NULL); /* for the offsets; the kernel's key counts */
	if (flow_is_ipv4(&up->key) && up->key.nw_proto == 2) {
		up->key.tp_src = seen.tp_src; /* IGMP: the kernel does not look there */
		up->key.tp_dst = seen.tp_dst;
		up->key.igmp_group = seen.igmp_group;
	}
}

/* held: where it is to go, if its port's share has room; else -ENOBUFS.  NULL: to the handler. */
static int take(const struct kdp *d, const struct nlmsghdr *h, const struct fair_queue *held,
		struct dp_upcall *up)
{
	const struct nlattr *a[N_ATTRS];
	uint32_t len, max_len = UINT32_MAX;
	size_t n = 0;
	const void *p = kdp_attrs(d, &d->fam->packet, h, &n);
	int rc;

	memset(up, 0, sizeof(*up));
	if (!p || nlattr_parse(p, n, packet_policy, N_ATTRS, a) < 0 || !a[OVS_PACKET_ATTR_PACKET] ||
	    !a[OVS_PACKET_ATTR_KEY])
		return -EBADMSG;
	if (genl_cmd(h) == OVS_PACKET_CMD_ACTION)
		rc = take_cookie(a[OVS_PACKET_ATTR_USERDATA], up, &max_len);
	else
		rc = genl_cmd(h) == OVS_PACKET_CMD_MISS ? 0 : -EBADMSG;
	if (!rc)
		rc = kdp_key_get(nlattr_data(a[OVS_PACKET_ATTR_KEY]),
				 nlattr_len(a[OVS_PACKET_ATTR_KEY]), &up->key);
	if (rc)
		return rc;
	len = (uint32_t)nlattr_len(a[OVS_PACKET_ATTR_PACKET]);
	up->len = a[OVS_PACKET_ATTR_LEN] ? nlattr_u32(a[OVS_PACKET_ATTR_LEN]) : len;
	len = MIN(len, max_len);
	if (held && !fair_admits(held, flow_in_dp(&up->key).v, len))
		return -ENOBUFS;
	up->packet = packet_new(nlattr_data(a[OVS_PACKET_ATTR_PACKET]), len, TAILROOM);
	up->packet->in_port = flow_in_dp(&up->key);
	look_inside(up);
	return 0;
}

struct taking {
	struct kdp *d;
	struct fair_queue *held; /* where they go, or */
	struct dp_upcall *out;
	unsigned n, max;
};

static void take_one(const struct nlmsghdr *h, void *arg)
{
	struct taking *t = arg;
	struct dp_upcall one, *up = t->held ? &one : &t->out[t->n];
	int rc = t->n == t->max ? -EBADMSG : take(t->d, h, t->held, up);

	if (rc == -ENOBUFS)
		t->d->over_share++;
	else if (rc)
		t->d->strange++;
	if (rc)
		return;
	if (up->kind != UPCALL_MISS)
		t->d->upcalls[up->kind]++;
	if (t->held)
		fair_put(t->held, up);
	t->n++;
}

/* From the socket; how many, or -errno when there was none. */
static int take_some(struct nl_chan *c, struct taking *t)
{
	for (unsigned tried = 0; tried < t->max;) {
		int rc = nl_chan_take(c, t->max - tried, take_one, t);

		if (rc == -ENOBUFS) { /* said once; what is there is still there */
			t->d->overruns++;
			continue;
		}
		if (rc <= 0)
			return t->n ? (int)t->n : rc;
		tried += (unsigned)rc;
	}
	return (int)t->n;
}

int kdp_recv(struct dp *dp, unsigned handler, struct dp_upcall *out, unsigned max)
{
	struct kdp *d = kdp_of(dp);
	struct taking now = { .d = d, .out = out, .max = max };
	struct kdp_handler *h;
	int n = 0;

	if (handler >= d->n_handlers)
		return -EINVAL;
	h = d->handlers[handler];
	if (!h->held.n)
		n = take_some(h->chan, &now);
	if (h->held.n || n == (int)max) { /* there may be more than can be handled now */
		struct taking ahead = { .d = d, .held = &h->held, .max = TAKE_AHEAD };

		(void)take_some(h->chan, &ahead); /* the next call says so again */
		n = MAX(n, 0);
		n += (int)fair_get(&h->held, out + n, max - (unsigned)n);
	}
	tell_held(h);
	return n;
}
