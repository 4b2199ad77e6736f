/* SPDX-License-Identifier: Apache-2.0 */
#include "core/io/rtnl.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/htable.h"
#include "core/base/list.h"
#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "core/io/loop.h"
#include "core/io/rtnl_msg.h"

LOG_MODULE("rtnl");

#define RX_BYTES (1 << 20)
#define BATCH 64                       /* receives in a turn */
#define DUMP_TRIES 5                   /* at once, when links change under a dump */
#define RETRY_NS (100 * NSEC_PER_MSEC) /* after that */

struct entry {
	struct hnode by_index, by_name;
	struct link_info info;
	uint64_t generation; /* of the dump that saw it last */
};

struct rtnl {
	struct loop *loop;
	struct nl_sock *events, *requests; /* owned */
	struct loop_fd *watch;             /* owned */
	struct loop_timer *retry;          /* owned */
	struct htable by_index, by_name;   /* of entries, owned */
	struct cds_list_head watches;
	uint64_t generation;
	bool silent;  /* the first dump: nobody is told */
	bool telling; /* watchers are being called: freed ones are swept later */
	struct rtnl_stats stats;
};

struct rtnl_watch {
	struct cds_list_head node;
	struct rtnl *rtnl;
	rtnl_fn *fn; /* NULL: freed while watchers were called */
	void *arg;
};

/* ---- The cache ---------------------------------------------------------------------------- */

static struct entry *find(const struct rtnl *r, int ifindex)
{
	struct entry *e;

	HTABLE_FOR_EACH_WITH (e, struct entry, by_index, hash_u64((uint64_t)ifindex, 0),
			      &r->by_index)
		if (e->info.ifindex == ifindex)
			return e;
	return NULL;
}

static void tell(struct rtnl *r, enum rtnl_change change, const struct link_info *was,
		 const struct link_info *now)
{
	struct rtnl_watch *w, *next;

	if (r->silent)
		return;
	r->telling = true;
	cds_list_for_each_entry (w, &r->watches, node)
		if (w->fn)
			w->fn(change, was, now, w->arg);
	r->telling = false;
	cds_list_for_each_entry_safe (w, next, &r->watches, node)
		if (!w->fn)
			rtnl_watch_free(w);
}

static void add_name(struct rtnl *r, struct entry *e)
{
	htable_insert(&r->by_name, &e->by_name, hash_string(e->info.name, 0));
}

static bool same(const struct link_info *a, const struct link_info *b)
{
	return a->flags == b->flags && a->mtu == b->mtu && a->operstate == b->operstate &&
	       a->master == b->master && a->link == b->link && a->has_mac == b->has_mac &&
	       !memcmp(&a->mac, &b->mac, sizeof(a->mac)) && !strcmp(a->name, b->name) &&
	       !strcmp(a->kind, b->kind);
}

static void update(struct rtnl *r, const struct link_info *link)
{
	struct entry *e = find(r, link->ifindex);
	struct link_info was;

	if (!e) {
		e = xzalloc(sizeof(*e));
		e->info = *link;
		e->generation = r->generation;
		htable_insert(&r->by_index, &e->by_index, hash_u64((uint64_t)link->ifindex, 0));
		add_name(r, e);
		tell(r, RTNL_NEW, NULL, link);
		return;
	}
	e->generation = r->generation;
	if (same(&e->info, link))
		return;
	was = e->info;
	htable_remove(&r->by_name, &e->by_name);
	e->info = *link;
	add_name(r, e); /* the newest of a name comes first, should an event still be on its way */
	tell(r, RTNL_CHANGED, &was, link);
}

static void forget(struct rtnl *r, int ifindex)
{
	struct entry *e = find(r, ifindex);
	struct link_info was;

	if (!e)
		return;
	was = e->info;
	htable_remove(&r->by_index, &e->by_index);
	htable_remove(&r->by_name, &e->by_name);
	free(e);
	tell(r, RTNL_GONE, &was, NULL);
}

/* ---- Following the kernel ----------------------------------------------------------------- */

static void note_dumped(const struct link_info *link, void *arg)
{
	update(arg, link);
}

/* The first link that the last complete dump has not seen, or 0. */
static int find_unseen(const struct rtnl *r)
{
	struct entry *e;

	HTABLE_FOR_EACH (e, struct entry, by_index, &r->by_index)
		if (e->generation != r->generation)
			return e->info.ifindex;
	return 0;
}

/* Reads everything anew and reports the differences. */
static int resync(struct rtnl *r)
{
	int rc = -EAGAIN, ifindex;

	for (int i = 0; i < DUMP_TRIES && rc == -EAGAIN; i++) {
		r->generation++;
		r->stats.dumps++;
		rc = rtnl_msg_dump(r->requests, note_dumped, r);
	}
	if (rc)
		return rc;
	/* Watchers may look and change what they like in between, so each search starts afresh. */
	while ((ifindex = find_unseen(r)) != 0)
		forget(r, ifindex);
	return 0;
}

static void resync_or_retry(void *arg)
{
	struct rtnl *r = arg;
	int rc = resync(r);

	if (!rc)
		return;
	if (rc != -EAGAIN)
		log_warn_rl("cannot read the links (%s); trying again", strerrordesc_np(-rc));
	loop_timer_in(r->retry, RETRY_NS);
}

static int on_event(struct nl_msg *msg, void *arg)
{
	struct rtnl *r = arg;
	struct link_info link;
	bool gone;

	if (!rtnl_msg_parse(nlmsg_hdr(msg), &link, &gone))
		return NL_OK;
	r->stats.events++;
	if (gone)
		forget(r, link.ifindex);
	else
		update(r, &link);
	return NL_OK;
}

static void on_readable(int fd UNUSED, unsigned int events UNUSED, void *arg)
{
	struct rtnl *r = arg;
	int rc = 0;

	for (int i = 0; i < BATCH && !rc; i++) {
		rc = nl_recvmsgs_default(r->events);
		rc = rc < 0 ? rtnl_msg_errno(rc) : 0;
	}
	if (!rc || rc == -EAGAIN || rc == -EINTR)
		return;
	if (rc == -ENOBUFS)
		r->stats.overruns++;
	else
		log_warn_rl("cannot read a notification (%s)", strerrordesc_np(-rc));
	resync_or_retry(r);
}

/* ---- Life --------------------------------------------------------------------------------- */

static int subscribe(struct rtnl *r, struct error *err)
{
	int rc;

	nl_socket_disable_seq_check(r->events);
	(void)nl_socket_modify_cb(r->events, NL_CB_VALID, NL_CB_CUSTOM, on_event, r);
	rc = nl_socket_set_buffer_size(r->events, RX_BYTES, 0);
	if (!rc)
		rc = nl_socket_add_memberships(r->events, RTNLGRP_LINK, 0);
	if (!rc)
		rc = nl_socket_set_nonblocking(r->events);
	if (rc)
		return error_set(err, -rtnl_msg_errno(rc), NULL,
				 "cannot follow the kernel's links (%s)", nl_geterror(rc));
	r->watch =
		loop_fd_new(r->loop, nl_socket_get_fd(r->events), LOOP_READ, on_readable, r, err);
	return r->watch ? 0 : -EIO;
}

struct rtnl *rtnl_new(struct loop *l, struct error *err)
{
	struct rtnl *r = xzalloc(sizeof(*r));
	int rc;

	r->loop = l;
	CDS_INIT_LIST_HEAD(&r->watches);
	r->retry = loop_timer_new(l, resync_or_retry, r);
	r->events = rtnl_msg_socket(err);
	r->requests = r->events ? rtnl_msg_socket(err) : NULL;
	if (!r->requests || subscribe(r, err)) {
		rtnl_free(r);
		return NULL;
	}
	r->silent = true;
	rc = resync(r);
	r->silent = false;
	if (rc == -EAGAIN) {
		loop_timer_in(r->retry, RETRY_NS); /* the rest comes as news */
	} else if (rc) {
		(void)error_set(err, -rc, NULL, "cannot read the links (%s)", strerrordesc_np(-rc));
		rtnl_free(r);
		return NULL;
	}
	return r;
}

void rtnl_free(struct rtnl *r)
{
	struct rtnl_watch *w, *next;
	struct entry *e;

	if (!r)
		return;
	loop_fd_free(r->watch);
	loop_timer_free(r->retry);
	nl_socket_free(r->events);
	nl_socket_free(r->requests);
	HTABLE_FOR_EACH (e, struct entry, by_index, &r->by_index)
		free(e);
	htable_done(&r->by_index);
	htable_done(&r->by_name);
	cds_list_for_each_entry_safe (w, next, &r->watches, node)
		free(w);
	free(r);
}

struct rtnl_watch *rtnl_watch_new(struct rtnl *r, rtnl_fn *fn, void *arg)
{
	struct rtnl_watch *w = xzalloc(sizeof(*w));

	w->rtnl = r;
	w->fn = fn;
	w->arg = arg;
	cds_list_add_tail(&w->node, &r->watches);
	return w;
}

void rtnl_watch_free(struct rtnl_watch *w)
{
	if (!w)
		return;
	w->fn = NULL;
	if (w->rtnl->telling)
		return; /* tell() sweeps it */
	cds_list_del(&w->node);
	free(w);
}

/* ---- Looking and changing ----------------------------------------------------------------- */

const struct link_info *rtnl_by_index(const struct rtnl *r, int ifindex)
{
	const struct entry *e = find(r, ifindex);

	return e ? &e->info : NULL;
}

const struct link_info *rtnl_by_name(const struct rtnl *r, const char *name)
{
	const struct entry *e;

	HTABLE_FOR_EACH_WITH (e, struct entry, by_name, hash_string(name, 0), &r->by_name)
		if (!strcmp(e->info.name, name))
			return &e->info;
	return NULL;
}

void rtnl_each(const struct rtnl *r, bool (*fn)(const struct link_info *link, void *arg), void *arg)
{
	struct entry *e;

	HTABLE_FOR_EACH (e, struct entry, by_index, &r->by_index)
		if (!fn(&e->info, arg))
			return;
}

int rtnl_set_up(struct rtnl *r, int ifindex, bool up, struct error *err)
{
	const struct rtnl_change_request req = { .ifindex = ifindex,
						 .flags = up ? IFF_UP : 0,
						 .change = IFF_UP };

	return rtnl_msg_change(r->requests, &req, err);
}

int rtnl_set_mtu(struct rtnl *r, int ifindex, uint32_t mtu, struct error *err)
{
	const struct rtnl_change_request req = {
		.ifindex = ifindex, .type = IFLA_MTU, .data = &mtu, .len = sizeof(mtu)
	};

	return rtnl_msg_change(r->requests, &req, err);
}

int rtnl_set_mac(struct rtnl *r, int ifindex, const struct eth_addr *mac, struct error *err)
{
	const struct rtnl_change_request req = {
		.ifindex = ifindex, .type = IFLA_ADDRESS, .data = mac, .len = sizeof(*mac)
	};

	return rtnl_msg_change(r->requests, &req, err);
}

void rtnl_get_stats(const struct rtnl *r, struct rtnl_stats *st)
{
	*st = r->stats;
	st->links = r->by_index.n;
}
