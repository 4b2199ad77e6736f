/* SPDX-License-Identifier: Apache-2.0 */
/* The datapath in this process, datapath_type "netdev".
 *
 * Worker threads poll the ports, look packets up (a flow cache of their own, then the shared
 * megaflow table) and carry the actions out in batches.  See user.h for how it is built. */
#pragma once

#include "core/datapath/dp.h"

/* Registers the type; at start-up. */
void dp_user_init(void);
