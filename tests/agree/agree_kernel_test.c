/* SPDX-License-Identifier: Apache-2.0 */
/* The tiers of a kernel that has openvswitch and TC, in a guest of the lab. */
#include "tests/agree/agree.h"

static const struct agree_tier tiers[] = {
	{ "user datapath at devices", "netdev", NULL, &wires_veth, LEDGER_USER },
	{ "kernel datapath", "system", NULL, &wires_veth, LEDGER_KERNEL },
	{ "kernel datapath and TC in software", "system", "tc", &wires_veth, LEDGER_TC,
	  .mends_sums = true },
};

int main(void)
{
	static const struct agree_driver d = { "agree_kernel", tiers, ARRAY_SIZE(tiers), 25 };

	return agree_main(&d);
}
