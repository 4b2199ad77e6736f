/* SPDX-License-Identifier: Apache-2.0 */
/* The port of VXLAN tunnels, over a veth pair in a namespace of our own: a packet socket at the far
 * end sees what is sent and says what is received.  The far end's address is known from the start,
 * or made known when a test wants it. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/ip_addr.h"
#include "core/base/rcu.h"
#include "core/packet/csum.h"
#include "core/packet/parse.h"
#include "core/packet/vxlan.h"
#include "core/port/af_make.h"
#include "core/port/port.h"
#include "tests/conform/wire.h"
#include "tests/unit/core/packet/random_key.h"

#define US "10.9.0.1"
#define FAR_MAC                                                                                    \
	{                                                                                          \
		{                                                                                  \
			0x02, 0, 0, 0, 0, 0x02                                                     \
		}                                                                                  \
	}
#define KNOW_FAR "ip neigh replace 10.9.0.2 lladdr 02:00:00:00:00:02 dev v0 nud permanent"

static int peer;
static struct eth_addr our_mac;

static struct port *open_vxlan(const char *exts)
{
	const char *const keys[] = { "dst_port", "exts" }, *const values[] = { "4789", exts };
	struct port_config cfg = {
		.name = "vx", .type = "vxlan", .keys = keys, .values = values, .n_options = 2
	};
	struct error err = ERROR_INIT;
	struct port *port;
	FILE *f;

	ports_init();
	(void)!system("ip link del v0 2>/dev/null; ip link set lo up");
	must("ip link add v0 type veth peer name v1 && ip addr add " US "/24 dev v0 && "
	     "ip link set v0 up && ip link set v1 up");
	f = popen("ip -o link show v0 | "
		  "sed 's/.*ether \\([^ ]*\\).*/\\1/'",
		  "r");
	ck_assert_int_eq(fscanf(f, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &our_mac.b[0], &our_mac.b[1],
				&our_mac.b[2], &our_mac.b[3], &our_mac.b[4], &our_mac.b[5]),
			 6);
	(void)pclose(f);
	peer = wire_open("v1");
	ck_assert_msg(!port_open(&cfg, &port, &err), "%s", err.cause);
	port->no.v = 7;
	return port;
}

static void close_vxlan(struct port *port)
{
	port_release(port);
	close(peer);
}

static void send_out(struct port *port, struct packet *p)
{
	struct packet *one[1] = { p };

	rcu_read_lock();
	port->ops->tx(port, one, 1);
	port->ops->tx_flush(port);
	rcu_read_unlock();
}

static uint64_t drops(struct port *port, enum port_drop why)
{
	struct port_stats st;

	ck_assert_int_eq(port->ops->stats(port, &st), 0);
	return st.drops[why];
}

static void expect_drops(struct port *port, enum port_drop why, uint64_t n)
{
	for (int i = 0; i < 500 && drops(port, why) != n; i++)
		usleep(10000);
	ck_assert_msg(drops(port, why) == n, "%s: %llu, not %llu", port_drop_name[why],
		      (unsigned long long)drops(port, why), (unsigned long long)n);
}

static void random_outer(struct rng *r, struct flow_tnl *t)
{
	memset(t, 0, sizeof(*t));
	t->tun_id = hton64(rng_below(r, 1 << 24));
	t->dst = htonl(0x0a090002);
	t->tos = (uint8_t)(rng_below(r, 64) << 2);
	t->ttl = (uint8_t)(1 + rng_below(r, 255));
	t->tp_dst = htons(4789);
	t->flags = htons((uint16_t)(rng_below(r, 2) * FLOW_TNL_F_DF |
				    rng_below(r, 2) * FLOW_TNL_F_CSUM | FLOW_TNL_F_KEY));
	t->gbp_id = (be16)rng_next(r);
	t->gbp_flags = (uint8_t)rng_next(r) & 0x48;
}

static struct packet *random_inner(struct rng *r, size_t payload)
{
	struct flow_key k;
	struct packet *p;

	random_packet_key(r, &k);
	p = packet_compose(&k, payload);
	(void)packet_parse(p, &k, NULL);
	csum_fix_packet(p);
	return p;
}

/* The next outer frame on the wire, its inner frame and outer header taken apart. */
struct seen {
	uint8_t bytes[70000];
	size_t len;
	struct flow_key outer;
	struct flow_tnl tnl;
	const uint8_t *inner;
	size_t inner_len;
};

/* The kernel itself may send something in between. */
static struct packet *next_of_tunnel(struct seen *s, uint16_t type)
{
	while ((s->len = wire_recv(peer, s->bytes, sizeof(s->bytes), type))) {
		struct packet *p = packet_new(s->bytes, s->len, 0);

		memset(&s->outer, 0, sizeof(s->outer));
		ck_assert_int_eq(packet_parse(p, &s->outer, NULL), PARSE_OK);
		if (s->outer.nw_proto == 17 && s->outer.tp_dst == htons(4789))
			return p;
		packet_free(p);
	}
	return NULL;
}

static bool see(struct seen *s, uint16_t type)
{
	struct packet *p = next_of_tunnel(s, type);
	unsigned at;

	if (!p)
		return false;
	memset(&s->tnl, 0, sizeof(s->tnl));
	at = p->l4_ofs + 8u;
	ck_assert_uint_eq(vxlan_parse(s->bytes + at, s->len - at, true, &s->tnl), 8);
	s->inner = s->bytes + at + 8;
	s->inner_len = s->len - at - 8;
	if (p->data[p->l4_ofs + 6] | p->data[p->l4_ofs + 7]) {
		struct packet *again = packet_clone(p);

		csum_fix_packet(again);
		ck_assert(!memcmp(again->data, p->data, p->len));
		packet_free(again);
		s->tnl.flags |= htons(FLOW_TNL_F_CSUM);
	}
	packet_free(p);
	return true;
}

static void check_outer(const struct seen *s, const struct flow_tnl *t)
{
	static const struct eth_addr far = FAR_MAC;

	ck_assert(eth_addr_equal(s->outer.dl_dst, far));
	ck_assert(eth_addr_equal(s->outer.dl_src, our_mac));
	ck_assert_uint_eq(ntohl(s->outer.nw_src), 0x0a090001);
	ck_assert(s->outer.nw_dst == t->dst && s->outer.tp_dst == t->tp_dst);
	ck_assert(s->outer.nw_tos == t->tos && s->outer.nw_ttl == t->ttl);
	ck_assert(s->tnl.tun_id == t->tun_id && s->tnl.gbp_id == t->gbp_id);
	ck_assert_uint_eq(s->tnl.gbp_flags, t->gbp_flags);
	ck_assert_int_eq(!!(s->tnl.flags & htons(FLOW_TNL_F_CSUM)),
			 !!(t->flags & htons(FLOW_TNL_F_CSUM)));
	ck_assert_int_eq(s->bytes[14 + 6] >> 6 & 1, !!(t->flags & htons(FLOW_TNL_F_DF)));
}

/* The same packet from the far end: what the port makes of it. */
static void send_back(struct port *port, const struct packet *inner, const struct flow_tnl *out)
{
	struct vxlan_outer o = { .dl_dst = our_mac, .dl_src = FAR_MAC, .gbp = true };
	struct packet *pkts[PACKET_BATCH], *frame = packet_clone(inner);
	struct flow_tnl t = *out;
	unsigned n = 0;

	t.src = out->dst;
	t.dst = htonl(0x0a090001);
	o.tnl = &t;
	o.sport = htons(50000);
	wire_send(peer, vxlan_push(frame->data, frame->len, &o), frame->len + vxlan_overhead(&t));
	for (int i = 0; i < 300 && !n; i++) {
		n = port->ops->rx(port, 0, pkts);
		if (!n)
			usleep(3000);
	}
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(pkts[0]->in_port.v, 7);
	ck_assert_uint_ge(pkts[0]->headroom, PACKET_HEADROOM);
	ck_assert_uint_eq(pkts[0]->len, inner->len);
	ck_assert(!memcmp(pkts[0]->data, inner->data, inner->len));
	ck_assert(pkts[0]->tnl && pkts[0]->tnl->src == t.src && pkts[0]->tnl->dst == t.dst);
	ck_assert(pkts[0]->tnl->tun_id == t.tun_id && pkts[0]->tnl->tos == t.tos);
	ck_assert(pkts[0]->tnl->ttl == t.ttl && pkts[0]->tnl->tp_dst == t.tp_dst);
	ck_assert(pkts[0]->tnl->tp_src == o.sport && pkts[0]->tnl->gbp_id == t.gbp_id);
	ck_assert_uint_eq(pkts[0]->tnl->gbp_flags, t.gbp_flags);
	packet_free(frame);
}

START_TEST(what_goes_out_is_what_was_set_and_comes_back)
{
	struct rng r = rng_start("port_vxlan");
	struct port *port = open_vxlan("gbp");
	static struct seen s;
	struct port_stats st;
	uint64_t bytes = 0;

	must(KNOW_FAR);
	for (unsigned i = 0; i < 200; i++) {
		struct packet *p = random_inner(&r, rng_below(&r, 1200)), *was = packet_clone(p);
		struct flow_tnl t;

		random_outer(&r, &t);
		p->tnl = &t;
		if (i % 4 == 3)
			p->headroom = (uint16_t)rng_below(&r, VXLAN_OVERHEAD4);
		send_out(port, p);
		ck_assert(see(&s, 0x0800));
		check_outer(&s, &t);
		ck_assert_uint_eq(s.inner_len, was->len);
		ck_assert(!memcmp(s.inner, was->data, was->len));
		ck_assert(p->len == was->len && !memcmp(p->data, was->data, was->len));
		bytes += p->len;
		send_back(port, was, &t);
		packet_free(p);
		packet_free(was);
	}
	ck_assert_int_eq(port->ops->stats(port, &st), 0);
	ck_assert_uint_eq(st.tx_packets, 200);
	ck_assert_uint_eq(st.rx_packets, 200);
	ck_assert_uint_eq(st.tx_bytes, bytes);
	ck_assert_uint_eq(st.rx_bytes, bytes);
	ck_assert_uint_eq(st.tx_dropped + st.rx_dropped + st.rx_errors, 0);
	close_vxlan(port);
}
END_TEST

/* A TCP frame as a local stack hands it over, its checksum unfinished. */
static struct packet *from_stack(size_t payload, uint16_t gso_size)
{
	struct flow_key k = { .dl_type = htons(0x0800), .nw_proto = 6, .nw_ttl = 9 };
	struct packet *p;
	be16 pseudo;

	k.nw_src = htonl(0x01020304);
	k.nw_dst = htonl(0x01020305);
	k.tp_src = htons(1000);
	k.tp_dst = htons(80);
	k.tcp_flags = htons(0x18);
	p = packet_compose(&k, payload);
	(void)packet_parse(p, &k, NULL);
	for (size_t i = 0; i < payload; i++)
		p->data[p->len - payload + i] = (uint8_t)(i * 7);
	csum_fix_packet(p);
	pseudo = csum(p->data + p->l4_ofs, p->len - p->l4_ofs); /* see csum_test */
	memcpy(p->data + p->l4_ofs + 16, &pseudo, sizeof(pseudo));
	p->flags = PACKET_F_CSUM_PARTIAL;
	p->csum_start = p->l4_ofs;
	p->csum_ofs = 16;
	p->gso_size = gso_size;
	return p;
}

static void check_sound(const uint8_t *frame, size_t len)
{
	struct packet *p = packet_new(frame, len, 0), *again;
	struct flow_key k;

	memset(&k, 0, sizeof(k));
	ck_assert_int_eq(packet_parse(p, &k, NULL), PARSE_OK);
	again = packet_clone(p);
	csum_fix_packet(again);
	ck_assert(!memcmp(again->data, p->data, len));
	packet_free(again);
	packet_free(p);
}

START_TEST(what_stacks_leave_to_a_device_is_done)
{
	struct rng r = rng_start("port_vxlan stack");
	struct port *port = open_vxlan("");
	struct packet *p = from_stack(100, 0), *was = packet_clone(p);
	static struct seen s;
	struct flow_tnl t;
	size_t at = 0;

	must(KNOW_FAR);
	random_outer(&r, &t);
	for (unsigned i = 0; i < 2; i++) { /* with room in front and without */
		p->tnl = &t;
		send_out(port, p);
		ck_assert(see(&s, 0x0800));
		ck_assert_uint_eq(s.inner_len, was->len);
		check_sound(s.inner, s.inner_len);
		/* The caller's packet is as it was. */
		ck_assert(!memcmp(p->data, was->data, was->len) && p->flags == was->flags);
		p->headroom = 0;
	}
	packet_free(p);
	packet_free(was);
	p = from_stack(5500, 1000);
	p->tnl = &t;
	send_out(port, p);
	for (unsigned i = 0; i < 6; i++) {
		ck_assert(see(&s, 0x0800));
		check_sound(s.inner, s.inner_len);
		ck_assert_uint_eq(s.inner_len, 54 + (i < 5 ? 1000 : 500));
		ck_assert(!memcmp(s.inner + 54, p->data + 54 + at, s.inner_len - 54));
		at += s.inner_len - 54;
	}
	/* Too long for the way: none of it goes. */
	p->gso_size = 1420;
	send_out(port, p);
	expect_drops(port, PORT_DROP_TX_LEN, 1);
	packet_free(p);
	p = random_inner(&r, 1480);
	p->tnl = &t;
	send_out(port, p);
	expect_drops(port, PORT_DROP_TX_LEN, 2);
	ck_assert_uint_eq(wire_recv(peer, s.bytes, sizeof(s.bytes), 0x0800), 0);
	packet_free(p);
	close_vxlan(port);
}
END_TEST

START_TEST(packets_wait_for_a_neighbour)
{
	struct rng r = rng_start("port_vxlan wait");
	struct port *port = open_vxlan("");
	struct packet *p = random_inner(&r, 10);
	static struct seen s;
	struct flow_tnl t;

	random_outer(&r, &t);
	p->tnl = &t;
	for (unsigned i = 0; i < 200; i++) {
		t.tun_id = hton64(i);
		send_out(port, p);
	}
	expect_drops(port, PORT_DROP_TX_WAIT, 200 - 128);
	ck_assert(wire_recv(peer, s.bytes, sizeof(s.bytes), 0x0806)); /* the kernel asks */
	must(KNOW_FAR);
	for (unsigned i = 0; i < 128; i++) {
		ck_assert(see(&s, 0x0800));
		ck_assert_uint_eq(ntoh64(s.tnl.tun_id), i);
	}
	/* Nobody answers: what waits is dropped in the end. */
	t.dst = htonl(0x0a090003);
	send_out(port, p);
	expect_drops(port, PORT_DROP_TX_NO_NEIGHBOUR, 1);
	packet_free(p);
	close_vxlan(port);
}
END_TEST

START_TEST(the_way_follows_routes_and_neighbours)
{
	struct rng r = rng_start("port_vxlan routes");
	struct port *port = open_vxlan("");
	struct packet *p = random_inner(&r, 10);
	int first = peer, second;
	static struct seen s;
	struct flow_tnl t;
	bool moved = false;

	must(KNOW_FAR);
	must("ip link add w0 type veth peer name w1 && ip addr add 10.8.0.1/24 dev w0 && "
	     "ip link set w0 up && ip link set w1 up && "
	     "ip neigh add 10.8.0.2 lladdr 02:00:00:00:00:08 dev w0 nud permanent");
	second = wire_open("w1");
	random_outer(&r, &t);
	p->tnl = &t;
	send_out(port, p);
	ck_assert(see(&s, 0x0800));
	/* Another address of the neighbour. */
	must("ip neigh replace 10.9.0.2 lladdr 02:00:00:00:00:22 dev v0 nud permanent");
	for (int i = 0; i < 2000 && !moved; i++) {
		send_out(port, p);
		ck_assert(see(&s, 0x0800));
		moved = s.outer.dl_dst.b[5] == 0x22;
		usleep(5000);
	}
	ck_assert(moved);
	/* Another way: each packet goes one or the other. */
	must("ip route add 10.9.0.2/32 via 10.8.0.2");
	moved = false;
	for (int i = 0; i < 2000 && !moved; i++) {
		struct pollfd fds[2] = { { .fd = first, .events = POLLIN },
					 { .fd = second, .events = POLLIN } };

		send_out(port, p);
		ck_assert_int_ge(poll(fds, 2, 1000), 1);
		moved = fds[1].revents;
		peer = moved ? second : first;
		ck_assert(see(&s, 0x0800));
		usleep(5000);
	}
	ck_assert(moved);
	ck_assert_uint_eq(s.outer.dl_dst.b[5], 0x08);
	ck_assert_uint_eq(ntohl(s.outer.nw_src), 0x0a080001);
	/* None at all. */
	must("ip route replace unreachable 10.9.0.2/32 && sleep 0.3");
	send_out(port, p);
	expect_drops(port, PORT_DROP_TX_NO_ROUTE, 1);
	must("ip link del w0");
	packet_free(p);
	close(first);
	close_vxlan(port);
}
END_TEST

START_TEST(ipv6_is_the_same)
{
	struct rng r = rng_start("port_vxlan ipv6");
	struct port *port = open_vxlan("");
	struct packet *p = random_inner(&r, 10);
	static struct seen s;
	struct flow_tnl t;

	netns_write("/proc/sys/net/ipv6/conf/v0/disable_ipv6", "0");
	must("ip -6 addr add fd00:9::1/64 dev v0 nodad && ip -6 neigh add fd00:9::2 "
	     "lladdr 02:00:00:00:00:02 dev v0 nud permanent");
	random_outer(&r, &t);
	t.dst = 0;
	t.dst6.w[0] = htonl(0xfd000009);
	t.dst6.w[3] = htonl(2);
	p->tnl = &t;
	send_out(port, p);
	ck_assert(see(&s, 0x86dd));
	ck_assert(!memcmp(&s.outer.ipv6_dst, &t.dst6, 16));
	ck_assert_uint_eq(ntohl(s.outer.ipv6_src.w[3]), 1);
	ck_assert(s.outer.nw_tos == t.tos && s.outer.nw_ttl == t.ttl);
	ck_assert_uint_eq(s.inner_len, p->len);
	packet_free(p);
	close_vxlan(port);
}
END_TEST

START_TEST(what_is_no_tunnels_is_counted)
{
	struct rng r = rng_start("port_vxlan bad");
	struct port *port = open_vxlan("");
	struct flow_key k = { .dl_type = htons(0x0800), .nw_proto = 17, .nw_ttl = 9 };
	struct packet *pkts[PACKET_BATCH], *p;

	k.dl_dst = our_mac;
	k.nw_src = htonl(0x0a090002);
	k.nw_dst = htonl(0x0a090001);
	k.tp_dst = htons(4789);
	p = packet_compose(&k, 40); /* zeros: the VNI flag is not there */
	for (unsigned i = 0; i < 3; i++)
		wire_send(peer, p->data, p->len);
	for (int i = 0; i < 300 && drops(port, PORT_DROP_RX_BAD_TUNNEL) < 3; i++) {
		ck_assert_uint_eq(port->ops->rx(port, 0, pkts), 0);
		usleep(3000);
	}
	ck_assert_uint_eq(drops(port, PORT_DROP_RX_BAD_TUNNEL), 3);
	packet_free(p);
	p = random_inner(&r, 10); /* no outer header at all, then one that leads nowhere */
	send_out(port, p);
	p->tnl = &(struct flow_tnl){ .tun_id = hton64(1) };
	send_out(port, p);
	expect_drops(port, PORT_DROP_TX_NO_TUNNEL, 2);
	packet_free(p);
	close_vxlan(port);
}
END_TEST

START_TEST(bad_configuration_is_an_error)
{
	const char *const keys[] = { "dst_port" };
	const char *values[] = { "0" };
	struct port_config cfg = {
		.name = "vx2", .type = "vxlan", .keys = keys, .values = values, .n_options = 1
	};
	struct port *port = open_vxlan(""), *other;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(port_open(&cfg, &other, &err), -EINVAL);
	values[0] = "4789";
	error_clear(&err);
	ck_assert_int_eq(port_open(&cfg, &other, &err), -EADDRINUSE);
	ck_assert_ptr_nonnull(strstr(err.cause, "4789"));
	ck_assert_int_eq(port->ops->reconfigure(port, &cfg, NULL), 0);
	values[0] = "4790";
	ck_assert_int_eq(port->ops->reconfigure(port, &cfg, NULL), -EBUSY);
	close_vxlan(port);
}
END_TEST

int main(void)
{
	Suite *s;
	TCase *tc;
	SRunner *sr;
	int failed;

	netns_enter();
	s = suite_create("VXLAN port");
	tc = tcase_create("VXLAN port");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, what_goes_out_is_what_was_set_and_comes_back);
	tcase_add_test(tc, what_stacks_leave_to_a_device_is_done);
	tcase_add_test(tc, packets_wait_for_a_neighbour);
	tcase_add_test(tc, the_way_follows_routes_and_neighbours);
	tcase_add_test(tc, ipv6_is_the_same);
	tcase_add_test(tc, what_is_no_tunnels_is_counted);
	tcase_add_test(tc, bad_configuration_is_an_error);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_set_fork_status(sr, CK_NOFORK);
	rcu_thread_start();
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	rcu_settle();
	af_rings_settle();
	rcu_thread_stop();
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
