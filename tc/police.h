/* SPDX-License-Identifier: Apache-2.0 */
/* Meters as TC's police actions (tc-police(8), linux/pkt_cls.h, linux/tc_act/), and the requests
 * about actions by themselves (RTM_*ACTION).
 *
 * A police action is one bucket, so a meter of one band fits.  A burst is kept by the kernel as the
 * time that it takes at the rate, in ticks of 64 ns, in 32 bits: 274 seconds at most.
 *
 * Since Linux 5.17 an action that stands by itself is for software, for hardware, or for both, and
 * a filter can have it only when the filter says the same.  Rules with meters are in one of them,
 * never in both: so a meter has an action for each, by numbers of our own, and what the two have
 * counted is never mixed.  In software the kernel polices a packet at ingress without its Ethernet
 * header; the action says that there are 14 bytes more (overhead), which drivers do not take.
 *
 * An action is ours when its number is in our range and it bears our cookie.
 *
 * Pure; any thread. */
#pragma once

#include "core/base/buf.h"
#include "core/datapath/dp_meter.h"

struct nl_batch;
struct nlmsghdr;

/* Numbers: 0x2 in the highest four bits; of a meter of the user datapath; for hardware; its number.
 * The last meters of hardware's stand for trials, by the device's index. */
#define POLICE_FIRST 0x20000000u
#define POLICE_MASK 0xf0000000u
#define POLICE_USER 0x08000000u
#define POLICE_HW 0x04000000u
#define POLICE_TRIAL 0x02000000u
#define POLICE_ID 0x00ffffffu

/* A meter's action; id is at most POLICE_ID. */
static inline uint32_t police_index(bool kernel, uint32_t id, bool hw)
{
	return POLICE_FIRST | (kernel ? 0 : POLICE_USER) | (hw ? POLICE_HW : 0) | id;
}

/* NULL, or why police cannot do it. */
const char *police_unfit(const struct dp_meter *m);

/* Adds the request that makes the action, or with `again` changes it, counters kept.  The meter
 * fits. */
size_t police_put(struct nl_batch *b, uint32_t index, const struct dp_meter *m, bool again);
/* Adds a request to look at it, or to take it out (-EPERM: a filter has it). */
size_t police_put_get(struct nl_batch *b, uint32_t index);
size_t police_put_del(struct nl_batch *b, uint32_t index);
/* Makes b the request for all police actions, to be dumped. */
void police_put_dump(struct nl_batch *b);

struct police_seen {
	uint32_t index;
	bool ours;
	bool limits; /* it has a rate */
	uint64_t packets, bytes;
	uint32_t drops; /* packets; the kernel has 32 bits */
};

/* fn for each police action in an answer or a notification; -EBADMSG. */
int police_get(const struct nlmsghdr *h, void (*fn)(const struct police_seen *s, void *arg),
	       void *arg) MUST_CHECK;
