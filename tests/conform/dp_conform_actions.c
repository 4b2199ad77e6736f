/* SPDX-License-Identifier: Apache-2.0 */
/* Actions: what comes out of which port. */
#include <string.h>

#include "core/base/clock.h"
#include "core/packet/parse.h"
#include "tests/conform/dp_conform.h"

static struct buf acts;

static void put_set_ttl(uint8_t ttl)
{
	union field_value v, m;

	memset(&v, 0, sizeof(v));
	memset(&m, 0, sizeof(m));
	v.b[0] = ttl;
	m.b[0] = UINT8_MAX;
	dp_actions_put_set(&acts, FIELD_IP_TTL, &v, &m);
}

static void put_output(unsigned port)
{
	dp_actions_put_output(&acts, conform_port[port]);
}

static void put_recirc(uint32_t id)
{
	struct act_recirc r = { id };

	dp_actions_put(&acts, DP_ACT_RECIRC, &r, sizeof(r));
}

/* Installs what `acts` holds for flow n at port 0 and clears it. */
static void install(unsigned n, const struct flow_key *key)
{
	ck_assert_int_eq(conform_put(n, key, NULL, &acts), 0);
	buf_clear(&acts);
}

static struct flow_key with_ttl(struct flow_key k, uint8_t ttl)
{
	k.nw_ttl = ttl;
	return k;
}

START_TEST(several_outputs)
{
	struct flow_key key = conform_key(0, 1, 17);

	put_output(1);
	put_output(2);
	put_output(1);
	install(1, &key);
	conform_send(0, &key, 5);
	conform_expect(1, &key, 5);
	conform_expect(1, &key, 5);
	conform_expect(2, &key, 5);
	conform_expect_nothing(3);
}
END_TEST

/* What is sent before an edit does not show it. */
START_TEST(edits_show_from_where_they_are)
{
	struct flow_key key = conform_key(0, 1, 17), want;

	put_output(1);
	put_set_ttl(9);
	put_output(2);
	put_set_ttl(8);
	put_output(3);
	put_output(1);
	install(1, &key);
	for (unsigned i = 0; i < 3; i++) {
		conform_send(0, &key, 5);
		conform_expect(1, &key, 5);
		want = with_ttl(key, 8);
		conform_expect(1, &want, 5);
		conform_expect(3, &want, 5);
		want = with_ttl(key, 9);
		conform_expect(2, &want, 5);
	}
}
END_TEST

START_TEST(vlan_push_and_pop)
{
	struct flow_key key = conform_key(0, 1, 17), tagged = key;
	struct act_push_vlan v = { htons(0x8100), htons(VLAN_CFI | 0x2000 | 42) };

	dp_actions_put(&acts, DP_ACT_PUSH_VLAN, &v, sizeof(v));
	put_output(1);
	dp_actions_put(&acts, DP_ACT_POP_VLAN, NULL, 0);
	put_output(2);
	install(1, &key);
	tagged.vlans[0] = (struct flow_vlan){ v.tpid, v.tci };
	conform_send(0, &key, 30);
	conform_expect(1, &tagged, 30);
	conform_expect(2, &key, 30);
}
END_TEST

/* A cut holds for one output. */
START_TEST(trunc_cuts_the_next_output)
{
	struct flow_key key = conform_key(0, 1, 17);
	struct act_trunc cut = { 40 };
	struct packet *got;

	dp_actions_put(&acts, DP_ACT_TRUNC, &cut, sizeof(cut));
	put_output(1);
	put_output(2);
	install(1, &key);
	conform_send(0, &key, 100);
	got = conform_env->recv(1, 1000);
	ck_assert_ptr_nonnull(got);
	ck_assert_uint_eq(got->len, 40);
	packet_free(got);
	conform_expect(2, &key, 100);
}
END_TEST

START_TEST(clone_leaves_the_packet_alone)
{
	struct flow_key key = conform_key(0, 1, 17), want = with_ttl(key, 3);
	size_t mark = dp_actions_nest_begin(&acts, DP_ACT_CLONE, NULL, 0);

	put_set_ttl(3);
	put_output(1);
	dp_actions_nest_end(&acts, mark);
	put_output(2);
	install(1, &key);
	conform_send(0, &key, 7);
	conform_expect(1, &want, 7);
	conform_expect(2, &key, 7);
}
END_TEST

START_TEST(sample_always_and_never)
{
	struct flow_key key = conform_key(0, 1, 17);
	struct act_sample always = { UINT32_MAX, 0 }, never = { 0, 0 };
	size_t mark = dp_actions_nest_begin(&acts, DP_ACT_SAMPLE, &always, sizeof(always));

	put_output(1);
	dp_actions_nest_end(&acts, mark);
	mark = dp_actions_nest_begin(&acts, DP_ACT_SAMPLE, &never, sizeof(never));
	put_output(2);
	dp_actions_nest_end(&acts, mark);
	put_output(3);
	install(1, &key);
	conform_send(0, &key, 7);
	conform_expect(1, &key, 7);
	conform_expect(3, &key, 7);
	conform_expect_nothing(2);
}
END_TEST

START_TEST(recirculation_looks_up_again)
{
	struct flow_key key = conform_key(0, 1, 17), again, want;

	put_set_ttl(33);
	put_recirc(5);
	install(1, &key);
	again = with_ttl(key, 33);
	again.recirc_id = htonl(5);
	put_output(2);
	put_set_ttl(32);
	put_output(1);
	install(2, &again);
	for (unsigned i = 0; i < 4; i++) {
		conform_send(0, &key, 7);
		want = with_ttl(key, 32);
		conform_expect(1, &want, 7);
		want = with_ttl(key, 33);
		conform_expect(2, &want, 7);
	}
	ck_assert_uint_eq(conform_get(1).packets, 4);
	ck_assert_uint_eq(conform_get(2).packets, 4);
}
END_TEST

/* A recirculation in the middle works on a copy; what was sent before it does not change. */
START_TEST(recirculation_in_the_middle)
{
	struct flow_key key = conform_key(0, 1, 17), again = key, want;

	put_output(1);
	put_recirc(5);
	put_set_ttl(7);
	put_output(3);
	install(1, &key);
	again.recirc_id = htonl(5);
	put_set_ttl(1);
	put_output(2);
	put_recirc(6);
	install(2, &again);
	again.recirc_id = htonl(6);
	again.nw_ttl = 1;
	put_output(2);
	install(3, &again);
	conform_send(0, &key, 7);
	conform_expect(1, &key, 7);
	want = with_ttl(key, 1);
	conform_expect(2, &want, 7);
	conform_expect(2, &want, 7);
	want = with_ttl(key, 7);
	conform_expect(3, &want, 7);
}
END_TEST

START_TEST(recirculation_ends)
{
	struct flow_key key = conform_key(0, 1, 17), mask;
	struct dp_stats st;

	conform_exact_mask(&mask);
	mask.recirc_id = 0; /* for ever */
	put_recirc(1);
	ck_assert_int_eq(conform_put(1, &key, &mask, &acts), 0);
	buf_clear(&acts);
	conform_send(0, &key, 7);
	conform_expect_nothing(1);
	conform_dp->ops->stats(conform_dp, &st);
	if (conform_env->drops_by_reason)
		ck_assert_uint_eq(st.drops[DP_DROP_RECIRC_LIMIT], 1);
	ck_assert_uint_ge(conform_get(1).packets, 2);
	ck_assert_uint_le(conform_get(1).packets, 100);
}
END_TEST

START_TEST(an_empty_list_drops)
{
	struct flow_key key = conform_key(0, 1, 17);
	struct dp_stats st;

	install(1, &key);
	conform_send(0, &key, 7);
	for (unsigned i = 1; i < DP_ENV_PORTS; i++)
		conform_expect_nothing(i);
	conform_dp->ops->stats(conform_dp, &st);
	if (conform_env->drops_by_reason)
		ck_assert_uint_eq(st.drops[DP_DROP_NO_ACTIONS], 1);
	ck_assert_uint_eq(conform_get(1).packets, 1);
}
END_TEST

START_TEST(closed_ports_neither_send_nor_receive)
{
	struct flow_key key = conform_key(0, 1, 17);
	struct dp_port_info in, out;
	struct dp_stats st;

	put_output(1);
	install(1, &key);
	ck_assert_int_eq(conform_dp->ops->port_get(conform_dp, conform_port[0], &in), 0);
	ck_assert_int_eq(conform_dp->ops->port_get(conform_dp, conform_port[1], &out), 0);
	if (!in.port->ops->rx) { /* the kernel's: not ours to close */
		port_unref(in.port);
		port_unref(out.port);
		return;
	}
	in.port->no_rx = true;
	conform_send(0, &key, 7);
	conform_expect_nothing(1);
	in.port->no_rx = false;
	out.port->no_tx = true;
	conform_send(0, &key, 7);
	conform_expect_nothing(1);
	out.port->no_tx = false;
	conform_send(0, &key, 7);
	conform_expect(1, &key, 7);
	conform_dp->ops->stats(conform_dp, &st);
	ck_assert_uint_eq(st.drops[DP_DROP_PORT_CONFIG], 2);
	port_unref(in.port);
	port_unref(out.port);
}
END_TEST

START_TEST(execute_does_what_it_is_told)
{
	struct flow_key key = conform_key(0, 1, 17), want;
	struct packet *p = packet_compose(&key, 9);
	struct dp_execute ex = { .packet = p };

	put_output(1);
	put_set_ttl(9);
	put_output(2);
	ex.actions = dp_actions_of(&acts);
	ex.key.in_port = key.in_port;
	ck_assert_uint_eq(conform_dp->ops->execute(conform_dp, &ex, 1), 0);
	conform_expect(1, &key, 9);
	want = with_ttl(key, 9);
	conform_expect(2, &want, 9);
	/* and through the table, when it says so */
	buf_clear(&acts);
	put_output(3);
	want.recirc_id = htonl(8);
	want.nw_ttl = 64;
	install(1, &want);
	put_recirc(8);
	ex.actions = dp_actions_of(&acts);
	memset(&ex.key, 0, sizeof(ex.key));
	ex.key.in_port = key.in_port;
	ck_assert_uint_eq(conform_dp->ops->execute(conform_dp, &ex, 1), 0);
	conform_expect(3, &key, 9);
	ck_assert_uint_eq(conform_del(1).packets, 1);
	packet_free(p);
}
END_TEST

static void clear(void)
{
	buf_done(&acts);
}

void dp_conform_actions(TCase *t)
{
	tcase_add_checked_fixture(t, NULL, clear);
	tcase_add_test(t, several_outputs);
	tcase_add_test(t, edits_show_from_where_they_are);
	tcase_add_test(t, vlan_push_and_pop);
	tcase_add_test(t, trunc_cuts_the_next_output);
	tcase_add_test(t, clone_leaves_the_packet_alone);
	tcase_add_test(t, sample_always_and_never);
	tcase_add_test(t, recirculation_looks_up_again);
	tcase_add_test(t, recirculation_in_the_middle);
	tcase_add_test(t, recirculation_ends);
	tcase_add_test(t, an_empty_list_drops);
	tcase_add_test(t, closed_ports_neither_send_nor_receive);
	tcase_add_test(t, execute_does_what_it_is_told);
}
