/* SPDX-License-Identifier: Apache-2.0 */
/* The underlay's thread: from a far end to a path, and again whenever the kernel says that
 * something is other than it was. */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/xalloc.h"
#include "core/port/underlay_priv.h"

#define TICK_NS (NSEC_PER_SEC / 2)
#define CONFIRM_TICKS 10u /* what is in use is said to be to the kernel so often */
#define IDLE_TICKS 1200u  /* unused so long, an end is forgotten */
#define ASK_AGAIN_NS (2 * NSEC_PER_SEC)

/* for each end E; the body may not add or remove ends */
#define FOR_EACH_END(E, U)                                                                         \
	for (size_t i_ = 0; i_ <= (U)->ends->mask; i_++)                                           \
		if (((E) = (U)->ends->slots[i_]))

/* --- paths --- */

void underlay_set_path(struct underlay *u, struct underlay_end *e, struct underlay_path *path,
		       enum underlay_state state)
{
	struct underlay_path *old;

	e->state = (uint8_t)state;
	old = rcu_xchg_pointer(&e->path, path);
	if (old) {
		underlay_dev_put(u, old->dev);
		rcu_defer_free(old);
	}
}

static void forget_route(struct underlay *u, struct underlay_end *e)
{
	if (e->has_route)
		htable_remove(&u->by_neigh, &e->node);
	e->has_route = false;
	e->asked_ns = 0;
}

static void fail(struct underlay *u, struct underlay_end *e, enum underlay_state why)
{
	e->asked_ns = 0;
	if (why == UNDERLAY_NO_ROUTE)
		forget_route(u, e);
	underlay_set_path(u, e, NULL, why);
	underlay_room_release(u, e, why);
}

static bool same_path(const struct underlay_path *p, const struct underlay_path *q)
{
	return p && p->dev == q->dev && p->mtu == q->mtu && ip_addr_equal(&p->src, &q->src) &&
	       ip_addr_equal(&p->next, &q->next) &&
	       !memcmp(&p->dl_dst, &q->dl_dst, sizeof(p->dl_dst)) &&
	       !memcmp(&p->dl_src, &q->dl_src, sizeof(p->dl_src));
}

/* The neighbour is known, so all is. */
static void complete(struct underlay *u, struct underlay_end *e, const struct eth_addr *mac)
{
	const struct link_info *link = rtnl_by_index(u->rtnl, e->route.ifindex);
	struct underlay_path p = { .dl_dst = *mac, .src = e->route.src, .next = e->route.next };

	if (!link) {
		fail(u, e, UNDERLAY_NO_ROUTE);
		return;
	}
	e->asked_ns = 0;
	p.dl_src = link->mac;
	p.mtu = e->route.mtu ? MIN(e->route.mtu, link->mtu) : link->mtu;
	p.dev = underlay_dev_get(u, link->ifindex, link->mtu);
	if (!p.dev)
		fail(u, e, UNDERLAY_NO_ROUTE);
	else if (same_path(e->path, &p))
		underlay_dev_put(u, p.dev);
	else
		underlay_set_path(u, e, xmemdup(&p, sizeof(p)), UNDERLAY_OK);
	underlay_room_release(u, e, UNDERLAY_OK);
}

/* --- neighbours --- */

static uint64_t neigh_hash(int ifindex, const struct be128 *addr)
{
	return hash_u64(addr->d[1], hash_add64((uint64_t)ifindex, addr->d[0]));
}

/* While the kernel asks, an old path is better than none. */
static void ask(struct underlay *u, struct underlay_end *e)
{
	if (neigh_use(u->neighs, e->route.ifindex, &e->route.next)) {
		fail(u, e, UNDERLAY_NO_NEIGHBOUR);
		return;
	}
	e->asked_ns = clock_mono_ns();
	if (!e->path)
		e->state = UNDERLAY_WAITING;
}

static void find_neighbour(struct underlay *u, struct underlay_end *e)
{
	struct neigh_info info;

	if (neigh_get(u->neighs, e->route.ifindex, &e->route.next, &info))
		fail(u, e, UNDERLAY_NO_NEIGHBOUR);
	else if (info.state == NEIGH_VALID)
		complete(u, e, &info.mac);
	else
		ask(u, e);
}

static void take_news(struct underlay *u, struct underlay_end *e, const struct neigh_info *now)
{
	switch (now->state) {
	case NEIGH_VALID: complete(u, e, &now->mac); break;
	case NEIGH_FAILED: fail(u, e, UNDERLAY_NO_NEIGHBOUR); break;
	case NEIGH_ASKING: break;
	case NEIGH_UNKNOWN: /* somebody has deleted it: who is in use is asked for again */
		if (e->path)
			ask(u, e);
		break;
	}
}

/* The first end of this neighbour that is not among the `skip` first. */
static struct underlay_end *nth_of_neighbour(struct underlay *u, int ifindex,
					     const struct be128 *addr, unsigned skip)
{
	struct underlay_end *e;

	HTABLE_FOR_EACH_WITH (e, struct underlay_end, node, neigh_hash(ifindex, addr), &u->by_neigh)
		if (e->route.ifindex == ifindex && ip_addr_equal(&e->route.next, addr) && !skip--)
			return e;
	return NULL;
}

static void refresh_all(void *underlay);

static void on_neigh(int ifindex, const struct be128 *addr, const struct neigh_info *now, void *arg)
{
	struct underlay *u = arg;
	struct underlay_end *e;

	if (!addr) {
		refresh_all(u);
		return;
	}
	/* News may end an end's route, so each look starts afresh. */
	for (unsigned i = 0; (e = nth_of_neighbour(u, ifindex, addr, i));) {
		take_news(u, e, now);
		i += e->has_route;
	}
}

/* --- routes --- */

static bool usable(const struct underlay *u, const struct route *r)
{
	const struct link_info *link = rtnl_by_index(u->rtnl, r->ifindex);

	return !r->local && link && link->up && link->has_mac && !(link->flags & IFF_LOOPBACK) &&
	       !ip_addr_is_zero(&r->src);
}

static bool same_route(const struct underlay_end *e, const struct route *r)
{
	return e->has_route && e->route.ifindex == r->ifindex && e->route.mtu == r->mtu &&
	       ip_addr_equal(&e->route.src, &r->src) && ip_addr_equal(&e->route.next, &r->next);
}

static void resolve(struct underlay *u, struct underlay_end *e)
{
	struct route r;

	if (ip_addr_is_multicast(&e->dst) || route_lookup(u->routes, &e->dst, &e->src, &r) ||
	    !usable(u, &r)) {
		fail(u, e, UNDERLAY_NO_ROUTE);
		return;
	}
	if (!same_route(e, &r)) {
		forget_route(u, e);
		e->route = r;
		e->has_route = true;
		htable_insert(&u->by_neigh, &e->node, neigh_hash(r.ifindex, &r.next));
	}
	find_neighbour(u, e);
}

static void refresh_all(void *underlay)
{
	struct underlay *u = underlay;
	struct underlay_end *e;

	FOR_EACH_END(e, u)
	resolve(u, e);
}

static void on_link(enum rtnl_change change UNUSED, const struct link_info *was UNUSED,
		    const struct link_info *now UNUSED, void *arg)
{
	struct underlay *u = arg;

	if (!loop_timer_running(u->refresh))
		loop_timer_in(u->refresh, 0); /* many in one turn are one */
}

/* --- turns --- */

static void want(struct underlay *u, const struct be128 *dst, const struct be128 *src)
{
	struct underlay_end *e = underlay_end_find(u->ends, dst, src);
	bool known = e;

	if (!e)
		e = underlay_end_add(u, dst, src);
	if (!e) {
		struct underlay_end none = { .dst = *dst, .src = *src };

		underlay_room_release(u, &none, UNDERLAY_FULL);
	} else if (!known) {
		resolve(u, e);
	} else if (e->path) {
		underlay_room_release(u, e, UNDERLAY_OK);
	} else if (e->state != UNDERLAY_WAITING) {
		underlay_room_release(u, e, (enum underlay_state)e->state);
	}
}

static void on_wake(int fd UNUSED, unsigned int events UNUSED, void *arg)
{
	struct underlay *u = arg;

	thread_woken(&u->thread);
	if (u->thread.stop)
		loop_exit(u->loop);
	else
		underlay_room_visit(u, want);
}

/* What is in use is kept, what failed is tried again when it is wanted, what nobody uses goes.
 * False: it is to go. */
static bool look_after(struct underlay *u, struct underlay_end *e, uint64_t now)
{
	bool used = e->used;

	e->used = false;
	e->idle = used ? 0 : e->idle + 1;
	if (e->idle > IDLE_TICKS)
		return false;
	if (e->asked_ns && now - e->asked_ns > ASK_AGAIN_NS)
		find_neighbour(u, e); /* in case the answer was lost */
	else if (used && !e->path && !e->asked_ns)
		resolve(u, e);
	else if (e->path && e->idle < CONFIRM_TICKS && u->ticks % CONFIRM_TICKS == 0)
		(void)!neigh_use(u->neighs, e->route.ifindex, &e->route.next); /* next time */
	return true;
}

static void on_tick(void *underlay)
{
	struct underlay *u = underlay;
	uint64_t now = clock_mono_ns(), oldest = UNDERLAY_WAIT_MS * NSEC_PER_MSEC;
	struct underlay_end *e, *gone = NULL;

	u->ticks++;
	FOR_EACH_END(e, u)
	if (!look_after(u, e, now))
		gone = e;
	if (gone) { /* one a tick: there is no hurry */
		forget_route(u, gone);
		underlay_end_remove(u, gone);
	}
	if (now > oldest)
		underlay_room_expire(u, now - oldest, UNDERLAY_NO_NEIGHBOUR);
	underlay_devs_reap(u);
}

void underlay_main(struct thread *t, void *underlay)
{
	struct underlay *u = underlay;
	struct loop_fd *wake = loop_fd_new(u->loop, t->wake_fd, LOOP_READ, on_wake, u, NULL);

	if (!wake) /* out of memory in the kernel: nothing is ever resolved */
		return;
	loop_timer_every(u->tick, TICK_NS);
	(void)!loop_run(u->loop); /* only the kernel's poll can fail, and then all has */
	loop_fd_free(wake);
}

int underlay_resolver_open(struct underlay *u, struct error *err)
{
	struct error why = ERROR_INIT;

	u->loop = loop_new(&why);
	if (u->loop) {
		u->tick = loop_timer_new(u->loop, on_tick, u);
		u->refresh = loop_timer_new(u->loop, refresh_all, u);
		u->rtnl = rtnl_new(u->loop, &why);
	}
	if (u->rtnl) {
		u->links = rtnl_watch_new(u->rtnl, on_link, u);
		u->routes = routes_new(u->loop, refresh_all, u, &why);
	}
	if (u->routes)
		u->neighs = neighs_new(u->loop, on_neigh, u, &why);
	if (u->neighs)
		return 0;
	return error_set(err, why.code ? why.code : EIO, NULL, "%s", why.cause);
}

void underlay_resolver_close(struct underlay *u)
{
	neighs_free(u->neighs);
	routes_free(u->routes);
	rtnl_watch_free(u->links);
	rtnl_free(u->rtnl);
	loop_timer_free(u->tick);
	loop_timer_free(u->refresh);
	loop_free(u->loop);
}
