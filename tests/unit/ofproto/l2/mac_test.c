/* SPDX-License-Identifier: Apache-2.0 */
/* MAC learning against an array that is searched from end to end, and from several threads. */
#include <check.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/thread.h"
#include "ofproto/l2/mac.h"
#include "tests/unit/seed.h"

#define SEC NSEC_PER_SEC

static struct eth_addr mac_of(unsigned i)
{
	return (struct eth_addr){ { 2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i } };
}

/* --- the model --- */

#define MODEL_KEYS 64
#define MODEL_BUNDLES 6
struct model_entry {
	bool in;
	uint32_t bundle;
	uint64_t used_ns, garp_until_ns;
};
struct model {
	struct model_entry e[MODEL_KEYS];
	unsigned max;
	uint64_t idle_ns;
};

static unsigned model_count(const struct model *md, uint32_t bundle)
{
	unsigned n = 0;

	for (unsigned i = 0; i < MODEL_KEYS; i++)
		n += md->e[i].in && (bundle == MAC_NONE || md->e[i].bundle == bundle);
	return n;
}

static bool model_learns(const struct model *md, unsigned key, uint32_t bundle, enum mac_garp garp,
			 uint64_t now)
{
	const struct model_entry *e = &md->e[key];

	if (!e->in)
		return true;
	if (e->bundle == bundle)
		return false;
	return garp != MAC_GARP_BOND || now >= e->garp_until_ns;
}

static bool model_refuses(const struct model *md, unsigned key, uint32_t bundle, enum mac_garp garp,
			  uint64_t now)
{
	return md->e[key].in && md->e[key].bundle != bundle &&
	       !model_learns(md, key, bundle, garp, now);
}

/* An eviction may choose any of the bundles that have the most; the table's choice is read back,
 * and must be the oldest of one of those. */
static void model_evict(struct model *md, struct mac_table *m)
{
	unsigned most = 0, victim = MODEL_KEYS;

	for (uint32_t b = 0; b < MODEL_BUNDLES; b++)
		most = MAX(most, model_count(md, b));
	for (unsigned i = 0; i < MODEL_KEYS; i++)
		if (md->e[i].in && mac_lookup(m, 0, mac_of(i)) == MAC_NONE) {
			ck_assert_uint_eq(victim, MODEL_KEYS);
			victim = i;
		}
	ck_assert_uint_ne(victim, MODEL_KEYS);
	ck_assert_uint_eq(model_count(md, md->e[victim].bundle), most);
	for (unsigned i = 0; i < MODEL_KEYS; i++)
		if (md->e[i].in && md->e[i].bundle == md->e[victim].bundle)
			ck_assert_uint_ge(md->e[i].used_ns, md->e[victim].used_ns);
	md->e[victim].in = false;
}

static void model_learn(struct model *md, unsigned key, uint32_t bundle, enum mac_garp garp,
			uint64_t now)
{
	struct model_entry *e = &md->e[key];

	if (!e->in)
		e->garp_until_ns = 0;
	e->in = true;
	e->bundle = bundle;
	e->used_ns = now;
	if (garp == MAC_GARP_PORT)
		e->garp_until_ns = now + MAC_GARP_LOCK_S * SEC;
}

static void check_same(const struct model *md, struct mac_table *m)
{
	struct mac_stats s;

	for (unsigned i = 0; i < MODEL_KEYS; i++)
		ck_assert_uint_eq(mac_lookup(m, 0, mac_of(i)),
				  md->e[i].in ? md->e[i].bundle : MAC_NONE);
	mac_table_stats(m, &s);
	ck_assert_uint_eq(s.count, model_count(md, MAC_NONE));
	ck_assert_uint_le(s.count, md->max);
}

static void step_learn(struct model *md, struct mac_table *m, struct rng *r, uint64_t now)
{
	unsigned key = (unsigned)rng_below(r, MODEL_KEYS);
	/* one port floods */
	uint32_t bundle = rng_below(r, 2) ? 0 : (uint32_t)rng_below(r, MODEL_BUNDLES);
	enum mac_garp garp = (enum mac_garp)rng_below(r, 3);
	bool learns = model_learns(md, key, bundle, garp, now);
	bool full = !md->e[key].in && model_count(md, MAC_NONE) == md->max;
	uint64_t seq = mac_seq(m);

	ck_assert(mac_learn(m, 0, mac_of(key), bundle, garp, now) == learns);
	ck_assert((mac_seq(m) != seq) == learns);
	if (full)
		model_evict(md, m);
	if (!model_refuses(md, key, bundle, garp, now))
		model_learn(md, key, bundle, garp, now);
}

static void step_expire(struct model *md, struct mac_table *m, uint64_t now)
{
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; i < MODEL_KEYS; i++) {
		if (md->e[i].in && md->e[i].used_ns + md->idle_ns <= now)
			md->e[i].in = false;
		if (md->e[i].in)
			next = MIN(next, md->e[i].used_ns + md->idle_ns);
	}
	ck_assert_uint_eq(mac_expire(m, now), next);
}

static void step_forget(struct model *md, struct mac_table *m, uint32_t bundle)
{
	mac_forget_bundle(m, bundle);
	for (unsigned i = 0; i < MODEL_KEYS; i++)
		if (md->e[i].bundle == bundle)
			md->e[i].in = false;
}

START_TEST(agrees_with_array)
{
	struct rng r = rng_start("mac_agrees_with_array");
	struct model md = { .max = 40, .idle_ns = 20 * SEC };
	struct mac_table *m = mac_table_new();
	uint64_t now = clock_mono_ns();

	mac_configure(m, md.max, 20);
	for (int i = 0; i < 20000; i++) {
		now += 1 + rng_below(&r, SEC);
		switch (rng_below(&r, 40)) {
		case 0: step_expire(&md, m, now); break;
		case 1: step_forget(&md, m, (uint32_t)rng_below(&r, MODEL_BUNDLES)); break;
		default: step_learn(&md, m, &r, now);
		}
		check_same(&md, m);
	}
	mac_flush(m);
	ck_assert_uint_eq(mac_expire(m, now), UINT64_MAX);
	mac_table_free(m);
}
END_TEST

START_TEST(vlans_are_apart_and_multicast_is_not_learned)
{
	struct mac_table *m = mac_table_new();
	struct eth_addr multicast = { { 1, 0, 0x5e, 0, 0, 1 } };
	struct mac_entry *e;

	ck_assert(mac_would_learn(m, 1, mac_of(1), 7, MAC_GARP_NO));
	ck_assert(mac_learn(m, 1, mac_of(1), 7, MAC_GARP_NO, 5 * SEC));
	ck_assert(!mac_would_learn(m, 1, mac_of(1), 7, MAC_GARP_NO));
	ck_assert(mac_would_learn(m, 1, mac_of(1), 8, MAC_GARP_NO));
	ck_assert_uint_eq(mac_lookup(m, 2, mac_of(1)), MAC_NONE);
	ck_assert(!mac_would_learn(m, 1, multicast, 7, MAC_GARP_NO));
	ck_assert(!mac_learn(m, 1, multicast, 7, MAC_GARP_NO, 5 * SEC));
	ck_assert_uint_eq(mac_dump(m, 9 * SEC, &e), 1);
	ck_assert_uint_eq(e[0].age_s, 4);
	ck_assert_uint_eq(e[0].bundle, 7);
	free(e);
	mac_table_free(m);
}
END_TEST

START_TEST(shrinking_evicts)
{
	struct mac_table *m = mac_table_new();
	struct mac_stats s;

	for (unsigned i = 0; i < 100; i++)
		mac_learn(m, 0, mac_of(i), i % 2 ? 1 : i, MAC_GARP_NO, i);
	mac_configure(m, 60, 300);
	mac_table_stats(m, &s);
	ck_assert_uint_eq(s.count, 60);
	ck_assert_uint_eq(s.evicted, 40);
	ck_assert_uint_eq(mac_lookup(m, 0, mac_of(1)), MAC_NONE);
	ck_assert_uint_eq(mac_lookup(m, 0, mac_of(2)), 2);
	mac_table_free(m);
}
END_TEST

struct churn {
	struct mac_table *m;
	uint64_t seed;
};

static void churn(struct thread *t UNUSED, void *arg)
{
	struct churn *c = arg;
	struct rng r = { c->seed };

	for (int i = 0; i < 20000; i++) {
		struct eth_addr mac = mac_of((unsigned)rng_below(&r, 500));
		uint32_t bundle = (uint32_t)rng_below(&r, 8);

		mac_learn(c->m, 0, mac, bundle, MAC_GARP_NO, clock_mono_ns());
		bundle = mac_lookup(c->m, 0, mac);
		ck_assert(bundle == MAC_NONE || bundle < 8);
		if (!(i % 1000))
			mac_forget_bundle(c->m, 3);
		if (!(i % 100))
			mac_expire(c->m, clock_mono_ns());
	}
}

START_TEST(threads_learn_and_look_up)
{
	struct rng r = rng_start("mac_threads");
	struct mac_table *m = mac_table_new();
	struct thread t[3];
	struct churn c[3];

	mac_configure(m, 200, 1);
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		c[i] = (struct churn){ m, rng_next(&r) };
		ck_assert_int_eq(thread_start(&t[i], "churn", churn, &c[i]), 0);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++)
		thread_stop(&t[i]);
	mac_table_free(m);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("mac");
	TCase *tc = tcase_create("mac");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, agrees_with_array);
	tcase_add_test(tc, vlans_are_apart_and_multicast_is_not_learned);
	tcase_add_test(tc, shrinking_evicts);
	tcase_add_test(tc, threads_learn_and_look_up);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
