/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/engine/txn.h"

#include <assert.h>
#include <stdlib.h>

#include "core/base/xalloc.h"
#include "dbserver/data/dberr.h"

struct db_txn *db_txn_new(struct db *db, const void *by)
{
	struct db_txn *txn = xzalloc(sizeof(*txn));

	assert(!db->txn);
	db->txn = txn;
	txn->db = db;
	txn->by = by;
	CDS_INIT_LIST_HEAD(&txn->rows);
	htable_init(&txn->gone);
	str_init(&txn->comment);
	txn->start_bytes = db->usage.bytes;
	return txn;
}

void db_txn_comment(struct db_txn *txn, const char *text)
{
	if (txn->comment.len)
		str_putc(&txn->comment, '\n');
	str_puts(&txn->comment, text);
}

void db_txn_durable(struct db_txn *txn)
{
	txn->durable = true;
}

struct db_txn_row *db_txn_touch(struct db_txn *txn, struct db_row *row)
{
	struct db_txn_row *tr = row->txn;

	if (tr)
		return tr;
	tr = xzalloc(sizeof(*tr));
	tr->row = row;
	tr->before = row->in_table ? db_cols_copy(row) : NULL;
	cds_list_add_tail(&tr->link, &txn->rows);
	row->txn = tr;
	return tr;
}

struct db_row *db_txn_gone(const struct db_txn *txn, const struct db_table *t,
			   const struct uuid *uuid)
{
	struct db_row *row;

	HTABLE_FOR_EACH_WITH (row, struct db_row, node, uuid_hash(uuid), &txn->gone)
		if (row->table == t && uuid_equal(&row->uuid, uuid))
			return row;
	return NULL;
}

const struct db_row *db_txn_insert_as(struct db_txn *txn, struct db_table *t,
				      const struct uuid *uuid)
{
	struct db_row *row;

	if (txn->db->usage.rows >= txn->db->limits.rows) {
		error_set(&txn->err, DBE_RESOURCES, t->schema->name,
			  "the database has %zu rows, which is the limit", txn->db->usage.rows);
		return NULL;
	}
	if (db_row_get(t, uuid) || db_txn_gone(txn, t, uuid)) {
		error_set(&txn->err, DBE_CONSTRAINT, t->schema->name,
			  "a row of this UUID exists already");
		return NULL;
	}
	row = db_row_make(t, uuid);
	db_txn_touch(txn, row);
	db_row_enter(row);
	return row;
}

const struct db_row *db_txn_insert(struct db_txn *txn, struct db_table *t)
{
	struct uuid uuid = uuid_new();

	return db_txn_insert_as(txn, t, &uuid);
}

/* The pointers that readers get are const so that only a transaction can write. */
static struct db_row *writable(const struct db_row *row)
{
	return (struct db_row *)(uintptr_t)row;
}

void db_txn_delete(struct db_txn *txn, const struct db_row *row_)
{
	struct db_row *row = writable(row_);

	if (!row->in_table)
		return;
	db_txn_touch(txn, row);
	db_row_leave(row);
	htable_insert(&txn->gone, &row->node, uuid_hash(&row->uuid));
}

/* Columns that are not mutable are set while the row is new. */
static bool may_write(const struct db_txn *txn, const struct db_row *row, const struct db_column *c)
{
	return c->is_mutable || txn->replay || (row->txn && !row->txn->before);
}

int db_txn_put(struct db_txn *txn, const struct db_row *row_, const struct db_column *c,
	       struct datum *take)
{
	struct db_row *row = writable(row_);
	int rc;

	if (!row->in_table || datum_equal(row->cols[c->index], take)) {
		datum_unref(take);
		return 0;
	}
	rc = datum_check(take, &c->type, &txn->err);
	if (!rc && (c->index < COL_FIRST || !may_write(txn, row, c)))
		rc = error_set(&txn->err, DBE_CONSTRAINT, NULL, "the column cannot be changed");
	if (rc) {
		datum_unref(take);
		return dberr_at(&txn->err, rc, row->table->schema->name, c->name);
	}
	db_txn_touch(txn, row);
	db_row_set(row, c->index, take);
	return 0;
}

static void restore(struct db_txn *txn, struct db_txn_row *tr)
{
	struct db_row *row = tr->row;

	if (!tr->before) {
		if (row->in_table)
			db_row_leave(row);
		else
			htable_remove(&txn->gone, &row->node);
		db_row_free(row);
		return;
	}
	if (!row->in_table)
		htable_remove(&txn->gone, &row->node);
	for (uint32_t i = 0; i < row->table->schema->n_columns; i++)
		if (row->cols[i] != tr->before[i])
			db_row_set(row, i, datum_ref(tr->before[i]));
	if (!row->in_table)
		db_row_enter(row);
	row->txn = NULL;
}

static void free_txn(struct db_txn *txn)
{
	txn->db->txn = NULL;
	htable_done(&txn->gone);
	str_done(&txn->comment);
	free(txn);
}

void db_txn_abort(struct db_txn *txn)
{
	struct db_txn_row *tr, *next;

	cds_list_for_each_entry_safe (tr, next, &txn->rows, link) {
		uint32_t n = tr->row->table->schema->n_columns;

		restore(txn, tr);
		db_cols_free(tr->before, n);
		free(tr);
	}
	free_txn(txn);
}

void db_txn_release(struct db_txn *txn)
{
	struct db_txn_row *tr, *next;

	cds_list_for_each_entry_safe (tr, next, &txn->rows, link) {
		db_cols_free(tr->before, tr->row->table->schema->n_columns);
		tr->row->txn = NULL;
		if (!tr->row->in_table)
			db_row_free(tr->row);
		free(tr);
	}
	free_txn(txn);
}
