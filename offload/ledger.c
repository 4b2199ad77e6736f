/* SPDX-License-Identifier: Apache-2.0 */
#include "offload/ledger.h"

#include <string.h>

const char *const ledger_tier_name[LEDGER_N_TIERS] = {
	[LEDGER_HARDWARE] = "hardware",
	[LEDGER_TC] = "tc",
	[LEDGER_KERNEL] = "kernel",
	[LEDGER_USER] = "user",
};

void ledger_init(struct ledger *l)
{
	memset(l, 0, sizeof(*l));
}

void ledger_open(struct ledger *l, enum ledger_tier t)
{
	struct ledger_entry *e = &l->tier[t];

	e->last_packets = 0;
	e->last_bytes = 0;
	e->generation++;
}

void ledger_read(struct ledger *l, enum ledger_tier t, const struct flow_stats *reading,
		 struct flow_stats *delta)
{
	struct ledger_entry *e = &l->tier[t];
	struct flow_stats d = { .used_ns = reading->used_ns, .tcp_flags = reading->tcp_flags };

	if (reading->packets < e->last_packets || reading->bytes < e->last_bytes) {
		e->went_back++;
	} else {
		d.packets = reading->packets - e->last_packets;
		d.bytes = reading->bytes - e->last_bytes;
	}
	e->last_packets = reading->packets;
	e->last_bytes = reading->bytes;
	e->total.packets += d.packets;
	e->total.bytes += d.bytes;
	e->total.used_ns = MAX(e->total.used_ns, d.used_ns);
	e->total.tcp_flags |= d.tcp_flags;
	if (delta)
		*delta = d;
}

void ledger_total(const struct ledger *l, struct flow_stats *total)
{
	memset(total, 0, sizeof(*total));
	for (unsigned t = 0; t < LEDGER_N_TIERS; t++) {
		const struct flow_stats *s = &l->tier[t].total;

		total->packets += s->packets;
		total->bytes += s->bytes;
		total->used_ns = MAX(total->used_ns, s->used_ns);
		total->tcp_flags |= s->tcp_flags;
	}
}
