/* SPDX-License-Identifier: Apache-2.0 */
/* The database `_Server`, by which a server tells its clients about the databases that it serves
 * (ovsdb-server(5)).  In memory; read-only for clients. */
#pragma once

#include "dbserver/engine/db.h"

struct db *server_db_new(void);
/* Adds the row of a standalone database. */
void server_db_add(struct db *server_db, const struct db *db);
