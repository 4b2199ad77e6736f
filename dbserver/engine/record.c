/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/engine/record.h"

#include <errno.h>
#include <string.h>

#include "core/base/clock.h"
#include "dbserver/data/dberr.h"
#include "dbserver/data/jsonx.h"
#include "dbserver/engine/commit.h"

/* --- To JSON ------------------------------------------------------------------------------- */
/* Values that a new row has and the default does not. */
static struct json_object *whole_row(const struct db_table_schema *t,
				     const struct datum *const *cols)
{
	struct json_object *json = json_object_new_object();

	for (uint32_t i = COL_FIRST; i < t->n_columns; i++) {
		const struct db_column *c = &t->columns[i];

		if (!c->is_ephemeral && !datum_equal(cols[i], c->initial))
			json_object_object_add(json, c->name, datum_to_json(cols[i]));
	}
	return json;
}

/* NULL when no persistent column changed. */
static struct json_object *row_difference(const struct db_change *change)
{
	const struct db_table_schema *t = change->table->schema;
	struct json_object *json = json_object_new_object();

	for (uint32_t i = COL_FIRST; i < t->n_columns; i++) {
		const struct db_column *c = &t->columns[i];
		struct datum *d;

		if (c->is_ephemeral || change->before[i] == change->after[i])
			continue;
		d = datum_diff(change->before[i], change->after[i], &c->type);
		if (d)
			json_object_object_add(json, c->name, datum_to_json(d));
		datum_unref(d);
	}
	if (json_object_object_length(json))
		return json;
	json_object_put(json);
	return NULL;
}

static void add_row(struct json_object *record, const struct db_table *t, const struct uuid *uuid,
		    struct json_object *row)
{
	struct json_object *table;
	char text[UUID_TEXT_LEN + 1];

	if (!json_object_object_get_ex(record, db_table_name(t), &table)) {
		table = json_object_new_object();
		json_object_object_add(record, db_table_name(t), table);
	}
	json_object_object_add_ex(table, uuid_print(uuid, text), row, JSON_C_OBJECT_ADD_KEY_IS_NEW);
}

static void add_change(struct json_object *record, const struct db_change *change)
{
	struct json_object *row;

	if (!change->after) {
		add_row(record, change->table, &change->uuid, NULL);
	} else if (!change->before) {
		row = whole_row(change->table->schema, change->after);
		add_row(record, change->table, &change->uuid, row);
	} else {
		row = row_difference(change);
		if (row)
			add_row(record, change->table, &change->uuid, row);
	}
}

static void add_date(struct json_object *record)
{
	int64_t ms = (int64_t)(clock_wall_ns() / NSEC_PER_MSEC);

	json_put_const(record, "_date", json_object_new_int64(ms));
}

struct json_object *record_from_commit(const struct db_commit *c)
{
	struct json_object *record = json_object_new_object();

	for (size_t i = 0; i < c->n; i++)
		add_change(record, &c->change[i]);
	if (!json_object_object_length(record)) {
		json_object_put(record);
		return NULL;
	}
	if (c->comment[0])
		json_put_const(record, "_comment", json_object_new_string(c->comment));
	json_put_const(record, "_is_diff", json_object_new_boolean(true));
	add_date(record);
	return record;
}

struct json_object *record_from_rows(const struct db *db)
{
	struct json_object *record = json_object_new_object();
	const struct db_row *row;

	for (uint32_t i = 0; i < db->schema->n_tables; i++)
		for (row = db_row_first(&db->tables[i]); row; row = db_row_next(row))
			add_row(record, &db->tables[i], &row->uuid,
				whole_row(db->tables[i].schema, row->cols));
	if (!json_object_object_length(record)) {
		json_object_put(record);
		return NULL;
	}
	add_date(record);
	return record;
}

/* --- From JSON ----------------------------------------------------------------------------- */
static int apply_column(struct db_txn *txn, const struct db_row *row, const char *name,
			struct json_object *json, bool is_diff)
{
	const struct db_table_schema *t = row->table->schema;
	const struct db_column *c = db_schema_column(t, name);
	struct datum *d, *whole;
	int rc;

	if (!c)
		return error_set(&txn->err, DBE_UNKNOWN_COLUMN, NULL,
				 "no column \"%.64s\" in table %s", name, t->name);
	rc = datum_from_json_any(&c->type, json, NULL, &d, &txn->err);
	if (rc)
		return dberr_at(&txn->err, rc, t->name, name);
	if (is_diff) {
		whole = datum_apply_diff(row->cols[c->index], d, &c->type);
		datum_unref(d);
		d = whole;
	}
	return db_txn_put(txn, row, c, d);
}

static int apply_row(struct db_txn *txn, struct db_table *t, const char *uuid_text,
		     struct json_object *json, bool is_diff)
{
	const struct db_row *row;
	struct uuid uuid;
	bool is_new;
	int rc = 0;

	if (!uuid_parse(uuid_text, &uuid) || !(json_kind_of(json) & (JK_NULL | JK_OBJECT)))
		return error_set(&txn->err, DBE_SYNTAX, db_table_name(t),
				 "\"%.64s\" is not a row in a record", uuid_text);
	row = db_row_get(t, &uuid);
	if (!json) {
		if (!row)
			return error_set(&txn->err, DBE_CONSTRAINT, db_table_name(t),
					 "the row %s to be deleted is not there", uuid_text);
		db_txn_delete(txn, row);
		return 0;
	}
	is_new = !row;
	if (is_new)
		row = db_txn_insert_as(txn, t, &uuid);
	if (!row)
		return -txn->err.code;
	json_object_object_foreach(json, name, value)
	{
		rc = apply_column(txn, row, name, value, is_diff && !is_new);
		if (rc)
			break;
	}
	return rc;
}

static int apply_table(struct db_txn *txn, const char *name, struct json_object *json, bool is_diff)
{
	struct db_table *t = db_table(txn->db, name);
	int rc = 0;

	if (!t)
		return error_set(&txn->err, DBE_UNKNOWN_TABLE, NULL, "no table \"%.64s\"", name);
	if (json_kind_of(json) != JK_OBJECT)
		return error_set(&txn->err, DBE_SYNTAX, name,
				 "a table of a record must be a JSON object");
	json_object_object_foreach(json, uuid, row)
	{
		rc = apply_row(txn, t, uuid, row, is_diff);
		if (rc)
			break;
	}
	return rc;
}

int record_apply(struct db *db, struct json_object *record, struct error *err)
{
	struct json_object *flag = NULL;
	struct db_txn *txn;
	bool is_diff;

	json_object_object_get_ex(record, "_is_diff", &flag);
	is_diff = json_object_get_boolean(flag);
	txn = db_txn_new(db, NULL);
	txn->replay = true;
	json_object_object_foreach(record, name, table)
	{
		/* Members that begin with an underscore are remarks: _date, _comment, …. */
		if (name[0] != '_' && apply_table(txn, name, table, is_diff))
			break;
	}
	return db_txn_commit(txn, err);
}
