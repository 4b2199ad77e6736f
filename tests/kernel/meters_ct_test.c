/* SPDX-License-Identifier: Apache-2.0 */
/* Meters and connections of the kernel datapath, on packets. */
#include "core/datapath/dp_ct.h"
#include "core/datapath/dp_meter.h"
#include "tests/kernel/rig.h"

/* ---- meters ---- */

START_TEST(a_meter_drops_what_is_over_its_rate)
{
	const struct dp_meter_ops *ops = rig_dp->ops->meters;
	struct dp_meter m = { .packets = true,
			      .n_bands = 1,
			      .bands = { { .rate = 1, .burst = 5 } } };
	struct dp_meter_stats st;
	struct dp_meter_caps caps;
	struct error err = ERROR_INIT;
	struct flow_key key = rig_key(0, 1);
	unsigned got;

	ops->caps(rig_dp, &caps);
	ck_assert_uint_gt(caps.max_meters, 0);
	ck_assert_uint_ge(caps.max_bands, 1);
	ck_assert_msg(!ops->set(rig_dp, 1, &m, NULL, &err), "%s", err.cause);
	ck_assert_int_eq(rig_flow(0, 0, "meter(1),%1"), 0);
	for (unsigned i = 0; i < 50; i++)
		rig_send(0, &key);
	got = rig_count(1);
	ck_assert_uint_ge(got, 5); /* the bucket, and what time has filled in meanwhile */
	ck_assert_uint_lt(got, 50);
	ck_assert_int_eq(ops->get(rig_dp, 1, &st), 0);
	ck_assert_uint_eq(st.packets, 50);
	ck_assert_uint_eq(st.bytes, 50 * (14 + 20 + 8 + 100));
	ck_assert_uint_eq(st.n_bands, 1);
	ck_assert_uint_eq(st.bands[0].packets, 50 - got);
	m.bands[0].rate = m.bands[0].burst = 1000000;
	ck_assert_int_eq(ops->set(rig_dp, 1, &m, &st, &err), 0);
	ck_assert_uint_eq(st.packets, 50);
	ck_assert_uint_eq(st.bands[0].packets, 50 - got);
	for (unsigned i = 0; i < 50; i++)
		rig_send(0, &key);
	ck_assert_uint_eq(rig_count(1), 50);
	ck_assert_int_eq(ops->del(rig_dp, 1, &st), 0);
	ck_assert_uint_eq(st.packets, 50);
	ck_assert_uint_eq(st.bands[0].packets, 0);
	ck_assert_int_eq(ops->get(rig_dp, 1, &st), -ENOENT);
	ck_assert_int_eq(ops->del(rig_dp, 1, &st), -ENOENT);
}
END_TEST

START_TEST(meters_that_make_no_sense)
{
	const struct dp_meter_ops *ops = rig_dp->ops->meters;
	struct dp_meter m = { .n_bands = 1 };
	struct error err = ERROR_INIT;

	ck_assert_int_eq(ops->set(rig_dp, 1, &m, NULL, &err), -EINVAL);
	ck_assert(err.cause[0]);
	error_clear(&err);
	m.n_bands = DP_METER_MAX_BANDS + 1;
	ck_assert_int_eq(ops->set(rig_dp, 1, &m, NULL, &err), -EINVAL);
}
END_TEST

/* ---- connections ---- */

struct seen {
	unsigned n;
	struct dp_ct_entry last;
};

static bool see(const struct dp_ct_entry *e, void *arg)
{
	struct seen *s = arg;

	s->n++;
	s->last = *e;
	return true;
}

static struct seen look(int zone)
{
	struct dp_ct_filter f = { .zone = zone };
	struct seen s = { 0 };

	ck_assert_int_eq(rig_dp->ops->ct->dump(rig_dp, &f, see, &s), 0);
	return s;
}

START_TEST(connections_are_told_and_forgotten)
{
	struct dp_ct_filter f = { .zone = 5 };
	struct flow_key key = rig_key(0, 1);
	struct be128 label = { .b = { [14] = 0x12, [15] = 0x34 } };
	struct seen s;

	ck_assert_int_eq(rig_flow(0, 0, "ct(commit,zone=5,mark=0x7/0xff,label=0x1234/0xffff),%1"),
			 0);
	for (unsigned i = 0; i < 4; i++) {
		key = rig_key(0, i);
		rig_send(0, &key);
	}
	ck_assert_uint_eq(rig_count(1), 4);
	s = look(5);
	ck_assert_uint_eq(s.n, 4);
	ck_assert_uint_eq(look(6).n, 0);
	ck_assert_uint_eq(s.last.zone, 5);
	ck_assert_uint_eq(s.last.mark, 7);
	ck_assert(!memcmp(&s.last.label, &label, sizeof(label)));
	ck_assert_uint_eq(s.last.orig.family, AF_INET);
	ck_assert_uint_eq(s.last.orig.proto, 17);
	ck_assert_uint_eq(s.last.orig.src.w[0], htonl(0x0a000001));
	ck_assert_uint_eq(s.last.reply.src.w[0], htonl(0x0a000002));
	/* one of them */
	f.orig = s.last.orig;
	ck_assert_int_eq(rig_dp->ops->ct->flush(rig_dp, &f), 0);
	ck_assert_uint_eq(look(5).n, 3);
	ck_assert_int_eq(rig_dp->ops->ct->flush(rig_dp, &f), -ENOENT);
	/* another zone's, this zone's */
	f = (struct dp_ct_filter){ .zone = 6 };
	ck_assert_int_eq(rig_dp->ops->ct->flush(rig_dp, &f), 0);
	ck_assert_uint_eq(look(5).n, 3);
	f.zone = 5;
	ck_assert_int_eq(rig_dp->ops->ct->flush(rig_dp, &f), 0);
	ck_assert_uint_eq(look(DP_CT_ANY_ZONE).n, 0);
}
END_TEST

/* What is tracked is matched by what the connection says: state, zone, mark, label, the tuple. */
START_TEST(tracked_packets_show_their_connection)
{
	struct flow_key key = rig_key(0, 1), back = rig_key(1, 1);
	struct dp_upcall up;

	ck_assert_int_eq(rig_flow(0, 0, "ct(commit,zone=9,mark=0x5,label=0x99),%1"), 0);
	ck_assert_int_eq(rig_flow(1, 0, "ct(zone=9),recirc(0x3)"), 0);
	rig_send(0, &key);
	ck_assert_uint_eq(rig_count(1), 1);
	back.nw_src = key.nw_dst;
	back.nw_dst = key.nw_src;
	back.tp_src = key.tp_dst;
	back.tp_dst = key.tp_src;
	rig_send(1, &back);
	for (unsigned i = 0; i < 200 && rig_dp->ops->recv(rig_dp, 0, &up, 1) != 1; i++)
		usleep(10000);
	ck_assert_uint_eq(ntohl(up.key.recirc_id), 3);
	ck_assert_uint_eq(ntohl(up.key.ct_state), CT_TRK | CT_EST | CT_RPL);
	ck_assert_uint_eq(ntohs(up.key.ct_zone), 9);
	ck_assert_uint_eq(ntohl(up.key.ct_mark), 5);
	ck_assert_uint_eq(up.key.ct_label.b[15], 0x99);
	ck_assert_uint_eq(up.key.ct_nw_src, key.nw_src);
	ck_assert_uint_eq(up.key.ct_tp_dst, key.tp_dst);
	packet_free(up.packet);
}
END_TEST

START_TEST(zones_have_limits)
{
	const struct dp_ct_ops *ops = rig_dp->ops->ct;
	struct dp_ct_limit l = { .zone = 4, .limit = 2 }, asked = { .zone = 4 }, got[8];
	struct error err = ERROR_INIT;
	struct flow_key key;
	int n;

	if (ops->limits(rig_dp, got, 8) == -EOPNOTSUPP) {
		printf("this kernel has no connection limits (CONFIG_NETFILTER_CONNCOUNT)\n");
		return;
	}
	ck_assert_msg(!ops->limit_set(rig_dp, &l, &err), "%s", err.cause);
	ck_assert_int_eq(rig_flow(0, 0, "ct(commit,zone=4),%1"), 0);
	for (unsigned i = 0; i < 5; i++) {
		key = rig_key(0, i);
		rig_send(0, &key);
	}
	ck_assert_uint_eq(rig_count(1), 2);
	n = ops->limits(rig_dp, got, 8);
	ck_assert_int_eq(n, 2); /* the default comes first */
	ck_assert_int_eq(got[0].zone, DP_CT_DEFAULT_ZONE);
	ck_assert_int_eq(got[1].zone, 4);
	ck_assert_uint_eq(got[1].limit, 2);
	ck_assert_uint_eq(got[1].count, 2);
	ck_assert_int_eq(ops->limit_get(rig_dp, &asked, &err), 0);
	ck_assert(asked.zone == 4 && asked.limit == 2 && asked.count == 2);
	ck_assert_int_eq(ops->limit_del(rig_dp, 4, &err), 0);
	ck_assert_int_eq(ops->limits(rig_dp, got, 8), 1);
	ck_assert_int_eq(ops->flush(rig_dp, NULL), 0);
}
END_TEST

START_TEST(timeouts_have_names)
{
	const struct dp_ct_ops *ops = rig_dp->ops->ct;
	struct dp_ct_timeout t = { .name = "short", .family = AF_INET, .proto = 17 };
	struct error err = ERROR_INIT;
	struct flow_key key = rig_key(0, 1);
	struct seen s;

	t.seconds[DP_CT_UDP_SINGLE] = 7;
	ck_assert_msg(!ops->timeout_set(rig_dp, &t, &err), "%s", err.cause);
	ck_assert_int_eq(rig_flow(0, 0, "ct(commit,zone=8,timeout=short),%1"), 0);
	rig_send(0, &key);
	ck_assert_uint_eq(rig_count(1), 1);
	s = look(8);
	ck_assert_uint_eq(s.n, 1);
	ck_assert_uint_le(s.last.timeout_s, 7);
	ck_assert_int_eq(ops->flush(rig_dp, NULL), 0);
	ck_assert_int_lt(ops->timeout_del(rig_dp, "nosuch", &err), 0);
	ck_assert(err.cause[0]);
}
END_TEST

START_TEST(addresses_are_translated)
{
	struct flow_key key = rig_key(0, 1);
	struct seen s;

	ck_assert_int_eq(rig_flow(0, 0, "ct(commit,zone=2,nat(dst=10.9.9.9:8080)),%1"), 0);
	rig_send(0, &key);
	ck_assert_uint_eq(rig_count(1), 1);
	s = look(2);
	ck_assert_uint_eq(s.n, 1);
	ck_assert_uint_eq(s.last.reply.src.w[0], htonl(0x0a090909));
	ck_assert_uint_eq(s.last.reply.sport, htons(8080));
	ck_assert_int_eq(rig_dp->ops->ct->flush(rig_dp, NULL), 0);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("meters, connections");

	rig_devices();
	tcase_add_test(t, a_meter_drops_what_is_over_its_rate);
	tcase_add_test(t, meters_that_make_no_sense);
	tcase_add_test(t, connections_are_told_and_forgotten);
	tcase_add_test(t, tracked_packets_show_their_connection);
	tcase_add_test(t, zones_have_limits);
	tcase_add_test(t, timeouts_have_names);
	tcase_add_test(t, addresses_are_translated);
	return rig_run("kernel meters, connections", t);
}
