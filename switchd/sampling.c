/* SPDX-License-Identifier: Apache-2.0 */
/* A Bridge's sFlow row (ovs-vswitchd.conf.db(5)). */
#include "core/base/log.h"
#include "ofproto/export/sflow_wire.h"
#include "switchd/config.h"
#include "switchd/schema.h"

LOG_MODULE("sflow");

/* A number that the column does not bound itself. */
static uint32_t number(const struct db_row *row, const struct db_column *c, const char *name,
		       const uint32_t range[2], uint32_t otherwise)
{
	int64_t x = db_get_integer(row, c, otherwise);

	if (x >= range[0] && x <= range[1])
		return (uint32_t)x;
	log_warn_rl("sFlow: %s=%lld: it is %u to %u: the nearest is taken", name, (long long)x,
		    range[0], range[1]);
	return x < range[0] ? range[0] : range[1];
}

bool sw_sflow(const struct schema *s, const struct db_row *bridge, struct sw_sflow *out)
{
	static const uint32_t rates[2] = { 1, UINT32_MAX }, headers[2] = { 14, SFLOW_HEADER_MAX },
			      seconds[2] = { 0, 86400 };
	const struct db_row *row = s->sflow ? db_get_ref(bridge, s->br_sflow, 0) : NULL;
	size_t n;

	if (!row)
		return false;
	n = MIN(db_get_n(row, s->sflow_targets), ARRAY_SIZE(out->targets));
	for (size_t i = 0; i < n; i++)
		out->targets[i] = db_get_string_at(row, s->sflow_targets, i);
	out->cfg = (struct sflow_config){
		.agent = db_get_string(row, s->sflow_agent, NULL),
		.targets = out->targets,
		.n_targets = n,
		.rate = number(row, s->sflow_sampling, "sampling", rates, SFLOW_RATE),
		.header = number(row, s->sflow_header, "header", headers, SFLOW_HEADER),
		.polling_s = number(row, s->sflow_polling, "polling", seconds, SFLOW_POLLING_S),
	};
	return true;
}
