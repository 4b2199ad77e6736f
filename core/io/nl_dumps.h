/* SPDX-License-Identifier: Apache-2.0 */
/* How often the kernel said of a dump that what it reads changed meanwhile (NLM_F_DUMP_INTR,
 * linux/netlink.h), so that entries may be missing or come twice: counted for the whole process, by
 * what was read.  Whoever reads starts again; this is for whoever wonders why reading takes long.
 *
 * All calls: any thread, without waiting. */
#pragma once

#include <stdint.h>

enum nl_dumps {
	NL_DUMPS_LINK,
	NL_DUMPS_ROUTE,
	NL_DUMPS_QDISC,
	NL_DUMPS_FILTER,
	NL_DUMPS_ACTION,
	NL_DUMPS_CONNTRACK,
	NL_DUMPS_OVS_DATAPATH,
	NL_DUMPS_OVS_VPORT,
	NL_DUMPS_OVS_FLOW,
	NL_DUMPS_OTHER,
	NL_N_DUMPS
};
extern const char *const nl_dumps_name[NL_N_DUMPS]; /* "link", "ovs_flow", … */

/* What a request reads.  `protocol` is NETLINK_ROUTE…, `type` that of its message. */
enum nl_dumps nl_dumps_of(int protocol, uint16_t type);
/* Generic families have the number that the kernel gave them; names that are no row are "other". */
void nl_dumps_family(const char *name, uint16_t type);

void nl_dumps_interrupted(enum nl_dumps d);
uint64_t nl_dumps_interruptions(enum nl_dumps d); /* since the start */
