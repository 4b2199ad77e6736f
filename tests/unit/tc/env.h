/* SPDX-License-Identifier: Apache-2.0 */
/* The ports of random_rule.h: number n is device 100 + n. */
#pragma once

#include "tc/police.h"
#include "tests/unit/tc/random_rule.h"

static const struct eth_addr env_mac = { { 0x02, 0, 0, 0, 0, 0x05 } }; /* the host's */

static inline bool env_port(const void *ctx, struct dp_port no, struct flower_port *ret)
{
	(void)ctx;
	if (!no.v || no.v > RULE_PORTS)
		return false;
	ret->ifindex = (int)no.v + 100;
	ret->kind = no.v == RULE_INTERNAL ? FLOWER_PORT_INTERNAL
		    : no.v == RULE_VXLAN  ? FLOWER_PORT_VXLAN
					  : FLOWER_PORT_PLAIN;
	ret->mac = env_mac;
	return true;
}

static inline bool env_port_no(const void *ctx, int ifindex, struct dp_port *ret)
{
	(void)ctx;
	if (ifindex <= 100 || ifindex > 100 + RULE_PORTS)
		return false;
	ret->v = (uint32_t)(ifindex - 100);
	return true;
}

/* Meter n, but for the multiples of 7, has a police action. */
static inline bool env_meter(const void *ctx, uint32_t id, bool hw, uint32_t *index,
			     const char **why)
{
	(void)ctx;
	*why = "a multiple of 7";
	*index = police_index(true, id, hw);
	return id % 7;
}

static inline bool env_meter_id(const void *ctx, uint32_t index, uint32_t *id)
{
	(void)ctx;
	*id = index & POLICE_ID;
	return (index & POLICE_MASK) == POLICE_FIRST;
}

static inline uint32_t env_sample(const void *ctx, struct dp_port in,
				  const struct sflow_cookie *what, const char **why)
{
	(void)ctx;
	*why = "an output of 13";
	return what->output == 13 ? 0 : in.v << 16 | (what->output & 0xffff);
}

#define ENV(FEATURES)                                                                              \
	{                                                                                          \
		.port = env_port, .port_no = env_port_no, .meter = env_meter,                      \
		.meter_id = env_meter_id, .sample = env_sample, .features = (FEATURES)             \
	}
