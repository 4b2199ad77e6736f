/* SPDX-License-Identifier: Apache-2.0 */
/* MAC learning: (VLAN, address) -> bundle, with ageing and a limit, least recently used first out;
 * fair between ports.
 *
 * A port here is an opaque number that the bridge gives its bundles and keeps over reconfiguration.
 * Lookups take the table's reader lock briefly; learning the same thing again costs no exclusive
 * lock.  mac_seq() moves when an answer may have changed. */
#pragma once

#include "core/base/lock.h"
#include "core/packet/flow_key.h"

struct mac_table;
#define MAC_NONE UINT32_MAX

struct mac_table *mac_table_new(void);
void mac_table_free(struct mac_table *m);
void mac_configure(struct mac_table *m, uint32_t max_entries, uint32_t idle_s);
uint64_t mac_seq(const struct mac_table *m);
/* The bundle behind an address or MAC_NONE. */
uint32_t mac_lookup(struct mac_table *m, uint16_t vlan, struct eth_addr mac);
/* True when mac_learn() would change something (new, moved); a gratuitous ARP lock of 5 s after a
 * move by gratuitous ARP keeps bonds from flapping (is_grat_arp). */
bool mac_would_learn(struct mac_table *m, uint16_t vlan, struct eth_addr mac, uint32_t bundle,
		     bool is_grat_arp);
/* Learns or refreshes.  now_ns: clock_mono_ns() of the packet.  True when the table changed. */
bool mac_learn(struct mac_table *m, uint16_t vlan, struct eth_addr mac, uint32_t bundle,
	       bool is_grat_arp, uint64_t now_ns);
void mac_forget_bundle(struct mac_table *m, uint32_t bundle);
void mac_flush(struct mac_table *m);
/* Drops aged entries; when to call again. */
uint64_t mac_expire(struct mac_table *m, uint64_t now_ns);
struct mac_entry {
	uint16_t vlan;
	struct eth_addr mac;
	uint32_t bundle;
	uint64_t age_s;
};
/* A copy of all entries (free()); returns their number. */
size_t mac_dump(struct mac_table *m, uint64_t now_ns, struct mac_entry **entries);
struct mac_stats {
	uint64_t learned, expired, evicted, moved, count, max;
};
void mac_table_stats(struct mac_table *m, struct mac_stats *s);
