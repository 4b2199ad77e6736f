/* SPDX-License-Identifier: Apache-2.0 */
/* The tiers of a NIC whose driver takes rules, in a guest of the lab. */
#include "tests/agree/agree.h"

static const struct agree_tier tiers[] = {
	{ "kernel datapath", "system", NULL, &wires_veth, LEDGER_KERNEL },
	{ "kernel datapath and nicsim", "system", "auto", &wires_nicsim, LEDGER_HARDWARE,
	  .mends_sums = true },
	{ "user datapath and nicsim", "netdev", "auto", &wires_nicsim, LEDGER_HARDWARE,
	  .mends_sums = true },
};

int main(void)
{
	static const struct agree_driver d = { "agree_nic", tiers, ARRAY_SIZE(tiers), 25 };

	return agree_main(&d);
}
