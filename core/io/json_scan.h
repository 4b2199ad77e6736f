/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the end of a JSON object in a stream of bytes, and refuses what must not reach a JSON
 * parser.
 *
 * json-c, which makes the values, takes more than RFC 8259 allows (NaN, '…' strings, `1-2`, raw
 * control characters), cuts keys at U+0000, bends integers that do not fit into 64 bits, and cannot
 * check UTF-8 that is split between reads.  So every byte comes past here first, with its own
 * state: one table look-up a byte.  Limits on depth, bytes and number of values hold what a peer
 * can make us allocate.  Pure; one thread. */
#pragma once

#include "core/base/types.h"

struct json_scan {
	/* Limits, set by the owner. */
	unsigned int max_depth;
	size_t max_bytes, max_values;

	/* State; json_scan_reset() clears it. */
	unsigned int mode; /* enum of json_scan.c */
	unsigned int depth;
	unsigned int hex_left; /* digits of \uXXXX still to come */
	unsigned int hex;
	uint8_t utf8_left;          /* continuation bytes still to come */
	uint8_t utf8_min, utf8_max; /* of the next one */
	bool in_value;              /* the object has begun */
	size_t bytes, values;
	char token[64];
	size_t token_len;
	uint8_t number; /* how much of one the token is; enum of json_scan.c */
};

void json_scan_reset(struct json_scan *s);
/* Looks at the next n bytes up to the end of the object: 1 and *used at its end; 0 (all used) when
 * there is more to come; -EPROTO and *why (a static sentence).  White space before the object is
 * passed over; anything but `{` there is refused. */
int json_scan_feed(struct json_scan *s, const uint8_t *data, size_t n, size_t *used,
		   const char **why) MUST_CHECK;
