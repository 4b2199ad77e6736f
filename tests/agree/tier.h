/* SPDX-License-Identifier: Apache-2.0 */
/* A whole switch with its packets on one tier: OpenFlow tables, translation, megaflows, placement,
 * a datapath with four ports and, where the row says so, something ahead of it.
 *
 * The first of all is no switch: "translation" carries out what translation says, packet by packet,
 * without megaflows.  What comes out of it is what must come out of every other.
 *
 * Each packet of a case is sent once, when no megaflow is there (its own upcall, or another
 * packet's megaflow, sends it on), and AGREE_COPIES times when all megaflows have been placed. Then
 * the tables' counters are read. */
#pragma once

#include "core/base/buf.h"
#include "offload/ledger.h"
#include "tests/agree/wires.h"

#define AGREE_COPIES 3
#define AGREE_METER 1        /* lets everything through */
#define AGREE_FRAMES_MAX 400 /* of one packet: a case whose packet makes more is not worth it */

/* A row of a driver's table. */
struct agree_tier {
	const char *name;
	const char *dp;      /* datapath_type; NULL: translation alone */
	const char *offload; /* the ports' other_config:offload */
	const struct wires_ops *wires;
	enum ledger_tier answers; /* where its flows are expected */
	/* Writing a field makes its checksums anew (TC's csum action, and the NICs that stand in
	 * for it): a wrong one is right then, which the others leave as wrong as it was. */
	bool mends_sums;
};

struct frames { /* by port, in order: each with its length before it */
	struct buf at[AGREE_PORTS];
	unsigned n[AGREE_PORTS];
};

struct agree_count {
	uint64_t packets, bytes;
};

struct outcome {
	struct frames first[AGREE_PACKETS], placed[AGREE_PACKETS];
	/* Copies of this packet take several passes, which datapaths put in an order of their own:
	 * those that leave by a port may come in any. */
	bool any_order[AGREE_PACKETS];
	unsigned passes[AGREE_PACKETS]; /* lookups in a datapath that a packet takes */
	/* A label was popped off something that is not what was said: what is left is no packet. */
	bool garbled[AGREE_PACKETS];
	struct agree_count count[AGREE_LINES]; /* of the rule or group in this line */
};

void outcome_init(struct outcome *o);
void outcome_clear(struct outcome *o);
void outcome_done(struct outcome *o);
unsigned frames_total(const struct frames *f);

struct tier;
struct tier *tier_open(const struct agree_tier *row);
void tier_close(struct tier *t);
const struct agree_tier *tier_row(const struct tier *t);

/* Takes what was there away and puts the case's tables in.  False: a line is refused, *line (may be
 * NULL) is its number; *why (may be NULL) gets the reason. */
bool tier_load(struct tier *t, const struct agree_case *c, unsigned *line, struct error *why);
/* Sends the packets of the case that was loaded.  `want` is what to wait for; NULL: whatever comes.
 * Goes no further than the first packet whose frames are fewer than that.  Where connections are
 * tracked, there are none at first, and a packet is sent when the one before has been dealt with.
 */
void tier_run(struct tier *t, const struct agree_case *c, const struct outcome *want,
	      struct outcome *got);
/* tracking.c: its datapath tracks connections, as translation alone does not. */
bool tier_tracks(const struct tier *t);
/* Packets that each tier has answered since tier_open(), by the ledger; the flows' states and
 * reasons are told in words as well. */
void tier_answers(struct tier *t, uint64_t packets[LEDGER_N_TIERS]);
void tier_describe(struct tier *t, struct str *out);
/* Megaflows that a device refused for what is no rule's fault, or did not keep; "": none. */
const char *tier_odd(const struct tier *t);
/* The megaflows of the case that was run last, with where they were; of translation alone: what it
 * said, packet by packet. */
const char *tier_megaflows(const struct tier *t);
