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
 *	rc = db_txn_commit(txn, NULL, &err);
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
 *gives the default and writing to it does nothing, so that a newer switch runs on an older schema.
 */
#pragma once

#include "core/base/err.h"
#include "core/base/types.h"
#include "dbserver/data/schema.h"

struct db; /* one database */
struct db_table;
struct db_row;
struct db_txn;

/* --- Handles ------------------------------------------------------------------------------- */
const char *db_name(const struct db *db);
struct db_table *db_table(const struct db *db, const char *name);
const char *db_table_name(const struct db_table *t);
const struct db_column *db_column(const struct db_table *t, const char *name);

/* Many handles at once: fills *slot of each row of `wants` (n of them) from table `t`.  Returns the
 * number of columns that the schema lacks (their slots are NULL). */
struct db_column_want {
	const char *name;
	const struct db_column **slot;
};
size_t db_columns_resolve(const struct db_table *t, const struct db_column_want *wants, size_t n);

/* --- Rows ---------------------------------------------------------------------------------- */
size_t db_row_count(const struct db_table *t);
/* In no special order; NULL at the end.  Taking the next row before deleting one is safe. */
const struct db_row *db_row_first(const struct db_table *t);
const struct db_row *db_row_next(const struct db_row *row);
#define DB_FOR_EACH_ROW(ROW, T) for ((ROW) = db_row_first(T); (ROW); (ROW) = db_row_next(ROW))

const struct db_row *db_row_get(const struct db_table *t, const struct uuid *uuid);
/* The row whose column `c` is the string `value`: one hash when `c` alone is an index (name of
 * Bridge, Port, Interface; target of Manager), else a scan. */
const struct db_row *db_row_find_string(const struct db_table *t, const struct db_column *c,
					const char *value);
const struct uuid *db_row_uuid(const struct db_row *row);
struct db_table *db_row_table(const struct db_row *row);

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

/* --- Being told ---------------------------------------------------------------------------- */
struct db_change {
	struct db_table *table;
	struct uuid uuid;
	const struct db_row *row;          /* as it is now; NULL when it no longer exists */
	const struct datum *const *before; /* by column index; NULL for a new row */
	const struct datum *const *after;  /* by column index; NULL for a deleted row */
};

struct db_changes {
	const void *by; /* as given to db_txn_new(); NULL for clients */
	const struct db_change *change;
	size_t n;
};

/* True when the value of `c` differs between before and after (a row that came or went differs in
 * every column). */
bool db_change_touches(const struct db_change *change, const struct db_column *c);

struct db_watch {
	void (*fn)(void *arg, const struct db_changes *changes);
	void *arg;
	struct db_watch *next; /* the database's */
};

/* Calls w->fn for each later transaction that changed something.  fn may read, write (its own
 * transaction is applied at once; watchers hear of it after the present call has returned to all of
 * them), and remove its own watch.  *w must stay in place until db_watch_remove(). */
void db_watch_add(struct db *db, struct db_watch *w);
void db_watch_remove(struct db *db, struct db_watch *w);

/* --- Writing ------------------------------------------------------------------------------- */
/* Starts a transaction.  `by` (may be NULL) comes back in struct db_changes, so that a watcher
 * knows its own writes.  Only one transaction is open at a time: do not return to the loop with it.
 */
struct db_txn *db_txn_new(struct db *db, const void *by);

/* A new row with default values; the pointer serves for further calls on this transaction and for
 * reading.  NULL when a limit on rows is reached (the commit will then say so). */
const struct db_row *db_txn_insert(struct db_txn *txn, struct db_table *t);
void db_txn_delete(struct db_txn *txn, const struct db_row *row);

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
/* Recorded in the file with the change; for `ovsdb-tool show-log`. */
void db_txn_comment(struct db_txn *txn, const char *text);

/* Ends the transaction (txn is gone in either case).  1 when something changed, 0 when nothing did,
 * or a negative errno with *err (field: the column) and nothing changed: -EPERM a constraint or
 * index, -ENOLINK a reference to no row, -ENOSPC a limit, -EIO the file. */
int db_txn_commit(struct db_txn *txn, struct error *err) MUST_CHECK;
void db_txn_abort(struct db_txn *txn);
