/* SPDX-License-Identifier: Apache-2.0 */
/* The exact-match flow cache: one worker's memory of which megaflow a full key hit last.
 *
 * Fixed size (FLOW_CACHE_ENTRIES, two ways per hash), no sharing, no locks.  An entry holds the
 * key's non-zero words; keys with more than FLOW_CACHE_WORDS of them are not cached.  An entry
 * whose megaflow is dead is a miss.  The owner flushes the cache (or lets entries die) before a
 * grace period ends: entries are valid only while the worker stays registered with RCU and calls
 * flow_cache_purge_dead() at each quiescent point that follows a removal. */
#pragma once

#include "core/classify/megaflow.h"

#define FLOW_CACHE_ENTRIES 8192
#define FLOW_CACHE_WORDS 12

struct flow_cache;
struct flow_cache *flow_cache_new(void);
void flow_cache_free(struct flow_cache *c);
/* map: non-zero words of key; hash: flow hash of them (flow_cache_hash). */
uint64_t flow_cache_hash(const struct flow_key *key, uint64_t map);
struct mflow *flow_cache_lookup(struct flow_cache *c, const struct flow_key *key, uint64_t map,
				uint64_t hash);
void flow_cache_insert(struct flow_cache *c, const struct flow_key *key, uint64_t map,
		       uint64_t hash, struct mflow *f);
void flow_cache_flush(struct flow_cache *c);
