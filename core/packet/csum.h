/* SPDX-License-Identifier: Apache-2.0 */
/* Internet checksums (RFC 1071, incremental update RFC 1624) and SCTP's CRC32c (RFC 9260 appendix
 * A). */
#pragma once

#include "core/packet/packet.h"

/* Running sum over n bytes (any alignment), then folded and inverted by csum_finish(). */
uint32_t csum_continue(uint32_t sum, const void *data, size_t n);
be16 csum_finish(uint32_t sum);
be16 csum(const void *data, size_t n);
/* New checksum after a 16/32-bit word, or 128-bit address, at an even offset changed. */
be16 csum_update16(be16 old_csum, be16 old_v, be16 new_v);
be16 csum_update32(be16 old_csum, be32 old_v, be32 new_v);
be16 csum_update128(be16 old_csum, const struct be128 *old_v, const struct be128 *new_v);
/* Recomputes IPv4 header and L4 checksum in place, from l3_ofs/l4_ofs; finishes a partial checksum.
 * No-op for what has none. */
void csum_fix_packet(struct packet *p);
/* A TCP or UDP checksum field that holds the pseudo-header's sum is one that a stack has left to a
 * device, and that no device has finished.  Says so in the packet's flags, where whatever sends it
 * on finds it; a packet whose right checksum happens to be that number is none the worse.  Needs no
 * offsets; looks behind two tags, not behind extension headers or into fragments. */
void csum_note_partial(struct packet *p);
be32 crc32c(const void *data, size_t n);
