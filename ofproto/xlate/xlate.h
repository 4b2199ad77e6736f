/* SPDX-License-Identifier: Apache-2.0 */
/* Translation: (flow, snapshot of the tables) -> datapath actions + mask + effects + notes.  A pure
 *function.
 *
 * The mask holds every bit of the packet that the result depends on, and no bit more.  Three masks
 *make that exact without reading back what an action wrote: mask     the original packet's bits
 *that were looked at, written  bits whose present value no longer depends on the packet (a
 *set-field wrote them): looking at them un-wildcards nothing, pending  bits that the next commit
 *must write into the packet. A set-field therefore un-wildcards nothing; a commit emits the write
 *even where one packet happens to hold the value already, so that the same actions fit every packet
 *of the megaflow.
 *
 * A packet for a controller goes up from the head of the action list, before any edit, and is
 *translated again with the packet in hand: the packet-ins of that translation show registers,
 *metadata and headers as the action saw them.
 *
 * Limits: XLATE_MAX_DEPTH nested tables, groups and patch ports, XLATE_MAX_RESUBMITS lookups; past
 *them the packet is dropped, the error says so.  Sources: OpenFlow 1.0 and 1.3.5, ovs-actions(7).
 *Any thread, inside an RCU section. */
#pragma once

#include "core/packet/action.h"
#include "core/packet/packet.h"
#include "ofproto/xlate/effects.h"
#include "ofproto/xlate/notes.h"

#define XLATE_MAX_DEPTH 64
#define XLATE_MAX_RESUBMITS 4096
#define XLATE_MAX_ACTIONS 65536 /* bytes of datapath actions */

enum xlate_error {
	XLATE_OK,
	XLATE_NO_PORT, /* the packet's port is in no bridge */
	XLATE_TOO_DEEP,
	XLATE_TOO_MANY_RESUBMITS,
	XLATE_TOO_MANY_ACTIONS,
	XLATE_NEEDS_RECIRC, /* looks behind a popped MPLS header: needs a second pass of the
			       datapath */
	XLATE_N_ERRORS
};
extern const char *const xlate_error_text[XLATE_N_ERRORS];

struct xlate_in {
	const struct xl_snapshot *snap;
	struct flow_key
		key; /* in_port: the datapath's number, or with `bridge` the OpenFlow number */
	const struct packet
		*packet;     /* borrowed; NULL when revalidating: then no packet-ins are made */
	struct notes *notes; /* NULL: none */
	/* packet-out and trace: start in this bridge; else the one that in_port belongs to */
	const struct xl_bridge *bridge;
	struct ofpacts actions; /* packet-out: these instead of table 0, when has_actions */
	bool has_actions;
};

struct xlate_packet_in {
	struct xlate_packet_in *next;
	uint64_t bridge_id;
	struct packet *packet; /* owned: as the action saw it */
	struct flow_key md;    /* metadata words; in_port: OpenFlow number */
	uint16_t max_len, controller_id;
	uint8_t reason, table;
	be64 cookie;
	bool is_miss; /* table miss: for connections older than OpenFlow 1.3 */
};

struct xlate_out {
	struct buf actions;   /* datapath actions; begins with the USERSPACE of controllers when
				 to_controller */
	struct flow_key mask; /* datapath's terms; closed under prerequisites */
	struct effects effects;
	struct xlate_packet_in *packet_ins; /* in order */
	struct xlate_packet_in **packet_ins_tail;
	enum xlate_error error; /* not OK: actions are empty (drop) */
	bool to_controller;     /* every packet goes up: never in hardware */
	uint64_t bridge_id;
	struct flow_key final; /* the flow as it stood at the end (trace) */
};

void xlate(const struct xlate_in *in, struct xlate_out *out);
void xlate_out_done(struct xlate_out *out);
/* The actions without the controllers' USERSPACE: for the packet that was translated with the
 * packet in hand. */
struct dp_actions xlate_actions_for_packet(const struct xlate_out *out);

/* The whole trace as ofproto/trace prints it.  key as in xlate_in.  What a packet teaches takes
 * place when there is one (ovs-vswitchd(8), "Side effects").  0 or -errno. */
int xlate_trace(const struct xl_snapshot *snap, const struct xl_bridge *bridge,
		const struct flow_key *key, const struct packet *packet, struct str *out,
		struct error *err) MUST_CHECK;
