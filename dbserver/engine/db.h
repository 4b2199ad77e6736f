/* SPDX-License-Identifier: Apache-2.0 */
/* A database in memory: its tables, who is told of changes, and who keeps them.
 *
 * Transactions (txn.h, commit.h) change it; a store (store.h) may persist each of them first;
 * watchers hear of each that changed something, after it is whole and in order.  A watcher may
 * commit a transaction of its own: it takes effect at once, and watchers hear of it after all of
 * them have heard of the present one.  Loop's thread. */
#pragma once

#include "dbserver/engine/table.h"

struct db_txn;

struct db_change {
	struct db_table *table;
	struct uuid uuid;
	const struct db_row *row; /* as it is now; NULL when it no longer exists */
	/* By column index; NULL for a new row (before) and a deleted one (after). */
	const struct datum *const *before, *const *after;
};

struct db_changes {
	const void *by; /* as given to db_txn_new(); NULL for clients */
	const struct db_change *change;
	size_t n;
};

/* True when the value of `c` differs between before and after (a row that came or went differs in
 * every column). */
bool db_change_touches(const struct db_change *change, const struct db_column *c);

struct db_watch {
	void (*fn)(void *arg, const struct db_changes *changes);
	void *arg;
	struct db_watch *next; /* the database's */
};

/* What a commit hands to whoever keeps the database. */
struct db_commit {
	const struct db_change *change;
	size_t n;
	const char *comment; /* "" when there is none */
	bool durable;        /* on the disk before it counts */
};

struct db_limits {
	size_t rows;       /* in the database */
	size_t bytes;      /* of values in the database */
	size_t operations; /* in a transaction */
};

/* 1,000,000 rows, 1 GiB, 100,000 operations. */
extern const struct db_limits db_limits_default;

struct db {
	struct db_schema *schema; /* owned */
	struct db_table *tables;  /* owned, in the order of schema->tables */
	struct db_usage usage;
	struct db_limits limits;

	struct db_txn *txn; /* the open transaction, or NULL */

	struct db_watch *watches, *next_watch; /* next_watch: while they are called */
	struct db_notice *first, *last;        /* owned; what watchers have yet to hear */
	bool notifying;

	/* Called with a commit that has been checked, before it counts: 0, or a negative errno and
	 * *err to refuse it.  NULL: kept by nobody. */
	int (*persist)(void *arg, const struct db_commit *c, struct error *err);
	void *persist_arg;
};

/* Takes the schema.  `limits` may be NULL. */
struct db *db_new(struct db_schema *take, const struct db_limits *limits);
void db_free(struct db *db); /* NULL is fine; no transaction may be open */

const char *db_name(const struct db *db);
/* NULL when there is none of that name. */
struct db_table *db_table(const struct db *db, const char *name);

/* Calls w->fn for each later transaction that changed something.  fn may read, write, and remove
 * any watch.  *w must stay in place until db_watch_remove(). */
void db_watch_add(struct db *db, struct db_watch *w);
void db_watch_remove(struct db *db, struct db_watch *w);

/* For commits: tells the watchers, taking the array and the values in it. */
void db_notify(struct db *db, const void *by, struct db_change *take, size_t n);
