/* SPDX-License-Identifier: Apache-2.0 */
#include "tc/prio.h"

#include <errno.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/xalloc.h"
#include "tc/filter.h"

struct use {
	uint16_t prio;
	be16 protocol;
	uint32_t n; /* rules */
};

struct chain {
	struct hnode node; /* tc_prios.chains */
	uint64_t block;
	uint32_t no;
	size_t n, cap;
	struct use *uses; /* owned; by prio */
};

void tc_prios_init(struct tc_prios *p)
{
	htable_init(&p->chains);
	p->first = TC_PRIO_FIRST;
	p->last = TC_PRIO_LAST;
}

static void drop_chain(struct tc_prios *p, struct chain *c)
{
	htable_remove(&p->chains, &c->node);
	free(c->uses);
	free(c);
}

void tc_prios_done(struct tc_prios *p)
{
	struct chain *c;

	HTABLE_FOR_EACH (c, struct chain, node, &p->chains)
		drop_chain(p, c);
	htable_done(&p->chains);
}

static uint64_t hash_of(uint64_t block, uint32_t chain)
{
	return hash_u64(block, chain);
}

static struct chain *find(const struct tc_prios *p, uint64_t block, uint32_t no)
{
	struct chain *c;

	HTABLE_FOR_EACH_WITH (c, struct chain, node, hash_of(block, no), &p->chains)
		if (c->block == block && c->no == no)
			return c;
	return NULL;
}

static struct chain *find_or_make(struct tc_prios *p, uint64_t block, uint32_t no)
{
	struct chain *c = find(p, block, no);

	if (c)
		return c;
	c = xzalloc(sizeof(*c));
	c->block = block;
	c->no = no;
	htable_insert(&p->chains, &c->node, hash_of(block, no));
	return c;
}

/* Where `prio` is or belongs. */
static size_t place_of(const struct chain *c, uint16_t prio)
{
	size_t i = 0;

	while (i < c->n && c->uses[i].prio < prio)
		i++;
	return i;
}

static void insert(struct chain *c, size_t i, uint16_t prio, be16 protocol)
{
	if (c->n == c->cap)
		c->uses = xgrow(c->uses, &c->cap, c->n + 1, sizeof(*c->uses));
	memmove(&c->uses[i + 1], &c->uses[i], (c->n - i) * sizeof(*c->uses));
	c->uses[i] = (struct use){ prio, protocol, 1 };
	c->n++;
}

/* The lowest that nobody has. */
static bool free_prio(const struct tc_prios *p, const struct chain *c, uint16_t *prio)
{
	uint32_t next = p->first;

	for (size_t i = 0; i < c->n && c->uses[i].prio <= next; i++)
		if (c->uses[i].prio == next)
			next++;
	*prio = (uint16_t)next;
	return next <= p->last;
}

int tc_prios_take(struct tc_prios *p, uint64_t block, uint32_t chain, be16 protocol, uint16_t avoid,
		  uint16_t *ret)
{
	struct chain *c = find_or_make(p, block, chain);

	for (size_t i = 0; i < c->n; i++)
		if (c->uses[i].protocol == protocol && c->uses[i].prio != avoid) {
			c->uses[i].n++;
			*ret = c->uses[i].prio;
			return 0;
		}
	if (!free_prio(p, c, ret))
		return -ENOSPC; /* so the chain is not empty, and stays */
	insert(c, place_of(c, *ret), *ret, protocol);
	return 0;
}

void tc_prios_adopt(struct tc_prios *p, uint64_t block, uint32_t chain, be16 protocol,
		    uint16_t prio)
{
	struct chain *c = find_or_make(p, block, chain);
	size_t i = place_of(c, prio);

	if (i < c->n && c->uses[i].prio == prio)
		c->uses[i].n++;
	else
		insert(c, i, prio, protocol);
}

void tc_prios_give(struct tc_prios *p, uint64_t block, uint32_t chain, uint16_t prio)
{
	struct chain *c = find(p, block, chain);
	size_t i = place_of(c, prio); /* there is one: it was taken */

	if (--c->uses[i].n)
		return;
	c->n--;
	memmove(&c->uses[i], &c->uses[i + 1], (c->n - i) * sizeof(*c->uses));
	if (!c->n)
		drop_chain(p, c);
}
