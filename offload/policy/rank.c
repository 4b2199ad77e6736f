/* SPDX-License-Identifier: Apache-2.0 */
#include "offload/policy/rank.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"

const char *const placement_name[PLACEMENT_N] = {
	[PLACEMENT_GREEDY] = "greedy",
	[PLACEMENT_RATE] = "rate",
	[PLACEMENT_PINNED] = "pinned",
};

int placement_parse(const char *text)
{
	for (int i = 0; i < PLACEMENT_N; i++)
		if (!strcmp(text, placement_name[i]))
			return i;
	return -1;
}

/* --- the heap --- */

void rank_heap_init(struct rank_heap *h, uint32_t cap)
{
	*h = (struct rank_heap){ .cap = MAX(cap, 1u) };
}

void rank_heap_done(struct rank_heap *h)
{
	free(h->v);
}

static void exchange(struct rank_flow *a, struct rank_flow *b)
{
	struct rank_flow t = *a;

	*a = *b;
	*b = t;
}

static void sift_up(struct rank_heap *h, uint32_t i)
{
	for (; i && h->v[(i - 1) / 2].value < h->v[i].value; i = (i - 1) / 2)
		exchange(&h->v[(i - 1) / 2], &h->v[i]);
}

static void sift_down(struct rank_heap *h)
{
	for (uint32_t i = 0, kid; (kid = 2 * i + 1) < h->n; i = kid) {
		if (kid + 1 < h->n && h->v[kid + 1].value > h->v[kid].value)
			kid++;
		if (h->v[i].value >= h->v[kid].value)
			return;
		exchange(&h->v[i], &h->v[kid]);
	}
}

void *rank_heap_offer(struct rank_heap *h, const struct rank_flow *f)
{
	void *out = NULL;

	if (h->n < h->cap) {
		if (h->n == h->size) {
			h->size = MIN(MAX(h->size * 2, 16u), h->cap);
			h->v = xrealloc(h->v, h->size * sizeof(*h->v));
		}
		h->v[h->n] = *f;
		sift_up(h, h->n++);
	} else if (f->value < h->v[0].value) {
		out = h->v[0].flow;
		h->v[0] = *f;
		sift_down(h);
	} else {
		out = f->flow;
	}
	return out;
}

/* --- the decision --- */

/* The victims of one port, least valuable first; lasting ones apart. */
struct line {
	uint32_t next, end;
};

struct deciding {
	struct rank_in *in;
	struct rank_out *out;
	struct line *lines; /* of port p: 2p, and 2p + 1 for the lasting ones */
	uint32_t moves;     /* flows that have been placed */
	uint32_t *beaten;   /* of port p: 1 + moves when a flow of one entry was not worth it */
};

enum phase { PHASE_PINNED, PHASE_SHARE, PHASE_REST };

static int by_want(const void *a, const void *b)
{
	const struct rank_flow *x = a, *y = b;

	if (x->pinned != y->pinned)
		return x->pinned ? -1 : 1;
	if (x->value != y->value)
		return x->value > y->value ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

static uint32_t line_of(const struct rank_flow *f)
{
	return 2 * f->port + f->lasting;
}

static int by_line(const void *a, const void *b)
{
	const struct rank_flow *x = a, *y = b;
	uint32_t p = line_of(x), q = line_of(y);

	if (p != q)
		return p < q ? -1 : 1;
	return (x->value > y->value) - (x->value < y->value);
}

static void make_lines(struct deciding *d)
{
	d->lines = xcalloc(2 * (size_t)d->in->n_ports + 1, sizeof(*d->lines));
	for (uint32_t i = 0; i < d->in->n_have; i++) {
		struct line *l = &d->lines[line_of(&d->in->have[i])];

		if (!l->end)
			l->next = i;
		l->end = i + 1;
	}
}

/* Whether the first of a line may leave for w. */
static bool may_leave(const struct deciding *d, uint32_t line, const struct rank_flow *w,
		      enum phase phase, bool own_only)
{
	const struct line *l = &d->lines[line];
	const struct rank_port *p = &d->in->ports[line / 2];
	bool own = line / 2 == w->port;

	if (l->next == l->end || (own_only && !own))
		return false;
	if (phase == PHASE_PINNED)
		return true;
	if (line & 1)
		return false;
	return own || p->used >= p->share + d->in->have[l->next].cost;
}

/* The line whose first is the least valuable of those that may leave. */
static bool least(const struct deciding *d, const struct rank_flow *w, enum phase phase,
		  bool own_only, uint32_t *line)
{
	bool found = false;

	for (uint32_t i = 0; i < 2 * d->in->n_ports; i++) {
		if (!may_leave(d, i, w, phase, own_only))
			continue;
		if (!found ||
		    d->in->have[d->lines[i].next].value < d->in->have[d->lines[*line].next].value)
			*line = i;
		found = true;
	}
	return found;
}

static bool outweighs(const struct rank_flow *w, double lost, enum phase phase)
{
	double gain = w->value * w->cost;

	if (phase == PHASE_PINNED)
		return true;
	return gain * (phase == PHASE_SHARE ? FAIR_WEIGHT : 1) > lost * HYSTERESIS + WORTH_PPS;
}

static void give_back(struct deciding *d, uint32_t first)
{
	while (d->out->n_victims > first) {
		uint32_t i = d->out->victims[--d->out->n_victims];

		d->in->ports[d->in->have[i].port].used += d->in->have[i].cost;
		d->lines[line_of(&d->in->have[i])].next--;
	}
}

/* Takes victims until `need` entries are free, or none. */
static enum rank_verdict make_room(struct deciding *d, const struct rank_flow *w, enum phase phase,
				   bool own_only, uint64_t need)
{
	uint32_t first = d->out->n_victims, line = 0;
	uint64_t freed = 0;
	double lost = 0;

	while (freed < need) {
		const struct rank_flow *v;

		if (!least(d, w, phase, own_only, &line)) {
			give_back(d, first);
			return w->pinned ? RANK_PINNED_OVER : RANK_NOT_WORTH;
		}
		v = &d->in->have[d->lines[line].next];
		lost += v->value * v->cost;
		freed += v->cost;
		d->in->ports[v->port].used -= MIN(d->in->ports[v->port].used, v->cost);
		d->out->victims[d->out->n_victims++] = d->lines[line].next++;
		if (!outweighs(w, lost, phase)) {
			give_back(d, first);
			return RANK_NOT_WORTH;
		}
	}
	if (d->out->n_victims - first > d->in->evictions) {
		give_back(d, first);
		return RANK_CHURN;
	}
	d->in->evictions -= d->out->n_victims - first;
	d->in->room += freed;
	return RANK_SWAP;
}

/* One more valuable of the same port did not find room, and nothing has changed since. */
static bool beaten_before(const struct deciding *d, const struct rank_flow *w, enum phase phase)
{
	return phase == PHASE_REST && d->beaten[w->port] == d->moves + 1;
}

static enum rank_verdict displace(struct deciding *d, const struct rank_flow *w, enum phase phase,
				  uint32_t over)
{
	uint64_t need = MAX((uint64_t)over, w->cost - MIN((uint64_t)w->cost, d->in->room));
	enum rank_verdict v;

	if (w->lasting && phase != PHASE_PINNED)
		return over ? RANK_PORT_LIMIT : RANK_NOT_WORTH;
	if (!over && beaten_before(d, w, phase))
		return RANK_NOT_WORTH;
	v = make_room(d, w, phase, over > 0, need);
	if (over && v != RANK_SWAP && v != RANK_CHURN)
		return RANK_PORT_LIMIT;
	if (v == RANK_NOT_WORTH && w->cost == 1)
		d->beaten[w->port] = d->moves + 1;
	return v;
}

static void place(struct deciding *d, uint32_t i, enum phase phase)
{
	const struct rank_flow *w = &d->in->want[i];
	struct rank_choice *c = &d->out->choice[i];
	struct rank_port *p = &d->in->ports[w->port];
	uint32_t over = 0;

	*c = (struct rank_choice){ .first = d->out->n_victims };
	if (p->limit != UINT32_MAX && p->used + (uint64_t)w->cost > p->limit)
		over = (uint32_t)(p->used + (uint64_t)w->cost - p->limit);
	if (over || d->in->room < w->cost) {
		c->verdict = displace(d, w, phase, over);
		if (c->verdict != RANK_SWAP)
			return;
		c->n = d->out->n_victims - c->first;
	}
	d->moves++;
	d->in->room -= w->cost;
	p->used += w->cost;
}

static bool is_due(const struct deciding *d, const struct rank_flow *w, enum phase phase)
{
	const struct rank_port *p = &d->in->ports[w->port];

	if (phase == PHASE_PINNED || w->pinned)
		return w->pinned && phase == PHASE_PINNED;
	if (phase == PHASE_SHARE)
		return w->value >= WORTH_PPS && p->used + (uint64_t)w->cost <= p->share;
	return true;
}

void rank_decide(struct rank_in *in, struct rank_out *out)
{
	struct deciding d = { .in = in, .out = out };
	uint8_t *done = xcalloc(in->n_want + 1u, 1);

	d.beaten = xcalloc(in->n_ports + 1u, sizeof(*d.beaten));
	for (uint32_t i = 0; i < in->n_want; i++)
		in->want[i].order = i;
	if (in->n_want)
		qsort(in->want, in->n_want, sizeof(*in->want), by_want);
	if (in->n_have)
		qsort(in->have, in->n_have, sizeof(*in->have), by_line);
	make_lines(&d);
	out->n_victims = 0;
	for (unsigned phase = PHASE_PINNED; phase <= PHASE_REST; phase++) {
		for (uint32_t i = 0; i < in->n_want; i++) {
			if (done[i] || !is_due(&d, &in->want[i], (enum phase)phase))
				continue;
			place(&d, i, (enum phase)phase);
			done[i] = phase != PHASE_SHARE || out->choice[i].verdict == RANK_IN ||
				  out->choice[i].verdict == RANK_SWAP;
		}
	}
	free(d.lines);
	free(d.beaten);
	free(done);
}
