/* SPDX-License-Identifier: Apache-2.0 */
/* What the writer's and the reader's half of the classifier share.  Internal to core/classify. */
#pragma once

#include "core/classify/classifier.h"
#include "core/classify/rank.h"
#include "core/classify/subtable.h"

struct classifier {
	uint64_t seed;
	struct rank rank;              /* subtables by priority */
	struct trie trie[CLS_N_TRIES]; /* the prefixes in all rules whose mask is one */
	struct rtab subtables;         /* by mask */
	_Atomic size_t n_rules, n_masks, n_soft;

	struct lock lock; /* the writer's: guards every change of the above */
};
