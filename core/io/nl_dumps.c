/* SPDX-License-Identifier: Apache-2.0 */
#include "core/io/nl_dumps.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdatomic.h>
#include <string.h>

const char *const nl_dumps_name[NL_N_DUMPS] = {
	[NL_DUMPS_LINK] = "link",
	[NL_DUMPS_ROUTE] = "route",
	[NL_DUMPS_QDISC] = "qdisc",
	[NL_DUMPS_FILTER] = "filter",
	[NL_DUMPS_ACTION] = "action",
	[NL_DUMPS_CONNTRACK] = "conntrack",
	[NL_DUMPS_OVS_DATAPATH] = "ovs_datapath",
	[NL_DUMPS_OVS_VPORT] = "ovs_vport",
	[NL_DUMPS_OVS_FLOW] = "ovs_flow",
	[NL_DUMPS_OTHER] = "other",
};

static _Atomic uint16_t families[NL_N_DUMPS]; /* 0: not known, or none of generic netlink's */
static _Atomic uint64_t interruptions[NL_N_DUMPS];

static enum nl_dumps of_route(uint16_t type)
{
	switch (type) {
	case RTM_GETLINK: return NL_DUMPS_LINK;
	case RTM_GETROUTE: return NL_DUMPS_ROUTE;
	case RTM_GETQDISC: return NL_DUMPS_QDISC;
	case RTM_GETTFILTER: return NL_DUMPS_FILTER;
	case RTM_GETACTION: return NL_DUMPS_ACTION;
	default: return NL_DUMPS_OTHER;
	}
}

enum nl_dumps nl_dumps_of(int protocol, uint16_t type)
{
	if (protocol == NETLINK_ROUTE)
		return of_route(type);
	if (protocol == NETLINK_NETFILTER)
		return NFNL_SUBSYS_ID(type) == NFNL_SUBSYS_CTNETLINK ? NL_DUMPS_CONNTRACK
								     : NL_DUMPS_OTHER;
	for (unsigned i = 0; protocol == NETLINK_GENERIC && type && i < NL_N_DUMPS; i++)
		if (atomic_load_explicit(&families[i], memory_order_relaxed) == type)
			return (enum nl_dumps)i;
	return NL_DUMPS_OTHER;
}

void nl_dumps_family(const char *name, uint16_t type)
{
	for (unsigned i = NL_DUMPS_OVS_DATAPATH; i < NL_DUMPS_OTHER; i++)
		if (!strcmp(nl_dumps_name[i], name))
			atomic_store_explicit(&families[i], type, memory_order_relaxed);
}

void nl_dumps_interrupted(enum nl_dumps d)
{
	atomic_fetch_add_explicit(&interruptions[d], 1, memory_order_relaxed);
}

uint64_t nl_dumps_interruptions(enum nl_dumps d)
{
	return atomic_load_explicit(&interruptions[d], memory_order_relaxed);
}
