/* SPDX-License-Identifier: Apache-2.0 */
/* Shorthands for protocols in match text (ovs-fields(7), "Shorthands"): one table, read by the
 * printer and the parser. */
#pragma once

#include "core/packet/flow_key.h"

struct protocol {
	const char *name;
	uint16_t dl_type;
	uint8_t nw_proto; /* 0: any */
};

/* Ends with a NULL name; for one Ethertype, rows with a protocol come before the row without. */
extern const struct protocol protocol_table[];
