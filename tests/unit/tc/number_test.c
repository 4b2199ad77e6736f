/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of actions: each of ours has one of its own, and nothing else of a request changes. */
#include <check.h>
#include <linux/pkt_cls.h>
#include <linux/tc_act/tc_mirred.h>
#include <linux/tc_act/tc_pedit.h>
#include <stdlib.h>
#include <string.h>

#include "core/io/nlattr.h"
#include "tc/flower_number.h"
#include "tests/unit/seed.h"

struct kind {
	const char *name;
	uint16_t attr;
	bool numbered;
};
static const struct kind kinds[] = {
	{ "mirred", TCA_MIRRED_PARMS, true },
	{ "pedit", TCA_PEDIT_PARMS_EX, true },
	{ "police", TCA_POLICE_TBF, false },
	{ "unheard", 2, false },
};
#define N_KINDS ((unsigned)ARRAY_SIZE(kinds))

struct fixed {
	tc_gen;
	uint32_t rest[3];
};

static size_t start[8]; /* of the fixed parts */

static void put_action(struct buf *b, unsigned i, const struct kind *k, int bound)
{
	struct fixed f = { .index = 0xabcd, .bindcnt = bound, .rest = { 1, 2, 3 } };
	size_t act = nlattr_nest(b, (uint16_t)(i + 1)), options;

	nlattr_put_str(b, TCA_ACT_KIND, k->name);
	options = nlattr_nest_flagged(b, TCA_ACT_OPTIONS);
	nlattr_put_u32(b, 77, 5);
	start[i] = b->len + NLA_HDRLEN;
	nlattr_put(b, k->attr, &f, sizeof(f));
	nlattr_nest_end(b, options);
	nlattr_nest_end(b, act);
}

/* TCA_OPTIONS' payload; `odd` is not bound once. */
static void put_options(struct buf *b, unsigned odd)
{
	size_t acts;

	nlattr_put_u32(b, TCA_FLOWER_FLAGS, 3);
	acts = nlattr_nest_flagged(b, TCA_FLOWER_ACT);
	for (unsigned i = 0; i < N_KINDS; i++)
		put_action(b, i, &kinds[i], i == odd ? 2 : 1);
	nlattr_nest_end(b, acts);
}

static uint32_t number_at(const struct buf *b, unsigned i)
{
	uint32_t n;

	memcpy(&n, b->data + start[i], sizeof(n));
	return n;
}

START_TEST(each_has_its_own)
{
	struct buf b = BUF_INIT, was = BUF_INIT;
	uint32_t last = 0;

	put_options(&b, N_KINDS);
	buf_put(&was, b.data, b.len);
	for (unsigned round = 0; round < 1000; round++) {
		flower_number_put(b.data, b.len);
		for (unsigned i = 0; i < N_KINDS; i++) {
			uint32_t n = number_at(&b, i);

			if (!kinds[i].numbered) {
				ck_assert_uint_eq(n, 0xabcd);
				continue;
			}
			ck_assert_uint_ge(n, FLOWER_NUMBER_FIRST);
			ck_assert_uint_le(n, FLOWER_NUMBER_LAST);
			ck_assert_uint_ne(n, last);
			last = n;
			memcpy(b.data + start[i], was.data + start[i], sizeof(n));
		}
		ck_assert_mem_eq(b.data, was.data, b.len);
	}
	buf_done(&b);
	buf_done(&was);
}
END_TEST

static bool shared(unsigned odd)
{
	struct buf b = BUF_INIT;
	const struct nlattr *acts;
	bool bad = false, yes;

	put_options(&b, odd);
	acts = nlattr_next(b.data, b.len, nlattr_first(b.data, b.len, &bad), &bad);
	yes = flower_number_shared(nlattr_data(acts), nlattr_len(acts));
	buf_done(&b);
	return yes;
}

START_TEST(what_is_shared_is_seen)
{
	ck_assert(!shared(N_KINDS));
	for (unsigned i = 0; i < N_KINDS; i++)
		ck_assert(shared(i) == kinds[i].numbered);
}
END_TEST

/* Whatever is cut or spoilt: nothing beyond the buffer is touched (a sanitizer watches). */
START_TEST(spoilt_ones_are_left)
{
	struct rng r = rng_start("number");
	struct buf b = BUF_INIT;

	for (unsigned round = 0; round < 20000; round++) {
		uint8_t *p;
		size_t len;

		buf_clear(&b);
		put_options(&b, N_KINDS);
		len = rng_below(&r, b.len + 1);
		p = malloc(len ? len : 1);
		memcpy(p, b.data, len);
		if (len)
			p[rng_below(&r, len)] = (uint8_t)rng_below(&r, 256);
		flower_number_put(p, len);
		(void)flower_number_shared(p, len);
		free(p);
	}
	buf_done(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("flower_number");
	TCase *c = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_test(c, each_has_its_own);
	tcase_add_test(c, what_is_shared_is_seen);
	tcase_add_test(c, spoilt_ones_are_left);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
