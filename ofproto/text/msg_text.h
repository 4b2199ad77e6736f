/* SPDX-License-Identifier: Apache-2.0 */
/* One line for a whole message, for logs: `OFPT_FLOW_MOD (OF1.3) (xid=0x5): ADD priority=5,ip
 * actions=NORMAL`.  Any bytes may be given; what cannot be understood is said so.  Pure. */
#pragma once

#include "core/base/str.h"
#include "core/base/types.h"

void ofp_msg_format(const void *data, size_t len, struct str *out);
