/* SPDX-License-Identifier: Apache-2.0 */
/* TAP ports in a namespace of our own. */
#include <errno.h>
#include <stdlib.h>

#include "tests/conform/port_conform.h"
#include "tests/conform/wire.h"

static int peer;

static struct port *open_tap(void)
{
	struct port_config cfg = { .name = "t0",
				   .type = "internal",
				   .mac_set = true,
				   .mac = { { 2, 0, 0, 0, 0, 0x11 } },
				   .mtu = 1500 };
	struct error err = ERROR_INIT;
	struct port *port;

	ports_init();
	ck_assert_msg(!port_open(&cfg, &port, &err), "%s", err.cause);
	must("ip link set t0 up");
	peer = wire_open("t0");
	return port;
}

static void peer_send(const void *frame, size_t len)
{
	wire_send(peer, frame, len);
}

static size_t peer_recv(void *frame, size_t size)
{
	return wire_recv(peer, frame, size, CONFORM_TYPE);
}

static const struct port_env env = {
	.name = "internal port",
	.open = open_tap,
	.peer_send = peer_send,
	.peer_recv = peer_recv,
	.mtu = 1500,
	.has_link = true,
};

START_TEST(device_has_what_was_asked)
{
	struct port *port = open_tap();
	struct port_state st;

	ck_assert_int_eq(port->ops->state(port, &st), 0);
	ck_assert_uint_eq(st.mtu, 1500);
	ck_assert_uint_eq(st.mac.b[5], 0x11);
	ck_assert_str_eq(st.driver, "tun");
	port_release(port);
	ck_assert_uint_eq(if_nametoindex("t0"), 0);
	/* and it can be made again at once */
	port_release(open_tap());
}
END_TEST

START_TEST(a_name_that_is_taken_is_an_error)
{
	struct port_config cfg = { .name = "lo", .type = "tap" };
	struct error err = ERROR_INIT;
	struct port *port;

	ports_init();
	ck_assert_int_lt(port_open(&cfg, &port, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.cause, "lo"));
}
END_TEST

static Suite *own_suite(void)
{
	Suite *s = suite_create("TAP");
	TCase *t = tcase_create("own");

	tcase_add_test(t, device_has_what_was_asked);
	tcase_add_test(t, a_name_that_is_taken_is_an_error);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	SRunner *r;
	int failed, fd = open("/dev/net/tun", O_RDWR);

	if (fd < 0) {
		(void)fprintf(stderr, "skipped: no /dev/net/tun\n");
		return TEST_SKIPPED;
	}
	close(fd);
	netns_enter();
	r = srunner_create(port_conform_suite(&env));
	srunner_add_suite(r, own_suite());
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
