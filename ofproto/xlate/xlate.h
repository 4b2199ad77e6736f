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
 * Where the datapath must look at the packet again before translation can go on (behind a popped
 * MPLS stack, after the connection tracker), the rest is written down under a recirculation id
 * (recirc.h), and the translation of what comes back with that id goes on from there: a pass.  Each
 * pass is a megaflow of its own.
 *
 * Limits: XLATE_MAX_DEPTH nested groups, patch ports and tables other than later ones,
 * XLATE_MAX_NESTING of all together, XLATE_MAX_RESUBMITS lookups, XLATE_MAX_RECIRCS passes after
 * the first; past them the packet is dropped, the error says so.  Sources: OpenFlow 1.0 and 1.3.5,
 * ovs-actions(7).  Any thread, inside an RCU section. */
#pragma once

#include "core/packet/action.h"
#include "core/packet/packet.h"
#include "ofproto/xlate/effects.h"
#include "ofproto/xlate/notes.h"

#define XLATE_MAX_DEPTH 64
#define XLATE_MAX_NESTING 512
#define XLATE_MAX_RESUBMITS 4096
#define XLATE_MAX_RECIRCS 8
#define XLATE_MAX_ACTIONS 65536 /* bytes of datapath actions */

enum xlate_error {
	XLATE_OK,
	XLATE_NO_PORT,   /* the packet's port is in no bridge */
	XLATE_NO_TUNNEL, /* of no OpenFlow port are these outer addresses and this key */
	XLATE_TOO_DEEP,
	XLATE_TOO_MANY_RESUBMITS,
	XLATE_TOO_MANY_ACTIONS,
	XLATE_NO_RECIRC, /* the packet's recirculation id means nothing, or its bridge is gone */
	XLATE_RECIRC_FULL,
	XLATE_TOO_MANY_RECIRCS,
	XLATE_TOO_NESTED, /* lists in datapath actions */
	XLATE_STACK,      /* over- or underflow */
	XLATE_LACKS,      /* + enum dp_action_kind: the datapath does not do it */
	XLATE_N_ERRORS = XLATE_LACKS + DP_ACT_N_KINDS
};
extern const char *const xlate_error_text[XLATE_N_ERRORS];
extern const char *const xlate_error_name[XLATE_N_ERRORS]; /* "too_deep", for metrics */

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
/* Nothing here knows the packet: it belongs to no bridge (any more).  No megaflow is made of it. */
static inline bool xlate_is_stray(const struct xlate_out *out)
{
	return out->error == XLATE_NO_PORT || out->error == XLATE_NO_RECIRC;
}
void xlate_out_done(struct xlate_out *out);
/* The actions without the controllers' USERSPACE: for the packet that was translated with the
 * packet in hand. */
struct dp_actions xlate_actions_for_packet(const struct xlate_out *out);

/* What is traced. */
struct xlate_trace_in {
	const struct xl_snapshot *snap;
	const struct xl_bridge *bridge; /* NULL: the one that the datapath's in_port belongs to */
	const struct flow_key *key;     /* as in xlate_in */
	const struct packet *packet;    /* NULL: only the flow is known */
	const uint32_t *ct_next; /* ct_state after each pass through the connection tracker, CT_* */
	size_t n_ct_next;        /* those that lack one are new connections */
};
/* The whole trace as ofproto/trace prints it, with the passes that recirculation leads to.  What a
 * packet teaches takes place when there is one (ovs-vswitchd(8), "Side effects").  0 or -errno. */
int xlate_trace(const struct xlate_trace_in *in, struct str *out, struct error *err) MUST_CHECK;
