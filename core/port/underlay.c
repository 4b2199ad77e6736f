/* SPDX-License-Identifier: Apache-2.0 */
#include "core/port/underlay.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "core/base/hash.h"
#include "core/base/xalloc.h"
#include "core/port/underlay_priv.h"

/* --- the table of far ends --- */

static uint64_t end_hash(const struct be128 *dst, const struct be128 *src)
{
	uint64_t h = hash_add64(hash_add64(0, dst->d[0]), dst->d[1]);

	return hash_u64(src->d[1], hash_add64(h, src->d[0]));
}

struct underlay_end *underlay_end_find(const struct underlay_ends *ends, const struct be128 *dst,
				       const struct be128 *src)
{
	for (size_t i = end_hash(dst, src) & ends->mask; ends->slots[i]; i = (i + 1) & ends->mask)
		if (ip_addr_equal(&ends->slots[i]->dst, dst) &&
		    ip_addr_equal(&ends->slots[i]->src, src))
			return ends->slots[i];
	return NULL;
}

static struct underlay_ends *ends_new(size_t n)
{
	struct underlay_ends *ends;
	size_t size = 8;

	while (size < 2 * n)
		size *= 2;
	ends = xzalloc(sizeof(*ends) + size * sizeof(ends->slots[0]));
	ends->mask = size - 1;
	return ends;
}

static void ends_put(struct underlay_ends *ends, struct underlay_end *e)
{
	size_t i = end_hash(&e->dst, &e->src) & ends->mask;

	while (ends->slots[i])
		i = (i + 1) & ends->mask;
	ends->slots[i] = e;
	ends->n++;
}

/* The table with `more` (or NULL) and without `less` (or NULL), published. */
static void ends_change(struct underlay *u, struct underlay_end *more, struct underlay_end *less)
{
	struct underlay_ends *old = u->ends, *ends = ends_new(old->n + 1);

	for (size_t i = 0; i <= old->mask; i++)
		if (old->slots[i] && old->slots[i] != less)
			ends_put(ends, old->slots[i]);
	if (more)
		ends_put(ends, more);
	rcu_set_pointer(&u->ends, ends);
	rcu_defer_free(old);
}

struct underlay_end *underlay_end_add(struct underlay *u, const struct be128 *dst,
				      const struct be128 *src)
{
	struct underlay_end *e;

	if (u->ends->n >= UNDERLAY_ENDS_MAX)
		return NULL;
	e = xzalloc(sizeof(*e));
	e->dst = *dst;
	e->src = *src;
	e->state = UNDERLAY_WAITING;
	e->used = true;
	ends_change(u, e, NULL);
	return e;
}

void underlay_end_remove(struct underlay *u, struct underlay_end *e)
{
	ends_change(u, NULL, e);
	underlay_set_path(u, e, NULL, UNDERLAY_WAITING);
	rcu_defer_free(e);
}

/* --- any thread --- */

const struct underlay_path *underlay_path(struct underlay *u, const struct be128 *dst,
					  const struct be128 *src, enum underlay_state *why)
{
	struct underlay_end *e = underlay_end_find(rcu_dereference(u->ends), dst, src);
	const struct underlay_path *path;

	*why = UNDERLAY_WAITING;
	if (unlikely(!e))
		return NULL;
	if (!atomic_load_explicit(&e->used, memory_order_relaxed))
		atomic_store_explicit(&e->used, true, memory_order_relaxed);
	path = rcu_dereference(e->path);
	*why = path ? UNDERLAY_OK : (enum underlay_state)e->state;
	/* It may have become known in between. */
	if (unlikely(*why == UNDERLAY_OK && !path)) {
		path = rcu_dereference(e->path);
		if (!path)
			*why = UNDERLAY_WAITING;
	}
	return path;
}

void underlay_send(const struct underlay_path *path, struct packet *const frames[], unsigned n)
{
	af_tx_put(&path->dev->tx, frames, n);
}

void underlay_flush(struct underlay *u)
{
	const struct underlay_devs *devs = rcu_dereference(u->devs);

	for (size_t i = 0; i < devs->n; i++)
		af_tx_flush(&devs->dev[i]->tx);
}

void underlay_visit(struct underlay *u, void (*fn)(const struct underlay_path *path, void *arg),
		    void *arg)
{
	const struct underlay_ends *ends;

	rcu_read_lock();
	ends = rcu_dereference(u->ends);
	for (size_t i = 0; i <= ends->mask; i++) {
		const struct underlay_path *path =
			ends->slots[i] ? rcu_dereference(ends->slots[i]->path) : NULL;

		if (path)
			fn(path, arg);
	}
	rcu_read_unlock();
}

int underlay_path_ifindex(const struct underlay_path *path)
{
	return path->dev->ifindex;
}

void underlay_get_stats(struct underlay *u, struct underlay_stats *st)
{
	const struct underlay_devs *devs;

	rcu_read_lock();
	devs = rcu_dereference(u->devs);
	lock_take(&u->lock);
	*st = (struct underlay_stats){ .waiting = u->n_waiting,
				       .full = u->gone_full,
				       .down = u->gone_down };
	lock_give(&u->lock);
	for (size_t i = 0; i < devs->n; i++) {
		struct af_tx *t = &devs->dev[i]->tx;

		lock_take(&t->lock);
		st->full += t->full;
		st->down += t->down;
		lock_give(&t->lock);
	}
	st->ends = rcu_dereference(u->ends)->n;
	rcu_read_unlock();
}

/* --- life --- */

struct underlay *underlay_new(const struct underlay_ops *ops, void *arg, struct error *err)
{
	struct underlay *u = xzalloc(sizeof(*u));
	int rc;

	u->ops = *ops;
	u->arg = arg;
	lock_init(&u->lock);
	htable_init(&u->by_neigh);
	u->ends = ends_new(0);
	u->devs = xzalloc(sizeof(*u->devs));
	u->room = xcalloc(UNDERLAY_ROOM, sizeof(*u->room));
	rc = underlay_resolver_open(u, err);
	if (!rc)
		rc = thread_start(&u->thread, "underlay", underlay_main, u);
	if (rc) {
		error_set(err, -rc, NULL, "no thread for the network under tunnels: %s",
			  strerrordesc_np(-rc));
		underlay_free(u);
		return NULL;
	}
	return u;
}

void underlay_free(struct underlay *u)
{
	if (!u)
		return;
	thread_stop(&u->thread);
	underlay_room_expire(u, UINT64_MAX, UNDERLAY_FULL);
	underlay_resolver_close(u);
	for (size_t i = 0; i <= u->ends->mask; i++) {
		if (!u->ends->slots[i])
			continue;
		free(u->ends->slots[i]->path);
		free(u->ends->slots[i]);
	}
	free(u->ends);
	underlay_devs_free(u);
	htable_done(&u->by_neigh);
	free(u->room);
	lock_done(&u->lock);
	free(u);
}
