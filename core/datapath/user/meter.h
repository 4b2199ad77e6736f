/* SPDX-License-Identifier: Apache-2.0 */
/* Meters: token buckets that many workers take from at once, without a lock.
 *
 * A band's bucket is one number: the time at which it will be full again if nothing more is taken
 * ("theoretical arrival time", the generic cell rate algorithm, ITU-T I.371).  A packet moves it on
 * by what it costs at the band's rate, and is over the rate when that would bring it further ahead
 * of now than the whole bucket takes to fill.  One compare-and-swap does it, so that the packets of
 * all workers together keep the rate.
 *
 * Counts are exact: what a meter saw is what it let through and what its bands dropped.  A packet
 * over several bands' rates counts with the one of the highest rate (OpenFlow 1.3.5 section 5.7).
 * A meter that is changed keeps its counts, and its buckets are full. */
#pragma once

#include "core/base/lock.h"
#include "core/datapath/dp_meter.h"

#define DPU_METERS_MAX 65536u

struct dpu_meter;

struct dpu_meters {
	struct lock lock;       /* writers' */
	struct dpu_meter **tab; /* RCU, DPU_METERS_MAX of them; NULL until the first is set */
};

void dpu_meters_init(struct dpu_meters *ms);
void dpu_meters_done(struct dpu_meters *ms); /* no readers any more */
/* As in dp_meter.h.  now_ns: clock_mono_ns(). */
int dpu_meter_set(struct dpu_meters *ms, uint32_t id, const struct dp_meter *m, uint64_t now_ns,
		  struct error *err);
int dpu_meter_get(struct dpu_meters *ms, uint32_t id, struct dp_meter_stats *st);
int dpu_meter_del(struct dpu_meters *ms, uint32_t id, struct dp_meter_stats *last);
/* Counts a packet of len bytes; false: it is over a rate, or there is no such meter, and must be
 * dropped.  Any thread, in an RCU section; never blocks. */
bool dpu_meter_pass(struct dpu_meters *ms, uint32_t id, uint32_t len, uint64_t now_ns);
