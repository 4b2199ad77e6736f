/* SPDX-License-Identifier: Apache-2.0 */
/* Which megaflows are pinned to hardware by OpenFlow cookie or by bridge: configuration that a
 * snapshot carries, so that a change of it reaches every megaflow by its next round.
 *
 * A megaflow is pinned when one of the rules that it counts for is: a rule whose cookie agrees with
 * a pin of its bridge under the pin's mask, or any rule of a bridge that is pinned whole. */
#pragma once

#include "ofproto/xlate/effects.h"

/* Any thread, in an RCU section. */
bool xl_is_pinned(const struct xl_snapshot *s, const struct effects *x);
