/* SPDX-License-Identifier: Apache-2.0 */
/* AF_PACKET ports over a veth pair in a namespace of our own. */
#include <errno.h>
#include <stdlib.h>

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

static Suite *own_suite(void)
{
	Suite *s = suite_create("AF_PACKET");
	TCase *t = tcase_create("own");

	tcase_add_test(t, unknown_device_is_an_error_that_names_it);
	tcase_add_test(t, loopback_is_refused);
	tcase_add_test(t, frames_longer_than_a_slot_come_whole);
	tcase_add_test(t, receive_queues_share_the_frames);
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
