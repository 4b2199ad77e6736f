/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conform/dp_conform.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/packet/parse.h"

const struct dp_env *conform_env;
struct dp *conform_dp;
struct dp_port conform_port[DP_ENV_PORTS];

/* ---- what the tests' files share ---- */

struct flow_key conform_key(unsigned port, unsigned n, uint8_t proto)
{
	struct flow_key k;

	memset(&k, 0, sizeof(k));
	k.in_port = htonl(conform_port[port].v);
	k.dl_dst = (struct eth_addr){ { 2, 0, 0, 0, 0, 1 } };
	k.dl_src = (struct eth_addr){ { 2, 0, 0, 0, 0, 2 } };
	k.dl_type = htons(0x0800);
	k.nw_src = htonl(0x0a000000 + n);
	k.nw_dst = htonl(0x0a010000 + n);
	k.nw_proto = proto;
	k.nw_ttl = 64;
	k.tp_src = htons((uint16_t)(1000 + n));
	k.tp_dst = htons(80);
	if (proto == 6)
		k.tcp_flags = htons(0x010);
	return k;
}

void conform_send(unsigned port, const struct flow_key *key, size_t payload)
{
	struct packet *p = packet_compose(key, payload);

	conform_env->send(port, p);
	packet_free(p);
}

void conform_expect(unsigned port, const struct flow_key *key, size_t payload)
{
	struct packet *want = packet_compose(key, payload);
	struct packet *got = conform_env->recv(port, 2000);

	ck_assert_msg(got != NULL, "nothing came out of port %u", port);
	ck_assert_uint_eq(got->len, want->len);
	ck_assert_msg(!memcmp(got->data, want->data, got->len), "the frame is another one");
	packet_free(want);
	packet_free(got);
}

void conform_expect_nothing(unsigned port)
{
	struct packet *got = conform_env->recv(port, 30);

	ck_assert_ptr_null(got);
}

struct ufid conform_ufid(unsigned n)
{
	return (struct ufid){ { n * UINT64_C(0x9e3779b97f4a7c15), n } };
}

void conform_exact_mask(struct flow_key *mask)
{
	memset(mask, 0, sizeof(*mask));
	memset(&mask->in_port, 0xff, sizeof(mask->in_port));
	memset(&mask->recirc_id, 0xff, sizeof(mask->recirc_id));
	memset((uint8_t *)mask + offsetof(struct flow_key, dl_dst), 0xff,
	       offsetof(struct flow_key, igmp_group) - offsetof(struct flow_key, dl_dst));
	mask->pad2 = mask->pad4 = 0;
	mask->pad3 = 0;
}

int conform_put(unsigned n, const struct flow_key *key, const struct flow_key *mask,
		const struct buf *acts)
{
	struct flow_key exact;
	struct dp_flow_op op = { .kind = DP_FLOW_PUT,
				 .ufid = conform_ufid(n),
				 .key = key,
				 .mask = mask,
				 .actions = dp_actions_of(acts) };

	conform_exact_mask(&exact);
	if (!mask)
		op.mask = &exact;
	return dp_flow_do(conform_dp, &op);
}

struct flow_stats conform_del(unsigned n)
{
	struct dp_flow_op op = { .kind = DP_FLOW_DEL, .ufid = conform_ufid(n) };

	ck_assert_int_eq(dp_flow_do(conform_dp, &op), 0);
	return op.stats;
}

struct flow_stats conform_get(unsigned n)
{
	struct dp_flow_op op = { .kind = DP_FLOW_GET, .ufid = conform_ufid(n) };

	ck_assert_int_eq(dp_flow_do(conform_dp, &op), 0);
	return op.stats;
}

bool conform_upcall(struct dp_upcall *up)
{
	struct pollfd pfd = { .fd = conform_dp->ops->recv_fd(conform_dp, 0), .events = POLLIN };
	uint64_t end = clock_mono_ns() + 2 * NSEC_PER_SEC;

	while (clock_mono_ns() < end) {
		int n = conform_dp->ops->recv(conform_dp, 0, up, 1);

		ck_assert_int_ge(n, 0);
		if (n)
			return true;
		(void)poll(&pfd, 1, 100);
	}
	return false;
}

static void setup(void)
{
	const struct dp_ops *ops = dp_type_find(conform_env->type);
	struct error err = ERROR_INIT;

	ck_assert_ptr_nonnull(ops);
	/* What a test that failed has left goes first. */
	ck_assert_msg(!ops->open("conform", &conform_dp, &err), "%s", err.cause);
	ops->close(conform_dp, false);
	ck_assert_msg(!ops->open("conform", &conform_dp, &err), "%s", err.cause);
	ck_assert_int_eq(ops->set_handlers(conform_dp, 1), 0);
	for (unsigned i = 0; i < DP_ENV_PORTS; i++)
		conform_port[i] = conform_env->port_add(conform_dp, i);
}

static void teardown(void)
{
	conform_dp->ops->close(conform_dp, false);
}

/* ---- ports ---- */

START_TEST(ports_are_found_by_number)
{
	struct dp_port_info info;

	for (unsigned i = 0; i < DP_ENV_PORTS; i++) {
		ck_assert_int_eq(conform_dp->ops->port_get(conform_dp, conform_port[i], &info), 0);
		ck_assert_uint_eq(info.no.v, conform_port[i].v);
		ck_assert(info.state.admin_up);
		for (unsigned j = 0; j < i; j++)
			ck_assert_uint_ne(conform_port[i].v, conform_port[j].v);
		port_unref(info.port);
	}
	ck_assert_int_eq(conform_dp->ops->port_get(conform_dp, (struct dp_port){ 4000 }, &info),
			 -ENODEV);
	ck_assert_int_eq(conform_dp->ops->port_del(conform_dp, (struct dp_port){ 4000 }), -ENODEV);
}
END_TEST

START_TEST(a_removed_port_is_gone_and_comes_back)
{
	struct flow_key key = conform_key(0, 1, 17);
	struct buf acts = BUF_INIT;
	struct dp_port_info info;
	struct dp_stats st;

	dp_actions_put_output(&acts, conform_port[1]);
	ck_assert_int_eq(conform_put(1, &key, NULL, &acts), 0);
	ck_assert_int_eq(conform_dp->ops->port_del(conform_dp, conform_port[1]), 0);
	ck_assert_int_eq(conform_dp->ops->port_get(conform_dp, conform_port[1], &info), -ENODEV);
	conform_send(0, &key, 10);
	for (unsigned i = 0; i < 1000 && !conform_get(1).packets; i++)
		usleep(1000);
	ck_assert_uint_eq(conform_get(1).packets, 1);
	conform_dp->ops->stats(conform_dp, &st);
	if (conform_env->drops_by_reason)
		ck_assert_uint_eq(st.drops[DP_DROP_NO_PORT], 1);
	conform_port[1] = conform_env->port_add(conform_dp, 1);
	buf_done(&acts);
}
END_TEST

Suite *dp_conform_suite(const struct dp_env *env)
{
	Suite *s = suite_create(env->type);
	TCase *t = tcase_create("ports");

	conform_env = env;
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, ports_are_found_by_number);
	tcase_add_test(t, a_removed_port_is_gone_and_comes_back);
	suite_add_tcase(s, t);
	t = tcase_create("flows");
	tcase_add_checked_fixture(t, setup, teardown);
	dp_conform_flows(t);
	suite_add_tcase(s, t);
	t = tcase_create("actions");
	tcase_add_checked_fixture(t, setup, teardown);
	dp_conform_actions(t);
	suite_add_tcase(s, t);
	t = tcase_create("upcalls");
	tcase_add_checked_fixture(t, setup, teardown);
	dp_conform_upcalls(t);
	suite_add_tcase(s, t);
	return s;
}
