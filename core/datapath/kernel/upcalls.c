/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel sends up: a socket for each handler.
 *
 * The kernel never waits: a socket that is full loses the packet and the datapath counts it
 * (n_lost). Sockets of handlers that are no more stay open until the datapath is closed, so that a
 * number in a flow or at a port never means somebody else; what still comes to one is taken and
 * counted as lost. */
#include <errno.h>
#include <linux/openvswitch.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "core/datapath/kernel/acts.h"
#include "core/datapath/kernel/kernel.h"
#include "core/datapath/kernel/key.h"
#include "core/packet/parse.h"

#define TAILROOM 64u /* behind the packets that recv gives */

struct kdp_handler {
	struct nl_chan *chan; /* owned */
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

static int make(struct kdp *d, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct kdp_handler *h = d->handlers[i];
		int rc;

		if (h)
			continue;
		h = xzalloc(sizeof(*h));
		rc = nl_chan_open(NETLINK_GENERIC, &h->chan, NULL);
		if (rc) {
			free(h);
			return rc;
		}
		d->handlers[i] = h;
	}
	return 0;
}

static void count_lost(const struct nlmsghdr *h UNUSED, void *arg)
{
	struct kdp *d = arg;

	d->lost++;
}

/* Nobody looks there any more. */
static void drain(struct kdp *d, unsigned from)
{
	for (unsigned i = from; i < KDP_MAX_HANDLERS && d->handlers[i]; i++)
		(void)nl_chan_notices(d->handlers[i]->chan, count_lost, d); /* overrun: counted */
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
			nl_chan_close(h->chan);
		free(h);
	}
}

int kdp_recv_fd(struct dp *dp, unsigned handler)
{
	struct kdp *d = kdp_of(dp);

	return handler < d->n_handlers ? nl_chan_fd(d->handlers[handler]->chan) : -EINVAL;
}

/* ---- packets ---- */

static const struct nlattr_policy packet_policy[] = {
	[OVS_PACKET_ATTR_PACKET] = { 1, UINT16_MAX },
	[OVS_PACKET_ATTR_KEY] = NLATTR_ANY,
	[OVS_PACKET_ATTR_USERDATA] = NLATTR_ANY,
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

static int take(const struct kdp *d, const struct nlmsghdr *h, struct dp_upcall *up)
{
	const struct nlattr *a[N_ATTRS];
	uint32_t len, max_len = UINT32_MAX;
	struct flow_key seen;
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
	up->packet =
		packet_new(nlattr_data(a[OVS_PACKET_ATTR_PACKET]), MIN(len, max_len), TAILROOM);
	up->packet->in_port = flow_in_dp(&up->key);
	memset(&seen, 0, sizeof(seen));
	(void)packet_parse(up->packet, &seen, NULL); /* for the offsets; the kernel's key counts */
	if (flow_is_ipv4(&up->key) && up->key.nw_proto == 2) {
		up->key.tp_src = seen.tp_src; /* IGMP: the kernel does not look there */
		up->key.tp_dst = seen.tp_dst;
		up->key.igmp_group = seen.igmp_group;
	}
	return 0;
}

struct taking {
	struct kdp *d;
	struct dp_upcall *out;
	unsigned n, max;
};

static void take_one(const struct nlmsghdr *h, void *arg)
{
	struct taking *t = arg;

	if (t->n == t->max || take(t->d, h, &t->out[t->n])) {
		t->d->strange++;
		return;
	}
	if (t->out[t->n].kind != UPCALL_MISS)
		t->d->upcalls[t->out[t->n].kind]++;
	t->n++;
}

int kdp_recv(struct dp *dp, unsigned handler, struct dp_upcall *out, unsigned max)
{
	struct kdp *d = kdp_of(dp);
	struct taking t = { .d = d, .out = out, .max = max };

	if (handler >= d->n_handlers)
		return -EINVAL;
	while (t.n < max) {
		unsigned before = t.n;
		int rc = nl_chan_take(d->handlers[handler]->chan, max - t.n, take_one, &t);

		if (rc == -ENOBUFS) { /* said once; what is there is still there */
			d->overruns++;
			continue;
		}
		if (rc <= 0 || t.n == before)
			return t.n ? (int)t.n : rc < 0 ? rc : 0;
	}
	return (int)t.n;
}
