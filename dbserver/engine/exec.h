/* SPDX-License-Identifier: Apache-2.0 */
/* The "transact" method without its connection (RFC 7047 section 4.1.3): operations in, results
 * out, all or nothing. */
#pragma once

#include "dbserver/engine/commit.h"
#include "dbserver/engine/ops.h"

/* Runs the operations that follow the database's name in `params` (a JSON array).  1 and *reply
 * (one result per operation, after an error null, with one more element when the commit itself
 * failed); 0 when a "wait" is not satisfied yet, *wait_ms telling how much longer it may last
 * (UINT64_MAX: for ever), and nothing has changed; or -DBE_SYNTAX / -DBE_RESOURCES and *err for
 * params that are no transaction. */
int db_execute(struct db *db, struct json_object *params, const struct db_exec_env *env,
	       struct json_object **reply, uint64_t *wait_ms, struct error *err) MUST_CHECK;
