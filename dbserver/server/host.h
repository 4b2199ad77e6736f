/* SPDX-License-Identifier: Apache-2.0 */
/* What all sessions share: the databases, the locks, the limits. */
#pragma once

#include "dbserver/server/limits.h"
#include "dbserver/server/lock.h"
#include "dbserver/server/trigger.h"

struct db_store;

struct served_db {
	struct cds_list_head link; /* struct db_host.dbs */
	struct db *db;             /* owned by the store, or by this when there is none */
	struct db_store *store;    /* owned; NULL: in memory only */
	bool read_only;            /* for clients */
	struct db_triggers triggers;
};

struct db_host {
	struct loop *loop;
	struct dbserver_limits limits;
	struct uuid server_id;
	struct cds_list_head dbs; /* in the order in which they were added */
	struct db_locks locks;
	struct cds_list_head sessions; /* struct session.link */
	size_t n_sessions;
};

void db_host_init(struct db_host *h, struct loop *loop, const struct dbserver_limits *limits);
/* Closes and frees the databases; every session is gone. */
void db_host_done(struct db_host *h);
/* Takes both; `store` may be NULL. */
void db_host_add(struct db_host *h, struct db *db, struct db_store *store, bool read_only);
/* NULL when there is none of that name (which may be NULL). */
struct served_db *db_host_find(const struct db_host *h, const char *name);
struct db_limits db_host_limits(const struct db_host *h);
