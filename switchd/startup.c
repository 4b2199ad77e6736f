/* SPDX-License-Identifier: Apache-2.0 */
#include "switchd/startup.h"

#include <stdlib.h>

#include "core/datapath/kernel/dp_kernel.h"
#include "core/datapath/user/dp_user.h"
#include "core/port/port.h"
#include "offload/sim/sim.h"
#include "tc/tc.h"

void startup_register(void)
{
	ports_init();
	dp_user_init();
	dp_kernel_init();
	sim_register();
	tc_register();
}

const char *startup_schema_path(void)
{
	const char *path = getenv("SHUNT_SCHEMA");

	return path && *path ? path : SHUNT_PKGDATADIR "/vswitch.ovsschema";
}
