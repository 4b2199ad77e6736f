/* SPDX-License-Identifier: Apache-2.0 */
/* A random switch for tests of translation: two bridges joined by patch ports, random rules and
 * groups in both, and random packets that hit them often. */
#pragma once

#include "core/packet/packet.h"
#include "ofproto/xlate/xlate.h"
#include "tests/unit/seed.h"

#define WORLD_BRIDGES 2
#define WORLD_PORTS 6 /* OpenFlow ports 1..6 of each bridge; 7 is the patch port */
#define WORLD_PATCH 7
#define WORLD_TUNNELS 2 /* with world_add_tunnels(): 8 and 9 of each bridge */
#define WORLD_TUNNEL_DP (WORLD_BRIDGES * WORLD_PORTS + 1) /* the datapath port they all share */
#define WORLD_TABLES 4
#define WORLD_GROUPS 6
#define WORLD_METERS 3 /* 1..3 of each bridge; of the datapath, 1..6 */

struct world {
	struct rng r;
	struct ofp_tables *tables[WORLD_BRIDGES];
	struct mac_table *macs[WORLD_BRIDGES];
	struct recirc_table *recirc;
	struct xl_snapshot *snap; /* owned until somebody takes it and sets this to NULL */
	bool plain;               /* no learning or choice among buckets: what the model speaks */
	bool one_pass;            /* nothing that needs recirculation */
	bool tunnels;             /* world_add_tunnels() has been called */
	bool open_keys;           /* no tunnel has a key of its own */
	uint8_t base;             /* rules are in tables base .. base + WORLD_TABLES - 1 */
};

/* A connection tracker of the tests' own: what it says depends on the packet's addresses and on
 * `ct` alone.  Writes the key's ct_* fields; with a NAT also nw_src, in *p, too (may be NULL). */
void world_track(struct flow_key *key, const struct act_ct *ct, struct packet *p);

/* Whether a meter of the datapath lets packets through: all or none, in tests that have no time. */
bool world_meter_passes(uint32_t dp_id);

void world_init(struct world *w, struct rng seed);
void world_done(struct world *w);
/* Before anything is made of the snapshot. */
void world_add_tunnels(struct world *w);
/* A random flow-mod or group-mod; most succeed. */
void world_change(struct world *w);
/* A key as packet_parse() would make it, from a real frame; *p (may be NULL) gets the frame.
 * in_port is a datapath port. */
void world_packet(struct world *w, struct flow_key *key, struct packet **p);
/* Flips bits of the key that mask leaves out, in a way that a parser could still have made. */
void world_mutate(struct world *w, struct flow_key *key, const struct flow_key *mask);
