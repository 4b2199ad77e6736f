/* SPDX-License-Identifier: Apache-2.0 */
/* AF_PACKET ports over a veth pair in a namespace of our own. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/conform/port_conform.h"
#include "tests/conform/wire.h"

static int peer;

static struct port *open_system(const struct port_config *cfg)
{
	struct error err = ERROR_INIT;
	struct port *port;

	ports_init();
	(void)!system("ip link del v0 2>/dev/null");
	must("ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up");
	ck_assert_msg(!port_open(cfg, &port, &err), "%s", err.cause);
	peer = wire_open("v1");
	return port;
}

static struct port *open_veth(void)
{
	static const struct port_config cfg = { .name = "v0", .type = "" };

	return open_system(&cfg);
}

static void peer_send(const void *frame, size_t len)
{
	wire_send(peer, frame, len);
}

static size_t peer_recv(void *frame, size_t size)
{
	return wire_recv(peer, frame, size, CONFORM_TYPE);
}

static void vanish(void)
{
	must("ip link del v0");
}

static const struct port_env env = {
	.name = "AF_PACKET port",
	.open = open_veth,
	.peer_send = peer_send,
	.peer_recv = peer_recv,
	.vanish = vanish,
	.mtu = 1500,
	.has_link = true,
};

START_TEST(unknown_device_is_an_error_that_names_it)
{
	static const struct port_config cfg = { .name = "nosuch", .type = "system" };
	struct error err = ERROR_INIT;
	struct port *port;

	ports_init();
	ck_assert_int_eq(port_open(&cfg, &port, &err), -ENODEV);
	ck_assert_ptr_nonnull(strstr(err.cause, "nosuch"));
}
END_TEST

START_TEST(loopback_is_refused)
{
	static const struct port_config cfg = { .name = "lo", .type = "system" };
	struct error err = ERROR_INIT;
	struct port *port;

	ports_init();
	ck_assert_int_eq(port_open(&cfg, &port, &err), -EPROTONOSUPPORT);
}
END_TEST

START_TEST(frames_longer_than_a_slot_come_whole)
{
	struct port *port = open_veth();
	static uint8_t f[9000];
	struct packet *pkts[PACKET_BATCH];
	unsigned got = 0;

	must("ip link set v0 mtu 9000 && ip link set v1 mtu 9000");
	memset(f, 0x5a, sizeof(f));
	for (unsigned i = 0; i < 40; i++) {
		f[20] = (uint8_t)i;
		wire_send(peer, f, i % 2 ? 60 : sizeof(f));
	}
	while (got < 40) {
		unsigned n = port->ops->rx(port, 0, pkts);

		ck_assert_uint_ne(n, 0);
		for (unsigned i = 0; i < n; i++, got++) {
			ck_assert_uint_eq(pkts[i]->len, got % 2 ? 60 : sizeof(f));
			ck_assert_uint_eq(pkts[i]->data[20], got);
		}
		/* and out again */
		port->ops->tx(port, pkts, n);
		port->ops->tx_flush(port);
		port->ops->rx_done(port, 0);
	}
	for (unsigned i = 0; i < 40; i++) {
		static uint8_t back[9100];

		ck_assert_uint_eq(wire_recv(peer, back, sizeof(back), 0x5a5a),
				  i % 2 ? 60 : sizeof(f));
		ck_assert_uint_eq(back[20], i);
	}
	port_release(port);
}
END_TEST

/* Frames are spread by flow; the queues together bring all. */
START_TEST(receive_queues_share_the_frames)
{
	static const char *const keys[] = { "n_rxq" }, *const values[] = { "4" };
	struct port_config cfg = {
		.name = "v0", .type = "system", .keys = keys, .values = values, .n_options = 1
	};
	struct port *port = open_system(&cfg);
	uint8_t f[60] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 46 };
	unsigned n = 0, used = 0;

	ck_assert_uint_eq(port->ops->n_rxq(port), 4);
	f[22] = 64;
	f[23] = 17;
	for (unsigned i = 0; i < 200; i++) {
		f[29] = (uint8_t)i;
		wire_send(peer, f, sizeof(f));
	}
	for (unsigned q = 0; q < 4; q++) {
		struct packet *pkts[PACKET_BATCH];
		unsigned k, before = n;

		while ((k = port->ops->rx(port, q, pkts))) {
			n += k;
			port->ops->rx_done(port, q);
		}
		used += n != before;
	}
	ck_assert_uint_eq(n, 200);
	ck_assert_uint_gt(used, 1);
	port_release(port);
}
END_TEST

/* Packet sockets of this namespace. */
static unsigned sockets(void)
{
	FILE *f = fopen("/proc/self/net/packet", "r");
	char line[256];
	unsigned n = 0;

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f))
		n++;
	(void)fclose(f);
	return n - 1; /* the heading */
}

#define N_SIDE 8

/* A frame into and out of each of n ports that are veths `a0`.. with peers `b0`.. */
static void frame_through(struct port *ports[], unsigned n)
{
	uint8_t f[60] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x5a, 0x5a }, back[100];

	for (unsigned i = 0; i < n; i++) {
		struct packet *pkts[PACKET_BATCH];
		char name[8];
		int fd;

		(void)snprintf(name, sizeof(name), "b%u", i);
		fd = wire_open(name);
		f[20] = (uint8_t)i;
		wire_send(fd, f, sizeof(f));
		ck_assert_uint_eq(ports[i]->ops->rx(ports[i], 0, pkts), 1);
		ck_assert_uint_eq(pkts[0]->data[20], i);
		ports[i]->ops->tx(ports[i], pkts, 1);
		ports[i]->ops->tx_flush(ports[i]);
		ports[i]->ops->rx_done(ports[i], 0);
		ck_assert_uint_eq(wire_recv(fd, back, sizeof(back), 0x5a5a), sizeof(f));
		close(fd);
	}
}

/* Rings are made ahead for as many ports as are said to come, and go to those that they fit; what
 * is left is closed, as is all of a port. */
START_TEST(ports_are_opened_side_by_side)
{
	static const unsigned expected[] = { 0, 1, N_SIDE - 1, N_SIDE, N_SIDE + 3 };
	struct port *ports[N_SIDE];
	unsigned before;

	ports_init();
	for (unsigned i = 0; i < N_SIDE; i++) {
		char command[128];

		(void)snprintf(command, sizeof(command),
			       "ip link add a%u mtu %u type veth peer name b%u mtu %u && "
			       "ip link set a%u up && ip link set b%u up",
			       i, i == 2 ? 9000 : 1500, i, i == 2 ? 9000 : 1500, i, i);
		must(command);
	}
	before = sockets();
	for (unsigned e = 0; e < ARRAY_SIZE(expected); e++) {
		ports_expect(expected[e]);
		for (unsigned i = 0; i < N_SIDE; i++) {
			char name[8];
			struct port_config cfg = { .name = name, .type = "" };
			struct error err = ERROR_INIT;

			(void)snprintf(name, sizeof(name), "a%u", i);
			ck_assert_msg(!port_open(&cfg, &ports[i], &err), "%s", err.cause);
		}
		ports_expect(0);
		ports_settle();
		ck_assert_uint_eq(sockets(), before + 3 * N_SIDE);
		frame_through(ports, N_SIDE);
		for (unsigned i = 0; i < N_SIDE; i++)
			port_release(ports[i]);
		ports_settle();
		ck_assert_uint_eq(sockets(), before);
	}
	ports_expect(3);
	ports_expect(0);
	ports_settle();
	ck_assert_uint_eq(sockets(), before);
}
END_TEST

static Suite *own_suite(void)
{
	Suite *s = suite_create("AF_PACKET");
	TCase *t = tcase_create("own");

	tcase_add_test(t, unknown_device_is_an_error_that_names_it);
	tcase_add_test(t, loopback_is_refused);
	tcase_add_test(t, frames_longer_than_a_slot_come_whole);
	tcase_add_test(t, receive_queues_share_the_frames);
	tcase_add_test(t, ports_are_opened_side_by_side);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	SRunner *r;
	int failed;

	netns_enter();
	r = srunner_create(port_conform_suite(&env));
	srunner_add_suite(r, own_suite());
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
