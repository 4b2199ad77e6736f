/* SPDX-License-Identifier: Apache-2.0 */
#include "core/io/reconnect.h"

#include "core/base/clock.h"

static void enter(struct reconnect *r, enum reconnect_state state, uint64_t now)
{
	r->state = state;
	r->since_ns = now;
}

static bool is_up(const struct reconnect *r)
{
	return r->state == RC_ACTIVE || r->state == RC_IDLE;
}

void reconnect_init(struct reconnect *r)
{
	*r = (struct reconnect){
		.state = RC_VOID,
		.min_backoff_ns = NSEC_PER_SEC,
		.max_backoff_ns = 8 * NSEC_PER_SEC,
		.probe_ns = 5 * NSEC_PER_SEC,
		.connect_ns = 10 * NSEC_PER_SEC,
	};
}

void reconnect_set_backoff(struct reconnect *r, uint64_t min_ns, uint64_t max_ns)
{
	r->min_backoff_ns = MAX(min_ns, NSEC_PER_MSEC);
	r->max_backoff_ns = MAX(max_ns, r->min_backoff_ns);
	r->backoff_ns = MIN(r->backoff_ns, r->max_backoff_ns);
}

void reconnect_set_probe(struct reconnect *r, uint64_t probe_ns)
{
	r->probe_ns = probe_ns;
}

void reconnect_enable(struct reconnect *r, uint64_t now)
{
	if (r->state != RC_VOID)
		return;
	r->backoff_ns = 0;
	r->tries = 0;
	enter(r, RC_BACKOFF, now);
}

void reconnect_disable(struct reconnect *r, uint64_t now)
{
	if (is_up(r))
		r->last_disconnected_ns = now;
	enter(r, RC_VOID, now);
}

void reconnect_force(struct reconnect *r, uint64_t now)
{
	if (r->state == RC_VOID)
		return;
	reconnect_disable(r, now);
	reconnect_enable(r, now);
}

uint64_t reconnect_deadline(const struct reconnect *r)
{
	switch (r->state) {
	case RC_VOID: return UINT64_MAX;
	case RC_BACKOFF: return r->since_ns + r->backoff_ns;
	case RC_CONNECTING: return r->since_ns + r->connect_ns;
	case RC_ACTIVE:
		return r->probe_ns ? MAX(r->heard_ns, r->since_ns) + r->probe_ns : UINT64_MAX;
	case RC_IDLE: return r->probe_ns ? r->since_ns + r->probe_ns : UINT64_MAX;
	}
	return UINT64_MAX;
}

enum reconnect_action reconnect_run(struct reconnect *r, uint64_t now)
{
	if (now < reconnect_deadline(r))
		return RC_NOTHING;
	switch (r->state) {
	case RC_VOID: break;
	case RC_BACKOFF: return RC_CONNECT;
	case RC_CONNECTING:
	case RC_IDLE: return RC_DISCONNECT;
	case RC_ACTIVE: enter(r, RC_IDLE, now); return RC_PROBE;
	}
	return RC_NOTHING;
}

void reconnect_connecting(struct reconnect *r, uint64_t now)
{
	r->attempts++;
	enter(r, RC_CONNECTING, now);
}

void reconnect_connected(struct reconnect *r, uint64_t now)
{
	r->connections++;
	r->tries = 0;
	r->heard_ns = now;
	r->last_connected_ns = now;
	enter(r, RC_ACTIVE, now);
}

void reconnect_failed(struct reconnect *r, uint64_t now)
{
	bool lasted = is_up(r) && now - r->last_connected_ns >= r->backoff_ns;

	if (r->state == RC_VOID)
		return;
	if (is_up(r))
		r->last_disconnected_ns = now;
	r->tries++;
	if (r->max_tries && r->tries >= r->max_tries) {
		enter(r, RC_VOID, now);
		return;
	}
	if (lasted || !r->backoff_ns)
		r->backoff_ns = r->min_backoff_ns;
	else
		r->backoff_ns = MIN(r->backoff_ns * 2, r->max_backoff_ns);
	enter(r, RC_BACKOFF, now);
}

void reconnect_heard(struct reconnect *r, uint64_t now)
{
	r->heard_ns = now;
	if (r->state == RC_IDLE)
		enter(r, RC_ACTIVE, now);
}

bool reconnect_is_connected(const struct reconnect *r)
{
	return is_up(r);
}

const char *reconnect_state_name(enum reconnect_state s)
{
	static const char *const names[] = {
		[RC_VOID] = "VOID",     [RC_BACKOFF] = "BACKOFF", [RC_CONNECTING] = "CONNECTING",
		[RC_ACTIVE] = "ACTIVE", [RC_IDLE] = "IDLE",
	};

	return names[s];
}
