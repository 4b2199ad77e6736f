/* SPDX-License-Identifier: Apache-2.0 */
#include "core/classify/subtable.h"

#include <assert.h>

#include "core/base/xalloc.h"

/* Rules that a scan for the highest priority may touch for each insertion or removal before it. */
#define SCAN_CREDIT 4

const struct cls_trie_field cls_trie_field[CLS_N_TRIES] = {
	{ offsetof(struct flow_key, nw_src), 4, FLOW_STAGE_L3, false },
	{ offsetof(struct flow_key, nw_dst), 4, FLOW_STAGE_L3, false },
	{ offsetof(struct flow_key, ipv6_src), 16, FLOW_STAGE_L3, false },
	{ offsetof(struct flow_key, ipv6_dst), 16, FLOW_STAGE_L3, false },
	{ offsetof(struct flow_key, tp_src), 2, FLOW_STAGE_L4, true },
	{ offsetof(struct flow_key, tp_dst), 2, FLOW_STAGE_L4, true },
};

/* What the rules up to one stage hash to, and how many do. */
struct stage_entry {
	struct rtab_node node;
	uint32_t n_rules;
};

static struct trie_bits bits_of(const void *bytes, size_t n)
{
	be64 w[2] = { 0, 0 };

	memcpy(w, bytes, n);
	return (struct trie_bits){ ntoh64(w[0]), ntoh64(w[1]) };
}

struct trie_bits cls_field_bits(const struct flow_key *k, unsigned field)
{
	const struct cls_trie_field *f = &cls_trie_field[field];

	return bits_of((const uint8_t *)k + f->ofs, f->size);
}

struct trie_bits cls_field_bits_packed(const struct cls_subtable *st, const uint64_t *packed,
				       unsigned field)
{
	const struct cls_trie_field *f = &cls_trie_field[field];
	unsigned first = f->ofs / 8, last = (f->ofs + f->size - 1u) / 8;
	uint64_t w[2] = { 0, 0 };

	for (unsigned i = first; i <= last; i++)
		if (st->map >> i & 1)
			w[i - first] =
				packed[__builtin_popcountll(st->map & ((UINT64_C(1) << i) - 1))];
	return bits_of((const uint8_t *)w + f->ofs % 8, f->size);
}

/* The length of a mask that is a prefix; 0 when it is empty or has holes. */
static unsigned prefix_len(struct trie_bits m)
{
	unsigned len = ~m.hi ? (unsigned)__builtin_clzll(~m.hi)
			     : 64 + (~m.lo ? (unsigned)__builtin_clzll(~m.lo) : 64);
	struct trie_bits want = trie_prefix(len);

	return want.hi == m.hi && want.lo == m.lo ? len : 0;
}

static enum flow_stage stage_of_word(unsigned word)
{
	if (word < FLOW_L2_WORD)
		return FLOW_STAGE_META;
	if (word < FLOW_L3_WORD)
		return FLOW_STAGE_L2;
	return word < FLOW_L4_WORD ? FLOW_STAGE_L3 : FLOW_STAGE_L4;
}

/* Cuts the words into stages; a mask without words has one stage that matches everything. */
static void init_stages(struct cls_subtable *st)
{
	uint8_t tries[FLOW_N_STAGES] = { 0 };
	unsigned n = 0;

	for (unsigned i = 0; i < CLS_N_TRIES; i++)
		if (st->plen[i])
			tries[cls_trie_field[i].stage] |= (uint8_t)(1u << i);
	for (unsigned i = 0; i < st->n_words; i++) {
		enum flow_stage s = stage_of_word((unsigned)st->w[i].word);

		if (!i || s != stage_of_word((unsigned)st->w[i - 1].word))
			st->stage[n++].tries = tries[s];
		st->stage[n - 1].end = (uint8_t)(i + 1);
	}
	st->n_stages = (uint8_t)(n ? n : 1);
}

struct cls_subtable *subtable_new(uint64_t map, const uint64_t *masks, uint32_t hash)
{
	unsigned n = (unsigned)__builtin_popcountll(map), i, j = 0;
	struct cls_subtable *st = xzalloc_cacheline(sizeof(*st) + n * sizeof(st->w[0]));

	st->by_mask.hash = hash;
	st->map = map;
	st->n_words = (uint8_t)n;
	st->max_priority = INT32_MIN;
	FLOW_MAP_FOR_EACH (i, map) {
		st->w[j] = (struct masked_word){ masks[j], i };
		j++;
	}
	for (i = 0; i < CLS_N_TRIES; i++)
		st->plen[i] = (uint8_t)prefix_len(cls_field_bits_packed(st, masks, i));
	init_stages(st);
	return st;
}

void subtable_free(struct cls_subtable *st)
{
	rtab_done(&st->rules);
	for (unsigned i = 0; i < ARRAY_SIZE(st->index); i++)
		rtab_done(&st->index[i]);
	free(st);
}

bool subtable_has_mask(const struct cls_subtable *st, uint64_t map, const uint64_t *masks)
{
	if (st->map != map)
		return false;
	for (unsigned i = 0; i < st->n_words; i++)
		if (st->w[i].mask != masks[i])
			return false;
	return true;
}

void subtable_hash(const struct cls_subtable *st, const uint64_t *packed, uint64_t seed,
		   struct cls_hashes *out)
{
	uint64_t sum = 0;
	unsigned at = 0;

	for (unsigned i = 0; i < st->n_stages; i++) {
		unsigned end = st->stage[i].end;

		sum += masked_sum_packed(packed + at, st->w + at, end - at, seed);
		at = end;
		out->stage[i] = masked_finish(sum);
	}
}

struct cls_rule *subtable_chain(const struct cls_subtable *st, const uint64_t *packed,
				uint32_t hash)
{
	struct rtab_node *node;
	struct rtab_pos pos;

	RTAB_FOR_EACH_WITH(node, pos, &st->rules, hash)
	{
		struct cls_rule *r = cls_rule_of(node);

		if (!st->n_words ||
		    !memcmp(minimatch_keys(&r->match), packed, st->n_words * sizeof(*packed)))
			return r;
	}
	return NULL;
}

static struct stage_entry *index_find(const struct rtab *t, uint32_t hash)
{
	struct rtab_pos pos;
	struct rtab_node *node;

	rtab_begin(&pos, t, hash);
	node = rtab_next(&pos);
	return node ? container_of(node, struct stage_entry, node) : NULL;
}

static void index_add(struct rtab *t, uint32_t hash)
{
	struct stage_entry *e = index_find(t, hash);

	if (!e) {
		e = xmalloc(sizeof(*e));
		e->node.hash = hash;
		e->n_rules = 0;
		rtab_insert(t, &e->node);
	}
	e->n_rules++;
}

static void index_remove(struct rtab *t, uint32_t hash)
{
	struct stage_entry *e = index_find(t, hash);

	assert(e);
	if (--e->n_rules)
		return;
	rtab_erase(t, &e->node);
	rcu_defer_free(e);
}

static struct cls_rule *next_of(const struct cls_rule *r)
{
	return atomic_load_explicit(&r->next, memory_order_relaxed);
}

static void set_next(struct cls_rule *r, struct cls_rule *next)
{
	atomic_store_explicit(&r->next, next, memory_order_release);
}

/* Before the first rule in the chain that does not have a higher priority. */
static void chain_add(struct cls_subtable *st, struct cls_rule *head, struct cls_rule *r)
{
	struct cls_rule *prev = NULL, *at = head;

	while (at && at->priority > r->priority) {
		prev = at;
		at = next_of(at);
	}
	set_next(r, at);
	r->prev = prev;
	if (at)
		at->prev = r;
	if (prev)
		set_next(prev, r);
	else if (head)
		rtab_replace(&st->rules, &head->node, &r->node);
	else
		rtab_insert(&st->rules, &r->node);
}

void subtable_add(struct cls_subtable *st, struct cls_rule *r, uint64_t seed)
{
	const uint64_t *packed = minimatch_keys(&r->match);
	struct cls_hashes h;

	subtable_hash(st, packed, seed, &h);
	for (unsigned i = 0; i + 1 < st->n_stages; i++)
		index_add(&st->index[i], h.stage[i]);
	r->node.hash = h.stage[st->n_stages - 1];
	chain_add(st, subtable_chain(st, packed, r->node.hash), r);
	st->n_rules++;
}

/* A reader on r goes on from there: r keeps its next.  No walk: a rule that is replaced faster than
 * grace periods end leaves a long chain behind. */
static void chain_remove(struct cls_subtable *st, struct cls_rule *r)
{
	struct cls_rule *next = next_of(r);

	if (next)
		next->prev = r->prev;
	if (r->prev)
		set_next(r->prev, next);
	else if (next)
		rtab_replace(&st->rules, &r->node, &next->node);
	else
		rtab_erase(&st->rules, &r->node);
}

void subtable_remove(struct cls_subtable *st, struct cls_rule *r, uint64_t seed)
{
	const uint64_t *packed = minimatch_keys(&r->match);
	struct cls_hashes h;

	subtable_hash(st, packed, seed, &h);
	chain_remove(st, r);
	for (unsigned i = 0; i + 1 < st->n_stages; i++)
		/* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): all are set above */
		index_remove(&st->index[i], h.stage[i]);
	st->n_rules--;
}

static void earn_credit(struct cls_subtable *st)
{
	st->credit = MIN(st->credit + SCAN_CREDIT, st->n_rules + SCAN_CREDIT);
}

/* The first of each chain has the chain's highest priority. */
static int32_t scan_max(struct cls_subtable *st)
{
	struct rtab_node *node;
	struct rtab_walk walk;
	int32_t max = INT32_MIN;

	st->credit = 0;
	st->n_max = 0;
	RTAB_FOR_EACH(node, walk, &st->rules)
	{
		const struct cls_rule *r = cls_rule_of(node);

		if (r->priority < max)
			continue;
		if (r->priority > max)
			st->n_max = 0;
		max = r->priority;
		for (; r && r->priority == max; r = next_of(r))
			st->n_max++;
	}
	return max;
}

int32_t subtable_max_after_add(struct cls_subtable *st, int32_t priority)
{
	int32_t max = st->max_priority;

	earn_credit(st);
	if (!st->n_max && st->credit >= st->n_rules)
		max = scan_max(st); /* without the rule in question */
	if (priority < max)
		return max;
	if (priority > max)
		st->n_max = 0;
	st->n_max++;
	return priority;
}

int32_t subtable_max_after_remove(struct cls_subtable *st, int32_t priority)
{
	earn_credit(st);
	if (priority == st->max_priority && st->n_max)
		st->n_max--;
	if (!st->n_max && st->credit >= st->n_rules)
		return scan_max(st);
	return st->max_priority;
}
