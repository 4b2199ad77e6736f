/* SPDX-License-Identifier: Apache-2.0 */
/* Exchanges: one flow takes the place of others in a full table.
 *
 * Where the device has an entry to spare (budget.h) the new rule goes in first, and the old ones
 * leave when the driver has confirmed it: neither has a moment without hardware.  Where there is
 * none, the old ones leave first and the new one follows in the same batch.  When a new one cannot
 * have its place after all, the old ones stay, and the churn that they were to cost is given back.
 *
 * A decision makes many exchanges, the spare entries last for a few: the others stand in `due` and
 * begin as entries come back.  Nobody tells an exchange how its flows fare; it looks at them after
 * each batch, so whatever else happens to them needs no word about it. */
#include <errno.h>
#include <stdlib.h>

#include "core/base/xalloc.h"
#include "offload/engine_priv.h"

struct swap {
	struct cds_list_head node;   /* engine_dev.due or .swaps */
	struct engine_flow *in;      /* referenced */
	bool victims_first, leaving; /* leaving: the old ones have been asked to */
	uint32_t n;
	struct engine_flow *out[]; /* referenced */
};

static bool still_waits(const struct engine_flow *f)
{
	return !f->deleted && !f->busy && f->queued.place == QUEUE_NOWHERE &&
	       (f->waiting || f->state == OFFLOAD_ST_TC);
}

static bool still_has(const struct engine_flow *f)
{
	return !f->deleted && f->want && f->state == OFFLOAD_ST_HARDWARE;
}

int swap_add(struct engine_dev *d, struct engine_flow *in, struct engine_flow *const out[],
	     uint32_t n)
{
	struct swap *s;

	if (!still_waits(in) || in->swapping)
		return -EAGAIN;
	for (uint32_t i = 0; i < n; i++)
		if (!still_has(out[i]) || out[i]->swapping)
			return -EAGAIN;
	s = xzalloc(sizeof(*s) + n * sizeof(struct engine_flow *));
	s->in = engine_flow_ref(in);
	in->swapping = true;
	s->n = n;
	for (uint32_t i = 0; i < n; i++) {
		s->out[i] = engine_flow_ref(out[i]);
		out[i]->swapping = true;
	}
	cds_list_add_tail(&s->node, &d->due);
	return 0;
}

static void end(struct swap *s)
{
	s->in->swapping = false;
	engine_flow_unref(s->in);
	for (uint32_t i = 0; i < s->n; i++) {
		s->out[i]->swapping = false;
		engine_flow_unref(s->out[i]);
	}
	cds_list_del(&s->node);
	free(s);
}

static void evict(struct engine_dev *d, struct swap *s) REQUIRES(&d->e->lock)
{
	s->leaving = true;
	for (uint32_t i = 0; i < s->n; i++)
		if (still_has(s->out[i]) && s->out[i]->dev == d)
			place_evict(s->out[i], OFFLOAD_EVICTED);
}

static uint32_t freed_by(const struct swap *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; s->leaving && i < s->n; i++)
		n += s->out[i]->handle ? s->out[i]->charged : 0;
	return n;
}

static bool under_way(const struct engine_flow *f)
{
	return !f->deleted && (f->busy || f->queued.place != QUEUE_NOWHERE);
}

/* Looks at one that has begun; the entries that it still needs or will give back. */
static void look_at(struct engine_dev *d, struct swap *s, uint64_t now_ns, uint64_t *need,
		    uint64_t *freed) REQUIRES(&d->e->lock)
{
	bool waits = under_way(s->in) && s->in->state != OFFLOAD_ST_HARDWARE;

	if (waits) {
		*need += MAX(s->in->cost, 1u);
	} else if (!s->leaving && still_has(s->in)) {
		d->stat.exchanges++;
		evict(d, s);
	} else if (!s->leaving) { /* it did not come */
		budget_churn_refund(&d->budget, s->n, now_ns);
		end(s);
		return;
	}
	if (!waits && !freed_by(s))
		end(s);
	else
		*freed += freed_by(s);
}

static bool is_stale(const struct swap *s)
{
	if (!still_waits(s->in))
		return true;
	for (uint32_t i = 0; i < s->n; i++)
		if (!still_has(s->out[i]))
			return true;
	return false;
}

static void begin(struct engine_dev *d, struct swap *s) REQUIRES(&d->e->lock)
{
	cds_list_del(&s->node);
	cds_list_add_tail(&s->node, &d->swaps);
	if (s->victims_first)
		evict(d, s);
	policy_bring_in(d->e, s->in);
}

void swap_step(struct engine_dev *d, uint64_t now_ns)
{
	uint64_t need = 0, freed = 0, room;
	struct swap *s, *next;

	cds_list_for_each_entry_safe (s, next, &d->swaps, node)
		look_at(d, s, now_ns, &need, &freed);
	room = budget_room(&d->budget, now_ns);
	cds_list_for_each_entry_safe (s, next, &d->due, node) {
		uint32_t cost = MAX(s->in->cost, 1u);

		if (is_stale(s)) {
			budget_churn_refund(&d->budget, s->n, now_ns);
			end(s);
			continue;
		}
		if (need + cost > room + freed) {
			if (need || freed)
				return; /* when those under way are through */
			s->victims_first = true;
		}
		begin(d, s);
		need += cost;
		freed += freed_by(s);
	}
}

void swap_forget(struct engine_dev *d, uint64_t now_ns)
{
	struct swap *s, *next;

	cds_list_for_each_entry_safe (s, next, &d->due, node) {
		budget_churn_refund(&d->budget, s->n, now_ns);
		end(s);
	}
}

void swap_done(struct engine_dev *d)
{
	struct swap *s, *next;

	lock_take(&d->e->lock);
	cds_list_for_each_entry_safe (s, next, &d->due, node)
		end(s);
	cds_list_for_each_entry_safe (s, next, &d->swaps, node)
		end(s);
	lock_give(&d->e->lock);
}
