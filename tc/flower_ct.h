/* SPDX-License-Identifier: Apache-2.0 */
/* Connection tracking as act_ct's attributes (linux/tc_act/tc_ct.h).
 *
 * Pure; any thread. */
#pragma once

#include "core/packet/action.h"

struct buf;

/* act_ct can do it: no helper, no timeout policy, no way of choosing an address that it lacks. */
bool flower_ct_known(const struct act_ct *c);

/* Appends TCA_CT_ACTION and what belongs to it, without TCA_CT_PARMS. */
void flower_ct_put(const struct act_ct *c, struct buf *b);
