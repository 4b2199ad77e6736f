/* SPDX-License-Identifier: Apache-2.0 */
/* Who leaves a table that holds more than it may: after a limit was lowered, or because another
 * device needs its part of what the whole switch may hold.
 *
 * Ports above their own limit come first: of each the least valuable, until it is within.  Then, as
 * far as the device is still above its limit, the least valuable of all, from ports that hold more
 * than their share (share.h) while there are any.  What is pinned leaves when nothing else is left.
 *
 * Never more than the evictions allowed; what stays over leaves at a later tick.  Nobody leaves who
 * need not: without the last victim of a port or of the device there would be too many entries.
 * O(n log n).
 *
 * Pure. */
#pragma once

#include "offload/policy/rank.h"

struct shrink_in {
	struct rank_flow *have;  /* that may leave, pinned or not; sorted by shrink_decide() */
	struct rank_port *ports; /* `used` follows the decisions */
	uint32_t n_have, n_ports;
	uint64_t over;      /* entries of the device beyond its limit; falls with the decisions */
	uint32_t evictions; /* that may be made now */
};

/* Returns how many leave: indices into in->have as it then stands, in victims[n_have]. */
uint32_t shrink_decide(struct shrink_in *in, uint32_t victims[]);
