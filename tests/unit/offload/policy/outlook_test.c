/* SPDX-License-Identifier: Apache-2.0 */
/* What is learned of flows, held against a model that is told everything, silence included. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "offload/policy/outlook.h"
#include "tests/unit/seed.h"

#define FLOWS 1500u
#define PERIODS 160u
#define WARM 60u       /* until the model looks at what comes */
#define ENOUGH 3000.0  /* times that a flow was seen in a line, to judge by it */
#define SOME_PAST 0.12 /* what two looks at the same chance may differ by */

/* How some flows behave: chances in percent for each period. */
struct habit {
	unsigned packets, dies, pauses, goes_on;
};

struct live {
	struct outlook_flow f;
	struct habit h;
	bool off;
};

struct line {
	double n, base, came;
};

struct model {
	struct outlook o;
	struct rng r;
	struct habit habits[3];
	struct live v[FLOWS];
	struct line lines[OUTLOOK_KINDS][OUTLOOK_SILENT];
	uint64_t now;
};

static bool chance(struct model *m, unsigned percent)
{
	return rng_below(&m->r, 100) < percent;
}

static void born(struct model *m, struct live *l)
{
	l->h = m->habits[rng_below(&m->r, 3)];
	l->off = false;
	outlook_begin(&m->o, &l->f, m->now - OUTLOOK_PERIOD_NS / 2);
}

static unsigned silent_for(const struct model *m, const struct live *l)
{
	uint64_t n = (m->now - l->f.rate.at_ns) / OUTLOOK_PERIOD_NS;

	return n ? (unsigned)MIN(n - 1, OUTLOOK_SILENT - 1u) : 0;
}

/* Of the flow as it stood before this period: what it had in it. */
static void note(struct model *m, const struct live *l, unsigned silent, unsigned packets)
{
	struct line *line = &m->lines[l->f.kind][silent];

	line->n++;
	line->base += l->f.base;
	line->came += packets * 1. * NSEC_PER_SEC / OUTLOOK_PERIOD_NS;
}

/* It will be silent in this period and in all that come. */
static void note_end(struct model *m, const struct live *l)
{
	for (unsigned s = silent_for(m, l); s < OUTLOOK_SILENT; s++)
		note(m, l, s, 0);
}

static void period(struct model *m, struct live *l, bool judged)
{
	unsigned packets = 0;

	if (chance(m, l->h.dies)) {
		if (judged && l->f.packets)
			note_end(m, l);
		born(m, l);
		packets = 1;
	} else {
		l->off = l->off ? !chance(m, l->h.goes_on) : chance(m, l->h.pauses);
	}
	if (!l->off)
		packets = l->h.packets / 2 + (unsigned)rng_below(&m->r, l->h.packets);
	if (judged && l->f.packets)
		note(m, l, silent_for(m, l), packets);
	outlook_add(&m->o, &l->f, packets, m->now);
}

static void falls_only(const struct outlook *o, const struct outlook_flow *f)
{
	double was = outlook_value(o, f, f->rate.at_ns);

	ck_assert(isfinite(was) && was >= 0);
	for (unsigned s = 1; s < 2 * OUTLOOK_SILENT; s++) {
		double v = outlook_value(o, f, f->rate.at_ns + s * OUTLOOK_PERIOD_NS / 2);

		ck_assert(v >= 0 && v <= was);
		was = v;
	}
}

/* Lines of which the model has seen enough; how many they are. */
static unsigned compare(const struct model *m)
{
	unsigned n = 0;

	for (unsigned k = 1; k < OUTLOOK_KINDS; k++) {
		double least = INFINITY;

		for (unsigned s = 0; s < OUTLOOK_SILENT - 1; s++) {
			const struct line *l = &m->lines[k][s];

			if (l->n < ENOUGH)
				break;
			least = fmin(least, l->came / l->base);
			ck_assert_msg(fabs(m->o.line[k][s].factor - least) <
					      SOME_PAST * fmax(least, .25),
				      "kind %u, silent for %u: %f, the model has %f", k, s,
				      m->o.line[k][s].factor, least);
			n++;
		}
	}
	return n;
}

START_TEST(flows_become_what_flows_like_them_became)
{
	struct model *m = xzalloc(sizeof(*m));
	unsigned compared = 0;

	m->r = rng_start(__func__);
	for (unsigned round = 0; round < 3; round++) {
		m->now = NSEC_PER_SEC;
		outlook_init(&m->o, m->now);
		memset(m->lines, 0, sizeof(m->lines));
		for (unsigned i = 0; i < 3; i++)
			m->habits[i] =
				(struct habit){ .packets = 4u << rng_below(&m->r, 10),
						.dies = 4 + (unsigned)rng_below(&m->r, 20),
						.pauses = (unsigned)rng_below(&m->r, 60),
						.goes_on = 10 + (unsigned)rng_below(&m->r, 80) };
		for (unsigned i = 0; i < FLOWS; i++)
			born(m, &m->v[i]);
		for (unsigned p = 0; p < PERIODS; p++) {
			m->now += OUTLOOK_PERIOD_NS;
			for (unsigned i = 0; i < FLOWS; i++)
				period(m, &m->v[i], p >= WARM);
		}
		for (unsigned i = 0; i < FLOWS; i++)
			falls_only(&m->o, &m->v[i].f);
		compared += compare(m);
	}
	ck_assert_uint_gt(compared, 3);
	free(m);
}
END_TEST

/* Half of the flows send once, the others go on; both as much in their first period. */
START_TEST(those_that_go_on_stand_above_those_that_are_over)
{
	struct model *m = xzalloc(sizeof(*m));
	struct outlook_flow first, later;

	m->r = rng_start(__func__);
	m->now = NSEC_PER_SEC;
	outlook_init(&m->o, m->now);
	m->habits[0] = (struct habit){ .packets = 1000, .dies = 90 };
	m->habits[1] = (struct habit){ .packets = 1000, .dies = 90 };
	m->habits[2] = (struct habit){ .packets = 1000, .dies = 2 };
	for (unsigned i = 0; i < FLOWS; i++)
		born(m, &m->v[i]);
	for (unsigned p = 0; p < PERIODS; p++) {
		m->now += OUTLOOK_PERIOD_NS;
		for (unsigned i = 0; i < FLOWS; i++)
			period(m, &m->v[i], false);
	}
	outlook_begin(&m->o, &first, m->now - OUTLOOK_PERIOD_NS);
	later = first;
	later.packets = 100000;
	outlook_add(&m->o, &first, 1000, m->now);
	outlook_add(&m->o, &later, 1000, m->now);
	ck_assert(first.base <= later.base && later.base <= first.base);
	ck_assert(outlook_value(&m->o, &later, m->now) >
		  outlook_value(&m->o, &first, m->now) * 1.5);
	free(m);
}
END_TEST

START_TEST(who_knows_nothing_believes_the_rate)
{
	struct outlook *o = xzalloc(sizeof(*o));
	struct rng r = rng_start(__func__);

	for (unsigned i = 0; i < 1000; i++) {
		uint64_t now = NSEC_PER_SEC + rng_below(&r, NSEC_PER_SEC);
		struct outlook_flow f;
		double v;

		outlook_init(o, now);
		outlook_begin(o, &f, now);
		now += OUTLOOK_PERIOD_NS / 2;
		outlook_add(o, &f, 1 + rng_below(&r, 1u << 20), now);
		v = rate_value(&f.rate, now);
		ck_assert(fabs(outlook_value(o, &f, now) - v) <= v * 1e-9);
		falls_only(o, &f);
		/* Nothing for a year, and then a reading. */
		now += UINT64_C(365) * 86400 * NSEC_PER_SEC;
		outlook_add(o, &f, 1, now);
		falls_only(o, &f);
	}
	free(o);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("offload outlook");
	TCase *t = tcase_create("outlook");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, flows_become_what_flows_like_them_became);
	tcase_add_test(t, those_that_go_on_stand_above_those_that_are_over);
	tcase_add_test(t, who_knows_nothing_believes_the_rate);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
