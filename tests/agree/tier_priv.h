/* SPDX-License-Identifier: Apache-2.0 */
/* A tier's insides, shared by tier.c, load.c and translation.c. */
#pragma once

#include "ofproto/flows/flows.h"
#include "tests/agree/tier.h"

struct tier {
	const struct agree_tier *row;
	struct wires wires;
	struct ofp_tables *tables;
	struct mac_table *macs;
	struct recirc_table *recirc; /* of translation alone; else the datapath's owner has one */
	struct xl_snapshot *snap;    /* likewise: the one that was loaded */
	struct dp *dp;               /* NULL: translation alone */
	struct flows *flows;
	struct port *port[AGREE_PORTS];
	struct dp_port no[AGREE_PORTS];
	uint64_t sent;      /* into it */
	uint64_t looked_up; /* before the case */
	struct str megaflows;
	struct str odd;                    /* those that a device should have taken, or kept */
	uint64_t states[OFFLOAD_N_STATES]; /* flows that ended in each */
	uint64_t reasons[OFFLOAD_N_REASONS];
};

#define TIER_SYNC_MS 30000

/* load.c */
struct xl_snapshot *tier_snapshot(struct tier *t, const struct agree_case *c);
void tier_add_meter(struct tier *t);
void tier_del_meter(struct tier *t); /* not of translation alone */
/* Takes the counters of each line's rule or group. */
void tier_count(struct tier *t, const struct agree_case *c, struct outcome *o);

/* tracking.c */
void tier_forget_connections(struct tier *t);

/* translation.c: one packet, all of its passes; the first time, and again. */
void translation_send(struct tier *t, const struct agree_packet *p, struct outcome *o, unsigned i);
void translation_again(struct tier *t, const struct agree_packet *p, struct frames *got);

void frames_add(struct frames *f, unsigned port, const void *data, size_t len);
