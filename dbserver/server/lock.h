/* SPDX-License-Identifier: Apache-2.0 */
/* Locks that clients agree on (RFC 7047 sections 4.1.8 to 4.1.10): named, first come first served,
 * stolen on request, released with the session.  A lock guards nothing by itself; transactions
 * "assert" it. */
#pragma once

#include "core/base/err.h"
#include "core/base/htable.h"
#include "core/base/list.h"

struct db_locks {
	struct htable names; /* struct named lock, in lock.c */
};

/* One client's place in the queue of one lock. */
struct db_lock_claim {
	struct cds_list_head in_lock;  /* the front of the queue holds the lock */
	struct cds_list_head in_owner; /* struct db_lock_owner.claims */
	struct db_named_lock *lock;
	struct db_lock_owner *owner;
};

/* A client.  Tells it of what happens to its claims other than by its own request. */
struct db_lock_owner {
	struct cds_list_head claims;
	size_t n;
	/* `what` is "locked" or "stolen", as the notification is called. */
	void (*notify)(struct db_lock_owner *owner, const char *what, const char *name);
};

void db_locks_init(struct db_locks *l);
void db_locks_done(struct db_locks *l); /* every owner is gone */
void db_lock_owner_init(struct db_lock_owner *o,
			void (*notify)(struct db_lock_owner *owner, const char *what,
				       const char *name));
/* Gives up every claim. */
void db_lock_owner_done(struct db_locks *l, struct db_lock_owner *o);

/* Claims lock `name`, at the front when `steal`.  1: it is held now; 0: it is waited for; -EEXIST
 * and *err: this owner claims it already. */
int db_lock_claim(struct db_locks *l, struct db_lock_owner *o, const char *name, bool steal,
		  struct error *err) MUST_CHECK;
/* -ENOENT and *err when the owner does not claim it. */
int db_lock_release(struct db_locks *l, struct db_lock_owner *o, const char *name,
		    struct error *err) MUST_CHECK;
bool db_lock_is_held(const struct db_locks *l, const struct db_lock_owner *o, const char *name);
