/* SPDX-License-Identifier: Apache-2.0 */
/* The sFlow agent of one bridge: samples of packets and of counters, in datagrams, to collectors.
 *
 * A datagram goes out when it is full, and each second if there is anything in it: no sample is
 * later than the specification allows.  Counters of a port are sent each `polling_s`, and the ports
 * are spread over these seconds.  One that cannot be sent (the collector's machine says that nobody
 * listens, a full socket) is lost and counted: nothing is kept for later, so memory is one datagram
 * and a few words for each port.
 *
 * The pool, of which the samples are samples, is counted in steps of the rate: each sample that
 * comes stands for so many packets.  Those that found no room on the way to the agent are told of
 * as drops, and are in no pool: nobody looked whose they were.
 *
 * Threads: the loop's, all of it. */
#pragma once

#include "core/base/err.h"
#include "core/datapath/dp.h"
#include "core/io/loop.h"
#include "core/packet/sflow_cookie.h"

struct sflow;

#define SFLOW_TARGETS_MAX 16
#define SFLOW_RATE 400 /* defaults of ovs-vswitchd.conf.db(5) */
#define SFLOW_HEADER 128
#define SFLOW_POLLING_S 30

struct sflow_config {      /* borrowed for the call */
	const char *agent; /* an address, or a device that has one; NULL: what the first target is
			      reached from */
	const char *const *targets;
	size_t n_targets;
	uint32_t rate;      /* one of so many; at least 1 */
	uint32_t header;    /* bytes of each packet, 14 to SFLOW_HEADER_MAX */
	uint32_t polling_s; /* 0: no counters */
};

struct sflow_sample {
	uint32_t in_ifindex;  /* 0: not known */
	uint32_t out_ifindex; /* where the cookie names a port; 0: not known */
	struct sflow_cookie what;
	const void *data; /* borrowed */
	uint32_t data_len, frame_len;
	uint16_t in_tci; /* host order */
};

struct sflow_ops {
	/* Calls sflow_visit() for each port that has an ifindex. */
	void (*ports)(void *ctx, struct sflow *s);
	int (*port_stats)(void *ctx, void *port, struct port_stats *st);
	/* Whether it samples, or why not, is not what it was. */
	void (*changed)(void *ctx);
};

struct sflow_stats {
	uint64_t samples, counter_samples; /* in datagrams that went out */
	uint64_t datagrams, lost;          /* to all targets; lost: could not be sent */
	uint64_t drops;                    /* sflow_dropped() */
};

struct sflow *sflow_new(struct loop *loop, uint32_t sub_agent, const struct sflow_ops *ops,
			void *ctx);
/* What it holds is sent first. */
void sflow_free(struct sflow *s); /* NULL is fine */
/* In place: sequence numbers go on. */
void sflow_configure(struct sflow *s, const struct sflow_config *cfg);
/* It has a collector and an address; if not, the error says what to do about it, and it is tried
 * again each few seconds. */
bool sflow_is_on(const struct sflow *s);
const char *sflow_error(const struct sflow *s); /* "": none; may be set while it is on */
void sflow_put(struct sflow *s, const struct sflow_sample *x);
/* Samples that did not come so far. */
void sflow_dropped(struct sflow *s, uint64_t n);
/* From ops->ports(): a port, and what ops->port_stats() knows it by. */
void sflow_visit(struct sflow *s, const struct port_state *st, void *port);
void sflow_get_stats(const struct sflow *s, struct sflow_stats *st);
