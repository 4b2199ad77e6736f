/* SPDX-License-Identifier: Apache-2.0 */
/* The datapath's meters, for the providers that police. */
#include <string.h>

#include "offload/provider.h"

/* The next provider with meters from *i on; NULL: there is none. */
static const struct offload_meter_ops *next(unsigned *i)
{
	const struct offload_provider_ops *ops;

	while ((ops = offload_provider_at((*i)++)))
		if (ops->meters)
			return ops->meters;
	return NULL;
}

static bool is_kernel(const struct dp *dp)
{
	return !strcmp(dp->ops->type, "system");
}

void offload_meter_set(const struct dp *dp, uint32_t id, const struct dp_meter *m, bool fresh)
{
	const struct offload_meter_ops *ops;
	unsigned i = 0;

	while ((ops = next(&i)))
		ops->set(is_kernel(dp), id, m, fresh);
}

void offload_meter_del(const struct dp *dp, uint32_t id)
{
	const struct offload_meter_ops *ops;
	unsigned i = 0;

	while ((ops = next(&i)))
		ops->del(is_kernel(dp), id);
}

void offload_meter_add(const struct dp *dp, uint32_t id, struct dp_meter_stats *st)
{
	const struct offload_meter_ops *ops;
	unsigned i = 0;

	while ((ops = next(&i))) {
		struct dp_meter_stats more;

		ops->get(is_kernel(dp), id, &more);
		dp_meter_stats_add(st, &more);
	}
}
