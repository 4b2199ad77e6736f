/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "offload/engine_priv.h"

LOG_MODULE("offload.device");

#define TICK_NS (250 * NSEC_PER_MSEC)
#define STATS_CHUNK 256
#define STATS_REST 4 /* reading counters takes at most one part in five of the thread's time, */
#define STATS_REST_MAX_NS (5 * NSEC_PER_SEC) /* but this long they wait at most */

/* --- counters --- */

struct engine_flow *device_flow_of(struct engine_dev *d, uint64_t handle)
{
	struct engine_flow *f;

	HTABLE_FOR_EACH_WITH (f, struct engine_flow, by_handle, flow_hash_handle(handle), &d->rules)
		if (f->handle == handle)
			return f;
	return NULL;
}

/* A count as the provider's. */
static int stats_chunk(struct engine_dev *d, uint64_t *cursor)
{
	struct offload_stat recs[STATS_CHUNK];
	int n;

	device_call(d);
	n = d->od->ops->stats(d->od, cursor, recs, STATS_CHUNK);
	device_called(d);
	clock_hold();
	lock_take(&d->e->lock);
	for (int i = 0; i < n; i++) {
		struct engine_flow *f = device_flow_of(d, recs[i].handle);

		if (f)
			flow_fold(d->e, f, (enum ledger_tier)f->tier, &recs[i].stats);
	}
	lock_give(&d->e->lock);
	clock_let_go();
	return n;
}

static void stats_whole(struct engine_dev *d, uint64_t begun_ns)
{
	lock_take(&d->e->lock);
	d->read_ns = begun_ns;
	lock_give(&d->e->lock);
}

void device_stats_pass(struct engine_dev *d)
{
	uint64_t cursor = 0, begun = clock_mono_ns();
	int n;

	while (d->reading && stats_chunk(d, &d->read_cursor) > 0)
		;
	d->reading = false;
	while ((n = stats_chunk(d, &cursor)) > 0)
		;
	if (!n)
		stats_whole(d, begun);
}

/* Rules that stand in software for want of a capability. */
static void software_anew(struct engine_dev *d) REQUIRES(&d->e->lock)
{
	struct engine_flow *f;

	cds_list_for_each_entry (f, &d->hw, place)
		if (f->state == OFFLOAD_ST_TC)
			place_anew(f);
}

void device_look(struct engine_dev *d)
{
	struct offload_caps caps;
	struct offload_usage usage;
	bool new_caps, reset;
	int rc_caps, rc_usage;

	device_call(d);
	rc_caps = d->od->ops->caps(d->od, &caps);
	rc_usage = d->od->ops->usage(d->od, &usage);
	device_called(d);

	lock_take(&d->e->lock);
	new_caps = !rc_caps && caps.generation != d->caps.generation;
	reset = !rc_usage && usage.epoch != d->usage.epoch;
	if (!rc_usage) {
		d->usage = usage;
		d->budget.foreign =
			usage.entries > d->budget.used ? usage.entries - d->budget.used : 0;
	}
	if (new_caps) {
		d->caps = caps;
		d->budget.declared = caps.capacity;
		d->budget.full = false;
		shapes_forget(d->shapes);
		d->away = false;
		place_all(d->e, NULL, d);
		software_anew(d);
	}
	lock_give(&d->e->lock);
	if (new_caps)
		log_info("%s: new capabilities; refused flows are tried again", d->od->name);
	if (reset)
		audit_reset(d);
}

/* --- the thread --- */

static bool is_asked(const struct engine_dev *d) REQUIRES(&d->e->lock)
{
	return d->asked_ns > d->read_begun_ns;
}

/* When the next pass over the counters is due. */
static uint64_t reading_due(const struct engine_dev *d) REQUIRES(&d->e->lock)
{
	return is_asked(d) ? MIN(d->next_stats_ns, d->next_asked_ns) : d->next_stats_ns;
}

/* Whoever asked is told, though the device may not have answered. */
static void reading_ended(struct engine_dev *d, bool whole)
{
	bool asked;

	lock_take(&d->e->lock);
	asked = d->asked_ns;
	if (whole)
		d->read_ns = d->read_begun_ns;
	if (!is_asked(d))
		d->asked_ns = 0;
	lock_give(&d->e->lock);
	if (asked && d->e->ops.read)
		d->e->ops.read(d->e->ctx);
}

/* A pass over the counters, some at a time, with requests in between; true while it lasts. */
static bool read_counters(struct engine_dev *d, uint64_t now)
{
	uint64_t period, due, rest;
	int n;

	lock_take(&d->e->lock);
	period = MAX(d->e->cfg.stats_period_ms, 1u) * NSEC_PER_MSEC;
	due = reading_due(d);
	lock_give(&d->e->lock);
	if (!d->reading) {
		if (now < due && d->stats_period_ns <= period)
			return false;
		d->reading = true;
		d->read_cursor = d->read_took_ns = 0;
		d->read_begun_ns = now;
	}
	n = stats_chunk(d, &d->read_cursor);
	d->read_took_ns += clock_mono_ns() - now;
	if (n > 0)
		return true;
	d->reading = false;
	reading_ended(d, !n);
	device_look(d);
	now = clock_mono_ns();
	rest = MIN(d->read_took_ns * STATS_REST, STATS_REST_MAX_NS);
	d->next_stats_ns = now + MAX(period, rest);
	d->next_asked_ns = now + MAX(ENGINE_READ_REST_MS * NSEC_PER_MSEC, rest);
	d->stats_period_ns = period;
	d->next_tick_ns = 0; /* decided by what was just read */
	return false;
}

static void tick(struct engine_dev *d, uint64_t now)
{
	if (now < d->next_tick_ns)
		return;
	now = clock_mono_ns(); /* not before what was read meanwhile */
	policy_tick(d, now);
	d->next_tick_ns = now + TICK_NS;
}

static void nap(struct engine_dev *d)
{
	uint64_t now = clock_mono_ns(), until = d->next_tick_ns;
	struct pollfd p = { .fd = d->thread.wake_fd, .events = POLLIN };

	lock_take(&d->e->lock);
	until = MIN(until, MIN(reading_due(d), audit_due_ns(d)));
	d->idle = (d->e->frozen || d->e->holding || !queue_depth(&d->queue)) && !d->audit &&
		  !notify_pending(d);
	if (!d->idle) {
		lock_give(&d->e->lock);
		return;
	}
	lock_give(&d->e->lock);
	if (until > now)
		(void)poll(&p, 1, (int)MIN((until - now) / NSEC_PER_MSEC + 1, UINT64_C(1000)));
	thread_woken(&d->thread);
	lock_take(&d->e->lock);
	d->idle = false;
	lock_give(&d->e->lock);
}

static void run(struct thread *t, void *arg)
{
	struct engine_dev *d = arg;

	audit_run(d); /* what it holds is nobody's, unless it is to be taken over */
	while (!t->stop) {
		uint64_t now;
		bool more;

		hang_recover(d);
		more = batch_step(d);
		notify_answer(d);
		now = clock_mono_ns();
		more |= read_counters(d, now);
		tick(d, now);
		more |= audit_step(d, now);
		if (!more)
			nap(d);
	}
	d->ended = true;
}

struct engine_dev *device_start(struct engine *e, struct offload_device *od, struct error *err)
{
	struct engine_dev *d = xzalloc(sizeof(*d));
	int rc;

	lock_init(&d->io);
	lock_init(&d->notes_lock);
	d->e = e;
	d->od = od;
	d->batch = batch_new();
	d->shapes = shapes_new();
	d->run = audit_new();
	queue_init(&d->queue, e->cfg.queue_max);
	CDS_INIT_LIST_HEAD(&d->hw);
	CDS_INIT_LIST_HEAD(&d->out);
	CDS_INIT_LIST_HEAD(&d->due);
	CDS_INIT_LIST_HEAD(&d->swaps);
	htable_init(&d->rules);
	htable_init(&d->chains);
	rc = od->ops->caps(od, &d->caps);
	if (rc) {
		(void)error_set(err, -rc, NULL, "%s does not tell its capabilities", od->name);
		goto err_caps;
	}
	(void)od->ops->usage(od, &d->usage); /* zeros until it can tell */
	d->budget.declared = d->caps.capacity;
	d->budget.allowed = e->cfg.max_entries;
	d->budget.foreign = d->usage.entries;
	rc = thread_start(&d->thread, "offload", run, d);
	if (rc) {
		(void)error_set(err, -rc, NULL, "cannot start the thread of %s", od->name);
		goto err_caps;
	}
	od->engine_priv = d;
	return d;

err_caps:
	shapes_free(d->shapes);
	audit_free(d->run);
	free(d->batch);
	lock_done(&d->io);
	lock_done(&d->notes_lock);
	free(d);
	return NULL;
}

void device_stop(struct engine_dev *d)
{
	thread_stop(&d->thread);
	swap_done(d);
	htable_done(&d->rules);
	htable_done(&d->chains); /* empty: the last rules and flows have left it */
	shapes_free(d->shapes);
	audit_free(d->run);
	free(d->batch);
	lock_done(&d->io);
	lock_done(&d->notes_lock);
	free(d);
}

bool device_quiet(const struct engine_dev *d)
{
	return d->hung || (!queue_depth(&d->queue) && !d->n_busy);
}

struct engine_dev *device_use(struct engine *e, const char *name)
{
	struct engine_dev *d, *found = NULL;

	lock_take(&e->lock);
	cds_list_for_each_entry (d, &e->devs, node)
		if (!strcmp(d->od->name, name))
			found = d;
	if (found)
		found->n_users++;
	lock_give(&e->lock);
	return found;
}

void device_release(struct engine *e, struct engine_dev *d)
{
	lock_take(&e->lock);
	d->n_users--;
	pthread_cond_broadcast(&e->changed);
	lock_give(&e->lock);
}

/* --- flows that have left --- */

void gone_add(struct engine *e, struct gone_list *g, struct engine_flow *f)
{
	if (f->state == OFFLOAD_ST_REMOVING)
		e->n_removing--;
	flow_leave(e, f);
	f->gone = true;
	if (g->n == g->cap)
		g->v = xgrow(g->v, &g->cap, g->n + 1, sizeof(struct engine_flow *));
	g->v[g->n++] = f;
}

void gone_call(struct engine *e, struct gone_list *g)
{
	for (size_t i = 0; i < g->n; i++) {
		struct flow_stats final;

		ledger_total(&g->v[i]->ledger, &final);
		if (e->ops.gone)
			e->ops.gone(e->ctx, g->v[i], g->v[i]->aux, &final);
		engine_flow_unref(g->v[i]);
	}
	free(g->v);
}
