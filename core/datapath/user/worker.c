/* SPDX-License-Identifier: Apache-2.0 */
/* A worker: a thread that polls queues while they bring packets and sleeps while they do not.
 *
 * A queue is active (polled each turn) until it has been empty for `busy_poll_us`; then its
 * descriptor is armed, once, in the worker's epoll set, and the queue costs nothing until it fires.
 * While some queues are active the set is asked every LOOK_NS without sleeping; when none is, the
 * worker sleeps in it.  So a thousand quiet ports cost nothing, a busy port costs no system call to
 * receive from, and a machine without traffic is idle.
 *
 * A descriptor that only reports errors (its device is down or gone) is left alone for a while, so
 * that it cannot make the worker spin. */
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/xalloc.h"
#include "core/datapath/user/user.h"

#define LOOK_NS (20 * NSEC_PER_USEC)
#define MUTE_NS (100 * NSEC_PER_MSEC)
#define MUTE_AFTER 2u /* error events without a packet */
#define POLL_ONLY_MS 1
/* After upcalls: as long as this the packets that their answers bring are waited for awake. */
#define UPCALL_POLL_NS (200 * NSEC_PER_USEC)
#define WAKE_TOKEN UINT64_MAX
#define N_EVENTS 64

/* ---- the worker's side ---- */

static void activate(struct dpu_polls *ps, unsigned i, uint64_t now)
{
	struct dpu_rxq *q = &ps->q[i];

	if (q->active)
		return;
	q->active = true;
	q->idle_ns = now;
	ps->active[ps->n_active++] = i;
}

static bool arm(struct dpu_worker *w, const struct dpu_polls *ps, unsigned i)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLONESHOT,
				  .data.u64 = (uint64_t)ps->gen << 32 | i };

	return !epoll_ctl(w->epfd, EPOLL_CTL_MOD, ps->q[i].fd, &ev);
}

static void mute(struct dpu_polls *ps, struct dpu_rxq *q, uint64_t until)
{
	q->muted = true;
	q->idle_ns = until;
	ps->unmute_ns = ps->n_muted++ ? MIN(ps->unmute_ns, until) : until;
}

/* Muted queues whose time has come are active again. */
static void unmute(struct dpu_polls *ps, uint64_t now)
{
	uint64_t first = UINT64_MAX;

	if (!ps->n_muted || now < ps->unmute_ns)
		return;
	for (unsigned i = 0; i < ps->n; i++) {
		struct dpu_rxq *q = &ps->q[i];

		if (q->muted && q->idle_ns <= now) {
			q->muted = false;
			q->errors = MUTE_AFTER - 1;
			ps->n_muted--;
			activate(ps, i, now);
		} else if (q->muted) {
			first = MIN(first, q->idle_ns);
		}
	}
	ps->unmute_ns = first;
}

/* The queue at ps->active[at] has been empty for long: lets its descriptor wake us.  False: it
 * stays active. */
static bool deactivate(struct dpu_worker *w, struct dpu_polls *ps, unsigned at)
{
	unsigned i = ps->active[at];
	struct dpu_rxq *q = &ps->q[i];

	if (q->fd < 0)
		return false;
	q->active = false;
	if (q->errors >= MUTE_AFTER || !arm(w, ps, i))
		mute(ps, q, w->ctx.now_ns + MUTE_NS);
	ps->active[at] = ps->active[--ps->n_active];
	return true;
}

static unsigned poll_queue(struct dpu_worker *w, struct dpu_rxq *q)
{
	const struct port_ops *ops = q->port->ops;
	struct packet *pkts[PACKET_BATCH];
	unsigned n = ops->rx(q->port, q->queue, pkts);

	if (!n)
		return 0;
	dpu_receive(w, q->port, pkts, n);
	if (ops->rx_done)
		ops->rx_done(q->port, q->queue);
	q->idle_ns = w->ctx.now_ns;
	q->errors = 0;
	return n;
}

static void end_turn(struct dpu_worker *w)
{
	dpu_flush(&w->ctx);
	for (unsigned i = 0; i < w->n_ingress; i++)
		w->ingress[i]->flush(w->ingress[i]->ctx);
	w->n_ingress = 0;
	if (unlikely(w->kicks))
		w->upcall_ns = w->ctx.now_ns;
	while (unlikely(w->kicks)) {
		dpu_upcall_kick(rcu_dereference(w->ctx.dp->handlers),
				(unsigned)__builtin_ctzll(w->kicks));
		w->kicks &= w->kicks - 1;
	}
}

static void turn(struct dpu_worker *w, struct dpu_polls *ps)
{
	uint64_t busy_ns = atomic_load_explicit(&w->ctx.dp->busy_ns, memory_order_relaxed);
	bool upcalls = w->ctx.now_ns - w->upcall_ns < UPCALL_POLL_NS;
	unsigned got = 0;

	if (unlikely(upcalls))
		busy_ns = MAX(busy_ns, UPCALL_POLL_NS);
	for (unsigned at = 0; at < ps->n_active;) {
		struct dpu_rxq *q = &ps->q[ps->active[at]];
		unsigned n = poll_queue(w, q);

		got += n;
		if (unlikely(!n && w->ctx.now_ns - q->idle_ns >= busy_ns) && deactivate(w, ps, at))
			continue;
		at++;
	}
	if (got)
		end_turn(w);
	else if (unlikely(upcalls))
		(void)sched_yield(); /* a handler may wait for this very CPU */
}

static void clear_error(struct dpu_rxq *q)
{
	int e;
	socklen_t len = sizeof(e);

	if (q->errors < UINT8_MAX)
		q->errors++;
	(void)getsockopt(q->fd, SOL_SOCKET, SO_ERROR, &e,
			 &len); /* not a socket: nothing to clear */
}

static void on_events(struct dpu_worker *w, const struct epoll_event *ev, int n)
{
	struct dpu_polls *ps = rcu_dereference(w->polls);
	uint64_t now = clock_mono_ns();

	for (int i = 0; i < n; i++) {
		uint32_t at = (uint32_t)ev[i].data.u64;

		if (ev[i].data.u64 == WAKE_TOKEN) {
			thread_woken(&w->thread);
			continue;
		}
		if (ev[i].data.u64 >> 32 != ps->gen)
			continue; /* of a former list: its queues are all active in this one */
		if (ev[i].events & (EPOLLERR | EPOLLHUP))
			clear_error(&ps->q[at]);
		activate(ps, at, now);
	}
	unmute(ps, now);
}

static bool only_pollable(const struct dpu_polls *ps, uint64_t now, uint64_t busy_ns)
{
	for (unsigned i = 0; i < ps->n_active; i++) {
		const struct dpu_rxq *q = &ps->q[ps->active[i]];

		if (q->fd >= 0 || now - q->idle_ns < busy_ns)
			return false;
	}
	return true;
}

/* Milliseconds to sleep now: -1 = until something happens, 0 = just ask, NO_REST = not even that.
 */
#define NO_REST (-2)
static int rest_ms(const struct dpu_worker *w)
{
	const struct dpu_polls *ps = rcu_dereference(w->polls);
	uint64_t now = w->ctx.now_ns;

	if (ps->n_active && only_pollable(ps, now, w->ctx.dp->busy_ns))
		return POLL_ONLY_MS;
	if (ps->n_active)
		return now - w->looked_ns < LOOK_NS || ps->n_active == ps->n ? NO_REST : 0;
	if (!ps->n_muted)
		return -1;
	return ps->unmute_ns <= now ? 0 : (int)((ps->unmute_ns - now) / NSEC_PER_MSEC) + 1;
}

static void rest(struct dpu_worker *w)
{
	struct epoll_event ev[N_EVENTS];
	int ms, n;

	rcu_read_lock();
	ms = rest_ms(w);
	rcu_read_unlock();
	if (likely(ms == NO_REST))
		return;
	n = epoll_wait(w->epfd, ev, N_EVENTS, ms);
	w->looked_ns = clock_mono_ns();
	rcu_read_lock();
	on_events(w, ev, n);
	rcu_read_unlock();
}

static void worker_main(struct thread *t, void *arg)
{
	struct dpu_worker *w = arg;

	while (!atomic_load_explicit(&t->stop, memory_order_relaxed)) {
		w->ctx.now_ns = clock_mono_ns();
		rcu_read_lock();
		turn(w, rcu_dereference(w->polls));
		rcu_read_unlock();
		rest(w);
	}
}

/* ---- the main thread's side ---- */

static struct dpu_polls *polls_new(unsigned n, uint32_t gen)
{
	struct dpu_polls *ps =
		xzalloc(sizeof(*ps) + n * (sizeof(struct dpu_rxq) + sizeof(unsigned)));

	ps->gen = gen;
	ps->active = (unsigned *)(void *)&ps->q[n];
	return ps;
}

/* Every queue of a new list starts out active, so nothing is missed in the change. */
static void polls_add(struct dpu_polls *ps, struct port *port, unsigned queue, int fd)
{
	unsigned i = ps->n++;

	ps->q[i] = (struct dpu_rxq){ .port = port, .queue = queue, .fd = fd };
	activate(ps, i, clock_mono_ns());
}

static void publish(struct dpu_worker *w, struct dpu_polls *ps)
{
	struct dpu_polls *old = rcu_xchg_pointer(&w->polls, ps);

	thread_wake(&w->thread);
	rcu_defer_free(old);
}

int dpu_worker_poll(struct dpu_worker *w, uint32_t gen, struct port *port, unsigned queue)
{
	struct epoll_event ev = { .events = EPOLLONESHOT };
	int fd = port->ops->rx_fd ? port->ops->rx_fd(port, queue) : -1;
	struct dpu_polls *ps;

	if (fd >= 0 && epoll_ctl(w->epfd, EPOLL_CTL_ADD, fd, &ev))
		return -errno;
	ps = polls_new(w->polls->n + 1, gen);
	for (unsigned i = 0; i < w->polls->n; i++)
		polls_add(ps, w->polls->q[i].port, w->polls->q[i].queue, w->polls->q[i].fd);
	polls_add(ps, port, queue, fd);
	publish(w, ps);
	return 0;
}

void dpu_worker_unpoll(struct dpu_worker *w, uint32_t gen, const struct port *port)
{
	struct dpu_polls *ps = polls_new(w->polls->n, gen);

	for (unsigned i = 0; i < w->polls->n; i++) {
		const struct dpu_rxq *q = &w->polls->q[i];

		if (q->port != port)
			polls_add(ps, q->port, q->queue, q->fd);
		else if (q->fd >= 0)
			(void)epoll_ctl(w->epfd, EPOLL_CTL_DEL, q->fd, NULL); /* gone is as good */
	}
	if (ps->n == w->polls->n)
		free(ps);
	else
		publish(w, ps);
}

unsigned dpu_worker_load(const struct dpu_worker *w)
{
	return w->polls->n;
}

static int start(struct dpu_worker *w, unsigned idx)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = WAKE_TOKEN };
	char name[16];
	int rc;

	w->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (w->epfd < 0)
		return -errno;
	(void)snprintf(name, sizeof(name), "dp%u", idx);
	rc = thread_start(&w->thread, name, worker_main, w);
	if (rc)
		return rc;
	return epoll_ctl(w->epfd, EPOLL_CTL_ADD, w->thread.wake_fd, &ev) ? -errno : 0;
}

int dpu_worker_new(struct dpu *d, unsigned idx, struct dpu_worker **ret)
{
	struct dpu_worker *w = xzalloc_cacheline(sizeof(*w));
	int rc;

	dpu_ctx_init(&w->ctx, d, w, idx, &w->cnt);
	w->cache = flow_cache_new(d->table);
	w->out_slot = xzalloc(DPU_MAX_PORTS);
	w->polls = polls_new(0, 0);
	rc = start(w, idx);
	if (rc) {
		dpu_worker_free(w);
		return rc;
	}
	*ret = w;
	return 0;
}

void dpu_worker_free(struct dpu_worker *w)
{
	if (!w)
		return;
	thread_stop(&w->thread);
	if (w->epfd >= 0)
		close(w->epfd);
	flow_cache_free(w->cache);
	free(w->out_slot);
	free(w->polls);
	free(w);
}
