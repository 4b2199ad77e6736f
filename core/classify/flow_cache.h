/* SPDX-License-Identifier: Apache-2.0 */
/* The exact-match flow cache: one worker's memory of which megaflow a full key hit last.
 *
 * Fixed size (FLOW_CACHE_ENTRIES, two ways a set), no sharing, no locks, no allocation after
 * flow_cache_new().  An entry holds the key's non-zero words; keys with more than FLOW_CACHE_WORDS
 * of them are not cached.  A set's hashes, maps and pointers share one line, so that a miss reads
 * one line and a hit two or three.
 *
 * Lifetime.  A cache keeps pointers to megaflows across RCU sections, when their memory may be
 * gone. It therefore never touches a megaflow before it knows that it is alive: each entry carries
 * the generation of the megaflow's shard, read when the entry was made, and answers only while the
 * table still shows that very generation.  Removing a megaflow changes the generation of its shard
 * before its grace period begins, so within one RCU section either the change is seen, and the
 * entry is a miss, or the section is older than the grace period, and the megaflow outlives it.
 * Nothing is registered, swept or counted, and removals need not know of caches.  The price: a
 * removal also makes a miss of what else is cached from the shard, one entry in MFLOW_N_SHARDS.
 *
 * When both entries of a set are in use, a new key gets in one time in sixteen: with more active
 * keys than entries, most packets would otherwise pay for writing an entry that is overwritten
 * before it is read.
 *
 * Threads: a cache belongs to one worker; flow_cache_lookup() and flow_cache_insert() inside RCU
 * read sections. */
#pragma once

#include "core/classify/masked.h"
#include "core/classify/megaflow.h"

#define FLOW_CACHE_ENTRIES 8192
#define FLOW_CACHE_WORDS 12

struct flow_cache;
/* For the megaflows of t, which must live longer. */
struct flow_cache *flow_cache_new(const struct mflow_table *t);
void flow_cache_free(struct flow_cache *c);

/* map: the non-zero words of key.  The same for all caches. */
static inline uint64_t flow_cache_hash(const struct flow_key *key, uint64_t map)
{
	const uint64_t *w = flow_words_const(key);
	uint64_t sum = map;
	unsigned i;

	FLOW_MAP_FOR_EACH (i, map)
		sum += masked_mix(w[i], i, 0);
	return hash_add64(sum, UINT64_C(0xa0761d6478bd642f));
}

/* Fetches the line that a lookup of this hash reads first. */
void flow_cache_prefetch(const struct flow_cache *c, uint64_t hash);
/* map: non-zero words of key; hash: flow_cache_hash() of them.  The live megaflow that this very
 * key was inserted with, or NULL. */
struct mflow *flow_cache_lookup(const struct flow_cache *c, const struct flow_key *key,
				uint64_t map, uint64_t hash);
/* Remembers that key hits f, which must have been looked up in this same RCU section. */
void flow_cache_insert(struct flow_cache *c, const struct flow_key *key, uint64_t map,
		       uint64_t hash, struct mflow *f);
/* Forgets everything. */
void flow_cache_flush(struct flow_cache *c);
