/* SPDX-License-Identifier: Apache-2.0 */
/* The megaflow table: masked keys without priorities, at most one entry for any packet.
 *
 * Used by the user datapath and by the sim NIC.  A lookup probes one hash per distinct mask; masks
 * are kept in the order of their recent hits (a ranking that one thread refreshes once a second),
 * so that the usual packet ends at the first.  Entries embed struct mflow.  Readers: RCU section,
 * no lock, no allocation.  Writers: one lock inside.
 *
 * The flow cache in front (flow_cache) maps full keys to entries: exact match, per worker, no
 * sharing.
 *
 * Life of an entry: mflow_insert(); mflow_remove(), from where on no new reader finds it; a grace
 * period (rcu_defer), after which nobody has it; mflow_done(), and the owner frees its memory.
 * Caches outside need no part in this: each removal also changes the generation of the entry's
 * shard (one of MFLOW_N_SHARDS), and what a cache remembers with an older generation it neither
 * returns nor touches.  See flow_cache.h.
 *
 * Cost: O(masks probed) a lookup, O(1) an insertion or removal, some 20 bytes and 8 a key word in
 * the table for each entry. */
#pragma once

#include "core/base/lock.h"
#include "core/base/rcu.h"
#include "core/classify/rtab.h"
#include "core/packet/flow_key.h"

/* Keys that mflow_lookup_batch() takes at once. */
#define MFLOW_BATCH 32
#define MFLOW_N_SHARDS 1024

struct mflow_table;
struct mflow_mask; /* shared by all entries with one mask */

struct mflow {
	struct mflow_mask *mask; /* a reference; set by insert, dropped by mflow_done() */
	uint64_t *key;           /* owned: masked words in the order of the mask's map */
	struct rtab_node node;
	_Atomic bool dead; /* removed: caches must not take it in */
};

struct mflow_table *mflow_table_new(void);
void mflow_table_free(struct mflow_table *t); /* must be empty, a grace period ago; NULL is fine */

/* Inserts f for key & mask.  -EEXIST when an entry with the same mask and masked key is there; an
 * overlap under another mask is the caller's error (translation never makes one) and is not looked
 * for.  f need not be initialised.  Any thread; takes the lock. */
int mflow_insert(struct mflow_table *t, struct mflow *f, const struct flow_key *key,
		 const struct flow_key *mask) MUST_CHECK;
/* Takes f out and marks it dead; its memory must live for a grace period, then mflow_done(). */
void mflow_remove(struct mflow_table *t, struct mflow *f);
/* Frees what f owns.  After the grace period, or instead of inserting f again. */
void mflow_done(struct mflow *f);

/* The entry for this key or NULL.  n_probed (may be NULL) gets the number of masks tried.  RCU
 * section. */
struct mflow *mflow_lookup(const struct mflow_table *t, const struct flow_key *key,
			   unsigned *n_probed);
/* Same for up to MFLOW_BATCH keys at once, with prefetching; out[i] NULL on a miss.  `todo`: bit i
 * = look key i up; out[] of other keys stays as it is.  Returns the bits that hit.  *n_probed (may
 * be NULL) grows by the number of masks tried for all of them. */
uint32_t mflow_lookup_probed(const struct mflow_table *t, const struct flow_key *const keys[],
			     uint32_t todo, struct mflow *out[], uint64_t *n_probed);
static inline uint32_t mflow_lookup_batch(const struct mflow_table *t,
					  const struct flow_key *const keys[], uint32_t todo,
					  struct mflow *out[])
{
	return mflow_lookup_probed(t, keys, todo, out, NULL);
}
/* The entry with exactly this mask and masked key.  RCU section. */
struct mflow *mflow_find(const struct mflow_table *t, const struct flow_key *key,
			 const struct flow_key *mask);
size_t mflow_count(const struct mflow_table *t);
size_t mflow_n_masks(const struct mflow_table *t);
/* Re-sorts the masks by hits since the last call.  One thread at a time. */
void mflow_rank(struct mflow_table *t);
/* Reads back match of an entry, from its insertion until mflow_done(). */
void mflow_match(const struct mflow *f, struct flow_key *key, struct flow_key *mask);

/* For caches: the generations of all shards, living as long as the table.  Element i is congruent
 * to i modulo MFLOW_N_SHARDS and grows with each removal from shard i. */
const _Atomic uint64_t *mflow_generations(const struct mflow_table *t);
static inline unsigned mflow_shard(const struct mflow *f)
{
	return f->node.hash % MFLOW_N_SHARDS;
}
