/* SPDX-License-Identifier: Apache-2.0 */
/* A subtable: the rules of a classifier that share one mask.
 *
 * The mask's words fall into up to four stages (metadata, L2, L3, L4), empty ones left out.  The
 * last stage is the table of the rules themselves, by the hash of all words; each earlier one has
 * an index of the hashes of the words so far, so that a packet that no rule matches up to there
 * goes no further.  Before a stage is hashed, the tries of the fields in it may rule the subtable
 * out.
 *
 * The highest priority inside is kept exact when that is cheap: when the last rule of that priority
 * goes, the rules are scanned for the next one only if insertions and removals since the last scan
 * have paid for it.  Until then the figure is too high, which costs a visit and never a wrong
 * answer.
 *
 * Internal to core/classify.  Threads: subtable_chain(), subtable_hash() and subtable_has_mask()
 * are readers' too, the rest is the writer's, under the classifier's lock. */
#pragma once

#include "core/classify/cls_rule.h"
#include "core/classify/masked.h"
#include "core/classify/trie.h"

/* The fields with a trie. */
#define CLS_N_TRIES 6
struct cls_trie_field {
	uint16_t ofs; /* in struct flow_key */
	uint8_t size; /* bytes */
	uint8_t stage;
	bool port; /* means something only under an nw_proto */
};
extern const struct cls_trie_field cls_trie_field[CLS_N_TRIES];

/* The field's bits in a key or mask, left-aligned. */
struct trie_bits cls_field_bits(const struct flow_key *k, unsigned field);
/* The same from a key or mask of which only the packed words are at hand. */
struct trie_bits cls_field_bits_packed(const struct cls_subtable *st, const uint64_t *packed,
				       unsigned field);

struct cls_stage {
	uint8_t end;   /* words through this stage */
	uint8_t tries; /* bit i: trie i has a say before this stage */
};

struct cls_subtable {
	struct rtab_node by_mask; /* among the classifier's subtables */
	uint8_t n_words, n_stages;
	uint8_t plen[CLS_N_TRIES]; /* bits, when the mask is a prefix of the field; else 0 */
	struct cls_stage stage[FLOW_N_STAGES];
	uint64_t map;                         /* the mask's non-zero words */
	struct rtab rules;                    /* of struct cls_rule */
	struct rtab index[FLOW_N_STAGES - 1]; /* of struct stage_entry, for all but the last */

	/* the writer's */
	int32_t max_priority; /* none is higher */
	uint32_t n_rules;
	uint32_t n_max;  /* rules with max_priority; 0: it may be too high */
	uint32_t credit; /* rules that a scan may touch */

	struct masked_word w[];
};

/* The hash of a key's words through each stage. */
struct cls_hashes {
	uint32_t stage[FLOW_N_STAGES]; /* [n_stages - 1]: of all words */
};

static inline struct cls_rule *cls_rule_of(struct rtab_node *n)
{
	return container_of(n, struct cls_rule, node);
}

static inline struct cls_subtable *cls_subtable_of(struct rtab_node *n)
{
	return container_of(n, struct cls_subtable, by_mask);
}

/* For a mask given as its non-zero words; `hash` is masked_hash_mask() of it. */
struct cls_subtable *subtable_new(uint64_t map, const uint64_t *masks, uint32_t hash);
/* When no reader can have it any more. */
void subtable_free(struct cls_subtable *st);
bool subtable_has_mask(const struct cls_subtable *st, uint64_t map, const uint64_t *masks);

void subtable_hash(const struct cls_subtable *st, const uint64_t *packed, uint64_t seed,
		   struct cls_hashes *out);
/* The first of the chain of rules with this key, whose hash of all words is `hash`. */
struct cls_rule *subtable_chain(const struct cls_subtable *st, const uint64_t *packed,
				uint32_t hash);
/* Puts the rule in, the stage indexes first.  max_priority is raised by the caller before. */
void subtable_add(struct cls_subtable *st, struct cls_rule *r, uint64_t seed);
void subtable_remove(struct cls_subtable *st, struct cls_rule *r, uint64_t seed);
/* What max_priority should be with a rule of `priority` more (called before subtable_add()) or
 * fewer (called after subtable_remove()), found out as far as the credit reaches. */
int32_t subtable_max_after_add(struct cls_subtable *st, int32_t priority);
int32_t subtable_max_after_remove(struct cls_subtable *st, int32_t priority);
