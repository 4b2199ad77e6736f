/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions: changes that are made in place and can be taken back.
 *
 * An operation changes the tables at once, so that later operations of the same transaction see it;
 * the first change of a row keeps references to its old values.  Aborting puts those back.  Nobody
 * else looks in between: a transaction is built and ended within one turn of the loop, and only one
 * is open at a time.  Committing is commit.h.
 *
 * A setter that fails leaves its error in the transaction, which then can only fail: code that
 * writes status reads straight through and looks at the commit alone. */
#pragma once

#include "core/base/str.h"
#include "dbserver/engine/db.h"

struct db_txn_row {
	struct cds_list_head link; /* struct db_txn.rows, in order of first touch */
	struct db_row *row;
	const struct datum **before; /* owned; NULL: the row is new */
	bool counted;                /* its references are counted as they are now (integrity.c) */
};

struct db_txn {
	struct db *db;
	const void *by;
	struct cds_list_head rows;
	struct htable gone; /* struct db_row.node of deleted rows, by UUID */
	struct str comment;
	bool durable;
	bool replay;        /* read from a file: also columns that are not mutable may change */
	size_t start_bytes; /* the database's, for its limit */
	struct error err;   /* the first failure; code 0: none */
};

/* Starts a transaction.  `by` (may be NULL) comes back in struct db_changes, so that a watcher
 * knows its own writes. */
struct db_txn *db_txn_new(struct db *db, const void *by);
/* Takes every change back and frees txn. */
void db_txn_abort(struct db_txn *txn);
/* Added to what the file says about this transaction, on a line of its own. */
void db_txn_comment(struct db_txn *txn, const char *text);
/* The commit returns after the change is on the disk. */
void db_txn_durable(struct db_txn *txn);

/* A new row with default values; the pointer serves for further calls on this transaction and for
 * reading.  NULL when a limit on rows is reached. */
const struct db_row *db_txn_insert(struct db_txn *txn, struct db_table *t);
/* The same with a UUID of the caller's; NULL and txn->err when a row has or had it. */
const struct db_row *db_txn_insert_as(struct db_txn *txn, struct db_table *t,
				      const struct uuid *uuid);
void db_txn_delete(struct db_txn *txn, const struct db_row *row);
/* Gives column `c` the value, which is taken.  A value equal to the present one is no change.  0,
 * or -DBE_CONSTRAINT for a value that the type does not allow or a column that is not mutable
 * (unless the row is new); also left in txn->err. */
int db_txn_put(struct db_txn *txn, const struct db_row *row, const struct db_column *c,
	       struct datum *take);

/* For commits: the record of a row, made at its first touch. */
struct db_txn_row *db_txn_touch(struct db_txn *txn, struct db_row *row);
/* A row that this transaction deleted, or NULL. */
struct db_row *db_txn_gone(const struct db_txn *txn, const struct db_table *t,
			   const struct uuid *uuid);
/* Forgets the records, keeping the changes: the last step of a commit.  Frees txn. */
void db_txn_release(struct db_txn *txn);
