/* SPDX-License-Identifier: Apache-2.0 */
/* Ending a transaction: check it, keep it, tell of it; or take it back whole. */
#pragma once

#include "dbserver/engine/txn.h"

/* Ends the transaction (txn is gone in either case).  1 when something changed, 0 when nothing did,
 * or a negative errno with *err (field: "table.column") and nothing changed: -DBE_CONSTRAINT a
 * type, index or number of rows, -DBE_REFERENCE a reference to no row, -DBE_RESOURCES a limit,
 * others from the file. */
int db_txn_commit(struct db_txn *txn, struct error *err) MUST_CHECK;
