/* SPDX-License-Identifier: Apache-2.0 */
#include "core/classify/trie.h"

#include <check.h>

#include "tests/unit/seed.h"

#define N_MAX 200

struct prefix {
	struct trie_bits v;
	unsigned len;
};

static unsigned common(struct trie_bits a, struct trie_bits b)
{
	for (unsigned i = 0; i < 128; i++) {
		uint64_t x = i < 64 ? (a.hi ^ b.hi) >> (63 - i) : (a.lo ^ b.lo) >> (127 - i);

		if (x & 1)
			return i;
	}
	return 128;
}

static struct prefix some_prefix(struct rng *r)
{
	struct prefix p = { { rng_next(r), rng_next(r) }, 1 + rng_below(r, 128) };
	struct trie_bits m;

	/* Few bits vary, so that prefixes nest and share. */
	p.v.hi &= 0xc0c0000000000003ull;
	p.v.lo &= 0x8000000000000001ull;
	m = trie_prefix(p.len);
	p.v.hi &= m.hi;
	p.v.lo &= m.lo;
	return p;
}

static void check_lookup(const struct trie *t, const struct prefix *in, unsigned n,
			 struct trie_bits v)
{
	uint64_t lens[2] = { 0, 0 };
	struct trie_match got;
	unsigned bits = 0;

	for (unsigned i = 0; i < n; i++) {
		unsigned c = common(in[i].v, v);

		if (c >= in[i].len)
			lens[(in[i].len - 1) / 64] |= UINT64_C(1) << ((in[i].len - 1) % 64);
		bits = MAX(bits, MIN(in[i].len, c + 1));
	}
	trie_lookup(t, v, &got);
	ck_assert_uint_eq(got.lens[0], lens[0]);
	ck_assert_uint_eq(got.lens[1], lens[1]);
	ck_assert_uint_eq(got.n_bits, bits);
}

START_TEST(agrees_with_a_list)
{
	struct rng r = rng_start("trie");
	struct prefix in[N_MAX];
	struct trie t = { NULL };
	unsigned n = 0;

	for (unsigned step = 0; step < 20000; step++) {
		unsigned i = n ? rng_below(&r, n) : 0;

		if (n < N_MAX && (!n || rng_below(&r, 2))) {
			in[n] = n && !rng_below(&r, 4) ? in[i] : some_prefix(&r);
			trie_insert(&t, in[n].v, in[n].len);
			n++;
		} else {
			trie_remove(&t, in[i].v, in[i].len);
			in[i] = in[--n];
		}
		ck_assert_uint_le(trie_count(&t), n ? 2 * n - 1 : 0);
		check_lookup(&t, in, n, some_prefix(&r).v);
		if (n)
			check_lookup(&t, in, n, in[rng_below(&r, n)].v);
	}
	while (n--)
		trie_remove(&t, in[n].v, in[n].len);
	ck_assert_ptr_null(t.root);
	rcu_settle();
}
END_TEST

START_TEST(makes_prefix_masks)
{
	ck_assert_uint_eq(trie_prefix(0).hi, 0);
	ck_assert_uint_eq(trie_prefix(1).hi, UINT64_C(1) << 63);
	ck_assert_uint_eq(trie_prefix(64).hi, UINT64_MAX);
	ck_assert_uint_eq(trie_prefix(64).lo, 0);
	ck_assert_uint_eq(trie_prefix(65).lo, UINT64_C(1) << 63);
	ck_assert_uint_eq(trie_prefix(128).lo, UINT64_MAX);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("core/classify/trie");
	TCase *t = tcase_create("trie");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, agrees_with_a_list);
	tcase_add_test(t, makes_prefix_masks);
	suite_add_tcase(s, t);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
