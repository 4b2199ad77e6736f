/* SPDX-License-Identifier: Apache-2.0 */
#include "core/classify/rank.h"

#include <assert.h>
#include <string.h>

#include "core/base/xalloc.h"

/* A place: entry i of chunk c. */
struct place {
	unsigned c, i;
};

/* A new order in the making, and what readers of the published one may still be on. */
struct edit {
	struct rank_top *top;
	void *dead[4]; /* a move replaces two tops and two chunks */
	unsigned n_dead;
};

static struct edit edit_begin(const struct rank *r)
{
	return (struct edit){ .top = atomic_load_explicit(&r->top, memory_order_relaxed) };
}

static void edit_publish(struct rank *r, const struct edit *x)
{
	atomic_store_explicit(&r->top, x->top, memory_order_release);
	for (unsigned i = 0; i < x->n_dead; i++)
		rcu_defer_free(x->dead[i]);
}

static struct rank_chunk *chunk_new(const struct rank_entry *from, unsigned n)
{
	struct rank_chunk *k = xmalloc(sizeof(*k) + n * sizeof(k->e[0]));

	k->n = n;
	for (unsigned i = 0; i < n; i++) {
		k->e[i].st = from[i].st;
		atomic_init(&k->e[i].priority, rank_priority(&from[i]));
	}
	return k;
}

/* Puts `put_n` chunks in the place of the one at `at`; behind the last one when there is none. */
static void splice(struct edit *x, unsigned at, struct rank_chunk *const *put, unsigned put_n)
{
	struct rank_top *old = x->top, *top;
	unsigned n = old ? old->n : 0, cut = at < n, total = n + put_n - cut;

	if (cut)
		x->dead[x->n_dead++] = old->c[at];
	if (old)
		x->dead[x->n_dead++] = old;
	x->top = NULL;
	if (!total)
		return;
	top = xmalloc(sizeof(*top) + total * sizeof(top->c[0]));
	top->n = total;
	for (unsigned i = 0; i < at; i++)
		top->c[i] = old->c[i];
	for (unsigned i = 0; i < put_n; i++)
		top->c[at + i] = put[i];
	for (unsigned i = at + cut; i < n; i++)
		top->c[i + put_n - cut] = old->c[i];
	x->top = top;
}

static int32_t last_priority(const struct rank_chunk *k)
{
	return rank_priority(&k->e[k->n - 1]);
}

/* The first chunk that has an entry of `priority` or lower; top->n when none has. */
static unsigned chunk_reaching(const struct rank_top *top, int32_t priority)
{
	unsigned lo = 0, hi = top->n;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (last_priority(top->c[mid]) > priority)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct place find(const struct rank_top *top, const struct cls_subtable *st,
			 int32_t priority)
{
	struct place p;

	for (p.c = chunk_reaching(top, priority); p.c < top->n; p.c++)
		for (p.i = 0; p.i < top->c[p.c]->n; p.i++)
			if (top->c[p.c]->e[p.i].st == st)
				return p;
	assert(!"subtable is ranked");
	return p;
}

/* Where a new entry goes: in front of the first one that is lower, in the last chunk at the
 * latest. */
static struct place place_for(const struct rank_top *top, int32_t priority)
{
	unsigned c = priority == INT32_MIN ? top->n : chunk_reaching(top, priority - 1);
	struct place p = { MIN(c, top->n - 1), 0 };

	while (p.i < top->c[p.c]->n && rank_priority(&top->c[p.c]->e[p.i]) >= priority)
		p.i++;
	return p;
}

static void add(struct edit *x, struct cls_subtable *st, int32_t priority)
{
	struct rank_entry e[RANK_CHUNK + 1];
	struct place p = { 0, 0 };
	struct rank_chunk *put[2];
	unsigned n = 0, half;

	if (x->top) {
		const struct rank_chunk *k;

		p = place_for(x->top, priority);
		k = x->top->c[p.c];
		n = k->n;
		memcpy(e, k->e, p.i * sizeof(e[0]));
		memcpy(e + p.i + 1, k->e + p.i, (n - p.i) * sizeof(e[0]));
	}
	e[p.i].st = st;
	atomic_init(&e[p.i].priority, priority);
	n++;
	if (n <= RANK_CHUNK) {
		put[0] = chunk_new(e, n);
		splice(x, p.c, put, 1);
		return;
	}
	half = n / 2;
	put[0] = chunk_new(e, half);
	put[1] = chunk_new(e + half, n - half);
	splice(x, p.c, put, 2);
}

static void cut(struct edit *x, struct place p)
{
	const struct rank_chunk *k = x->top->c[p.c];
	struct rank_entry e[RANK_CHUNK];
	struct rank_chunk *put;

	if (k->n == 1) {
		splice(x, p.c, NULL, 0);
		return;
	}
	memcpy(e, k->e, p.i * sizeof(e[0]));
	memcpy(e + p.i, k->e + p.i + 1, (k->n - p.i - 1) * sizeof(e[0]));
	put = chunk_new(e, k->n - 1);
	splice(x, p.c, &put, 1);
}

void rank_insert(struct rank *r, struct cls_subtable *st, int32_t priority)
{
	struct edit x = edit_begin(r);

	add(&x, st, priority);
	edit_publish(r, &x);
}

void rank_remove(struct rank *r, struct cls_subtable *st, int32_t priority)
{
	struct edit x = edit_begin(r);

	cut(&x, find(x.top, st, priority));
	edit_publish(r, &x);
}

/* The entry at p may say `priority` where it is. */
static bool keeps_order(const struct rank_top *top, struct place p, int32_t priority)
{
	const struct rank_chunk *k = top->c[p.c];

	if (p.i ? rank_priority(&k->e[p.i - 1]) < priority
		: p.c && last_priority(top->c[p.c - 1]) < priority)
		return false;
	if (p.i + 1 < k->n)
		return rank_priority(&k->e[p.i + 1]) <= priority;
	return p.c + 1 == top->n || rank_priority(&top->c[p.c + 1]->e[0]) <= priority;
}

void rank_move(struct rank *r, struct cls_subtable *st, int32_t from, int32_t to)
{
	struct edit x = edit_begin(r);
	struct place p = find(x.top, st, from);

	if (keeps_order(x.top, p, to)) {
		atomic_store_explicit(&x.top->c[p.c]->e[p.i].priority, to, memory_order_relaxed);
		return;
	}
	cut(&x, p);
	add(&x, st, to);
	edit_publish(r, &x);
}
