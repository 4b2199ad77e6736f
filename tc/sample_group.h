/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of what TC samples (samples.h): the hash of a port and of what becomes of its packets, so
 * that equal rules have one number and the next process gives the same.
 *
 * What is asked for stays known while fewer than `most` others are asked for; of all that was ever
 * asked for, twice as many at most are held.  So ports and rules may come and go.
 *
 * Threads: one's at a time; constant time, but for the moment at which half of it is forgotten. */
#pragma once

#include "core/base/htable.h"
#include "core/packet/flow_key.h"
#include "core/packet/sflow_cookie.h"

struct sample_source {
	bool kernel; /* a port of the kernel's datapath; else of the user's */
	struct dp_port in;
	struct sflow_cookie what;
};

struct sample_groups {
	struct htable young, old;
	size_t most;
};

void sample_groups_init(struct sample_groups *g, size_t most);
void sample_groups_done(struct sample_groups *g);
/* Its number, from now on known; 0: the number is another's. */
uint32_t sample_group_of(struct sample_groups *g, const struct sample_source *s);
/* False: not known, or not any more. */
bool sample_group_find(struct sample_groups *g, uint32_t number, struct sample_source *ret);
