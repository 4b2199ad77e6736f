/* SPDX-License-Identifier: Apache-2.0 */
/* A deliberately dumb reading of OpenFlow: one packet's key walks the tables by linear search, each
 * action changes the key at once, each output copies it.  No masks, no commits, no megaflows. */
#pragma once

#include "tests/unit/ofproto/xlate/world.h"

#define MODEL_OUTPUTS 256

struct model_output {
	uint32_t dp_port;
	struct flow_key key;   /* L2-L4 words count */
	struct flow_tnl outer; /* zero where it goes into no tunnel */
	uint32_t len;
	bool cut; /* only the addresses and the length count */
};

struct model {
	const struct xl_bridge *br;
	struct flow_key key;
	struct flow_tnl outer; /* that it came with */
	struct buf set;        /* action set: concatenated records */
	uint32_t len;          /* bytes without tags and labels */
	struct buf stack;      /* of union field_value, aligned right */
	/* After a NAT the packet's address is not the flow's until somebody looks again. */
	bool natted;
	be32 nat_src;
	/* What the key does not show of a packet with labels: all of them, top first, and what they
	 * stand before. */
	be32 labels[8];
	unsigned n_labels;
	struct flow_key inner;
	struct model_output *out; /* borrowed until the next run */
	unsigned n_out, depth, lookups;
	bool stop, exit, failed;
	bool metered, dropped; /* a meter has swallowed this copy; some copy */
	unsigned n_passes;     /* that the datapath needs, at least */
	bool unknown;          /* a label was popped before something that it did not say */
};

/* The packet of `key` (in_port: a datapath port) through the world's tables. */
void model_run(struct model *m, const struct xl_snapshot *snap, const struct flow_key *key,
	       const struct packet *p);

/* model_mpls.c */
void model_read_labels(struct model *m, const struct packet *frame);
void model_push_mpls(struct model *m, be16 type);
void model_pop_mpls(struct model *m, be16 type);
