/* SPDX-License-Identifier: Apache-2.0 */
/* What others do to our filters, qdiscs and devices (RTNLGRP_TC, RTNLGRP_LINK): one thread
 * for all devices, which tells the engine.  It changes nothing itself.
 *
 * The kernel notifies of everybody's changes, ours included; those bear the number of the socket
 * that asked for them.  Of chains it also tells when the last filter has left one, in nobody's
 * name; whoever removes a chain removes its filters, which is told first. */
#include <linux/if_link.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/thread.h"
#include "tc/device.h"
#include "tc/meters.h"
#include "tc/police.h"

LOG_MODULE("tc.watch");

static struct thread watcher;
static struct nl_chan *notices; /* owned */

/* --- who did it --- */

struct asker {
	uint32_t portid;
	bool ours;
};

static void is_asker(struct tc_device *d, void *arg)
{
	struct asker *a = arg;

	a->ours |= nl_chan_portid(d->chan) == a->portid;
}

static bool is_ours(uint32_t portid)
{
	struct asker a = { .portid = portid };

	if (!portid) /* the kernel itself */
		return false;
	tc_devices_each(is_asker, &a);
	return a.ours || portid == tc_main_portid() || portid == tc_meters_portid();
}

struct own {
	uint32_t portids[NL_IGNORE_MAX];
	unsigned n;
};

static void add_own(struct tc_device *d, void *arg)
{
	struct own *o = arg;

	if (o->n < NL_IGNORE_MAX)
		o->portids[o->n++] = nl_chan_portid(d->chan);
}

void tc_watch_own(void)
{
	struct own o = { .portids = { tc_meters_portid() } };

	if (!notices)
		return;
	o.n = o.portids[0] != 0; /* the kernel's own is heard */
	tc_devices_each(add_own, &o);
	(void)!nl_chan_ignore(notices, o.portids, o.n); /* else they come, and is_ours() says so */
}

/* --- what it means --- */

struct happened {
	enum offload_event_kind kind;
	const struct tc_filter *filter; /* RULE_*: which */
	const char *words;
	bool no_qdisc; /* what hung on it is gone */
};

static void tell(struct tc_device *d, enum offload_event_kind kind, uint64_t handle,
		 const char *words)
{
	struct offload_event ev = { .kind = kind, .handle = handle, .words = words };

	offload_device_notify(&d->up, &ev);
}

static void tell_port(struct tc_port *p, void *arg)
{
	const struct happened *h = arg;
	struct tc_device *d = p->dev;
	enum offload_event_kind kind = h->kind;
	uint64_t handle = 0;
	struct tc_rule *r;
	char words[128];

	(void)snprintf(words, sizeof(words), "%s: %s", p->name, h->words);
	if (h->no_qdisc && !p->bond)
		atomic_store(&p->ready, false);
	if (p->bond)
		atomic_store(&p->look, true);
	if (h->filter) {
		lock_take(&d->lock);
		r = tc_rule_of(d, h->filter);
		handle = r ? r->handle : 0;
		lock_give(&d->lock);
		if (!handle)
			kind = OFFLOAD_EV_RULES;
	}
	if (kind == OFFLOAD_EV_CAPS)
		atomic_store(&d->stale, true);
	if (kind == OFFLOAD_EV_GONE && d->n_ports > 1)
		kind = OFFLOAD_EV_RULES;
	tell(d, kind, handle, words);
}

static void tell_device(struct tc_device *d, void *arg)
{
	const struct happened *h = arg;

	tell(d, h->kind, 0, h->words);
}

/* A filter with a handle of ours, or a whole priority or chain of them (handle 0). */
static void see_filter(const struct nlmsghdr *h)
{
	struct tc_filter f;
	struct happened what = { .filter = &f };

	if (tc_filter_get(h, &f) ||
	    (f.at.handle && (f.at.handle & TC_HANDLE_MASK) != TC_HANDLE_MARK) ||
	    f.at.prio < TC_PRIO_FIRST || f.at.prio > TC_PRIO_LAST)
		return;
	what.kind = f.gone ? OFFLOAD_EV_RULE_GONE : OFFLOAD_EV_RULE_ALTERED;
	what.words = f.gone ? "somebody removed a filter" : "somebody changed a filter";
	if (!f.at.handle) {
		what = (struct happened){ .kind = OFFLOAD_EV_RULES,
					  .words = "somebody removed filters" };
	}
	(void)tc_ports_at(&f.at, tell_port, &what);
}

static void see_qdisc(const struct nlmsghdr *h)
{
	struct happened gone = { .kind = OFFLOAD_EV_RULES,
				 .words = "somebody removed the qdisc",
				 .no_qdisc = true };
	struct happened anew = { .kind = OFFLOAD_EV_CAPS, .words = gone.words };
	struct tcmsg t;

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(t)))
		return;
	memcpy(&t, (const uint8_t *)h + NLMSG_HDRLEN, sizeof(t));
	if (t.tcm_parent != TC_H_INGRESS)
		return;
	(void)tc_ports_with(t.tcm_ifindex, tell_port, &gone);
	tc_bonds_with(t.tcm_ifindex, tell_port, &anew);
	tc_bonds_with(t.tcm_ifindex, tell_port, &gone);
}

struct seen_police {
	unsigned n, ours;
};

static void see_police(const struct police_seen *s, void *arg)
{
	struct seen_police *seen = arg;

	seen->n++;
	if ((s->index & POLICE_MASK) != POLICE_FIRST) /* its cookie may be gone */
		return;
	seen->ours++;
	tc_meters_tampered(s->index);
}

/* The rules that have it by its number are right as they are. */
static void see_action(const struct nlmsghdr *h)
{
	struct happened what = { .kind = OFFLOAD_EV_RULES, .words = "somebody changed an action" };
	struct seen_police seen = { .n = 0 };

	if (police_get(h, see_police, &seen))
		return;
	if (!seen.n && h->nlmsg_type == RTM_DELACTION) /* all of a kind */
		tc_meters_tampered(0);
	if (seen.ours)
		tc_devices_each(tell_device, &what);
}

static bool features_changed(const struct nlmsghdr *h)
{
	static const struct nlattr_policy policy[IFLA_EVENT + 1] = { [IFLA_EVENT] =
									     NLATTR_EXACT(4) };
	const struct nlattr *tb[ARRAY_SIZE(policy)];
	size_t skip = NLMSG_SPACE(sizeof(struct ifinfomsg));

	return h->nlmsg_len >= skip &&
	       nlattr_parse((const uint8_t *)h + skip, h->nlmsg_len - skip, policy,
			    ARRAY_SIZE(policy), tb) >= 0 &&
	       tb[IFLA_EVENT] && nlattr_u32(tb[IFLA_EVENT]) == IFLA_EVENT_FEATURES;
}

/* What is for the host is another's now, and the other way round. */
static void renew_rules(struct tc_device *d, void *arg)
{
	struct tc_rule *r;

	(void)arg;
	lock_take(&d->lock);
	HTABLE_FOR_EACH (r, struct tc_rule, node, &d->rules)
		tell(d, OFFLOAD_EV_RULE_STALE, r->handle, "the host has another address");
	lock_give(&d->lock);
}

static void see_link(const struct nlmsghdr *h)
{
	struct happened gone = { .kind = OFFLOAD_EV_GONE,
				 .words = "the device is gone",
				 .no_qdisc = true };
	struct happened caps = { .kind = OFFLOAD_EV_CAPS, .words = "its features changed" };
	struct happened slaves = { .kind = OFFLOAD_EV_CAPS, .words = "its slaves changed" };
	struct tc_link l = { .master = 0 };
	struct ifinfomsg m;

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(m)))
		return;
	memcpy(&m, (const uint8_t *)h + NLMSG_HDRLEN, sizeof(m));
	if (m.ifi_family != AF_UNSPEC)
		return;
	if (h->nlmsg_type == RTM_DELLINK || tc_link_parse(h, &l))
		l.ifindex = m.ifi_index;
	else if (tc_port_set_mac(&l))
		tc_devices_each(renew_rules, NULL);
	tc_bonds_changed_by(&l, tell_port, &slaves);
	if (h->nlmsg_type == RTM_DELLINK)
		(void)tc_ports_with(m.ifi_index, tell_port, &gone);
	else if (features_changed(h)) {
		(void)tc_ports_with(m.ifi_index, tell_port, &caps);
		tc_bonds_with(m.ifi_index, tell_port, &caps);
	}
}

static void see(const struct nlmsghdr *h, void *arg)
{
	(void)arg;
	switch (h->nlmsg_type) {
	case RTM_NEWTFILTER:
	case RTM_DELTFILTER:
		if (!is_ours(h->nlmsg_pid))
			see_filter(h);
		break;
	case RTM_DELQDISC:
		if (!is_ours(h->nlmsg_pid))
			see_qdisc(h);
		break;
	case RTM_NEWACTION:
	case RTM_DELACTION:
		if (!is_ours(h->nlmsg_pid))
			see_action(h);
		break;
	case RTM_NEWLINK:
	case RTM_DELLINK: see_link(h); break;
	}
}

/* --- the thread --- */

static void tell_lost(void *arg)
{
	struct happened lost = { .kind = OFFLOAD_EV_RULES, .words = "notifications were lost" };

	(void)arg;
	tc_devices_each(tell_device, &lost);
}

static void run(struct thread *t, void *arg)
{
	nl_chan_listen(notices, t, see, tell_lost, arg);
}

int tc_watch_start(struct error *err)
{
	int rc;

	if (notices)
		return 0;
	rc = nl_chan_open(NETLINK_ROUTE, &notices, err);
	if (rc)
		return rc;
	rc = nl_chan_join(notices, RTNLGRP_TC);
	if (!rc)
		rc = nl_chan_join(notices, RTNLGRP_LINK);
	if (!rc)
		rc = thread_start(&watcher, "tc", run, NULL);
	if (rc) {
		tc_watch_stop();
		return error_set(err, -rc, NULL, "cannot follow what others do to TC: %s",
				 strerror(-rc));
	}
	return 0;
}

void tc_watch_stop(void)
{
	thread_stop(&watcher);
	nl_chan_close(notices);
	notices = NULL;
}
