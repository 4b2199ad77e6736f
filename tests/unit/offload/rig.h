/* SPDX-License-Identifier: Apache-2.0 */
/* An engine over tests/fake/survivor.h, which may be ended and begun again while the rest stays. */
#pragma once

#include "offload/engine.h"
#include "tests/fake/survivor.h"
#include "tests/unit/seed.h"

#define RIG_PORTS 4

struct rig {
	struct survivor *w;
	struct dp *dp;
	struct engine *e;
	struct dp_port no[RIG_PORTS];
	struct engine_config cfg;
	uint32_t ids;
	_Atomic uint64_t gone_flows, gone_packets;
	struct engine_adoption adopted;
	struct engine_flow *flows[SURVIVOR_FLOWS]; /* adopted; referenced */
	unsigned n_flows;
};

/* A switch on the machine that there is, or on a new one.  Ports 0 to RIG_PORTS - 1 belong to the
 * NIC "survivor:a".  adopt: takes over what is there. */
void rig_open(struct rig *r, bool adopt);
/* As it is before it takes over. */
void rig_open_held(struct rig *r);
/* leave: as a restart does. */
void rig_close(struct rig *r, bool leave);
/* The machine too; all must have been closed. */
void rig_end(struct rig *r);
/* Both: nothing is left. */
void rig_finish(struct rig *r);

/* UDP entering by port `in`, told apart by id, with recirc_id. */
void rig_match(const struct rig *r, unsigned in, uint32_t id, uint32_t recirc, struct match *m);
struct engine_flow *rig_put(struct rig *r, const struct match *m, const char *actions,
			    struct ufid *u);
void rig_del(struct rig *r, struct engine_flow *f); /* and drops the reference */
void rig_actions(const struct rig *r, const char *text, struct buf *out); /* %0: number of port 0 */
void rig_modify(struct rig *r, struct engine_flow *f, const char *actions);
void rig_configure(struct rig *r); /* with r->cfg */
/* Waits (10 s) for the state and reason (-1: any). */
void rig_wait(struct rig *r, struct ufid u, enum offload_state st, int reason);
void rig_wait_packets(struct rig *r, struct engine_flow *f, uint64_t packets);
/* Packets, with the counters read now. */
uint64_t rig_total(struct rig *r, struct engine_flow *f);
void rig_wait_gone(struct rig *r, uint64_t flows);
uint64_t rig_tier(struct rig *r, struct ufid u, enum ledger_tier t);
void rig_device(struct rig *r, struct engine_device_info *d);
void rig_info(struct rig *r, struct ufid u, struct engine_flow_info *i); /* actions are freed */
