/* SPDX-License-Identifier: Apache-2.0 */
/* Packets into tunnels: each frame gets its outer headers in front, in its headroom where there is
 * room for them, and leaves by the underlay's path.
 *
 * What local stacks leave to a device is done first: a large segment is cut (segment.h), a checksum
 * finished.  Neither can be left to the kernel: who takes the datagram from a socket gets the inner
 * bytes as they are. */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "core/packet/segment.h"
#include "core/packet/vxlan.h"
#include "core/port/vnet.h"
#include "core/port/vxlan_priv.h"

#define IP_MAX 65535u
#define MADE_SLOT_MIN 2048u

/* The frames of one path that are sent by one call. */
struct burst {
	struct vxlan_port *v;
	const struct underlay_path *path;
	struct flow_tnl tnl; /* of the path: with a source address */
	struct flow_tnl key; /* as the packets had it */
	unsigned n;
	uint64_t bytes; /* inner */
	struct packet frame[PACKET_BATCH];
	struct packet *ptr[PACKET_BATCH];
	/* where a finished checksum hides what the caller's packet has there */
	uint8_t *csum_at[PACKET_BATCH];
	be16 csum_was[PACKET_BATCH];
};

static void count(_Atomic uint64_t *c, uint64_t n)
{
	atomic_fetch_add_explicit(c, n, memory_order_relaxed);
}

static void count_drop(struct vxlan_port *v, enum port_drop why)
{
	count(&v->tx.drops[why], 1);
}

void vxlan_count_drop(struct vxlan_port *v, enum underlay_state why)
{
	static const enum port_drop reasons[] = {
		[UNDERLAY_OK] = PORT_DROP_TX_NO_TUNNEL,
		[UNDERLAY_WAITING] = PORT_DROP_TX_WAIT,
		[UNDERLAY_NO_ROUTE] = PORT_DROP_TX_NO_ROUTE,
		[UNDERLAY_NO_NEIGHBOUR] = PORT_DROP_TX_NO_NEIGHBOUR,
		[UNDERLAY_FULL] = PORT_DROP_TX_WAIT,
	};

	count_drop(v, reasons[why]);
}

/* --- bursts --- */

static void burst_send(struct burst *b)
{
	if (!b->n)
		return;
	underlay_send(b->path, b->ptr, b->n);
	for (unsigned i = 0; i < b->n; i++)
		if (b->csum_at[i])
			memcpy(b->csum_at[i], &b->csum_was[i], sizeof(be16));
	count(&b->v->tx.packets, b->n);
	count(&b->v->tx.bytes, b->bytes);
	b->n = 0;
	b->bytes = 0;
}

static struct packet *burst_next(struct burst *b)
{
	if (b->n == PACKET_BATCH)
		burst_send(b);
	b->ptr[b->n] = &b->frame[b->n];
	b->csum_at[b->n] = NULL;
	return &b->frame[b->n];
}

/* Whether a frame of so many bytes goes through the path; counts it when it does not. */
static bool fits(struct burst *b, uint32_t inner_len)
{
	uint32_t outer = inner_len + vxlan_overhead(&b->tnl) - 14;

	if (likely(outer <= b->path->mtu && outer <= IP_MAX))
		return true;
	count_drop(b->v, PORT_DROP_TX_LEN);
	return false;
}

/* Outer headers before the frame, which has room for them and is ours to write to. */
static void wrap(struct burst *b, struct packet *f, be16 sport)
{
	struct vxlan_outer o = {
		.dl_dst = b->path->dl_dst,
		.dl_src = b->path->dl_src,
		.tnl = &b->tnl,
		.sport = sport,
		.gbp = b->v->gbp,
	};

	if (!(b->tnl.flags & htons(FLOW_TNL_F_DF)))
		o.ip_id = atomic_fetch_add_explicit(&b->v->tx.ip_id, 1, memory_order_relaxed);
	b->bytes += f->len;
	f->data = vxlan_push(f->data, f->len, &o);
	f->len += vxlan_overhead(&b->tnl);
	b->n++;
}

static void finish_checksum(struct burst *b, struct packet *f)
{
	if (!(f->flags & PACKET_F_CSUM_PARTIAL) ||
	    (uint32_t)f->csum_start + f->csum_ofs + 2 > f->len)
		return;
	b->csum_at[b->n] = f->data + f->csum_start + f->csum_ofs;
	memcpy(&b->csum_was[b->n], b->csum_at[b->n], sizeof(be16));
	vnet_finish_csum(f);
}

/* --- frames that are made anew --- */

/* Room for a batch of frames of so many bytes, headers in front included. */
static uint8_t *scratch(struct vxlan_tx *tx, size_t bytes) REQUIRES(tx->scratch_lock)
{
	if (tx->scratch_bytes < bytes) { /* once for each size of device */
		free(tx->scratch);
		tx->scratch = xmalloc(bytes);
		tx->scratch_bytes = bytes;
	}
	return tx->scratch;
}

static size_t slot_bytes(uint32_t frame)
{
	size_t n = MADE_SLOT_MIN;

	while (n < frame + (size_t)VXLAN_OVERHEAD6)
		n *= 2;
	return n;
}

static void send_cut(struct burst *b, const struct packet *p, be16 sport)
{
	struct vxlan_tx *tx = &b->v->tx;
	struct segmenter s;
	size_t slot;
	uint8_t *mem;

	if (!segment_begin(&s, p)) {
		count_drop(b->v, PORT_DROP_TX_LEN);
		return;
	}
	if (!fits(b, segment_max_len(&s)))
		return;
	burst_send(b); /* so that the slots are free, and the order stays */
	slot = slot_bytes(segment_max_len(&s));
	lock_take(&tx->scratch_lock);
	mem = scratch(tx, slot * PACKET_BATCH);
	for (;;) {
		struct packet *f = burst_next(b);
		uint8_t *at = mem + b->n * slot + VXLAN_OVERHEAD6;
		uint32_t n = segment_next(&s, at);

		if (!n)
			break;
		*f = (struct packet){ .data = at, .len = n };
		wrap(b, f, sport);
	}
	burst_send(b);
	lock_give(&tx->scratch_lock);
}

/* The frame has no room in front. */
static void send_copy(struct burst *b, const struct packet *p, be16 sport)
{
	struct vxlan_tx *tx = &b->v->tx;
	struct packet *f;

	burst_send(b);
	lock_take(&tx->scratch_lock);
	f = burst_next(b);
	*f = *p;
	f->data = scratch(tx, slot_bytes(p->len)) + VXLAN_OVERHEAD6;
	memcpy(f->data, p->data, p->len);
	vnet_finish_csum(f);
	wrap(b, f, sport);
	burst_send(b);
	lock_give(&tx->scratch_lock);
}

/* --- sending --- */

static void send_one(struct burst *b, const struct packet *p)
{
	be16 sport = vxlan_sport(packet_flow_hash(p));
	struct packet *f;

	if (p->gso_size && p->len > p->gso_size) {
		send_cut(b, p, sport);
		return;
	}
	if (!fits(b, p->len))
		return;
	if (p->headroom < vxlan_overhead(&b->tnl)) {
		send_copy(b, p, sport);
		return;
	}
	f = burst_next(b);
	*f = *p;
	f->gso_size = 0;
	finish_checksum(b, f);
	f->flags = 0;
	wrap(b, f, sport);
}

/* The path for p's outer header; NULL: it waits, or is dropped and counted. */
static bool find_path(struct burst *b, const struct packet *p)
{
	struct be128 dst, src;
	enum underlay_state why;

	if (!p->tnl || (!p->tnl->dst && ip_addr_is_zero(&p->tnl->dst6))) {
		count_drop(b->v, PORT_DROP_TX_NO_TUNNEL);
		return false;
	}
	if (b->path && !memcmp(&b->key, p->tnl, sizeof(b->key)))
		return true;
	burst_send(b);
	dst = p->tnl->dst ? ip_addr4(p->tnl->dst) : p->tnl->dst6;
	src = p->tnl->src ? ip_addr4(p->tnl->src) : p->tnl->src6;
	b->path = underlay_path(b->v->underlay, &dst, &src, &why);
	if (unlikely(!b->path)) {
		if (why != UNDERLAY_WAITING)
			vxlan_count_drop(b->v, why);
		else if (!underlay_wait(b->v->underlay, &dst, &src, p))
			count_drop(b->v, PORT_DROP_TX_WAIT);
		return false;
	}
	b->key = b->tnl = *p->tnl;
	b->tnl.src = ip_addr_get4(&b->path->src);
	b->tnl.src6 = b->tnl.src ? (struct be128){ .d = { 0, 0 } } : b->path->src;
	return true;
}

void vxlan_send(struct vxlan_port *v, struct packet *const pkts[], unsigned n)
{
	struct burst b;

	b.v = v;
	b.path = NULL;
	b.n = 0;
	b.bytes = 0;
	for (unsigned i = 0; i < n; i++)
		if (find_path(&b, pkts[i]))
			send_one(&b, pkts[i]);
	burst_send(&b);
}

void vxlan_tx_init(struct vxlan_tx *tx)
{
	lock_init(&tx->scratch_lock);
}

void vxlan_tx_done(struct vxlan_tx *tx)
{
	free(tx->scratch);
	lock_done(&tx->scratch_lock);
}
