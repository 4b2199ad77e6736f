/* SPDX-License-Identifier: Apache-2.0 */
/* Prints docs/REASONS.md: `make reasons`. */
#include <ctype.h>
#include <stdio.h>

#include "offload/reason.h"

static const struct {
	enum offload_reason first;
	const char *title, *text;
} parts[] = {
	{ OFFLOAD_DISABLED, "Nobody was asked",
	  "The configuration, the ports or the state of things decide before a device is looked "
	  "at." },
	{ OFFLOAD_FIELD, "What the device cannot do",
	  "By the device's capabilities (`shuntctl offload caps DEVICE`): nothing is sent to it." },
	{ OFFLOAD_TABLE_FULL, "What the device or its driver said",
	  "The device was asked, and did not take the flow." },
	{ OFFLOAD_EVICTED, "What was in hardware", "The flow had a rule, and lost it." },
};

static void put_part(enum offload_reason r)
{
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (parts[i].first == r)
			printf("\n## %s\n%s\n", parts[i].title, parts[i].text);
}

int main(void)
{
	printf("# Why a flow is not in hardware\n\n"
	       "Made from the table in `offload/reason.c` by `make reasons`; do not edit.\n\n"
	       "Each flow outside hardware has one of these reasons, and with it, where there is "
	       "one, the field or the action at fault, the\nlimit that was met, the driver's own "
	       "words, since when, and when it is tried again. `shuntctl offload why FLOW` prints "
	       "them,\n`shuntctl offload status` ranks the reasons by the traffic that they cost, "
	       "`shuntctl offload flows reason=NAME` lists the flows, and\n`/metrics` has "
	       "`shunt_flows_outside_hardware{reason=\"NAME\"}`.\n");
	for (unsigned i = OFFLOAD_OK + 1; i < OFFLOAD_N_REASONS; i++) {
		const struct offload_reason_info *r = &offload_reason_table[i];

		put_part(r->reason);
		printf("\n### `%s`\n%c%s.\n\n- **Cause**: %s\n- **What to do**: %s.\n"
		       "- **Tried again**: %s.\n",
		       r->name, toupper((unsigned char)r->text[0]), r->text + 1, r->cause,
		       r->advice, offload_retry_text[r->retry]);
	}
	return 0;
}
