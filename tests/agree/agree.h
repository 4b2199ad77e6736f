/* SPDX-License-Identifier: Apache-2.0 */
/* The same answer on every tier: the examples of tests/agree/cases, then random tables and packets,
 * are given to each tier of a driver's table.  Frames out of every port, byte for byte and in
 * order, and the packets and bytes that every rule and group counted must be those of translation
 * alone.
 *
 * Where a table has connections tracked, translation alone cannot say what comes out: the first
 * datapath of the driver that tracks them, without anything ahead of it, says so to the others.
 * Bytes are not compared then.
 *
 * SHUNT_SEED makes one run again, AGREE_SECONDS lets it run for longer, AGREE_CASE=FILE asks about
 * one case alone.  What differs is made small and printed, as text that is a case again. */
#pragma once

#include "tests/agree/tier.h"

struct agree_driver {
	const char *name;
	const struct agree_tier *tiers;
	unsigned n_tiers;
	unsigned seconds;
};

/* The exit status. */
int agree_main(const struct agree_driver *d);
