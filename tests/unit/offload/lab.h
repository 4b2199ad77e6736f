/* SPDX-License-Identifier: Apache-2.0 */
/* A switch for tests: a user datapath with fake ports, an engine over it, and sim NICs at the
 * ports' ingress. */
#pragma once

#include "core/packet/match.h"
#include "offload/engine.h"
#include "tests/unit/seed.h"

#define LAB_PORTS 4

struct lab {
	struct dp *dp;
	struct engine *e;
	struct port *port[LAB_PORTS];
	struct dp_port no[LAB_PORTS];
	uint64_t ufids; /* given out */
	_Atomic uint64_t gone_flows, gone_packets, gone_bytes;
	_Atomic uint64_t last_gone_packets;
};

/* Where the tests find profiles: `text` becomes NAME.conf in a directory of this process, which
 * $SHUNT_PROFILE_DIR names until lab_close(); text NULL: the shipped profile of that name is
 * copied. */
void lab_profile(const char *name, const char *text);
/* A profile that can do everything, with a table of `size`, latency and lag. */
void lab_profile_generic(const char *name, unsigned size, unsigned latency_us, unsigned lag_ms);

/* Opens the datapath and LAB_PORTS ports called PREFIX0…; the first n_sim of them belong to
 * `device`
 * ("sim:NAME"; NULL: none).  discard: sent frames are not kept.  tune (may be NULL) changes the
 * engine's configuration. */
struct lab *lab_open(const char *prefix, const char *device, unsigned n_sim, bool discard,
		     void (*tune)(struct engine_config *cfg));
void lab_close(struct lab *l);

/* A UDP flow from port `in`: exact on addresses and ports, told apart by `id`. */
void lab_udp(struct lab *l, unsigned in, uint32_t id, struct match *m);
struct ufid lab_ufid(struct lab *l);
/* One flow with actions in dp_actions_parse()'s text, `%0`…`%3` standing for the ports' numbers. */
struct engine_flow *lab_put(struct lab *l, const struct match *m, const char *actions, bool hw_ok,
			    struct ufid *ufid);
struct engine_flow *lab_put_actions(struct lab *l, const struct match *m, struct dp_actions acts,
				    bool hw_ok, struct ufid *ufid);
void lab_modify(struct lab *l, struct engine_flow *f, const char *actions, bool hw_ok);
void lab_del(struct lab *l, struct engine_flow *f); /* and drops the caller's reference */
void lab_actions(const struct lab *l, const char *text, struct buf *out);

/* n packets of the key into port `in`; waits while its queue is full. */
void lab_send(struct lab *l, unsigned in, const struct flow_key *key, size_t payload, unsigned n);
/* The flow as the engine sees it now; fails the test when it is gone. */
void lab_info(struct lab *l, struct ufid u, struct engine_flow_info *i);
/* Waits (5 s) until the flow is in this state for this reason (-1: any); fails the test when not.
 */
void lab_wait_state(struct lab *l, struct ufid u, enum offload_state st, int reason);
/* Waits (5 s) until the flow's total is `packets`, reading counters meanwhile. */
void lab_wait_packets(struct lab *l, struct engine_flow *f, uint64_t packets);
uint64_t lab_tier(struct lab *l, struct ufid u, enum ledger_tier t);
/* A command of the first device; fails the test unless it returns rc. */
void lab_fault(struct lab *l, int rc, const char *words);
void lab_device(struct lab *l, struct engine_device_info *d);
void lab_sleep_ms(unsigned ms);
