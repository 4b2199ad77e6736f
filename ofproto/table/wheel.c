/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/table/wheel.h"

void wheel_init(struct wheel *w, uint64_t now_ns)
{
	*w = (struct wheel){ .tick = now_ns / WHEEL_TICK_NS };
	for (unsigned i = 0; i < WHEEL_SLOTS; i++)
		CDS_INIT_LIST_HEAD(&w->slots[i]);
}

static void place(struct wheel *w, struct wheel_entry *e)
{
	uint64_t tick = e->due_ns / WHEEL_TICK_NS;

	tick = MAX(tick, w->tick);
	tick = MIN(tick, w->tick + WHEEL_SLOTS - 1);
	e->slot = (uint16_t)(tick % WHEEL_SLOTS);
	cds_list_add_tail(&e->link, &w->slots[e->slot]);
	w->map[e->slot / 64] |= UINT64_C(1) << (e->slot % 64);
}

static void unmark_if_empty(struct wheel *w, unsigned slot)
{
	if (cds_list_empty(&w->slots[slot]))
		w->map[slot / 64] &= ~(UINT64_C(1) << (slot % 64));
}

void wheel_add(struct wheel *w, struct wheel_entry *e, uint64_t due_ns)
{
	e->due_ns = due_ns;
	e->in = true;
	w->n++;
	place(w, e);
}

void wheel_remove(struct wheel *w, struct wheel_entry *e)
{
	if (!e->in)
		return;
	cds_list_del(&e->link);
	unmark_if_empty(w, e->slot);
	e->in = false;
	w->n--;
}

/* Entries of the slot at w->tick: out when due, else to where they belong by now. */
static void turn_slot(struct wheel *w, uint64_t now_ns, wheel_fn *fn, void *aux)
{
	struct cds_list_head *slot = &w->slots[w->tick % WHEEL_SLOTS];
	CDS_LIST_HEAD(waiting);
	struct wheel_entry *e;

	/* fn may take other entries out, this slot's too: always the first one of what is left. */
	while (!cds_list_empty(slot)) {
		e = cds_list_entry(slot->next, struct wheel_entry, link);
		if (e->due_ns <= now_ns) {
			wheel_remove(w, e);
			fn(e, aux);
		} else {
			cds_list_move(&e->link, &waiting);
		}
	}
	unmark_if_empty(w, (unsigned)(w->tick % WHEEL_SLOTS));
	if (w->tick < now_ns / WHEEL_TICK_NS)
		w->tick++;
	while (!cds_list_empty(&waiting)) {
		e = cds_list_entry(waiting.next, struct wheel_entry, link);
		cds_list_del(&e->link);
		place(w, e);
	}
}

void wheel_expire(struct wheel *w, uint64_t now_ns, wheel_fn *fn, void *aux)
{
	uint64_t end = now_ns / WHEEL_TICK_NS;

	while (w->tick < end) {
		if (!w->n)
			w->tick = end;
		else
			turn_slot(w, now_ns, fn, aux);
	}
	turn_slot(w, now_ns, fn, aux);
}

static uint64_t first_tick(const struct wheel *w)
{
	for (uint64_t t = w->tick; t < w->tick + WHEEL_SLOTS; t++) {
		unsigned slot = (unsigned)(t % WHEEL_SLOTS);

		if (w->map[slot / 64] >> (slot % 64) & 1)
			return t;
	}
	return UINT64_MAX;
}

uint64_t wheel_next_ns(const struct wheel *w)
{
	uint64_t tick = first_tick(w), next = UINT64_MAX;
	const struct wheel_entry *e;

	if (tick == UINT64_MAX)
		return UINT64_MAX;
	cds_list_for_each_entry (e, &w->slots[tick % WHEEL_SLOTS], link) {
		next = MIN(next, e->due_ns);
	}
	/* Entries of later turns say nothing about the slots behind this one. */
	return MIN(next, (tick + 1) * WHEEL_TICK_NS);
}
