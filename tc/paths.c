/* SPDX-License-Identifier: Apache-2.0 */
#include "tc/paths.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/htable.h"
#include "core/base/ip_addr.h"
#include "core/base/lock.h"
#include "core/base/thread.h"
#include "core/base/xalloc.h"
#include "core/io/loop.h"
#include "core/io/neigh.h"
#include "core/io/route.h"

#define QUIET_NS (10 * NSEC_PER_MSEC)  /* changes of one moment are looked into once */
#define CONFIRM_NS (10 * NSEC_PER_SEC) /* how often the kernel hears what is in use */

struct tc_path {
	struct hnode node;
	unsigned refs; /* the lock */
	struct be128 dst, src;
	_Atomic uint64_t way; /* a digest of where it leads; 0: nowhere */
	_Atomic bool known;   /* it was resolved */

	/* the thread's own */
	struct route route;
	bool has_route;
};

static struct lock lock = LOCK_INIT;
static struct htable paths GUARDED_BY(&lock);

static struct thread resolver;
static struct loop *loop; /* owned; its watchers, too; the thread's once it runs */
static struct loop_timer *soon, *confirm;
static struct routes *routes;
static struct neighs *neighs;
static tc_path_fn *told;

/* --- paths --- */

static uint64_t hash_ends(const struct be128 *dst, const struct be128 *src)
{
	struct be128 ends[2] = { *dst, *src };

	return hash_bytes(ends, sizeof(ends), 0);
}

static struct tc_path *find(const struct be128 *dst, const struct be128 *src) REQUIRES(&lock)
{
	struct tc_path *p;

	HTABLE_FOR_EACH_WITH (p, struct tc_path, node, hash_ends(dst, src), &paths)
		if (ip_addr_equal(&p->dst, dst) && ip_addr_equal(&p->src, src))
			return p;
	return NULL;
}

struct tc_path *tc_path_get(const struct be128 *dst, const struct be128 *src)
{
	struct tc_path *p;
	bool made = false;

	lock_take(&lock);
	p = find(dst, src);
	if (!p && paths.n < TC_PATHS_MAX) {
		p = xzalloc(sizeof(*p));
		p->dst = *dst;
		p->src = *src;
		htable_insert(&paths, &p->node, hash_ends(dst, src));
		made = true;
	}
	if (p)
		p->refs++;
	lock_give(&lock);
	if (made)
		thread_wake(&resolver);
	return p;
}

static void drop(struct tc_path *p) REQUIRES(&lock)
{
	if (--p->refs)
		return;
	htable_remove(&paths, &p->node);
	free(p);
}

void tc_path_put(struct tc_path *p)
{
	if (!p)
		return;
	lock_take(&lock);
	drop(p);
	lock_give(&lock);
}

bool tc_path_is_open(const struct tc_path *p)
{
	return !atomic_load(&p->known) || atomic_load(&p->way);
}

/* All that there are, each with a reference more. */
static struct tc_path **all(size_t *n)
{
	struct tc_path **v, *p;

	lock_take(&lock);
	v = xcalloc(paths.n ? paths.n : 1, sizeof(struct tc_path *));
	*n = 0;
	HTABLE_FOR_EACH (p, struct tc_path, node, &paths) {
		p->refs++;
		v[(*n)++] = p;
	}
	lock_give(&lock);
	return v;
}

static void visit(void (*fn)(struct tc_path *p))
{
	size_t n;
	struct tc_path **v = all(&n);

	for (size_t i = 0; i < n; i++) {
		fn(v[i]);
		tc_path_put(v[i]);
	}
	free(v);
}

/* --- the thread --- */

static uint64_t digest(const struct route *r, const struct eth_addr *mac)
{
	struct {
		struct be128 next;
		uint64_t ifindex;
		struct eth_addr mac;
		uint8_t zero[2];
	} d = { .next = r->next, .ifindex = (uint64_t)r->ifindex, .mac = *mac };
	uint64_t h = hash_bytes(&d, sizeof(d), 1);

	return h ? h : 1;
}

/* Where it leads now; what it was while that is being found out. */
static uint64_t way_of(struct tc_path *p)
{
	struct neigh_info n;

	p->has_route = !route_lookup(routes, &p->dst, &p->src, &p->route) && !p->route.local;
	if (!p->has_route)
		return 0;
	if (neigh_get(neighs, p->route.ifindex, &p->route.next, &n))
		n.state = NEIGH_UNKNOWN;
	switch (n.state) {
	case NEIGH_VALID: return digest(&p->route, &n.mac);
	case NEIGH_FAILED: return 0;
	case NEIGH_UNKNOWN:
		(void)!neigh_use(neighs, p->route.ifindex,
				 &p->route.next); /* else at the next look */
		return atomic_load(&p->way);
	case NEIGH_ASKING: break;
	}
	return atomic_load(&p->way);
}

static void look(struct tc_path *p)
{
	uint64_t was = atomic_load(&p->way), now = way_of(p);
	bool first = !atomic_load(&p->known);

	atomic_store(&p->way, now);
	atomic_store(&p->known, true);
	if (now != was)
		told(p, first);
}

static void look_at_all(void *arg UNUSED)
{
	visit(look);
}

static void use(struct tc_path *p)
{
	if (p->has_route)
		(void)!neigh_use(neighs, p->route.ifindex, &p->route.next); /* next time, then */
	else
		look(p);
}

static void confirm_all(void *arg UNUSED)
{
	visit(use);
}

static void look_soon(void)
{
	if (!loop_timer_running(soon))
		loop_timer_in(soon, QUIET_NS);
}

static void on_route(void *arg UNUSED)
{
	look_soon();
}

static void on_neigh(int ifindex, const struct be128 *addr, const struct neigh_info *now UNUSED,
		     void *arg UNUSED)
{
	struct tc_path *p;
	bool ours = !addr;

	lock_take(&lock);
	HTABLE_FOR_EACH (p, struct tc_path, node, &paths)
		if (addr && p->has_route && p->route.ifindex == ifindex &&
		    ip_addr_equal(&p->route.next, addr))
			ours = true;
	lock_give(&lock);
	if (ours)
		look_soon();
}

/* There are new ones, or it is over. */
static void on_wake(int fd UNUSED, unsigned int events UNUSED, void *arg)
{
	struct thread *t = arg;

	thread_woken(t);
	if (t->stop)
		loop_exit(loop);
	else
		look_at_all(NULL);
}

static void run(struct thread *t, void *arg UNUSED)
{
	struct loop_fd *wake = loop_fd_new(loop, t->wake_fd, LOOP_READ, on_wake, t, NULL);

	if (!wake) /* out of memory in the kernel: nothing is ever followed */
		return;
	loop_timer_every(confirm, CONFIRM_NS);
	(void)!loop_run(loop); /* only the kernel's poll can fail, and then all has */
	loop_fd_free(wake);
}

/* --- start and stop --- */

static void close_all(void)
{
	neighs_free(neighs);
	routes_free(routes);
	loop_timer_free(soon);
	loop_timer_free(confirm);
	loop_free(loop);
	neighs = NULL;
	routes = NULL;
	soon = confirm = NULL;
	loop = NULL;
}

int tc_paths_start(tc_path_fn *changed, struct error *err)
{
	int rc = 0;

	if (loop)
		return 0;
	told = changed;
	loop = loop_new(err);
	if (!loop)
		return -EMFILE;
	soon = loop_timer_new(loop, look_at_all, NULL);
	confirm = loop_timer_new(loop, confirm_all, NULL);
	routes = routes_new(loop, on_route, NULL, err);
	neighs = routes ? neighs_new(loop, on_neigh, NULL, err) : NULL;
	if (!neighs) {
		close_all();
		return -EIO;
	}
	lock_take(&lock);
	htable_init(&paths);
	lock_give(&lock);
	rc = thread_start(&resolver, "tc-paths", run, NULL);
	if (rc) {
		close_all();
		return error_set(err, -rc, NULL, "cannot follow routes: %s", strerror(-rc));
	}
	return 0;
}

void tc_paths_stop(void)
{
	if (!loop)
		return;
	thread_stop(&resolver);
	close_all();
	lock_take(&lock);
	htable_done(&paths);
	lock_give(&lock);
}
