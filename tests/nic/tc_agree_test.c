/* SPDX-License-Identifier: Apache-2.0 */
/* A NIC whose driver takes rules: nicsim's uplink and three of its functions. */
#include "tests/kernel/tc_agree.h"
#include "tests/kernel/tc_lab.h"

static void open_nic(void)
{
	tc_lab_run("sysctl -qw net.ipv6.conf.default.disable_ipv6=1 && "
		   "echo add n ports=3 table=100 >/sys/kernel/debug/nicsim/control && "
		   "for d in n nw nr0 nr1 nr2 nv0 nv1 nv2; do ip link set dev $d up; done");
}

static void close_nic(void)
{
	tc_lab_run("echo del n >/sys/kernel/debug/nicsim/control");
}

static const struct tc_agree_env env = {
	.name = "tc and a NIC",
	.open = open_nic,
	.close = close_nic,
	.near = { "nr0", "nr1", "nr2", "n" },
	.far = { "nv0", "nv1", "nv2", "nw" },
	.user = true,
	.hardware = true,
	.rules = 800,
};

int main(void)
{
	return tc_agree_main(&env);
}
