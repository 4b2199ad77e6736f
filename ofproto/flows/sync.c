/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for the revalidator: callbacks after a round, and blocking on one. */
#include <errno.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "ofproto/flows/flows_priv.h"

LOG_MODULE("flows.sync");

static void wait_for_round(struct flows *f, uint64_t asked_ns, void (*fn)(void *arg), void *arg)
{
	struct round_waiter *w = xzalloc(sizeof(*w));

	w->fn = fn;
	w->arg = arg;
	w->asked_ns = asked_ns;
	w->until_ns = asked_ns + READINGS_WAIT_MS * NSEC_PER_MSEC;
	lock_take(&f->lock);
	w->round = f->rounds_begun + 1;
	cds_list_add_tail(&w->node, &f->waiters);
	lock_give(&f->lock);
	flows_kick(f);
}

void flows_after_round(struct flows *f, void (*fn)(void *arg), void *arg)
{
	wait_for_round(f, 0, fn, arg);
}

void flows_after_readings(struct flows *f, void (*fn)(void *arg), void *arg)
{
	wait_for_round(f, engine_ask_readings(f->engine), fn, arg);
}

/* --- the revalidator's --- */

static bool is_late(const struct round_waiter *w, uint64_t readings_ns, uint64_t now)
{
	return readings_ns < w->asked_ns && now >= w->until_ns;
}

static bool has_readings(const struct round_waiter *w, uint64_t readings_ns, uint64_t now)
{
	return readings_ns >= w->asked_ns || now >= w->until_ns;
}

void flows_call_due(struct flows *f, uint64_t open)
{
	CDS_LIST_HEAD(due);
	struct round_waiter *w, *next;
	uint64_t now = clock_mono_ns(), late = 0;

	lock_take(&f->lock);
	cds_list_for_each_entry_safe (w, next, &f->waiters, node)
		if (w->round <= f->rounds_done && w->round < open &&
		    has_readings(w, f->readings_ns, now)) {
			late += is_late(w, f->readings_ns, now);
			cds_list_del(&w->node);
			cds_list_add_tail(&w->node, &due);
		}
	lock_give(&f->lock);
	f->readings_late += late;
	if (late)
		log_warn_rl("%llu answers lack what a device has counted of late: its reading "
			    "takes longer than %d ms",
			    (unsigned long long)late, READINGS_WAIT_MS);
	cds_list_for_each_entry_safe (w, next, &due, node) {
		w->fn(w->arg);
		free(w);
	}
}

bool flows_waited_for(struct flows *f)
{
	uint64_t now = clock_mono_ns(), readings = engine_readings_ns(f->engine);
	struct round_waiter *w;
	bool yes = false;

	lock_take(&f->lock);
	cds_list_for_each_entry (w, &f->waiters, node)
		yes |= has_readings(w, readings, now) &&
		       (w->round > f->rounds_done || !has_readings(w, f->readings_ns, 0));
	lock_give(&f->lock);
	return yes;
}

uint64_t flows_wait_until(struct flows *f, uint64_t latest_ns)
{
	struct round_waiter *w;

	lock_take(&f->lock);
	cds_list_for_each_entry (w, &f->waiters, node)
		if (w->asked_ns > f->readings_ns)
			latest_ns = MIN(latest_ns, w->until_ns);
	lock_give(&f->lock);
	return latest_ns;
}

void flows_call_waiters(struct flows *f)
{
	CDS_LIST_HEAD(all);
	struct round_waiter *w, *next;

	lock_take(&f->lock);
	cds_list_splice(&f->waiters, &all);
	CDS_INIT_LIST_HEAD(&f->waiters);
	lock_give(&f->lock);
	cds_list_for_each_entry_safe (w, next, &all, node) {
		w->fn(w->arg);
		free(w);
	}
}

struct sync {
	pthread_mutex_t m;
	pthread_cond_t c;
	bool done, abandoned;
};

static void sync_free(struct sync *s)
{
	pthread_cond_destroy(&s->c);
	pthread_mutex_destroy(&s->m);
	free(s);
}

static void sync_done(void *arg)
{
	struct sync *s = arg;
	bool abandoned;

	pthread_mutex_lock(&s->m);
	s->done = true;
	abandoned = s->abandoned;
	pthread_cond_signal(&s->c);
	pthread_mutex_unlock(&s->m);
	if (abandoned)
		sync_free(s);
}

static struct timespec deadline(uint64_t timeout_ms)
{
	uint64_t ns = clock_wall_ns() + timeout_ms * NSEC_PER_MSEC;

	return (struct timespec){ .tv_sec = (time_t)(ns / NSEC_PER_SEC),
				  .tv_nsec = (long)(ns % NSEC_PER_SEC) };
}

static bool sync_wait(struct sync *s, uint64_t timeout_ms)
{
	struct timespec until = deadline(timeout_ms);
	bool ok;

	pthread_mutex_lock(&s->m);
	while (!s->done && pthread_cond_timedwait(&s->c, &s->m, &until) != ETIMEDOUT)
		continue;
	ok = s->done;
	s->abandoned = !ok; /* the revalidator frees it when it comes to it */
	pthread_mutex_unlock(&s->m);
	return ok;
}

bool flows_sync(struct flows *f, uint64_t timeout_ms)
{
	struct sync *s = xzalloc(sizeof(*s));

	/* Whoever translated against something older has handed over when this returns. */
	pthread_rwlock_wrlock(&f->in_flight);
	pthread_rwlock_unlock(&f->in_flight);
	pthread_mutex_init(&s->m, NULL);
	pthread_cond_init(&s->c, NULL);
	flows_after_round(f, sync_done, s);
	if (!sync_wait(s, timeout_ms))
		return false;
	sync_free(s);
	return true;
}

bool flows_purge(struct flows *f, uint64_t timeout_ms)
{
	f->purge = true;
	return flows_sync(f, timeout_ms);
}
