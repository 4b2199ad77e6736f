/* SPDX-License-Identifier: Apache-2.0 */
/* Rules by (cookie, table), so that a controller that names its flows by cookie pays for those
 * alone, and so that a learn action's limit is a number to compare.
 *
 * A set also counts the rules whose learn actions promise to delete what they learned under this
 * cookie in this table (delete_learned of ovs-actions(7)).  Under the tables' lock. */
#pragma once

#include "core/base/htable.h"
#include "ofproto/table/rule.h"

struct cookie_set {
	struct hnode node;
	be64 cookie;
	uint8_t table;
	size_t n;                   /* rules */
	size_t n_learners;          /* learn actions that delete this set with their rule */
	struct cds_list_head rules; /* by rule.cookie_link */
};

struct cookie_index {
	struct htable sets; /* no set is empty and without learners */
};

void cookie_index_init(struct cookie_index *x);
void cookie_index_done(struct cookie_index *x); /* must be empty */
void cookie_index_add(struct cookie_index *x, struct rule *r);
void cookie_index_remove(struct cookie_index *x, struct rule *r);
/* NULL: no such rules. */
struct cookie_set *cookie_index_find(const struct cookie_index *x, be64 cookie, uint8_t table);
void cookie_index_add_learner(struct cookie_index *x, be64 cookie, uint8_t table);
/* The set when its last learner left and it still has rules, else NULL. */
struct cookie_set *cookie_index_remove_learner(struct cookie_index *x, be64 cookie, uint8_t table);
