/* SPDX-License-Identifier: Apache-2.0 */
/* Matches on the wire: NXM and OXM entries, and OpenFlow 1.0's fixed struct.
 *
 * The field table (core/packet/field.h) says which code is which field, how long it is, whether it
 * may be masked and what must be matched with it; this file only walks entries and applies those
 * rules.  Pure; any thread.
 * Sources: OpenFlow 1.0 section 5.2.3, OpenFlow 1.3.5 section 7.2.3, ovs-fields(7). */
#pragma once

#include "core/base/buf.h"
#include "core/packet/match.h"
#include "ofproto/wire/ofperr.h"

/* NXM_NX_COOKIE in an NXM match: a filter on cookies, not a field of packets. */
struct nx_cookie {
	be64 cookie, mask; /* mask 0: none */
};

#define NX_MATCH_STRICT 0 /* an unknown field is an error */
#define NX_MATCH_LOOSE 1  /* unknown fields are skipped (packet-in metadata) */

/* All of `c` is entries, of NXM or OXM codes in any mix.  `cookie` NULL: a cookie is refused.
 * OFPERR_MATCH_BAD_FIELD, _BAD_MASK, _BAD_VALUE, _BAD_LEN, _BAD_PREREQ, _DUP_FIELD, _BAD_WILDCARDS
 * (mask bits missing under set value bits). */
enum ofperr nx_match_decode(struct cursor c, int mode, struct match *m, struct nx_cookie *cookie);
/* Appends entries, lowest layers first, prerequisites before what needs them. `version` chooses
 * between NXM (1.0) and OXM codes. */
void nx_match_encode(const struct match *m, uint8_t version, const struct nx_cookie *cookie,
		     struct buf *out);

/* OpenFlow 1.3's ofp_match: type, length, OXM, padding to 8. */
enum ofperr oxm_match_decode(struct cursor *c, struct match *m);
void oxm_match_encode(const struct match *m, uint8_t version, struct buf *out);

/* OpenFlow 1.0's 40-byte struct.  Illegal values in fields that the wildcards ignore are ignored;
 * fields whose prerequisite is missing are wildcards. */
enum ofperr of10_match_decode(struct cursor *c, struct match *m);
void of10_match_encode(const struct match *m, struct buf *out);
/* of10_match_encode() loses nothing. */
bool of10_match_fits(const struct match *m);

/* One field header as actions carry it: 32 bits, or 64 for an experimenter's OXM class. */
enum ofperr nx_field_decode(struct cursor *c, const struct field **f, bool *hasmask);
/* False: no code of NXM or OXM carries the field (it is text and datapath only). */
bool nx_field_encodable(const struct field *f, uint8_t version);
/* The header with `payload` as its length (the same fields as nx_field_decode()). */
void nx_header_encode(const struct field *f, uint8_t version, bool hasmask, unsigned payload,
		      struct buf *out);
/* OXM TLV of one field with value (and mask): for set-field. */
enum ofperr nx_entry_decode(struct cursor *c, const struct field **f, union field_value *v,
			    union field_value *mask);
void nx_entry_encode(const struct field *f, uint8_t version, const union field_value *v,
		     const union field_value *mask, struct buf *out);
