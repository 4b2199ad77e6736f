/* SPDX-License-Identifier: Apache-2.0 */
/* The megaflow table: masked keys without priorities, at most one entry for any packet.
 *
 * Used by the user datapath and by the sim NIC.  A lookup probes one hash per distinct mask; masks
 * are kept in the order of their recent hits (a ranking that one thread refreshes once a second),
 * so that the usual packet ends at the first.  Entries embed struct mflow.  Readers: RCU section,
 * no lock, no allocation.  Writers: one lock inside.
 *
 * The flow cache in front (flow_cache) maps full keys to entries: exact match, per worker, no
 * sharing. */
#pragma once

#include "core/base/lock.h"
#include "core/base/rcu.h"
#include "core/packet/flow_key.h"

struct mflow_table;
struct mflow_mask; /* shared by all entries with one mask */

struct mflow {
	struct mflow_mask *mask; /* borrowed; set by insert */
	uint64_t hash;
	struct mflow *next; /* RCU chain inside the table */
	uint64_t *key;      /* owned: masked words in the order of the mask's map */
	_Atomic bool dead;  /* removed: caches must not answer with it */
};

struct mflow_table *mflow_table_new(void);
void mflow_table_free(struct mflow_table *t); /* must be empty */

/* Inserts f for key & mask.  -EEXIST when an entry with the same mask and masked key is there; an
 * overlap under another mask is the caller's error (translation never makes one) and is not looked
 * for. */
int mflow_insert(struct mflow_table *t, struct mflow *f, const struct flow_key *key,
		 const struct flow_key *mask) MUST_CHECK;
/* Takes f out and marks it dead; its memory must live for a grace period, then mflow_done(). */
void mflow_remove(struct mflow_table *t, struct mflow *f);
void mflow_done(struct mflow *f);

/* The entry for this key or NULL.  n_probed (may be NULL) gets the number of masks tried.  RCU
 * section. */
struct mflow *mflow_lookup(const struct mflow_table *t, const struct flow_key *key,
			   unsigned *n_probed);
/* Same for up to PACKET_BATCH keys at once, with prefetching; out[i] NULL on a miss.  `todo`: bit i
 * = look key i up. Returns the bits that hit. */
uint32_t mflow_lookup_batch(const struct mflow_table *t, const struct flow_key *const keys[],
			    uint32_t todo, struct mflow *out[]);
/* The entry with exactly this mask and masked key. */
struct mflow *mflow_find(const struct mflow_table *t, const struct flow_key *key,
			 const struct flow_key *mask);
size_t mflow_count(const struct mflow_table *t);
size_t mflow_n_masks(const struct mflow_table *t);
/* Re-sorts the masks by hits since the last call.  One thread at a time. */
void mflow_rank(struct mflow_table *t);
/* Reads back match of an entry. */
void mflow_match(const struct mflow *f, struct flow_key *key, struct flow_key *mask);
