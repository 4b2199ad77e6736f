/* SPDX-License-Identifier: Apache-2.0 */
#include "core/classify/flow_cache.h"

#include "core/base/xalloc.h"

#define WAYS 2
#define SETS (FLOW_CACHE_ENTRIES / WAYS)
#define REPLACE_ONE_IN 16
_Static_assert((SETS & (SETS - 1)) == 0, "sets are found by masking a hash");

struct cache_set {
	/* One line for what decides most lookups. */
	uint64_t hash[WAYS];
	uint64_t map[WAYS];
	struct mflow *flow[WAYS]; /* borrowed while `generation` is current; NULL = free */
	uint64_t generation[WAYS];

	uint64_t key[WAYS][FLOW_CACHE_WORDS]; /* the words of map, packed */
};
_Static_assert(offsetof(struct cache_set, key) == CACHELINE, "one line of heads");

struct flow_cache {
	const _Atomic uint64_t *generations; /* borrowed from the table */
	struct cache_set *sets;              /* owned */
	uint32_t rng;
};

struct flow_cache *flow_cache_new(const struct mflow_table *t)
{
	struct flow_cache *c = xzalloc(sizeof(*c));

	c->generations = mflow_generations(t);
	c->sets = xzalloc_cacheline(SETS * sizeof(c->sets[0]));
	c->rng = 1;
	return c;
}

void flow_cache_free(struct flow_cache *c)
{
	if (!c)
		return;
	free(c->sets);
	free(c);
}

void flow_cache_flush(struct flow_cache *c)
{
	memset(c->sets, 0, SETS * sizeof(c->sets[0]));
}

static struct cache_set *set_of(const struct flow_cache *c, uint64_t hash)
{
	return &c->sets[hash & (SETS - 1)];
}

void flow_cache_prefetch(const struct flow_cache *c, uint64_t hash)
{
	const struct cache_set *s = set_of(c, hash);

	__builtin_prefetch(s);
	__builtin_prefetch(s->key[0]);
}

static bool same_key(const uint64_t *packed, const struct flow_key *key, uint64_t map)
{
	uint64_t diff = 0;
	unsigned i;

	FLOW_MAP_FOR_EACH (i, map)
		diff |= *packed++ ^ flow_words_const(key)[i];
	return !diff;
}

static bool is_alive(const struct flow_cache *c, const struct cache_set *s, unsigned way)
{
	uint64_t g = s->generation[way];

	return s->flow[way] &&
	       atomic_load_explicit(&c->generations[g % MFLOW_N_SHARDS], memory_order_acquire) == g;
}

/* The way of s that holds the key, or WAYS. */
static unsigned way_of(const struct cache_set *s, const struct flow_key *key, uint64_t map,
		       uint64_t hash)
{
	unsigned way;

	for (way = 0; way < WAYS; way++)
		if (s->hash[way] == hash && s->map[way] == map && s->flow[way] &&
		    same_key(s->key[way], key, map))
			break;
	return way;
}

struct mflow *flow_cache_lookup(const struct flow_cache *c, const struct flow_key *key,
				uint64_t map, uint64_t hash)
{
	const struct cache_set *s = set_of(c, hash);
	unsigned way = way_of(s, key, map, hash);

	return way < WAYS && is_alive(c, s, way) ? s->flow[way] : NULL;
}

/* xorshift32 */
static uint32_t next_random(struct flow_cache *c)
{
	c->rng ^= c->rng << 13;
	c->rng ^= c->rng >> 17;
	c->rng ^= c->rng << 5;
	return c->rng;
}

/* The way to write a key to that is not there yet, or WAYS. */
static unsigned victim(struct flow_cache *c, const struct cache_set *s)
{
	uint32_t r;

	for (unsigned way = 0; way < WAYS; way++)
		if (!is_alive(c, s, way))
			return way;
	r = next_random(c);
	return r % REPLACE_ONE_IN ? WAYS : (r >> 16) % WAYS;
}

void flow_cache_insert(struct flow_cache *c, const struct flow_key *key, uint64_t map,
		       uint64_t hash, struct mflow *f)
{
	struct cache_set *s = set_of(c, hash);
	unsigned way, i, n = 0;
	uint64_t generation;

	if (__builtin_popcountll(map) > FLOW_CACHE_WORDS)
		return;
	/* Generation before death: a removal that this generation includes shows f dead, one that
	 * it does not include will change it. */
	generation = atomic_load_explicit(&c->generations[mflow_shard(f)], memory_order_acquire);
	if (atomic_load_explicit(&f->dead, memory_order_relaxed))
		return;
	way = way_of(s, key, map, hash);
	if (way == WAYS)
		way = victim(c, s);
	if (way == WAYS)
		return;
	s->hash[way] = hash;
	s->map[way] = map;
	s->flow[way] = f;
	s->generation[way] = generation;
	FLOW_MAP_FOR_EACH (i, map)
		s->key[way][n++] = flow_words_const(key)[i];
}
