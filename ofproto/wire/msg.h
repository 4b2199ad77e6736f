/* SPDX-License-Identifier: Apache-2.0 */
/* Which message is it: framing, and one table with a row per kind of message.
 *
 * OpenFlow spreads a message's identity over the header's type, a statistics type, and an
 * experimenter's number and subtype, and the numbers differ by version.  ofp_msg_identify() folds
 * all that into one enum, checks the shortest legal length, and leaves a cursor on the body, so
 * that dispatch is one switch or table by kind.  Encoders use the same rows the other way round.
 *
 * Everything is pure and borrows the caller's bytes; any thread.
 * Sources: OpenFlow 1.0 section 5.1, OpenFlow 1.3.5 section 7.1, ovs-fields(7), ovs-ofctl(8). */
#pragma once

#include "core/base/str.h"
#include "ofproto/wire/msgs.h"

#define OFP_HEADER_LEN 8
#define OFP_MAX_LEN 65535

enum ofp_msg_kind {
	OFP_HELLO,
	OFP_ERROR,
	OFP_ECHO_REQUEST,
	OFP_ECHO_REPLY,
	OFP_FEATURES_REQUEST,
	OFP_FEATURES_REPLY,
	OFP_GET_CONFIG_REQUEST,
	OFP_GET_CONFIG_REPLY,
	OFP_SET_CONFIG,
	OFP_PACKET_IN,     /* standard; 1.0 and 1.3 */
	OFP_NXT_PACKET_IN, /* Nicira's with an NXM match */
	OFP_NXT_PACKET_IN2,
	OFP_FLOW_REMOVED,
	OFP_NXT_FLOW_REMOVED,
	OFP_PORT_STATUS,
	OFP_PACKET_OUT,
	OFP_FLOW_MOD,
	OFP_NXT_FLOW_MOD,
	OFP_GROUP_MOD,
	OFP_PORT_MOD,
	OFP_TABLE_MOD,
	OFP_METER_MOD,
	OFP_BARRIER_REQUEST,
	OFP_BARRIER_REPLY,
	OFP_QUEUE_GET_CONFIG_REQUEST,
	OFP_QUEUE_GET_CONFIG_REPLY,
	OFP_ROLE_REQUEST, /* 1.3 and NXT_ROLE_REQUEST */
	OFP_ROLE_REPLY,
	OFP_GET_ASYNC_REQUEST,
	OFP_GET_ASYNC_REPLY,
	OFP_SET_ASYNC, /* 1.3 and NXT_SET_ASYNC_CONFIG */
	OFP_NXT_SET_FLOW_FORMAT,
	OFP_NXT_FLOW_MOD_TABLE_ID,
	OFP_NXT_SET_PACKET_IN_FORMAT,
	OFP_NXT_FLOW_AGE,
	OFP_NXT_SET_CONTROLLER_ID,
	/* statistics (multipart): requests and replies */
	OFP_DESC_REQUEST,
	OFP_DESC_REPLY,
	OFP_FLOW_STATS_REQUEST,
	OFP_FLOW_STATS_REPLY,
	OFP_NXST_FLOW_REQUEST,
	OFP_NXST_FLOW_REPLY,
	OFP_AGGREGATE_REQUEST,
	OFP_AGGREGATE_REPLY,
	OFP_NXST_AGGREGATE_REQUEST,
	OFP_NXST_AGGREGATE_REPLY,
	OFP_TABLE_STATS_REQUEST,
	OFP_TABLE_STATS_REPLY,
	OFP_PORT_STATS_REQUEST,
	OFP_PORT_STATS_REPLY,
	OFP_QUEUE_STATS_REQUEST,
	OFP_QUEUE_STATS_REPLY,
	OFP_GROUP_STATS_REQUEST,
	OFP_GROUP_STATS_REPLY,
	OFP_GROUP_DESC_REQUEST,
	OFP_GROUP_DESC_REPLY,
	OFP_GROUP_FEATURES_REQUEST,
	OFP_GROUP_FEATURES_REPLY,
	OFP_METER_STATS_REQUEST,
	OFP_METER_STATS_REPLY,
	OFP_METER_CONFIG_REQUEST,
	OFP_METER_CONFIG_REPLY,
	OFP_METER_FEATURES_REQUEST,
	OFP_METER_FEATURES_REPLY,
	OFP_TABLE_FEATURES_REQUEST,
	OFP_TABLE_FEATURES_REPLY,
	OFP_PORT_DESC_REQUEST,
	OFP_PORT_DESC_REPLY,
	OFP_MSG_N_KINDS
};

/* A message that was recognised. */
struct ofp_msg {
	enum ofp_msg_kind kind;
	uint8_t version;
	bool more; /* a multipart message with the MORE flag: further parts follow */
	uint32_t xid;
	struct cursor all; /* the whole message, borrowed */
	struct cursor
		body; /* what follows the header, and the statistics and experimenter headers */
};

/* How many bytes the message at the head of a stream has: 0 when fewer than a header are there,
 * -EPROTO when its length field says less than a header (the stream cannot be followed any more:
 * close the connection). */
int ofp_frame_len(const void *data, size_t len);

/* Recognises one whole message (`len` equals its length field, else OFPERR_BAD_LEN).  The
 * message's own version decides; that it is the negotiated one is the connection's business.
 * OFPERR_BAD_VERSION, _BAD_TYPE, _BAD_STAT, _BAD_EXPERIMENTER, _BAD_EXP_TYPE, _BAD_LEN.
 * Hello, error and echo are recognised in any version.  A request whose MORE flag is set is
 * refused with OFPERR_MULTIPART_OVERFLOW: no request of ours spans messages. */
enum ofperr ofp_msg_identify(const void *data, size_t len, struct ofp_msg *m);

/* "OFPT_FLOW_MOD", "NXT_FLOW_MOD", "OFPST_FLOW request". */
const char *ofp_msg_name(enum ofp_msg_kind kind);

/* Header fields of a message of at least OFP_HEADER_LEN bytes. */
uint8_t ofp_msg_version(const void *msg);
uint32_t ofp_msg_xid(const void *msg);

/* Writing: opens a message of `kind` at the end of `out` (headers of every layer, length still
 * open) and returns its offset for ofp_msg_end(), which fills the length in.  The kind must exist
 * in `version`; asserted. */
size_t ofp_msg_begin(struct buf *out, enum ofp_msg_kind kind, uint8_t version, uint32_t xid);
void ofp_msg_end(struct buf *out, size_t start);
/* A message without a body (barrier, void statistics requests). */
void ofp_put_empty(struct buf *out, enum ofp_msg_kind kind, uint8_t version, uint32_t xid);

/* A multipart reply of any size: entries are added one by one; a new part with the MORE flag on
 * the one before starts whenever an entry would take a part beyond 65535 bytes.  Parts stand one
 * after the other in `out`.  An entry that no part can hold is left out; ofp_multipart_end()
 * returns how many were. */
struct ofp_multipart {
	struct buf *out; /* borrowed */
	enum ofp_msg_kind kind;
	uint8_t version;
	uint32_t xid;
	size_t start;  /* of the current part */
	size_t entry;  /* of the current entry */
	unsigned lost; /* entries left out */
};
void ofp_multipart_begin(struct ofp_multipart *mp, struct buf *out, enum ofp_msg_kind reply,
			 uint8_t version, uint32_t xid);
void ofp_multipart_entry(struct ofp_multipart *mp); /* before an entry's bytes */
void ofp_multipart_entry_end(struct ofp_multipart *mp);
unsigned ofp_multipart_end(struct ofp_multipart *mp);

/* OpenFlow 1.0 carries ports in 16 bits, reserved ones from 0xff00: the same ports as the 32-bit
 * ones of 1.3.  OFPERR_BAD_OUT_PORT for a 1.0 number between 0xff00 and 0xfff7; a number that 1.0
 * cannot say becomes OFPP_NONE. */
enum ofperr ofp_port_from_of10(uint16_t no, struct ofp_port *port);
uint16_t ofp_port_to_of10(struct ofp_port port);
