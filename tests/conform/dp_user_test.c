/* SPDX-License-Identifier: Apache-2.0 */
/* The user datapath on ports inside the process. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/datapath/user/dp_user.h"
#include "core/port/fake.h"
#include "tests/conform/dp_conform.h"

static const char *const names[DP_ENV_PORTS] = { "fake0", "fake1", "fake2", "fake3" };

static struct dp_port port_add(struct dp *dp, unsigned i)
{
	struct port_config cfg = { .name = names[i], .type = "fake" };
	struct error err = ERROR_INIT;
	struct dp_port no;

	ck_assert_msg(!dp->ops->port_add(dp, &cfg, (struct dp_port){ DP_PORT_NONE }, &no, &err),
		      "%s", err.cause);
	return no;
}

static void send_to(unsigned i, const struct packet *p)
{
	struct port *port = fake_find(names[i]);

	while (fake_inject(port, 0, p))
		usleep(100);
	port_unref(port);
}

static struct packet *recv_from(unsigned i, unsigned ms)
{
	struct port *port = fake_find(names[i]);
	uint64_t end = clock_mono_ns() + ms * NSEC_PER_MSEC;
	struct packet *p = NULL;

	while (!fake_collect(port, &p, 1) && clock_mono_ns() < end)
		usleep(200);
	port_unref(port);
	return p;
}

static const struct dp_env env = {
	.type = "netdev",
	.port_add = port_add,
	.send = send_to,
	.recv = recv_from,
	.drops_by_reason = true,
	.fair_queues = true,
	.steady_dumps = true,
	.spreads_misses = true,
	.lacks = 1u << DP_ACT_CT | 1u << DP_ACT_CT_CLEAR,
};

int main(void)
{
	SRunner *r;
	int failed;

	ports_init();
	dp_user_init();
	r = srunner_create(dp_conform_suite(&env));
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
