/* SPDX-License-Identifier: Apache-2.0 */
/* The TC provider in the kernel's software, at veth devices: runs in a guest of the lab. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tc/tc.h"
#include "tests/conform/provider_conform.h"
#include "tests/kernel/tc_lab.h"

static struct tc_lab_port mine[2];
static int marks;

static const struct offload_provider_ops *tc_ops(void)
{
	tc_register();
	return offload_provider_find("tc", 2);
}

static void open_tc(struct port *ports[2])
{
	for (unsigned i = 0; i < 2; i++) {
		tc_lab_veth(i);
		tc_lab_port_open(&mine[i], i + 1, tc_lab_near(i), false);
		ports[i] = &mine[i].up;
	}
	marks = tc_lab_marks(tc_lab_near(0));
}

static void close_tc(void)
{
	/* the qdisc that was made is gone again */
	ck_assert_ptr_null(strstr(tc_lab_read("tc qdisc show dev " TC_LAB_NEAR "0"), "clsact"));
	(void)close(marks);
	for (unsigned i = 0; i < 2; i++)
		tc_lab_veth_gone(i);
}

static void traffic(const struct flow_key *key, unsigned n)
{
	struct packet *p = packet_compose(key, 0);

	for (unsigned i = 0; i < n; i++)
		tc_lab_send(tc_lab_far(0), p->data, p->len);
	packet_free(p);
	tc_lab_settle(tc_lab_far(0), marks);
}

static const struct provider_env env = {
	.name = "tc provider",
	.ops = tc_ops,
	.open = open_tc,
	.close = close_tc,
	.args = "",
	.traffic = traffic,
	.software = true,
};

int main(void)
{
	return tc_lab_in_guest() ? provider_conform_run(&env) : 77;
}
