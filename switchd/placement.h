/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of other_config that say how flows compete for a NIC's entries: offload-policy,
 * offload-pin, offload-max-entries, offload-max-total, offload-fair-share, offload-max-churn,
 * offload-min-residency (docs/OPERATING.md).  What is not a value of its key is left out of
 * account, and said.  Main thread. */
#pragma once

#include "offload/engine.h"
#include "ofproto/xlate/snapshot.h"
#include "switchd/switchd.h"

/* The whole switch's, into what engine_config_default() has set. */
void sw_placement_switch(const struct db_row *root, const struct db_column *c,
			 struct engine_config *cfg);
/* An Interface's.  name: whose, for the log. */
void sw_placement_port(const struct db_row *row, const struct db_column *c, const char *name,
		       struct engine_port_placement *pl);
/* A Bridge's pins, and those of the switch (root may be NULL). */
void sw_placement_pins(const struct db_row *row, const struct db_column *c, const char *name,
		       const struct db_row *root, const struct db_column *root_c,
		       struct xl_pins *pins);
