/* SPDX-License-Identifier: Apache-2.0 */
/* Upcalls: what goes up, whole, bounded, fair. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "core/packet/parse.h"
#include "tests/conform/dp_conform.h"

START_TEST(a_miss_goes_up_whole)
{
	struct flow_key key = conform_key(2, 1, 6);
	struct packet *want = packet_compose(&key, 1000);
	struct dp_upcall up;
	struct dp_stats st;

	conform_send(2, &key, 1000);
	ck_assert(conform_upcall(&up));
	ck_assert_int_eq(up.kind, UPCALL_MISS);
	ck_assert(flow_key_equal(&up.key, &key));
	ck_assert_uint_eq(up.packet->len, want->len);
	ck_assert_int_eq(memcmp(up.packet->data, want->data, want->len), 0);
	ck_assert_uint_eq(up.packet->in_port.v, conform_port[2].v);
	conform_dp->ops->stats(conform_dp, &st);
	ck_assert_uint_eq(st.misses, 1);
	ck_assert_uint_eq(st.lost, 0);
	ck_assert_uint_eq(st.upcalls[UPCALL_MISS], 1);
	packet_free(up.packet);
	packet_free(want);
}
END_TEST

START_TEST(a_flow_sends_up_with_its_cookie)
{
	struct flow_key key = conform_key(0, 1, 17);
	struct act_userspace u = { .kind = UPCALL_CONTROLLER,
				   .max_len = 50,
				   .cookie = { 1, 2, 3, UINT64_MAX } };
	struct buf acts = BUF_INIT;
	struct dp_upcall up;

	dp_actions_put(&acts, DP_ACT_USERSPACE, &u, sizeof(u));
	dp_actions_put_output(&acts, conform_port[1]);
	ck_assert_int_eq(conform_put(1, &key, NULL, &acts), 0);
	conform_send(0, &key, 100);
	conform_expect(1, &key, 100);
	ck_assert(conform_upcall(&up));
	ck_assert_int_eq(up.kind, UPCALL_CONTROLLER);
	ck_assert_uint_eq(up.packet->len, 50);
	ck_assert_int_eq(memcmp(up.cookie, u.cookie, sizeof(u.cookie)), 0);
	packet_free(up.packet);
	buf_done(&acts);
}
END_TEST

static void wait_for_misses(uint64_t n)
{
	struct dp_stats st;

	for (unsigned i = 0; i < 5000; i++) {
		conform_dp->ops->stats(conform_dp, &st);
		if (st.misses >= n)
			break;
		usleep(1000);
	}
	ck_assert_uint_eq(st.misses, n);
}

/* Takes all upcalls that are there; counts those of a port. */
static unsigned drain(unsigned port)
{
	struct dp_upcall up[64];
	unsigned mine = 0;
	int n;

	while ((n = conform_dp->ops->recv(conform_dp, 0, up, 64)) > 0) {
		for (int i = 0; i < n; i++) {
			mine += flow_in_dp(&up[i].key).v == conform_port[port].v;
			packet_free(up[i].packet);
		}
	}
	return mine;
}

/* Nobody receives: the queue fills, the rest is counted as lost, and a port that comes late still
 * gets its share. */
START_TEST(queues_are_bounded_and_fair)
{
	enum { FLOOD = 20000, LATE = 100 };
	struct flow_key key;
	struct dp_stats st;
	unsigned flood, late;

	for (unsigned i = 0; i < FLOOD; i++) {
		key = conform_key(0, i, 17);
		conform_send(0, &key, 100);
	}
	wait_for_misses(FLOOD);
	for (unsigned i = 0; i < LATE; i++) {
		key = conform_key(1, i, 17);
		conform_send(1, &key, 100);
	}
	wait_for_misses(FLOOD + LATE);
	conform_dp->ops->stats(conform_dp, &st);
	ck_assert_uint_gt(st.lost, 0);
	ck_assert_uint_eq(st.lost + st.upcalls[UPCALL_MISS], FLOOD + LATE);
	ck_assert_uint_eq(st.lost, st.drops[DP_DROP_UPCALL_FULL] + st.drops[DP_DROP_UPCALL_RATE]);
	late = drain(1);
	if (conform_env->fair_queues)
		ck_assert_uint_eq(late, LATE);
	/* Once drained it works again. */
	conform_send(0, &key, 1);
	wait_for_misses(FLOOD + LATE + 1);
	flood = drain(1) + drain(0);
	(void)flood;
	conform_dp->ops->stats(conform_dp, &st);
	ck_assert_uint_eq(st.lost + st.upcalls[UPCALL_MISS], FLOOD + LATE + 1);
}
END_TEST

/* While one port floods, the few of another are all handled, and not after the flood. */
START_TEST(a_flood_leaves_others_their_turn)
{
	enum { FLOOD = 1500, LATE = 20, BATCH = 32 };
	unsigned late = 0, all = 0, last = 0;
	struct dp_upcall up[BATCH];
	struct flow_key key;
	struct dp_stats st;
	int n;

	for (unsigned i = 0; i < FLOOD; i++) {
		key = conform_key(0, i, 17);
		conform_send(0, &key, 100);
	}
	wait_for_misses(FLOOD);
	for (unsigned i = 0; i < LATE; i++) {
		key = conform_key(1, i, 17);
		conform_send(1, &key, 100);
	}
	wait_for_misses(FLOOD + LATE);
	while ((n = conform_dp->ops->recv(conform_dp, 0, up, BATCH)) > 0) {
		for (int i = 0; i < n; i++, all++) {
			if (flow_in_dp(&up[i].key).v == conform_port[1].v) {
				late++;
				last = all;
			}
			packet_free(up[i].packet);
		}
	}
	ck_assert_int_eq(n, 0);
	ck_assert_uint_eq(late, LATE);
	if (conform_env->takes_turns)
		ck_assert_uint_lt(last, FLOOD / 4);
	conform_dp->ops->stats(conform_dp, &st);
	ck_assert_uint_eq(all + st.lost, FLOOD + LATE);
}
END_TEST

START_TEST(the_descriptor_wakes)
{
	struct pollfd pfd = { .fd = conform_dp->ops->recv_fd(conform_dp, 0), .events = POLLIN };

	for (unsigned i = 0; i < 100; i++) {
		struct flow_key key = conform_key(0, i, 17);
		struct dp_upcall up;

		ck_assert_int_eq(conform_dp->ops->recv(conform_dp, 0, &up, 1), 0);
		ck_assert_int_eq(poll(&pfd, 1, 0), 0);
		conform_send(0, &key, 1);
		ck_assert_int_eq(poll(&pfd, 1, 2000), 1);
		ck_assert(conform_upcall(&up));
		packet_free(up.packet);
	}
}
END_TEST

/* A descriptor stays readable while something is left. */
START_TEST(the_descriptor_stays_readable)
{
	struct pollfd pfd = { .fd = conform_dp->ops->recv_fd(conform_dp, 0), .events = POLLIN };
	struct dp_upcall up;

	for (unsigned i = 0; i < 50; i++) {
		struct flow_key key = conform_key(0, i, 17);

		conform_send(0, &key, 1);
	}
	wait_for_misses(50);
	for (unsigned i = 0; i < 50; i++) {
		ck_assert_int_eq(poll(&pfd, 1, 2000), 1);
		ck_assert_int_eq(conform_dp->ops->recv(conform_dp, 0, &up, 1), 1);
		packet_free(up.packet);
	}
	ck_assert_int_eq(conform_dp->ops->recv(conform_dp, 0, &up, 1), 0);
	ck_assert_int_eq(poll(&pfd, 1, 0), 0);
}
END_TEST

START_TEST(handlers_share_and_may_change)
{
	enum { N = 200 };
	unsigned got[4] = { 0 }, total = 0, used = 0;
	struct dp_upcall up;
	struct dp_stats st;

	ck_assert_int_eq(conform_dp->ops->set_handlers(conform_dp, 4), 0);
	for (unsigned i = 0; i < N; i++) {
		struct flow_key key = conform_key(0, i, 17);

		conform_send(0, &key, 1);
	}
	wait_for_misses(N);
	for (unsigned h = 0; h < 4; h++) {
		while (conform_dp->ops->recv(conform_dp, h, &up, 1) == 1) {
			packet_free(up.packet);
			got[h]++;
		}
		total += got[h];
		used += got[h] != 0;
	}
	ck_assert_uint_eq(total, N);
	if (conform_env->spreads_misses)
		ck_assert_uint_gt(used, 1);
	/* What a handler that is no more had is counted as lost. */
	for (unsigned i = 0; i < N; i++) {
		struct flow_key key = conform_key(0, i, 17);

		conform_send(0, &key, 1);
	}
	wait_for_misses(2 * N);
	ck_assert_int_eq(conform_dp->ops->set_handlers(conform_dp, 1), 0);
	total = 0;
	while (conform_dp->ops->recv(conform_dp, 0, &up, 1) == 1) {
		packet_free(up.packet);
		total++;
	}
	conform_dp->ops->stats(conform_dp, &st);
	ck_assert_uint_eq(total + st.lost, N);
	ck_assert_int_eq(conform_dp->ops->recv(conform_dp, 1, &up, 1), -EINVAL);
}
END_TEST

void dp_conform_upcalls(TCase *t)
{
	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_miss_goes_up_whole);
	tcase_add_test(t, a_flow_sends_up_with_its_cookie);
	tcase_add_test(t, queues_are_bounded_and_fair);
	tcase_add_test(t, a_flood_leaves_others_their_turn);
	tcase_add_test(t, the_descriptor_wakes);
	tcase_add_test(t, the_descriptor_stays_readable);
	tcase_add_test(t, handlers_share_and_may_change);
}
