/* SPDX-License-Identifier: Apache-2.0 */
#include "tc/sample_group.h"

#include <string.h>

#include "core/base/hash.h"
#include "core/base/xalloc.h"

#define SEED 0x7073616d706c65 /* of numbers that outlive a process */
#define OURS 0x80000000u      /* people number theirs from one on */

struct group {
	struct hnode node; /* in young or old, by number */
	uint32_t number;
	struct sample_source source;
};

static uint32_t number_of(const struct sample_source *s)
{
	uint64_t words[5] = { (uint64_t)s->kernel << 32 | s->in.v };

	sflow_cookie_pack(&s->what, &words[1]);
	return (uint32_t)hash_bytes(words, sizeof(words), SEED) | OURS;
}

static bool is_same(const struct sample_source *a, const struct sample_source *b)
{
	uint64_t x[4], y[4];

	sflow_cookie_pack(&a->what, x);
	sflow_cookie_pack(&b->what, y);
	return a->kernel == b->kernel && a->in.v == b->in.v && !memcmp(x, y, sizeof(x));
}

static struct group *find_in(struct htable *t, uint32_t number)
{
	struct group *x;

	HTABLE_FOR_EACH_WITH (x, struct group, node, hash_u64(number, 0), t)
		if (x->number == number)
			return x;
	return NULL;
}

static void forget(struct htable *t)
{
	struct hnode *n, *next;

	for (n = htable_first(t); n; n = next) {
		next = htable_next(t, n);
		free(container_of(n, struct group, node));
	}
	htable_done(t);
}

static void keep(struct sample_groups *g, struct group *x)
{
	if (g->young.n >= g->most) {
		forget(&g->old);
		g->old = g->young;
		htable_init(&g->young);
	}
	htable_insert(&g->young, &x->node, hash_u64(x->number, 0));
}

static struct group *find(struct sample_groups *g, uint32_t number)
{
	struct group *x = find_in(&g->young, number);

	if (x)
		return x;
	x = find_in(&g->old, number);
	if (!x)
		return NULL;
	htable_remove(&g->old, &x->node);
	keep(g, x);
	return x;
}

uint32_t sample_group_of(struct sample_groups *g, const struct sample_source *s)
{
	uint32_t number = number_of(s);
	struct group *x = find(g, number);

	if (x)
		return is_same(&x->source, s) ? number : 0;
	x = xmalloc(sizeof(*x));
	x->number = number;
	x->source = *s;
	keep(g, x);
	return number;
}

bool sample_group_find(struct sample_groups *g, uint32_t number, struct sample_source *ret)
{
	const struct group *x = find(g, number);

	if (x)
		*ret = x->source;
	return x;
}

void sample_groups_init(struct sample_groups *g, size_t most)
{
	htable_init(&g->young);
	htable_init(&g->old);
	g->most = most;
}

void sample_groups_done(struct sample_groups *g)
{
	forget(&g->young);
	forget(&g->old);
}
