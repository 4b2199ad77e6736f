/* SPDX-License-Identifier: Apache-2.0 */
/* Why a flow is not in hardware: one row per reason, and a struct that carries one occurrence.
 *
 * Every path that leaves a flow outside hardware ends in one of these.  The table gives the name
 * that metrics and JSON use, the sentence an operator reads, what brings it about, what he can do
 * about it, and when the engine asks again.  docs/REASONS.md is made of it (`make reasons`);
 * tests/unit/offload/reasons_test makes each happen. */
#pragma once

#include "core/packet/action.h"

enum offload_reason {
	OFFLOAD_OK,
	/* policy: nobody was asked */
	OFFLOAD_DISABLED,    /* offload is off for the switch, the port or the provider */
	OFFLOAD_TC_POLICY,   /* tc-policy keeps it out of hardware */
	OFFLOAD_NO_DEVICE,   /* the ingress port belongs to no offload device */
	OFFLOAD_SLOW_PATH,   /* actions need the switch itself (controller, learning that sees each
				packet) */
	OFFLOAD_OUT_DEVICE,  /* an output port is not on the same device */
	OFFLOAD_NOT_WORTH,   /* table full of flows that carry more */
	OFFLOAD_CHURN,       /* carries more than others, but no more evictions now */
	OFFLOAD_PORT_LIMIT,  /* its port has all the entries that it may have */
	OFFLOAD_PINNED_OVER, /* pinned, and so is all that is in the table */
	OFFLOAD_QUEUE_FULL,  /* the request queue shed it */
	OFFLOAD_PENDING,     /* queued or being installed */
	OFFLOAD_ADOPTED,     /* left by a former process, not yet checked against the tables */
	OFFLOAD_CHAIN,       /* what it leads to (recirculation) is not in the device */
	OFFLOAD_HUNG,        /* the device does not answer: it was cut off */
	/* the device's capabilities */
	OFFLOAD_FIELD,          /* cannot match this field */
	OFFLOAD_MASK,           /* can match the field, not under this mask */
	OFFLOAD_ACTION,         /* cannot do this action */
	OFFLOAD_SET_FIELD,      /* cannot rewrite this field */
	OFFLOAD_N_ACTIONS,      /* too many actions or outputs */
	OFFLOAD_RECIRC,         /* recirculation */
	OFFLOAD_METER,          /* what the meter does no police action can */
	OFFLOAD_NEEDS_SOFTWARE, /* needs its software path too, and cannot have both */
	OFFLOAD_KERNEL_LACKS,   /* what the way to the device needs is not in this kernel */
	/* what the device or driver said */
	OFFLOAD_TABLE_FULL,
	OFFLOAD_PRIO_FULL,      /* no rule priority is left for its mask */
	OFFLOAD_BLOCK_FULL,     /* no block of rules is left for its bond */
	OFFLOAD_QDISC,          /* somebody else's qdisc is where its rule would be */
	OFFLOAD_NOT_IN_HW,      /* taken by the provider's software; the driver said nothing */
	OFFLOAD_DRIVER_REFUSED, /* driver's own words in `driver` */
	OFFLOAD_SHAPE_REFUSED,  /* the driver refused this shape before; not asked again */
	OFFLOAD_NO_NEXT_HOP,    /* there is no way to a tunnel's other end at present */
	OFFLOAD_COVERED,        /* another flow's rule, named in `driver`, takes its packets */
	OFFLOAD_IO_ERROR,       /* the provider could not reach the device */
	OFFLOAD_ECHO_DIFFERS,   /* what the device holds is not what was asked */
	/* was in hardware */
	OFFLOAD_EVICTED,    /* made room for a flow that carries more */
	OFFLOAD_OVER_LIMIT, /* a limit was lowered below what was there */
	OFFLOAD_RESET,      /* the device lost its rules */
	OFFLOAD_FORGOTTEN,  /* the device does not hold a rule that it confirmed */
	OFFLOAD_MUTE,       /* the rule is held, and never hit while software sees its packets */
	OFFLOAD_ALTERED,    /* somebody or something changed the rule */
	OFFLOAD_REPLACING,  /* being replaced by a newer translation */
	OFFLOAD_GONE,       /* the device is gone */
	/* what happened to its entry in the fallback datapath: in histories alone */
	OFFLOAD_PUT_AGAIN,    /* somebody took it out */
	OFFLOAD_CHANGED_BACK, /* somebody changed what it does */
	OFFLOAD_N_REASONS
};

enum offload_retry {
	OFFLOAD_RETRY_NEVER,   /* until the flow or the configuration changes */
	OFFLOAD_RETRY_CAPS,    /* when the device's capabilities change */
	OFFLOAD_RETRY_BACKOFF, /* after 1 s, doubling to 60 s */
	OFFLOAD_RETRY_SPACE,   /* when the table has room */
	OFFLOAD_RETRY_CHAIN,   /* when what it leads to is in the device */
	OFFLOAD_RETRY_DEVICE,  /* when the device is back */
	OFFLOAD_RETRY_NOW,
	OFFLOAD_N_RETRIES
};
extern const char *const offload_retry_text[OFFLOAD_N_RETRIES]; /* "when …" */

struct offload_reason_info {
	enum offload_reason reason;
	const char *name;   /* "table_full" */
	const char *text;   /* one sentence */
	const char *cause;  /* what brings it about */
	const char *advice; /* what an operator can do */
	enum offload_retry retry;
};
extern const struct offload_reason_info offload_reason_table[OFFLOAD_N_REASONS];

/* One occurrence. */
struct offload_refusal {
	enum offload_reason reason;
	int field;         /* enum field_id at fault, or -1 */
	int action;        /* enum dp_action_kind at fault, or -1 */
	uint64_t limit;    /* the limit that was met, 0 = none; OFFLOAD_CHAIN: the recirc_id */
	char driver[128];  /* the driver's own words, "" = none */
	uint64_t at_ns;    /* clock_wall_ns() */
	uint64_t retry_ns; /* clock_mono_ns() of the next try; 0 = see the reason's rule */
};
void offload_refusal_set(struct offload_refusal *r, enum offload_reason reason);
/* "field tun_id: the device cannot match it" and the like. */
void offload_refusal_format(const struct offload_refusal *r, struct str *out);
