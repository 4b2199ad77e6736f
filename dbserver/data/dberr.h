/* SPDX-License-Identifier: Apache-2.0 */
/* The database's errors: struct error inside, RFC 7047 section 3.1's <error> objects outside.
 *
 * Each error string of the RFC (and of ovsdb-server(7), section 3.1) has one errno here, so that
 * inner functions return plain -errno and the edge turns it into the string that clients compare.
 */
#pragma once

#include <errno.h>
#include <json-c/json.h>

#include "core/base/err.h"

#define DBE_SYNTAX EINVAL
#define DBE_UNKNOWN_COLUMN ENOENT
#define DBE_UNKNOWN_TABLE ENODEV
#define DBE_UNKNOWN_DATABASE ENXIO
#define DBE_CONSTRAINT EPERM
#define DBE_RANGE ERANGE
#define DBE_DOMAIN EDOM
#define DBE_REFERENCE ENOLINK
#define DBE_DUPLICATE_NAME EEXIST
#define DBE_TIMED_OUT ETIMEDOUT
#define DBE_ABORTED ECANCELED
#define DBE_NOT_OWNER EACCES
#define DBE_NOT_SUPPORTED EOPNOTSUPP
#define DBE_RESOURCES ENOSPC
#define DBE_IO EIO

/* "constraint violation" for DBE_CONSTRAINT, …; "I/O error" for an errno that has no row. */
const char *dberr_tag(int code);
/* {"error": tag, "details": "field: cause"}; a new reference. */
struct json_object *dberr_to_json(const struct error *err);
/* Says where, when the error does not say so yet: field becomes "table.column" (either may be
 * NULL). Returns -err->code, or `rc` when err is NULL. */
int dberr_at(struct error *err, int rc, const char *table, const char *column);
