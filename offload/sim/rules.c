/* SPDX-License-Identifier: Apache-2.0 */
/* Requests, readings and dumps: what the driver of a real NIC would do. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "offload/sim/sim_priv.h"

#define CALL_NS (200 * NSEC_PER_MSEC) /* then the rest of a call is put off */
#define NAP_NS (200 * NSEC_PER_USEC)  /* shorter waits are saved up */

struct sim_acts *sim_acts_new(struct dp_actions a)
{
	struct sim_acts *acts = xmalloc(sizeof(*acts) + ROUND_UP((size_t)a.len, 8));
	const struct dp_action *one;

	acts->len = a.len;
	acts->outputs_only = true;
	if (a.len)
		memcpy(acts->data, a.data, a.len);
	DP_ACTION_FOR_EACH (one, a)
		acts->outputs_only &= one->kind == DP_ACT_OUTPUT;
	return acts;
}

static void entry_free(struct sim_entry *e)
{
	free(e->acts);
	free(e);
}

/* Themselves: they are given out in order, and a pass goes by them as memory does. */
static uint64_t hash_handle(uint64_t handle)
{
	return handle;
}

static struct sim_entry *entry_of(struct sim *s, uint64_t handle) REQUIRES(&s->lock)
{
	struct sim_entry *e;

	HTABLE_FOR_EACH_WITH (e, struct sim_entry, node, hash_handle(handle), &s->entries)
		if (e->handle == handle)
			return e;
	return NULL;
}

static void rule_free(void *arg)
{
	struct sim_rule *r = arg;

	mflow_done(&r->m);
	free(r);
}

void sim_unhook(struct sim *s, struct sim_entry *e)
{
	if (!e->rule)
		return;
	mflow_remove(s->table, &e->rule->m);
	rcu_defer(rule_free, e->rule);
	e->rule = NULL;
}

static void unlist(struct sim *s, struct sim_entry *e) REQUIRES(&s->lock)
{
	s->n_listed -= e->listed;
	e->listed = false;
}

/* --- requests --- */

static struct sim_entry *entry_new(struct sim *s, const struct offload_rule *r) REQUIRES(&s->lock)
{
	struct sim_entry *e = xzalloc(sizeof(*e));

	e->handle = s->next_handle++;
	e->ufid = r->ufid;
	e->acts = sim_acts_new(r->actions);
	e->digest = offload_rule_digest(r->key, r->mask, r->actions);
	return e;
}

static void entry_list(struct sim *s, struct sim_entry *e) REQUIRES(&s->lock)
{
	e->listed = true;
	s->n_listed++;
	htable_insert(&s->entries, &e->node, hash_handle(e->handle));
}

/* A match of its own in the packets' table. */
static int hook(struct sim *s, struct sim_entry *e, const struct offload_rule *r) REQUIRES(&s->lock)
{
	struct sim_rule *rule = xzalloc(sizeof(*rule));
	int rc;

	rule->entry = e;
	rc = mflow_insert(s->table, &rule->m, r->key, r->mask);
	if (rc) {
		free(rule);
		return rc;
	}
	e->rule = rule;
	return 0;
}

static int refuse_full(const struct sim *s, struct offload_req *req) REQUIRES(&s->lock)
{
	uint64_t limit =
		s->full ? MIN(s->full_at, s->profile.caps.capacity) : s->profile.caps.capacity;

	if (s->n_listed < limit)
		return 0;
	offload_refusal_set(&req->refusal, OFFLOAD_TABLE_FULL);
	req->refusal.limit = limit;
	(void)snprintf(req->refusal.driver, sizeof(req->refusal.driver), "sim: no room for a rule");
	return -ENOSPC;
}

static int do_install(struct sim *s, struct offload_req *req) REQUIRES(&s->lock)
{
	struct sim_entry *e;
	int rc;

	if (sim_refuses(s, &req->rule, &req->refusal))
		return -EOPNOTSUPP;
	rc = refuse_full(s, req);
	if (rc)
		return rc;
	e = entry_new(s, &req->rule);
	rc = hook(s, e, &req->rule);
	if (rc) {
		entry_free(e);
		return rc;
	}
	entry_list(s, e);
	req->handle = e->handle;
	req->in_hw = true;
	return 0;
}

/* Packets meet `e` instead of `was`, from one to the next. */
static void exchange(struct sim_entry *was, struct sim_entry *e)
{
	struct sim_rule *rule = was->rule;

	e->rule = rule;
	was->rule = NULL;
	rcu_assign_pointer(rule->entry, e);
}

/* `old` gets the entry whose final reading is due. */
static int do_replace(struct sim *s, struct offload_req *req, struct sim_entry **old)
	REQUIRES(&s->lock)
{
	struct sim_entry *was = entry_of(s, req->handle), *e;
	int rc = 0;

	if (!was || was->dead_epoch)
		return -ENOENT;
	if (sim_refuses(s, &req->rule, &req->refusal))
		return -EOPNOTSUPP;
	e = entry_new(s, &req->rule);
	if (was->rule)
		exchange(was, e);
	else /* it had been forgotten */
		rc = hook(s, e, &req->rule);
	if (rc) {
		entry_free(e);
		return rc;
	}
	htable_remove(&s->entries, &was->node);
	unlist(s, was);
	entry_list(s, e);
	req->handle = e->handle;
	req->in_hw = true;
	*old = was;
	return 0;
}

static int do_remove(struct sim *s, struct offload_req *req, struct sim_entry **old)
	REQUIRES(&s->lock)
{
	struct sim_entry *e = entry_of(s, req->handle);

	if (!e)
		return -ENOENT;
	sim_unhook(s, e);
	unlist(s, e);
	htable_remove(&s->entries, &e->node);
	*old = e;
	return 0;
}

static int do_one(struct sim *s, struct offload_req *req, struct sim_entry **old) REQUIRES(&s->lock)
{
	switch (req->kind) {
	case OFFLOAD_INSTALL: return do_install(s, req);
	case OFFLOAD_REPLACE: return do_replace(s, req, old);
	case OFFLOAD_REMOVE: return do_remove(s, req, old);
	}
	return -EINVAL;
}

static void live_reading(const struct sim_entry *e, struct flow_stats *st)
{
	*st = (struct flow_stats){ .packets = e->packets - e->base_packets,
				   .bytes = e->bytes - e->base_bytes,
				   .used_ns = e->used_ns,
				   .tcp_flags = (uint16_t)e->tcp_flags };
}

static void nap(uint64_t ns)
{
	struct timespec ts = { (time_t)(ns / NSEC_PER_SEC), (long)(ns % NSEC_PER_SEC) };

	(void)nanosleep(&ts, NULL); /* a signal that cuts it short does no harm */
}

/* Takes the time that a request takes; short ones are added up until they are worth a sleep. */
static void spend(struct sim *s, uint64_t *debt_ns, bool last)
{
	*debt_ns += s->profile.insert_latency_us * NSEC_PER_USEC;
	*debt_ns += atomic_load_explicit(&s->slow_ms, memory_order_relaxed) * NSEC_PER_MSEC;
	if (*debt_ns < NAP_NS && !(last && *debt_ns))
		return;
	nap(*debt_ns);
	*debt_ns = 0;
}

/* The last readings of entries that no new packet finds: a grace period ends every batch that found
 * them before. */
static void finish(struct offload_req *reqs, struct sim_entry *old[], size_t n, bool any)
{
	if (!any)
		return;
	rcu_thread_start();
	rcu_wait();
	for (size_t i = 0; i < n; i++) {
		if (!old[i])
			continue;
		live_reading(old[i], &reqs[i].final);
		reqs[i].final_ok = true;
		entry_free(old[i]);
	}
}

unsigned sim_apply(struct offload_device *dev, struct offload_req *reqs, size_t n)
{
	struct sim *s = sim_of(dev);
	struct sim_entry **old = xcalloc(n, sizeof(struct sim_entry *));
	uint64_t begin = clock_mono_ns(), debt = 0;
	unsigned failed = 0;
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		uint64_t at = clock_mono_ns();

		reqs[i].final_ok = false;
		if (i >= s->profile.caps.max_batch || (i && at - begin > CALL_NS)) {
			reqs[i].result = -EAGAIN;
			failed++;
			continue;
		}
		spend(s, &debt, i + 1 == n);
		lock_take(&s->lock);
		reqs[i].result = do_one(s, &reqs[i], &old[i]);
		lock_give(&s->lock);
		reqs[i].latency_ns = clock_mono_ns() - at;
		failed += reqs[i].result < 0;
		any |= old[i] != NULL;
	}
	finish(reqs, old, n, any);
	free(old);
	return failed;
}

/* --- readings --- */

static void snap_add(struct sim *s, const struct sim_entry *e, const struct flow_stats *st)
{
	if (s->n_snap == s->cap_snap)
		s->snap = xgrow(s->snap, &s->cap_snap, s->n_snap + 1, sizeof(*s->snap));
	s->snap[s->n_snap++] =
		(struct offload_stat){ .handle = e->handle, .ufid = e->ufid, .stats = *st };
}

/* All readings of one pass: the counters as they were last collected, which is done when that is as
 * long ago as the profile's lag; and the final ones of rules that a reset took. */
static void snap_take(struct sim *s)
{
	uint64_t now = clock_mono_ns();
	bool collect;
	struct sim_entry *e;

	collect = now - s->collected_ns >= s->profile.caps.counter_lag_ms * NSEC_PER_MSEC;
	if (collect)
		s->collected_ns = now;
	s->n_snap = 0;
	s->final_epoch = 0;
	lock_take(&s->lock);
	HTABLE_FOR_EACH (e, struct sim_entry, node, &s->entries) {
		bool final = e->dead_epoch && e->dead_epoch <= s->epoch;
		struct flow_stats now_is = e->shown;

		if (collect || final)
			live_reading(e, &now_is);
		if (!final && now_is.packets == e->shown.packets && now_is.bytes == e->shown.bytes)
			continue;
		e->shown = now_is;
		snap_add(s, e, &e->shown);
		s->final_epoch = final ? s->epoch : s->final_epoch;
	}
	lock_give(&s->lock);
}

/* Final readings have been told, once. */
static void forget_told(struct sim *s, const struct offload_stat *told, size_t n)
{
	lock_take(&s->lock);
	for (size_t i = 0; i < n; i++) {
		struct sim_entry *e = entry_of(s, told[i].handle);

		if (!e || !e->dead_epoch || e->dead_epoch > s->final_epoch)
			continue;
		htable_remove(&s->entries, &e->node);
		entry_free(e);
	}
	lock_give(&s->lock);
}

int sim_stats(struct offload_device *dev, uint64_t *cursor, struct offload_stat *out, size_t max)
{
	struct sim *s = sim_of(dev);
	size_t n;

	if (!*cursor) {
		nap(atomic_load_explicit(&s->read_ms, memory_order_relaxed) * NSEC_PER_MSEC);
		snap_take(s);
		mflow_rank(s->table);
	}
	if (*cursor >= s->n_snap)
		return 0;
	n = MIN(s->n_snap - (size_t)*cursor, max);
	memcpy(out, s->snap + *cursor, n * sizeof(*out));
	*cursor += n;
	if (s->final_epoch)
		forget_told(s, out, n);
	return (int)n;
}

int sim_dump(struct offload_device *dev, uint64_t *cursor, struct offload_dump_rec *out, size_t max)
{
	struct sim *s = sim_of(dev);
	struct sim_entry *e;
	size_t n;

	if (!*cursor) {
		s->n_held = 0;
		lock_take(&s->lock);
		HTABLE_FOR_EACH (e, struct sim_entry, node, &s->entries) {
			if (!e->listed)
				continue;
			if (s->n_held == s->cap_held)
				s->held = xgrow(s->held, &s->cap_held, s->n_held + 1,
						sizeof(*s->held));
			s->held[s->n_held++] =
				(struct offload_dump_rec){ e->handle, e->ufid, e->digest };
		}
		lock_give(&s->lock);
	}
	if (*cursor >= s->n_held)
		return 0;
	n = MIN(s->n_held - (size_t)*cursor, max);
	memcpy(out, s->held + *cursor, n * sizeof(*out));
	*cursor += n;
	return (int)n;
}

/* --- losing everything --- */

void sim_reset(struct sim *s)
{
	struct sim_entry *e;
	uint64_t epoch;

	lock_take(&s->lock);
	epoch = s->epoch + 1;
	HTABLE_FOR_EACH (e, struct sim_entry, node, &s->entries) {
		sim_unhook(s, e);
		unlist(s, e);
		if (!e->dead_epoch)
			e->dead_epoch = epoch;
	}
	lock_give(&s->lock);
	rcu_thread_start();
	rcu_wait(); /* their counters are final now, and the new epoch says so */
	lock_take(&s->lock);
	s->epoch = MAX(s->epoch, epoch);
	lock_give(&s->lock);
}

void sim_rules_done(struct sim *s)
{
	struct sim_entry *e;

	lock_take(&s->lock);
	HTABLE_FOR_EACH (e, struct sim_entry, node, &s->entries) {
		sim_unhook(s, e);
		htable_remove(&s->entries, &e->node);
		entry_free(e);
	}
	lock_give(&s->lock);
	rcu_settle();
}
