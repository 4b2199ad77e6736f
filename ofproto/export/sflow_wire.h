/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams of sFlow version 5 (sflow.org, "sFlow Version 5", July 2004): samples of packets and of
 * counters, as many as fit.
 *
 * All lengths are known before a sample is written, so that one that does not fit leaves the
 * datagram as it was.  What is not known is told as all ones, as the specification has it.  Plain
 * values; any thread; nothing is allocated. */
#pragma once

#include "core/base/ip_addr.h"
#include "core/base/types.h"

#define SFLOW_DATAGRAM_MAX 1400 /* with IP's and UDP's headers it fits into 1500 bytes */
#define SFLOW_HEADER_MAX 1024   /* bytes of a sampled packet that fit beside all the rest */
#define SFLOW_UNKNOWN UINT32_MAX

struct sflow_datagram {
	uint32_t len; /* 0: not begun */
	uint32_t n_samples;
	uint32_t tail_at; /* where what is known at the end goes */
	uint8_t data[SFLOW_DATAGRAM_MAX];
};

struct sflow_flow_sample {
	uint32_t sequence, source; /* source: the input's ifindex */
	uint32_t rate, pool, drops;
	uint32_t input, output; /* as the specification's interfaces: ifindex, or form and value */
	uint32_t frame_len;     /* without FCS; it goes out with it */
	const void *header;     /* borrowed */
	uint32_t header_len;    /* at most SFLOW_HEADER_MAX, the rest is left out */
	uint16_t in_tci, out_tci; /* host order; VLAN 0, priority 0: no tag */
};

struct sflow_counter_sample {
	uint32_t sequence, ifindex;
	uint64_t speed_bps; /* 0: not known */
	bool duplex_known, full_duplex, admin_up, oper_up;
	uint64_t rx_bytes, tx_bytes;
	uint64_t rx_packets, tx_packets, rx_dropped, tx_dropped, rx_errors, tx_errors;
	bool ethernet; /* the next three are known */
	uint64_t alignment_errors, fcs_errors, overruns;
};

/* An empty datagram of this agent. */
void sflow_begin(struct sflow_datagram *d, const struct be128 *agent, uint32_t sub_agent);
/* False: there is no room, send it first. */
bool sflow_put_flow(struct sflow_datagram *d, const struct sflow_flow_sample *s) MUST_CHECK;
bool sflow_put_counters(struct sflow_datagram *d, const struct sflow_counter_sample *s) MUST_CHECK;
/* Ready to be sent: data and len. */
void sflow_end(struct sflow_datagram *d, uint32_t sequence, uint32_t uptime_ms);
