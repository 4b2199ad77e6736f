/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/xalloc.h"
#include "core/port/af_ring.h"
#include "core/port/count.h"

#define RCVBUF_BYTES (8 << 20) /* long frames that wait for recvmsg() */
#define BIG_BYTES ROUND_UP(PACKET_HEADROOM + PACKET_MAX_LEN + ETH_HLEN, 4096u)
#define VLAN_HLEN 4u

static struct tpacket2_hdr *slot(const struct af_rx *r, uint32_t i)
{
	return (struct tpacket2_hdr *)(void *)(r->ring.map + (size_t)i * r->ring.slot_bytes);
}

/* ---- set-up ---- */

static int promisc(int fd, int ifindex)
{
	struct packet_mreq mr = { .mr_ifindex = ifindex, .mr_type = PACKET_MR_PROMISC };

	return setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &mr, sizeof(mr)) ? -errno : 0;
}

int af_rx_open(struct af_rx *r, int ifindex, struct af_making *ring)
{
	int bytes = RCVBUF_BYTES, rc;

	memset(r, 0, sizeof(*r));
	rc = af_ring_finish(ring, &r->ring);
	if (rc)
		return rc;
	/* Without the privilege the default must do: long frames may be lost under load. */
	(void)setsockopt(r->ring.fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	rc = promisc(r->ring.fd, ifindex);
	if (rc)
		af_rx_close(r);
	return rc;
}

int af_rx_start(struct af_rx *r, int ifindex)
{
	struct sockaddr_ll sll = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = ifindex,
	};

	return bind(r->ring.fd, (const struct sockaddr *)&sll, sizeof(sll)) ? -errno : 0;
}

void af_rx_close(struct af_rx *r)
{
	af_ring_close(&r->ring);
	free(r->big);
	r->big = NULL;
}

/* ---- receiving ---- */

static void put_vlan_back(struct packet *p, const struct tpacket2_hdr *h)
{
	be16 tag[2] = { htons(h->tp_status & TP_STATUS_VLAN_TPID_VALID ? h->tp_vlan_tpid
								       : ETH_P_8021Q),
			htons(h->tp_vlan_tci) };
	uint8_t *d;

	if (p->len < 2 * ETH_ALEN)
		return;
	d = packet_push(p, VLAN_HLEN);
	if (!d)
		return;
	memmove(d, d + VLAN_HLEN, 2 * ETH_ALEN);
	memcpy(d + 2 * ETH_ALEN, tag, sizeof(tag));
}

/* The whole of a frame that the slot was too short for; false when it cannot be had. */
static bool take_big(struct af_rx *r, const struct tpacket2_hdr *h, struct packet *p)
{
	struct virtio_net_hdr vh;
	struct iovec iov[2];
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	uint8_t *buf;
	ssize_t n;

	if (!(h->tp_status & TP_STATUS_COPY))
		return false;
	if (!r->big)
		r->big = xmalloc(AF_BIG_MAX * (size_t)BIG_BYTES);
	buf = r->big + r->n_big * (size_t)BIG_BYTES + PACKET_HEADROOM;
	iov[0] = (struct iovec){ &vh, sizeof(vh) };
	iov[1] = (struct iovec){ buf, BIG_BYTES - PACKET_HEADROOM };
	n = recvmsg(r->ring.fd, &m, MSG_DONTWAIT);
	if (n <= (ssize_t)sizeof(vh) || m.msg_flags & MSG_TRUNC)
		return false;
	r->n_big++;
	p->data = buf;
	p->len = (uint32_t)n - VNET_HLEN;
	vnet_to_packet(&vh, p);
	return true;
}

static inline bool take(struct af_rx *r, struct tpacket2_hdr *h, struct packet *p)
{
	struct virtio_net_hdr vh;

	p->headroom = PACKET_HEADROOM;
	p->tailroom = 0;
	p->l3_ofs = p->l4_ofs = PACKET_NO_OFS;
	p->rx_ns = 0;
	p->buffer = NULL;
	p->tnl = NULL;
	if (unlikely(h->tp_snaplen < h->tp_len)) {
		if (!take_big(r, h, p)) {
			count_add(&r->truncated, 1);
			return false;
		}
	} else {
		p->data = (uint8_t *)h + h->tp_mac;
		p->len = h->tp_snaplen;
		memcpy(&vh, p->data - VNET_HLEN, sizeof(vh));
		vnet_to_packet(&vh, p);
	}
	if (unlikely(h->tp_status & TP_STATUS_VLAN_VALID))
		put_vlan_back(p, h);
	return true;
}

static inline bool is_ours(const struct tpacket2_hdr *h)
{
	return __atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER;
}

unsigned af_rx_burst(struct af_rx *r, struct packet *pkts[], struct dp_port in_port)
{
	unsigned n = 0;

	r->n_big = r->n_taken = 0;
	while (n < PACKET_BATCH && r->n_taken < PACKET_BATCH && r->n_big < AF_BIG_MAX) {
		struct tpacket2_hdr *h = slot(r, r->next);
		struct packet *p = &r->pkts[n];

		if (!is_ours(h))
			break;
		__builtin_prefetch(slot(r, (r->next + 4) & (r->ring.n_slots - 1)));
		r->next = (r->next + 1) & (r->ring.n_slots - 1);
		r->n_taken++;
		p->in_port = in_port;
		if (likely(take(r, h, p)))
			pkts[n++] = p;
	}
	if (!n && r->n_taken)
		af_rx_done(r);
	return n;
}

void af_rx_done(struct af_rx *r)
{
	uint32_t i = r->next - r->n_taken;

	for (; r->n_taken; r->n_taken--, i++)
		__atomic_store_n(&slot(r, i & (r->ring.n_slots - 1))->tp_status, TP_STATUS_KERNEL,
				 __ATOMIC_RELEASE);
}
