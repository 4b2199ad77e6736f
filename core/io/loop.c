/* SPDX-License-Identifier: Apache-2.0 */
#include "core/io/loop.h"

#include <errno.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/thread.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/base/lock.h"
#include "core/base/log.h"
#include "core/base/xalloc.h"

LOG_MODULE("loop");

struct call {
	void (*fn)(void *arg); /* NULL: cancelled */
	void *arg;
};

struct calls {
	struct call *v; /* owned */
	size_t n, cap;
};

struct loop {
	struct event_base *base; /* owned */
	struct evdns_base *dns;  /* owned; NULL until first used */
	struct event *wake;      /* owned; on wake_fd */
	struct event *nap;       /* owned; bounds the sleep of loop_turn() */
	int wake_fd;
	_Atomic bool exiting;
	struct calls deferred;
	struct cds_list_head hooks;
	struct cds_list_head timers;
	struct cds_list_head cleanups;
	bool in_hooks;
	struct loop_stats stats;

	struct lock lock;
	struct calls posts GUARDED_BY(lock);
};

struct loop_hook {
	struct cds_list_head node;
	struct loop *loop;
	bool (*fn)(void *arg); /* NULL: freed while the hooks ran */
	void *arg;
};

struct loop_fd {
	struct loop *loop;
	struct event *ev; /* owned */
	void (*fn)(int fd, unsigned int events, void *arg);
	void *arg;
};

struct loop_timer {
	struct cds_list_head node;
	struct loop *loop;
	struct event *ev; /* owned */
	void (*fn)(void *arg);
	void *arg;
	uint64_t deadline_ns, period_ns; /* period 0: once */
	bool running;
};

struct loop_cleanup {
	struct cds_list_head node;
	void (*fn)(void *arg);
	void *arg;
};

struct loop_signal {
	struct event *ev; /* owned */
	void (*fn)(int signo, void *arg);
	void *arg;
};

static void calls_add(struct calls *c, void (*fn)(void *), void *arg)
{
	if (c->n == c->cap)
		c->v = xgrow(c->v, &c->cap, c->n + 1, sizeof(*c->v));
	c->v[c->n++] = (struct call){ fn, arg };
}

/* ---- The loop ----------------------------------------------------------------------------- */

static void run_posts(evutil_socket_t fd, short what UNUSED, void *arg)
{
	struct loop *l = arg;
	struct calls posts;
	uint64_t n;

	(void)!read(fd, &n, sizeof(n)); /* only resets it; the queue says what there is */
	lock_take(&l->lock);
	posts = l->posts;
	l->posts = (struct calls){ NULL, 0, 0 };
	lock_give(&l->lock);
	for (size_t i = 0; i < posts.n; i++)
		posts.v[i].fn(posts.v[i].arg);
	l->stats.posts += posts.n;
	free(posts.v);
}

static void end_nap(evutil_socket_t fd UNUSED, short what UNUSED, void *arg UNUSED)
{
}

/* What libevent says is an error that its caller gets and reports with more sense. */
static void libevent_says(int severity, const char *msg)
{
	if (severity == EVENT_LOG_ERR)
		log_err("%s", msg);
	else
		log_dbg("%s", msg);
}

static void init_process(void)
{
	event_set_log_callback(libevent_says);
	(void)evthread_use_pthreads();
	(void)signal(SIGPIPE, SIG_IGN); /* a peer that went away is an error code, not a signal */
}

static struct event_base *new_base(void)
{
	struct event_config *cfg = event_config_new();
	struct event_base *base;

	if (!cfg)
		return NULL;
	/* Not EVENT_BASE_FLAG_PRECISE_TIMER: it costs a timerfd_settime() a turn. */
	(void)event_config_set_flag(cfg, EVENT_BASE_FLAG_NO_CACHE_TIME);
	base = event_base_new_with_config(cfg);
	event_config_free(cfg);
	return base;
}

struct loop *loop_new(struct error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct loop *l = xzalloc(sizeof(*l));

	(void)pthread_once(&once, init_process);
	lock_init(&l->lock);
	CDS_INIT_LIST_HEAD(&l->hooks);
	CDS_INIT_LIST_HEAD(&l->timers);
	CDS_INIT_LIST_HEAD(&l->cleanups);
	l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	l->base = new_base();
	if (l->base && l->wake_fd >= 0) {
		l->wake = event_new(l->base, l->wake_fd, EV_READ | EV_PERSIST, run_posts, l);
		l->nap = evtimer_new(l->base, end_nap, NULL);
	}
	if (!l->wake || !l->nap || event_add(l->wake, NULL)) {
		(void)error_set(err, errno ? errno : ENOMEM, "loop",
				"cannot create an event loop (%s)", strerror(errno));
		loop_free(l);
		return NULL;
	}
	return l;
}

struct loop_cleanup *loop_cleanup_new(struct loop *l, void (*fn)(void *arg), void *arg)
{
	struct loop_cleanup *c = xzalloc(sizeof(*c));

	c->fn = fn;
	c->arg = arg;
	cds_list_add_tail(&c->node, &l->cleanups);
	return c;
}

void loop_cleanup_free(struct loop_cleanup *c)
{
	if (!c)
		return;
	cds_list_del(&c->node);
	free(c);
}

static void run_cleanup(struct loop_cleanup *c)
{
	struct loop_cleanup copy = *c;

	loop_cleanup_free(c);
	copy.fn(copy.arg);
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	while (!cds_list_empty(&l->cleanups))
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): each leaves the list first */
		run_cleanup(cds_list_first_entry(&l->cleanups, struct loop_cleanup, node));
	if (l->dns)
		evdns_base_free(l->dns, 0);
	if (l->nap)
		event_free(l->nap);
	if (l->wake)
		event_free(l->wake);
	/* Freed bufferevents drop their last references in a callback of the loop's. */
	if (l->base)
		(void)event_base_loop(l->base, EVLOOP_NONBLOCK);
	if (l->base)
		event_base_free(l->base);
	if (l->wake_fd >= 0)
		close(l->wake_fd);
	free(l->deferred.v);
	lock_take(&l->lock);
	free(l->posts.v);
	lock_give(&l->lock);
	lock_done(&l->lock);
	free(l);
}

/* Runs what is deferred now; what these calls defer waits for the next turn.  True: some wait. */
static bool run_deferred(struct loop *l)
{
	struct calls *d = &l->deferred;
	size_t n = d->n;

	/* The array may move under us: each call may add to it. */
	for (size_t i = 0; i < n; i++) {
		struct call c = d->v[i];

		d->v[i].fn = NULL;
		if (c.fn)
			c.fn(c.arg);
	}
	d->n -= n;
	if (d->n)
		memmove(d->v, d->v + n, d->n * sizeof(*d->v));
	return d->n > 0;
}

static bool run_hooks(struct loop *l)
{
	struct loop_hook *h, *next;
	bool again = false;

	l->in_hooks = true;
	cds_list_for_each_entry (h, &l->hooks, node)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): each leaves the list first */
		if (h->fn && h->fn(h->arg))
			again = true;
	l->in_hooks = false;
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): each leaves the list before it is freed */
	cds_list_for_each_entry_safe (h, next, &l->hooks, node)
		if (!h->fn)
			loop_hook_free(h);
	return again;
}

static int turn(struct loop *l, bool may_sleep)
{
	bool busy = run_deferred(l);

	if (run_hooks(l) || l->deferred.n)
		busy = true;
	if (busy || l->exiting)
		may_sleep = false;
	l->stats.turns++;
	if (event_base_loop(l->base, EVLOOP_ONCE | (may_sleep ? 0 : EVLOOP_NONBLOCK)) < 0)
		return -EIO;
	return 0;
}

int loop_turn(struct loop *l, uint64_t max_ns)
{
	struct timeval tv = { (time_t)(max_ns / NSEC_PER_SEC),
			      (suseconds_t)(max_ns % NSEC_PER_SEC / NSEC_PER_USEC) };
	int rc;

	if (max_ns)
		(void)event_add(l->nap, &tv); /* without memory for it the sleep would be longer */
	rc = turn(l, max_ns > 0);
	(void)event_del(l->nap);
	return rc;
}

int loop_run(struct loop *l)
{
	while (!l->exiting) {
		int rc = turn(l, true);

		if (rc)
			return rc;
	}
	return 0;
}

static void wake(struct loop *l)
{
	uint64_t one = 1;

	(void)!write(l->wake_fd, &one, sizeof(one)); /* full: it is awake anyhow */
}

void loop_exit(struct loop *l)
{
	l->exiting = true;
	wake(l);
}

bool loop_exiting(const struct loop *l)
{
	return l->exiting;
}

void loop_post(struct loop *l, void (*fn)(void *arg), void *arg)
{
	bool first;

	lock_take(&l->lock);
	first = l->posts.n == 0;
	calls_add(&l->posts, fn, arg);
	lock_give(&l->lock);
	if (first)
		wake(l);
}

void loop_defer(struct loop *l, void (*fn)(void *arg), void *arg)
{
	calls_add(&l->deferred, fn, arg);
}

void loop_defer_cancel(struct loop *l, void (*fn)(void *arg), void *arg)
{
	for (size_t i = 0; i < l->deferred.n; i++)
		if (l->deferred.v[i].fn == fn && l->deferred.v[i].arg == arg)
			l->deferred.v[i].fn = NULL;
}

struct loop_hook *loop_before_sleep(struct loop *l, bool (*fn)(void *arg), void *arg)
{
	struct loop_hook *h = xzalloc(sizeof(*h));

	h->loop = l;
	h->fn = fn;
	h->arg = arg;
	cds_list_add_tail(&h->node, &l->hooks);
	return h;
}

void loop_hook_free(struct loop_hook *h)
{
	if (!h)
		return;
	h->fn = NULL;
	if (h->loop->in_hooks)
		return; /* run_hooks() sweeps it */
	cds_list_del(&h->node);
	free(h);
}

/* ---- Descriptors -------------------------------------------------------------------------- */

static void fd_ready(evutil_socket_t fd, short what, void *arg)
{
	struct loop_fd *f = arg;
	unsigned int events = 0;

	if (what & EV_READ)
		events |= LOOP_READ;
	if (what & EV_WRITE)
		events |= LOOP_WRITE;
	f->loop->stats.fd_fires++;
	f->fn(fd, events, f->arg);
}

static int fd_watch(struct loop_fd *f, int fd, unsigned int events)
{
	short what = EV_PERSIST;

	if (events & LOOP_READ)
		what |= EV_READ;
	if (events & LOOP_WRITE)
		what |= EV_WRITE;
	if (event_assign(f->ev, f->loop->base, fd, what, fd_ready, f))
		return -EINVAL;
	return events ? event_add(f->ev, NULL) : 0;
}

struct loop_fd *loop_fd_new(struct loop *l, int fd, unsigned int events,
			    void (*fn)(int fd, unsigned int events, void *arg), void *arg,
			    struct error *err)
{
	struct loop_fd *f = xzalloc(sizeof(*f));

	f->loop = l;
	f->fn = fn;
	f->arg = arg;
	f->ev = event_new(l->base, fd, EV_READ | EV_PERSIST, fd_ready, f);
	errno = 0;
	if (!f->ev || fd_watch(f, fd, events)) {
		(void)error_set(err, errno ? errno : EINVAL, NULL, "descriptor %d cannot be polled",
				fd);
		loop_fd_free(f);
		return NULL;
	}
	return f;
}

void loop_fd_set(struct loop_fd *f, unsigned int events)
{
	int fd = event_get_fd(f->ev);

	(void)event_del(f->ev);
	(void)fd_watch(f, fd, events); /* the same fd was accepted before */
}

void loop_fd_free(struct loop_fd *f)
{
	if (!f)
		return;
	if (f->ev)
		event_free(f->ev);
	free(f);
}

/* ---- Timers ------------------------------------------------------------------------------- */

static void timer_arm(struct loop_timer *t)
{
	uint64_t now = clock_mono_ns(), ns = t->deadline_ns > now ? t->deadline_ns - now : 0;
	uint64_t us = MIN(DIV_ROUND_UP(ns, NSEC_PER_USEC), 86400ull * 1000000);
	struct timeval tv = { (time_t)(us / 1000000), (suseconds_t)(us % 1000000) };

	t->running = true;
	(void)evtimer_add(t->ev, &tv); /* fails only without memory, which ends the process */
}

static void timer_due(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct loop_timer *t = arg;
	uint64_t now = clock_mono_ns();

	if (now < t->deadline_ns) { /* a deadline beyond the day that timer_arm() sleeps at most */
		timer_arm(t);
		return;
	}
	t->running = false;
	if (t->period_ns) {
		t->deadline_ns += t->period_ns;
		if (t->deadline_ns <= now)
			t->deadline_ns = now + t->period_ns;
		timer_arm(t);
	}
	t->loop->stats.timer_fires++;
	t->fn(t->arg);
}

struct loop_timer *loop_timer_new(struct loop *l, void (*fn)(void *arg), void *arg)
{
	struct loop_timer *t = xzalloc(sizeof(*t));

	t->loop = l;
	t->fn = fn;
	t->arg = arg;
	t->ev = evtimer_new(l->base, timer_due, t);
	if (!t->ev)
		abort();
	cds_list_add_tail(&t->node, &l->timers);
	return t;
}

static void timer_set(struct loop_timer *t, uint64_t deadline_ns, uint64_t period_ns)
{
	t->deadline_ns = deadline_ns;
	t->period_ns = period_ns;
	timer_arm(t);
}

void loop_timer_in(struct loop_timer *t, uint64_t ns)
{
	uint64_t now = clock_mono_ns();

	timer_set(t, ns > UINT64_MAX - now ? UINT64_MAX : now + ns, 0);
}

void loop_timer_at(struct loop_timer *t, uint64_t mono_ns)
{
	timer_set(t, mono_ns, 0);
}

void loop_timer_every(struct loop_timer *t, uint64_t period_ns)
{
	timer_set(t, clock_mono_ns() + period_ns, period_ns);
}

void loop_timer_stop(struct loop_timer *t)
{
	t->running = false;
	(void)evtimer_del(t->ev);
}

bool loop_timer_running(const struct loop_timer *t)
{
	return t->running;
}

void loop_timer_free(struct loop_timer *t)
{
	if (!t)
		return;
	cds_list_del(&t->node);
	event_free(t->ev);
	free(t);
}

void loop_warp(struct loop *l, uint64_t ns)
{
	struct loop_timer *t;

	clock_warp(ns);
	cds_list_for_each_entry (t, &l->timers, node)
		if (t->running)
			timer_arm(t);
}

/* ---- Signals ------------------------------------------------------------------------------ */

static void signal_came(evutil_socket_t signo, short what UNUSED, void *arg)
{
	struct loop_signal *s = arg;

	s->fn(signo, s->arg);
}

struct loop_signal *loop_signal_new(struct loop *l, int signo, void (*fn)(int signo, void *arg),
				    void *arg, struct error *err)
{
	struct loop_signal *s = xzalloc(sizeof(*s));

	s->fn = fn;
	s->arg = arg;
	s->ev = evsignal_new(l->base, signo, signal_came, s);
	if (!s->ev || evsignal_add(s->ev, NULL)) {
		(void)error_set(err, EINVAL, NULL, "signal %d cannot be caught", signo);
		loop_signal_free(s);
		return NULL;
	}
	return s;
}

void loop_signal_free(struct loop_signal *s)
{
	if (!s)
		return;
	if (s->ev)
		event_free(s->ev);
	free(s);
}

void loop_get_stats(const struct loop *l, struct loop_stats *st)
{
	*st = l->stats;
}

struct event_base *loop_event_base(struct loop *l)
{
	return l->base;
}

struct evdns_base *loop_dns(struct loop *l)
{
	if (!l->dns)
		l->dns = evdns_base_new(l->base, EVDNS_BASE_INITIALIZE_NAMESERVERS |
							 EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	return l->dns;
}
