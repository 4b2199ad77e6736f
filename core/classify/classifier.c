/* SPDX-License-Identifier: Apache-2.0 */
#include "core/classify/classifier.h"

#include <assert.h>

#include "core/base/xalloc.h"
#include "core/classify/classifier_private.h"

void cls_rule_init(struct cls_rule *r, const struct match *m, int32_t priority)
{
	minimatch_init(&r->match, m);
	atomic_init(&r->next, NULL);
	r->prev = NULL;
	r->subtable = NULL;
	r->node.hash = 0;
	r->priority = priority;
	r->soft = false;
	atomic_init(&r->add_version, CLS_VERSION_NEVER);
	atomic_init(&r->remove_version, CLS_VERSION_NEVER);
}

void cls_rule_done(struct cls_rule *r)
{
	assert(!r->subtable);
	minimatch_done(&r->match);
}

void cls_rule_hide(struct cls_rule *r, uint64_t version)
{
	atomic_store_explicit(&r->remove_version, version, memory_order_relaxed);
}

void cls_rule_unhide(struct cls_rule *r)
{
	atomic_store_explicit(&r->remove_version, CLS_VERSION_NEVER, memory_order_relaxed);
}

struct classifier *classifier_new(void)
{
	struct classifier *c = xzalloc(sizeof(*c));

	c->seed = rtab_seed();
	lock_init(&c->lock);
	return c;
}

void classifier_free(struct classifier *c)
{
	if (!c)
		return;
	assert(!c->n_rules && !c->n_masks);
	rtab_done(&c->subtables);
	lock_done(&c->lock);
	free(c);
}

size_t classifier_count(const struct classifier *c)
{
	return c->n_rules;
}

size_t classifier_n_masks(const struct classifier *c)
{
	return c->n_masks;
}

size_t classifier_n_soft(const struct classifier *c)
{
	return c->n_soft;
}

static struct cls_subtable *find_subtable(const struct classifier *c, uint64_t map,
					  const uint64_t *masks)
{
	struct rtab_node *node;
	struct rtab_pos pos;

	RTAB_FOR_EACH_WITH(node, pos, &c->subtables, masked_hash_mask(masks, map, c->seed))
	{
		struct cls_subtable *st = cls_subtable_of(node);

		if (subtable_has_mask(st, map, masks))
			return st;
	}
	return NULL;
}

static struct cls_subtable *add_subtable(struct classifier *c, const struct minimatch *mm)
	REQUIRES(c->lock)
{
	const uint64_t *masks = minimatch_masks(mm);
	struct cls_subtable *st =
		subtable_new(mm->map, masks, masked_hash_mask(masks, mm->map, c->seed));

	rtab_insert(&c->subtables, &st->by_mask);
	rank_insert(&c->rank, st, st->max_priority);
	c->n_masks++;
	return st;
}

static void free_subtable(void *st)
{
	subtable_free(st);
}

static void drop_subtable(struct classifier *c, struct cls_subtable *st) REQUIRES(c->lock)
{
	rank_remove(&c->rank, st, st->max_priority);
	rtab_erase(&c->subtables, &st->by_mask);
	rcu_defer(free_subtable, st);
	c->n_masks--;
}

static void set_max_priority(struct classifier *c, struct cls_subtable *st, int32_t max)
	REQUIRES(c->lock)
{
	if (st->max_priority == max)
		return;
	rank_move(&c->rank, st, st->max_priority, max);
	st->max_priority = max;
}

static void add_prefixes(struct classifier *c, const struct cls_subtable *st,
			 const struct cls_rule *r) REQUIRES(c->lock)
{
	for (unsigned i = 0; i < CLS_N_TRIES; i++)
		if (st->plen[i])
			trie_insert(&c->trie[i],
				    cls_field_bits_packed(st, minimatch_keys(&r->match), i),
				    st->plen[i]);
}

static void remove_prefixes(struct classifier *c, const struct cls_subtable *st,
			    const struct cls_rule *r) REQUIRES(c->lock)
{
	for (unsigned i = 0; i < CLS_N_TRIES; i++)
		if (st->plen[i])
			trie_remove(&c->trie[i],
				    cls_field_bits_packed(st, minimatch_keys(&r->match), i),
				    st->plen[i]);
}

/* The rule comes last: whatever could keep a reader from it (tries, stage indexes, the order of the
 * subtables) knows it by then. */
void classifier_insert(struct classifier *c, struct cls_rule *r, uint64_t version)
{
	struct cls_subtable *st;

	assert(!r->subtable);
	atomic_store_explicit(&r->add_version, version, memory_order_relaxed);
	atomic_store_explicit(&r->remove_version, CLS_VERSION_NEVER, memory_order_relaxed);
	lock_take(&c->lock);
	st = find_subtable(c, r->match.map, minimatch_masks(&r->match));
	if (!st)
		st = add_subtable(c, &r->match);
	r->subtable = st;
	add_prefixes(c, st, r);
	set_max_priority(c, st, subtable_max_after_add(st, r->priority));
	c->n_soft += r->soft;
	subtable_add(st, r, c->seed);
	c->n_rules++;
	lock_give(&c->lock);
}

/* The same backwards: the rule goes first. */
void classifier_remove(struct classifier *c, struct cls_rule *r)
{
	struct cls_subtable *st = r->subtable;

	assert(st);
	lock_take(&c->lock);
	subtable_remove(st, r, c->seed);
	remove_prefixes(c, st, r);
	if (st->n_rules)
		set_max_priority(c, st, subtable_max_after_remove(st, r->priority));
	else
		drop_subtable(c, st);
	r->subtable = NULL;
	c->n_rules--;
	c->n_soft -= r->soft;
	lock_give(&c->lock);
}

/* The non-zero words of a mask. */
static uint64_t pack_mask(const struct flow_key *mask, uint64_t masks[FLOW_WORDS])
{
	uint64_t map = flow_map_of(mask);
	unsigned i, n = 0;

	FLOW_MAP_FOR_EACH (i, map)
		masks[n++] = flow_words_const(mask)[i];
	return map;
}

/* The chain of rules with st's mask and the key of m. */
static struct cls_rule *find_chain(const struct classifier *c, const struct cls_subtable *st,
				   const struct flow_key *key)
{
	uint64_t packed[FLOW_WORDS];
	struct cls_hashes h;

	for (unsigned i = 0; i < st->n_words; i++)
		packed[i] = flow_words_const(key)[st->w[i].word] & st->w[i].mask;
	subtable_hash(st, packed, c->seed, &h);
	return subtable_chain(st, packed, h.stage[st->n_stages - 1]);
}

static struct cls_rule *next_rule(const struct cls_rule *r)
{
	return atomic_load_explicit(&r->next, memory_order_acquire);
}

struct cls_rule *classifier_find(const struct classifier *c, const struct match *m,
				 int32_t priority, uint64_t version)
{
	uint64_t masks[FLOW_WORDS], map = pack_mask(&m->mask, masks);
	struct cls_subtable *st = find_subtable(c, map, masks);
	struct cls_rule *r = st ? find_chain(c, st, &m->key) : NULL;

	for (; r && r->priority >= priority; r = next_rule(r))
		if (r->priority == priority && cls_rule_visible(r, version))
			return r;
	return NULL;
}

/* Rule and match agree on every bit that both look at. */
static bool rule_overlaps(const struct cls_subtable *st, const struct cls_rule *r,
			  const struct match *m)
{
	const uint64_t *key = flow_words_const(&m->key), *mask = flow_words_const(&m->mask);
	const uint64_t *packed = minimatch_keys(&r->match);

	for (unsigned i = 0; i < st->n_words; i++)
		if ((packed[i] ^ key[st->w[i].word]) & st->w[i].mask & mask[st->w[i].word])
			return false;
	return true;
}

static bool subtable_overlaps(const struct cls_subtable *st, const struct match *m,
			      int32_t priority, uint64_t version)
{
	struct rtab_node *node;
	struct rtab_walk walk;

	RTAB_FOR_EACH(node, walk, &st->rules)
	{
		const struct cls_rule *r = cls_rule_of(node);

		if (r->priority < priority || !rule_overlaps(st, r, m))
			continue;
		for (; r && r->priority >= priority; r = next_rule(r))
			if (r->priority == priority && cls_rule_visible(r, version))
				return true;
	}
	return false;
}

bool classifier_overlaps(const struct classifier *c, const struct match *m, int32_t priority,
			 uint64_t version)
{
	struct rank_cursor cur = rank_begin(&c->rank);
	const struct rank_entry *e;

	while ((e = rank_next(&cur)) && rank_priority(e) >= priority)
		if (subtable_overlaps(e->st, m, priority, version))
			return true;
	return false;
}

static bool visit_chain(struct cls_rule *r, uint64_t version, cls_visit_fn *fn, void *aux)
{
	for (; r; r = next_rule(r))
		if (cls_rule_visible(r, version) && !fn(r, aux))
			return false;
	return true;
}

/* Every bit of the target's mask is one of st's. */
static bool target_within(const struct cls_subtable *st, uint64_t map, const struct match *target)
{
	if (map & ~st->map)
		return false;
	for (unsigned i = 0; i < st->n_words; i++)
		if (flow_words_const(&target->mask)[st->w[i].word] & ~st->w[i].mask)
			return false;
	return true;
}

static bool visit_subtable(const struct cls_subtable *st, const struct match *target,
			   uint64_t version, cls_visit_fn *fn, void *aux)
{
	struct rtab_node *node;
	struct rtab_walk walk;

	RTAB_FOR_EACH(node, walk, &st->rules)
	{
		struct cls_rule *r = cls_rule_of(node);

		if (target && !rule_overlaps(st, r, target))
			continue;
		if (!visit_chain(r, version, fn, aux))
			return false;
	}
	return true;
}

void classifier_visit(const struct classifier *c, const struct match *target, uint64_t version,
		      cls_visit_fn *fn, void *aux)
{
	struct rank_cursor cur = rank_begin(&c->rank);
	uint64_t masks[FLOW_WORDS], map = target ? pack_mask(&target->mask, masks) : 0;
	const struct rank_entry *e;
	bool on = true;

	while (on && (e = rank_next(&cur))) {
		const struct cls_subtable *st = e->st;

		if (target && !target_within(st, map, target))
			continue;
		if (target && subtable_has_mask(st, map, masks))
			on = visit_chain(find_chain(c, st, &target->key), version, fn, aux);
		else
			on = visit_subtable(st, target, version, fn, aux);
	}
}
