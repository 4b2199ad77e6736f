/* SPDX-License-Identifier: Apache-2.0 */
/* The classifier against a list of rules: answers, masks, versions, visits, and readers beside a
 * writer. */
#include "core/classify/classifier.h"

#include <check.h>
#include <pthread.h>
#include <unistd.h>

#include "core/base/xalloc.h"
#include "tests/unit/core/classify/universe.h"

#define N_MAX 300

struct rule {
	struct cls_rule cr;
	struct match match;
	unsigned tag;
};

static struct rule *rule_of(const struct cls_rule *cr)
{
	union {
		const struct cls_rule *from;
		struct cls_rule *to;
	} u = { .from = cr };

	return cr ? container_of(u.to, struct rule, cr) : NULL;
}

static void free_rule(void *p)
{
	struct rule *r = p;

	cls_rule_done(&r->cr);
	free(r);
}

static struct rule *rule_new(const struct match *m, int32_t priority)
{
	struct rule *r = xzalloc(sizeof(*r));

	r->match = *m;
	cls_rule_init(&r->cr, m, priority);
	return r;
}

/* The world: a classifier and the list that says what it should do. */
struct world {
	struct rng r;
	struct classifier *c;
	struct rule *rules[N_MAX];
	unsigned n;
	uint64_t version;
	struct flow_key masks[12]; /* what most rules choose from */
};

static void world_init(struct world *w, const char *name)
{
	memset(w, 0, sizeof(*w));
	w->r = rng_start(name);
	w->c = classifier_new();
	w->version = CLS_VERSION_MIN;
	for (unsigned i = 0; i < ARRAY_SIZE(w->masks); i++)
		some_mask(&w->r, &w->masks[i]);
}

static void world_remove(struct world *w, unsigned i)
{
	classifier_remove(w->c, &w->rules[i]->cr);
	rcu_defer(free_rule, w->rules[i]);
	w->rules[i] = w->rules[--w->n];
}

static void world_done(struct world *w)
{
	while (w->n)
		world_remove(w, w->n - 1);
	ck_assert_uint_eq(classifier_count(w->c), 0);
	ck_assert_uint_eq(classifier_n_soft(w->c), 0);
	ck_assert_uint_eq(classifier_n_masks(w->c), 0);
	classifier_free(w->c);
	rcu_settle();
}

static void some_match(struct world *w, struct match *m)
{
	struct flow_key key, mask = w->masks[rng_below(&w->r, ARRAY_SIZE(w->masks))];

	some_packet(&w->r, &key);
	if (!rng_below(&w->r, 6))
		some_mask(&w->r, &mask);
	match_init(m, &key, &mask);
}

static bool same_match(const struct match *a, const struct match *b)
{
	return flow_key_equal(&a->key, &b->key) && flow_key_equal(&a->mask, &b->mask);
}

static struct rule *model_find(const struct world *w, const struct match *m, int32_t priority,
			       uint64_t version)
{
	for (unsigned i = 0; i < w->n; i++)
		if (w->rules[i]->cr.priority == priority && same_match(&w->rules[i]->match, m) &&
		    cls_rule_visible(&w->rules[i]->cr, version))
			return w->rules[i];
	return NULL;
}

static void world_insert(struct world *w)
{
	int32_t priority = (int32_t)rng_below(&w->r, 12);
	struct rule *old, *new;
	struct match m;

	some_match(w, &m);
	if (w->n && !rng_below(&w->r, 3)) { /* an old match, perhaps at an old priority */
		old = w->rules[rng_below(&w->r, w->n)];
		m = old->match;
		if (rng_below(&w->r, 2))
			priority = old->cr.priority;
	}
	old = model_find(w, &m, priority, w->version);
	if (old)
		cls_rule_hide(&old->cr, w->version);
	new = rule_new(&m, priority);
	new->cr.soft = !rng_below(&w->r, 5);
	classifier_insert(w->c, &new->cr, w->version);
	w->rules[w->n++] = new;
}

static void world_step(struct world *w)
{
	unsigned i = w->n ? (unsigned)rng_below(&w->r, w->n) : 0;

	switch (rng_below(&w->r, 8)) {
	case 0: w->version++; break;
	case 1:
		if (w->n && w->rules[i]->cr.remove_version > w->version)
			cls_rule_hide(&w->rules[i]->cr, w->version);
		break;
	case 2:
	case 3:
		if (w->n)
			world_remove(w, i);
		break;
	default:
		if (w->n == N_MAX)
			world_remove(w, i);
		world_insert(w);
	}
}

static bool hits(const struct rule *r, const struct flow_key *p, uint64_t version)
{
	return cls_rule_visible(&r->cr, version) &&
	       flow_key_equal_masked(&r->match.key, p, &r->match.mask);
}

static int32_t model_best(const struct world *w, const struct flow_key *p, uint64_t version)
{
	int32_t best = INT32_MIN;

	for (unsigned i = 0; i < w->n; i++) {
		const struct rule *r = w->rules[i];

		if (!r->cr.soft && r->cr.priority > best && hits(r, p, version))
			best = r->cr.priority;
	}
	return best;
}

/* Just the soft rules above the answer, by falling priority. */
static void check_soft(const struct world *w, const struct flow_key *p, uint64_t version,
		       struct flow_key *mask, const struct rule *answer)
{
	int32_t floor = answer ? answer->cr.priority : INT32_MIN;
	struct cls_soft soft = { NULL, 0, 0 };
	size_t want = 0;

	ck_assert_ptr_eq(rule_of(classifier_lookup_soft(w->c, version, p, mask, &soft)), answer);
	for (size_t i = 0; i < soft.n; i++) {
		ck_assert(soft.r[i]->soft && soft.r[i]->priority > floor);
		ck_assert(hits(rule_of(soft.r[i]), p, version));
		ck_assert(!i || soft.r[i]->priority <= soft.r[i - 1]->priority);
		for (size_t j = 0; j < i; j++)
			ck_assert_ptr_ne(soft.r[i], soft.r[j]);
	}
	for (unsigned i = 0; i < w->n; i++)
		want += w->rules[i]->cr.soft && w->rules[i]->cr.priority > floor &&
			hits(w->rules[i], p, version);
	ck_assert_uint_eq(soft.n, want);
	free(soft.r);
}

/* Answer right, the same without a mask, and the same for packets that agree on the mask. */
static void check_lookup(struct world *w, const struct flow_key *p, uint64_t version)
{
	struct flow_key mask, soft_mask, q;
	const struct rule *r;

	memset(&mask, 0, sizeof(mask));
	memset(&soft_mask, 0, sizeof(soft_mask));
	rcu_read_lock();
	r = rule_of(classifier_lookup(w->c, version, p, &mask));
	ck_assert_int_eq(r ? r->cr.priority : INT32_MIN, model_best(w, p, version));
	if (r) {
		ck_assert(flow_key_equal_masked(&r->match.key, p, &r->match.mask));
		ck_assert(cls_rule_visible(&r->cr, version));
		ck_assert(flow_mask_within(&r->match.mask, &mask));
	}
	ck_assert_ptr_eq(rule_of(classifier_lookup(w->c, version, p, NULL)), r);
	check_soft(w, p, version, &soft_mask, r);
	ck_assert(flow_key_equal(&mask, &soft_mask));
	for (unsigned i = 0; i < 12; i++) {
		mutate_outside(&w->r, p, &mask, &q);
		check_soft(w, &q, version, NULL, r);
		ck_assert_ptr_eq(rule_of(classifier_lookup(w->c, version, &q, NULL)), r);
		ck_assert_int_eq(model_best(w, &q, version), r ? r->cr.priority : INT32_MIN);
	}
	rcu_read_unlock();
}

static uint64_t some_version(struct world *w)
{
	return rng_below(&w->r, 2) ? w->version : 1 + rng_below(&w->r, w->version);
}

START_TEST(agrees_with_a_list)
{
	struct flow_key p;
	struct world w;

	world_init(&w, "classifier");
	for (unsigned step = 0; step < 12000; step++) {
		world_step(&w);
		some_packet(&w.r, &p);
		check_lookup(&w, &p, some_version(&w));
		if (w.n) { /* one that hits */
			const struct rule *r = w.rules[rng_below(&w.r, w.n)];

			mutate_outside(&w.r, &r->match.key, &r->match.mask, &p);
			check_lookup(&w, &p, some_version(&w));
		}
		ck_assert_uint_eq(classifier_count(w.c), w.n);
	}
	world_done(&w);
}
END_TEST

START_TEST(finds_what_is_in)
{
	struct match m;
	struct world w;

	world_init(&w, "find");
	for (unsigned step = 0; step < 20000; step++) {
		uint64_t v = some_version(&w);
		int32_t priority = (int32_t)rng_below(&w.r, 12);

		world_step(&w);
		some_match(&w, &m);
		if (w.n && rng_below(&w.r, 4)) {
			const struct rule *r = w.rules[rng_below(&w.r, w.n)];

			m = r->match;
			priority = r->cr.priority;
		}
		rcu_read_lock();
		ck_assert_ptr_eq(rule_of(classifier_find(w.c, &m, priority, v)),
				 model_find(&w, &m, priority, v));
		rcu_read_unlock();
	}
	world_done(&w);
}
END_TEST

static bool overlap(const struct match *a, const struct match *b)
{
	struct flow_key both;

	flow_key_mask(&both, &a->mask, &b->mask);
	return flow_key_equal_masked(&a->key, &b->key, &both);
}

static bool model_overlaps(const struct world *w, const struct match *m, int32_t priority,
			   uint64_t v)
{
	for (unsigned i = 0; i < w->n; i++)
		if (w->rules[i]->cr.priority == priority && cls_rule_visible(&w->rules[i]->cr, v) &&
		    overlap(&w->rules[i]->match, m))
			return true;
	return false;
}

static bool covers(const struct match *target, const struct match *m)
{
	return flow_mask_within(&target->mask, &m->mask) &&
	       flow_key_equal_masked(&target->key, &m->key, &target->mask);
}

static bool tag_rule(struct cls_rule *cr, void *aux)
{
	unsigned *left = aux;

	rule_of(cr)->tag++;
	return --*left > 0;
}

static void check_visit(struct world *w, const struct match *target, uint64_t v)
{
	unsigned want = 0, left = UINT32_MAX;

	for (unsigned i = 0; i < w->n; i++)
		w->rules[i]->tag = 0;
	rcu_read_lock();
	classifier_visit(w->c, target, v, tag_rule, &left);
	for (unsigned i = 0; i < w->n; i++) {
		const struct rule *r = w->rules[i];
		bool in = cls_rule_visible(&r->cr, v) && (!target || covers(target, &r->match));

		ck_assert_uint_eq(r->tag, in);
		want += in;
	}
	if (want) { /* stops when told to */
		unsigned n = 1 + (unsigned)rng_below(&w->r, want), stop = n;

		classifier_visit(w->c, target, v, tag_rule, &stop);
		ck_assert_uint_eq(stop, 0);
	}
	rcu_read_unlock();
}

START_TEST(visits_and_overlaps)
{
	struct match m;
	struct world w;

	world_init(&w, "visit");
	for (unsigned step = 0; step < 6000; step++) {
		uint64_t v = some_version(&w);
		int32_t priority = (int32_t)rng_below(&w.r, 12);

		world_step(&w);
		some_match(&w, &m);
		if (w.n && rng_below(&w.r, 2)) /* a wider view of a rule */
			m = w.rules[rng_below(&w.r, w.n)]->match;
		for (unsigned i = 0; i < FLOW_WORDS; i++)
			if (rng_below(&w.r, 4) == 0)
				flow_words(&m.mask)[i] = 0;
		match_init(&m, &m.key, &m.mask);
		rcu_read_lock();
		ck_assert_int_eq(classifier_overlaps(w.c, &m, priority, v),
				 model_overlaps(&w, &m, priority, v));
		rcu_read_unlock();
		check_visit(&w, rng_below(&w.r, 10) ? &m : NULL, v);
	}
	world_done(&w);
}
END_TEST

/* What a reader beside the writer needs. */
struct reader {
	const struct classifier *c;
	const struct flow_key *packets; /* each hits a rule that stays */
	int32_t floor;                  /* of this priority */
	_Atomic bool *stop;
	unsigned long lookups, wrong;
	uint64_t seed;
};

static void *read_on(void *arg)
{
	struct reader *x = arg;
	struct rng r = { x->seed };

	rcu_thread_start();
	while (!*x->stop) {
		const struct flow_key *p = &x->packets[rng_below(&r, 64)];
		struct flow_key mask;
		const struct rule *got;

		memset(&mask, 0, sizeof(mask));
		rcu_read_lock();
		got = rule_of(classifier_lookup(x->c, CLS_VERSION_MIN, p,
						rng_below(&r, 2) ? &mask : NULL));
		if (!got || got->cr.priority < x->floor ||
		    !flow_key_equal_masked(&got->match.key, p, &got->match.mask))
			x->wrong++;
		rcu_read_unlock();
		x->lookups++;
	}
	rcu_thread_stop();
	return NULL;
}

/* Rules that stay are found whatever the writer does around them. */
START_TEST(readers_beside_a_writer)
{
	struct flow_key packets[64];
	struct rule *stay[64];
	struct reader x[2];
	pthread_t thread[2];
	_Atomic bool stop = false;
	struct world w;

	world_init(&w, "readers");
	for (unsigned i = 0; i < 64; i++) {
		struct match m;

		some_packet(&w.r, &packets[i]);
		match_init(&m, &packets[i], &w.masks[i % ARRAY_SIZE(w.masks)]);
		stay[i] = rule_new(&m, 5);
		classifier_insert(w.c, &stay[i]->cr, CLS_VERSION_MIN);
	}
	for (unsigned i = 0; i < 2; i++) {
		x[i] = (struct reader){ w.c, packets, 5, &stop, 0, 0, i };
		ck_assert_int_eq(pthread_create(&thread[i], NULL, read_on, &x[i]), 0);
	}
	for (unsigned step = 0; step < 60000; step++) {
		if (w.n < N_MAX && rng_below(&w.r, 100) < (step / 1000 % 2 ? 60u : 40u))
			world_insert(&w);
		else if (w.n)
			world_remove(&w, (unsigned)rng_below(&w.r, w.n));
	}
	stop = true;
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(thread[i], NULL);
		ck_assert_uint_eq(x[i].wrong, 0);
		printf("reader %u: %lu lookups\n", i, x[i].lookups);
	}
	for (unsigned i = 0; i < 64; i++) {
		classifier_remove(w.c, &stay[i]->cr);
		rcu_defer(free_rule, stay[i]);
	}
	world_done(&w);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("core/classify/classifier");
	TCase *t = tcase_create("classifier");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(t, 240);
	tcase_add_test(t, agrees_with_a_list);
	tcase_add_test(t, finds_what_is_in);
	tcase_add_test(t, visits_and_overlaps);
	tcase_add_test(t, readers_beside_a_writer);
	suite_add_tcase(s, t);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
