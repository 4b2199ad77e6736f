/* SPDX-License-Identifier: Apache-2.0 */
/* Recirculation ids: what a translation knew where it had to stop, kept under a number that goes
 * round with the packet.
 *
 * Some actions need the datapath to look at the packet again before translation can go on: behind a
 * popped MPLS stack, after the connection tracker.  Translation then writes down all that the rest
 * of its work depends on (freeze.c) and emits RECIRC with the number of what it wrote; the packet
 * comes back as a lookup with this number in its key, and a miss goes on from there.
 *
 * States are hash-consed: equal bytes have one state and one id, so that translating a megaflow
 * anew gives the same actions.  The id is taken from the bytes' hash, with a few probes where two
 * collide: a restarted switch gives equal states their old ids, and finds what it left in a
 * datapath.
 *
 * Guarantees: an id is never 0 nor above RECIRC_ID_MAX; while anything holds a reference (a
 * megaflow that sends packets to the id, or one that matches on it) the id means this state and no
 * other, and for RECIRC_LINGER_NS after that, for packets on their way.  At most `max` states;
 * those that only linger leave first.
 *
 * Threads: any; one lock inside, held for one lookup. */
#pragma once

#include "core/base/htable.h"
#include "core/base/list.h"
#include "core/base/lock.h"

#define RECIRC_MAX 262144
/* Chains of TC have numbers of 28 bits (TC_ACT_EXT_VAL_MASK of linux/pkt_cls.h), of which the last
 * ones are for trials. */
#define RECIRC_ID_MAX 0x0ffffff0u
#define RECIRC_LINGER_NS (2 * UINT64_C(1000000000))

struct recirc_table;

struct recirc_state { /* immutable but for what the table keeps */
	struct hnode node;
	struct cds_list_head lingering; /* in the table's list while refs is 0 */
	struct recirc_table *table;     /* borrowed: outlives its states */
	uint64_t released_ns;
	uint32_t id;
	uint32_t refs; /* by the table's lock */
	uint32_t len;
	uint32_t pad;
	uint64_t data[]; /* len bytes */
};

struct recirc_stats {
	uint64_t n, n_lingering;       /* n counts those that linger, too */
	uint64_t found, made, refused; /* by recirc_intern(): was there, new, no room */
};

struct recirc_table *recirc_table_new(uint32_t max);
/* No reference is left.  NULL is fine. */
void recirc_table_free(struct recirc_table *t);
/* The state of these bytes, made when it is not there, with a reference for the caller.  NULL: the
 * table is full. */
struct recirc_state *recirc_intern(struct recirc_table *t, const void *data, uint32_t len);
/* The state of an id with a reference for the caller, or NULL. */
struct recirc_state *recirc_find(struct recirc_table *t, uint32_t id);
struct recirc_state *recirc_ref(struct recirc_state *s);
void recirc_unref(struct recirc_state *s); /* NULL is fine */
/* Frees what has lingered for its time at `now_ns` (clock_mono_ns()). */
void recirc_expire(struct recirc_table *t, uint64_t now_ns);
void recirc_stats(struct recirc_table *t, struct recirc_stats *st);
