/* SPDX-License-Identifier: Apache-2.0 */
/* What each port is sure of in a table that all of them want.
 *
 * By rate alone a port whose flows are all small gets nothing while it shares a NIC with a busy
 * one. Fairness gives each port a share of the *entries*, and of these only a part of the table
 * (`percent`): the rest goes to whatever carries most, wherever it enters.
 *
 * Why entries, not benefit (the part of a port's traffic that is in hardware)?  A port decides how
 * many flows its traffic is spread over.  Equal benefit would give most of the table to the port
 * that opens most connections, a port scan before all others, so that one guest could take the
 * others' hardware from them.  Entries are what is scarce; nobody gets more of them by making more
 * flows, and a port whose traffic is heavy-tailed, as traffic is, has most of it in its first
 * entries.
 *
 * The shares are max-min: nobody's can be raised without lowering that of one who has no more.  A
 * port that wants less than an equal share gets what it wants, and what it leaves is divided among
 * the others in the same way.
 *
 * Pure. */
#pragma once

#include "core/base/types.h"

/* demand[i]: entries that port i holds or has flows for that are worth one.  share[i] gets at most
 * that; the sum is at most pool. */
void share_fill(uint64_t pool, uint32_t n, const uint32_t demand[], uint32_t share[]);
