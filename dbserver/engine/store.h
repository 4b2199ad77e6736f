/* SPDX-License-Identifier: Apache-2.0 */
/* A database in a file: read at the start, each transaction appended before it counts, rewritten
 * when history outgrows content.
 *
 * The file is that of ovsdb(5), so that ovsdb-tool reads and writes it.  Transactions are recorded
 * as differences (`_is_diff`), so that adding a port to a bridge of a thousand costs one port. A
 * transaction that asks to be durable is on the disk when its commit returns; others are in the
 * kernel's hands, which is enough for a crash of the program.  Loop's thread; blocks on the disk.
 */
#pragma once

#include "dbserver/engine/db.h"

/* What was found when a file was opened.  All zero for a sound file. */
struct dbserver_open_report {
	bool created;          /* there was no file; made from the schema */
	bool upgraded;         /* its schema was older; columns were added */
	uint64_t lost_bytes;   /* the tail that was damaged and has been cut off */
	char reason[256];      /* what was wrong with it */
	char saved_as[256];    /* the copy of the damaged file */
	uint64_t transactions; /* records that were read */
};

struct db_store;

/* Opens the file, or creates it from the schema in file `schema_path` (may be NULL: it must exist).
 * When that schema adds tables or columns to the file's own, or differs from it in limits that the
 * rows meet, the file is upgraded; a file of a newer schema keeps its own.  A damaged file is cut
 * off after its last whole transaction, a copy kept, and both said in *report (may be NULL); one
 * that lost even its schema begins anew when there is a schema_path.  NULL and *err: see
 * db_log_open(), and EINVAL for a schema that does not fit. */
struct db_store *db_store_open(const char *path, const char *schema_path,
			       const struct db_limits *limits, struct dbserver_open_report *report,
			       struct error *err);
/* Frees the database too. */
void db_store_close(struct db_store *s);
struct db *db_store_db(const struct db_store *s);
/* Rewrites the file without its history; happens by itself when the history is large.  On an error
 * the file is as it was. */
int db_store_compact(struct db_store *s, struct error *err) MUST_CHECK;
/* Bytes of the file. */
uint64_t db_store_size(const struct db_store *s);
/* Tells of each rewriting that the store began by itself: err is NULL when it went well. */
void db_store_on_compact(struct db_store *s, void (*fn)(void *arg, const struct error *err),
			 void *arg);
