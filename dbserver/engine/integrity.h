/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold when a transaction ends (RFC 7047 sections 3.2 and 4.1.3): strong references lead
 * to rows, rows that need a strong reference have one, weak references lead to rows, indexes are
 * unique, tables hold no more rows than they may.
 *
 * Each row counts the strong references to it, and each weak reference is kept in a hash of its
 * target's table; both follow the difference that a transaction makes, so the cost is in what
 * changed and not in what there is. */
#pragma once

#include "dbserver/engine/txn.h"

/* Drops weak references to no row, deletes rows that nothing refers to any more, and checks the
 * rest.  On an error (in *err with the column) the counts are as before the transaction, which the
 * caller then aborts. */
int integrity_settle(struct db_txn *txn, struct error *err) MUST_CHECK;
/* Takes the counts back of a transaction that settled but cannot be kept. */
void integrity_undo(struct db_txn *txn);
