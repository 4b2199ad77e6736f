/* SPDX-License-Identifier: Apache-2.0 */
/* What every datapath must do, as one Check suite.
 *
 * A datapath brings an environment: how to make it a port and how the other end of that port's wire
 * sends and receives.  Ports are named by small indices. */
#pragma once

#include <check.h>

#include "core/datapath/dp.h"

#define DP_ENV_PORTS 4u

struct dp_env {
	const char *type;
	/* Adds port i to the datapath, ready. */
	struct dp_port (*port_add)(struct dp *dp, unsigned i);
	/* The other end of port i sends a frame / gives the next frame that came within the time
	 * (NULL: none); the caller frees it. */
	void (*send)(unsigned i, const struct packet *p);
	struct packet *(*recv)(unsigned i, unsigned ms);
	/* Actions that the datapath does not have. */
	uint32_t lacks; /* bit per enum dp_action_kind */
	/* What only some can promise. */
	bool drops_by_reason;  /* dp_stats.drops says why, and frames cut short are dropped */
	bool fair_queues;      /* a port's flood of misses leaves room for the others' */
	bool takes_turns;      /* upcalls that wait come up by port, in turns */
	bool steady_dumps;     /* also while flows come and go */
	bool spreads_misses;   /* one port's flows go to all handlers */
	uint64_t used_tick_ns; /* how coarse flow_stats.used_ns is */
};

Suite *dp_conform_suite(const struct dp_env *env);

/* For the tests' own files. */
extern const struct dp_env *conform_env;
extern struct dp *conform_dp;
extern struct dp_port conform_port[DP_ENV_PORTS];

/* A UDP or TCP packet of flow `n` (addresses and ports differ), in_port set. */
struct flow_key conform_key(unsigned port, unsigned n, uint8_t proto);
void conform_send(unsigned port, const struct flow_key *key, size_t payload);
/* Receives on port i what key composes; fails the test when something else or nothing comes. */
void conform_expect(unsigned port, const struct flow_key *key, size_t payload);
void conform_expect_nothing(unsigned port);
struct ufid conform_ufid(unsigned n);
/* Puts a flow: key under mask (NULL: exact but for metadata), actions by builder. */
int conform_put(unsigned n, const struct flow_key *key, const struct flow_key *mask,
		const struct buf *acts);
void conform_exact_mask(struct flow_key *mask);
struct flow_stats conform_del(unsigned n);
struct flow_stats conform_get(unsigned n);
/* The next upcall of handler 0 within a second; false = none. */
bool conform_upcall(struct dp_upcall *up);

void dp_conform_flows(TCase *t);
void dp_conform_actions(TCase *t);
void dp_conform_upcalls(TCase *t);
