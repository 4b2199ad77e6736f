/* SPDX-License-Identifier: Apache-2.0 */
/* A prefix trie: which prefixes of one field do the rules of a classifier use, and how many leading
 * bits of a packet's value tell which of them it has?
 *
 * With it a lookup may leave out a subtable whose rules match on, say, /24 when no rule's /24 holds
 * the packet's address, and the answer depends on no more bits than it took to leave the trie.
 *
 * Path-compressed and binary.  Nodes hold their whole prefix, not a piece of it, so that putting a
 * node between two others changes neither: an insertion allocates and stores one pointer, a removal
 * stores one pointer and frees after a grace period, and a reader sees the trie before or after.
 *
 * Threads: trie_lookup() inside an RCU read section; writers exclude each other.  Cost: O(depth)
 * steps, 48 bytes of memory a node, at most two nodes a distinct prefix. */
#pragma once

#include "core/base/rcu.h"

/* Up to 128 bits, first bit on the wire = bit 63 of hi; host order. */
struct trie_bits {
	uint64_t hi, lo;
};

struct trie_node;
struct trie {
	struct trie_node *_Atomic root; /* owned, RCU */
};

struct trie_match {
	uint64_t lens[2]; /* bit len-1 is set: a stored prefix of that length holds the value */
	unsigned n_bits;  /* leading bits of the value that decide `lens` */
};

static inline bool trie_match_has(const struct trie_match *m, unsigned len)
{
	return (m->lens[(len - 1) / 64] >> ((len - 1) % 64)) & 1;
}

/* The mask of the first `len` bits, 0 to 128. */
static inline struct trie_bits trie_prefix(unsigned len)
{
	struct trie_bits m = { UINT64_MAX, UINT64_MAX };

	if (len < 64) {
		m.lo = 0;
		m.hi = len ? UINT64_MAX << (64 - len) : 0;
	} else if (len < 128) {
		m.lo = len > 64 ? UINT64_MAX << (128 - len) : 0;
	}
	return m;
}

/* One more rule uses the first len bits (1 to 128) of v. */
void trie_insert(struct trie *t, struct trie_bits v, unsigned len);
/* One rule fewer; the prefix must be in. */
void trie_remove(struct trie *t, struct trie_bits v, unsigned len);
void trie_lookup(const struct trie *t, struct trie_bits v, struct trie_match *out);
/* Nodes in use, for tests. */
size_t trie_count(const struct trie *t);
