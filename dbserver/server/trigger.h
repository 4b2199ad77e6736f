/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions that wait: a "wait" operation that does not hold yet keeps its whole transaction
 * until the database changes or its time is over (RFC 7047 section 5.2.6).
 *
 * After a change every waiting transaction of that database is tried again, in order of arrival,
 * once the loop is about to sleep: many changes of a turn cost one attempt. */
#pragma once

#include "core/base/list.h"
#include "dbserver/engine/exec.h"

struct loop;

/* The waiting transactions of one database. */
struct db_triggers {
	struct loop *loop;
	struct db *db;
	struct db_watch watch;
	struct cds_list_head waiting; /* struct db_trigger.in_db */
	uint64_t round;               /* of attempts */
};

struct db_trigger_cb {
	bool (*has_lock)(void *arg, const char *name);
	/* The transaction is over.  Exactly one of result (taken) and err is not NULL; id is
	 * borrowed. */
	void (*done)(void *arg, struct json_object *id, struct json_object *result,
		     const struct error *err);
	void *arg;
	bool read_only;
};

struct db_trigger {
	struct cds_list_head in_db, in_owner;
	struct db_triggers *set;
	const struct db_trigger_cb *cb;  /* borrowed from the owner */
	struct json_object *params, *id; /* owned */
	uint64_t start_ns;
	uint64_t round;           /* in which it was tried last */
	struct loop_timer *timer; /* owned */
};

void db_triggers_init(struct db_triggers *t, struct loop *loop, struct db *db);
void db_triggers_done(struct db_triggers *t); /* every trigger has been cancelled */

/* Tries the transaction; when it must wait it joins `owned` (a list of in_owner), unless `may_wait`
 * is false: then it is over with "resources exhausted".  1 when it waits, 0 when it is over. */
int db_trigger_submit(struct db_triggers *t, const struct db_trigger_cb *cb,
		      struct json_object *params, struct json_object *id,
		      struct cds_list_head *owned, bool may_wait);
/* Ends the transaction; cb->done is not called. */
void db_trigger_cancel(struct db_trigger *t);
