/* SPDX-License-Identifier: Apache-2.0 */
/* The megaflow table and the flow cache in front of it against a list. */
#include "core/classify/megaflow.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>

#include "core/base/xalloc.h"
#include "core/classify/flow_cache.h"
#include "tests/unit/core/classify/universe.h"

#define N_MAX 400
#define MAGIC 0x5a17ed00u
#define FREED 0xdeadbeefu

struct flow {
	struct mflow mf;
	struct flow_key key, mask;
	uint32_t magic;
};

static struct flow *flow_of(struct mflow *f)
{
	return f ? container_of(f, struct flow, mf) : NULL;
}

static void free_flow(void *p)
{
	struct flow *f = p;

	mflow_done(&f->mf);
	f->magic = FREED;
	free(f);
}

struct world {
	struct rng r;
	struct mflow_table *t;
	struct flow *flows[N_MAX];
	unsigned n;
	struct flow_key masks[20];
	bool narrow; /* every flow is of one port, address and type: there are many */
};

static void world_init(struct world *w, const char *name)
{
	memset(w, 0, sizeof(*w));
	w->r = rng_start(name);
	w->t = mflow_table_new();
	for (unsigned i = 0; i < ARRAY_SIZE(w->masks); i++)
		some_mask(&w->r, &w->masks[i]);
}

static void world_remove(struct world *w, unsigned i)
{
	mflow_remove(w->t, &w->flows[i]->mf);
	rcu_defer(free_flow, w->flows[i]);
	w->flows[i] = w->flows[--w->n];
}

static void world_done(struct world *w)
{
	while (w->n)
		world_remove(w, w->n - 1);
	ck_assert_uint_eq(mflow_count(w->t), 0);
	ck_assert_uint_eq(mflow_n_masks(w->t), 0);
	rcu_settle();
	mflow_table_free(w->t);
}

static bool overlaps(const struct flow *f, const struct flow_key *key, const struct flow_key *mask)
{
	struct flow_key both;

	flow_key_mask(&both, &f->mask, mask);
	return flow_key_equal_masked(&f->key, key, &both);
}

/* Adds a flow unless it overlaps with one that is there; true when it did. */
static bool world_insert(struct world *w)
{
	struct flow *f = xzalloc(sizeof(*f));

	f->magic = MAGIC;
	some_packet(&w->r, &f->key);
	f->mask = w->masks[rng_below(&w->r, ARRAY_SIZE(w->masks))];
	if (!rng_below(&w->r, 5))
		some_mask(&w->r, &f->mask);
	if (w->narrow) {
		f->mask.in_port = UINT32_MAX;
		f->mask.dl_type = 0xffff;
		memset(&f->mask.dl_dst, 0xff, sizeof(f->mask.dl_dst));
	}
	for (unsigned i = 0; i < w->n; i++) {
		if (!overlaps(w->flows[i], &f->key, &f->mask))
			continue;
		if (flow_key_equal(&w->flows[i]->mask, &f->mask))
			ck_assert_int_eq(mflow_insert(w->t, &f->mf, &f->key, &f->mask), -EEXIST);
		free(f);
		return false;
	}
	ck_assert_int_eq(mflow_insert(w->t, &f->mf, &f->key, &f->mask), 0);
	w->flows[w->n++] = f;
	return true;
}

static void world_step(struct world *w)
{
	if (w->n == N_MAX || (w->n && !rng_below(&w->r, 3)))
		world_remove(w, (unsigned)rng_below(&w->r, w->n));
	else
		(void)world_insert(w);
}

static struct flow *model_lookup(const struct world *w, const struct flow_key *p)
{
	for (unsigned i = 0; i < w->n; i++)
		if (flow_key_equal_masked(&w->flows[i]->key, p, &w->flows[i]->mask))
			return w->flows[i];
	return NULL;
}

/* A packet, more often than not one that hits. */
static void packet(struct world *w, struct flow_key *p)
{
	some_packet(&w->r, p);
	if (w->n && rng_below(&w->r, 4)) {
		const struct flow *f = w->flows[rng_below(&w->r, w->n)];

		mutate_outside(&w->r, &f->key, &f->mask, p);
	}
}

/* The same with few enough words for the cache. */
static void short_packet(struct world *w, struct flow_key *p)
{
	const struct flow *f;

	some_packet(&w->r, p);
	if (!w->n)
		return;
	f = w->flows[rng_below(&w->r, w->n)];
	for (unsigned i = 0; i < FLOW_WORDS; i++)
		flow_words(p)[i] ^= (flow_words(p)[i] ^ flow_words_const(&f->key)[i]) &
				    flow_words_const(&f->mask)[i];
}

static void check_find(struct world *w)
{
	struct flow_key key, mask, got_key, got_mask;
	const struct flow *f;

	if (!w->n)
		return;
	f = w->flows[rng_below(&w->r, w->n)];
	ck_assert_ptr_eq(flow_of(mflow_find(w->t, &f->key, &f->mask)), f);
	mflow_match(&f->mf, &got_key, &got_mask);
	flow_key_mask(&key, &f->key, &f->mask);
	ck_assert(flow_key_equal(&key, &got_key) && flow_key_equal(&f->mask, &got_mask));
	mask = f->mask;
	mask.metadata ^= 1;
	ck_assert_ptr_null(mflow_find(w->t, &f->key, &mask));
}

static void check_batch(struct world *w)
{
	struct flow_key p[MFLOW_BATCH];
	const struct flow_key *keys[MFLOW_BATCH];
	struct mflow *out[MFLOW_BATCH], *untouched = &(struct mflow){ .key = NULL };
	uint32_t todo = (uint32_t)rng_next(&w->r), hits;

	for (unsigned i = 0; i < MFLOW_BATCH; i++) {
		packet(w, &p[i]);
		keys[i] = &p[i];
		out[i] = untouched;
	}
	hits = mflow_lookup_batch(w->t, keys, todo, out);
	for (unsigned i = 0; i < MFLOW_BATCH; i++) {
		const struct flow *want = model_lookup(w, &p[i]);

		if (!(todo >> i & 1)) {
			ck_assert_ptr_eq(out[i], untouched);
			want = NULL;
		} else {
			ck_assert_ptr_eq(flow_of(out[i]), want);
		}
		ck_assert_uint_eq(hits >> i & 1, want != NULL);
	}
}

START_TEST(agrees_with_a_list)
{
	struct flow_key p;
	unsigned probed;
	struct world w;

	world_init(&w, "megaflow");
	for (unsigned step = 0; step < 20000; step++) {
		world_step(&w);
		packet(&w, &p);
		rcu_read_lock();
		ck_assert_ptr_eq(flow_of(mflow_lookup(w.t, &p, &probed)), model_lookup(&w, &p));
		ck_assert_uint_le(probed, mflow_n_masks(w.t));
		check_find(&w);
		if (step % 8 == 0)
			check_batch(&w);
		rcu_read_unlock();
		ck_assert_uint_eq(mflow_count(w.t), w.n);
		if (step % 500 == 0)
			mflow_rank(w.t);
	}
	world_done(&w);
}
END_TEST

START_TEST(busy_masks_come_first)
{
	struct mflow_table *t = mflow_table_new();
	struct mflow f[20];
	struct flow_key p;
	unsigned probed;

	memset(&p, 0, sizeof(p));
	p.in_port = htonl(19);
	for (unsigned i = 0; i < 20; i++) {
		struct flow_key key = { .in_port = htonl(i) };
		struct flow_key mask = { .in_port = UINT32_MAX, .metadata = i };

		ck_assert_int_eq(mflow_insert(t, &f[i], &key, &mask), 0);
	}
	rcu_read_lock();
	ck_assert_ptr_eq(mflow_lookup(t, &p, &probed), &f[19]);
	ck_assert_uint_eq(probed, 20);
	rcu_read_unlock();
	mflow_rank(t);
	rcu_read_lock();
	ck_assert_ptr_eq(mflow_lookup(t, &p, &probed), &f[19]);
	ck_assert_uint_eq(probed, 1);
	rcu_read_unlock();
	for (unsigned i = 0; i < 20; i++)
		mflow_remove(t, &f[i]);
	rcu_settle();
	for (unsigned i = 0; i < 20; i++)
		mflow_done(&f[i]);
	mflow_table_free(t);
}
END_TEST

/* What a worker does with a packet. */
static struct flow *cached_lookup(struct flow_cache *c, const struct mflow_table *t,
				  const struct flow_key *p, bool *cached)
{
	uint64_t map = flow_map_of(p), hash = flow_cache_hash(p, map);
	struct mflow *f;

	flow_cache_prefetch(c, hash);
	f = flow_cache_lookup(c, p, map, hash);
	*cached = f != NULL;
	if (!f) {
		f = mflow_lookup(t, p, NULL);
		if (f)
			flow_cache_insert(c, p, map, hash, f);
	}
	return flow_of(f);
}

START_TEST(the_cache_knows_no_dead_flows)
{
	unsigned long hits = 0;
	struct flow_key p[64];
	struct flow_cache *c;
	struct world w;
	bool cached;

	world_init(&w, "cache");
	w.narrow = true;
	c = flow_cache_new(w.t);
	for (unsigned i = 0; i < 300; i++)
		world_step(&w);
	for (unsigned i = 0; i < 64; i++)
		short_packet(&w, &p[i]);
	for (unsigned step = 0; step < 40000; step++) {
		const struct flow_key *k = &p[rng_below(&w.r, 64)];

		if (rng_below(&w.r, 16) == 0)
			world_step(&w);
		if (step % 1000 == 0)
			rcu_settle(); /* what was removed is freed now */
		rcu_read_lock();
		ck_assert_ptr_eq(cached_lookup(c, w.t, k, &cached), model_lookup(&w, k));
		hits += cached;
		rcu_read_unlock();
	}
	printf("cache: %lu of 40000 hit\n", hits);
	ck_assert_uint_gt(hits, 1000);
	flow_cache_flush(c);
	rcu_read_lock();
	(void)cached_lookup(c, w.t, &p[0], &cached);
	rcu_read_unlock();
	ck_assert(!cached);
	flow_cache_free(c);
	world_done(&w);
}
END_TEST

/* Keys with too many words are looked up all the same. */
START_TEST(long_keys_are_not_cached)
{
	struct flow_key p, mask;
	struct flow_cache *c;
	struct mflow f;
	struct mflow_table *t = mflow_table_new();
	bool cached;

	memset(&p, 0, sizeof(p));
	memset(&mask, 0, sizeof(mask));
	for (unsigned i = 0; i <= FLOW_CACHE_WORDS; i++)
		flow_words(&p)[i] = i + 1;
	ck_assert_int_eq(mflow_insert(t, &f, &p, &mask), 0);
	c = flow_cache_new(t);
	rcu_read_lock();
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_ptr_eq(&cached_lookup(c, t, &p, &cached)->mf, &f);
		ck_assert(!cached);
	}
	flow_words(&p)[0] = 0; /* one fewer */
	(void)cached_lookup(c, t, &p, &cached);
	ck_assert_ptr_eq(&cached_lookup(c, t, &p, &cached)->mf, &f);
	ck_assert(cached);
	rcu_read_unlock();
	flow_cache_free(c);
	mflow_remove(t, &f);
	rcu_settle();
	mflow_done(&f);
	mflow_table_free(t);
}
END_TEST

struct worker {
	const struct mflow_table *t;
	const struct flow_key *packets;
	unsigned n;
	_Atomic bool *stop;
	uint64_t seed;
	unsigned long lookups, cached, wrong;
};

static void *work(void *arg)
{
	struct worker *x = arg;
	struct flow_cache *c = flow_cache_new(x->t);
	struct rng r = { x->seed };

	rcu_thread_start();
	while (!*x->stop) {
		rcu_read_lock();
		for (unsigned i = 0; i < MFLOW_BATCH; i++) {
			const struct flow_key *p = &x->packets[rng_below(&r, x->n)];
			bool cached;
			const struct flow *f = cached_lookup(c, x->t, p, &cached);

			if (f &&
			    (f->magic != MAGIC || !flow_key_equal_masked(&f->key, p, &f->mask)))
				x->wrong++;
			x->cached += cached;
			x->lookups++;
		}
		rcu_read_unlock();
	}
	flow_cache_free(c);
	rcu_thread_stop();
	return NULL;
}

START_TEST(workers_beside_a_writer)
{
	struct flow_key packets[256];
	_Atomic bool stop = false;
	struct worker x[2];
	pthread_t thread[2];
	struct world w;

	world_init(&w, "workers");
	w.narrow = true;
	for (unsigned i = 0; i < 300; i++)
		world_step(&w);
	for (unsigned i = 0; i < 256; i++)
		short_packet(&w, &packets[i]);
	for (unsigned i = 0; i < 2; i++) {
		x[i] = (struct worker){ w.t, packets, 256, &stop, i, 0, 0, 0 };
		ck_assert_int_eq(pthread_create(&thread[i], NULL, work, &x[i]), 0);
	}
	for (unsigned step = 0; step < 60000; step++) {
		world_step(&w);
		if (step % 5000 == 0)
			mflow_rank(w.t);
	}
	stop = true;
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(thread[i], NULL);
		printf("worker %u: %lu lookups, %lu from the cache\n", i, x[i].lookups,
		       x[i].cached);
		ck_assert_uint_eq(x[i].wrong, 0);
	}
	world_done(&w);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("core/classify/megaflow");
	TCase *t = tcase_create("megaflow");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(t, 240);
	tcase_add_test(t, agrees_with_a_list);
	tcase_add_test(t, busy_masks_come_first);
	tcase_add_test(t, the_cache_knows_no_dead_flows);
	tcase_add_test(t, long_keys_are_not_cached);
	tcase_add_test(t, workers_beside_a_writer);
	suite_add_tcase(s, t);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
