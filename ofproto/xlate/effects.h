/* SPDX-License-Identifier: Apache-2.0 */
/* What counting and learning a packet of a megaflow causes: the other half of a translation's
 * result.
 *
 * Translation changes nothing; it lists.  The caller applies the list once for the packet that it
 * has in hand, and again for every batch of packets that statistics bring in, so that OpenFlow
 * counters, MAC ages and learned rules move as if each packet had been translated. */
#pragma once

#include "core/datapath/dp.h"
#include "ofproto/xlate/snapshot.h"

enum effect_kind {
	EFFECT_RULE,   /* credit a rule */
	EFFECT_TABLE,  /* credit a table's lookups and matches */
	EFFECT_GROUP,  /* credit a group and its bucket */
	EFFECT_MAC,    /* learn or refresh an address */
	EFFECT_LEARN,  /* add or refresh a rule */
	EFFECT_PORTS,  /* credit ports that the datapath does not count */
	EFFECT_FIN,    /* shorten a rule's timeouts when TCP ends */
	EFFECT_RECIRC, /* nothing: keeps a recirculation id that the megaflow names */
};

struct effect_learn {
	struct ofp_flow_mod fm;
	struct buf actions; /* owned: fm.actions points into it */
	uint32_t limit;
};

struct effect {
	enum effect_kind kind;
	union {
		struct rule *rule; /* referenced */
		struct {
			struct ofp_tables *tables;
			uint8_t table;
			bool matched;
		} table;
		struct {
			struct group *group; /* referenced */
			uint32_t bucket;
		} group;
		struct {
			struct mac_table *macs;
			struct eth_addr addr;
			uint16_t vlan;
			bool grat_arp;
			uint32_t bundle;
		} mac;
		struct {
			struct ofp_tables *tables;
			struct effect_learn *l; /* owned */
		} learn;
		struct {
			struct xl_counters *tx, *rx; /* referenced; NULL: none */
		} ports;
		struct {
			struct rule *rule;   /* referenced */
			uint16_t idle, hard; /* seconds; 0: as it is */
		} fin;
		struct recirc_state *recirc; /* referenced */
	};
};

struct effects {
	struct effect *e; /* owned */
	size_t n, cap;
};

void effects_init(struct effects *x);
void effects_done(struct effects *x); /* drops references */
/* Room for one more, zeroed but for its kind. */
struct effect *effects_add(struct effects *x, enum effect_kind kind);
/* Moves src's to *dst, which holds none, in memory of just their size: megaflows live long. */
void effects_take(struct effects *dst, struct effects *src);
/* Does all of it for `delta` packets and bytes.  Learning happens when delta->packets > 0.  Any
 * thread, no engine or provider lock held. */
void effects_apply(const struct effects *x, const struct flow_stats *delta);
/* Does what a packet teaches (addresses, learned rules) and counts nothing: a traced packet. */
void effects_learn(const struct effects *x);
