/* SPDX-License-Identifier: Apache-2.0 */
/* A client's connection: the methods of RFC 7047 section 4.1 and of ovsdb-server(7).
 *
 * A session owns its monitors, waiting transactions and locks; all go with it.  It ends when the
 * client closes, breaks the protocol, does not read what it asked for (backlog limit), or does not
 * answer a probe; nothing that a client does ends more than its own session. */
#pragma once

#include "dbserver/server/host.h"

struct session;
struct stream;

/* Takes the stream.  `origin` (borrowed, only compared) is where it came in; a client that is
 * silent for `probe_ns` is asked whether it lives (0: never). */
struct session *session_new(struct db_host *host, struct stream *take, const void *origin,
			    uint64_t probe_ns);
void session_free(struct session *s);
/* Frees the sessions that came in at `origin` (NULL: all). */
void sessions_free(struct db_host *host, const void *origin);
