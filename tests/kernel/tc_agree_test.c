/* SPDX-License-Identifier: Apache-2.0 */
/* TC's software, at veth devices. */
#include "tests/kernel/tc_agree.h"
#include "tests/kernel/tc_lab.h"

static void open_veths(void)
{
	for (unsigned i = 0; i < TC_AGREE_PORTS; i++)
		tc_lab_veth(i);
}

static void close_veths(void)
{
	for (unsigned i = 0; i < TC_AGREE_PORTS; i++)
		tc_lab_veth_gone(i);
}

static const struct tc_agree_env env = {
	.name = "tc and the kernel's software",
	.open = open_veths,
	.close = close_veths,
	.near = { "near0", "near1", "near2", "near3" },
	.far = { "far0", "far1", "far2", "far3" },
	.rules = 800,
};

int main(void)
{
	return tc_agree_main(&env);
}
