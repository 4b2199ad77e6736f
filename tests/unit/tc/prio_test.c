/* SPDX-License-Identifier: Apache-2.0 */
/* Priorities against a plain list of rules: whatever comes and goes, no priority of a chain has two
 * protocols, a replacement's is another, and none is refused while one is free. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "tc/filter.h"
#include "tc/prio.h"
#include "tests/unit/seed.h"

#define RULES 400
#define ROUNDS 20000
#define BLOCKS 2
#define CHAINS 3

struct rule {
	bool there;
	uint64_t block;
	uint32_t chain;
	uint16_t prio;
	be16 protocol;
};

static bool same_chain(const struct rule *a, const struct rule *b)
{
	return a->block == b->block && a->chain == b->chain;
}

/* Priorities in use in the chain of r. */
static unsigned n_used(const struct rule *rules, const struct rule *r, uint16_t first,
		       uint16_t last)
{
	unsigned n = 0;

	for (uint32_t p = first; p <= last; p++)
		for (unsigned i = 0; i < RULES; i++)
			if (rules[i].there && same_chain(&rules[i], r) && rules[i].prio == p) {
				n++;
				break;
			}
	return n;
}

static void check_all(const struct rule *rules, const struct rule *r)
{
	for (unsigned i = 0; i < RULES; i++)
		if (rules[i].there && same_chain(&rules[i], r) && rules[i].prio == r->prio)
			ck_assert_uint_eq(rules[i].protocol, r->protocol);
}

static void come(struct rng *r, struct tc_prios *p, struct rule *rules, struct rule *x)
{
	const struct rule *was = &rules[rng_below(r, RULES)];
	uint16_t avoid = 0;
	int rc;

	x->block = rng_below(r, BLOCKS);
	x->chain = (uint32_t)rng_below(r, CHAINS);
	x->protocol = (be16)rng_below(r, 4);
	if (was->there) {
		x->block = was->block;
		x->chain = was->chain;
		x->protocol = was->protocol;
		avoid = was->prio;
	}
	rc = tc_prios_take(p, x->block, x->chain, x->protocol, avoid, &x->prio);
	if (rc) {
		ck_assert_int_eq(rc, -ENOSPC);
		ck_assert_uint_eq(n_used(rules, x, p->first, p->last),
				  (unsigned)(p->last - p->first + 1));
		return;
	}
	ck_assert_uint_ge(x->prio, p->first);
	ck_assert_uint_le(x->prio, p->last);
	ck_assert_uint_ne(x->prio, avoid);
	x->there = true;
	check_all(rules, x);
}

static void adopt(struct rng *r, struct tc_prios *p, struct rule *rules, struct rule *x)
{
	const struct rule *like = &rules[rng_below(r, RULES)];

	if (!like->there)
		return;
	*x = *like;
	tc_prios_adopt(p, x->block, x->chain, x->protocol, x->prio);
}

START_TEST(no_priority_has_two_protocols)
{
	struct rng r = rng_start("no_priority_has_two_protocols");
	struct rule *rules = calloc(RULES, sizeof(*rules));
	struct tc_prios p;

	tc_prios_init(&p);
	if (_i)
		p.last = (uint16_t)(p.first + 5); /* so that they run out */
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct rule *x = &rules[rng_below(&r, RULES)];

		if (x->there) {
			tc_prios_give(&p, x->block, x->chain, x->prio);
			x->there = false;
		} else if (rng_below(&r, 8)) {
			come(&r, &p, rules, x);
		} else {
			adopt(&r, &p, rules, x);
		}
	}
	for (unsigned i = 0; i < RULES; i++)
		if (rules[i].there)
			tc_prios_give(&p, rules[i].block, rules[i].chain, rules[i].prio);
	ck_assert_uint_eq(p.chains.n, 0);
	tc_prios_done(&p);
	free(rules);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tc/prio");
	TCase *c = tcase_create("prio");
	SRunner *run = srunner_create(s);
	int failed;

	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, no_priority_has_two_protocols, 0, 2);
	suite_add_tcase(s, c);
	srunner_run_all(run, CK_NORMAL);
	failed = srunner_ntests_failed(run);
	srunner_free(run);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
