/* SPDX-License-Identifier: Apache-2.0 */
/* The database server as one object: files, databases, and the sockets that clients come in by.
 *
 * A program opens its files, adds remotes and runs its loop; RFC 7047 is then served to ovs-vsctl,
 * ovsdb-client and every IDL.  The program itself reads and writes the same rows through
 * dbserver/engine/view.h.
 *
 *	s = dbserver_new(loop, NULL);
 *	rc = dbserver_open(s, "/etc/openvswitch/conf.db", SCHEMA, &report, &err);
 *	rc = dbserver_add_remote(s, "punix:/var/run/openvswitch/db.sock", &err);
 *	loop_run(loop);
 *	dbserver_free(s);
 *
 * Besides the files' databases the server has `_Server`, which tells clients about the others
 * (ovsdb-server(5)).  All calls on the loop's thread. */
#pragma once

#include "dbserver/engine/store.h"
#include "dbserver/server/limits.h"

struct loop;
struct dbserver;

/* `limits` may be NULL.  Never fails. */
struct dbserver *dbserver_new(struct loop *loop, const struct dbserver_limits *limits);
/* Closes every session, remote and file.  NULL is fine. */
void dbserver_free(struct dbserver *s);

/* Opens the database in file `path` (standalone format of ovsdb(5)), locking it against a second
 * opener.  A file that does not exist is created with the schema in file `schema_path`; when
 * `schema_path` is newer than the file's own schema and adds to it, the file is upgraded.
 * `schema_path` may be NULL: the file must then exist.  A damaged tail is cut off at the last whole
 * transaction and *report (may be NULL) says what was lost and where the damaged file is kept.
 * Errors: -ENOENT, -EAGAIN (another process has it), -EINVAL (not a database, or its schema does
 * not fit), -EEXIST (a database of that name is open), -EIO and others of open(2). */
int dbserver_open(struct dbserver *s, const char *path, const char *schema_path,
		  struct dbserver_open_report *report, struct error *err) MUST_CHECK;
/* A database of that name, or NULL.  Borrowed until dbserver_free(). */
struct db *dbserver_db(const struct dbserver *s, const char *name);

/* Certificates for "pssl:" remotes that are added later: PEM files, all given.  0 or -errno and
 * *err that names the file. */
int dbserver_set_tls(struct dbserver *s, const char *cert, const char *key, const char *ca,
		     struct error *err) MUST_CHECK;
/* Listens at "punix:PATH", "ptcp:[PORT][:IP]" or "pssl:[PORT][:IP]" (ovsdb(7)).  Adding one twice
 * is no error. */
int dbserver_add_remote(struct dbserver *s, const char *target, struct error *err) MUST_CHECK;
/* Stops listening there; sessions that came in by it are closed. */
void dbserver_remove_remote(struct dbserver *s, const char *target);
/* The TCP port that the kernel chose for "ptcp:0"; 0 for other remotes and unknown ones. */
uint16_t dbserver_remote_port(const struct dbserver *s, const char *target);
size_t dbserver_sessions(const struct dbserver *s);

/* Rewrites a database's file without its history (ovsdb-server/compact).  0 or -errno. */
int dbserver_compact(struct dbserver *s, const char *db_name, struct error *err) MUST_CHECK;
