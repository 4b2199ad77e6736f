/* SPDX-License-Identifier: Apache-2.0 */
/* A deliberately dumb reading of OpenFlow: one packet's key walks the tables by linear search, each
 * action changes the key at once, each output copies it.  No masks, no commits, no megaflows. */
#pragma once

#include "tests/unit/ofproto/xlate/world.h"

#define MODEL_OUTPUTS 256

struct model_output {
	uint32_t dp_port;
	struct flow_key key; /* L2-L4 words count */
};

struct model {
	const struct xl_bridge *br;
	struct flow_key key;
	struct buf set; /* action set: concatenated records */
	struct model_output out[MODEL_OUTPUTS];
	unsigned n_out, depth, lookups;
	bool exit, failed;
};

/* The packet of `key` (in_port: a datapath port) through the world's tables. */
void model_run(struct model *m, const struct xl_snapshot *snap, const struct flow_key *key);
