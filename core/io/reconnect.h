/* SPDX-License-Identifier: Apache-2.0 */
/* When to connect, probe and give up: the state machine behind every active connection (OpenFlow
 * controllers, database servers), without any I/O of its own, so that tests drive it by hand.
 *
 *	VOID -> BACKOFF -> CONNECTING -> ACTIVE <-> IDLE
 *	          ^------------------------'
 *
 * The owner reports what happened with the time; reconnect_run() says what to do now, and
 * reconnect_deadline() when to ask again.  A connection that fails, or that ends before it has been
 * up as long as the backoff that led to it, doubles the backoff (min to max); one that lasted sets
 * it back.  In ACTIVE, silence of the probe interval asks for a probe (IDLE); silence for another
 * such interval asks for a disconnect.  Times are clock_mono_ns().  Not thread-safe. */
#pragma once

#include "core/base/types.h"

enum reconnect_state { RC_VOID, RC_BACKOFF, RC_CONNECTING, RC_ACTIVE, RC_IDLE };
enum reconnect_action { RC_NOTHING, RC_CONNECT, RC_PROBE, RC_DISCONNECT };

struct reconnect {
	enum reconnect_state state;
	uint64_t since_ns;              /* when the state was entered */
	uint64_t heard_ns;              /* last sign of life */
	uint64_t min_backoff_ns;        /* default 1 s */
	uint64_t max_backoff_ns;        /* default 8 s */
	uint64_t probe_ns;              /* 0: never probe; default 5 s */
	uint64_t connect_ns;            /* how long CONNECTING may last; default 10 s */
	uint64_t backoff_ns;            /* the current one; 0: connect at once */
	uint32_t max_tries;             /* 0: no end */
	uint32_t tries;                 /* since the last success */
	uint64_t connections, attempts; /* since the start */
	uint64_t last_connected_ns, last_disconnected_ns; /* 0: never */
};

void reconnect_init(struct reconnect *r);
/* Backoff limits (min raised to 1 ms, max raised to min) and probe interval (0: none). */
void reconnect_set_backoff(struct reconnect *r, uint64_t min_ns, uint64_t max_ns);
void reconnect_set_probe(struct reconnect *r, uint64_t probe_ns);
void reconnect_enable(struct reconnect *r, uint64_t now);  /* VOID -> connect at once */
void reconnect_disable(struct reconnect *r, uint64_t now); /* -> VOID */
/* "Connect anew now": drops a connection and its backoff. */
void reconnect_force(struct reconnect *r, uint64_t now);

/* What the owner has to do now; it then calls the function that says it has.  RC_PROBE moves to
 * IDLE by itself and comes once for each silence. */
enum reconnect_action reconnect_run(struct reconnect *r, uint64_t now);
uint64_t reconnect_deadline(const struct reconnect *r); /* UINT64_MAX: only events matter */

void reconnect_connecting(struct reconnect *r, uint64_t now);
void reconnect_connected(struct reconnect *r, uint64_t now);
void reconnect_failed(struct reconnect *r, uint64_t now); /* could not connect, or was closed */
void reconnect_heard(struct reconnect *r, uint64_t now);  /* any byte from the peer */
bool reconnect_is_connected(const struct reconnect *r);
const char *reconnect_state_name(enum reconnect_state s); /* "VOID", "BACKOFF", … as clients show */
