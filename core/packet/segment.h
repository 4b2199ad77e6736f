/* SPDX-License-Identifier: Apache-2.0 */
/* Cutting a large segment into frames, where neither the kernel nor a NIC does it for us: before a
 * frame goes into a tunnel.
 *
 * Local stacks hand over frames of up to 64 KiB with the payload size of a segment (gso_size) and a
 * checksum that is still to be made (struct packet).  Each frame gets the headers of the whole, put
 * right: lengths, the IPv4 identification counting up, TCP sequence number, FIN and PSH on the last
 * alone and CWR on the first (RFC 3168 section 6.1.2), checksums.
 *
 * Pure; the packet stays as it is. */
#pragma once

#include "core/packet/packet.h"

struct segmenter {
	const struct packet *p;                    /* borrowed */
	uint32_t l3_ofs, l4_ofs, payload_ofs, end; /* in the frame; end of the IP datagram */
	uint32_t next;                             /* first byte of the payload not given yet */
	uint16_t size;                             /* payload bytes of a frame */
	uint16_t n;                                /* frames given */
	bool v6, tcp;
};

/* False: it is no TCP or UDP packet with sound offsets (packet_parse()), or gso_size is 0. */
bool segment_begin(struct segmenter *s, const struct packet *p);
/* Bytes of the longest frame. */
uint32_t segment_max_len(const struct segmenter *s);
/* Writes the next frame and returns its length; 0: there is none any more. */
uint32_t segment_next(struct segmenter *s, uint8_t *out);
