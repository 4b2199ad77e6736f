/* SPDX-License-Identifier: Apache-2.0 */
/* Sampled packets as TC has them: act_sample (tc-sample(8), linux/tc_act/tc_sample.h) takes one of
 * so many and tells of it on the multicast group of psample (samples.h), which of all that belongs
 * to a packet keeps a 32-bit number alone.  So a number stands for the port that the packet came in
 * by and for what becomes of it; the action's own cookie, 12 bytes, has the latter in full, for
 * what is read back.
 *
 * What is told of is the frame without the tag that the kernel keeps beside it; a flow whose
 * packets have one is not sampled here (flower_action.c).
 *
 * Pure; any thread. */
#pragma once

#include "core/packet/action.h"
#include "core/packet/sflow_cookie.h"

struct buf;
struct nlattr;

struct flower_sample {
	struct sflow_cookie what;
	uint32_t max_len; /* bytes of the frame; UINT32_MAX: all */
};
#define FLOWER_SAMPLE_COOKIE 12u /* bytes of the action's cookie */

/* False: more than telling a collector of one packet of so many, which is all that TC can do. */
bool flower_sample_of(const struct dp_action *a, struct flower_sample *s);
/* The reverse. */
void flower_sample_action(const struct flower_sample *s, struct buf *out);

/* TC's action: its cookie and the payload of its options. */
void flower_sample_cookie(const struct flower_sample *s, uint8_t cookie[FLOWER_SAMPLE_COOKIE]);
void flower_sample_put(const struct flower_sample *s, uint32_t group, struct buf *b);
/* The reverse; cookie: NULL where there is none.  -EBADMSG; -EOPNOTSUPP: none of ours. */
int flower_sample_get(const struct nlattr *options, const struct nlattr *cookie,
		      struct flower_sample *s, uint32_t *group) MUST_CHECK;
