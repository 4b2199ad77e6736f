/* SPDX-License-Identifier: Apache-2.0 */
/* MAC learning: (VLAN, address) -> bundle, with ageing and a limit, least recently used first out;
 * fair between ports.
 *
 * A port here is an opaque number that the bridge gives its bundles and keeps over reconfiguration.
 * Lookups take the table's reader lock briefly; learning the same thing again costs no exclusive
 * lock.  mac_seq() moves when an answer may have changed.
 *
 * When the table is full, the bundle with the most entries gives up the one it has not seen for
 * the longest time, so that a flood of addresses on one port leaves the other ports' entries alone.
 *
 * Threads: any, for every call.  Cost: lookups and refreshes O(1); a new entry O(log n), and one
 * pass over the bundles when the table is full. */
#pragma once

#include "core/base/lock.h"
#include "core/packet/flow_key.h"

struct mac_table;
#define MAC_NONE UINT32_MAX
#define MAC_MAX_ENTRIES 8192 /* until mac_configure() says otherwise */
#define MAC_IDLE_S 300
#define MAC_GARP_LOCK_S 5

/* How a packet announces its source.  A gratuitous ARP through a port that is not a bond locks the
 * entry for MAC_GARP_LOCK_S; meanwhile a gratuitous ARP through a bond, which may be the same one
 * reflected by the far switch, does not move it. */
enum mac_garp {
	MAC_GARP_NO,   /* not a gratuitous ARP */
	MAC_GARP_PORT, /* through a port that is not a bond */
	MAC_GARP_BOND, /* through a bond */
};

struct mac_table *mac_table_new(void);
void mac_table_free(struct mac_table *m);
/* max_entries (at least 1) evicts at once when fewer than now; idle_s counts from the next
 * mac_expire() on. */
void mac_configure(struct mac_table *m, uint32_t max_entries, uint32_t idle_s);
uint64_t mac_seq(const struct mac_table *m);
/* The bundle behind an address or MAC_NONE. */
uint32_t mac_lookup(struct mac_table *m, uint16_t vlan, struct eth_addr mac);
/* True when mac_learn() would change something (new, moved). */
bool mac_would_learn(struct mac_table *m, uint16_t vlan, struct eth_addr mac, uint32_t bundle,
		     enum mac_garp garp);
/* Learns or refreshes; a multicast source is never learned.  now_ns: clock_mono_ns() of the packet.
 * True when the table changed. */
bool mac_learn(struct mac_table *m, uint16_t vlan, struct eth_addr mac, uint32_t bundle,
	       enum mac_garp garp, uint64_t now_ns);
void mac_forget_bundle(struct mac_table *m, uint32_t bundle);
void mac_flush(struct mac_table *m);
/* Drops entries that were idle for idle_s; returns clock_mono_ns() of when to call again
 * (UINT64_MAX: the table is empty). */
uint64_t mac_expire(struct mac_table *m, uint64_t now_ns);
struct mac_entry {
	uint16_t vlan;
	struct eth_addr mac;
	uint32_t bundle;
	uint64_t age_s; /* since the last packet */
};
/* A copy of all entries, in no order (free()); returns their number. */
size_t mac_dump(struct mac_table *m, uint64_t now_ns, struct mac_entry **entries);
struct mac_stats {
	uint64_t learned, expired, evicted, moved; /* since the table was made */
	uint64_t count, max;
};
void mac_table_stats(struct mac_table *m, struct mac_stats *s);
