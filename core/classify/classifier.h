/* SPDX-License-Identifier: Apache-2.0 */
/* The OpenFlow classifier: which rule of a table does this packet hit, and which of its bits did
 * that depend on?
 *
 * Tuple space search: rules with the same mask share a subtable, a hash of their masked keys.
 * Subtables are visited by falling highest priority and the walk stops when no remaining subtable
 * can win.  Three things keep the un-wildcarded mask small, because each bit in it multiplies
 * megaflows: staged lookup (a subtable that fails on metadata alone says nothing about L2-L4),
 * prefix tries on nw_src, nw_dst, ipv6_src, ipv6_dst and tp_src, tp_dst (how many leading bits
 * suffice to know that no rule of a subtable can match), and exact accounting of what each probe
 * looked at.  A bit of an address or port is never returned without the dl_type, nw_proto and
 * nw_frag that give it its meaning, as far as the rules match on those.
 *
 * Soundness, which tests hold: for every packet p' that agrees with p on the returned mask, a
 * lookup of p' returns the same rule.
 *
 * Equal priorities: where a packet hits two visible rules of one priority OpenFlow leaves the
 * winner open, and so does the classifier: it stops at the first, because to look on would
 * un-wildcard more for nothing.
 *
 * Versions: a rule is visible in [add, remove).  A bundle or table swap publishes one version
 * number; lookups name the version that they see, and load it before they start.  Readers are RCU
 * sections and never block; writers hold the classifier's lock, which classifier_* take themselves
 * where they say so.  Rules are the caller's memory (embed struct cls_rule) and are freed by the
 * caller after a grace period.
 *
 * Soft rules are never the answer by themselves: what several of them together say is the caller's
 * to find out (OpenFlow's conjunctions).
 *
 * Cost: insert and remove O(1) for the tables and O(log rules) steps for each trie that the mask
 * concerns, no allocation but for new prefixes, stages and masks; a lookup O(masks visited). */
#pragma once

#include "core/base/lock.h"
#include "core/base/rcu.h"
#include "core/classify/cls_rule.h"

struct classifier; /* opaque */

struct classifier *classifier_new(void);
void classifier_free(struct classifier *c); /* must be empty; NULL is fine */
size_t classifier_count(const struct classifier *c);
size_t classifier_n_masks(const struct classifier *c);
/* Soft rules that any version sees. */
size_t classifier_n_soft(const struct classifier *c);

/* Puts r in, visible from `version`.  An equal (match, priority) rule may be in as long as no
 * version sees both; the caller arranges that with cls_rule_hide().  Takes the writer lock. */
void classifier_insert(struct classifier *c, struct cls_rule *r, uint64_t version);
/* Takes r out of the structure for all versions.  Takes the writer lock.  r stays readable for a
 * grace period. */
void classifier_remove(struct classifier *c, struct cls_rule *r);

/* The visible rule of highest priority that matches and is not soft, or NULL.  mask (NULL: not
 * wanted, and faster) gets every bit that the answer depended on OR-ed in.  Needs an RCU read
 * section. */
const struct cls_rule *classifier_lookup(const struct classifier *c, uint64_t version,
					 const struct flow_key *key, struct flow_key *mask);
/* The same, and the visible soft rules that match and come before the answer, by falling priority.
 * The caller frees soft->r. */
struct cls_soft {
	const struct cls_rule **r; /* owned array of borrowed rules; NULL to begin with */
	size_t n, cap;
};
const struct cls_rule *classifier_lookup_soft(const struct classifier *c, uint64_t version,
					      const struct flow_key *key, struct flow_key *mask,
					      struct cls_soft *soft);
/* Exactly this match and priority, visible in `version`.  Needs an RCU read section or the writer's
 * exclusion.  O(1). */
struct cls_rule *classifier_find(const struct classifier *c, const struct match *m,
				 int32_t priority, uint64_t version);
/* Any visible rule of this priority that some packet could match together with m
 * (OFPFF_CHECK_OVERLAP).  Needs an RCU read section.  O(rules). */
bool classifier_overlaps(const struct classifier *c, const struct match *m, int32_t priority,
			 uint64_t version);

/* Calls fn for each rule visible in `version` that `target` covers (non-strict; NULL target: all),
 * until it returns false.  The callback may hide rules, not remove them.  Needs an RCU read
 * section.  O(rules of the masks that the target's mask is within); where a mask equals the
 * target's, O(1). */
typedef bool cls_visit_fn(struct cls_rule *r, void *aux);
void classifier_visit(const struct classifier *c, const struct match *target, uint64_t version,
		      cls_visit_fn *fn, void *aux);
