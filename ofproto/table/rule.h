/* SPDX-License-Identifier: Apache-2.0 */
/* A flow-table entry ("rule").
 *
 * Counters live in an object of their own (struct rule_stats) that an entry hands on to the one
 * that replaces it without OFPFF_RESET_COUNTS, so that packets that statistics bring in late are
 * never lost.  Actions are immutable and exchanged under RCU by a modify.  Rules and stats are
 * reference counted: megaflows hold them through their effects.
 *
 * Threads: any reads; the tables' writer (tables.h) changes. */
#pragma once

#include "core/classify/classifier.h"
#include "ofproto/wire/msgs.h"

struct rule_stats {
	_Atomic uint32_t refs;
	_Atomic uint64_t packets, bytes;
	_Atomic uint64_t used_ns; /* clock_mono_ns() of the last packet */
};

struct rule_actions { /* immutable, RCU */
	uint32_t len;
	uint32_t pad;
	uint64_t data[]; /* struct ofpact records */
};

struct rule {
	struct cls_rule cr; /* match and priority */
	_Atomic uint32_t refs;
	uint8_t table;
	bool hidden; /* ours (fail mode, in-band), not a controller's: never dumped, never counted
			as one */
	_Atomic bool removed;
	uint16_t flags; /* OFPFF_*_ that stick: SEND_FLOW_REM, NO_*_COUNTS */
	_Atomic uint16_t idle_timeout, hard_timeout;
	_Atomic be64 cookie;
	uint64_t created_ns;
	_Atomic uint64_t modified_ns;
	struct rule_stats *stats;       /* referenced */
	struct rule_actions *actions;   /* RCU */
	struct cds_list_head expirable; /* the tables' */
	struct ofp_tables *tables;      /* borrowed: outlives its rules' use in translation */
};

struct rule *rule_ref(struct rule *r);
void rule_unref(struct rule *r); /* frees after a grace period at zero */
/* Counts traffic.  Any thread. */
void rule_credit(struct rule *r, uint64_t packets, uint64_t bytes, uint64_t used_ns);
/* Actions as of now; valid within the RCU section. */
static inline struct ofpacts rule_actions_get(const struct rule *r)
{
	const struct rule_actions *a = rcu_dereference(r->actions);

	return a ? (struct ofpacts){ a->data, a->len } : (struct ofpacts){ NULL, 0 };
}
