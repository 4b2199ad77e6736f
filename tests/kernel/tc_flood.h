/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of removals: a thread sends frames of one flow as fast as it can, on a processor of its
 * own where there are several, while the test puts rules for it in and takes them out.  Frames that
 * met a rule are in its last reading, the others in the counter of a filter behind. */
#pragma once

#include <check.h>

#include "offload/provider.h"

/* Out of the device `far`; they come in at `near`, which gets the filter that drops what no rule
 * took.  The calling thread leaves the sender's processor. */
void tc_flood_start(const char *far, const char *near);
void tc_flood_stop(void);
uint64_t tc_flood_sent(void);
size_t tc_flood_length(void); /* of a frame */
/* What no rule took, when the sender has ended. */
uint64_t tc_flood_missed(void);
/* What their rule matches on, and no actions: a drop; q->rule borrows static storage. */
void tc_flood_rule(struct offload_req *q);
/* After so many microseconds a request, which must go well. */
void tc_flood_apply(struct offload_device *dev, struct offload_req *q, enum offload_req_kind kind,
		    unsigned after_us);
/* A program of one test, of which there are so many runs, in this process; its exit status. */
int tc_flood_main(const char *name, const TTest *test, unsigned runs, void (*setup)(void),
		  void (*teardown)(void));
/* ROUNDS of the environment, or what the test makes by itself. */
unsigned tc_flood_rounds(unsigned otherwise);
