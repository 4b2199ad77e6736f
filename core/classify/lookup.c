/* SPDX-License-Identifier: Apache-2.0 */
/* The reader's half of the classifier: classifier_lookup() and classifier_lookup_soft(). */
#include <stdlib.h>

#include "core/base/xalloc.h"
#include "core/classify/classifier_private.h"

/* One lookup that wants its mask. */
struct lookup {
	const struct classifier *c;
	const uint64_t *key; /* words */
	struct flow_key *mask;
	struct cls_soft *soft; /* NULL: not wanted */
	uint64_t version;
	uint8_t known;               /* bit i: trie[i] is filled in */
	uint8_t folded[CLS_N_TRIES]; /* leading bits that tries have put in the mask */
	struct trie_match trie[CLS_N_TRIES];
};

/* The first `end` words of st's mask were looked at. */
static void fold(struct lookup *l, const struct cls_subtable *st, unsigned end)
{
	uint64_t *m = flow_words(l->mask);

	for (unsigned i = 0; i < end; i++)
		m[st->w[i].word] |= st->w[i].mask;
}

/* `len` leading bits of a field were looked at. */
static void fold_prefix(struct lookup *l, unsigned field, unsigned len)
{
	const struct cls_trie_field *f = &cls_trie_field[field];
	struct trie_bits p = trie_prefix(len);
	be64 w[2] = { hton64(p.hi), hton64(p.lo) };
	uint8_t *to = (uint8_t *)l->mask + f->ofs;

	for (unsigned i = 0; i < f->size; i++)
		/* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign): size is at most 16 */
		to[i] |= ((const uint8_t *)w)[i];
}

/* What st's mask has of the fields that give an address or port its meaning. */
static void fold_prereqs(struct lookup *l, const struct cls_subtable *st, bool port)
{
	static const struct flow_key of[2] = {
		{ .dl_type = 0xffff },
		{ .dl_type = 0xffff, .nw_proto = 0xff, .nw_frag = 0xff },
	};
	const uint64_t *pre = flow_words_const(&of[port]);
	uint64_t *m = flow_words(l->mask);

	for (unsigned i = 0; i < st->n_words; i++)
		m[st->w[i].word] |= st->w[i].mask & pre[st->w[i].word];
}

static const struct trie_match *trie_of(struct lookup *l, unsigned field)
{
	if (!(l->known >> field & 1)) {
		const void *key = l->key;

		trie_lookup(&l->c->trie[field], cls_field_bits(key, field), &l->trie[field]);
		l->known |= (uint8_t)(1u << field);
	}
	return &l->trie[field];
}

/* True when the trie of one of `fields` shows that no rule of st can match; of several, the one
 * that adds the fewest bits to the mask is taken. */
static bool ruled_out(struct lookup *l, const struct cls_subtable *st, unsigned fields)
{
	unsigned best = CLS_N_TRIES, best_cost = UINT32_MAX, best_len = 0, i;

	FLOW_MAP_FOR_EACH (i, fields) {
		const struct trie_match *m = trie_of(l, i);
		unsigned len = MIN(m->n_bits, st->plen[i]), cost;

		if (trie_match_has(m, st->plen[i]))
			continue;
		cost = len > l->folded[i] ? len - l->folded[i] : 0;
		if (cost < best_cost) {
			best = i;
			best_cost = cost;
			best_len = len;
		}
	}
	if (best == CLS_N_TRIES)
		return false;
	if (best_cost) {
		fold_prefix(l, best, best_len);
		l->folded[best] = (uint8_t)best_len;
	}
	fold_prereqs(l, st, cls_trie_field[best].port);
	return true;
}

static bool index_has(const struct rtab *t, uint32_t hash)
{
	struct rtab_pos pos;

	rtab_begin(&pos, t, hash);
	return rtab_next(&pos) != NULL;
}

static void soft_add(struct cls_soft *soft, const struct cls_rule *r)
{
	if (soft->n == soft->cap)
		soft->r = xgrow(soft->r, &soft->cap, soft->n + 1, sizeof(const struct cls_rule *));
	soft->r[soft->n++] = r;
}

/* The first visible rule of a chain that is not soft; the soft ones before it. */
static const struct cls_rule *first_of(const struct cls_rule *r, uint64_t version,
				       struct cls_soft *soft)
{
	for (; r; r = atomic_load_explicit(&r->next, memory_order_acquire)) {
		if (!cls_rule_visible(r, version))
			continue;
		if (!r->soft)
			return r;
		if (soft)
			soft_add(soft, r);
	}
	return NULL;
}

/* The visible rule of st that a packet with these words hits. */
static const struct cls_rule *rule_at(const struct cls_subtable *st, const uint64_t *key,
				      uint32_t hash, uint64_t version, struct cls_soft *soft)
{
	struct rtab_node *node;
	struct rtab_pos pos;

	RTAB_FOR_EACH_WITH(node, pos, &st->rules, hash)
	{
		const struct cls_rule *r = cls_rule_of(node);

		if (masked_equal(key, st->w, st->n_words, minimatch_keys(&r->match)))
			return first_of(r, version, soft);
	}
	return NULL;
}

/* Looks in st stage by stage and folds what that took into the mask. */
static const struct cls_rule *probe_staged(struct lookup *l, const struct cls_subtable *st)
{
	unsigned at = 0, end, last = st->n_stages - 1u;
	uint64_t sum = 0;

	for (unsigned i = 0;; i++) {
		if (st->stage[i].tries && ruled_out(l, st, st->stage[i].tries))
			return NULL;
		end = st->stage[i].end;
		sum += masked_sum(l->key, st->w + at, end - at, l->c->seed);
		at = end;
		if (i == last)
			break;
		if (!index_has(&st->index[i], masked_finish(sum))) {
			fold(l, st, end);
			return NULL;
		}
	}
	fold(l, st, end);
	return rule_at(st, l->key, masked_finish(sum), l->version, l->soft);
}

static const struct cls_rule *lookup_with_mask(struct lookup *l)
{
	struct rank_cursor cur = rank_begin(&l->c->rank);
	const struct cls_rule *best = NULL;
	const struct rank_entry *e;

	while ((e = rank_next(&cur)) && (!best || best->priority < rank_priority(e))) {
		const struct cls_rule *r = probe_staged(l, e->st);

		if (r && (!best || r->priority > best->priority))
			best = r;
	}
	return best;
}

static const struct cls_rule *lookup_plain(const struct classifier *c, uint64_t version,
					   const uint64_t *key, struct cls_soft *soft)
{
	struct rank_cursor cur = rank_begin(&c->rank);
	const struct cls_rule *best = NULL;
	const struct rank_entry *e;

	while ((e = rank_next(&cur)) && (!best || best->priority < rank_priority(e))) {
		const struct cls_subtable *st = e->st;
		uint32_t hash = masked_finish(masked_sum(key, st->w, st->n_words, c->seed));
		const struct cls_rule *r = rule_at(st, key, hash, version, soft);

		if (r && (!best || r->priority > best->priority))
			best = r;
	}
	return best;
}

static const struct cls_rule *lookup(const struct classifier *c, uint64_t version,
				     const struct flow_key *key, struct flow_key *mask,
				     struct cls_soft *soft)
{
	struct lookup l;

	if (!mask)
		return lookup_plain(c, version, flow_words_const(key), soft);
	l.c = c;
	l.key = flow_words_const(key);
	l.mask = mask;
	l.soft = soft;
	l.version = version;
	l.known = 0;
	memset(l.folded, 0, sizeof(l.folded));
	return lookup_with_mask(&l);
}

const struct cls_rule *classifier_lookup(const struct classifier *c, uint64_t version,
					 const struct flow_key *key, struct flow_key *mask)
{
	return lookup(c, version, key, mask, NULL);
}

static int by_falling_priority(const void *a, const void *b)
{
	const struct cls_rule *const *x = a, *const *y = b;

	return (*x)->priority < (*y)->priority ? 1 : (*x)->priority > (*y)->priority ? -1 : 0;
}

const struct cls_rule *classifier_lookup_soft(const struct classifier *c, uint64_t version,
					      const struct flow_key *key, struct flow_key *mask,
					      struct cls_soft *soft)
{
	const struct cls_rule *hard = lookup(c, version, key, mask, soft);
	size_t n = 0;

	for (size_t i = 0; i < soft->n; i++)
		if (!hard || soft->r[i]->priority > hard->priority)
			soft->r[n++] = soft->r[i];
	soft->n = n;
	if (n)
		qsort(soft->r, n, sizeof(const struct cls_rule *), by_falling_priority);
	return hard;
}
