/* SPDX-License-Identifier: Apache-2.0 */
/* The flow tables and groups of one bridge, and everything that a flow-mod or group-mod may do to
 * them.
 *
 * Readers (translation) look up under RCU at a version.  Writers are serialised by a lock inside:
 * the main thread for controllers, handler and revalidator threads for `learn`.  Each change that
 * could alter a translation moves tables_seq() forward, which is what revalidation watches.
 *
 * Sources: OpenFlow 1.0 section 4.6 and 5.3.3, OpenFlow 1.3.5 sections 6.4, 6.5, 6.7, 7.3.4;
 * ovs-ofctl(8) for the extensions. */
#pragma once

#include "ofproto/table/group.h"
#include "ofproto/table/rule.h"

#define TABLES_MAX 255           /* table 255 is "all" */
#define TABLES_RULES_MAX 1000000 /* of one bridge, when the database sets no limit */

struct ofp_tables;

struct tables_ops { /* called by the writer with the lock held: queue, do not call back */
	/* A rule left.  reason: enum ofp_removed_reason. */
	void (*removed)(void *ctx, struct rule *r, enum ofp_removed_reason reason);
	void (*changed)(void *ctx); /* tables_seq() moved */
	/* Idle expiry asks what the megaflows counted last: fold pending statistics of r in (may be
	 * NULL). */
};

struct ofp_tables *tables_new(const struct tables_ops *ops, void *ctx);
void tables_free(struct ofp_tables *t);

/* The version that a new lookup sees.  Any thread. */
uint64_t tables_version(const struct ofp_tables *t);
uint64_t tables_seq(const struct ofp_tables *t);
/* The rule that `key` hits in `table` at `version`, or NULL (a miss), un-wildcarding into mask (may
 * be NULL); counts the table's lookups and matches when count.  RCU section. */
struct rule *tables_lookup(struct ofp_tables *t, uint8_t table, uint64_t version,
			   const struct flow_key *key, struct flow_key *mask, bool count);
/* The group or NULL.  RCU section. */
struct group *tables_group(struct ofp_tables *t, uint32_t id);
/* Lookups and matches of n more packets in a table (statistics of megaflows). */
void tables_credit(struct ofp_tables *t, uint8_t table, bool matched, uint64_t n);

/* All forms of flow-mod.  `n_changed` (may be NULL) gets the rules touched.  0 or the error to
 * send. */
enum ofperr tables_flow_mod(struct ofp_tables *t, const struct ofp_flow_mod *fm, size_t *n_changed);
/* A flow-mod of our own whose rule is hidden (fail mode). */
enum ofperr tables_flow_mod_hidden(struct ofp_tables *t, const struct ofp_flow_mod *fm);
/* What `learn` does for one packet: adds, or refreshes when an equal rule is there (then no change
 * is published). limit: at most so many rules with the cookie in the table; 0 = no limit. */
enum ofperr tables_learn(struct ofp_tables *t, const struct ofp_flow_mod *fm, uint32_t limit);
enum ofperr tables_group_mod(struct ofp_tables *t, const struct ofp_group_mod *gm);

/* Removes rules whose time is up; returns clock_mono_ns() of the next expiry to look at
 * (UINT64_MAX: none). */
uint64_t tables_expire(struct ofp_tables *t, uint64_t now_ns);

/* Visits rules that the request selects (cookie, out_port, out_group, loose match), in no order,
 * hidden ones not. Returns early when fn returns false.  Takes an RCU section of its own. */
typedef bool tables_visit_fn(struct rule *r, void *aux);
void tables_visit(struct ofp_tables *t, const struct ofp_flow_stats_request *req,
		  tables_visit_fn *fn, void *aux);
void tables_rule_stats(const struct rule *r,
		       struct ofp_flow_stats *fs); /* actions borrowed within the RCU section */
void tables_aggregate(struct ofp_tables *t, const struct ofp_flow_stats_request *req,
		      uint64_t *packets, uint64_t *bytes, uint32_t *flows);
void tables_table_stats(struct ofp_tables *t, uint8_t table, struct ofp_table_stats *ts);
void tables_group_stats(const struct group *g, struct ofp_group_stats *gs,
			struct ofp_bucket_stats *buckets);
typedef bool tables_group_visit_fn(struct group *g, void *aux);
void tables_group_visit(struct ofp_tables *t, uint32_t id, tables_group_visit_fn *fn,
			void *aux); /* OFPG_ALL_: all */
size_t tables_n_rules(const struct ofp_tables *t);
/* Removes everything, hidden rules too unless kept. */
void tables_flush(struct ofp_tables *t, bool keep_hidden);
void tables_set_limit(struct ofp_tables *t, uint32_t max_rules);
