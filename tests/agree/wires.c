/* SPDX-License-Identifier: Apache-2.0 */
/* Fake ports, and what all wires share. */
#include "tests/agree/wires.h"

#include <stdio.h>
#include <string.h>

#include "core/packet/csum.h"
#include "core/packet/parse.h"
#include "core/packet/wire.h"
#include "core/port/fake.h"

void wires_finish(uint8_t *frame, size_t len, size_t start, size_t ofs)
{
	be16 sum;

	if (start + ofs + 2 > len)
		return;
	sum = csum(frame + start, len - start);
	st16(frame + start + ofs, sum ? sum : (be16)0xffff); /* 0 would say: none (RFC 768) */
}

/* Where the checksum of a TCP or UDP packet is. */
static void begin(struct packet *p)
{
	struct flow_key key;

	memset(&key, 0, sizeof(key));
	(void)packet_parse(p, &key, NULL); /* the generator's are well-formed */
	if (p->l4_ofs == PACKET_NO_OFS)
		return;
	p->flags |= PACKET_F_CSUM_PARTIAL;
	p->csum_start = p->l4_ofs;
	p->csum_ofs = key.nw_proto == IPP_TCP ? 16 : 6;
}

struct packet *wires_packet(const struct agree_packet *p)
{
	struct packet *out = packet_new(p->data, p->len, 64);

	if (p->partial)
		begin(out);
	return out;
}

size_t wires_take(const struct packet *p, uint8_t *frame)
{
	size_t len = MIN(p->len, (size_t)WIRES_ROOM);

	memcpy(frame, p->data, len);
	if (p->flags & PACKET_F_CSUM_PARTIAL)
		wires_finish(frame, len, p->csum_start, p->csum_ofs);
	return len;
}

static void fake_open(struct wires *w)
{
	for (unsigned i = 0; i < AGREE_PORTS; i++)
		(void)snprintf(w->near[i], sizeof(w->near[i]), "agree%u", w->base + i);
}

static void fake_join(struct wires *w, unsigned i, struct port *p)
{
	w->port[i] = port_ref(p);
}

static void fake_close(struct wires *w)
{
	for (unsigned i = 0; i < AGREE_PORTS; i++)
		port_unref(w->port[i]);
}

static bool fake_send(struct wires *w, const struct agree_packet *p)
{
	struct packet *in = wires_packet(p);
	int rc = fake_inject(w->port[p->port - 1], 0, in);

	packet_free(in);
	return !rc;
}

static size_t fake_receive(struct wires *w, unsigned i, uint8_t *frame)
{
	struct packet *p;
	size_t len;

	if (!fake_collect(w->port[i], &p, 1))
		return 0;
	len = wires_take(p, frame);
	packet_free(p);
	return len;
}

const struct wires_ops wires_fake = {
	.type = "fake",
	.open = fake_open,
	.join = fake_join,
	.close = fake_close,
	.send = fake_send,
	.receive = fake_receive,
};
