/* SPDX-License-Identifier: Apache-2.0 */
/* The sim NIC's inside: what its modules share.
 *
 *   sim.c      ports, capabilities, the vtable
 *   rules.c    requests, readings, dumps
 *   ingress.c  packets
 *   fault.c    commands
 *
 * A rule is two objects.  sim_rule is the match, in the table that workers look packets up in.
 * sim_entry is what a handle names: the actions and the counters.  A replacement exchanges the
 * entry under the rule in one step, so that each packet meets the old one or the new one, and none
 * neither.
 */
#pragma once

#include "core/base/htable.h"
#include "core/base/lock.h"
#include "core/base/rcu.h"
#include "core/classify/megaflow.h"
#include "offload/sim/profile.h"

struct sim_acts { /* immutable; RCU */
	uint32_t len;
	bool outputs_only; /* the packet is sent as it came */
	uint64_t data[];
};

struct sim_rule {
	struct mflow m;
	struct sim_entry *entry; /* RCU */
};

struct sim_entry {
	struct hnode node; /* sim.entries, by handle */
	uint64_t handle;
	struct ufid ufid;
	struct sim_rule *rule;   /* NULL: no packet finds it (forgotten, mute, lost) */
	struct sim_acts *acts;   /* RCU */
	uint64_t digest;         /* of what it holds now */
	bool listed;             /* the device shows it in a dump and counts it as an entry */
	uint64_t dead_epoch;     /* lost in the reset that began this epoch; 0 = alive */
	struct flow_stats shown; /* the counter as it was last collected */
	uint64_t base_packets, base_bytes; /* of a rewound counter */

	/* workers add */
	_Atomic uint64_t packets, bytes, used_ns;
	_Atomic uint32_t tcp_flags;
};

struct sim_port {
	struct port *port;   /* borrowed: from attach to detach */
	_Atomic bool unsent; /* tx_flush is due */
};

struct sim_ports { /* immutable but for the flags; RCU */
	uint32_t n;
	struct sim_port *by_no[];
};

#define SIM_REFUSALS 16
#define SIM_REFUSAL_WORDS 8
struct sim_refusal {
	uint64_t fields[DIV_ROUND_UP(FIELD_N_IDS, 64)];
	uint32_t actions;
	int field, action; /* to blame, or -1 */
	char text[80];
};

enum sim_drop { SIM_DROP_NO_PORT, SIM_DROP_PORT_CONFIG, SIM_DROP_EDIT, SIM_N_DROPS };

struct sim {
	struct offload_device up;
	struct sim_profile profile;
	struct mflow_table *table;
	struct sim_ports *ports; /* RCU; written by the main thread */
	struct port_ingress ingress;
	struct cds_list_head node; /* all of them; main thread */
	_Atomic uint64_t drops[SIM_N_DROPS];
	_Atomic uint32_t slow_ms, read_ms; /* a request, a part of a reading */

	struct lock lock;

	struct htable entries;
	uint64_t n_listed, next_handle, epoch, caps_generation;
	bool full;
	uint64_t full_at;
	unsigned n_refusals;
	struct sim_refusal refusals[SIM_REFUSALS];

	/* the device's thread alone */
	uint64_t collected_ns;     /* when counters were last collected */
	struct offload_stat *snap; /* owned: a stats() pass under way */
	uint64_t final_epoch;      /* rules that this one's reset took are in it; 0: none */
	size_t n_snap, cap_snap;
	struct offload_dump_rec *held; /* owned: a dump() pass under way */
	size_t n_held, cap_held;
};

static inline struct sim *sim_of(struct offload_device *dev)
{
	return container_of(dev, struct sim, up);
}

/* rules.c */
unsigned sim_apply(struct offload_device *dev, struct offload_req *reqs, size_t n);
int sim_stats(struct offload_device *dev, uint64_t *cursor, struct offload_stat *out, size_t max);
int sim_dump(struct offload_device *dev, uint64_t *cursor, struct offload_dump_rec *out,
	     size_t max);
/* Takes every rule out; their counters stay until read.  Blocks for a grace period. */
void sim_reset(struct sim *s);
/* Out of the packets' sight; the entry stays. */
void sim_unhook(struct sim *s, struct sim_entry *e) REQUIRES(&s->lock);
struct sim_acts *sim_acts_new(struct dp_actions a);
void sim_rules_done(struct sim *s);

/* ingress.c */
port_ingress_fn sim_ingress;
void sim_flush(void *ctx);

/* fault.c */
int sim_command(struct offload_device *dev, int argc, const char *const argv[], struct str *out,
		struct error *err);
/* The driver's no to a rule that the capabilities allow; true: refused. */
bool sim_refuses(const struct sim *s, const struct offload_rule *r, struct offload_refusal *why)
	REQUIRES(&s->lock);
