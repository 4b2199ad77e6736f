/* SPDX-License-Identifier: Apache-2.0 */
/* Meters of the tables: which flows name one, and what goes with it. */
#include <stdlib.h>

#include "tests/unit/ofproto/table/fixture.h"

static struct ofp_tables *t;

static void setup(void)
{
	t = tables_new(NULL, NULL);
}

static void teardown(void)
{
	tables_free(t);
	rcu_settle();
	rcu_settle();
	rcu_settle();
}

static void put(uint32_t id, uint32_t dp_id, uint32_t rate)
{
	const struct ofp_meter_band band = { .type = OFPMBT_DROP_, .rate = rate };
	const struct ofp_meter_mod mm = { OFPMC_ADD_, OFPMF_KBPS_, id, &band, 1 };

	tables_meter_put(t, &mm, dp_id);
}

static enum ofperr flow(enum ofp_flow_mod_command command, uint32_t port, uint32_t meter)
{
	struct ofp_flow_mod fm = flow_mod(command);
	struct buf b = BUF_INIT;
	const struct ofpact_u32 m = { meter };
	enum ofperr e;

	match_in_port(&fm.match, port);
	if (meter)
		ofpact_put(&b, OFPACT_METER, &m, sizeof(m));
	put_output(&b, 1);
	fm.actions = ofpacts_of(&b);
	e = tables_flow_mod(t, &fm, NULL);
	buf_done(&b);
	return e;
}

static uint32_t flows_of(uint32_t id)
{
	const struct meter *m;
	uint32_t n;

	rcu_read_lock();
	m = tables_meter(t, id);
	ck_assert_ptr_nonnull(m);
	n = m->n_flows;
	rcu_read_unlock();
	return n;
}

START_TEST(flows_name_meters_that_are_there)
{
	ck_assert_int_eq(flow(OFPFC_ADD_, 1, 1), OFPERR_MM_INVALID_METER);
	ck_assert_ptr_null(lookup_port(t, 0, 1));
	put(1, 10, 1000);
	put(2, 11, 1000);
	ck_assert_int_eq(flow(OFPFC_ADD_, 1, 1), OFPERR_OK);
	ck_assert_int_eq(flow(OFPFC_ADD_, 2, 1), OFPERR_OK);
	ck_assert_int_eq(flow(OFPFC_ADD_, 3, 0), OFPERR_OK);
	ck_assert_uint_eq(flows_of(1), 2);
	ck_assert_int_eq(flow(OFPFC_MODIFY_, 1, 3), OFPERR_MM_INVALID_METER);
	ck_assert_uint_eq(flows_of(1), 2);
	ck_assert_int_eq(flow(OFPFC_MODIFY_, 1, 2), OFPERR_OK);
	ck_assert_int_eq(flow(OFPFC_ADD_, 3, 2), OFPERR_OK);
	ck_assert_uint_eq(flows_of(1), 1);
	ck_assert_uint_eq(flows_of(2), 2);
	ck_assert_int_eq(flow(OFPFC_DELETE_, 3, 77), OFPERR_OK); /* whose actions say nothing */
	ck_assert_uint_eq(flows_of(2), 1);
	tables_flush(t, false);
	ck_assert_uint_eq(flows_of(1), 0);
	ck_assert_uint_eq(flows_of(2), 0);
}
END_TEST

START_TEST(a_modification_keeps_flows_and_age)
{
	uint64_t created;
	struct meter *m;

	put(1, 10, 1000);
	ck_assert_int_eq(flow(OFPFC_ADD_, 1, 1), OFPERR_OK);
	rcu_read_lock();
	created = tables_meter(t, 1)->created_ns;
	rcu_read_unlock();
	put(1, 10, 5);
	rcu_read_lock();
	m = tables_meter(t, 1);
	ck_assert_uint_eq(m->n_flows, 1);
	ck_assert_uint_eq(m->created_ns, created);
	ck_assert_uint_eq(m->bands[0].rate, 5);
	rcu_read_unlock();
	ck_assert_ptr_nonnull(lookup_port(t, 0, 1));
}
END_TEST

static bool note(struct meter *m, void *aux)
{
	uint32_t *sum = aux;

	*sum += m->dp_id;
	for (uint32_t port = 1; port <= 3; port++) { /* none is left with its meter gone */
		const struct rule *r = lookup_port(t, 0, port);

		if (r)
			ck_assert_uint_ne(ofpacts_meter(rule_actions_get(r)), m->id);
	}
	return false;
}

START_TEST(flows_go_before_their_meter)
{
	uint32_t gone = 0;

	put(1, 10, 1000);
	put(2, 100, 1000);
	put(3, 1000, 1000);
	for (uint32_t port = 1; port <= 3; port++)
		ck_assert_int_eq(flow(OFPFC_ADD_, port, port), OFPERR_OK);
	ck_assert_int_eq(flow(OFPFC_ADD_, 4, 0), OFPERR_OK);
	tables_meter_delete(t, 77, note, &gone);
	ck_assert_uint_eq(gone, 0);
	tables_meter_delete(t, 1, note, &gone);
	ck_assert_uint_eq(gone, 10);
	ck_assert_ptr_null(lookup_port(t, 0, 1));
	ck_assert_ptr_nonnull(lookup_port(t, 0, 2));
	ck_assert_uint_eq(tables_n_rules(t), 3);
	tables_meter_delete(t, OFPM_ALL_, note, &gone);
	ck_assert_uint_eq(gone, 1110);
	ck_assert_uint_eq(tables_n_rules(t), 1);
	ck_assert_ptr_nonnull(lookup_port(t, 0, 4));
}
END_TEST

static bool first_two(struct meter *m UNUSED, void *aux)
{
	return ++*(unsigned *)aux < 2;
}

static bool count(struct meter *m UNUSED, void *aux)
{
	++*(unsigned *)aux;
	return true;
}

START_TEST(visits)
{
	unsigned n = 0;

	for (uint32_t id = 1; id <= 100; id++)
		put(id, id, 1);
	tables_meter_visit(t, OFPM_ALL_, count, &n);
	ck_assert_uint_eq(n, 100);
	n = 0;
	tables_meter_visit(t, OFPM_ALL_, first_two, &n);
	ck_assert_uint_eq(n, 2);
	tables_meter_visit(t, 55, count, &n);
	ck_assert_uint_eq(n, 3);
	tables_meter_visit(t, 555, count, &n);
	ck_assert_uint_eq(n, 3);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ofproto/table/meter");
	TCase *tc = tcase_create("meters");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, flows_name_meters_that_are_there);
	tcase_add_test(tc, a_modification_keeps_flows_and_age);
	tcase_add_test(tc, flows_go_before_their_meter);
	tcase_add_test(tc, visits);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
