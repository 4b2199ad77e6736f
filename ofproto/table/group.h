/* SPDX-License-Identifier: Apache-2.0 */
/* Groups: immutable once visible; a modify makes a new one that takes the counters over.  RCU
 * readers. */
#pragma once

#include "core/base/htable.h"
#include "core/base/rcu.h"
#include "ofproto/wire/msgs.h"

#define GROUPS_MAX 65536
#define GROUP_BUCKETS_MAX 4096

struct bucket_stats {
	_Atomic uint64_t packets, bytes;
};

struct group_stats { /* shared by a group and its modification when the buckets' number is the same
		      */
	_Atomic uint32_t refs;
	_Atomic uint64_t packets, bytes;
	uint32_t n_buckets;
	struct bucket_stats buckets[];
};

struct group_bucket {
	uint16_t weight;
	struct ofp_port watch_port;
	uint32_t watch_group;
	struct ofpacts actions; /* owned by the group */
};

struct group {
	uint32_t id;
	uint8_t type; /* enum ofp_group_type */
	_Atomic uint32_t refs;
	uint64_t created_ns;
	uint32_t n_buckets;
	uint64_t total_weight;
	struct group_bucket *buckets; /* owned */
	struct group_stats *stats;    /* referenced */
	struct hnode node;            /* the tables' */
};

struct group *group_ref(struct group *g);
void group_unref(struct group *g);
void group_credit(struct group *g, uint32_t bucket, uint64_t packets, uint64_t bytes);
