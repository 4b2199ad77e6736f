/* SPDX-License-Identifier: Apache-2.0 */
/* What a flow carries, from readings of its counter that come when they come.
 *
 * The rate is an exponential average over time, RATE_TAU_S long: each packet weighs less the longer
 * ago it was, and so does each moment without one.  Both are kept apart (`sum` of packets, `span_s`
 * of time), because their quotient is right from the first reading on, where one average that
 * begins at zero needs several times RATE_TAU_S to believe in an elephant.
 *
 * Readings may be far apart or lag behind.  One that brings n packets after dt seconds is taken as
 * n / dt throughout; and a rate is asked for as of the last reading that would have shown packets,
 * not as of now: what nobody has read is not yet silence.
 *
 * What ranks flows is not the mean but the mean as if RATE_PRIOR_S of silence had come before: with
 * little known, little is believed.  Two packets 10 ms apart are not 200 a second, while a flow
 * that sends 10,000 in its first half second stands above nearly all others at once.
 *
 * Whether a flow goes on is another question: outlook.h.  The constants are those that carried most
 * traffic in bench/placement.
 *
 * Pure; the caller's lock. */
#pragma once

#include "core/base/types.h"

#define RATE_TAU_S 0.75
#define RATE_PRIOR_S 0.1
#define RATE_STEP_NS UINT64_C(50000000) /* readings nearer together are added up */

struct rate {
	double sum, span_s; /* packets and seconds, decayed to at_ns */
	uint64_t at_ns;     /* clock_mono_ns() */
	uint64_t packets;   /* since at_ns, not yet in sum */
};

void rate_init(struct rate *r, uint64_t now_ns);
/* A reading brought `packets` more. */
void rate_add(struct rate *r, uint64_t packets, uint64_t now_ns);
/* Packets a second as of as_of_ns, which may be before the last packets: for people. */
double rate_pps(const struct rate *r, uint64_t as_of_ns);
/* The same, as sure as it is: for ranking. */
double rate_value(const struct rate *r, uint64_t as_of_ns);
