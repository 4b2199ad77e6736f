/* SPDX-License-Identifier: Apache-2.0 */
/* What the translators between megaflows and TC's flower classifier share (tc-flower(8),
 * linux/pkt_cls.h): where a rule stands, and what they have to ask about ports.
 *
 * A megaflow becomes one filter.  Its ingress port says whose block the filter is in, its recirc_id
 * which chain of it, its outermost Ethertype the protocol that the kernel sorts filters by; the
 * rest are attributes.  A filter may take fewer packets than its megaflow (never more, never
 * others): what it leaves is switched by the fallback datapath.
 *
 * Kernel facts in this folder are those of Linux 6.1 unless another version is named. */
#pragma once

#include <errno.h>

#include "core/packet/flow_key.h"
#include "core/packet/sflow_cookie.h"
#include "offload/reason.h"

/* Number of a chain: 28 bits (TC_ACT_EXT_VAL_MASK); recirc_id is used as it is, because that is
 * how the kernel hands a packet that found no rule over to its datapath (tc_skb_ext).  The last one
 * is for trials, and no packet gets there. */
#define FLOWER_CHAIN_MAX 0x0fffffffu

enum flower_port_kind {
	FLOWER_PORT_PLAIN,    /* a network device */
	FLOWER_PORT_INTERNAL, /* the host's end of it is the device: output is its ingress */
	FLOWER_PORT_VXLAN,    /* a tunnel device that takes its outer header with the packet */
	FLOWER_PORT_GENEVE,
	FLOWER_PORT_GRE,
};

struct flower_port {
	int ifindex;
	enum flower_port_kind kind;
	be16 udp_port;       /* that a tunnel device listens at; 0: not known, or it has none */
	struct eth_addr mac; /* an internal port's */
};

static inline bool flower_port_is_tunnel(const struct flower_port *p)
{
	return p->kind >= FLOWER_PORT_VXLAN;
}

#define FLOWER_F_SOFTWARE 0x01u  /* the kernel may carry the rule out itself: its limits hold */
#define FLOWER_F_RECIRC 0x02u    /* a packet that finds no rule in a chain goes on from there */
#define FLOWER_F_NUM_VLANS 0x04u /* the number of VLAN tags can be matched (Linux 6.0) */
#define FLOWER_F_DRIVER 0x08u    /* a NIC's driver may carry the rule out: likewise */
#define FLOWER_F_SKIP_SW 0x10u   /* and nobody else: police actions are hardware's */
#define FLOWER_F_TUNNEL_DF 0x20u /* act_tunnel_key can ask for "do not fragment" (Linux 6.4) */

struct flower_env { /* borrowed for the call */
	/* false: no port that a rule can lead to or stand at */
	bool (*port)(const void *ctx, struct dp_port no, struct flower_port *ret);
	/* The reverse, for what is read back. */
	bool (*port_no)(const void *ctx, int ifindex, struct dp_port *ret);
	/* The number of a meter's police action, in hardware (hw) or in software; false, and why
	 * there can be none.  NULL: there are no meters. */
	bool (*meter)(const void *ctx, uint32_t id, bool hw, uint32_t *index, const char **why);
	bool (*meter_id)(const void *ctx, uint32_t index, uint32_t *id); /* the reverse */
	/* The number of what a rule at port `in` samples with this cookie (flower_sample.h); 0, and
	 * why: there can be none.  NULL: nobody listens. */
	uint32_t (*sample)(const void *ctx, struct dp_port in, const struct sflow_cookie *what,
			   const char **why);
	const void *ctx;
	uint32_t features; /* FLOWER_F_* */
};

static inline int flower_refuse(struct offload_refusal *why, enum offload_reason reason, int field,
				int action)
{
	offload_refusal_set(why, reason);
	why->field = field;
	why->action = action;
	return -EOPNOTSUPP;
}
