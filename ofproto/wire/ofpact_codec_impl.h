/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the action codec share; not for others. */
#pragma once

#include "ofproto/wire/msg.h"
#include "ofproto/wire/nx_match.h"
#include "ofproto/wire/ofpact_codec.h"

#define NX_VENDOR 0x00002320u

/* One action being decoded. */
struct act_in {
	struct cursor c; /* behind the action's header, to its end */
	uint8_t version;
	uint8_t kind;  /* enum ofpact_kind that its row says */
	uint8_t arg;   /* the row's: a field, or a flag */
	uint8_t depth; /* of lists in actions that it is in */
	struct buf *list;
};
#define OFPACT_OFS_NBITS(OFS, N) ((uint16_t)((OFS) << 6 | ((N)-1)))
typedef enum ofperr act_decode_fn(struct act_in *in);

enum ofperr ofpact_out_port13(uint32_t no, struct ofp_port *port);
/* A part of a field from the wire: the field's header, then checks that it is big enough. */
enum ofperr ofpact_read_bits(struct cursor *c, unsigned ofs, unsigned n, struct ofpact_bits *b);

act_decode_fn ofpact_decode_resubmit;
act_decode_fn ofpact_decode_set_tunnel;
act_decode_fn ofpact_decode_move;
act_decode_fn ofpact_decode_load;
act_decode_fn ofpact_decode_load2;
act_decode_fn ofpact_decode_note;
act_decode_fn ofpact_decode_output_reg;
act_decode_fn ofpact_decode_controller;
act_decode_fn ofpact_decode_dec_ttl_ids;
act_decode_fn ofpact_decode_metadata;
act_decode_fn ofpact_decode_nx_u32;
act_decode_fn ofpact_decode_learn;
act_decode_fn ofpact_decode_ct;
act_decode_fn ofpact_decode_nat;
act_decode_fn ofpact_decode_clone;
act_decode_fn ofpact_decode_stack;
act_decode_fn ofpact_decode_check_len;
act_decode_fn ofpact_decode_trunc;
act_decode_fn ofpact_decode_sample;
act_decode_fn ofpact_decode_conjunction;
act_decode_fn ofpact_decode_fin_timeout;

/* All of `c` as actions, `depth` lists deep.  On an error `list` may have grown. */
enum ofperr ofpact_decode_list(struct cursor c, uint8_t version, unsigned depth, struct buf *list);
/* The rest of an action as the list that ends the record at `record`, which is there already. */
enum ofperr ofpact_decode_nested(struct act_in *in, size_t record);

/* Each writes its action whole. */
typedef void act_encode_fn(const struct ofpact *a, uint8_t version, struct buf *out);
act_encode_fn ofpact_encode_learn;
act_encode_fn ofpact_encode_ct;
act_encode_fn ofpact_encode_nat;
act_encode_fn ofpact_encode_clone;
act_encode_fn ofpact_encode_stack;
act_encode_fn ofpact_encode_check_len;
act_encode_fn ofpact_encode_trunc;
act_encode_fn ofpact_encode_sample;
act_encode_fn ofpact_encode_conjunction;
act_encode_fn ofpact_encode_fin_timeout;
/* Opens an action: header with a length to be filled by ofpact_wire_end(), which also pads to 8. */
size_t ofpact_wire_begin(struct buf *out, uint16_t type);
size_t ofpact_wire_begin_nx(struct buf *out, uint16_t subtype);
void ofpact_wire_end(struct buf *out, size_t start);
