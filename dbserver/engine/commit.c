/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/engine/commit.h"

#include <stdlib.h>

#include "core/base/xalloc.h"
#include "dbserver/data/dberr.h"
#include "dbserver/engine/integrity.h"

static bool is_changed(const struct db_txn_row *tr)
{
	if (!tr->before || !tr->row->in_table)
		return tr->before || tr->row->in_table;
	for (uint32_t i = COL_FIRST; i < tr->row->table->schema->n_columns; i++)
		if (!datum_equal(tr->before[i], tr->row->cols[i]))
			return true;
	return false;
}

/* What the transaction comes to, a new version in each row that stays.  The values stay owned by
 * the records and rows until take_changes(). */
static struct db_change *list_changes(struct db_txn *txn, size_t *n)
{
	struct db_change *list;
	struct db_txn_row *tr;
	size_t cap = 0;

	*n = 0;
	cds_list_for_each_entry (tr, &txn->rows, link)
		cap++;
	list = xcalloc(cap + 1, sizeof(*list));
	cds_list_for_each_entry (tr, &txn->rows, link) {
		struct uuid version;

		if (!is_changed(tr))
			continue;
		if (tr->row->in_table) {
			version = uuid_new();
			db_row_set(tr->row, COL_VERSION, datum_uuid(&version));
		}
		list[(*n)++] = (struct db_change){
			.table = tr->row->table,
			.uuid = tr->row->uuid,
			.row = tr->row->in_table ? tr->row : NULL,
			.before = tr->before,
			.after = tr->row->in_table ? tr->row->cols : NULL,
		};
	}
	return list;
}

/* Gives the changes their own references: `before` from the records, `after` from the rows. */
static void take_changes(struct db_txn *txn, struct db_change *list, size_t n)
{
	struct db_txn_row *tr;
	size_t i = 0;

	cds_list_for_each_entry (tr, &txn->rows, link) {
		if (i >= n || list[i].table != tr->row->table ||
		    !uuid_equal(&list[i].uuid, &tr->row->uuid))
			continue;
		tr->before = NULL;
		if (list[i].after)
			list[i].after = db_cols_copy(tr->row);
		i++;
	}
}

static int keep(struct db_txn *txn, const struct db_change *list, size_t n, struct error *err)
{
	const struct db_commit c = {
		.change = list,
		.n = n,
		.comment = str_cstr(&txn->comment),
		.durable = txn->durable,
	};

	return txn->db->persist ? txn->db->persist(txn->db->persist_arg, &c, err) : 0;
}

int db_txn_commit(struct db_txn *txn, struct error *err)
{
	struct db_change *list = NULL;
	const void *by = txn->by;
	struct db *db = txn->db;
	size_t n = 0;
	int rc;

	rc = txn->err.code ? error_set(err, txn->err.code, txn->err.field, "%s", txn->err.cause)
			   : integrity_settle(txn, err);
	if (rc)
		goto abort;
	list = list_changes(txn, &n);
	rc = n || txn->durable ? keep(txn, list, n, err) : 0;
	if (rc)
		goto undo;
	take_changes(txn, list, n);
	db_txn_release(txn);
	if (n)
		db_notify(db, by, list, n);
	else
		free(list);
	return n > 0;

undo:
	integrity_undo(txn);
	free(list);
abort:
	db_txn_abort(txn);
	return rc;
}
