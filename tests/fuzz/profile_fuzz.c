/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles of sim NICs: any text is read or refused with a place and a cause. */
#include <errno.h>

#include "offload/sim/profile.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = ERROR_INIT;
	struct sim_profile p;
	int rc;

	if (size > PROFILE_MAX_SIZE)
		return 0;
	rc = profile_parse((const char *)data, size, "dir/fuzz.conf", &p, &err);
	FUZZ_CHECK(!rc || (rc == -EINVAL && err.cause[0] && err.field[0]));
	FUZZ_CHECK(rc || (p.caps.capacity && p.caps.max_batch));
	return 0;
}
