/* SPDX-License-Identifier: Apache-2.0 */
/* Meters of a bridge: what a flow's meter instruction names.
 *
 * The datapath does the metering; here is which of its meters stands for which of OpenFlow's, and
 * what was asked for.  A meter is immutable but for what the tables' writer counts; a modify puts
 * another in its place.  Readers find meters under RCU.  Source: OpenFlow 1.3.5 section 5.7. */
#pragma once

#include <urcu/rculfhash.h>

#include "core/base/rcu.h"
#include "ofproto/wire/msgs.h"

struct meter {
	uint32_t id;
	uint32_t dp_id; /* the datapath's number */
	uint16_t flags; /* OFPMF_*_ */
	size_t n_bands;
	uint64_t created_ns; /* of the first one in a row of modifications */

	/* the tables' writer's */
	uint32_t n_flows;
	struct cds_lfht_node node;

	struct ofp_meter_band bands[];
};
