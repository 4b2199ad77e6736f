/* SPDX-License-Identifier: Apache-2.0 */
#include "offload/policy/share.h"

/* Each round satisfies at least one port or ends it. */
void share_fill(uint64_t pool, uint32_t n, const uint32_t demand[], uint32_t share[])
{
	uint32_t open = 0;

	for (uint32_t i = 0; i < n; i++) {
		share[i] = 0;
		open += demand[i] > 0;
	}
	while (open && pool >= open) {
		uint64_t each = pool / open;

		open = 0;
		for (uint32_t i = 0; i < n; i++) {
			uint32_t more = (uint32_t)MIN((uint64_t)(demand[i] - share[i]), each);

			share[i] += more;
			pool -= more;
			open += demand[i] > share[i];
		}
	}
}
