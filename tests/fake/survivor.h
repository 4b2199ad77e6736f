/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel and a NIC that outlive the switch, for tests of restarts and of software tiers.
 *
 * Everything is in memory that processes share: a datapath of type "survivor" with a flow table,
 * ahead of it the rules of a provider of the same name, some in "hardware" and some in "TC", and
 * the counters of all three.  A process that opens it, is killed and is started again finds what
 * it left; packets go through it meanwhile.  One mutex holds it together, which a killed process
 * may hold: every change is made so that half of it is harmless.
 *
 * Packets are keys: survivor_send() looks one up in rules, then in flows, follows recirculation and
 * counts where it comes out; one that has come to the datapath meets no rule any more.  Fields are
 * matched, nothing is rewritten; of pushes and pops only the length is followed. */
#pragma once

#include <pthread.h>

#include "core/datapath/dp.h"
#include "offload/provider.h"

#define SURVIVOR_PORTS 16
#define SURVIVOR_FLOWS 1024
#define SURVIVOR_ACTIONS 256
#define SURVIVOR_UPCALLS 256
#define SURVIVOR_PACKET_LEN 60 /* of each that is sent; tags and labels come and go */

struct survivor_rule { /* of the datapath or of the NIC */
	bool used, in_hw, shown;
	uint8_t policy;
	uint64_t handle;
	struct ufid ufid;
	struct flow_key key, mask;
	uint32_t acts_len;
	uint64_t acts[SURVIVOR_ACTIONS / 8];
	struct flow_stats st;
};

struct survivor_counts {
	uint64_t packets, bytes;
};

struct survivor {
	pthread_mutex_t m; /* robust, shared */
	char ports[SURVIVOR_PORTS][64];
	/* What came in and went out by each port, and of that what the datapath has seen. */
	struct survivor_counts in[SURVIVOR_PORTS], out[SURVIVOR_PORTS], dp_in[SURVIVOR_PORTS],
		dp_out[SURVIVOR_PORTS];
	_Atomic uint64_t tx[SURVIVOR_PORTS], misses, misses_lost, dropped, sent;
	struct survivor_rule flows[SURVIVOR_FLOWS], rules[SURVIVOR_FLOWS];
	_Atomic uint64_t next_handle, epoch, generation;

	uint32_t up_head, up_tail; /* misses that wait */
	struct flow_key up[SURVIVOR_UPCALLS];

	/* Knobs. */
	_Atomic uint32_t hw_max;          /* rules that hardware takes */
	_Atomic uint32_t no_memory;       /* operations on flows that fail so */
	_Atomic uint32_t dump_omits;      /* flows that dumps leave out, as under churn */
	_Atomic uint32_t dump_interrupts; /* dumps that break off after their first part */
	_Atomic uint32_t dump_naps_ms, dump_works_ms; /* what a dump takes: time, processor */
	_Atomic uint32_t stats_naps_ms; /* how long the NIC's counters take to be read, at least */
	_Atomic uint64_t stats_passes;  /* that have begun */
	_Atomic bool rewords;           /* the datapath tells actions in words of its own */
	_Atomic bool hw_refuses;        /* it takes none, and says so */
	_Atomic bool hw_silent;         /* it takes none, and says nothing */
	_Atomic bool no_software;
	_Atomic bool wants_all; /* the NIC is every port's by nature, as "survivor:auto" */
	_Atomic bool prio_full;
	_Atomic int says_reason, says_code; /* requests for rules end so; 0: as they should */
	_Atomic bool hangs;                 /* apply() does not return while this is set */
	_Atomic bool watch_chains;
	_Atomic uint32_t blind_ports; /* a bit for each that counts what the datapath sees */

	_Atomic uint64_t in_apply;
	_Atomic uint64_t applied[3];   /* by kind, those that went well */
	_Atomic uint64_t chain_faults; /* a rule was there without what it leads to */
};

/* Made, and what the registered operations use from then on.  survivor_free() forgets it. */
struct survivor *survivor_new(void);
void survivor_free(struct survivor *w);
struct survivor *survivor_current(void);
void survivor_register(void); /* both */
void survivor_lock(struct survivor *w);
void survivor_unlock(struct survivor *w);

/* n packets with this key (in_port: the datapath's number); true when they met a rule or flow all
 * the way. */
bool survivor_send(struct survivor *w, const struct flow_key *key, unsigned n);
/* Carries out actions for n packets that somebody has in hand. */
void survivor_execute(struct survivor *w, const struct flow_key *key, struct dp_actions acts,
		      unsigned n);
/* With the lock held, or nobody else there. */
struct survivor_rule *survivor_find(struct survivor_rule *table, struct ufid u);
/* A copy of the NIC's rule; false: it has none. */
bool survivor_rule(struct survivor *w, struct ufid u, struct survivor_rule *copy);
unsigned survivor_count(struct survivor *w, const struct survivor_rule *table);
/* Somebody else's hand: takes the rule out, or makes it drop; and says so when `tell`. */
void survivor_tamper(struct survivor *w, struct ufid u, bool remove, bool tell);
/* The same hand in the datapath: the flow does this now; false: there is none. */
bool survivor_change(struct survivor *w, struct ufid u, struct dp_actions acts);
/* Tells the engine of this process. */
void survivor_tell(const struct offload_event *ev);
extern const struct dp_ops survivor_dp_ops;
extern const struct offload_provider_ops survivor_nic_ops;
