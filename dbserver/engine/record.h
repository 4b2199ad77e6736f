/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions as records of the log, and back (ovsdb(5), "Standalone Format"). */
#pragma once

#include "dbserver/engine/db.h"

/* A record of what the commit changed in persistent columns, as differences; NULL when nothing. */
struct json_object *record_from_commit(const struct db_commit *c);
/* One record that makes an empty database into this one; NULL when it has no rows. */
struct json_object *record_from_rows(const struct db *db);
/* Does what the record says.  0 or 1 as db_txn_commit(), or a negative errno and *err, and nothing
 * changed. */
int record_apply(struct db *db, struct json_object *record, struct error *err) MUST_CHECK;
