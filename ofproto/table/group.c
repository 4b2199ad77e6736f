/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/table/group.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/xalloc.h"
#include "ofproto/table/rule.h"

static struct group_stats *stats_new(uint32_t n_buckets)
{
	struct group_stats *s = xzalloc(sizeof(*s) + n_buckets * sizeof(s->buckets[0]));

	s->refs = 1;
	s->n_buckets = n_buckets;
	return s;
}

struct group *group_ref(struct group *g)
{
	atomic_fetch_add_explicit(&g->refs, 1, memory_order_relaxed);
	return g;
}

void group_unref(struct group *g)
{
	if (!g || atomic_fetch_sub(&g->refs, 1) != 1)
		return;
	if (atomic_fetch_sub(&g->stats->refs, 1) == 1)
		free(g->stats);
	free(g->buckets);
	free(g);
}

/* Weighted rendezvous hashing by logarithms: -log(U) / weight is exponential with the weight as its
 * rate, and the least of several such is each one's with a probability of its share of the rates.
 */
double group_bucket_score(uint32_t hash, uint32_t bucket, uint16_t weight)
{
	double u = ((double)(hash_u64(bucket, hash) >> 11) + 0.5) * 0x1p-53; /* within (0, 1) */

	return -(double)weight / log(u);
}

void group_credit(struct group *g, uint32_t bucket, uint64_t packets, uint64_t bytes)
{
	struct group_stats *s = g->stats;

	atomic_fetch_add_explicit(&s->packets, packets, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->bytes, bytes, memory_order_relaxed);
	if (bucket >= s->n_buckets)
		return;
	atomic_fetch_add_explicit(&s->buckets[bucket].packets, packets, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->buckets[bucket].bytes, bytes, memory_order_relaxed);
}

static enum ofperr check_bucket(const struct ofp_bucket *b, uint8_t type)
{
	bool watches = b->watch_port.v != OFPP_NONE_ || b->watch_group != OFPG_ANY_;

	if (b->weight && type != OFPGT_SELECT_)
		return OFPERR_GM_INVALID_GROUP;
	if (type == OFPGT_FF_ && !watches)
		return OFPERR_GM_INVALID_GROUP;
	if (watches && type != OFPGT_FF_ && type != OFPGT_SELECT_)
		return OFPERR_GM_WATCH_UNSUPPORTED;
	if (b->watch_port.v != OFPP_NONE_ && b->watch_port.v >= OFPP_MAX_ &&
	    b->watch_port.v != OFPP_LOCAL_)
		return OFPERR_GM_BAD_WATCH;
	return OFPERR_OK;
}

enum ofperr group_check(const struct ofp_group_mod *gm)
{
	if (gm->id > OFPG_MAX_)
		return OFPERR_GM_INVALID_GROUP;
	if (gm->type > OFPGT_FF_)
		return OFPERR_GM_BAD_TYPE;
	if (gm->type == OFPGT_INDIRECT_ && gm->n_buckets != 1)
		return OFPERR_GM_INVALID_GROUP;
	if (gm->n_buckets > GROUP_BUCKETS_MAX)
		return OFPERR_GM_OUT_OF_BUCKETS;
	for (size_t i = 0; i < gm->n_buckets; i++) {
		enum ofperr e = check_bucket(&gm->buckets[i], gm->type);

		if (e)
			return e;
	}
	return OFPERR_OK;
}

/* Buckets and their actions in one allocation. */
static struct group_bucket *copy_buckets(const struct ofp_bucket *b, size_t n)
{
	size_t bytes = n * sizeof(struct group_bucket);
	struct group_bucket *out;
	uint8_t *room;

	for (size_t i = 0; i < n; i++)
		bytes += ROUND_UP((size_t)b[i].actions.len, 8);
	out = xzalloc(bytes + 1);
	room = (uint8_t *)(out + n);
	for (size_t i = 0; i < n; i++) {
		out[i] = (struct group_bucket){
			b[i].weight, b[i].watch_port, b[i].watch_group, { room, b[i].actions.len }
		};
		if (b[i].actions.len)
			memcpy(room, b[i].actions.data, b[i].actions.len);
		room += ROUND_UP((size_t)b[i].actions.len, 8);
	}
	return out;
}

static void set_chained(uint32_t id UNUSED, void *aux)
{
	*(bool *)aux = true;
}

struct group *group_new(const struct ofp_group_mod *gm, const struct group *old, uint64_t now_ns)
{
	struct group *g = xzalloc(sizeof(*g));

	g->id = gm->id;
	g->type = gm->type;
	g->refs = 1;
	g->created_ns = old ? old->created_ns : now_ns;
	g->n_buckets = (uint32_t)gm->n_buckets;
	g->buckets = copy_buckets(gm->buckets, gm->n_buckets);
	for (uint32_t i = 0; i < g->n_buckets; i++)
		g->total_weight += g->buckets[i].weight;
	if (old && old->n_buckets == g->n_buckets) {
		g->stats = old->stats;
		atomic_fetch_add_explicit(&g->stats->refs, 1, memory_order_relaxed);
	} else {
		g->stats = stats_new(g->n_buckets);
	}
	group_each_group(g, true, set_chained, &g->chained);
	return g;
}

struct visitor {
	void (*fn)(uint32_t id, void *aux);
	void *aux;
};

static bool visit_one(uint32_t id, void *aux)
{
	struct visitor *v = aux;

	v->fn(id, v->aux);
	return true;
}

void group_each_group(const struct group *g, bool watch, void (*fn)(uint32_t id, void *aux),
		      void *aux)
{
	struct visitor v = { fn, aux };

	for (uint32_t i = 0; i < g->n_buckets; i++) {
		(void)ofpacts_each_group(g->buckets[i].actions, visit_one, &v); /* never stops */
		if (watch && g->buckets[i].watch_group != OFPG_ANY_)
			fn(g->buckets[i].watch_group, aux);
	}
}
