/* SPDX-License-Identifier: Apache-2.0 */
/* How long core/classify takes: lookups in the megaflow table with and without the flow cache, and
 * loading, looking up and removing OpenFlow rules.  One thread; nanoseconds; the median of five
 * runs, in the thread's CPU time, so that a busy machine blurs the figures but does not turn them
 * over. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/base/xalloc.h"
#include "core/classify/classifier.h"
#include "core/classify/flow_cache.h"

#define RUNS 5
#define LOOKUPS 2000000u
#define RULES 100000u

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median(double *v)
{
	qsort(v, RUNS, sizeof(*v), by_value);
	return v[RUNS / 2];
}

/* A UDP packet of flow i. */
static void packet(unsigned i, struct flow_key *k)
{
	memset(k, 0, sizeof(*k));
	k->in_port = htonl(1);
	k->dl_dst = (struct eth_addr){ { 2, 0, 0, 0, 0, 2 } };
	k->dl_src = (struct eth_addr){ { 2, 0, 0, 0, 0, 1 } };
	k->dl_type = htons(0x0800);
	k->nw_src = htonl(0x0a000000u + i);
	k->nw_dst = htonl(0xc0a80000u + (i & 0xff));
	k->nw_proto = 17;
	k->nw_ttl = 64;
	k->tp_src = htons((uint16_t)(1024 + i));
	k->tp_dst = htons(53);
}

/* A megaflow mask; `which` makes several. */
static void mega_mask(unsigned which, struct flow_key *m)
{
	memset(m, 0, sizeof(*m));
	m->in_port = UINT32_MAX;
	m->recirc_id = UINT32_MAX;
	m->dl_type = 0xffff;
	m->nw_src = UINT32_MAX;
	m->nw_proto = 0xff;
	m->nw_frag = 3;
	m->nw_tos = (uint8_t)which;
}

struct megaflows {
	struct mflow_table *t;
	struct mflow *flows;
	struct flow_key *keys;
	uint32_t *order;
	unsigned n;
};

static void megaflows_init(struct megaflows *b, unsigned n, unsigned masks)
{
	b->t = mflow_table_new();
	b->flows = xcalloc(n, sizeof(*b->flows));
	b->keys = xcalloc(n, sizeof(*b->keys));
	b->order = xcalloc(LOOKUPS, sizeof(*b->order));
	b->n = n;
	for (unsigned i = 0; i < n; i++) {
		struct flow_key mask;

		packet(i, &b->keys[i]);
		mega_mask(i % masks, &mask);
		if (mflow_insert(b->t, &b->flows[i], &b->keys[i], &mask))
			abort();
	}
	srandom(1);
	for (unsigned i = 0; i < LOOKUPS; i++)
		b->order[i] = (uint32_t)random() % n;
}

static void megaflows_done(struct megaflows *b)
{
	for (unsigned i = 0; i < b->n; i++)
		mflow_remove(b->t, &b->flows[i]);
	rcu_settle();
	for (unsigned i = 0; i < b->n; i++)
		mflow_done(&b->flows[i]);
	mflow_table_free(b->t);
	free(b->flows);
	free(b->keys);
	free(b->order);
}

/* What it costs to have the keys at all: a worker has them in its cache, this loop has not. */
static double keys_alone(const struct megaflows *b)
{
	uint64_t start = now_ns(), sum = 0;

	for (unsigned i = 0; i < LOOKUPS; i++) {
		const uint64_t *w = flow_words_const(&b->keys[b->order[i]]);

		sum += w[FLOW_WORD(in_port)] + w[FLOW_WORD(dl_type)] + w[FLOW_WORD(nw_src)] +
		       w[FLOW_WORD(tp_src)];
	}
	if (!sum)
		abort();
	return (double)(now_ns() - start) / LOOKUPS;
}

static double one_by_one(const struct megaflows *b)
{
	uint64_t start = now_ns();

	for (unsigned i = 0; i < LOOKUPS; i++)
		if (!mflow_lookup(b->t, &b->keys[b->order[i]], NULL))
			abort();
	return (double)(now_ns() - start) / LOOKUPS;
}

static double in_batches(const struct megaflows *b)
{
	const struct flow_key *keys[MFLOW_BATCH];
	struct mflow *out[MFLOW_BATCH];
	uint64_t start = now_ns();

	for (unsigned i = 0; i < LOOKUPS; i += MFLOW_BATCH) {
		for (unsigned j = 0; j < MFLOW_BATCH; j++)
			keys[j] = &b->keys[b->order[i + j]];
		if (mflow_lookup_batch(b->t, keys, UINT32_MAX, out) != UINT32_MAX)
			abort();
	}
	return (double)(now_ns() - start) / LOOKUPS;
}

/* As a worker does: hash and prefetch a batch, look it up in the cache, and the rest in the table.
 */
static double cached(const struct megaflows *b, struct flow_cache *c)
{
	const struct flow_key *keys[MFLOW_BATCH];
	uint64_t hash[MFLOW_BATCH], map[MFLOW_BATCH], start = now_ns();
	struct mflow *out[MFLOW_BATCH];

	for (unsigned i = 0; i < LOOKUPS; i += MFLOW_BATCH) {
		uint32_t todo = 0;
		unsigned j;

		for (j = 0; j < MFLOW_BATCH; j++) {
			keys[j] = &b->keys[b->order[i + j]];
			map[j] = UINT64_C(1) << FLOW_WORD(in_port) | UINT64_C(3) << FLOW_L2_WORD |
				 UINT64_C(1) << FLOW_WORD(nw_src) |
				 UINT64_C(1) << FLOW_WORD(nw_proto) |
				 UINT64_C(1) << FLOW_WORD(tp_src);
			hash[j] = flow_cache_hash(keys[j], map[j]);
			flow_cache_prefetch(c, hash[j]);
		}
		for (j = 0; j < MFLOW_BATCH; j++) {
			out[j] = flow_cache_lookup(c, keys[j], map[j], hash[j]);
			todo |= (uint32_t)!out[j] << j;
		}
		if (!todo)
			continue;
		if (mflow_lookup_batch(b->t, keys, todo, out) != todo)
			abort();
		FLOW_MAP_FOR_EACH (j, todo)
			flow_cache_insert(c, keys[j], map[j], hash[j], out[j]);
	}
	return (double)(now_ns() - start) / LOOKUPS;
}

static void bench_megaflows(unsigned n, unsigned masks)
{
	double single[RUNS], batch[RUNS], cache[RUNS], keys[RUNS];
	struct flow_cache *c;
	struct megaflows b;

	megaflows_init(&b, n, masks);
	c = flow_cache_new(b.t);
	rcu_read_lock();
	for (unsigned i = 0; i < RUNS; i++) {
		keys[i] = keys_alone(&b);
		single[i] = one_by_one(&b);
		batch[i] = in_batches(&b);
		cache[i] = cached(&b, c);
	}
	rcu_read_unlock();
	printf("%5u megaflows %3u masks: %6.1f single %6.1f batch %6.1f cache + batch "
	       "(the keys alone: %.1f)\n",
	       n, masks, median(single), median(batch), median(cache), median(keys));
	flow_cache_free(c);
	megaflows_done(&b);
}

/* Inserting and removing, n times over. */
static void bench_megaflow_churn(void)
{
	double in[RUNS], out[RUNS];
	struct mflow_table *t = mflow_table_new();
	struct mflow *f = xcalloc(RULES, sizeof(*f));
	struct flow_key key, mask;

	for (unsigned run = 0; run < RUNS; run++) {
		uint64_t t0 = now_ns(), t1;

		for (unsigned i = 0; i < RULES; i++) {
			packet(i, &key);
			mega_mask(i % 8, &mask);
			if (mflow_insert(t, &f[i], &key, &mask))
				abort();
		}
		t1 = now_ns();
		for (unsigned i = 0; i < RULES; i++)
			mflow_remove(t, &f[i]);
		in[run] = (double)(t1 - t0) / RULES;
		out[run] = (double)(now_ns() - t1) / RULES;
		rcu_settle();
		for (unsigned i = 0; i < RULES; i++)
			mflow_done(&f[i]);
	}
	printf("%u megaflows 8 masks: %.0f ns an insertion, %.0f ns a removal\n", RULES, median(in),
	       median(out));
	free(f);
	mflow_table_free(t);
}

/* Rule i of a table with `masks` masks: prefixes of both addresses, perhaps ports. */
static void rule_match(unsigned i, unsigned masks, struct match *m)
{
	unsigned which = i % masks, src = which % 9, dst = which / 9;
	struct flow_key key, mask;

	packet(i, &key);
	key.nw_src = htonl(0x0a000000u + (i << 8));
	key.nw_dst = htonl(0xc0a80000u + (i << 12));
	memset(&mask, 0, sizeof(mask));
	mask.dl_type = 0xffff;
	mask.nw_src = htonl(UINT32_MAX << src);
	mask.nw_dst = dst ? htonl(UINT32_MAX << dst) : 0;
	match_init(m, &key, &mask);
}

static double look_up_rules(const struct classifier *c, bool with_mask)
{
	struct flow_key keys[256], mask;
	uint64_t start;

	for (unsigned i = 0; i < 256; i++) {
		packet(i, &keys[i]);
		keys[i].nw_src = htonl(0x0a000000u + ((i * 389) << 8));
		keys[i].nw_dst = htonl(0xc0a80000u + ((i * 389) << 12));
	}
	start = now_ns();
	rcu_read_lock();
	for (unsigned i = 0; i < LOOKUPS / 10; i++) {
		memset(&mask, 0, sizeof(mask));
		(void)classifier_lookup(c, CLS_VERSION_MIN, &keys[i % 256],
					with_mask ? &mask : NULL);
	}
	rcu_read_unlock();
	return (double)(now_ns() - start) * 10 / LOOKUPS;
}

static void bench_rules(unsigned masks)
{
	struct classifier *c = classifier_new();
	struct cls_rule *rules = xcalloc(RULES, sizeof(*rules));
	struct match *matches = xcalloc(RULES, sizeof(*matches));
	double in[RUNS], out[RUNS], plain[RUNS], masked[RUNS];

	for (unsigned i = 0; i < RULES; i++)
		rule_match(i, masks, &matches[i]);
	for (unsigned run = 0; run < RUNS; run++) {
		uint64_t t0 = now_ns(), t1;

		for (unsigned i = 0; i < RULES; i++) {
			cls_rule_init(&rules[i], &matches[i], (int32_t)(i % masks));
			classifier_insert(c, &rules[i], CLS_VERSION_MIN);
		}
		t1 = now_ns();
		in[run] = (double)RULES * 1e3 / (double)(t1 - t0);
		plain[run] = look_up_rules(c, false);
		masked[run] = look_up_rules(c, true);
		t1 = now_ns();
		for (unsigned i = 0; i < RULES; i++)
			classifier_remove(c, &rules[i]);
		out[run] = (double)RULES * 1e3 / (double)(now_ns() - t1);
		rcu_settle();
		for (unsigned i = 0; i < RULES; i++)
			cls_rule_done(&rules[i]);
	}
	printf("%u rules %3u masks: %.2f M insertions/s %.2f M removals/s; lookup %.0f plain %.0f "
	       "with its mask\n",
	       RULES, masks, median(in), median(out), median(plain), median(masked));
	classifier_free(c);
	free(matches);
	free(rules);
}

int main(void)
{
	static const unsigned flows[] = { 1, 1000, 10000 };
	static const unsigned masks[] = { 1, 10, 100 };

	for (unsigned i = 0; i < ARRAY_SIZE(flows); i++)
		for (unsigned m = 1; m <= 16 && m <= flows[i]; m *= 4)
			bench_megaflows(flows[i], m);
	bench_megaflow_churn();
	for (unsigned i = 0; i < ARRAY_SIZE(masks); i++)
		bench_rules(masks[i]);
	return 0;
}
