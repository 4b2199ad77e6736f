/* SPDX-License-Identifier: Apache-2.0 */
/* Action lists and instructions: bytes to records and back, and the checks that need the flow.
 *
 * One table has a row per action and version (type or Nicira subtype, shortest length, decoder);
 * another a row per kind with its encoder and checker.  Decoding turns every spelling of an action
 * into the one record that means it, and keeps in `raw` how it was spelled, so that statistics
 * answer in the words of the request.
 *
 * Guarantees: a decoded list is 8-byte aligned and padded, its instructions are in the order of
 * ofpact.h and unique, and each field and sub-field named in it exists and is big enough; learn has
 * at most OFPACT_MAX_LEARN_SPECS parts; lists in actions hold what they may (ofpacts_verify()) and
 * are at most 16 deep.  Pure; any thread. */
#pragma once

#include "core/packet/match.h"
#include "ofproto/wire/ofpact.h"
#include "ofproto/wire/ofperr.h"

#define OFPACT_MAX_LEARN_SPECS 64
#define OFPACT_TRUNC_MIN 14 /* an Ethernet header */

/* Appends the actions of `c` (all of it) to `list`; on an error `list` is as before. */
enum ofperr ofpacts_decode(struct cursor c, uint8_t version, struct buf *list);
/* OpenFlow 1.3 instructions.  The same. */
enum ofperr ofpacts_decode_instructions(struct cursor c, uint8_t version, struct buf *list);

/* Appends the wire form of a list's actions (instructions are skipped). */
void ofpacts_encode(struct ofpacts l, uint8_t version, struct buf *out);
/* The same as instructions: runs of actions become APPLY_ACTIONS.  Version 1.0: as actions. */
void ofpacts_encode_instructions(struct ofpacts l, uint8_t version, struct buf *out);

/* What may stand where, whatever the flow: NAT and writes to a connection's mark and label in a ct
 * action, and nothing else there; no instructions in a clone; conjunctions by themselves.
 * OFPERR_BAD_ARGUMENT, _BAD_ACT_TYPE, _BAD_CONJUNCTION. */
enum ofperr ofpacts_verify(struct ofpacts l);
/* A NAT's flags and ranges make sense together. */
bool ofpact_nat_ok(const struct ofpact_nat *n);

/* What a list is judged against. */
struct ofpacts_check {
	const struct match *match; /* NULL: no flow (packet-out, group): prerequisites of set-field
				      are not known and not asked for */
	uint8_t table;             /* the flow's; goto must lead behind it */
	uint8_t n_tables;
	uint32_t max_ports; /* a plain port number must be below; UINT32_MAX: any */
	uint8_t version;    /* 1.0 lets setters stand without the match that they need */
	bool meters;        /* the switch has meters; else a METER is an unsupported instruction */
};
/* OFPERR_MATCH_INCONSISTENT, _BAD_SET_TYPE, _BAD_SET_ARGUMENT, _BAD_OUT_PORT, _BAD_OUT_GROUP,
 * _INST_BAD_TABLE_ID, _BAD_ARGUMENT, _UNSUP_INST. */
enum ofperr ofpacts_check(struct ofpacts l, const struct ofpacts_check *c);
