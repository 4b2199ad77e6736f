/* SPDX-License-Identifier: Apache-2.0 */
/* A file of JSON records that survives a crash: the log of ovsdb(5), "Open vSwitch standalone
 * format".
 *
 * Each record is a line `OVSDB JSON LENGTH SHA1` and LENGTH bytes of JSON that end with a newline
 * and have that SHA-1.  Records are only ever appended, or the whole file is replaced by rename; so
 * whatever a crash leaves, a prefix of whole records is sound, and the checksum tells where it
 * ends.
 *
 * A lock file beside it (.NAME.~lock~, as ovsdb-server and ovsdb-tool use) keeps a second opener
 * out, also one in the same process.
 *
 * One owner, any one thread; reads and writes block. */
#pragma once

#include <json-c/json.h>

#include "core/base/err.h"
#include "core/base/types.h"

struct db_log;

#define LOG_MAX_RECORD ((uint64_t)1 << 30)

/* Opens and locks the file at `path`.  NULL and *err: ENOENT, EAGAIN (locked by another), EINVAL
 * (it does not begin like a database, or like a clustered one), others of open(2). */
struct db_log *db_log_open(const char *path, struct error *err);
/* Makes a file that holds the one record `first`, in the place of any that is there.  NULL and *err
 * as above. */
struct db_log *db_log_create(const char *path, struct json_object *first, struct error *err);
void db_log_close(struct db_log *log); /* NULL is fine */

/* The next record: 1 and *ret (owned by the caller), 0 at a sound end, -EBADMSG and *err when what
 * follows is no whole record, -EIO, … */
int db_log_read(struct db_log *log, struct json_object **ret, struct error *err) MUST_CHECK;
/* The last record read is not wanted after all: the next append goes in its place. */
void db_log_unread(struct db_log *log);
/* Bytes from the end of the last record read to the end of the file. */
uint64_t db_log_left(const struct db_log *log);
/* Copies the whole file to a new one beside it, named in `name`, then cuts it off after the last
 * record read.  0 or -errno and *err, and then nothing was cut. */
int db_log_cut(struct db_log *log, char *name, size_t size, struct error *err) MUST_CHECK;

/* Appends after the last record read.  On an error (ENOSPC, EIO, …) the file is as it was. */
int db_log_append(struct db_log *log, struct json_object *record, struct error *err) MUST_CHECK;
/* What has been appended is on the disk when this returns 0. */
int db_log_sync(struct db_log *log, struct error *err) MUST_CHECK;
/* Puts a file with these records in the place of this one, by rename; on an error this one stays.
 */
int db_log_replace(struct db_log *log, struct json_object *const *records, size_t n,
		   struct error *err) MUST_CHECK;
uint64_t db_log_size(const struct db_log *log); /* bytes, of sound records */
const char *db_log_path(const struct db_log *log);
