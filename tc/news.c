/* SPDX-License-Identifier: Apache-2.0 */
#include "tc/news.h"

#include <stdlib.h>

#include "core/base/xalloc.h"
#include "tc/link.h"

static void keep(const struct tc_qdisc_at *q, void *arg)
{
	struct tc_counts *c = arg;

	if (c->n == c->cap)
		c->v = xgrow(c->v, &c->cap, c->n + 1, sizeof(*c->v));
	c->v[c->n++] = (struct tc_count){ q->ifindex, q->packets, q->bytes };
}

static int by_ifindex(const void *a, const void *b)
{
	const struct tc_count *x = a, *y = b;

	return (x->ifindex > y->ifindex) - (x->ifindex < y->ifindex);
}

void tc_counts_read(struct tc_counts *c, struct nl_chan *chan)
{
	c->n = 0;
	if (tc_qdiscs_each(chan, keep, c))
		c->n = 0; /* they changed meanwhile, or the kernel does not tell: all is news */
	if (c->n)
		qsort(c->v, c->n, sizeof(*c->v), by_ifindex);
}

void tc_counts_clear(struct tc_counts *c)
{
	c->n = 0;
}

void tc_counts_done(struct tc_counts *c)
{
	free(c->v);
	*c = (struct tc_counts){ 0 };
}

static const struct tc_count *count_of(const struct tc_counts *c, int ifindex)
{
	struct tc_count want = { .ifindex = ifindex };

	return c->n ? bsearch(&want, c->v, c->n, sizeof(*c->v), by_ifindex) : NULL;
}

bool tc_news_any(struct tc_news *n, const struct tc_counts *c, int ifindex, uint64_t now_ns)
{
	const struct tc_count *at = count_of(c, ifindex);
	bool same = at && n->known && at->packets == n->packets && at->bytes == n->bytes;

	if (same && n->at_rest && !n->driver && now_ns - n->read_ns < NEWS_LEAST_NS)
		return false;
	*n = (struct tc_news){ .known = at, .at_rest = same, .read_ns = now_ns };
	if (at) {
		n->packets = at->packets;
		n->bytes = at->bytes;
	}
	return true;
}
