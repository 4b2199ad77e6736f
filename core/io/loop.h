/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop of a thread: descriptors, timers, signals, posts from other threads (libevent).
 *
 * One turn is: run what was deferred and posted, ask each `before sleep` hook, sleep until a
 * descriptor, timer, signal or post is due, run their callbacks.  So work that many events of a
 * turn ask for (recompute, flush) is done once, by loop_defer() or a hook, before the loop sleeps.
 *
 * Threads: a loop belongs to the thread that runs it; every call is that thread's, except
 * loop_post() and loop_exit(), which any thread may make.  Callbacks may free any watcher, their
 * own included.  Watchers are owned by who made them and are freed before the loop is.
 *
 * Time is clock_mono_ns(): loop_warp() moves it for tests and timers follow.  A timer is never
 * early, and late by some milliseconds at most while the loop has time. */
#pragma once

#include "core/base/err.h"
#include "core/base/types.h"

struct event_base;
struct evdns_base;
struct loop;
struct loop_fd;
struct loop_hook;
struct loop_signal;
struct loop_timer;

enum loop_events { LOOP_READ = 1, LOOP_WRITE = 2 };

/* NULL and *err when the kernel gives no descriptors. */
struct loop *loop_new(struct error *err);
/* Posts that have not run are dropped.  NULL is fine. */
void loop_free(struct loop *l);
/* Turns until loop_exit().  0, or -errno when the kernel's poll itself fails. */
int loop_run(struct loop *l) MUST_CHECK;
/* One turn that sleeps at most `max_ns` (0: does not sleep).  For tests and nested clients. */
int loop_turn(struct loop *l, uint64_t max_ns);
/* loop_run() returns after this turn; sticky, so it may come before the run.  Any thread. */
void loop_exit(struct loop *l);
bool loop_exiting(const struct loop *l);

/* Calls fn(arg) on the loop's thread; posts of one thread run in order.  Any thread, never blocks.
 * The caller bounds how many it has under way. */
void loop_post(struct loop *l, void (*fn)(void *arg), void *arg);
/* Calls fn(arg) once, before the loop sleeps next; in order.  Loop's thread. */
void loop_defer(struct loop *l, void (*fn)(void *arg), void *arg);
/* Takes back every deferred call of this fn and arg (their owner is going away). */
void loop_defer_cancel(struct loop *l, void (*fn)(void *arg), void *arg);

/* Calls fn(arg) before each sleep; true means "more to do: call me again without sleeping" (other
 * events are looked at in between). */
struct loop_hook *loop_before_sleep(struct loop *l, bool (*fn)(void *arg), void *arg);
void loop_hook_free(struct loop_hook *h);

/* Watches fd for `events` (enum loop_events, 0: none yet), level-triggered; fn gets those that
 * hold. The descriptor stays the caller's, who frees the watcher before closing it.  NULL and *err
 * when fd cannot be polled (-EPERM: a regular file). */
struct loop_fd *loop_fd_new(struct loop *l, int fd, unsigned int events,
			    void (*fn)(int fd, unsigned int events, void *arg), void *arg,
			    struct error *err);
void loop_fd_set(struct loop_fd *f, unsigned int events);
void loop_fd_free(struct loop_fd *f);

/* A timer, not running yet.  Setting one that runs moves it. */
struct loop_timer *loop_timer_new(struct loop *l, void (*fn)(void *arg), void *arg);
void loop_timer_in(struct loop_timer *t, uint64_t ns);      /* once, ns from now */
void loop_timer_at(struct loop_timer *t, uint64_t mono_ns); /* once, at a time of clock_mono_ns() */
void loop_timer_every(struct loop_timer *t, uint64_t period_ns); /* period > 0; no catching up */
void loop_timer_stop(struct loop_timer *t);
bool loop_timer_running(const struct loop_timer *t);
void loop_timer_free(struct loop_timer *t);

/* fn(signo, arg) in the loop, not in signal context.  NULL and *err when it cannot be caught. */
struct loop_signal *loop_signal_new(struct loop *l, int signo, void (*fn)(int signo, void *arg),
				    void *arg, struct error *err);
void loop_signal_free(struct loop_signal *s);

/* Moves clock_mono_ns() forward (core/base/clock.h) and wakes the timers that are due by that. */
void loop_warp(struct loop *l, uint64_t ns);

/* What the loop has cost, for memory/show and metrics. */
struct loop_stats {
	uint64_t turns, posts, timer_fires, fd_fires;
};
void loop_get_stats(const struct loop *l, struct loop_stats *st);

/* Calls fn(arg) when the loop is freed, unless it was removed before: for what a module keeps
 * running on a loop on its own account.  It is removed by itself before fn is called. */
struct loop_cleanup;
struct loop_cleanup *loop_cleanup_new(struct loop *l, void (*fn)(void *arg), void *arg);
void loop_cleanup_free(struct loop_cleanup *c); /* NULL is fine */

/* For the other modules of core/io, which hand it to libevent. */
struct event_base *loop_event_base(struct loop *l);
struct evdns_base *loop_dns(struct loop *l); /* made at first use; NULL when there is no resolver */
