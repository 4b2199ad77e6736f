/* SPDX-License-Identifier: Apache-2.0 */
/* A flow-table entry ("rule").
 *
 * Once it is visible, what a rule matches and does never changes: a flow-mod that modifies a rule
 * puts a new one in its place, so that a lookup sees all of a flow-mod or nothing.  Counters live
 * in an object of their own (struct rule_stats) that an entry hands on to the one that replaces it
 * without OFPFF_RESET_COUNTS, so that packets that statistics bring in late are never lost.  Rules
 * and stats are reference counted: megaflows hold them through their effects.
 *
 * Threads: any reads; the tables' writer (tables.h) changes. */
#pragma once

#include "core/classify/classifier.h"
#include "ofproto/table/wheel.h"
#include "ofproto/wire/msgs.h"

struct cookie_set;

struct rule_stats {
	_Atomic uint32_t refs;
	_Atomic uint64_t packets, bytes;
	_Atomic uint64_t used_ns; /* clock_mono_ns() of the last packet; 0: none yet */
};

struct rule_actions { /* immutable */
	uint32_t len;
	uint32_t pad;
	uint64_t data[]; /* struct ofpact records */
};

/* Hidden rules are above every controller's, so that neither can be the other's duplicate. */
#define RULE_HIDDEN_PRIORITY 0x10000

struct rule {
	struct cls_rule cr; /* match and priority; hidden: priority + RULE_HIDDEN_PRIORITY */
	_Atomic uint32_t refs;
	uint8_t table;
	bool hidden; /* ours (fail mode, in-band), not a controller's: never dumped, never counted
			as one */
	_Atomic bool removed; /* left the tables, or was replaced */
	uint16_t flags;       /* OFPFF_*_ that it was added with; statistics tell them */
	_Atomic uint16_t idle_timeout, hard_timeout;
	_Atomic be64 cookie;
	uint64_t created_ns;          /* of the first one in a row of modifications */
	_Atomic uint64_t modified_ns; /* what hard_timeout counts from */
	struct rule_stats *stats;     /* referenced */
	struct rule_actions *actions; /* owned */
	struct ofp_tables *tables;    /* borrowed: outlives its rules' use in translation */

	/* the tables' writer's */
	bool uses_groups;              /* then group_link is in a list */
	bool uses_meter;               /* then meter_link is */
	bool deletes_learned;          /* has a learn action with OFPACT_LEARN_DELETE */
	struct wheel_entry expirable;  /* in the wheel when the rule has a timeout */
	struct cookie_set *cookie_set; /* borrowed: lives while it has rules */
	struct cds_list_head cookie_link, group_link, meter_link;
};

struct rule *rule_ref(struct rule *r);
void rule_unref(struct rule *r); /* frees after a grace period at zero; NULL is safe */
/* Counts traffic.  Any thread. */
void rule_credit(struct rule *r, uint64_t packets, uint64_t bytes, uint64_t used_ns);
/* Actions; valid as long as the rule. */
static inline struct ofpacts rule_actions_get(const struct rule *r)
{
	const struct rule_actions *a = r->actions;

	return a ? (struct ofpacts){ a->data, a->len } : (struct ofpacts){ NULL, 0 };
}

/* Priority as its owner gave it. */
static inline uint16_t rule_priority(const struct rule *r)
{
	return (uint16_t)r->cr.priority; /* without RULE_HIDDEN_PRIORITY */
}
/* clock_mono_ns() of when the rule's time is up by what is known now; UINT64_MAX: never. */
uint64_t rule_hard_due_ns(const struct rule *r);
uint64_t rule_idle_due_ns(const struct rule *r);

/* --- for the tables --- */

/* A rule as `fm` says for an add; one reference, the caller's. */
struct rule *rule_new(struct ofp_tables *t, uint8_t table, const struct ofp_flow_mod *fm,
		      bool hidden, uint64_t now_ns);
/* The rule that `old` becomes by a modify: match, priority, timeouts, flags, age and counters are
 * old's. */
struct rule *rule_modified(const struct rule *old, const struct ofp_flow_mod *fm, uint64_t now_ns);
/* r counts on where old is. */
void rule_share_stats(struct rule *r, const struct rule *old);
/* Calls fn for each group that the list forwards to, until fn returns false; false then. */
typedef bool ofpacts_group_fn(uint32_t group, void *aux);
bool ofpacts_each_group(struct ofpacts l, ofpacts_group_fn *fn, void *aux);
/* The list says which clauses of conjunctions its rule is. */
bool ofpacts_conjoin(struct ofpacts l);
/* The meter that the list's meter instruction names, or 0. */
uint32_t ofpacts_meter(struct ofpacts l);
/* The next learn action of the list that deletes what it learned, after `a` (NULL: from the
 * start). */
const struct ofpact_learn *ofpacts_next_learn_delete(struct ofpacts l, const struct ofpact **a);
