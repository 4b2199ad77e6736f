/* SPDX-License-Identifier: Apache-2.0 */
/* What the model leaves out: hidden rules, learning, statistics, limits of a mod. */
#include <stdlib.h>

#include "tests/unit/ofproto/table/fixture.h"

static struct ofp_tables *t;
static struct buf out1, out2;

static void setup(void)
{
	t = tables_new(NULL, NULL);
	buf_init(&out1);
	buf_init(&out2);
	put_output(&out1, 1);
	put_output(&out2, 2);
}

static void teardown(void)
{
	tables_free(t);
	rcu_settle();
	rcu_settle();
	rcu_settle();
	buf_done(&out1);
	buf_done(&out2);
}

static void add_port(uint8_t table, uint32_t port, be64 cookie, const struct buf *acts)
{
	struct ofp_flow_mod fm = flow_mod(OFPFC_ADD_);

	fm.table = table;
	fm.cookie = cookie;
	fm.actions = ofpacts_of(acts);
	match_in_port(&fm.match, port);
	ck_assert_int_eq(tables_flow_mod(t, &fm, NULL), OFPERR_OK);
}

START_TEST(bad_commands_and_emergencies_are_refused)
{
	struct ofp_flow_mod fm = flow_mod(OFPFC_ADD_);

	fm.flags = OFPFF_EMERG_;
	ck_assert_int_eq(tables_flow_mod(t, &fm, NULL), OFPERR_FM_TABLE_FULL);
	fm.command = 5;
	ck_assert_int_eq(tables_flow_mod(t, &fm, NULL), OFPERR_FM_BAD_COMMAND);
	ck_assert_uint_eq(tables_n_rules(t), 0);
}
END_TEST

/* OpenFlow 1.5.1 section 6.4: entries of the same match do not overlap. */
START_TEST(the_identical_does_not_overlap)
{
	struct ofp_flow_mod fm = flow_mod(OFPFC_ADD_);

	add_port(0, 1, 0, &out1);
	fm.flags = OFPFF_CHECK_OVERLAP_;
	match_in_port(&fm.match, 1);
	ck_assert_int_eq(tables_flow_mod(t, &fm, NULL), OFPERR_OK);
	ck_assert_uint_eq(tables_n_rules(t), 1);
	match_init_catchall(&fm.match);
	ck_assert_int_eq(tables_flow_mod(t, &fm, NULL), OFPERR_FM_OVERLAP);
	fm.priority++;
	ck_assert_int_eq(tables_flow_mod(t, &fm, NULL), OFPERR_OK);
}
END_TEST

START_TEST(limit_lets_replacements_in)
{
	struct ofp_flow_mod fm = flow_mod(OFPFC_ADD_);

	tables_set_limit(t, 2);
	add_port(0, 1, 0, &out1);
	add_port(0, 2, 0, &out1);
	add_port(0, 2, 0, &out2);
	match_in_port(&fm.match, 3);
	ck_assert_int_eq(tables_flow_mod(t, &fm, NULL), OFPERR_FM_TABLE_FULL);
	ck_assert_int_eq(tables_flow_mod_hidden(t, &fm), OFPERR_OK);
}
END_TEST

START_TEST(hidden_rules_are_apart)
{
	struct ofp_flow_mod fm = flow_mod(OFPFC_ADD_);
	struct ofp_flow_stats_request req = request_all();
	uint64_t packets, bytes;
	uint32_t flows;
	size_t n;

	add_port(0, 1, 7, &out1);
	match_in_port(&fm.match, 1);
	fm.actions = ofpacts_of(&out2);
	fm.priority = 0;
	ck_assert_int_eq(tables_flow_mod_hidden(t, &fm), OFPERR_OK);
	ck_assert(lookup_port(t, 0, 1)->hidden);
	tables_aggregate(t, &req, &packets, &bytes, &flows);
	ck_assert_uint_eq(flows, 1);
	ck_assert_uint_eq(tables_n_rules(t), 1);

	fm = flow_mod(OFPFC_DELETE_);
	fm.table = OFPTT_ALL_;
	ck_assert_int_eq(tables_flow_mod(t, &fm, &n), OFPERR_OK);
	ck_assert_uint_eq(n, 1);
	ck_assert(lookup_port(t, 0, 1)->hidden);
	add_port(0, 2, 7, &out1);
	tables_flush(t, true);
	ck_assert_ptr_null(lookup_port(t, 0, 2));
	ck_assert(lookup_port(t, 0, 1)->hidden);
	ck_assert_int_eq(tables_flow_mod_hidden(t, &fm), OFPERR_OK);
	ck_assert_ptr_null(lookup_port(t, 0, 1));
}
END_TEST

START_TEST(old_versions_see_the_old_rules)
{
	struct flow_key key;
	uint64_t before;
	const struct rule *r;

	memset(&key, 0, sizeof(key));
	key.in_port = htonl(1);
	add_port(0, 1, 1, &out1);
	rcu_read_lock();
	before = tables_version(t);
	add_port(0, 1, 2, &out2);
	r = tables_lookup(t, 0, before, &key, NULL, false);
	ck_assert_uint_eq(r->cookie, 1);
	ck_assert(r->removed);
	r = tables_lookup(t, 0, tables_version(t), &key, NULL, false);
	ck_assert_uint_eq(r->cookie, 2);
	rcu_read_unlock();
}
END_TEST

/* A packet that statistics bring in for a rule that was modified meanwhile still counts. */
START_TEST(late_packets_count_for_the_successor)
{
	struct ofp_flow_mod fm = flow_mod(OFPFC_MODIFY_);
	struct rule *old;

	add_port(0, 1, 1, &out1);
	old = rule_ref(lookup_port(t, 0, 1));
	fm.actions = ofpacts_of(&out2);
	ck_assert_int_eq(tables_flow_mod(t, &fm, NULL), OFPERR_OK);
	ck_assert_ptr_ne(lookup_port(t, 0, 1), old);
	rule_credit(old, 5, 500, 1);
	ck_assert_uint_eq(lookup_port(t, 0, 1)->stats->packets, 5);
	ck_assert_uint_eq(lookup_port(t, 0, 1)->cookie, 1);
	rule_unref(old);
}
END_TEST

/* --- learn --- */

static struct ofp_flow_mod learned(uint32_t port, be64 cookie, const struct buf *acts)
{
	struct ofp_flow_mod fm = flow_mod(OFPFC_MODIFY_STRICT_);

	fm.table = 1;
	fm.cookie = cookie;
	fm.hard_timeout = 10;
	fm.actions = ofpacts_of(acts);
	match_in_port(&fm.match, port);
	return fm;
}

START_TEST(learning_again_only_refreshes)
{
	struct ofp_flow_mod fm = learned(1, 0, &out1);
	const struct rule *r;
	uint64_t seq, due;

	ck_assert_int_eq(tables_learn(t, &fm, 0), OFPERR_OK);
	r = lookup_port(t, 1, 1);
	due = rule_hard_due_ns(r);
	seq = tables_seq(t);
	clock_warp(6 * NSEC_PER_SEC);
	ck_assert_int_eq(tables_learn(t, &fm, 0), OFPERR_OK);
	ck_assert_uint_eq(tables_seq(t), seq);
	ck_assert_ptr_eq(lookup_port(t, 1, 1), r);
	ck_assert_uint_ge(rule_hard_due_ns(r), due + 6 * NSEC_PER_SEC);
	clock_warp(6 * NSEC_PER_SEC);
	(void)tables_expire(t, clock_mono_ns(), UINT64_MAX);
	ck_assert_ptr_eq(lookup_port(t, 1, 1), r);
	clock_warp(6 * NSEC_PER_SEC);
	(void)tables_expire(t, clock_mono_ns(), UINT64_MAX);
	ck_assert_ptr_null(lookup_port(t, 1, 1));
}
END_TEST

START_TEST(learning_something_else_changes_the_rule)
{
	struct ofp_flow_mod fm = learned(1, 0, &out1);

	ck_assert_int_eq(tables_learn(t, &fm, 0), OFPERR_OK);
	fm.actions = ofpacts_of(&out2);
	ck_assert_int_eq(tables_learn(t, &fm, 0), OFPERR_OK);
	ck_assert(ofpacts_equal(rule_actions_get(lookup_port(t, 1, 1)), ofpacts_of(&out2)));
	ck_assert_uint_eq(tables_n_rules(t), 1);
}
END_TEST

START_TEST(learning_stops_at_its_limit)
{
	for (uint32_t port = 1; port <= 5; port++) {
		struct ofp_flow_mod fm = learned(port, 9, &out1);

		ck_assert_int_eq(tables_learn(t, &fm, 3),
				 port <= 3 ? OFPERR_OK : OFPERR_FM_TABLE_FULL);
	}
	add_port(1, 4, 8, &out1); /* another cookie */
	ck_assert_uint_eq(tables_n_rules(t), 4);
}
END_TEST

START_TEST(learned_rules_go_with_their_last_learner)
{
	struct ofp_flow_mod fm = flow_mod(OFPFC_DELETE_);
	struct buf learn = BUF_INIT;

	put_learn_delete(&learn, 1, 9);
	add_port(0, 1, 1, &learn);
	add_port(0, 2, 1, &learn);
	add_port(1, 1, 9, &out1);
	add_port(1, 2, 9, &out1);
	add_port(1, 3, 8, &out1);
	add_port(2, 3, 9, &out1);
	match_in_port(&fm.match, 1);
	ck_assert_int_eq(tables_flow_mod(t, &fm, NULL), OFPERR_OK);
	ck_assert_uint_eq(tables_n_rules(t), 5);
	add_port(0, 2, 1, &learn); /* in its own place: no gap */
	ck_assert_uint_eq(tables_n_rules(t), 5);
	memset(&fm.match, 0, sizeof(fm.match));
	ck_assert_int_eq(tables_flow_mod(t, &fm, NULL), OFPERR_OK);
	ck_assert_uint_eq(tables_n_rules(t), 2);
	ck_assert_ptr_nonnull(lookup_port(t, 1, 3));
	ck_assert_ptr_nonnull(lookup_port(t, 2, 3));
	buf_done(&learn);
}
END_TEST

/* --- statistics --- */

static bool count_rule(struct rule *r UNUSED, void *aux)
{
	return ++*(unsigned *)aux < 3;
}

START_TEST(visits_select_and_stop)
{
	struct ofp_flow_stats_request req = request_all();
	unsigned n = 0;

	for (uint32_t port = 0; port < 6; port++)
		add_port((uint8_t)(port % 2), port, port < 2, port < 4 ? &out1 : &out2);
	tables_visit(t, &req, count_rule, &n);
	ck_assert_uint_eq(n, 3);
	req.out_port.v = 2;
	n = 0;
	tables_visit(t, &req, count_rule, &n);
	ck_assert_uint_eq(n, 2);
	req.table = 1;
	n = 0;
	tables_visit(t, &req, count_rule, &n);
	ck_assert_uint_eq(n, 1);
	req = request_all();
	req.cookie = 1;
	req.cookie_mask = UINT64_MAX;
	n = 0;
	tables_visit(t, &req, count_rule, &n);
	ck_assert_uint_eq(n, 2);
	req = request_all();
	match_in_port(&req.match, 3);
	n = 0;
	tables_visit(t, &req, count_rule, &n);
	ck_assert_uint_eq(n, 1);
}
END_TEST

START_TEST(statistics_say_ages_and_sums)
{
	struct ofp_flow_stats_request req = request_all();
	struct ofp_flow_stats fs;
	uint64_t packets, bytes;
	uint32_t flows;
	struct rule *r;

	add_port(0, 1, 1, &out1);
	add_port(3, 2, 1, &out1);
	clock_warp(20 * NSEC_PER_SEC);
	r = lookup_port(t, 0, 1);
	rule_credit(r, 3, 300, clock_mono_ns());
	clock_warp(5 * NSEC_PER_SEC);
	tables_rule_stats(r, &fs);
	ck_assert_uint_eq(fs.duration_ns / NSEC_PER_SEC, 25);
	ck_assert_uint_eq(fs.idle_age_s, 5);
	ck_assert_uint_eq(fs.hard_age_s, 25);
	ck_assert_uint_eq(fs.priority, 100);
	tables_rule_stats(lookup_port(t, 3, 2), &fs);
	ck_assert_uint_eq(fs.idle_age_s, 25);
	tables_aggregate(t, &req, &packets, &bytes, &flows);
	ck_assert_uint_eq(packets, 3);
	ck_assert_uint_eq(bytes, 300);
	ck_assert_uint_eq(flows, 2);
}
END_TEST

START_TEST(tables_count_lookups)
{
	struct ofp_table_stats ts;
	struct flow_key key;

	memset(&key, 0, sizeof(key));
	add_port(2, 0, 1, &out1);
	rcu_read_lock();
	ck_assert_ptr_nonnull(tables_lookup(t, 2, tables_version(t), &key, NULL, true));
	key.in_port = htonl(9);
	ck_assert_ptr_null(tables_lookup(t, 2, tables_version(t), &key, NULL, true));
	ck_assert_ptr_null(tables_lookup(t, 7, tables_version(t), &key, NULL, true));
	ck_assert_ptr_null(tables_lookup(t, 255, tables_version(t), &key, NULL, true));
	rcu_read_unlock();
	tables_credit(t, 2, true, 10);
	tables_credit(t, 255, true, 10);
	tables_table_stats(t, 2, &ts);
	ck_assert_str_eq(ts.name, "");
	ck_assert_uint_eq(ts.active, 1);
	ck_assert_uint_eq(ts.max_entries, TABLES_RULES_MAX);
	ck_assert_uint_eq(ts.lookups, 12);
	ck_assert_uint_eq(ts.matched, 11);
	tables_table_stats(t, 7, &ts);
	ck_assert_uint_eq(ts.lookups, 1);
	ck_assert_uint_eq(ts.matched, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tables");
	TCase *tc = tcase_create("tables");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, bad_commands_and_emergencies_are_refused);
	tcase_add_test(tc, the_identical_does_not_overlap);
	tcase_add_test(tc, limit_lets_replacements_in);
	tcase_add_test(tc, hidden_rules_are_apart);
	tcase_add_test(tc, old_versions_see_the_old_rules);
	tcase_add_test(tc, late_packets_count_for_the_successor);
	tcase_add_test(tc, learning_again_only_refreshes);
	tcase_add_test(tc, learning_something_else_changes_the_rule);
	tcase_add_test(tc, learning_stops_at_its_limit);
	tcase_add_test(tc, learned_rules_go_with_their_last_learner);
	tcase_add_test(tc, visits_select_and_stop);
	tcase_add_test(tc, statistics_say_ages_and_sums);
	tcase_add_test(tc, tables_count_lookups);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
