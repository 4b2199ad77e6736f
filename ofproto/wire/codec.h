/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of OpenFlow 1.0, 1.3 and the Nicira extensions to the structs of msgs.h and back.
 *
 * A decoder takes a message that ofp_msg_identify() recognised and fills its struct only when it
 * returns OFPERR_OK; otherwise the error is the one to send.  It reads nothing outside the message
 * whatever its inner lengths say.  What a struct borrows points into the message or into the
 * buffers that the caller gave, which are cleared first; the caller frees those (buf_done).
 *
 * An encoder appends one whole message (several for multipart replies) to `out` and cannot fail:
 * what a version cannot express is left out as the specification says, and the text at the function
 * tells.  Encoders without a `struct ofp_msg *` counterpart take the version and xid to write.
 *
 * Limits: an action list of one message is at most 64 kB on the wire, so decoded lists are below
 * OFPACTS_MAX_BYTES; buckets of a group at most OFP_MAX_BUCKETS.
 * Pure; no I/O, no state; any thread. */
#pragma once

#include "ofproto/wire/msg.h"

#define OFPACTS_MAX_BYTES (1u << 20)
#define OFP_MAX_BUCKETS 4096

/* --- hello, echo, errors ------------------------------------------------------------------- */

#define OFP_VERSION_BIT(V) (1u << (V))
#define OFP_VERSIONS (OFP_VERSION_BIT(OFP10) | OFP_VERSION_BIT(OFP13)) /* what the codecs speak */

/* Offers `versions` (OFP_VERSION_BIT()s; not 0), with the version bitmap of 1.3. */
void ofp_put_hello(struct buf *out, uint32_t versions, uint32_t xid);
/* What the peer offers: its bitmap, else every version up to the header's. */
enum ofperr ofp_decode_hello(const struct ofp_msg *m, uint32_t *versions);
/* The highest version of both; 0 when there is none. */
uint8_t ofp_negotiate(uint32_t ours, uint32_t theirs);
/* OFPET_HELLO_FAILED with a sentence; version is the highest of ours. */
void ofp_put_hello_failed(struct buf *out, uint8_t version, uint32_t xid, const char *text);

void ofp_put_echo_request(struct buf *out, uint8_t version, uint32_t xid);
void ofp_put_echo_reply(struct buf *out, const struct ofp_msg *request);

/* The error to a message: its xid, and at most its first OFP_ERROR_DATA bytes (the specification
 * wants at least 64). */
#define OFP_ERROR_DATA 1024
void ofp_put_error(struct buf *out, uint8_t version, enum ofperr e, const void *msg, size_t len);
enum ofperr ofp_decode_error(const struct ofp_msg *m, struct ofp_error_msg *e);

/* --- the switch ---------------------------------------------------------------------------- */

/* Ports go into the 1.0 reply only (as many as fit). */
void ofp_put_features_reply(struct buf *out, uint8_t version, uint32_t xid,
			    const struct ofp_switch_features *f, const struct ofp_phy_port *ports,
			    size_t n_ports);
/* `ports` (may be NULL) receives the array of struct ofp_phy_port of 1.0. */
enum ofperr ofp_decode_features_reply(const struct ofp_msg *m, struct ofp_switch_features *f,
				      struct buf *ports);
/* SET_CONFIG and GET_CONFIG_REPLY. */
void ofp_put_config(struct buf *out, enum ofp_msg_kind kind, uint8_t version, uint32_t xid,
		    const struct ofp_switch_config *c);
enum ofperr ofp_decode_config(const struct ofp_msg *m, struct ofp_switch_config *c);

void ofp_put_desc_reply(struct buf *out, uint8_t version, uint32_t xid,
			const struct ofp_switch_desc *d);
void ofp_put_port_status(struct buf *out, uint8_t version, enum ofp_port_reason reason,
			 const struct ofp_phy_port *p);
enum ofperr ofp_decode_port_status(const struct ofp_msg *m, uint8_t *reason,
				   struct ofp_phy_port *p);
void ofp_put_port_mod(struct buf *out, uint8_t version, uint32_t xid, const struct ofp_port_mod *p);
enum ofperr ofp_decode_port_mod(const struct ofp_msg *m, struct ofp_port_mod *p);
enum ofperr ofp_decode_table_mod(const struct ofp_msg *m, struct ofp_table_mod *t);

/* Role: 1.3's when !r->nicira, else NXT_ROLE_*. `kind` is OFP_ROLE_REQUEST or _REPLY. */
void ofp_put_role(struct buf *out, enum ofp_msg_kind kind, uint8_t version, uint32_t xid,
		  const struct ofp_role_msg *r);
enum ofperr ofp_decode_role(const struct ofp_msg *m, struct ofp_role_msg *r);
/* OFP_SET_ASYNC, OFP_GET_ASYNC_REPLY. */
void ofp_put_async(struct buf *out, enum ofp_msg_kind kind, uint8_t version, uint32_t xid,
		   const struct ofp_async *a);
enum ofperr ofp_decode_async(const struct ofp_msg *m, struct ofp_async *a);

/* The Nicira switches of a connection. */
enum ofperr ofp_decode_set_flow_format(const struct ofp_msg *m, bool *nxm);
enum ofperr ofp_decode_flow_mod_table_id(const struct ofp_msg *m, bool *on);
enum ofperr ofp_decode_set_packet_in_format(const struct ofp_msg *m, uint8_t *format);
enum ofperr ofp_decode_set_controller_id(const struct ofp_msg *m, uint16_t *id);
/* Each of them: the value of the message's one number. */
void ofp_put_nicira_u32(struct buf *out, enum ofp_msg_kind kind, uint8_t version, uint32_t xid,
			uint32_t value);

/* --- packets ------------------------------------------------------------------------------- */

/* In the form that the connection chose. */
void ofp_put_packet_in(struct buf *out, const struct ofp_proto *proto,
		       const struct ofp_packet_in *p);
enum ofperr ofp_decode_packet_in(const struct ofp_msg *m, struct ofp_packet_in *p);
void ofp_put_packet_out(struct buf *out, uint8_t version, uint32_t xid,
			const struct ofp_packet_out *p);
enum ofperr ofp_decode_packet_out(const struct ofp_msg *m, struct ofp_packet_out *p,
				  struct buf *acts);

/* --- flows --------------------------------------------------------------------------------- */

/* OFP_FLOW_MOD and OFP_NXT_FLOW_MOD.  The list is decoded and sound in itself; whether it fits the
 * match, the tables and the ports is ofpacts_check()'s business, which the caller asks with its own
 * limits.  Table: 255 for a 1.0 message that does not say (delete and modify: all; add: the
 * switch's choice), else as sent. */
enum ofperr ofp_decode_flow_mod(const struct ofp_msg *m, const struct ofp_proto *proto,
				struct ofp_flow_mod *fm, struct buf *acts);
/* 1.0 uses NXT_FLOW_MOD when proto->nxm, or when a standard one cannot carry the match. */
void ofp_put_flow_mod(struct buf *out, const struct ofp_proto *proto, uint32_t xid,
		      const struct ofp_flow_mod *fm);
void ofp_put_flow_removed(struct buf *out, const struct ofp_proto *proto,
			  const struct ofp_flow_removed *r);
enum ofperr ofp_decode_flow_removed(const struct ofp_msg *m, struct ofp_flow_removed *r);

/* Flow and aggregate statistics requests, standard and NXST. */
enum ofperr ofp_decode_flow_stats_request(const struct ofp_msg *m,
					  struct ofp_flow_stats_request *r);
void ofp_put_flow_stats_request(struct buf *out, const struct ofp_proto *proto, uint32_t xid,
				const struct ofp_flow_stats_request *r);
/* One entry of the reply that answers `m`'s kind; `mp` was begun with ofp_reply_kind(m->kind). */
void ofp_put_flow_stats(struct ofp_multipart *mp, const struct ofp_flow_stats *s);
/* Entries of a reply one by one: OFPERR_OK and *done at the end; `body` starts as m->body. */
enum ofperr ofp_decode_flow_stats(const struct ofp_msg *m, struct cursor *body,
				  struct ofp_flow_stats *s, struct buf *acts, bool *done);
struct ofp_aggregate {
	uint64_t packets, bytes; /* UINT64_MAX: unknown */
	uint32_t flows;
};
/* `request` is the message that is answered. */
void ofp_put_aggregate_reply(struct buf *out, const struct ofp_msg *request,
			     const struct ofp_aggregate *a);
enum ofperr ofp_decode_aggregate_reply(const struct ofp_msg *m, struct ofp_aggregate *a);

/* The reply's kind for a request's. */
enum ofp_msg_kind ofp_reply_kind(enum ofp_msg_kind request);

/* --- groups -------------------------------------------------------------------------------- */

/* gm->buckets is an array in `buckets`; their lists are in `acts`. */
enum ofperr ofp_decode_group_mod(const struct ofp_msg *m, struct ofp_group_mod *gm,
				 struct buf *acts, struct buf *buckets);
void ofp_put_group_mod(struct buf *out, uint8_t version, uint32_t xid,
		       const struct ofp_group_mod *gm);
/* Entries of group-desc (command unused) and group statistics replies. */
void ofp_put_group_desc(struct ofp_multipart *mp, const struct ofp_group_mod *g);
void ofp_put_group_stats(struct ofp_multipart *mp, const struct ofp_group_stats *s);
void ofp_put_group_features_reply(struct buf *out, uint8_t version, uint32_t xid,
				  const struct ofp_group_features *f);

/* --- meters -------------------------------------------------------------------------------- */

/* mm->bands is an array in `bands`.  OFPERR_MM_BAD_COMMAND, _MM_BAD_FLAGS, _MM_BAD_BAND (of no
 * type that the specification has), _BAD_LEN; what the switch can do is the caller's to check. */
enum ofperr ofp_decode_meter_mod(const struct ofp_msg *m, struct ofp_meter_mod *mm,
				 struct buf *bands);
void ofp_put_meter_mod(struct buf *out, uint8_t version, uint32_t xid,
		       const struct ofp_meter_mod *mm);
/* Entries of meter-config (command unused) and meter statistics replies. */
void ofp_put_meter_config(struct ofp_multipart *mp, const struct ofp_meter_mod *mm);
void ofp_put_meter_stats(struct ofp_multipart *mp, const struct ofp_meter_stats *s);
void ofp_put_meter_features_reply(struct buf *out, uint8_t version, uint32_t xid,
				  const struct ofp_meter_features *f);

/* --- other statistics ---------------------------------------------------------------------- */

/* Port, queue, group, meter and meter-config requests, and queue-get-config. */
enum ofperr ofp_decode_id_request(const struct ofp_msg *m, struct ofp_id_request *r);
/* Entries. */
void ofp_put_table_stats(struct ofp_multipart *mp, const struct ofp_table_stats *t);
void ofp_put_table_features(struct ofp_multipart *mp, const struct ofp_table_features *t);
void ofp_put_port_stats(struct ofp_multipart *mp, const struct ofp_port_stats *s);
void ofp_put_queue_stats(struct ofp_multipart *mp, const struct ofp_queue_stats *s);
void ofp_put_port_desc(struct ofp_multipart *mp, const struct ofp_phy_port *p);
/* A table-features request with a body would change the tables: OFPERR_TF_EPERM. */
enum ofperr ofp_decode_table_features_request(const struct ofp_msg *m);
void ofp_put_queue_get_config_reply(struct buf *out, uint8_t version, uint32_t xid,
				    struct ofp_port port, const struct ofp_queue_config *q,
				    size_t n);
