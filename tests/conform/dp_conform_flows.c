/* SPDX-License-Identifier: Apache-2.0 */
/* Flows: put, modify, delete, get, dump, and what they match and count. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/packet/parse.h"
#include "tests/conform/dp_conform.h"

static struct buf output_to(unsigned port)
{
	struct buf b = BUF_INIT;

	dp_actions_put_output(&b, conform_port[port]);
	return b;
}

START_TEST(a_flow_forwards_and_counts)
{
	struct flow_key key = conform_key(0, 1, 6);
	struct buf acts = output_to(1);
	struct flow_stats st;
	uint64_t before = clock_mono_ns();

	ck_assert_int_eq(conform_put(1, &key, NULL, &acts), 0);
	ck_assert_uint_eq(conform_get(1).packets, 0);
	for (unsigned i = 0; i < 10; i++) {
		conform_send(0, &key, i * 10);
		conform_expect(1, &key, i * 10);
	}
	conform_expect_nothing(2);
	st = conform_del(1);
	ck_assert_uint_eq(st.packets, 10);
	ck_assert_uint_eq(st.bytes, 10 * (14 + 20 + 20) + 450);
	ck_assert_uint_ge(st.used_ns + conform_env->used_tick_ns, before);
	ck_assert_uint_le(st.used_ns, clock_mono_ns());
	ck_assert_uint_eq(st.tcp_flags, 0x010);
	/* It is really gone. */
	conform_send(0, &key, 0);
	conform_expect_nothing(1);
	buf_done(&acts);
}
END_TEST

START_TEST(masks_decide_what_matches)
{
	struct flow_key mask, key = conform_key(0, 1, 17), other;
	struct buf a = output_to(1), b = output_to(2);

	memset(&mask, 0, sizeof(mask));
	mask.in_port = mask.recirc_id = UINT32_MAX;
	mask.nw_dst = htonl(0xffff0000);
	ck_assert_int_eq(conform_put(1, &key, &mask, &a), 0);
	other = key;
	other.nw_dst = htonl(0x0b000000);
	mask.nw_dst = htonl(0xff000000);
	mask.tp_dst = UINT16_MAX;
	ck_assert_int_eq(conform_put(2, &other, &mask, &b), 0);
	for (unsigned i = 0; i < 5; i++) {
		key = conform_key(0, i, 17);
		conform_send(0, &key, 4);
		conform_expect(1, &key, 4);
		key.nw_dst = htonl(0x0b0000ff + i);
		conform_send(0, &key, 4);
		conform_expect(2, &key, 4);
	}
	ck_assert_uint_eq(conform_get(1).packets, 5);
	ck_assert_uint_eq(conform_get(2).packets, 5);
	buf_done(&a);
	buf_done(&b);
}
END_TEST

START_TEST(wrong_operations_have_their_errors)
{
	struct flow_key key = conform_key(0, 1, 17), mask;
	struct buf acts = output_to(1), bad = BUF_INIT;
	struct dp_flow_op op = { .kind = DP_FLOW_DEL, .ufid = conform_ufid(9) };

	ck_assert_int_eq(dp_flow_do(conform_dp, &op), -ENOENT);
	op.kind = DP_FLOW_GET;
	ck_assert_int_eq(dp_flow_do(conform_dp, &op), -ENOENT);
	op.kind = DP_FLOW_MODIFY;
	op.actions = dp_actions_of(&acts);
	ck_assert_int_eq(dp_flow_do(conform_dp, &op), -ENOENT);
	ck_assert_int_eq(conform_put(1, &key, NULL, &acts), 0);
	ck_assert_int_eq(conform_put(1, &key, NULL, &acts), -EEXIST); /* same ufid */
	ck_assert_int_eq(conform_put(2, &key, NULL, &acts), -EEXIST); /* same match */
	key = conform_key(0, 2, 17);
	if (conform_env->lacks >> DP_ACT_CT_CLEAR & 1) {
		dp_actions_put(&bad, DP_ACT_CT_CLEAR, NULL, 0);
		ck_assert_int_eq(conform_put(3, &key, NULL, &bad), -EOPNOTSUPP);
	}
	buf_clear(&bad);
	buf_put(&bad, "\xff\xff\0\0\0\0\0\0", 8); /* no such action */
	ck_assert_int_eq(conform_put(3, &key, NULL, &bad), -EINVAL);
	conform_exact_mask(&mask);
	mask.regs[0] = UINT32_MAX; /* OpenFlow's own */
	ck_assert_int_eq(conform_put(3, &key, &mask, &acts), -EINVAL);
	buf_done(&acts);
	buf_done(&bad);
}
END_TEST

START_TEST(a_batch_has_a_result_each)
{
	struct flow_key key[3] = { conform_key(0, 1, 17), conform_key(0, 2, 17),
				   conform_key(0, 1, 17) };
	struct buf acts = output_to(1);
	struct dp_flow_op ops[5];
	struct flow_key mask;

	conform_exact_mask(&mask);
	memset(ops, 0, sizeof(ops));
	for (unsigned i = 0; i < 3; i++)
		ops[i] = (struct dp_flow_op){ .kind = DP_FLOW_PUT,
					      .ufid = conform_ufid(i + 1),
					      .key = &key[i],
					      .mask = &mask,
					      .actions = dp_actions_of(&acts) };
	/* In order: the second removal makes room for what failed. */
	ops[3] = (struct dp_flow_op){ .kind = DP_FLOW_DEL, .ufid = conform_ufid(1) };
	ops[4] = ops[2];
	ck_assert_uint_eq(conform_dp->ops->flow_batch(conform_dp, ops, 5), 1);
	ck_assert_int_eq(ops[0].result, 0);
	ck_assert_int_eq(ops[1].result, 0);
	ck_assert_int_eq(ops[2].result, -EEXIST);
	ck_assert_int_eq(ops[3].result, 0);
	ck_assert_int_eq(ops[4].result, 0);
	buf_done(&acts);
}
END_TEST

START_TEST(modify_changes_actions_and_keeps_counts)
{
	struct flow_key key = conform_key(0, 1, 17);
	struct buf a = output_to(1), b = output_to(2);
	struct dp_flow_op op = { .kind = DP_FLOW_MODIFY,
				 .ufid = conform_ufid(1),
				 .actions = dp_actions_of(&b) };

	ck_assert_int_eq(conform_put(1, &key, NULL, &a), 0);
	conform_send(0, &key, 0);
	conform_expect(1, &key, 0);
	ck_assert_int_eq(dp_flow_do(conform_dp, &op), 0);
	ck_assert_uint_eq(op.stats.packets, 1);
	conform_send(0, &key, 0);
	conform_expect(2, &key, 0);
	conform_expect_nothing(1);
	ck_assert_uint_eq(conform_del(1).packets, 2);
	buf_done(&a);
	buf_done(&b);
}
END_TEST

/* What a flow does is told when it is asked for, changed and dumped. */
START_TEST(what_a_flow_does_is_told)
{
	struct dp_dump cur = { .flags = DP_DUMP_ACTIONS };
	struct flow_key key = conform_key(0, 1, 17);
	struct buf a = output_to(1), b = output_to(2), told = BUF_INIT;
	struct dp_flow_op op = { .kind = DP_FLOW_GET, .ufid = conform_ufid(1), .told = &told };
	struct dp_flow_rec recs[2];

	ck_assert_int_eq(conform_put(1, &key, NULL, &a), 0);
	ck_assert_int_eq(dp_flow_do(conform_dp, &op), 0);
	ck_assert(dp_actions_equal(dp_actions_of(&told), dp_actions_of(&a)));
	buf_clear(&told);
	op.kind = DP_FLOW_MODIFY;
	op.actions = dp_actions_of(&b);
	ck_assert_int_eq(dp_flow_do(conform_dp, &op), 0);
	ck_assert(dp_actions_equal(dp_actions_of(&told), dp_actions_of(&b)));
	ck_assert_int_eq(conform_dp->ops->flow_dump(conform_dp, &cur, recs, 2), 1);
	ck_assert_uint_eq(recs[0].ufid.u[1], 1);
	ck_assert(!recs[0].strange);
	ck_assert(dp_actions_equal(recs[0].actions, dp_actions_of(&b)));
	conform_dp->ops->flow_dump_end(conform_dp, &cur);
	buf_done(&a);
	buf_done(&b);
	buf_done(&told);
}
END_TEST

/* Every flow that lives through a dump is seen once, with all that it was put with. */
START_TEST(a_dump_shows_every_flow_once)
{
	enum { N = 500 };
	struct dp_dump cur = { .flags = DP_DUMP_FULL };
	struct dp_flow_rec recs[37];
	uint8_t seen[N] = { 0 };
	struct buf acts = output_to(1);
	int n;

	for (unsigned i = 0; i < N; i++) {
		struct flow_key key = conform_key(i % 2, i, 17);

		ck_assert_int_eq(conform_put(i, &key, NULL, &acts), 0);
	}
	while ((n = conform_dp->ops->flow_dump(conform_dp, &cur, recs, 37)) > 0) {
		for (int j = 0; j < n; j++) {
			unsigned i = (unsigned)recs[j].ufid.u[1];
			struct flow_key key = conform_key(i % 2, i, 17);

			if (i >= N)
				continue; /* put while the dump was under way */
			seen[i]++;
			ck_assert(flow_key_equal(&key, &recs[j].key));
			ck_assert(dp_actions_equal(recs[j].actions, dp_actions_of(&acts)));
			if (!conform_env->steady_dumps)
				continue;
			/* Others come and go meanwhile. */
			key = conform_key(0, N + i, 17);
			ck_assert_int_eq(conform_put(N + i, &key, NULL, &acts), 0);
			if (i % 3 == 0)
				(void)conform_del(N + i);
		}
	}
	ck_assert_int_eq(n, 0);
	conform_dp->ops->flow_dump_end(conform_dp, &cur);
	for (unsigned i = 0; i < N; i++)
		ck_assert_uint_eq(seen[i], 1);
	buf_done(&acts);
}
END_TEST

START_TEST(flows_have_a_limit)
{
	struct dp_config cfg = { .flow_limit = 10 };
	struct buf acts = output_to(1);
	struct flow_key key;

	if (!conform_dp->ops->configure)
		return;
	ck_assert_int_eq(conform_dp->ops->configure(conform_dp, &cfg, NULL), 0);
	for (unsigned i = 0; i < 10; i++) {
		key = conform_key(0, i, 17);
		ck_assert_int_eq(conform_put(i, &key, NULL, &acts), 0);
	}
	key = conform_key(0, 10, 17);
	ck_assert_int_eq(conform_put(10, &key, NULL, &acts), -ENOSPC);
	(void)conform_del(3);
	ck_assert_int_eq(conform_put(10, &key, NULL, &acts), 0);
	buf_done(&acts);
}
END_TEST

START_TEST(packets_cut_short_are_dropped_by_reason)
{
	struct flow_key key = conform_key(0, 1, 17), mask;
	struct buf acts;
	struct packet *p;
	struct dp_stats st;

	if (!conform_env->drops_by_reason)
		return;
	acts = output_to(1);
	p = packet_compose(&key, 20);
	memset(&mask, 0, sizeof(mask));
	mask.in_port = UINT32_MAX;
	ck_assert_int_eq(conform_put(1, &key, &mask, &acts), 0);
	p->len -= 4; /* shorter than its IPv4 header claims */
	conform_env->send(0, p);
	conform_expect_nothing(1);
	conform_dp->ops->stats(conform_dp, &st);
	ck_assert_uint_eq(st.drops[DP_DROP_PARSE], 1);
	ck_assert_uint_eq(conform_get(1).packets, 0);
	packet_free(p);
	buf_done(&acts);
}
END_TEST

void dp_conform_flows(TCase *t)
{
	tcase_add_test(t, a_flow_forwards_and_counts);
	tcase_add_test(t, masks_decide_what_matches);
	tcase_add_test(t, wrong_operations_have_their_errors);
	tcase_add_test(t, a_batch_has_a_result_each);
	tcase_add_test(t, modify_changes_actions_and_keeps_counts);
	tcase_add_test(t, what_a_flow_does_is_told);
	tcase_add_test(t, a_dump_shows_every_flow_once);
	tcase_add_test(t, flows_have_a_limit);
	tcase_add_test(t, packets_cut_short_are_dropped_by_reason);
}
