/* SPDX-License-Identifier: Apache-2.0 */
/* Datapath.ct_zones, CT_Zone and CT_Timeout_Policy: from the database to backends. */
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "core/datapath/dp_ct.h"
#include "switchd/config.h"
#include "switchd/schema.h"

static const struct db_row *datapath_row(const struct schema *s, const char *type)
{
	const struct db_row *root = db_row_first(s->root);

	for (size_t i = 0; root && i < db_get_n(root, s->root_datapaths); i++)
		if (!strcmp(db_get_string_at(root, s->root_datapaths, i), type))
			return db_get_ref(root, s->root_datapaths, i);
	return NULL;
}

static bool read_policy(const struct schema *s, const struct db_row *zone,
			struct ct_zone_config *out)
{
	const struct db_row *p = zone ? db_get_ref(zone, s->zone_timeout_policy, 0) : NULL;
	bool any = false;

	for (size_t i = 0; p && i < db_get_n(p, s->policy_timeouts); i++) {
		const char *key = db_get_string_at(p, s->policy_timeouts, i);

		for (unsigned k = 0; k < DP_CT_N_TIMEOUTS; k++)
			if (!strcmp(dp_ct_timeout_name[k], key)) {
				out->seconds[k] =
					(uint32_t)db_get_value_integer_at(p, s->policy_timeouts, i);
				any |= out->seconds[k] != 0;
			}
	}
	return any;
}

void sw_ct_zones_configure(struct switchd *sw, struct backend *be, const char *type)
{
	const struct schema *s = sw->schema;
	const struct db_row *row = datapath_row(s, type);
	size_t most = row ? db_get_n(row, s->dp_ct_zones) : 0, n = 0;
	struct ct_zone_config *zones = xcalloc(MAX(most, (size_t)1), sizeof(*zones));

	for (size_t i = 0; i < most; i++) {
		zones[n].zone = (uint16_t)db_get_integer_at(row, s->dp_ct_zones, i);
		n += read_policy(s, db_get_ref(row, s->dp_ct_zones, i), &zones[n]);
	}
	backend_configure_ct_zones(be, zones, n);
	free(zones);
}
