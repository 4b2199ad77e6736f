/* SPDX-License-Identifier: Apache-2.0 */
/* Megaflows of one datapath: from the first packet (upcall) to the last reading of its counters.
 *
 * Handler threads take upcalls in batches, translate each packet against the current snapshot,
 * install the megaflow through the placement engine and send the packet on.  One revalidator thread
 * makes rounds: it reads all counters in bulk, credits what came in to OpenFlow (effects),
 * translates anew what was translated against older tables, removes what is idle, and keeps the
 * number of megaflows within a limit that follows the measured work of a round.
 *
 * What a former process left is taken over and checked (adopt.c).
 *
 * Why changes cannot be missed: each megaflow carries the sequence number that was current *before*
 * it was translated; a round re-translates every megaflow whose number is not today's.  Why counts
 * cannot be missed: effects change hands only in the revalidator, after what was read so far has
 * been credited; a removed megaflow's last reading is credited when the engine hands it over.
 *
 * Threads: the main thread calls everything here but where it says otherwise. */
#pragma once

#include "offload/engine.h"
#include "ofproto/xlate/xlate.h"

struct flows;

struct flows_config {
	unsigned n_handlers;         /* threads; at least 1 */
	uint32_t flow_limit;         /* megaflows at most (default 200000) */
	uint32_t max_idle_ms;        /* default 10000 */
	uint32_t max_revalidator_ms; /* longest pause between rounds, default 500 */
	bool hold;                   /* flows_new() only: upcalls wait for flows_begin() */
	bool paused;                 /* take no upcalls (other_config:flow-restore-wait) */
};

struct flows_ops {
	/* Packet-ins of a translation, in order; the list becomes the callee's
	 * (xlate_packet_in_free). Handler threads, and the caller's of flows_packet_out(). */
	void (*packet_in)(void *ctx, struct xlate_packet_in *list);
	/* A packet that a sample() action sent up (UPCALL_SFLOW), of the datapath or of a provider,
	 * which tells of in_port alone; it stays the caller's but for up->packet, which becomes the
	 * callee's.  Handler and provider threads.  NULL: they are thrown away. */
	void (*sample)(void *ctx, const struct dp_upcall *up);
};

struct flows_stats {
	uint64_t n_flows, flow_limit,
		max_flows; /* now, the limit in force, the most there ever were */
	uint64_t round_ms; /* length of the last round */
	uint64_t rounds, revalidated, deleted_idle, deleted_changed, modified;
	uint64_t readings_late; /* answers without a reading that a device owed */
	uint64_t upcalls, installed, duplicate, install_failed, over_limit, no_port;
	struct flow_stats switched; /* by handlers: a megaflow's first packet, and what got none */
	uint64_t xlate_errors[XLATE_N_ERRORS];
	/* Left by a former process: taken over; of these not yet checked, kept, changed, removed;
	 * and packets of theirs that belong to no rule of today. */
	uint64_t adopted, adopt_waiting, adopt_kept, adopt_changed, adopt_removed, adopt_uncredited;
	struct recirc_stats recirc;
};

void flows_config_default(struct flows_config *c);
/* NULL and *err when threads cannot be had.  dp is borrowed; starts with an empty snapshot. */
struct flows *flows_new(struct dp *dp, const struct flows_ops *ops, void *ctx,
			const struct flows_config *cfg, struct error *err);
/* The ports of the start are there: takes over what a former process left in the datapath and in
 * devices (engine_adopt()), which forwards as it did and is checked once its bridge is not
 * `loading` any more (snapshot.h), and takes upcalls from here on.  0, or -errno when the datapath
 * could not be read to its end.  Once, when flows_config.hold was set; does nothing else. */
int flows_begin(struct flows *f);
/* flows_begin() is still to come, or megaflows that it took over have not been checked. */
bool flows_adopting(const struct flows *f);
/* No upcall is taken and no megaflow touched from here on: before a process ends and leaves them.
 * What follows is flows_free(f, true). */
void flows_stop(struct flows *f);
/* Removes all megaflows (their last counts are credited) unless `leave`. */
void flows_free(struct flows *f, bool leave);
int flows_configure(struct flows *f, const struct flows_config *cfg, struct error *err) MUST_CHECK;
struct engine *flows_engine(struct flows *f);

/* Publishes a snapshot (taken over) and wakes the revalidator.  The old one is freed after a grace
 * period; call flows_sync() before freeing tables that only the old one names. */
void flows_set_snapshot(struct flows *f, struct xl_snapshot *snap);
/* Any thread, in an RCU section. */
const struct xl_snapshot *flows_snapshot(const struct flows *f);

/* Something that translation reads may have changed.  Any thread; costs a flag when a round is due.
 */
void flows_kick(struct flows *f);
/* Blocks until every megaflow has been checked against what is current now, and the removed ones'
 * last counts have been credited; false after the timeout. */
bool flows_sync(struct flows *f, uint64_t timeout_ms);
/* Calls fn(arg) on the revalidator thread when the counters as of now have been credited: after the
 * next whole round. */
void flows_after_round(struct flows *f, void (*fn)(void *arg), void *arg);
/* The same, and devices have been asked for their counters as well: all that was switched before
 * now has been credited, by whatever tier.  A device that has not told them READINGS_WAIT_MS from
 * now is not waited for: what it has told last holds then, which is logged and counted
 * (flows_stats.readings_late).  For answers to whoever asks, however often. */
#define READINGS_WAIT_MS 400
void flows_after_readings(struct flows *f, void (*fn)(void *arg), void *arg);
/* Removes all megaflows (dpctl/del-flows, revalidator/purge); blocks like flows_sync(). */
bool flows_purge(struct flows *f, uint64_t timeout_ms);

/* Translates a packet with these actions (packet-out), or from table 0 on when has_actions is
 * false, counts it and sends it.  md: metadata words as the controller gave them, in_port an
 * OpenFlow number. Any thread.  -EINVAL: no Ethernet header; -ENODEV: no such bridge; else the
 * datapath's. */
int flows_packet_out(struct flows *f, uint64_t bridge_id, const struct packet *packet,
		     const struct flow_key *md, struct ofpacts actions, bool has_actions);
void flows_stats(const struct flows *f, struct flows_stats *st);
/* What packets did before this moment has been credited (mono; 0: nothing yet): the last round's
 * begin, or earlier where a device has not told its counters since; at most COUNTED_MAX_S ago, as
 * one that hangs does not tell at all.  Any thread. */
#define COUNTED_MAX_S 60
uint64_t flows_counted_ns(const struct flows *f);
void xlate_packet_in_free(struct xlate_packet_in *list);
