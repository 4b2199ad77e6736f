/* SPDX-License-Identifier: Apache-2.0 */
/* What a sampled packet brings with it: the cookie of a userspace() action of kind UPCALL_SFLOW.
 *
 * Translation knows what becomes of a flow's packets, and whoever tells a collector of one of them
 * later does not; so the answer goes down with the action.  Equal translations have equal cookies.
 * Plain values; any thread. */
#pragma once

#include "core/packet/action.h"

/* The output in the form of sFlow (sFlow version 5, "interface"), but with the datapath's number of
 * a port: the two upper bits say how the rest is read. */
#define SFLOW_OUT_PORT 0x00000000u     /* number of the only port; 0: not known which */
#define SFLOW_OUT_DROPPED 0x40000000u  /* reason */
#define SFLOW_OUT_MULTIPLE 0x80000000u /* how many */
#define SFLOW_OUT_FORM 0xc0000000u
#define SFLOW_DROPPED_UNKNOWN (SFLOW_OUT_DROPPED | 256u) /* for a reason that is not told */

struct sflow_cookie {
	uint32_t output; /* SFLOW_OUT_* */
	uint32_t rate;   /* one of so many packets is taken; never 0 */
	bool retagged;   /* it leaves with other VLAN tags than it came with: */
	uint16_t tci;    /* VLAN and priority of the outer one, host order; 0: none */
};

#define SFLOW_COOKIE_RETAGGED 0x10000u
#define SFLOW_COOKIE_TCI 0xefffu /* what of a tag is told */

static inline void sflow_cookie_pack(const struct sflow_cookie *c, uint64_t cookie[4])
{
	uint32_t tag = c->retagged ? SFLOW_COOKIE_RETAGGED | (c->tci & SFLOW_COOKIE_TCI) : 0;

	cookie[0] = (uint64_t)c->rate << 32 | c->output;
	cookie[1] = tag;
	cookie[2] = cookie[3] = 0;
}

/* False: nobody packed this. */
static inline bool sflow_cookie_unpack(const uint64_t cookie[4], struct sflow_cookie *c)
{
	uint64_t tag = cookie[1];

	if (cookie[2] | cookie[3] || !(cookie[0] >> 32))
		return false;
	if (tag & ~(uint64_t)(SFLOW_COOKIE_RETAGGED | SFLOW_COOKIE_TCI) ||
	    (tag && !(tag & SFLOW_COOKIE_RETAGGED)))
		return false;
	c->output = (uint32_t)cookie[0];
	c->rate = (uint32_t)(cookie[0] >> 32);
	c->retagged = tag != 0;
	c->tci = (uint16_t)tag;
	return true;
}
