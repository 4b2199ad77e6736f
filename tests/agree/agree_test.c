/* SPDX-License-Identifier: Apache-2.0 */
/* The tiers that need no kernel. */
#include "tests/agree/agree.h"

static const struct agree_tier tiers[] = {
	{ "user datapath", "netdev", NULL, &wires_fake, LEDGER_USER },
	{ "user datapath and the NIC sim:cx6dx", "netdev", "sim:cx6dx", &wires_fake,
	  LEDGER_HARDWARE },
	{ "user datapath and the NIC sim:generic", "netdev", "sim:generic", &wires_fake,
	  LEDGER_HARDWARE },
};

int main(void)
{
	static const struct agree_driver d = { "agree", tiers, ARRAY_SIZE(tiers), 15 };

	return agree_main(&d);
}
