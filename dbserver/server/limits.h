/* SPDX-License-Identifier: Apache-2.0 */
/* What a peer can grow, and how far. */
#pragma once

#include "core/base/types.h"

/* Zero members take the default. */
struct dbserver_limits {
	size_t sessions;      /* clients at a time; default 1,000 */
	size_t monitors;      /* per session; default 128 */
	size_t pending;       /* transactions that wait, per session; default 256 */
	size_t locks;         /* lock names held or waited for, per session; default 64 */
	size_t backlog_bytes; /* unsent bytes, per session, then it is closed; default 64 MiB */
	size_t message_bytes; /* of one message; default 64 MiB */
	size_t rows;          /* in a database; default 1,000,000 */
	size_t db_bytes;      /* values in a database; default 1 GiB */
	size_t operations;    /* in a transaction; default 100,000 */
};

/* `limits` (may be NULL) with the defaults in the place of zeros. */
struct dbserver_limits dbserver_limits_fill(const struct dbserver_limits *limits);
