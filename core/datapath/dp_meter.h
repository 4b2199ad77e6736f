/* SPDX-License-Identifier: Apache-2.0 */
/* Meters of a datapath: an optional part of its operations (dp.h), NULL where it has none.
 *
 * A meter is a bucket for each band; a packet that the meter action finds over a band's rate is
 * dropped (OFPMBT_DROP is the only kind).  Identifiers are the datapath's, chosen by the caller. */
#pragma once

#include "core/base/err.h"
#include "core/base/types.h"

struct dp;

#define DP_METER_MAX_BANDS 8u

struct dp_meter_band {
	uint32_t rate;  /* kbit/s, or packets/s of a packet meter; > 0 */
	uint32_t burst; /* kbit, or packets; 0 = one second's worth */
};

struct dp_meter {
	bool packets; /* counts packets, not bits */
	unsigned n_bands;
	struct dp_meter_band bands[DP_METER_MAX_BANDS];
};

struct dp_meter_stats {
	uint64_t packets, bytes; /* that the meter saw */
	uint64_t used_ns;        /* clock_mono_ns() of the last packet; 0 = not known */
	unsigned n_bands;
	struct {
		uint64_t packets, bytes; /* that the band dropped */
	} bands[DP_METER_MAX_BANDS];
};

static inline void dp_meter_stats_add(struct dp_meter_stats *to, const struct dp_meter_stats *more)
{
	to->packets += more->packets;
	to->bytes += more->bytes;
	to->n_bands = MAX(to->n_bands, more->n_bands);
	for (unsigned i = 0; i < more->n_bands && i < DP_METER_MAX_BANDS; i++) {
		to->bands[i].packets += more->bands[i].packets;
		to->bands[i].bytes += more->bands[i].bytes;
	}
}

struct dp_meter_caps {
	uint32_t max_meters; /* 0 = none: identifiers are below it */
	unsigned max_bands;
	bool packets; /* packet meters, too */
};

struct dp_meter_ops {
	void (*caps)(struct dp *dp, struct dp_meter_caps *caps);
	/* Makes the meter or changes it.  *lost (may be NULL) gets what it had counted and counts
	 * no longer: all zero where a change keeps the counts.  -EINVAL: a rate or number of bands;
	 * -ENOSPC, -EFBIG: identifier; the datapath's words in *err. */
	int (*set)(struct dp *dp, uint32_t id, const struct dp_meter *m,
		   struct dp_meter_stats *lost, struct error *err);
	/* -ENOENT */
	int (*get)(struct dp *dp, uint32_t id, struct dp_meter_stats *st);
	/* *last (may be NULL) gets the final reading.  -ENOENT.  Flows that use it drop. */
	int (*del)(struct dp *dp, uint32_t id, struct dp_meter_stats *last);
};
