/* SPDX-License-Identifier: Apache-2.0 */
/* The datapaths' meters as TC has them: which there are, their police actions, what these counted.
 *
 * A meter is known from when it is set until it is deleted and no filter has its actions any more.
 * Its action for software, or for hardware, is made when the first rule there wants it, changed in
 * place when the meter is, and removed with it.  An action of a former process is taken over, with
 * its counts, when its meter is set again; one that nobody claims goes a minute after the start, or
 * when the last filter leaves it.  A meter that police cannot do (police.h) keeps its flows out of
 * TC altogether, so that it has one bucket.
 *
 * Counts.  In software each rule counts for its meters, in front of and behind the police action
 * (flower_action.h): what went in, and what came out again; the rest was dropped.  So large
 * segments count as the packets that they would be, and bytes as frames.  In hardware the police
 * action's own counters say what went in and how many packets were dropped.  How many bytes these
 * had no interface of the kernel's tells (Linux 6.1): they are taken to be as long as the mean of
 * what went in between two readings.
 *
 * Buckets: docs/decisions/0009-meters-in-tiers.md.
 *
 * Threads: set, get and del the main thread; the rest the devices' threads, or any.  Of two locks
 * the one for calls to the kernel is the outer one. */
#pragma once

#include "core/base/err.h"
#include "offload/provider.h"
#include "tc/flower_action.h"

struct tc_device;

#define TC_METER_TRIAL UINT32_MAX /* the meter of probe.c's trials */

extern const struct offload_meter_ops tc_meter_ops;

/* With the first device: finds what a former process left.  After the last one. */
int tc_meters_start(struct error *err) MUST_CHECK;
void tc_meters_stop(void);

/* The police action of a meter that can have one; false and why not. */
bool tc_meter_index(const struct tc_device *d, uint32_t id, bool hw, uint32_t *index,
		    const char **why);
/* The other way round; false: not one of the device's datapath. */
bool tc_meter_id(const struct tc_device *d, uint32_t index, uint32_t *id);
/* Sees to it that all the meters among these actions have their police action.  0 or -errno, and
 * the driver's words in *err. */
int tc_meters_need(const struct tc_device *d, struct dp_actions acts, bool hw,
		   struct error *err) MUST_CHECK;
/* A filter came back with other police actions than it should have: they may be gone. */
void tc_meters_doubt(struct dp_actions acts);
/* Whether there is a meter among them. */
bool tc_actions_metered(struct dp_actions acts);
/* A police action for trials at the device `ifindex`, in hardware alone; false: there is none.  The
 * end is called again, as long as it may be held up. */
bool tc_meter_trial_begin(struct tc_device *d, int ifindex);
void tc_meter_trial_end(struct tc_device *d);

struct tc_tap { /* a meter of a rule in software */
	uint32_t index;
	struct flower_tap last; /* as it was read */
};
/* The taps of a filter whose actions the kernel shows; owned by the caller; NULL: none. */
struct tc_tap *tc_taps_new(const void *acts, size_t len, unsigned *n);
/* A reading.  Each packet counts with l2_bytes more than the kernel says. */
void tc_taps_read(struct tc_tap *taps, unsigned n, const void *acts, size_t len, int l2_bytes);

/* Somebody else changed that action or took it out; no index: he took out several.  They are made
 * again by tc_meters_tidy().  Any thread; blocks for a moment. */
void tc_meters_tampered(uint32_t index);
/* Of the requests about actions. */
uint32_t tc_meters_portid(void);

/* Reads the hardware's counters; with each pass of statistics. */
void tc_meters_read(void);
/* Removes what nobody wants any more, and puts right what others did; now and then. */
void tc_meters_tidy(void);
