/* SPDX-License-Identifier: Apache-2.0 */
#include "core/packet/packet.h"

#include <stdlib.h>

#include "core/base/xalloc.h"

/* `extra` bytes behind the struct */
static struct packet *new_with(size_t extra, const void *data, size_t len, size_t tail)
{
	struct packet *p = xzalloc(sizeof(*p) + extra);

	p->buffer = xmalloc(PACKET_HEADROOM + len + tail);
	p->data = p->buffer + PACKET_HEADROOM;
	p->len = (uint32_t)len;
	p->headroom = PACKET_HEADROOM;
	p->tailroom = (uint16_t)MIN(tail, (size_t)UINT16_MAX);
	p->l3_ofs = p->l4_ofs = PACKET_NO_OFS;
	p->in_port.v = DP_PORT_NONE;
	if (data)
		memcpy(p->data, data, len);
	else
		memset(p->data, 0, len);
	return p;
}

struct packet *packet_new(const void *data, size_t len, size_t tail)
{
	return new_with(0, data, len, tail);
}

struct packet *packet_clone(const struct packet *p)
{
	struct packet *c = new_with(p->tnl ? sizeof(*p->tnl) : 0, p->data, p->len, 0);

	if (p->tnl) {
		c->tnl = (struct flow_tnl *)(void *)(c + 1);
		*c->tnl = *p->tnl;
	}
	c->l3_ofs = p->l3_ofs;
	c->l4_ofs = p->l4_ofs;
	c->flags = p->flags;
	c->csum_start = p->csum_start;
	c->csum_ofs = p->csum_ofs;
	c->gso_size = p->gso_size;
	c->gso_type = p->gso_type;
	c->hash = p->hash;
	c->in_port = p->in_port;
	c->rx_ns = p->rx_ns;
	return c;
}

void packet_free(struct packet *p)
{
	if (!p)
		return;
	free(p->buffer);
	free(p);
}

uint8_t *packet_push(struct packet *p, unsigned n)
{
	if (p->headroom < n)
		return NULL;
	p->data -= n;
	p->len += n;
	p->headroom = (uint16_t)(p->headroom - n);
	p->csum_start = (uint16_t)(p->csum_start + n);
	return p->data;
}

void packet_pull(struct packet *p, unsigned n)
{
	p->data += n;
	p->len -= n;
	p->headroom = (uint16_t)(p->headroom + n);
	p->csum_start = (uint16_t)(p->csum_start - n);
}
