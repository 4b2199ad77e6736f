/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/engine/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "dbserver/data/jsonx.h"
#include "dbserver/engine/log.h"
#include "dbserver/engine/record.h"

/* The file is rewritten when it is larger than this and than so many times what it was when it was
 * last written whole. */
#define COMPACT_MIN_BYTES (10u << 20)
#define COMPACT_FACTOR 2

struct db_store {
	struct db_log *log; /* owned */
	struct db *db;      /* owned */
	struct db_watch watch;
	uint64_t compact_at; /* bytes */
	void (*on_compact)(void *arg, const struct error *err);
	void *on_compact_arg;
};

static void plan_compaction(struct db_store *s)
{
	uint64_t size = db_log_size(s->log);

	s->compact_at = MAX(size * COMPACT_FACTOR, (uint64_t)COMPACT_MIN_BYTES);
}

/* --- Keeping commits ----------------------------------------------------------------------- */
static int persist(void *arg, const struct db_commit *c, struct error *err)
{
	struct json_object *record = record_from_commit(c);
	struct db_store *s = arg;
	int rc = 0;

	if (record)
		rc = db_log_append(s->log, record, err);
	if (!rc && c->durable)
		rc = db_log_sync(s->log, err);
	json_object_put(record);
	return rc;
}

static void after_commit(void *arg, const struct db_changes *changes)
{
	struct error err = ERROR_INIT;
	struct db_store *s = arg;
	int rc;

	(void)changes;
	if (db_log_size(s->log) < s->compact_at)
		return;
	rc = db_store_compact(s, &err);
	if (rc)
		plan_compaction(s); /* it will be tried again when the file has grown as much */
	if (s->on_compact)
		s->on_compact(s->on_compact_arg, rc ? &err : NULL);
}

int db_store_compact(struct db_store *s, struct error *err)
{
	struct json_object *records[2];
	int rc;

	records[0] = db_schema_to_json(s->db->schema);
	records[1] = record_from_rows(s->db);
	rc = db_log_replace(s->log, records, records[1] ? 2 : 1, err);
	json_object_put(records[0]);
	json_object_put(records[1]);
	if (!rc)
		plan_compaction(s);
	return rc;
}

/* --- Reading ------------------------------------------------------------------------------- */
static struct db *read_schema(struct db_log *log, const struct db_limits *limits, struct error *err)
{
	struct json_object *json = NULL;
	struct db_schema *schema;
	int rc = db_log_read(log, &json, err);

	if (!rc)
		error_set(err, EBADMSG, NULL, "the file is empty");
	if (rc <= 0)
		return NULL;
	schema = db_schema_from_json(json, err);
	json_object_put(json);
	if (!schema && err)
		err->code = EINVAL; /* sound, but not a schema that this program understands */
	return schema ? db_new(schema, limits) : NULL;
}

/* Reads transactions up to the end or to the first that is damaged; 0 or -errno with *err for what
 * is no damage.  `why` says what the damage is. */
static int read_transactions(struct db_log *log, struct db *db, struct dbserver_open_report *report,
			     struct error *why)
{
	struct json_object *json;
	int rc;

	while ((rc = db_log_read(log, &json, why)) > 0) {
		rc = record_apply(db, json, why);
		json_object_put(json);
		if (rc < 0) {
			db_log_unread(log);
			return rc == -ENOSPC ? rc : -EBADMSG;
		}
		report->transactions++;
	}
	return rc;
}

static int cut_damage(struct db_log *log, const struct error *why,
		      struct dbserver_open_report *report, struct error *err)
{
	char text[400];

	report->lost_bytes = db_log_left(log);
	snprintf(report->reason, sizeof(report->reason), "%.255s",
		 error_text(why, text, sizeof(text)));
	return db_log_cut(log, report->saved_as, sizeof(report->saved_as), err);
}

/* --- Schemas ------------------------------------------------------------------------------- */
static bool same_schema(const struct db_schema *a, const struct db_schema *b)
{
	struct json_object *x = db_schema_to_json(a), *y = db_schema_to_json(b);
	bool same;

	json_object_object_del(x, "cksum");
	json_object_object_del(y, "cksum");
	same = json_object_equal(x, y);
	json_object_put(x);
	json_object_put(y);
	return same;
}

/* Moves the rows to a database of the new schema and rewrites the file. */
static int upgrade(struct db_store *s, struct db_schema *take, struct error *err)
{
	struct json_object *rows = record_from_rows(s->db);
	struct db *old = s->db;
	int rc = 0;

	s->db = db_new(take, &old->limits);
	if (rows)
		rc = record_apply(s->db, rows, err);
	json_object_put(rows);
	if (rc >= 0)
		rc = db_store_compact(s, err);
	if (rc < 0) {
		(void)error_wrap(err, "the rows do not fit the new schema");
		db_free(s->db);
		s->db = old;
		return rc;
	}
	db_free(old);
	return 0;
}

static int fit_schema(struct db_store *s, const char *schema_path,
		      struct dbserver_open_report *report, struct error *err)
{
	struct db_schema *schema = schema_path ? db_schema_from_file(schema_path, err) : NULL;
	int rc = 0;

	if (schema_path && !schema)
		return -EINVAL;
	if (!schema || same_schema(s->db->schema, schema))
		goto keep;
	if (!db_schema_upgradable(s->db->schema, schema, NULL)) {
		rc = upgrade(s, schema, err);
		report->upgraded = !rc;
		return rc;
	}
	/* A file of a newer program may be run by an older one. */
	if (db_schema_upgradable(schema, s->db->schema, NULL))
		rc = db_schema_upgradable(s->db->schema, schema, err);
keep:
	db_schema_free(schema);
	return rc;
}

/* --- Opening ------------------------------------------------------------------------------- */
static int create(struct db_store *s, const char *path, const char *schema_path,
		  const struct db_limits *limits, struct error *err)
{
	struct db_schema *schema = db_schema_from_file(schema_path, err);
	struct json_object *json;

	if (!schema)
		return -EINVAL;
	json = db_schema_to_json(schema);
	s->log = db_log_create(path, json, err);
	json_object_put(json);
	s->db = db_new(schema, limits);
	return s->log ? 0 : -EIO;
}

/* Not even the schema is whole: the damaged file is kept, and the database begins anew. */
static int begin_anew(struct db_store *s, const char *schema_path, const struct db_limits *limits,
		      struct error *err)
{
	struct db_schema *schema = db_schema_from_file(schema_path, err);

	if (!schema)
		return -EINVAL;
	s->db = db_new(schema, limits);
	return db_store_compact(s, err);
}

static int load(struct db_store *s, const char *schema_path, const struct db_limits *limits,
		struct dbserver_open_report *report, struct error *err)
{
	struct error why = ERROR_INIT;
	int rc = 0;

	s->db = read_schema(s->log, limits, &why);
	if (s->db)
		rc = read_transactions(s->log, s->db, report, &why);
	if ((!s->db && (why.code != EBADMSG || !schema_path)) || (rc && rc != -EBADMSG))
		return error_set(err, why.code, why.field, "%s: %s", db_log_path(s->log),
				 why.cause);
	if (!s->db || rc) {
		rc = cut_damage(s->log, &why, report, err);
		if (rc)
			return rc;
	}
	return s->db ? fit_schema(s, schema_path, report, err)
		     : begin_anew(s, schema_path, limits, err);
}

struct db_store *db_store_open(const char *path, const char *schema_path,
			       const struct db_limits *limits, struct dbserver_open_report *report,
			       struct error *err)
{
	struct db_store *s = xzalloc(sizeof(*s));
	struct dbserver_open_report unused;
	struct error why = ERROR_INIT;
	int rc;

	report = report ? report : &unused;
	memset(report, 0, sizeof(*report));
	s->log = db_log_open(path, &why);
	if (s->log) {
		rc = load(s, schema_path, limits, report, err);
	} else if (why.code == ENOENT && schema_path) {
		rc = create(s, path, schema_path, limits, err);
		report->created = !rc;
	} else {
		rc = error_set(err, why.code, NULL, "%s", why.cause);
	}
	if (rc) {
		db_store_close(s);
		return NULL;
	}
	plan_compaction(s);
	s->db->persist = persist;
	s->db->persist_arg = s;
	s->watch = (struct db_watch){ after_commit, s, NULL };
	db_watch_add(s->db, &s->watch);
	return s;
}

void db_store_close(struct db_store *s)
{
	if (!s)
		return;
	db_free(s->db);
	db_log_close(s->log);
	free(s);
}

struct db *db_store_db(const struct db_store *s)
{
	return s->db;
}

uint64_t db_store_size(const struct db_store *s)
{
	return db_log_size(s->log);
}

void db_store_on_compact(struct db_store *s, void (*fn)(void *arg, const struct error *err),
			 void *arg)
{
	s->on_compact = fn;
	s->on_compact_arg = arg;
}
