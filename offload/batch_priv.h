/* SPDX-License-Identifier: Apache-2.0 */
/* A batch under way, for batch.c and settle.c. */
#pragma once

#include "offload/engine_priv.h"

#define BATCH_MAX 128u

enum todo { TODO_NOTHING, TODO_INSTALL, TODO_REPLACE, TODO_REMOVE };

struct item {
	struct engine_flow *f;  /* referenced */
	struct flow_acts *acts; /* referenced; what the device shall do */
	struct match match;
	enum todo todo;
	bool refused;  /* before the driver was asked */
	bool software; /* the driver is not asked for its hardware, for the same reason */
	struct offload_refusal why;
	enum offload_policy policy;     /* that holds for the flow */
	bool was_hw;                    /* its rule takes up entries already */
	bool swapping;                  /* part of an exchange */
	const void *port;               /* told apart, not looked at */
	uint64_t port_left, port_limit; /* entries; UINT64_MAX: no limit */
	uint32_t cost;
	uint64_t since_ns;
	struct offload_req *req; /* NULL: the provider is not asked */
};

struct batch {
	unsigned n, n_reqs;
	bool abandoned; /* the engine's lock */
	bool applied;   /* the requests have their results */
	struct item items[BATCH_MAX];
	struct offload_req reqs[BATCH_MAX];
};

/* settle.c: what the device's answer, or its not having been asked, means for the flow. */
void settle(struct engine_dev *d, struct item *it, struct gone_list *g) REQUIRES(&d->e->lock);
