/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger: what one flow counted, on every tier it has lived on.
 *
 * For each tier: last reading and generation.  total += reading - last within a generation; a new
 * handle starts a new generation at zero; the last reading is taken with the removal itself.  A
 * reading that runs back within a generation is a fault of the tier: it adds nothing, is counted,
 * and becomes the new base.  Not thread-safe: the holder of the flow's lock writes. */
#pragma once

#include "core/datapath/dp.h"

enum ledger_tier {
	LEDGER_HARDWARE, /* the driver said in hardware */
	LEDGER_TC,       /* TC rules that the kernel runs in software */
	LEDGER_KERNEL,   /* kernel datapath */
	LEDGER_USER,     /* user datapath */
	LEDGER_N_TIERS
};
extern const char *const ledger_tier_name[LEDGER_N_TIERS];

struct ledger_entry {
	struct flow_stats total; /* of all generations */
	uint64_t last_packets, last_bytes;
	uint32_t generation;
	uint32_t went_back; /* readings that ran backwards */
};

struct ledger {
	struct ledger_entry tier[LEDGER_N_TIERS];
};

void ledger_init(struct ledger *l);
/* A new handle on this tier: the next reading counts from zero. */
void ledger_open(struct ledger *l, enum ledger_tier t);
/* An absolute reading within the current generation; *delta (may be NULL) gets what it added. */
void ledger_read(struct ledger *l, enum ledger_tier t, const struct flow_stats *reading,
		 struct flow_stats *delta);
void ledger_total(const struct ledger *l, struct flow_stats *total);
