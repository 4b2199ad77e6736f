/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets the entries when there are too few: the decision alone, over arrays.
 *
 * A flow's value is its rate (rate.h) for each entry that it costs.  Flows that want an entry are
 * looked at in this order, and each gets free room, or the place of others, or a reason:
 *
 *  1. pinned flows.  They take the place of any flow that is not pinned, the least valuable first.
 *  2. flows of ports that hold less than their share (share.h).  They take the place of flows of
 *     ports that hold more than theirs.  Their value counts FAIR_WEIGHT times: a guarantee shall
 *     not throw out an elephant for a mouse.
 *  3. the rest, by value.  They take the place of the least valuable where they carry clearly more:
 *     HYSTERESIS times as much, and WORTH_PPS.  Without that margin two flows of like rate would
 *     change places with every reading.
 *
 * A flow that costs several entries needs as many freed, and must carry more than all that leave.
 * Flows that came in lately (the residency floor) are not among those offered as victims, pinned
 * ones neither.  `lasting` ones (of ports under the policy greedy) give way to pinned flows alone.
 * Nobody makes a port at its share fall below it but the port itself.
 *
 * Guarantees: the free room and the evictions allowed are never exceeded; no port goes beyond its
 * limit; no flow is a victim twice.  O(n log n) and, for each victim, the number of ports.
 *
 * Pure: what it says is carried out by offload/policy.c, and by bench/placement on recorded
 * traffic. */
#pragma once

#include "core/base/types.h"

#define HYSTERESIS 1.25
#define WORTH_PPS 1.0
#define FAIR_WEIGHT 16.0

/* other_config:offload-policy */
enum placement {
	PLACEMENT_GREEDY, /* first come; nobody leaves for another */
	PLACEMENT_RATE,   /* by value */
	PLACEMENT_PINNED, /* by value, behind what is pinned */
	PLACEMENT_N
};
extern const char *const placement_name[PLACEMENT_N]; /* "greedy", "rate", "pinned" */
int placement_parse(const char *text);                /* -1: none of them */

struct rank_flow {
	void *flow;   /* the caller's */
	double value; /* packets a second for each entry */
	uint32_t cost;
	uint32_t port;  /* index into rank_in.ports */
	uint32_t order; /* rank_decide()'s: of equals the first comes first */
	bool pinned;    /* wants only */
	bool lasting;   /* as a victim: for pinned flows alone; as one that wants: takes free room
			   only */
};

struct rank_port {
	uint32_t used;
	uint32_t share; /* 0: none */
	uint32_t limit; /* UINT32_MAX: none */
};

enum rank_verdict {
	RANK_IN,          /* there is room */
	RANK_SWAP,        /* in the place of victims */
	RANK_NOT_WORTH,   /* all in hardware carry more */
	RANK_CHURN,       /* it would be worth it, but no more evictions now */
	RANK_PORT_LIMIT,  /* its port may hold no more */
	RANK_PINNED_OVER, /* pinned, but all that is in hardware is pinned too, or came in just now
			   */
};

struct rank_choice {
	enum rank_verdict verdict;
	uint32_t first, n; /* RANK_SWAP: rank_out.victims[first … first + n - 1] */
};

struct rank_in {
	struct rank_flow *want;  /* sorted by rank_decide() */
	struct rank_flow *have;  /* that may leave; sorted by rank_decide() */
	struct rank_port *ports; /* `used` follows the decisions */
	uint32_t n_want, n_have, n_ports;
	uint64_t room;      /* entries free for all */
	uint32_t evictions; /* that may be made now */
};

struct rank_out {
	struct rank_choice *choice; /* n_want, in the order in which `want` then stands */
	uint32_t *victims;          /* n_have: indices into `have` as it then stands */
	uint32_t n_victims;
};

/* out's arrays are the caller's. */
void rank_decide(struct rank_in *in, struct rank_out *out);

/* --- of many, the ones to look at --- */

/* The `cap` least valuable of what is offered: a heap whose root is the most valuable of them. */
struct rank_heap {
	struct rank_flow *v; /* owned */
	uint32_t n, cap, size;
};
void rank_heap_init(struct rank_heap *h, uint32_t cap);
void rank_heap_done(struct rank_heap *h);
/* What is not among them: nothing (NULL), another one or `f->flow` itself. */
void *rank_heap_offer(struct rank_heap *h, const struct rank_flow *f);
