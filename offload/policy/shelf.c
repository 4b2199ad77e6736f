/* SPDX-License-Identifier: Apache-2.0 */
#include "offload/policy/shelf.h"

void shelf_init(struct shelf *s)
{
	for (unsigned i = 0; i < SHELF_N; i++)
		CDS_INIT_LIST_HEAD(&s->level[i]);
	s->used = s->visit = 0;
	s->n = s->n_worth = 0;
}

/* 0 for less than one, then one more with each doubling. */
static uint8_t level_of(double value)
{
	uint64_t whole = value < 1 ? 0 : value > 1e15 ? (uint64_t)1e15 : (uint64_t)value;
	unsigned bits = whole ? 64 - (unsigned)__builtin_clzll(whole) : 0;

	return (uint8_t)MIN(bits, (unsigned)SHELF_N - 1);
}

void shelf_drop(struct shelf *s, struct shelf_item *it)
{
	if (!it->on)
		return;
	cds_list_del(&it->node);
	if (cds_list_empty(&s->level[it->level]))
		s->used &= ~(1u << it->level);
	s->n--;
	s->n_worth -= it->level > 0;
	it->on = false;
}

static void put_at(struct shelf *s, struct shelf_item *it, uint8_t level)
{
	cds_list_add_tail(&it->node, &s->level[level]);
	it->level = level;
	it->on = true;
	s->used |= 1u << level;
	s->n++;
	s->n_worth += level > 0;
}

void shelf_put(struct shelf *s, struct shelf_item *it, double value)
{
	uint8_t level = level_of(value);

	if (it->on && it->level == level)
		return;
	shelf_drop(s, it);
	put_at(s, it, level);
}

/* Looks at what stands in a level now; returns how many are left of max, 0 when fn wants no more.
 */
static unsigned visit_level(struct shelf *s, unsigned level, unsigned max, shelf_visit_fn *fn,
			    void *aux)
{
	struct cds_list_head *last = s->level[level].prev;
	bool more = true, end = false;

	while (more && !end && max) {
		struct shelf_item *it =
			cds_list_entry(s->level[level].next, struct shelf_item, node);
		double value = 0;

		/* It has come down from above, and so have all behind it. */
		if (it->visit == s->visit)
			break;
		it->visit = s->visit;
		end = &it->node == last;
		more = fn(it, &value, aux);
		shelf_drop(s, it);
		put_at(s, it, MIN(level_of(value), it->level));
		max--;
	}
	return more ? max : 0;
}

void shelf_visit(struct shelf *s, unsigned max, shelf_visit_fn *fn, void *aux)
{
	uint32_t left = s->used;

	s->visit++;
	while (left && max) {
		unsigned level = 31 - (unsigned)__builtin_clz(left);

		left &= ~(1u << level);
		max = visit_level(s, level, max, fn, aux);
	}
}
