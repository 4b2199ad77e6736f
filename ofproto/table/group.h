/* SPDX-License-Identifier: Apache-2.0 */
/* Groups: immutable once visible; a modify makes a new one that takes the counters over.
 *
 * Readers find groups under RCU and may keep a reference.  Sources: OpenFlow 1.3.5 sections 5.6,
 * 6.7 and 7.3.4.2.  What is refused and why: tables_group_mod() in tables.h. */
#pragma once

#include <urcu/rculfhash.h>

#include "core/base/list.h"
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
	uint64_t created_ns; /* of the first one in a row of modifications */
	uint32_t n_buckets;
	uint64_t total_weight;
	struct group_bucket *buckets; /* owned */
	struct group_stats *stats;    /* referenced */

	/* the tables' writer's */
	struct cds_lfht_node node;
	_Atomic uint32_t ref_count; /* actions of flows and groups that forward here */
	bool chained;               /* forwards to or watches groups: in chained_link's list */
	struct cds_list_head chained_link;
	uint64_t mark; /* of the last search for loops that came by */
};

struct group *group_ref(struct group *g);
void group_unref(struct group *g); /* frees at zero; NULL is safe */
/* Counts traffic of the group and of one bucket (UINT32_MAX: of none).  Any thread. */
void group_credit(struct group *g, uint32_t bucket, uint64_t packets, uint64_t bytes);

/* How much a bucket of a select group wants what has this hash: the one with the highest score has
 * it.  So each has a share in proportion to its weight (above 0), and a bucket that goes or comes
 * moves only what it had or gets. */
double group_bucket_score(uint32_t hash, uint32_t bucket, uint16_t weight);

/* --- for the tables --- */

/* 0, or what is wrong with the message by itself: OFPERR_GM_INVALID_GROUP, _BAD_TYPE,
 * _OUT_OF_BUCKETS, _WATCH_UNSUPPORTED, _BAD_WATCH. */
enum ofperr group_check(const struct ofp_group_mod *gm);
/* A group as gm says, which group_check() passed; one reference, the caller's.  old (NULL: none) is
 * what it replaces. */
struct group *group_new(const struct ofp_group_mod *gm, const struct group *old, uint64_t now_ns);
/* Calls fn for each group that g's buckets forward to (and, with watch, that they watch). */
void group_each_group(const struct group *g, bool watch, void (*fn)(uint32_t id, void *aux),
		      void *aux);
