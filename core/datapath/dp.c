/* SPDX-License-Identifier: Apache-2.0 */
#include "core/datapath/dp.h"

#include <assert.h>
#include <string.h>

#define MAX_TYPES 8

const char *const dp_drop_name[DP_N_DROPS] = {
	[DP_DROP_PARSE] = "parse",
	[DP_DROP_NO_ACTIONS] = "no_actions",
	[DP_DROP_UPCALL_FULL] = "upcall_queue_full",
	[DP_DROP_UPCALL_RATE] = "upcall_port_share",
	[DP_DROP_RECIRC_LIMIT] = "recirculation_limit",
	[DP_DROP_NO_PORT] = "no_output_port",
	[DP_DROP_EDIT] = "edit_without_header",
	[DP_DROP_TX] = "port_transmit",
	[DP_DROP_PORT_CONFIG] = "port_config",
	[DP_DROP_METER] = "meter",
};

static const struct dp_ops *types[MAX_TYPES];
static unsigned n_types;

void dp_register(const struct dp_ops *ops)
{
	if (dp_type_find(ops->type))
		return;
	assert(n_types < MAX_TYPES);
	types[n_types++] = ops;
}

static const struct dp_ops *find(const char *type)
{
	for (unsigned i = 0; i < n_types; i++) {
		if (!strcmp(types[i]->type, type))
			return types[i];
	}
	return NULL;
}

const struct dp_ops *dp_type_find(const char *type)
{
	if (*type)
		return find(type);
	return find("system") ? find("system") : find("netdev");
}

int dp_flow_do(struct dp *dp, struct dp_flow_op *op)
{
	(void)dp->ops->flow_batch(dp, op, 1); /* the result says it */
	return op->result;
}
