/* SPDX-License-Identifier: Apache-2.0 */
/* The flow tables and groups of one bridge, and everything that a flow-mod or group-mod may do to
 * them.
 *
 * Readers (translation) look up under RCU at a version.  Writers are serialised by a lock inside:
 * the main thread for controllers, handler and revalidator threads for `learn`.  Each change that
 * could alter a translation moves tables_seq() forward, which is what revalidation watches.
 *
 * Guarantees: a flow-mod is seen whole or not at all by a lookup, however many rules it touches; a
 * refused one has changed nothing.  A version stays good for lookups until the RCU section ends in
 * which tables_version() gave it.
 *
 * Cost: adding, replacing, strict commands and expiry of a rule O(1) beside the classifier's own;
 * choosing by a whole cookie (mask all ones) costs the rules with that cookie, else those that
 * classifier_visit() looks at.
 *
 * Sources: OpenFlow 1.0 section 4.6 and 5.3.3, OpenFlow 1.3.5 sections 6.4, 6.5, 6.7, 7.3.4;
 * ovs-ofctl(8) for the extensions. */
#pragma once

#include "ofproto/table/group.h"
#include "ofproto/table/meter.h"
#include "ofproto/table/rule.h"

#define TABLES_MAX 255           /* table 255 is "all" */
#define TABLES_RULES_MAX 1000000 /* of one bridge, when the database sets no limit */

struct ofp_tables;

struct tables_ops { /* called by the writer with the lock held: queue, do not call back */
	/* A rule left, that is not hidden: by delete, time-out or with its group; not when another
	 * took its place, nor by tables_flush() or tables_free(). */
	void (*removed)(void *ctx, struct rule *r, enum ofp_removed_reason reason);
	void (*changed)(void *ctx); /* tables_seq() moved */
};

/* ops: borrowed, as long as the tables; NULL, or NULL members: nobody wants to know. */
struct ofp_tables *tables_new(const struct tables_ops *ops, void *ctx);
/* Removes everything; what RCU readers and purges still need lives for some grace periods.  The
 * caller has seen to it that no new reader comes.  Does not block. */
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
/* OFPERR_BAD_OUT_GROUP when the actions name a group that is not there. */
enum ofperr tables_check_groups(struct ofp_tables *t, struct ofpacts l);
/* Lookups and matches of n more packets in a table (statistics of megaflows). */
void tables_credit(struct ofp_tables *t, uint8_t table, bool matched, uint64_t n);

/* All forms of flow-mod.  `n_changed` (may be NULL) gets the rules touched.  0 or the error to
 * send: OFPERR_FM_TABLE_FULL (limit reached, or the emergency table of 1.0), OFPERR_FM_OVERLAP (not
 * where an identical rule is replaced), OFPERR_BAD_OUT_GROUP (an action names a group that is not
 * there), OFPERR_MM_INVALID_METER (likewise), OFPERR_FM_BAD_COMMAND.
 *
 * fm->flags: an add keeps the counters of the rule that it replaces, and a modify those of its
 * rules, unless OFPFF_RESET_COUNTS_ is there: the decoder sets it for an add of OpenFlow 1.0.
 * fm->table 255: 0 for an add, else all tables.  A modify that finds no rule adds one when
 * fm->set_cookie and no cookie filter is given.  A modify resets the time that hard_timeout counts
 * from, not the idle time, as Open vSwitch does; an add both. */
enum ofperr tables_flow_mod(struct ofp_tables *t, const struct ofp_flow_mod *fm, size_t *n_changed);
/* A flow-mod of our own whose rule is hidden (fail mode): it sees and touches hidden rules alone,
 * which stand above all others whatever their priority. */
enum ofperr tables_flow_mod_hidden(struct ofp_tables *t, const struct ofp_flow_mod *fm);
/* What `learn` does for one packet: fm (an add, or a strict modify that adds when it finds nothing,
 * whatever fm->set_cookie), or a refresh of the hard
 * timeout when an equal rule is there (then no change is published and no lock taken).  limit: at
 * most so many rules with the cookie in the table, else OFPERR_FM_TABLE_FULL; 0 = no limit.  Any
 * thread. */
enum ofperr tables_learn(struct ofp_tables *t, const struct ofp_flow_mod *fm, uint32_t limit);
/* Lowers a rule's timeouts to these many seconds, where they are longer or none; 0: not.  Any
 * thread; takes the lock only when there is something to lower. */
void tables_shorten(struct rule *r, uint16_t idle, uint16_t hard);
/* Add, modify and delete of groups; a modify keeps age, and counters when the number of buckets is
 * the same.  A delete removes the flows that forward to the group (OFPRR_GROUP_DELETE); buckets of
 * other groups that do so lead nowhere until it is added again.
 * OFPERR_GM_GROUP_EXISTS, _GM_UNKNOWN_GROUP, _GM_INVALID_GROUP (reserved id; an indirect group
 * without exactly one bucket; a weight where there is no selection; a fast-failover bucket that
 * watches nothing), _GM_BAD_TYPE, _GM_OUT_OF_GROUPS, _GM_OUT_OF_BUCKETS, _GM_WATCH_UNSUPPORTED (in
 * a type without liveness), _GM_BAD_WATCH (no such group; a reserved port), OFPERR_BAD_OUT_GROUP (a
 * bucket forwards to a group that is not there), _GM_LOOP, _GM_BAD_COMMAND. */
enum ofperr tables_group_mod(struct ofp_tables *t, const struct ofp_group_mod *gm);

/* The meter or NULL.  RCU section. */
struct meter *tables_meter(struct ofp_tables *t, uint32_t id);
/* Puts a meter in, or in the place of the one with its number, as the datapath's dp_id: the caller
 * has set that one up. */
void tables_meter_put(struct ofp_tables *t, const struct ofp_meter_mod *mm, uint32_t dp_id);
/* Takes out a meter (OFPM_ALL_: all), and the flows that name it before; fn (may be NULL) sees each
 * once it is out, with the tables' lock held. */
typedef bool tables_meter_visit_fn(struct meter *m, void *aux);
void tables_meter_delete(struct ofp_tables *t, uint32_t id, tables_meter_visit_fn *fn, void *aux);
void tables_meter_visit(struct ofp_tables *t, uint32_t id, tables_meter_visit_fn *fn,
			void *aux); /* OFPM_ALL_: all; until fn says false */

/* Removes rules whose time is up; returns clock_mono_ns() of when to look next (UINT64_MAX: never,
 * until a change brings rules with timeouts).  Idle time is judged by what rule_credit() has been
 * told, which is all that happened before counted_ns (UINT64_MAX: until now), and ends there. */
uint64_t tables_expire(struct ofp_tables *t, uint64_t now_ns, uint64_t counted_ns);

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
/* Removes every rule, hidden ones too unless kept, as one change and without tables_ops.removed.
 * Groups stay. */
void tables_flush(struct ofp_tables *t, bool keep_hidden);
void tables_set_limit(struct ofp_tables *t, uint32_t max_rules);
