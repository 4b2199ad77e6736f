/* SPDX-License-Identifier: Apache-2.0 */
/* Rewriting headers with act_pedit and act_csum (linux/tc_act/tc_pedit.h, tc_csum.h).
 *
 * Sets that follow each other are gathered in images of the headers, one for each kind of header
 * that pedit counts offsets from, and written as one action: a key for each 32-bit word that has a
 * bit to write.  The checksums that cover them are then put right by one csum action.
 *
 * Checksums are computed anew over the whole datagram, so addresses can be written only in packets
 * that carry all of it, and in later fragments, which have none; which of the two holds is the
 * match's to guarantee.
 *
 * Pure; any thread. */
#pragma once

#include "core/packet/action.h"
#include "tc/flower_match.h"

#define FLOWER_SET_BYTES 40u  /* the longest header: IPv6 */
#define FLOWER_SET_HEADERS 6u /* TCA_PEDIT_KEY_EX_HDR_TYPE_* */

struct flower_set { /* what is gathered */
	bool any;
	uint32_t csum; /* TCA_CSUM_UPDATE_FLAG_* */
	struct {
		uint8_t value[FLOWER_SET_BYTES], mask[FLOWER_SET_BYTES];
	} header[FLOWER_SET_HEADERS];
};

/* Whether act_set of the field wants packets that are no first fragments. */
bool flower_set_wants_whole(enum field_id field);
/* Gathers one set, of packets that `m` takes and whose Ethertype is dl_type by now.  -EOPNOTSUPP
 * and the refusal: pedit cannot write this field in such packets. */
int flower_set_add(struct flower_set *s, const struct act_set *set, const struct flower_match *m,
		   be16 dl_type, struct offload_refusal *why) MUST_CHECK;

/* Payloads of TCA_ACT_OPTIONS. */
void flower_set_put_pedit(const struct flower_set *s, struct buf *b);
void flower_set_put_csum(const struct flower_set *s, struct buf *b);

/* Reads a pedit action's options into an image.  -EBADMSG; -EOPNOTSUPP: not one of ours. */
int flower_set_get_pedit(struct flower_set *s, const void *options, size_t len) MUST_CHECK;
/* Reads a csum action's flags. */
int flower_set_get_csum(const void *options, size_t len, uint32_t *csum) MUST_CHECK;
/* The checksums that such an image must have put right, in packets that key and mask take. */
uint32_t flower_set_csum(const struct flower_set *s, be16 dl_type, const struct flow_key *key,
			 const struct flow_key *mask);
/* The sets that an image stands for, in the order in which translation writes them. -EOPNOTSUPP:
 * bits that are no field's. */
int flower_set_actions(const struct flower_set *s, be16 dl_type, uint8_t nw_proto,
		       struct buf *out) MUST_CHECK;
