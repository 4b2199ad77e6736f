/* SPDX-License-Identifier: Apache-2.0 */
#include "core/classify/megaflow.h"

#include <assert.h>
#include <errno.h>

#include "core/base/xalloc.h"
#include "core/classify/masked.h"

struct mflow_mask {
	/* what a lookup reads */
	struct rtab flows;
	uint64_t map;
	uint32_t n_words;
	struct rtab_node node; /* in mflow_table's by_mask */
	_Atomic uint32_t refs; /* entries that have not been done with */
	uint32_t score;        /* decaying hits; mflow_rank() */
	/* Workers add to it without a locked instruction; what two of them lose does not matter. */
	_Atomic uint64_t hits;
	uint64_t hits_seen;
	struct masked_word w[];
};

/* The masks in the order of the search. */
struct mask_list {
	unsigned n;
	struct mflow_mask *m[];
};

struct mflow_table {
	struct mask_list *_Atomic masks; /* owned, RCU; never NULL */
	uint64_t seed;
	struct rtab by_mask;
	_Atomic size_t n_flows;
	struct lock lock; /* guards every change but hits and generations' reading */

	_Atomic uint64_t generation[MFLOW_N_SHARDS] CACHE_ALIGNED;
};

static struct mask_list *mask_list_new(unsigned n)
{
	struct mask_list *l = xmalloc(sizeof(*l) + n * sizeof(l->m[0]));

	l->n = n;
	return l;
}

static struct mask_list *masks_of(const struct mflow_table *t)
{
	return atomic_load_explicit(&t->masks, memory_order_acquire);
}

static void publish(struct mflow_table *t, struct mask_list *l) REQUIRES(t->lock)
{
	struct mask_list *old = masks_of(t);

	atomic_store_explicit(&t->masks, l, memory_order_release);
	rcu_defer_free(old);
}

struct mflow_table *mflow_table_new(void)
{
	struct mflow_table *t = xzalloc_cacheline(sizeof(*t));

	atomic_init(&t->masks, mask_list_new(0));
	t->seed = rtab_seed();
	for (unsigned i = 0; i < MFLOW_N_SHARDS; i++)
		atomic_init(&t->generation[i], i);
	lock_init(&t->lock);
	return t;
}

void mflow_table_free(struct mflow_table *t)
{
	if (!t)
		return;
	assert(!t->n_flows);
	free(masks_of(t));
	rtab_done(&t->by_mask);
	lock_done(&t->lock);
	free(t);
}

static struct mflow_mask *mask_of(struct rtab_node *n)
{
	return container_of(n, struct mflow_mask, node);
}

static struct mflow *mflow_of(struct rtab_node *n)
{
	return container_of(n, struct mflow, node);
}

/* A match as its mask's words and the masked key's. */
struct packed {
	uint64_t map;
	uint32_t mask_hash, n;
	uint64_t mask[FLOW_WORDS], key[FLOW_WORDS];
};

static void pack(const struct mflow_table *t, const struct flow_key *key,
		 const struct flow_key *mask, struct packed *out)
{
	unsigned i, n = 0;

	out->map = flow_map_of(mask);
	FLOW_MAP_FOR_EACH (i, out->map) {
		out->mask[n] = flow_words_const(mask)[i];
		out->key[n] = flow_words_const(key)[i] & out->mask[n];
		n++;
	}
	out->n = n;
	out->mask_hash = masked_hash_mask(out->mask, out->map, t->seed);
}

static bool has_mask(const struct mflow_mask *m, const struct packed *p)
{
	if (m->map != p->map)
		return false;
	for (unsigned i = 0; i < m->n_words; i++)
		/* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): same maps */
		if (m->w[i].mask != p->mask[i])
			return false;
	return true;
}

static struct mflow_mask *find_mask(const struct mflow_table *t, const struct packed *p)
{
	struct rtab_node *node;
	struct rtab_pos pos;

	RTAB_FOR_EACH_WITH(node, pos, &t->by_mask, p->mask_hash)
	if (has_mask(mask_of(node), p))
		return mask_of(node);
	return NULL;
}

static uint32_t packed_hash(const struct mflow_table *t, const struct mflow_mask *m,
			    const struct packed *p)
{
	return masked_finish(masked_sum_packed(p->key, m->w, m->n_words, t->seed));
}

static struct mflow *find_flow(const struct mflow_mask *m, const struct packed *p, uint32_t hash)
{
	struct rtab_node *node;
	struct rtab_pos pos;

	RTAB_FOR_EACH_WITH(node, pos, &m->flows, hash)
	if (!memcmp(mflow_of(node)->key, p->key, p->n * sizeof(p->key[0])))
		return mflow_of(node);
	return NULL;
}

/* A new mask is searched last until it has hits. */
static struct mflow_mask *add_mask(struct mflow_table *t, const struct packed *p) REQUIRES(t->lock)
{
	struct mflow_mask *m = xzalloc_cacheline(sizeof(*m) + p->n * sizeof(m->w[0]));
	const struct mask_list *old = masks_of(t);
	struct mask_list *l = mask_list_new(old->n + 1);
	unsigned i, j = 0;

	m->map = p->map;
	m->n_words = p->n;
	m->node.hash = p->mask_hash;
	FLOW_MAP_FOR_EACH (i, p->map) {
		m->w[j] = (struct masked_word){ p->mask[j], i };
		j++;
	}
	memcpy(l->m, old->m, old->n * sizeof(l->m[0]));
	l->m[old->n] = m;
	publish(t, l);
	rtab_insert(&t->by_mask, &m->node);
	return m;
}

/* The mask's memory goes with the last of its entries, which is at least a grace period later. */
static void drop_mask(struct mflow_table *t, struct mflow_mask *m) REQUIRES(t->lock)
{
	const struct mask_list *old = masks_of(t);
	struct mask_list *l = mask_list_new(old->n - 1);
	unsigned n = 0;

	for (unsigned i = 0; i < old->n; i++)
		if (old->m[i] != m)
			l->m[n++] = old->m[i];
	publish(t, l);
	rtab_erase(&t->by_mask, &m->node);
}

int mflow_insert(struct mflow_table *t, struct mflow *f, const struct flow_key *key,
		 const struct flow_key *mask)
{
	struct mflow_mask *m;
	struct packed p;

	pack(t, key, mask, &p);
	lock_take(&t->lock);
	m = find_mask(t, &p);
	if (!m)
		m = add_mask(t, &p);
	f->node.hash = packed_hash(t, m, &p);
	if (find_flow(m, &p, f->node.hash)) {
		lock_give(&t->lock);
		return -EEXIST;
	}
	f->mask = m;
	f->key = xmemdup(p.key, p.n * sizeof(p.key[0]));
	atomic_init(&f->dead, false);
	atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
	rtab_insert(&m->flows, &f->node);
	t->n_flows++;
	lock_give(&t->lock);
	return 0;
}

void mflow_remove(struct mflow_table *t, struct mflow *f)
{
	lock_take(&t->lock);
	rtab_erase(&f->mask->flows, &f->node);
	if (!f->mask->flows.n)
		drop_mask(t, f->mask);
	t->n_flows--;
	/* In this order: who sees the new generation sees that f is dead. */
	atomic_store_explicit(&f->dead, true, memory_order_relaxed);
	atomic_fetch_add_explicit(&t->generation[mflow_shard(f)], MFLOW_N_SHARDS,
				  memory_order_release);
	lock_give(&t->lock);
}

void mflow_done(struct mflow *f)
{
	if (atomic_fetch_sub_explicit(&f->mask->refs, 1, memory_order_acq_rel) == 1) {
		rtab_done(&f->mask->flows);
		free(f->mask);
	}
	f->mask = NULL;
	free(f->key);
	f->key = NULL;
}

static void count_hits(struct mflow_mask *m, unsigned n)
{
	uint64_t hits = atomic_load_explicit(&m->hits, memory_order_relaxed);

	atomic_store_explicit(&m->hits, hits + n, memory_order_relaxed);
}

static struct mflow *match_at(const struct mflow_mask *m, const uint64_t *key, uint32_t hash)
{
	struct rtab_node *node;
	struct rtab_pos pos;

	RTAB_FOR_EACH_WITH(node, pos, &m->flows, hash)
	if (masked_equal(key, m->w, m->n_words, mflow_of(node)->key))
		return mflow_of(node);
	return NULL;
}

struct mflow *mflow_lookup(const struct mflow_table *t, const struct flow_key *key,
			   unsigned *n_probed)
{
	const struct mask_list *l = masks_of(t);
	const uint64_t *words = flow_words_const(key);
	struct mflow *f = NULL;
	unsigned i;

	for (i = 0; i < l->n && !f; i++) {
		struct mflow_mask *m = l->m[i];

		f = match_at(m, words, masked_finish(masked_sum(words, m->w, m->n_words, t->seed)));
		if (f)
			count_hits(m, 1);
	}
	if (n_probed)
		*n_probed = i;
	return f;
}

/* Looks the keys `todo` up under one mask, in rounds, so that the memory of one key is on its way
 * while another's is worked on: hash and bucket, candidate, comparison. */
static uint32_t match_batch(const struct mflow_mask *m, const struct flow_key *const keys[],
			    uint32_t todo, struct mflow *out[], uint64_t seed)
{
	uint32_t hash[MFLOW_BATCH], candidates = 0, hits = 0;
	struct mflow *f[MFLOW_BATCH];
	struct rtab_pos pos;
	unsigned i;

	FLOW_MAP_FOR_EACH (i, todo) {
		hash[i] = masked_finish(
			masked_sum(flow_words_const(keys[i]), m->w, m->n_words, seed));
		rtab_prefetch(&m->flows, hash[i]);
	}
	FLOW_MAP_FOR_EACH (i, todo) {
		struct rtab_node *node;

		rtab_begin(&pos, &m->flows, hash[i]);
		node = rtab_next(&pos);
		if (!node)
			continue;
		f[i] = mflow_of(node);
		__builtin_prefetch(f[i]->key);
		candidates |= UINT32_C(1) << i;
	}
	FLOW_MAP_FOR_EACH (i, candidates) {
		const uint64_t *key = flow_words_const(keys[i]);

		if (unlikely(!masked_equal(key, m->w, m->n_words, f[i]->key)))
			f[i] = match_at(m, key, hash[i]); /* another one with this hash */
		if (!f[i])
			continue;
		out[i] = f[i];
		hits |= UINT32_C(1) << i;
	}
	return hits;
}

uint32_t mflow_lookup_probed(const struct mflow_table *t, const struct flow_key *const keys[],
			     uint32_t todo, struct mflow *out[], uint64_t *n_probed)
{
	const struct mask_list *l = masks_of(t);
	uint32_t left = todo;
	uint64_t probed = 0;
	unsigned i;

	FLOW_MAP_FOR_EACH (i, todo)
		out[i] = NULL;
	for (i = 0; i < l->n && left; i++) {
		struct mflow_mask *m = l->m[i];
		uint32_t hits = match_batch(m, keys, left, out, t->seed);

		probed += (unsigned)__builtin_popcount(left);
		if (hits)
			count_hits(m, (unsigned)__builtin_popcount(hits));
		left &= ~hits;
	}
	if (n_probed)
		*n_probed += probed;
	return todo & ~left;
}

struct mflow *mflow_find(const struct mflow_table *t, const struct flow_key *key,
			 const struct flow_key *mask)
{
	const struct mflow_mask *m;
	struct packed p;

	pack(t, key, mask, &p);
	m = find_mask(t, &p);
	return m ? find_flow(m, &p, packed_hash(t, m, &p)) : NULL;
}

size_t mflow_count(const struct mflow_table *t)
{
	return t->n_flows;
}

size_t mflow_n_masks(const struct mflow_table *t)
{
	size_t n;

	rcu_read_lock();
	n = masks_of(t)->n;
	rcu_read_unlock();
	return n;
}

static int by_falling_score(const void *a, const void *b)
{
	const struct mflow_mask *const *x = a, *const *y = b;

	return ((*x)->score < (*y)->score) - ((*x)->score > (*y)->score);
}

/* Half of the old score stays, so that one odd second does not turn the order over. */
static void update_score(struct mflow_mask *m)
{
	uint64_t hits = atomic_load_explicit(&m->hits, memory_order_relaxed);
	uint64_t fresh = hits - m->hits_seen;

	m->hits_seen = hits;
	m->score = m->score / 2 + (uint32_t)MIN(fresh, UINT32_MAX / 2);
}

void mflow_rank(struct mflow_table *t)
{
	const struct mask_list *old;
	struct mask_list *l;
	bool sorted = true;

	lock_take(&t->lock);
	old = masks_of(t);
	for (unsigned i = 0; i < old->n; i++) {
		update_score(old->m[i]);
		sorted = sorted && (!i || old->m[i - 1]->score >= old->m[i]->score);
	}
	if (!sorted) {
		l = mask_list_new(old->n);
		memcpy(l->m, old->m, old->n * sizeof(l->m[0]));
		qsort(l->m, l->n, sizeof(l->m[0]), by_falling_score);
		publish(t, l);
	}
	lock_give(&t->lock);
}

void mflow_match(const struct mflow *f, struct flow_key *key, struct flow_key *mask)
{
	const struct mflow_mask *m = f->mask;

	memset(key, 0, sizeof(*key));
	memset(mask, 0, sizeof(*mask));
	for (unsigned i = 0; i < m->n_words; i++) {
		flow_words(key)[m->w[i].word] = f->key[i];
		flow_words(mask)[m->w[i].word] = m->w[i].mask;
	}
}

const _Atomic uint64_t *mflow_generations(const struct mflow_table *t)
{
	return t->generation;
}
