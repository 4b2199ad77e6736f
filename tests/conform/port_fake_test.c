/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/port/fake.h"
#include "tests/conform/port_conform.h"

static struct port *port;

static struct port *open_fake(void)
{
	struct port_config cfg = { .name = "fake0", .type = "fake", .mtu = 1500 };

	ports_init();
	ck_assert_int_eq(port_open(&cfg, &port, NULL), 0);
	return port;
}

static void peer_send(const void *frame, size_t len)
{
	struct packet *p = packet_new(frame, len, 0);

	ck_assert_int_eq(fake_inject(port, 0, p), 0);
	packet_free(p);
}

static size_t peer_recv(void *frame, size_t size)
{
	struct packet *p;
	size_t len;

	if (!fake_collect(port, &p, 1))
		return 0;
	len = MIN(p->len, size);
	memcpy(frame, p->data, len);
	packet_free(p);
	return len;
}

static void vanish(void)
{
	fake_set_gone(port, true);
}

static const struct port_env env = {
	.name = "fake port",
	.open = open_fake,
	.peer_send = peer_send,
	.peer_recv = peer_recv,
	.vanish = vanish,
	.mtu = 1500,
	.has_link = true,
};

int main(void)
{
	SRunner *r = srunner_create(port_conform_suite(&env));
	int failed;

	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
