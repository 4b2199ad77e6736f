/* SPDX-License-Identifier: Apache-2.0 */
/* A rule as the classifier sees it: match, priority, the versions that see it.
 *
 * Apart from classifier.h so that the classifier's parts know rules without knowing the whole. The
 * caller embeds it; reading is free for all under RCU, changes are as each call says. */
#pragma once

#include "core/base/rcu.h"
#include "core/classify/rtab.h"
#include "core/packet/match.h"

#define CLS_VERSION_MIN UINT64_C(1)
#define CLS_VERSION_NEVER UINT64_MAX

struct cls_subtable; /* the rules of one mask: the classifier's */

struct cls_rule {
	struct minimatch match;        /* owned */
	struct cls_rule *_Atomic next; /* RCU; same match, same or lower priority */
	struct cls_rule *prev;         /* the one whose next it is; the classifier's writer's */
	struct cls_subtable *subtable; /* the classifier's; NULL = not in one */
	struct rtab_node node;         /* its place there, when no rule comes before it */
	int32_t priority;              /* higher wins */
	bool soft;                     /* set before it goes in: see classifier_lookup_soft() */
	_Atomic uint64_t add_version, remove_version;
};

/* Initialises the rule from a match; not visible anywhere yet. */
void cls_rule_init(struct cls_rule *r, const struct match *m, int32_t priority);
/* The rule must be out of the classifier, a grace period ago. */
void cls_rule_done(struct cls_rule *r);
static inline bool cls_rule_visible(const struct cls_rule *r, uint64_t version)
{
	return version >= atomic_load_explicit(&r->add_version, memory_order_relaxed) &&
	       version < atomic_load_explicit(&r->remove_version, memory_order_relaxed);
}
/* Invisible from `version` on (still found by older lookups).  Any writer. */
void cls_rule_hide(struct cls_rule *r, uint64_t version);
void cls_rule_unhide(struct cls_rule *r);
