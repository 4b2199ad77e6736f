/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/export/sflow_wire.h"

#include <string.h>

#define SFLOW_VERSION 5
#define ADDRESS_IP4 1
#define ADDRESS_IP6 2
/* Formats of the standard's own: enterprise 0 in the upper 20 bits. */
#define SAMPLE_FLOW 1
#define SAMPLE_COUNTERS 2
#define FLOW_HEADER 1
#define FLOW_SWITCH 1001
#define COUNTERS_GENERIC 1
#define COUNTERS_ETHERNET 2
#define HEADER_ETHERNET 1 /* enum header_protocol */
#define IFTYPE_ETHERNET 6 /* ethernetCsmacd */
/* The length of a frame is told as it was on the wire, "including FCS octets", and what was taken
 * off its end as stripped (sFlow version 5, sampled_header).  No FCS ever comes here, so both are
 * this much.  Open vSwitch tells the same of the same frames (tests/interop/sflow_test.py). */
#define FCS 4

/* Bytes behind a record's or sample's own format and length. */
#define RECORD 8u
#define FLOW_FIXED 32u
#define HEADER_FIXED 16u
#define SWITCH_LEN 16u
#define COUNTERS_FIXED 12u
#define GENERIC_LEN 88u
#define ETHERNET_LEN 52u

static void put32(struct sflow_datagram *d, uint32_t x)
{
	be32 w = htonl(x);

	memcpy(d->data + d->len, &w, sizeof(w));
	d->len += sizeof(w);
}

static void put64(struct sflow_datagram *d, uint64_t x)
{
	put32(d, (uint32_t)(x >> 32));
	put32(d, (uint32_t)x);
}

static void put_bytes(struct sflow_datagram *d, const void *p, uint32_t n)
{
	uint32_t padded = ROUND_UP(n, 4u);

	if (!n)
		return;
	memcpy(d->data + d->len, p, n);
	memset(d->data + d->len + n, 0, padded - n);
	d->len += padded;
}

static void put_record(struct sflow_datagram *d, uint32_t format, uint32_t len)
{
	put32(d, format);
	put32(d, len);
}

void sflow_begin(struct sflow_datagram *d, const struct be128 *agent, uint32_t sub_agent)
{
	d->len = d->n_samples = 0;
	put32(d, SFLOW_VERSION);
	if (ip_addr_is4(agent)) {
		put32(d, ADDRESS_IP4);
		put_bytes(d, &agent->w[3], 4);
	} else {
		put32(d, ADDRESS_IP6);
		put_bytes(d, agent, 16);
	}
	put32(d, sub_agent);
	d->tail_at = d->len;
	for (unsigned i = 0; i < 3; i++)
		put32(d, 0); /* sequence, uptime, samples */
}

void sflow_end(struct sflow_datagram *d, uint32_t sequence, uint32_t uptime_ms)
{
	uint32_t len = d->len;

	d->len = d->tail_at;
	put32(d, sequence);
	put32(d, uptime_ms);
	put32(d, d->n_samples);
	d->len = len;
}

static bool begin_sample(struct sflow_datagram *d, uint32_t format, uint32_t len)
{
	if (d->len + RECORD + len > sizeof(d->data))
		return false;
	put_record(d, format, len);
	d->n_samples++;
	return true;
}

bool sflow_put_flow(struct sflow_datagram *d, const struct sflow_flow_sample *s)
{
	uint32_t n = MIN(s->header_len, (uint32_t)SFLOW_HEADER_MAX);
	uint32_t header = HEADER_FIXED + ROUND_UP(n, 4u);

	if (!begin_sample(d, SAMPLE_FLOW, FLOW_FIXED + RECORD + header + RECORD + SWITCH_LEN))
		return false;
	put32(d, s->sequence);
	put32(d, s->source);
	put32(d, s->rate);
	put32(d, s->pool);
	put32(d, s->drops);
	put32(d, s->input);
	put32(d, s->output);
	put32(d, 2); /* records */
	put_record(d, FLOW_HEADER, header);
	put32(d, HEADER_ETHERNET);
	put32(d, s->frame_len + FCS);
	put32(d, FCS);
	put32(d, n);
	put_bytes(d, s->header, n);
	put_record(d, FLOW_SWITCH, SWITCH_LEN);
	put32(d, s->in_tci & 0xfff);
	put32(d, s->in_tci >> 13);
	put32(d, s->out_tci & 0xfff);
	put32(d, s->out_tci >> 13);
	return true;
}

static void put_generic(struct sflow_datagram *d, const struct sflow_counter_sample *s)
{
	put_record(d, COUNTERS_GENERIC, GENERIC_LEN);
	put32(d, s->ifindex);
	put32(d, IFTYPE_ETHERNET);
	put64(d, s->speed_bps);
	put32(d, !s->duplex_known ? 0 : s->full_duplex ? 1 : 2);
	put32(d, (uint32_t)s->admin_up | (uint32_t)s->oper_up << 1);
	put64(d, s->rx_bytes);
	put32(d, (uint32_t)s->rx_packets);
	put32(d, SFLOW_UNKNOWN); /* which of them are multicast and broadcast */
	put32(d, SFLOW_UNKNOWN);
	put32(d, (uint32_t)s->rx_dropped);
	put32(d, (uint32_t)s->rx_errors);
	put32(d, SFLOW_UNKNOWN); /* protocols */
	put64(d, s->tx_bytes);
	put32(d, (uint32_t)s->tx_packets);
	put32(d, SFLOW_UNKNOWN);
	put32(d, SFLOW_UNKNOWN);
	put32(d, (uint32_t)s->tx_dropped);
	put32(d, (uint32_t)s->tx_errors);
	put32(d, 0); /* promiscuous: a switch's port is, but of its own accord */
}

/* In the order of dot3StatsTable (RFC 3635). */
static void put_ethernet(struct sflow_datagram *d, const struct sflow_counter_sample *s)
{
	put_record(d, COUNTERS_ETHERNET, ETHERNET_LEN);
	put32(d, (uint32_t)s->alignment_errors);
	put32(d, (uint32_t)s->fcs_errors);
	for (unsigned i = 0; i < 5; i++) /* one and several collisions, SQE, deferred, late */
		put32(d, SFLOW_UNKNOWN);
	put32(d, SFLOW_UNKNOWN); /* given up after too many */
	put32(d, SFLOW_UNKNOWN); /* sending */
	put32(d, SFLOW_UNKNOWN); /* carrier lost */
	put32(d, SFLOW_UNKNOWN); /* too long */
	put32(d, (uint32_t)s->overruns);
	put32(d, SFLOW_UNKNOWN); /* symbols */
}

bool sflow_put_counters(struct sflow_datagram *d, const struct sflow_counter_sample *s)
{
	uint32_t len = COUNTERS_FIXED + RECORD + GENERIC_LEN;

	if (s->ethernet)
		len += RECORD + ETHERNET_LEN;
	if (!begin_sample(d, SAMPLE_COUNTERS, len))
		return false;
	put32(d, s->sequence);
	put32(d, s->ifindex);
	put32(d, s->ethernet ? 2 : 1);
	put_generic(d, s);
	if (s->ethernet)
		put_ethernet(d, s);
	return true;
}
