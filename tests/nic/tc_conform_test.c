/* SPDX-License-Identifier: Apache-2.0 */
/* The TC provider at a NIC whose driver takes rules: runs in a guest of the lab with nicsim.  Once
 * as a port of the kernel's datapath has it, with a copy of each rule in software, and once as one
 * of the user datapath, without. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/packet/parse.h"
#include "tc/tc.h"
#include "tests/conform/provider_conform.h"
#include "tests/kernel/tc_lab.h"

#define FILL 9

static struct tc_lab_port mine[2];
static int marks;

static const struct offload_provider_ops *tc_ops(void)
{
	tc_register();
	return offload_provider_find("tc", 2);
}

/* nr0 and nr1, and what is behind them: nv0 and nv1. */
static void open_nic(struct port *ports[2], bool user)
{
	static const char *const devices[] = { "nr0", "nr1" };

	tc_lab_run("[ ! -e /sys/kernel/debug/nicsim/n ] || echo del n "
		   ">/sys/kernel/debug/nicsim/control; "
		   "sysctl -qw net.ipv6.conf.default.disable_ipv6=1 && "
		   "echo add n ports=2 table=%u >/sys/kernel/debug/nicsim/control && "
		   "for d in n nr0 nr1 nv0 nv1; do ip link set dev $d up; done",
		   FILL);
	for (unsigned i = 0; i < 2; i++) {
		tc_lab_port_open(&mine[i], i + 1, devices[i], user);
		ports[i] = &mine[i].up;
	}
	marks = tc_lab_marks("nr0");
}

static void open_kernel(struct port *ports[2])
{
	open_nic(ports, false);
}

static void open_user(struct port *ports[2])
{
	open_nic(ports, true);
}

static void close_nic(void)
{
	(void)close(marks);
	ck_assert_ptr_null(strstr(tc_lab_read("tc qdisc show dev nr0"), "clsact"));
	ck_assert_str_eq(tc_lab_read("cat /sys/kernel/debug/nicsim/n/rules"), "");
	tc_lab_run("echo del n >/sys/kernel/debug/nicsim/control");
}

static void traffic(const struct flow_key *key, unsigned n)
{
	struct packet *p = packet_compose(key, 0);

	for (unsigned i = 0; i < n; i++)
		tc_lab_send("nv0", p->data, p->len);
	packet_free(p);
	tc_lab_settle("nv0", marks);
}

static const struct provider_env envs[] = {
	{ .name = "tc provider, kernel's ports of a NIC",
	  .ops = tc_ops,
	  .open = open_kernel,
	  .close = close_nic,
	  .args = "",
	  .traffic = traffic },
	{ .name = "tc provider, user's ports of a NIC",
	  .ops = tc_ops,
	  .open = open_user,
	  .close = close_nic,
	  .args = "",
	  .traffic = traffic,
	  .fill = FILL },
};

int main(void)
{
	int failed = EXIT_SUCCESS;

	if (!tc_lab_in_guest())
		return 77;
	for (size_t i = 0; i < ARRAY_SIZE(envs); i++)
		failed |= provider_conform_run(&envs[i]);
	return failed;
}
