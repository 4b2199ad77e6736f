/* SPDX-License-Identifier: Apache-2.0 */
/* Flows that somebody else changes in the fallback datapath do again what they should, and count
 * on; a datapath that only tells them in other words is left alone. */
#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "tests/unit/offload/rig.h"

#define FLOWS 150u
#define STEPS 300u

static struct rig r;

/* Flows that stay in software, looked at all the time. */
static void open_rig(void)
{
	rig_open(&r, false);
	r.cfg.hw_offload = false;
	r.cfg.audit_period_ms = 20;
	rig_configure(&r);
}

static bool change(struct ufid u, const char *actions)
{
	struct buf b = BUF_INIT;
	bool there;

	rig_actions(&r, actions, &b);
	there = survivor_change(r.w, u, dp_actions_of(&b));
	buf_done(&b);
	return there;
}

static bool does(struct ufid u, const char *actions)
{
	struct survivor_rule *f;
	struct buf b = BUF_INIT;
	bool same;

	rig_actions(&r, actions, &b);
	survivor_lock(r.w);
	f = survivor_find(r.w->flows, u);
	same = f &&
	       dp_actions_equal((struct dp_actions){ f->acts_len ? f->acts : NULL, f->acts_len },
				dp_actions_of(&b));
	survivor_unlock(r.w);
	buf_done(&b);
	return same;
}

static uint64_t changed_back(void)
{
	struct engine_totals t;

	engine_totals(r.e, &t);
	return t.changed_back;
}

static void refresh(unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		(void)usleep(10000);
		engine_refresh(r.e);
	}
}

static void wait_does(struct ufid u, const char *actions)
{
	uint64_t end = clock_mono_ns() + 60 * NSEC_PER_SEC;

	while (!does(u, actions) && clock_mono_ns() < end)
		refresh(1);
	ck_assert(does(u, actions));
}

static void expect_told_of(struct ufid u)
{
	struct engine_flow_info i;
	const struct engine_event *ev;

	rig_info(&r, u, &i);
	ck_assert_uint_gt(i.n_events, 1);
	ev = &i.history[i.n_events - 1];
	ck_assert_uint_eq(ev->why.reason, OFFLOAD_CHANGED_BACK);
	ck_assert_uint_eq(ev->from, i.state);
	ck_assert_uint_eq(ev->to, i.state);
	ck_assert_uint_ge(ev->at_ns, i.history[0].at_ns);
	ck_assert_uint_le(ev->at_ns, clock_wall_ns());
	ck_assert_uint_ne(i.why.reason, OFFLOAD_CHANGED_BACK); /* where it is, is another matter */
}

START_TEST(it_does_again_what_it_should)
{
	struct engine_flow *f;
	struct match m;
	struct ufid u;

	open_rig();
	rig_match(&r, 0, 1, 0, &m);
	f = rig_put(&r, &m, "%1", &u);
	ck_assert(survivor_send(r.w, &m.key, 5));
	ck_assert(change(u, "drop"));
	ck_assert(survivor_send(r.w, &m.key, 3)); /* dropped, and counted as this flow's */
	wait_does(u, "%1");
	ck_assert_uint_eq(changed_back(), 1);
	ck_assert(survivor_send(r.w, &m.key, 2));
	ck_assert_uint_eq(rig_total(&r, f), 10);
	ck_assert_uint_eq(r.w->tx[r.no[1].v], 7);
	ck_assert_uint_eq(r.w->dropped, 3);
	expect_told_of(u);
	refresh(10);
	ck_assert_uint_eq(changed_back(), 1);
	rig_del(&r, f);
	rig_wait_gone(&r, 1);
	ck_assert_uint_eq(r.gone_packets, 10);
	rig_finish(&r);
}
END_TEST

START_TEST(other_words_for_the_same_are_no_change)
{
	struct engine_flow *f;
	struct match m;
	struct ufid u;

	open_rig();
	r.w->rewords = true;
	rig_match(&r, 0, 1, 0, &m);
	f = rig_put(&r, &m, "%1", &u);
	refresh(20);
	ck_assert_uint_eq(changed_back(), 0);
	ck_assert(change(u, "%2"));
	wait_does(u, "%1");
	ck_assert_uint_eq(changed_back(), 1);
	rig_modify(&r, f, "%2"); /* other actions: how these are told is to be learned again */
	refresh(20);
	ck_assert(does(u, "%2"));
	ck_assert_uint_eq(changed_back(), 1);
	ck_assert(change(u, "%1"));
	wait_does(u, "%2");
	ck_assert_uint_eq(changed_back(), 2);
	rig_del(&r, f);
	rig_wait_gone(&r, 1);
	rig_finish(&r);
}
END_TEST

START_TEST(where_it_cannot_be_done_it_waits)
{
	struct engine_flow *f;
	struct match m;
	struct ufid u;

	open_rig();
	rig_match(&r, 0, 1, 0, &m);
	f = rig_put(&r, &m, "%1", &u);
	ck_assert(change(u, "%2"));
	for (r.w->no_memory = 1; r.w->no_memory;)
		refresh(1);
	ck_assert(does(u, "%2"));
	ck_assert_uint_eq(changed_back(), 0);
	wait_does(u, "%1");
	ck_assert_uint_eq(changed_back(), 1);
	rig_del(&r, f);
	rig_wait_gone(&r, 1);
	rig_finish(&r);
}
END_TEST

struct churn {
	struct engine_flow *flow[FLOWS]; /* NULL = none */
	struct ufid ufid[FLOWS];
	struct match match[FLOWS];
	const char *acts[FLOWS]; /* what it should do */
	uint64_t counted;
};

static void begin_or_end(struct churn *c, unsigned i, const char *acts)
{
	if (c->flow[i]) {
		rig_del(&r, c->flow[i]);
		c->flow[i] = NULL;
		return;
	}
	c->flow[i] = rig_put(&r, &c->match[i], acts, &c->ufid[i]);
	c->acts[i] = acts;
}

static void churn_step(struct churn *c, struct rng *g)
{
	static const char *const lists[] = { "%1", "%2", "%1,%2", "drop" };
	const char *acts = lists[rng_below(g, ARRAY_SIZE(lists))];
	unsigned i = (unsigned)rng_below(g, FLOWS);

	switch (rng_below(g, 8)) {
	case 0:
	case 1: begin_or_end(c, i, acts); break;
	case 2:
		if (!c->flow[i])
			break;
		rig_modify(&r, c->flow[i], acts);
		c->acts[i] = acts;
		break;
	case 3:
	case 4:
		if (c->flow[i])
			ck_assert(change(c->ufid[i], acts));
		break;
	case 5: r.w->dump_interrupts = 1; break;
	case 6: c->counted += survivor_send(r.w, &c->match[i].key, 1); break;
	default: refresh(1);
	}
}

/* Puts, deletions, changes by us and by others, dumps that break off, with and without words of its
 * own: in the end each does what it should, and every packet has been counted once. */
START_TEST(in_the_end_all_do_what_they_should)
{
	struct rng g = rng_start("in_the_end_all_do_what_they_should");
	struct churn *c = xcalloc(1, sizeof(*c));

	open_rig();
	r.w->rewords = _i;
	for (unsigned i = 0; i < FLOWS; i++)
		rig_match(&r, 0, i + 1, 0, &c->match[i]);
	for (unsigned i = 0; i < 10 * STEPS; i++)
		churn_step(c, &g);
	for (unsigned i = 0; i < FLOWS; i++)
		if (c->flow[i])
			wait_does(c->ufid[i], c->acts[i]);
	ck_assert_uint_gt(changed_back(), 0);
	for (unsigned i = 0; i < FLOWS; i++)
		if (c->flow[i])
			rig_del(&r, c->flow[i]);
	ck_assert_uint_eq(r.gone_packets, c->counted);
	free(c);
	rig_finish(&r);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("altered flows");
	TCase *t = tcase_create("altered");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_test(t, it_does_again_what_it_should);
	tcase_add_test(t, other_words_for_the_same_are_no_change);
	tcase_add_test(t, where_it_cannot_be_done_it_waits);
	tcase_add_loop_test(t, in_the_end_all_do_what_they_should, 0, 2);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
