/* SPDX-License-Identifier: Apache-2.0 */
/* The tiers of a NIC whose driver takes rules, in a guest of the lab.
 *
 * Connections are not tracked here.  A connection of UDP that is committed and not answered yet is
 * new to the datapath and to TC's software, and act_ct of Linux 6.1 gives it to drivers as an
 * established one: its next packets match otherwise. */
#include "tests/agree/agree.h"

static const struct agree_tier tiers[] = {
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
