/* SPDX-License-Identifier: Apache-2.0 */
#include "core/classify/trie.h"

#include <assert.h>
#include <stdatomic.h>

#include "core/base/xalloc.h"

struct trie_node {
	struct trie_bits v; /* zero behind len */
	struct trie_node *_Atomic child[2];
	_Atomic uint32_t n_rules; /* 0: only a fork */
	uint8_t len;
};

typedef struct trie_node *_Atomic trie_link;

static struct trie_node *get(const trie_link *link)
{
	return atomic_load_explicit(link, memory_order_acquire);
}

static void set(trie_link *link, struct trie_node *n)
{
	atomic_store_explicit(link, n, memory_order_release);
}

/* Bit i, counted from the first. */
static unsigned bit_at(struct trie_bits v, unsigned i)
{
	return (i < 64 ? v.hi >> (63 - i) : v.lo >> (127 - i)) & 1;
}

/* How many leading bits a and b share. */
static unsigned common_bits(struct trie_bits a, struct trie_bits b)
{
	uint64_t hi = a.hi ^ b.hi, lo = a.lo ^ b.lo;

	if (hi)
		return (unsigned)__builtin_clzll(hi);
	return lo ? 64 + (unsigned)__builtin_clzll(lo) : 128;
}

static struct trie_node *node_new(struct trie_bits v, unsigned len, uint32_t n_rules)
{
	struct trie_node *n = xzalloc(sizeof(*n));
	struct trie_bits m = trie_prefix(len);

	n->v = (struct trie_bits){ v.hi & m.hi, v.lo & m.lo };
	n->len = (uint8_t)len;
	atomic_init(&n->n_rules, n_rules);
	return n;
}

/* Puts a leaf beside or above `node`, with which v shares `common` bits. */
static void put_above(trie_link *link, struct trie_node *node, struct trie_node *leaf,
		      unsigned common)
{
	struct trie_node *top = leaf;

	if (common < leaf->len) {
		top = node_new(leaf->v, common, 0);
		set(&top->child[bit_at(leaf->v, common)], leaf);
	}
	set(&top->child[bit_at(node->v, common)], node);
	set(link, top);
}

void trie_insert(struct trie *t, struct trie_bits v, unsigned len)
{
	trie_link *link = &t->root;
	struct trie_node *node;

	while ((node = get(link))) {
		unsigned common = MIN(common_bits(node->v, v), MIN(len, node->len));

		if (common < node->len) {
			put_above(link, node, node_new(v, len, 1), common);
			return;
		}
		if (len == node->len) {
			node->n_rules++;
			return;
		}
		link = &node->child[bit_at(v, node->len)];
	}
	set(link, node_new(v, len, 1));
}

/* Takes out the node at `link` if it neither ends a prefix nor forks.  True when it went without
 * leaving a child in its place. */
static bool prune(trie_link *link)
{
	struct trie_node *node = get(link), *a = get(&node->child[0]), *b = get(&node->child[1]);

	if (node->n_rules || (a && b))
		return false;
	set(link, a ? a : b);
	rcu_defer_free(node);
	return !a && !b;
}

void trie_remove(struct trie *t, struct trie_bits v, unsigned len)
{
	trie_link *parent = NULL, *link = &t->root;
	struct trie_node *node;

	for (node = get(link); node && node->len < len; node = get(link)) {
		parent = link;
		link = &node->child[bit_at(v, node->len)];
	}
	assert(node && node->len == len && common_bits(node->v, v) >= len);
	node->n_rules--;
	if (prune(link) && parent)
		(void)prune(parent); /* a fork that has lost one side */
}

void trie_lookup(const struct trie *t, struct trie_bits v, struct trie_match *out)
{
	const struct trie_node *node = get(&t->root), *next;

	*out = (struct trie_match){ .n_bits = 0 };
	for (; node; node = next) {
		unsigned common = common_bits(node->v, v), turn;

		if (common < node->len) {
			out->n_bits = common + 1; /* the bit that differs decides */
			return;
		}
		if (atomic_load_explicit(&node->n_rules, memory_order_relaxed))
			out->lens[(node->len - 1) / 64] |= UINT64_C(1) << ((node->len - 1) % 64);
		if (node->len == 128)
			turn = 0; /* a leaf: both children are NULL */
		else
			turn = bit_at(v, node->len);
		next = get(&node->child[turn]);
		/* Nothing this way: the next bit was looked at only if there is another way. */
		out->n_bits = node->len + (next || get(&node->child[!turn]));
	}
}

static size_t count_below(const struct trie_node *n)
{
	return n ? 1 + count_below(get(&n->child[0])) + count_below(get(&n->child[1])) : 0;
}

size_t trie_count(const struct trie *t)
{
	return count_below(get(&t->root));
}
