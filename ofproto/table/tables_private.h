/* SPDX-License-Identifier: Apache-2.0 */
/* What the tables are made of, for the files of this folder alone.
 *
 * A change to the rules is one struct change: begun under the lock, filled with rules that come and
 * go, committed as one version.  A rule that comes is in the classifier at once, but visible only
 * from the change's version on; one that goes is hidden from that version on and taken out of the
 * classifier after a grace period, when nobody looks up in an older version any more. */
#pragma once

#include "core/base/lock.h"
#include "ofproto/table/cookie_index.h"
#include "ofproto/table/tables.h"

struct flow_table {
	struct classifier *cls; /* owned */
	_Atomic uint32_t n;     /* rules that are not hidden */
};

struct table_counters {
	_Atomic uint64_t lookups, matched;
};

struct ofp_tables {
	struct lock lock; /* guards what is not atomic or RCU */
	const struct tables_ops *ops;
	void *ctx;
	struct wheel wheel;
	struct cookie_index cookies;
	struct cds_list_head group_users;    /* rules, by group_link */
	struct cds_list_head meter_users;    /* rules, by meter_link */
	struct cds_list_head chained_groups; /* by chained_link */
	uint32_t max_rules;
	uint32_t n_groups;
	uint64_t group_mark;

	_Atomic uint32_t refs; /* the owner's, and one of each purge under way */
	_Atomic uint64_t version, seq;
	_Atomic uint32_t n_rules;              /* not hidden */
	struct flow_table *tables[TABLES_MAX]; /* RCU, owned; NULL until the first rule comes */
	struct cds_lfht *groups, *meters;      /* RCU, owned */
	struct table_counters counters[TABLES_MAX];
};

struct rule_vec {
	struct rule **r; /* owned array of borrowed or referenced rules */
	size_t n, cap;
};
void rule_vec_add(struct rule_vec *v, struct rule *r);
void rule_vec_done(struct rule_vec *v);

struct change {
	struct ofp_tables *t;
	uint64_t version; /* what it publishes */
	uint64_t now_ns, counted_ns;
	size_t n_touched;        /* rules added, modified, deleted */
	bool dirty;              /* something came or went */
	bool quiet;              /* nobody is told of single rules */
	struct rule_vec gone;    /* to purge */
	struct rule_vec orphans; /* learned rules whose last learner left; may repeat */
};

void tables_ref(struct ofp_tables *t);
void tables_unref(struct ofp_tables *t);
/* The table, made when it is not there.  Under the lock, like all that follows. */
struct flow_table *tables_get(struct ofp_tables *t, uint8_t table);
/* seq moves and the owner is told. */
void tables_changed(struct ofp_tables *t);

/* Counts a rule that comes (1) or goes (-1) with its meter. */
void tables_count_meter(struct ofp_tables *t, const struct rule *r, int by);

void change_begin(struct change *c, struct ofp_tables *t);
/* Takes r's reference. */
void change_insert(struct change *c, struct rule *r);
/* new_rule takes old's place; nobody is told that old left. */
void change_replace(struct change *c, struct rule *old, struct rule *new_rule);
/* No-op when r is gone already. */
void change_remove(struct change *c, struct rule *r, enum ofp_removed_reason reason);
/* Publishes, when anything was done. */
void change_commit(struct change *c);

/* Which rules a flow-mod or a request means. */
struct selection {
	const struct match *match;
	uint8_t table; /* OFPTT_ALL_: all */
	bool strict, hidden;
	uint16_t priority; /* strict */
	be64 cookie, cookie_mask;
	struct ofp_port out_port;
	uint32_t out_group;
};
/* Everything but match and priority. */
bool selection_hits(const struct selection *s, const struct rule *r);
/* Adds the rules to v, borrowed. */
void selection_collect(struct ofp_tables *t, const struct selection *s, struct rule_vec *v);
bool match_is_catchall(const struct match *m);
static inline struct rule *rule_of_cls(const struct cls_rule *cr) /* lent by the classifier */
{
	return (struct rule *)((uintptr_t)cr - offsetof(struct rule, cr));
}
/* classifier_lookup() in a table that has conjunctions. */
const struct cls_rule *conjunctive_lookup(const struct classifier *c, uint64_t version,
					  const struct flow_key *key, struct flow_key *mask);
/* The visible rule with this very match and priority, or NULL.  An RCU section or the lock. */
struct rule *tables_find(struct ofp_tables *t, uint8_t table, const struct match *m,
			 int32_t priority);
