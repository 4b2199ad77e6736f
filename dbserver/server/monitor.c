/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/server/monitor.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "dbserver/data/dberr.h"
#include "dbserver/data/jsonx.h"

enum { SEL_INITIAL = 1, SEL_INSERT = 2, SEL_DELETE = 4, SEL_MODIFY = 8, SEL_ALL = 15 };

struct monitor_table {
	struct db_table *table;
	uint8_t *select;           /* owned; by column index: SEL_* for which it is sent */
	uint8_t any;               /* SEL_* of any of its requests */
	struct db_condition where; /* no clauses: every row */
};

static const char *const notifications[] = {
	[MONITOR] = "update",
	[MONITOR_COND] = "update2",
	[MONITOR_COND_SINCE] = "update3",
};

/* --- Parsing ------------------------------------------------------------------------------- */
static int parse_select(struct json_object *json, uint8_t *select, struct error *err)
{
	struct json_object *flags[4] = { NULL };
	static const uint8_t bits[] = { SEL_INITIAL, SEL_INSERT, SEL_DELETE, SEL_MODIFY };
	const struct json_member members[] = {
		{ "initial", JK_BOOLEAN | JK_OPTIONAL, &flags[0] },
		{ "insert", JK_BOOLEAN | JK_OPTIONAL, &flags[1] },
		{ "delete", JK_BOOLEAN | JK_OPTIONAL, &flags[2] },
		{ "modify", JK_BOOLEAN | JK_OPTIONAL, &flags[3] },
	};
	int rc = 0;

	if (json)
		rc = json_members(json, "<monitor-select>", members, ARRAY_SIZE(members), err);
	*select = 0;
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
		if (!flags[i] || json_object_get_boolean(flags[i]))
			*select |= bits[i];
	return rc;
}

static int select_column(struct monitor_table *mt, const struct db_column *c, uint8_t select,
			 struct error *err)
{
	if (mt->select[c->index])
		return error_set(err, DBE_SYNTAX, c->name, "the column is monitored twice");
	mt->select[c->index] = select;
	return 0;
}

static int parse_columns(struct monitor_table *mt, struct json_object *json, uint8_t select,
			 struct error *err)
{
	const struct db_table_schema *t = mt->table->schema;
	int rc = 0;

	mt->any |= select;
	if (!json) {
		for (uint32_t i = COL_VERSION; !rc && i < t->n_columns; i++)
			rc = select_column(mt, &t->columns[i], select, err);
		return rc;
	}
	for (size_t i = 0; !rc && i < json_object_array_length(json); i++) {
		const char *name = json_text(json_object_array_get_idx(json, i));
		const struct db_column *c = name ? db_schema_column(t, name) : NULL;

		if (!c)
			return error_set(err, DBE_UNKNOWN_COLUMN, NULL,
					 "no column \"%.64s\" in table %s", name ? name : "",
					 t->name);
		rc = select_column(mt, c, select, err);
	}
	return rc;
}

/* Adds the clauses to the table's; a request without any means every row. */
static int add_where(struct monitor_table *mt, struct json_object *json, bool *all,
		     struct error *err)
{
	struct db_condition c = { NULL, 0 };
	int rc = json ? db_condition_from_json(mt->table->schema, json, NULL, &c, err) : 0;

	if (rc)
		return rc;
	*all |= !c.n;
	if (!c.n)
		return 0;
	mt->where.clauses = xrealloc(mt->where.clauses, (mt->where.n + c.n) * sizeof(*c.clauses));
	memcpy(mt->where.clauses + mt->where.n, c.clauses, c.n * sizeof(*c.clauses));
	mt->where.n += c.n;
	free(c.clauses);
	return 0;
}

static int parse_request(struct monitor_table *mt, enum monitor_method method,
			 struct json_object *json, bool *all, struct error *err)
{
	struct json_object *columns, *select_json, *where = NULL;
	const struct json_member members[] = {
		{ "columns", JK_ARRAY | JK_OPTIONAL, &columns },
		{ "select", JK_OBJECT | JK_OPTIONAL, &select_json },
		{ "where", JK_ARRAY | JK_OPTIONAL, &where },
	};
	size_t n = ARRAY_SIZE(members) - (method == MONITOR);
	uint8_t select;
	int rc = json_members(json, "<monitor-request>", members, n, err);

	if (!rc)
		rc = parse_select(select_json, &select, err);
	if (!rc)
		rc = parse_columns(mt, columns, select, err);
	return rc ? rc : add_where(mt, where, all, err);
}

/* A single object is taken for an array of one, as ovsdb-server does. */
static size_t request_count(struct json_object *json)
{
	return json_kind_of(json) == JK_ARRAY ? json_object_array_length(json) : 1;
}

static struct json_object *request_at(struct json_object *json, size_t i)
{
	return json_kind_of(json) == JK_ARRAY ? json_object_array_get_idx(json, i) : json;
}

static int parse_table(struct monitor *m, const char *name, struct json_object *json,
		       struct error *err)
{
	struct monitor_table *mt = &m->tables[m->n_tables];
	bool all = false;
	int rc = 0;

	mt->table = db_table(m->db, name);
	if (!mt->table)
		return error_set(err, DBE_UNKNOWN_TABLE, NULL, "no table \"%.64s\" in database %s",
				 name, db_name(m->db));
	mt->select = xcalloc(mt->table->schema->n_columns, 1);
	m->n_tables++;
	for (size_t i = 0; !rc && i < request_count(json); i++)
		rc = parse_request(mt, m->method, request_at(json, i), &all, err);
	if (rc)
		return dberr_at(err, rc, name, NULL);
	if (all)
		db_condition_done(&mt->where);
	return 0;
}

static int parse_requests(struct monitor *m, struct json_object *json, struct error *err)
{
	int rc = 0;

	if (json_kind_of(json) != JK_OBJECT)
		return error_set(err, DBE_SYNTAX, NULL,
				 "<monitor-requests> must map tables to requests");
	m->tables = xcalloc((size_t)json_object_object_length(json) + 1, sizeof(*m->tables));
	json_object_object_foreach(json, name, requests)
	{
		rc = parse_table(m, name, requests, err);
		if (rc)
			break;
	}
	return rc;
}

/* --- Composing ----------------------------------------------------------------------------- */
static void add_column(struct json_object *row, const struct db_column *c, const struct datum *d)
{
	json_object_object_add(row, c->name, datum_to_json(d));
}

/* Columns that are sent for `kind`, from `cols`; those that `other` (may be NULL) has the same are
 * left out. */
static struct json_object *compose_row(const struct monitor_table *mt, uint8_t kind,
				       const struct datum *const *cols,
				       const struct datum *const *other)
{
	struct json_object *row = json_object_new_object();
	const struct db_table_schema *t = mt->table->schema;

	for (uint32_t i = 0; i < t->n_columns; i++)
		if ((mt->select[i] & kind) && !(other && datum_equal(cols[i], other[i])))
			add_column(row, &t->columns[i], cols[i]);
	return row;
}

/* <row-update> of RFC 7047 section 4.1.6. */
static struct json_object *compose_update(const struct monitor_table *mt, uint8_t kind,
					  const struct datum *const *before,
					  const struct datum *const *after)
{
	struct json_object *json = json_object_new_object(), *old = NULL;

	if (kind == SEL_MODIFY) {
		old = compose_row(mt, kind, before, after);
		if (!json_object_object_length(old)) {
			json_object_put(old);
			json_object_put(json);
			return NULL;
		}
	} else if (kind == SEL_DELETE) {
		old = compose_row(mt, kind, before, NULL);
	}
	if (old)
		json_put_const(json, "old", old);
	if (kind != SEL_DELETE)
		json_put_const(json, "new", compose_row(mt, kind, after, NULL));
	return json;
}

static struct json_object *compose_new_row2(const struct monitor_table *mt, uint8_t kind,
					    const struct datum *const *after)
{
	struct json_object *row = json_object_new_object();
	const struct db_table_schema *t = mt->table->schema;

	for (uint32_t i = 0; i < t->n_columns; i++)
		if ((mt->select[i] & kind) && !datum_equal(after[i], t->columns[i].initial))
			add_column(row, &t->columns[i], after[i]);
	return row;
}

/* NULL when no monitored column changed. */
static struct json_object *compose_diff_row(const struct monitor_table *mt,
					    const struct datum *const *before,
					    const struct datum *const *after)
{
	struct json_object *row = json_object_new_object();
	const struct db_table_schema *t = mt->table->schema;

	for (uint32_t i = 0; i < t->n_columns; i++) {
		struct datum *d;

		if (!(mt->select[i] & SEL_MODIFY) || before[i] == after[i])
			continue;
		d = datum_diff(before[i], after[i], &t->columns[i].type);
		if (d)
			add_column(row, &t->columns[i], d);
		datum_unref(d);
	}
	if (json_object_object_length(row))
		return row;
	json_object_put(row);
	return NULL;
}

/* <row-update2> of ovsdb-server(7) section 4.1.14. */
static struct json_object *compose_update2(const struct monitor_table *mt, uint8_t kind,
					   const struct datum *const *before,
					   const struct datum *const *after)
{
	struct json_object *json, *row = NULL;
	const char *name = kind == SEL_INITIAL  ? "initial"
			   : kind == SEL_INSERT ? "insert"
			   : kind == SEL_DELETE ? "delete"
						: "modify";

	if (kind == SEL_MODIFY) {
		row = compose_diff_row(mt, before, after);
		if (!row)
			return NULL;
	} else if (kind != SEL_DELETE) {
		row = compose_new_row2(mt, kind, after);
	}
	json = json_object_new_object();
	json_put_const(json, name, row);
	return json;
}

struct updates {
	const struct monitor *m;
	struct json_object *json; /* owned; NULL while empty: table -> row -> update */
};

static void add_update(struct updates *u, const struct monitor_table *mt, const struct uuid *uuid,
		       uint8_t kind, const struct datum *const *before,
		       const struct datum *const *after)
{
	struct json_object *update, *table;
	char text[UUID_TEXT_LEN + 1];

	if (!(mt->any & kind))
		return;
	update = u->m->method == MONITOR ? compose_update(mt, kind, before, after)
					 : compose_update2(mt, kind, before, after);
	if (!update)
		return;
	if (!u->json)
		u->json = json_object_new_object();
	if (!json_object_object_get_ex(u->json, db_table_name(mt->table), &table)) {
		table = json_object_new_object();
		json_object_object_add(u->json, db_table_name(mt->table), table);
	}
	json_object_object_add_ex(table, uuid_print(uuid, text), update,
				  JSON_C_OBJECT_ADD_KEY_IS_NEW);
}

/* --- Sending ------------------------------------------------------------------------------- */
static struct json_object *zero_uuid(void)
{
	static const struct uuid zero;
	char text[UUID_TEXT_LEN + 1];

	return json_object_new_string(uuid_print(&zero, text));
}

static void send_updates(struct updates *u)
{
	const struct monitor *m = u->m;
	struct json_object *params;

	if (!u->json)
		return;
	params = json_object_new_array_ext(3);
	json_object_array_add(params, json_object_get(m->id));
	if (m->method == MONITOR_COND_SINCE)
		json_object_array_add(params, zero_uuid());
	json_object_array_add(params, u->json);
	m->send(m->arg, notifications[m->method], params);
	u->json = NULL;
}

static const struct monitor_table *find_table(const struct monitor *m, const struct db_table *t)
{
	for (size_t i = 0; i < m->n_tables; i++)
		if (m->tables[i].table == t)
			return &m->tables[i];
	return NULL;
}

/* A row that comes to match the condition is new to the client, one that ceases to is gone. */
static void add_change(struct updates *u, const struct monitor_table *mt, const struct db_change *c)
{
	bool was = c->before && db_condition_any(&mt->where, c->before);
	bool is = c->after && db_condition_any(&mt->where, c->after);

	if (was || is)
		add_update(u, mt, &c->uuid,
			   was && is ? SEL_MODIFY
			   : is      ? SEL_INSERT
				     : SEL_DELETE,
			   c->before, c->after);
}

static void on_change(void *arg, const struct db_changes *changes)
{
	struct updates u = { .m = arg };

	for (size_t i = 0; i < changes->n; i++) {
		const struct monitor_table *mt = find_table(u.m, changes->change[i].table);

		if (mt)
			add_change(&u, mt, &changes->change[i]);
	}
	send_updates(&u);
}

struct json_object *monitor_initial(const struct monitor *m)
{
	struct updates u = { .m = m };
	struct json_object *reply;
	const struct db_row *row;

	for (size_t i = 0; i < m->n_tables; i++)
		for (row = db_row_first(m->tables[i].table); row; row = db_row_next(row))
			if (db_condition_any(&m->tables[i].where, row->cols))
				add_update(&u, &m->tables[i], &row->uuid, SEL_INITIAL, NULL,
					   row->cols);
	if (!u.json)
		u.json = json_object_new_object();
	if (m->method != MONITOR_COND_SINCE)
		return u.json;
	reply = json_object_new_array_ext(3);
	json_object_array_add(reply, json_object_new_boolean(false));
	json_object_array_add(reply, zero_uuid());
	json_object_array_add(reply, u.json);
	return reply;
}

/* --- Life ---------------------------------------------------------------------------------- */
struct monitor *monitor_new(struct db *db, enum monitor_method method, struct json_object *id,
			    struct json_object *requests, monitor_send_fn *send, void *arg,
			    struct error *err)
{
	struct monitor *m = xzalloc(sizeof(*m));

	m->db = db;
	m->method = method;
	m->id = json_object_get(id);
	m->send = send;
	m->arg = arg;
	m->watch = (struct db_watch){ on_change, m, NULL };
	CDS_INIT_LIST_HEAD(&m->link);
	db_watch_add(db, &m->watch);
	if (!parse_requests(m, requests, err))
		return m;
	monitor_free(m);
	return NULL;
}

void monitor_free(struct monitor *m)
{
	db_watch_remove(m->db, &m->watch);
	cds_list_del(&m->link);
	for (size_t i = 0; i < m->n_tables; i++) {
		free(m->tables[i].select);
		db_condition_done(&m->tables[i].where);
	}
	free(m->tables);
	json_object_put(m->id);
	free(m);
}

bool monitor_has_id(const struct monitor *m, struct json_object *id)
{
	return json_object_equal(m->id, id);
}

/* --- Changing the conditions --------------------------------------------------------------- */
/* The new conditions of the tables that `requests` names, in the order of m->tables; `given` tells
 * which. */
static int parse_changes(const struct monitor *m, struct json_object *requests,
			 struct monitor_table *next, bool *given, struct error *err)
{
	struct json_object *where;
	const struct json_member members[] = {
		{ "columns", JK_ARRAY | JK_OPTIONAL, NULL },
		{ "where", JK_ARRAY | JK_OPTIONAL, &where },
	};

	json_object_object_foreach(requests, name, list)
	{
		const struct db_table *t = db_table(m->db, name);
		const struct monitor_table *mt = t ? find_table(m, t) : NULL;
		bool all = false;
		size_t at;

		if (!mt)
			return error_set(err, DBE_SYNTAX, NULL,
					 "the table \"%.64s\" is not monitored", name);
		at = (size_t)(mt - m->tables);
		next[at].table = mt->table;
		given[at] = true;
		for (size_t i = 0; i < request_count(list); i++) {
			int rc = json_members(request_at(list, i), "<monitor-cond-update-request>",
					      members, ARRAY_SIZE(members), err);

			if (!rc)
				rc = add_where(&next[at], where, &all, err);
			if (rc)
				return dberr_at(err, rc, name, NULL);
		}
		if (all)
			db_condition_done(&next[at].where);
	}
	return 0;
}

static void apply_change(struct updates *u, struct monitor_table *mt, struct db_condition *next)
{
	struct db_condition old = mt->where;
	const struct db_row *row;

	mt->where = *next;
	*next = old;
	for (row = db_row_first(mt->table); row; row = db_row_next(row)) {
		bool was = db_condition_any(&old, row->cols);
		bool is = db_condition_any(&mt->where, row->cols);

		if (was != is)
			add_update(u, mt, &row->uuid, is ? SEL_INSERT : SEL_DELETE,
				   is ? NULL : row->cols, is ? row->cols : NULL);
	}
}

int monitor_change(struct monitor *m, struct json_object *new_id, struct json_object *requests,
		   struct error *err)
{
	struct monitor_table *next = xcalloc(m->n_tables + 1, sizeof(*next));
	bool *given = xcalloc(m->n_tables + 1, sizeof(*given));
	struct updates u = { .m = m };
	int rc;

	rc = parse_changes(m, requests, next, given, err);
	if (!rc) {
		json_object_get(new_id);
		json_object_put(m->id);
		m->id = new_id;
		for (size_t i = 0; i < m->n_tables; i++)
			if (given[i])
				apply_change(&u, &m->tables[i], &next[i].where);
		send_updates(&u);
	}
	for (size_t i = 0; i < m->n_tables; i++)
		db_condition_done(&next[i].where);
	free(next);
	free(given);
	return rc;
}
