/* SPDX-License-Identifier: Apache-2.0 */
/* The database as the process that holds it sees it: read rows, be told of changes, write back.
 *
 * The switch runs its database in its own process, so its configuration needs no socket, no replica
 * and no JSON: it reads the very rows that clients' transactions have changed.  This header is all
 * that such a reader needs.
 *
 *	struct db *db = dbserver_db(server, "Open_vSwitch");
 *	const struct db_table *t = db_table(db, "Interface");
 *	const struct db_column *name = db_column(t, "name"), *ofport = db_column(t, "ofport");
 *	const struct db_row *row;
 *
 *	DB_FOR_EACH_ROW(row, t)
 *		printf("%s\n", db_get_string(row, name, ""));
 *
 *	struct db_txn *txn = db_txn_new(db, me);
 *	db_txn_set_integer(txn, row, ofport, 3);
 *	db_txn_set_map_item(txn, row, status, "driver_name", "veth");
 *	rc = db_txn_commit(txn, &err);
 *
 * **Guarantees.**  A reader sees committed state only (a transaction that is being built shows its
 * own writes in the rows it has changed; so build and commit it in one go, without returning to the
 * loop).  A watcher is called once for each transaction that changed something, in commit order,
 * after it is whole.  A write that sets the value that is already there is no change: a commit
 * without changes calls nobody and writes nothing to the file, so status may be written without
 * looking first.  Columns that the schema marks ephemeral never go to the file.
 *
 * **Lifetime.**  Tables and columns live as long as the database.  A row pointer is good until a
 * transaction deletes the row: keep its UUID, not the pointer, across turns of the loop.  Strings
 * and datums read from a row are good until that column changes: copy what outlives the turn.
 *
 * **Threads.**  Everything here runs on the loop's thread.  **Cost.**  Column reads are array
 * accesses; db_row_get() and index lookups are one hash; map lookups are a binary search.
 *
 * Handles are NULL when the schema has no such table or column.  Reading through a NULL column
 * gives the default and writing to it does nothing, so that a newer switch runs on an older schema.
 */
#pragma once

#include "dbserver/engine/commit.h"

/* --- Handles: db_table(), db_column() ------------------------------------------------------- */
/* Many handles at once: fills *slot of each row of `wants` (n of them) from table `t`.  Returns the
 * number of columns that the schema lacks (their slots are NULL). */
struct db_column_want {
	const char *name;
	const struct db_column **slot;
};
size_t db_columns_resolve(const struct db_table *t, const struct db_column_want *wants, size_t n);

/* --- Rows ---------------------------------------------------------------------------------- */
/* db_row_count(), DB_FOR_EACH_ROW(), db_row_get(), db_row_uuid(), db_row_table() are table.h's. */
/* The row whose column `c` is the string `value`: one hash when `c` alone is an index (name of
 * Bridge, Port, Interface; target of Manager), else a scan. */
const struct db_row *db_row_find_string(const struct db_table *t, const struct db_column *c,
					const char *value);

/* --- Reading columns ----------------------------------------------------------------------- */
/* The whole value, borrowed; NULL for a NULL column. */
const struct datum *db_get(const struct db_row *row, const struct db_column *c);
/* Number of elements of a set or map. */
size_t db_get_n(const struct db_row *row, const struct db_column *c);
/* The first (of an optional or scalar: the only) element, or `def` when the column is empty or of
 * another type.  The string is borrowed. */
const char *db_get_string(const struct db_row *row, const struct db_column *c, const char *def);
int64_t db_get_integer(const struct db_row *row, const struct db_column *c, int64_t def);
bool db_get_boolean(const struct db_row *row, const struct db_column *c, bool def);
double db_get_real(const struct db_row *row, const struct db_column *c, double def);
/* Element i (of a map: its key), i < db_get_n(). */
const char *db_get_string_at(const struct db_row *row, const struct db_column *c, size_t i);
int64_t db_get_integer_at(const struct db_row *row, const struct db_column *c, size_t i);
/* Value i of a map of strings / integers. */
const char *db_get_value_string_at(const struct db_row *row, const struct db_column *c, size_t i);
int64_t db_get_value_integer_at(const struct db_row *row, const struct db_column *c, size_t i);

/* Value of `key` in a map from strings to strings (other_config, external_ids, options, …).  The
 * _boolean form takes "true" and "false", the _integer form decimal and 0x hexadecimal; any other
 * text gives `def`. */
const char *db_get_map_string(const struct db_row *row, const struct db_column *c, const char *key,
			      const char *def);
bool db_get_map_boolean(const struct db_row *row, const struct db_column *c, const char *key,
			bool def);
int64_t db_get_map_integer(const struct db_row *row, const struct db_column *c, const char *key,
			   int64_t def);

/* References.  The row that element i refers to (in a map, that its value refers to, else its key
 * when only the key is a reference); NULL when i is past the end, the column is no reference, or
 * the row does not exist (a weak one that is being pruned). */
const struct db_row *db_get_ref(const struct db_row *row, const struct db_column *c, size_t i);
/* In a map from integers to references (Bridge.flow_tables, QoS.queues): the row of key `key`. */
const struct db_row *db_get_ref_by_integer(const struct db_row *row, const struct db_column *c,
					   int64_t key);

/* --- Being told: db_watch_add(), db_watch_remove(), db_change_touches() (db.h) --------------- */

/* --- Writing: db_txn_new(), db_txn_insert(), db_txn_delete(), db_txn_comment(), db_txn_abort()
 * (txn.h), db_txn_commit() (commit.h) -------------------------------------------------------- */

/* Takes the datum.  A value that the column's type does not allow makes the commit fail and names
 * the column; the setters themselves return nothing, so that status code reads straight through. */
void db_txn_set(struct db_txn *txn, const struct db_row *row, const struct db_column *c,
		struct datum *take);
void db_txn_set_string(struct db_txn *txn, const struct db_row *row, const struct db_column *c,
		       const char *value); /* NULL clears */
void db_txn_set_integer(struct db_txn *txn, const struct db_row *row, const struct db_column *c,
			int64_t value);
void db_txn_set_boolean(struct db_txn *txn, const struct db_row *row, const struct db_column *c,
			bool value);
void db_txn_set_ref(struct db_txn *txn, const struct db_row *row, const struct db_column *c,
		    const struct db_row *target);
/* Empties an optional, set or map. */
void db_txn_clear(struct db_txn *txn, const struct db_row *row, const struct db_column *c);
/* One key of a map from strings to strings; NULL removes it. */
void db_txn_set_map_item(struct db_txn *txn, const struct db_row *row, const struct db_column *c,
			 const char *key, const char *value);
/* One element of a set of references. */
void db_txn_add_ref(struct db_txn *txn, const struct db_row *row, const struct db_column *c,
		    const struct db_row *target);
void db_txn_remove_ref(struct db_txn *txn, const struct db_row *row, const struct db_column *c,
		       const struct db_row *target);
