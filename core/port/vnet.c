/* SPDX-License-Identifier: Apache-2.0 */
#include "core/port/vnet.h"

#include "core/packet/csum.h"

#define UDP_CSUM_OFS 6

void vnet_finish_csum(struct packet *p)
{
	be16 sum;

	if (!(p->flags & PACKET_F_CSUM_PARTIAL))
		return;
	p->flags &= (uint8_t)~PACKET_F_CSUM_PARTIAL;
	if ((uint32_t)p->csum_start + p->csum_ofs + 2 > p->len)
		return;
	/* The field holds the pseudo-header's sum, so it is part of what is summed. */
	sum = csum(p->data + p->csum_start, p->len - p->csum_start);
	if (!sum && p->csum_ofs == UDP_CSUM_OFS)
		sum = 0xffff; /* RFC 768: zero would say that there is none */
	memcpy(p->data + p->csum_start + p->csum_ofs, &sum, sizeof(sum));
}
