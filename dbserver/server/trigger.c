/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/server/trigger.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "core/io/loop.h"
#include "dbserver/data/dberr.h"

/* Runs it once.  True when it is over and done() has been told. */
static bool attempt(struct db_trigger *t, uint64_t *wait_ms)
{
	const struct db_exec_env env = {
		.has_lock = t->cb->has_lock,
		.lock_arg = t->cb->arg,
		.elapsed_ms = (clock_mono_ns() - t->start_ns) / NSEC_PER_MSEC,
		.read_only = t->cb->read_only,
	};
	struct json_object *reply = NULL;
	struct error err = ERROR_INIT;
	int rc = db_execute(t->set->db, t->params, &env, &reply, wait_ms, &err);

	if (!rc)
		return false;
	t->cb->done(t->cb->arg, t->id, rc > 0 ? reply : NULL, rc > 0 ? NULL : &err);
	return true;
}

static void set_timer(struct db_trigger *t, uint64_t wait_ms)
{
	if (wait_ms < UINT64_MAX / NSEC_PER_MSEC)
		loop_timer_in(t->timer, wait_ms * NSEC_PER_MSEC);
}

static void retry(struct db_trigger *t)
{
	uint64_t wait_ms;

	if (attempt(t, &wait_ms))
		db_trigger_cancel(t);
	else
		set_timer(t, wait_ms);
}

static void on_timer(void *arg)
{
	retry(arg);
}

static void retry_all(void *arg)
{
	struct db_triggers *set = arg;
	struct db_trigger *t;

	set->round++;
	/* A trigger that must go on waiting moves to the end; the first that was there before ends
	 * the round. */
	while (!cds_list_empty(&set->waiting)) {
		t = cds_list_first_entry(&set->waiting, struct db_trigger, in_db);
		if (t->round == set->round)
			return;
		t->round = set->round;
		cds_list_del(&t->in_db);
		cds_list_add_tail(&t->in_db, &set->waiting);
		retry(t);
	}
}

static void on_change(void *arg, const struct db_changes *changes)
{
	struct db_triggers *set = arg;

	(void)changes;
	if (cds_list_empty(&set->waiting))
		return;
	loop_defer_cancel(set->loop, retry_all, set);
	loop_defer(set->loop, retry_all, set);
}

void db_triggers_init(struct db_triggers *t, struct loop *loop, struct db *db)
{
	t->loop = loop;
	t->db = db;
	t->watch = (struct db_watch){ on_change, t, NULL };
	CDS_INIT_LIST_HEAD(&t->waiting);
	db_watch_add(db, &t->watch);
}

void db_triggers_done(struct db_triggers *t)
{
	db_watch_remove(t->db, &t->watch);
	loop_defer_cancel(t->loop, retry_all, t);
}

static void refuse(struct db_trigger *t)
{
	struct error err = ERROR_INIT;

	error_set(&err, DBE_RESOURCES, NULL, "too many transactions of this client wait already");
	t->cb->done(t->cb->arg, t->id, NULL, &err);
}

int db_trigger_submit(struct db_triggers *set, const struct db_trigger_cb *cb,
		      struct json_object *params, struct json_object *id,
		      struct cds_list_head *owned, bool may_wait)
{
	struct db_trigger now = {
		.set = set, .cb = cb, .params = params, .id = id, .start_ns = clock_mono_ns()
	};
	struct db_trigger *t;
	uint64_t wait_ms;

	if (attempt(&now, &wait_ms))
		return 0;
	if (!may_wait) {
		refuse(&now);
		return 0;
	}
	t = xmemdup(&now, sizeof(now));
	json_object_get(params);
	json_object_get(id);
	t->timer = loop_timer_new(set->loop, on_timer, t);
	cds_list_add_tail(&t->in_db, &set->waiting);
	cds_list_add_tail(&t->in_owner, owned);
	set_timer(t, wait_ms);
	return 1;
}

void db_trigger_cancel(struct db_trigger *t)
{
	cds_list_del(&t->in_db);
	cds_list_del(&t->in_owner);
	loop_timer_free(t->timer);
	json_object_put(t->params);
	json_object_put(t->id);
	free(t);
}
