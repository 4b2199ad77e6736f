/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces that flow messages share; for the codec's own files. */
#pragma once

#include "ofproto/wire/codec.h"
#include "ofproto/wire/nx_match.h"
#include "ofproto/wire/ofpact_codec_impl.h"

/* An NXM match of `len` bytes and its padding to 8. */
enum ofperr flow_get_nx_match(struct cursor *c, uint16_t len, struct match *m,
			      struct nx_cookie *cookie);
/* Writes it here, and its length at `len_at`. */
void flow_put_nx_match(struct buf *out, size_t len_at, const struct match *m,
		       const struct nx_cookie *cookie);
/* Seconds and nanoseconds, 32 bits each. */
void flow_put_duration(struct buf *out, uint64_t ns);
uint64_t flow_get_duration(struct cursor *c);
