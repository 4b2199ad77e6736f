/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of samples against a list of when each source was last asked for: one number for each,
 * the same in every table, known while it must be, and never more of them than may be. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tc/sample_group.h"
#include "tests/unit/seed.h"

#define SOURCES 60
#define ROUNDS 20000

struct model {
	struct sample_source source;
	uint32_t number; /* 0: never asked for */
	uint64_t asked;  /* round */
};

static void random_source(struct rng *r, struct sample_source *s)
{
	memset(s, 0, sizeof(*s));
	s->kernel = rng_below(r, 2);
	s->in.v = (uint32_t)rng_below(r, 5);
	s->what.rate = 1 + (uint32_t)rng_below(r, 3);
	s->what.output = (uint32_t)rng_below(r, 4);
	s->what.retagged = rng_below(r, 2);
	if (s->what.retagged)
		s->what.tci = (uint16_t)rng_below(r, 3);
}

static bool same(const struct sample_source *a, const struct sample_source *b)
{
	return a->kernel == b->kernel && a->in.v == b->in.v && a->what.rate == b->what.rate &&
	       a->what.output == b->what.output && a->what.retagged == b->what.retagged &&
	       a->what.tci == b->what.tci;
}

/* SOURCES different ones. */
static void random_sources(struct rng *r, struct model *m)
{
	for (unsigned i = 0; i < SOURCES; i++) {
		bool again = true;

		memset(&m[i], 0, sizeof(m[i]));
		while (again) {
			again = false;
			random_source(r, &m[i].source);
			for (unsigned k = 0; k < i; k++)
				again |= same(&m[k].source, &m[i].source);
		}
	}
}

static unsigned asked_since(const struct model *m, const struct model *x)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SOURCES; i++)
		n += m[i].asked > x->asked;
	return n;
}

static void ask(struct sample_groups *g, struct model *m, struct model *x, uint64_t round)
{
	uint32_t number = sample_group_of(g, &x->source);

	ck_assert_uint_ne(number, 0);
	ck_assert(!x->number || x->number == number);
	for (unsigned i = 0; i < SOURCES; i++)
		ck_assert(&m[i] == x || m[i].number != number);
	x->number = number;
	x->asked = round;
}

static void look(struct sample_groups *g, const struct model *m, struct model *x, uint64_t round)
{
	struct sample_source s;

	if (!sample_group_find(g, x->number, &s)) {
		ck_assert_uint_ge(asked_since(m, x), g->most);
		return;
	}
	ck_assert(same(&s, &x->source));
	x->asked = round;
}

START_TEST(known_while_they_must_be)
{
	struct rng r = rng_start("sample groups");
	struct sample_groups g, other;
	struct sample_source s;
	struct model m[SOURCES];
	unsigned forgotten = 0;

	random_sources(&r, m);
	sample_groups_init(&g, 1 + rng_below(&r, SOURCES / 3));
	sample_groups_init(&other, SOURCES);
	ck_assert(!sample_group_find(&g, 5, &s));
	for (uint64_t round = 1; round <= ROUNDS; round++) {
		struct model *x = &m[rng_below(&r, SOURCES)];

		if (!x->number || rng_below(&r, 2))
			ask(&g, m, x, round);
		else
			look(&g, m, x, round);
		ck_assert_uint_le(g.young.n + g.old.n, 2 * g.most);
	}
	for (unsigned i = 0; i < SOURCES; i++) {
		ck_assert_uint_eq(sample_group_of(&other, &m[i].source), m[i].number);
		forgotten += !sample_group_find(&g, m[i].number, &s);
	}
	ck_assert_uint_ge(forgotten, SOURCES - 2 * g.most);
	sample_groups_done(&other);
	sample_groups_done(&g);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tc/sample_group");
	TCase *c = tcase_create("all");
	SRunner *sr;
	int failed;

	tcase_set_timeout(c, 60);
	tcase_add_test(c, known_while_they_must_be);
	suite_add_tcase(s, c);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
