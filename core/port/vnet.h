/* SPDX-License-Identifier: Apache-2.0 */
/* Offload state of a frame between Linux and us: struct virtio_net_hdr (linux/virtio_net.h, VIRTIO
 * 1.2 section 5.1.6), which AF_PACKET (PACKET_VNET_HDR) and TAP (IFF_VNET_HDR) put before a frame.
 *
 * Local stacks leave checksums to the device and send frames far longer than the MTU for it to cut.
 * Passing the header on with the frame keeps both: the checksum is finished, and the frame cut,
 * where the kernel would have done it anyhow, or never when the receiver is local too. */
#pragma once

#include <linux/virtio_net.h>

#include "core/packet/packet.h"

#define VNET_HLEN 10u
_Static_assert(sizeof(struct virtio_net_hdr) == VNET_HLEN, "the header without num_buffers");

/* Sets the packet's checksum and segment state from h; a header that does not fit the frame (len)
 * leaves none. */
static inline void vnet_to_packet(const struct virtio_net_hdr *h, struct packet *p)
{
	p->flags = 0;
	p->gso_size = 0;
	if (likely(!h->flags && !h->gso_type))
		return;
	if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		if ((uint32_t)h->csum_start + h->csum_offset + 2 > p->len || h->csum_offset > 255)
			return;
		p->flags = PACKET_F_CSUM_PARTIAL;
		p->csum_start = h->csum_start;
		p->csum_ofs = (uint8_t)h->csum_offset;
	} else if (h->flags & VIRTIO_NET_HDR_F_DATA_VALID) {
		p->flags = PACKET_F_CSUM_OK;
	}
	if (h->gso_type != VIRTIO_NET_HDR_GSO_NONE) {
		p->gso_type = h->gso_type;
		p->gso_size = h->gso_size;
	}
}

/* The header for sending p.  A frame that was cut shorter than its checksum field has none. */
static inline void vnet_from_packet(const struct packet *p, struct virtio_net_hdr *h)
{
	memset(h, 0, sizeof(*h));
	if (p->flags & PACKET_F_CSUM_PARTIAL &&
	    (uint32_t)p->csum_start + p->csum_ofs + 2 <= p->len) {
		h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		h->csum_start = p->csum_start;
		h->csum_offset = p->csum_ofs;
		h->hdr_len = (uint16_t)MIN(p->len, (uint32_t)p->csum_start + 60);
	}
	if (p->gso_size && p->len > p->gso_size) {
		h->gso_type = p->gso_type;
		h->gso_size = p->gso_size;
	}
}

/* Computes the checksum that is still to be done, for those who take only whole frames. */
void vnet_finish_csum(struct packet *p);
