/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/htable.h"

#include <assert.h>

#include "core/base/xalloc.h"

void htable_done(struct htable *t)
{
	free(t->buckets);
	*t = (struct htable)HTABLE_INIT;
}

static void resize(struct htable *t, size_t n_buckets)
{
	struct hnode **old = t->buckets, *node, *next;
	size_t n_old = old ? t->mask + 1 : 0;

	t->buckets = xcalloc(n_buckets, sizeof(*t->buckets));
	t->mask = n_buckets - 1;
	for (size_t i = 0; i < n_old; i++) {
		for (node = old[i]; node; node = next) {
			struct hnode **bucket = &t->buckets[node->hash & t->mask];

			next = node->next;
			node->next = *bucket;
			*bucket = node;
		}
	}
	free(old);
}

void htable_reserve(struct htable *t, size_t n)
{
	size_t n_buckets = t->buckets ? t->mask + 1 : 8;

	while (n_buckets < n)
		n_buckets *= 2;
	if (!t->buckets || n_buckets != t->mask + 1)
		resize(t, n_buckets);
}

void htable_insert(struct htable *t, struct hnode *node, uint64_t hash)
{
	struct hnode **bucket;

	htable_reserve(t, t->n + 1);
	bucket = &t->buckets[hash & t->mask];
	node->hash = hash;
	node->next = *bucket;
	*bucket = node;
	t->n++;
}

void htable_remove(struct htable *t, struct hnode *node)
{
	struct hnode **p = &t->buckets[node->hash & t->mask];

	while (*p != node) {
		assert(*p);
		p = &(*p)->next;
	}
	*p = node->next;
	node->next = NULL;
	t->n--;
}

static struct hnode *first_from(const struct htable *t, size_t i)
{
	if (!t->buckets)
		return NULL;
	for (; i <= t->mask; i++)
		if (t->buckets[i])
			return t->buckets[i];
	return NULL;
}

struct hnode *htable_first(const struct htable *t)
{
	return first_from(t, 0);
}

struct hnode *htable_next(const struct htable *t, const struct hnode *n)
{
	return n->next ? n->next : first_from(t, (n->hash & t->mask) + 1);
}
