/* SPDX-License-Identifier: Apache-2.0 */
/* Filters as rtnetlink shows them (rtnetlink(7), linux/rtnetlink.h, linux/pkt_cls.h), and how ours
 * are told from others.
 *
 * A filter is ours when it is flower's, its priority is in our range, its handle has our mark in
 * the upper octet and an action bears a cookie of 16 bytes, the flow's ufid.  Nobody else makes all
 * four by chance: priorities that the kernel hands out by itself begin at 0xc000 and go down,
 * handles begin at 1.  What is not ours is never touched.
 *
 * Pure; any thread. */
#pragma once

#include <linux/netlink.h>

#include "core/base/buf.h"
#include "tc/flower_action.h"

#define TC_PRIO_FIRST 0xd000u
#define TC_PRIO_LAST 0xdfffu
#define TC_HANDLE_MARK 0x53000000u
#define TC_HANDLE_MASK 0xff000000u
#define TC_NUMBER_MASK 0x00ffffffu

/* Parents of filters (linux/pkt_sched.h): what comes in at a device, what the host sends by it. */
#define TC_PARENT_INGRESS 0xfffffff2u
#define TC_PARENT_EGRESS 0xfffffff3u
/* In place of a device's: the filter stands in a block that several devices share, whose number is
 * in place of the parent. */
#define TC_BLOCK_IFINDEX (-1)

/* Numbers of blocks that are ours: the bonds' (bond.c). */
#define TC_BLOCK_FIRST 0x53480001u
#define TC_BLOCKS 64u

struct tc_place {        /* a filter's name */
	int ifindex;     /* or TC_BLOCK_IFINDEX */
	uint32_t parent; /* TC_PARENT_*, or the block's number */
	uint32_t chain, handle;
	uint16_t prio;
	be16 protocol;
};

struct nl_batch;

/* Begins a request about a flower filter, RTM_*TFILTER; its options may follow. */
size_t tc_place_put(struct nl_batch *b, const struct tc_place *at, uint16_t type, uint16_t flags);

struct tc_filter { /* borrowed from the message */
	bool gone; /* RTM_DELTFILTER */
	struct tc_place at;
	bool flower;
	uint32_t flags;             /* TCA_CLS_FLAGS_* */
	uint32_t in_hw_count;       /* drivers that have it; 0 in a terse one */
	const void *options, *acts; /* payloads; NULL: none */
	size_t options_len, acts_len;
	bool ours;
	struct ufid ufid; /* when ours */
	struct flower_counts counts;
};

/* 0; -ENOMSG: another message; -EBADMSG: cut short or malformed. */
int tc_filter_get(const struct nlmsghdr *h, struct tc_filter *f) MUST_CHECK;
/* The rule that a whole (not terse) filter of ours at port `in` is; *actions is empty before.
 * -EBADMSG; -EOPNOTSUPP: it says what this folder never asks for. */
int tc_filter_rule(const struct flower_env *env, const struct tc_filter *f, struct dp_port in,
		   struct flow_key *key, struct flow_key *mask, struct buf *actions) MUST_CHECK;
