/* SPDX-License-Identifier: Apache-2.0 */
/* What goes wrong with a kernel datapath: devices unplugged, sockets that overflow, tables that
 * change under a dump, requests that cannot be. */
#include <pthread.h>

#include "core/base/clock.h"
#include "core/datapath/kernel/kernel.h"
#include "tests/kernel/rig.h"

static int add(const char *name, const char *type, struct dp_port *no, struct error *err)
{
	struct port_config cfg = { .name = name, .type = type };

	return rig_dp->ops->port_add(rig_dp, &cfg, (struct dp_port){ DP_PORT_NONE }, no, err);
}

static const char *const ways_to_go[] = {
	"ip link del plug",
	"ip netns add away && ip link set plug netns away && ip netns del away && "
	"! ip link show plug 2>/dev/null",
};

/* Its port is there, dead, until it is removed, and nobody else gets its number. */
START_TEST(a_device_is_unplugged_or_moves_to_another_namespace)
{
	struct error err = ERROR_INIT;
	struct dp_port no, again, other;
	struct dp_port_info info;
	struct port_stats st;

	must("ip link add plug type veth peer name plug1");
	ck_assert_int_eq(add("plug", "", &no, &err), 0);
	ck_assert_int_eq(rig_dp->ops->port_get(rig_dp, no, &info), 0);
	must(ways_to_go[_i]);
	must("ip link add plug type veth peer name plug1 && ip link add plug2 type dummy");
	ck_assert_int_eq(info.port->ops->stats(info.port, &st), -ENODEV);
	ck_assert_int_eq(add("plug2", "", &other, &err), 0);
	ck_assert_uint_ne(other.v, no.v);
	port_unref(info.port);
	ck_assert_int_eq(rig_dp->ops->port_get(rig_dp, no, &info), 0);
	ck_assert_int_eq(info.state.ifindex, 0);
	port_unref(info.port);
	(void)rig_dp->ops->port_del(rig_dp,
				    no); /* what it says of a port that is gone is its own */
	ck_assert_int_eq(rig_dp->ops->port_get(rig_dp, no, &info), -ENODEV);
	ck_assert_int_eq(rig_dp->ops->port_get(rig_dp, other, &info), 0);
	ck_assert_int_ne(info.state.ifindex, 0);
	port_unref(info.port);
	ck_assert_msg(!add("plug", "", &again, &err), "%s", err.cause);
	must("ip link del plug && ip link del plug2");
}
END_TEST

START_TEST(ports_that_cannot_be)
{
	struct error err = ERROR_INIT;
	struct dp_port no;

	ck_assert_int_eq(add("nosuch", "", &no, &err), -ENODEV);
	ck_assert_ptr_nonnull(strstr(err.cause, "nosuch"));
	error_clear(&err);
	ck_assert_int_eq(add("v0", "", &no, &err), -EEXIST);
	error_clear(&err);
	ck_assert_int_eq(add("x", "pcap", &no, &err), -EAFNOSUPPORT);
	error_clear(&err);
	ck_assert_int_lt(add("lo", "", &no, &err), 0);
	error_clear(&err);
	must("ip link add br9 type bridge && ip link add slave type dummy && ip link set slave "
	     "master br9");
	ck_assert_int_eq(add("slave", "", &no, &err), -EBUSY);
	ck_assert_ptr_nonnull(strstr(err.cause, "slave"));
	must("ip link del slave && ip link del br9");
}
END_TEST

START_TEST(tunnel_devices_come_and_go_with_their_port)
{
	static const char *const keys[] = { "dst_port" }, *const values[] = { "4790" },
				 *const bad[] = { "65536" };
	struct port_config cfg = { .name = "vx", .type = "vxlan" };
	struct error err = ERROR_INIT;
	struct dp_port no, geneve, gre, custom;
	struct dp_port_info info;

	ck_assert_msg(!add("vx", "vxlan", &no, &err), "%s", err.cause);
	ck_assert_int_eq(rig_dp->ops->port_get(rig_dp, no, &info), 0);
	ck_assert_str_eq(info.name, "vxlan_sys_4789");
	ck_assert_str_eq(info.type, "vxlan");
	ck_assert(info.state.admin_up);
	ck_assert_int_eq(info.port->ops->reconfigure(info.port, &cfg, &err), 0);
	cfg.keys = keys;
	cfg.values = values;
	cfg.n_options = 1;
	ck_assert_int_eq(info.port->ops->reconfigure(info.port, &cfg, &err), -EBUSY);
	port_unref(info.port);
	must("ip -d link show vxlan_sys_4789 | grep -q external");
	ck_assert_int_eq(add("vx2", "vxlan", &custom, &err), -EEXIST);
	error_clear(&err);
	ck_assert_int_eq(rig_dp->ops->port_add(rig_dp, &cfg, (struct dp_port){ DP_PORT_NONE },
					       &custom, &err),
			 0);
	cfg.values = bad;
	ck_assert_int_eq(rig_dp->ops->port_add(rig_dp, &cfg, (struct dp_port){ DP_PORT_NONE },
					       &custom, &err),
			 -EINVAL);
	error_clear(&err);
	ck_assert_msg(!add("g", "geneve", &geneve, &err), "%s", err.cause);
	ck_assert_msg(!add("r", "gre", &gre, &err), "%s", err.cause);
	must("ip link show geneve_sys_6081 && ip link show gre_sys");
	ck_assert_int_eq(rig_dp->ops->port_del(rig_dp, no), 0);
	must("! ip link show vxlan_sys_4789 2>/dev/null");
	must("ip link show vxlan_sys_4790");
}
END_TEST

START_TEST(tunnel_devices_go_with_the_datapath)
{
	must("! ip link show vxlan_sys_4790 2>/dev/null && ! ip link show gre_sys 2>/dev/null");
}
END_TEST

/* Nobody takes what comes up: it is lost and counted, and when somebody does it goes on. */
START_TEST(a_socket_overflows)
{
	enum { FLOOD = 30000 };
	struct dp_upcall ups[32];
	struct dp_stats st;
	uint64_t got = 0;
	int n;

	for (unsigned i = 0; i < FLOOD; i++) {
		struct flow_key key = rig_key(0, i);

		rig_send(0, &key);
	}
	rig_dp->ops->stats(rig_dp, &st);
	ck_assert_uint_eq(st.misses, FLOOD);
	ck_assert_uint_gt(st.lost, 0);
	while ((n = rig_dp->ops->recv(rig_dp, 0, ups, 32)) > 0) {
		for (int i = 0; i < n; i++, got++)
			packet_free(ups[i].packet);
	}
	ck_assert_int_eq(n, 0);
	rig_dp->ops->stats(rig_dp, &st);
	ck_assert_uint_eq(got, FLOOD - st.lost);
	ck_assert_uint_gt(st.overruns, 0);
	rig_send(0, &(struct flow_key[]){ rig_key(0, 1) }[0]);
	for (unsigned i = 0; i < 500 && rig_dp->ops->recv(rig_dp, 0, ups, 1) != 1; i++)
		usleep(10000);
	packet_free(ups[0].packet);
}
END_TEST

/* ---- tables that change ---- */

#define STEADY 1500u
#define CHURN 3000u

static void put(unsigned n, bool del)
{
	struct flow_key key = rig_key(1, n), mask;
	struct dp_flow_op op = { .kind = del ? DP_FLOW_DEL : DP_FLOW_PUT,
				 .ufid = { { 9, n } },
				 .key = &key,
				 .mask = &mask };

	memset(&mask, 0, sizeof(mask));
	mask.tp_src = UINT16_MAX;
	ck_assert_int_eq(dp_flow_do(rig_dp, &op), 0);
}

static _Atomic bool stop;

static void *churn(void *arg UNUSED)
{
	for (unsigned i = 0; !stop; i = (i + 1) % CHURN) {
		put(STEADY + i, false);
		if (i % 2 == 0 || i > CHURN / 2)
			put(STEADY + i, true);
		if (i == CHURN - 1) {
			for (unsigned j = 1; j <= CHURN / 2; j += 2)
				put(STEADY + j, true);
		}
	}
	return NULL;
}

/* No dump ends early or twice tells the same under many changes, and what is there all the time is
 * missed at most while the table is rebuilt. */
START_TEST(dumps_under_change)
{
	pthread_t thread;
	unsigned whole = 0;

	for (unsigned i = 0; i < STEADY; i++)
		put(i, false);
	stop = false;
	ck_assert_int_eq(pthread_create(&thread, NULL, churn, NULL), 0);
	for (unsigned round = 0; round < 30; round++) {
		struct dp_dump cur = { .flags = round % 2 ? DP_DUMP_FULL : 0 };
		struct dp_flow_rec *recs = calloc(64, sizeof(*recs));
		unsigned seen = 0;
		int n;

		while ((n = rig_dp->ops->flow_dump(rig_dp, &cur, recs, 64)) > 0) {
			for (int i = 0; i < n; i++)
				seen += recs[i].ufid.u[0] == 9 && recs[i].ufid.u[1] < STEADY;
		}
		ck_assert(n == 0 || n == -EINTR);
		rig_dp->ops->flow_dump_end(rig_dp, &cur);
		whole += seen == STEADY;
		free(recs);
	}
	stop = true;
	pthread_join(thread, NULL);
	printf("%u of 30 dumps were whole\n", whole);
	ck_assert_uint_gt(whole, 5);
}
END_TEST

static unsigned news(void)
{
	struct dp_dump cur = { .flags = DP_DUMP_NEWS };
	struct dp_flow_rec recs[8];
	unsigned sum = 0;
	int n;

	while ((n = rig_dp->ops->flow_dump(rig_dp, &cur, recs, 8)) > 0)
		sum += (unsigned)n;
	ck_assert_int_eq(n, 0);
	rig_dp->ops->flow_dump_end(rig_dp, &cur);
	return sum;
}

/* Counters are told when a packet has come, and when flows came or went while they were read. */
START_TEST(news_are_told_once)
{
	struct flow_key key = rig_key(0, 1);

	ck_assert_int_eq(rig_flow(0, 0, "%1"), 0);
	ck_assert_uint_eq(news(), 1);
	ck_assert_uint_eq(news(), 0);
	for (unsigned i = 0; i < 20; i++) {
		rig_send(0, &key);
		ck_assert_uint_eq(rig_count(1), 1);
		ck_assert_uint_eq(news(), 1);
		ck_assert_uint_eq(news(), 0);
	}
}
END_TEST

/* One that cannot be sent does not keep the others back; what overlaps is refused alone. */
START_TEST(batches_with_bad_ones)
{
	struct buf small = rig_acts("1"), huge = BUF_INIT;
	struct flow_key key[4], mask;
	struct dp_flow_op ops[4];

	memset(&mask, 0, sizeof(mask));
	mask.tp_src = UINT16_MAX;
	for (unsigned i = 0; i < 20000; i++)
		dp_actions_put_output(&huge, (struct dp_port){ 1 });
	for (unsigned i = 0; i < 4; i++) {
		key[i] = rig_key(0, i == 3 ? 0 : i);
		ops[i] = (struct dp_flow_op){ .kind = DP_FLOW_PUT,
					      .ufid = { { 3, i } },
					      .key = &key[i],
					      .mask = &mask,
					      .actions = dp_actions_of(i == 1 ? &huge : &small) };
	}
	ck_assert_uint_eq(rig_dp->ops->flow_batch(rig_dp, ops, 4), 2);
	ck_assert_int_eq(ops[0].result, 0);
	ck_assert_int_eq(ops[1].result, -E2BIG);
	ck_assert_int_eq(ops[2].result, 0);
	ck_assert_int_eq(ops[3].result, -EEXIST);
	buf_done(&small);
	buf_done(&huge);
}
END_TEST

/* Closed and opened again: flows and counters stay, ports are known by name, the rest goes on word.
 */
START_TEST(a_next_life_finds_everything)
{
	struct dp_config settled = { .settled = true };
	struct flow_key key = rig_key(0, 1);
	struct error err = ERROR_INIT;
	struct dp_flow_rec rec;
	struct dp_dump cur = { .flags = DP_DUMP_FULL };
	struct dp_port_info info;
	struct dp_port no;

	ck_assert_int_eq(rig_flow(0, 0, "%1"), 0);
	rig_send(0, &key);
	ck_assert_uint_eq(rig_count(1), 1);
	rig_dp->ops->close(rig_dp, true);
	rig_send(0, &key);
	ck_assert_uint_eq(rig_count(1), 1);
	ck_assert_int_eq(dp_type_find("system")->open("rig", &rig_dp, &err), 0);
	ck_assert_int_eq(rig_dp->ops->flow_dump(rig_dp, &cur, &rec, 1), 1);
	ck_assert_uint_eq(rec.stats.packets, 2);
	ck_assert_uint_eq(rec.key.in_port, key.in_port);
	rig_dp->ops->flow_dump_end(rig_dp, &cur);
	ck_assert_int_eq(add("v0", "", &no, &err), 0);
	ck_assert_uint_eq(no.v, rig_port[0].v);
	ck_assert_int_eq(rig_dp->ops->configure(rig_dp, &settled, &err), 0);
	ck_assert_int_eq(rig_dp->ops->port_get(rig_dp, rig_port[1], &info), -ENODEV);
	ck_assert_int_eq(rig_dp->ops->port_get(rig_dp, rig_port[0], &info), 0);
	port_unref(info.port);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("faults");

	rig_devices();
	tcase_add_loop_test(t, a_device_is_unplugged_or_moves_to_another_namespace, 0,
			    ARRAY_SIZE(ways_to_go));
	tcase_add_test(t, ports_that_cannot_be);
	tcase_add_test(t, tunnel_devices_come_and_go_with_their_port);
	tcase_add_test(t, tunnel_devices_go_with_the_datapath);
	tcase_add_test(t, a_socket_overflows);
	tcase_add_test(t, dumps_under_change);
	tcase_add_test(t, news_are_told_once);
	tcase_add_test(t, batches_with_bad_ones);
	tcase_add_test(t, a_next_life_finds_everything);
	return rig_run("kernel faults", t);
}
