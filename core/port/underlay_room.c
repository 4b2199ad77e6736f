/* SPDX-License-Identifier: Apache-2.0 */
/* The waiting room: packets whose far end is being resolved. */
#include <stdatomic.h>

#include "core/base/clock.h"
#include "core/port/underlay_priv.h"

/* What a copy keeps. */
static void keep(struct waiting *w, const struct packet *p)
{
	w->p = *p;
	w->p.buffer = NULL;
	w->p.data = w->bytes + PACKET_HEADROOM;
	w->p.headroom = PACKET_HEADROOM;
	w->p.tailroom = 0;
	w->p.tnl = &w->tnl;
	w->tnl = *p->tnl;
	memcpy(w->p.data, p->data, p->len);
}

static struct waiting *free_place(struct underlay *u) REQUIRES(u->lock)
{
	for (unsigned i = 0; i < UNDERLAY_ROOM; i++)
		if (!u->room[i].busy)
			return &u->room[i];
	return NULL;
}

bool underlay_wait(struct underlay *u, const struct be128 *dst, const struct be128 *src,
		   const struct packet *p)
{
	struct waiting *w;

	if (p->len > ROOM_FRAME)
		return false;
	lock_take(&u->lock);
	w = free_place(u);
	if (w) {
		keep(w, p);
		w->dst = *dst;
		w->src = *src;
		w->seq = u->next_seq++;
		w->since_ns = clock_mono_ns();
		w->busy = true;
		u->n_waiting++;
	}
	lock_give(&u->lock);
	if (w)
		thread_wake(&u->thread);
	return w;
}

static struct waiting *oldest(struct underlay *u, const struct underlay_end *e, uint64_t before_ns)
	REQUIRES(u->lock)
{
	struct waiting *first = NULL;

	for (unsigned i = 0; i < UNDERLAY_ROOM; i++) {
		struct waiting *w = &u->room[i];

		if (!w->busy || w->since_ns >= before_ns || (first && w->seq > first->seq))
			continue;
		if (!e || (ip_addr_equal(&w->dst, &e->dst) && ip_addr_equal(&w->src, &e->src)))
			first = w;
	}
	return first;
}

static void leave(struct underlay *u, struct waiting *w)
{
	lock_take(&u->lock);
	w->busy = false;
	u->n_waiting--;
	lock_give(&u->lock);
}

/* A place that is busy is the thread's alone to read, so it is sent from where it is. */
static void release(struct underlay *u, const struct underlay_end *e, uint64_t before_ns,
		    enum underlay_state why)
{
	for (;;) {
		struct waiting *w;

		lock_take(&u->lock);
		w = oldest(u, e, before_ns);
		lock_give(&u->lock);
		if (!w)
			return;
		if (why == UNDERLAY_OK) {
			rcu_read_lock();
			u->ops.send(u->arg, &w->p);
			rcu_read_unlock();
		} else {
			u->ops.drop(u->arg, why);
		}
		leave(u, w);
	}
}

void underlay_room_release(struct underlay *u, const struct underlay_end *e,
			   enum underlay_state why)
{
	if (atomic_load_explicit(&u->n_waiting, memory_order_acquire))
		release(u, e, UINT64_MAX, why);
}

void underlay_room_expire(struct underlay *u, uint64_t before_ns, enum underlay_state why)
{
	if (atomic_load_explicit(&u->n_waiting, memory_order_acquire))
		release(u, NULL, before_ns, why);
}

void underlay_room_visit(struct underlay *u, void (*fn)(struct underlay *u, const struct be128 *dst,
							const struct be128 *src))
{
	for (unsigned i = 0; i < UNDERLAY_ROOM; i++) {
		struct be128 dst, src;
		bool busy;

		lock_take(&u->lock);
		busy = u->room[i].busy;
		dst = u->room[i].dst;
		src = u->room[i].src;
		lock_give(&u->lock);
		if (busy)
			fn(u, &dst, &src);
	}
}
