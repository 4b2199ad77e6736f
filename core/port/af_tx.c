/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>

#include "core/port/af_ring.h"
#include "core/port/count.h"

#define SNDBUF_BYTES (16 << 20) /* the ring bounds what is under way, not this */
#define FLUSH_TRIES 3
#define LINEAR_BYTES                                                                               \
	3072u /* of a frame, at most; what fits one page with the kernel's own data                \
	       */

static struct tpacket2_hdr *slot(const struct af_tx *t, uint32_t i)
{
	return (struct tpacket2_hdr *)(void *)(t->ring.map + (size_t)(i & (t->ring.n_slots - 1)) *
								     t->ring.slot_bytes);
}

/* ---- set-up ---- */

/* Sends to the device and receives nothing (protocol 0). */
static int bind_to(int fd, int ifindex)
{
	struct sockaddr_ll sll = { .sll_family = AF_PACKET, .sll_ifindex = ifindex };
	int bytes = SNDBUF_BYTES;

	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)); /* a wish */
	return bind(fd, (const struct sockaddr *)&sll, sizeof(sll)) ? -errno : 0;
}

static int open_big(int ifindex, int *ret)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;

	*ret = fd;
	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)))
		return -errno;
	return bind_to(fd, ifindex);
}

int af_tx_open(struct af_tx *t, int ifindex, struct af_making *ring)
{
	int rc;

	memset(t, 0, sizeof(*t));
	lock_init(&t->lock);
	t->big_fd = -1;
	rc = af_ring_finish(ring, &t->ring);
	if (!rc)
		rc = bind_to(t->ring.fd, ifindex);
	if (!rc)
		rc = open_big(ifindex, &t->big_fd);
	if (rc)
		af_tx_close(t);
	return rc;
}

void af_tx_close(struct af_tx *t)
{
	struct af_ring big = { .fd = t->big_fd };

	af_ring_close(&t->ring);
	af_ring_close(&big);
	t->big_fd = -1;
	lock_done(&t->lock);
}

/* ---- sending ---- */

/* What is filled and was not taken is ours again; the kernel stands at the first of these slots. */
static uint64_t take_back(struct af_tx *t) REQUIRES(t->lock)
{
	uint64_t n = 0;

	while (n < t->ring.n_slots) {
		struct tpacket2_hdr *h = slot(t, t->next - 1);

		if (__atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE) != TP_STATUS_SEND_REQUEST)
			break;
		__atomic_store_n(&h->tp_status, TP_STATUS_AVAILABLE, __ATOMIC_RELEASE);
		t->next--;
		n++;
	}
	t->pending = 0;
	return n;
}

static void give_up(struct af_tx *t, int e) EXCLUDES(t->lock)
{
	bool down = e == ENETDOWN || e == ENXIO || e == ENODEV;
	uint64_t n;

	lock_take(&t->lock);
	n = take_back(t);
	count_add(down ? &t->down : &t->full, n);
	lock_give(&t->lock);
}

/* One sendto() takes all of them; it stops early at a frame that the device refuses, which stays
 * the first to be sent. */
static void push_out(struct af_tx *t, const struct tpacket2_hdr *last) EXCLUDES(t->lock)
{
	int e = 0;

	for (unsigned i = 0; i < FLUSH_TRIES; i++) {
		if (sendto(t->ring.fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0) {
			e = errno;
			if (e == ENOBUFS)
				__atomic_fetch_add(&t->refused, 1, __ATOMIC_RELAXED);
			if (e != ENOBUFS && e != EAGAIN && e != EINTR)
				break;
		}
		if (__atomic_load_n(&last->tp_status, __ATOMIC_ACQUIRE) != TP_STATUS_SEND_REQUEST)
			return;
	}
	give_up(t, e);
}

void af_tx_flush(struct af_tx *t)
{
	const struct tpacket2_hdr *last;
	bool any;

	lock_take(&t->lock);
	any = t->pending != 0;
	last = slot(t, t->next - 1);
	t->pending = 0;
	lock_give(&t->lock);
	if (any)
		push_out(t, last);
}

static void send_big(struct af_tx *t, const struct packet *p)
{
	struct virtio_net_hdr vh;
	struct iovec iov[2] = { { &vh, sizeof(vh) }, { p->data, p->len } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };

	vnet_from_packet(p, &vh);
	if (sendmsg(t->big_fd, &m, MSG_DONTWAIT) >= 0)
		return;
	lock_take(&t->lock);
	count_add(errno == ENETDOWN || errno == ENXIO ? &t->down : &t->full, 1);
	lock_give(&t->lock);
}

static inline bool fill(struct af_tx *t, const struct packet *p) REQUIRES(t->lock)
{
	struct tpacket2_hdr *h = slot(t, t->next);
	uint8_t *d = (uint8_t *)h + AF_TX_OFS;
	struct virtio_net_hdr vh;
	uint16_t need;

	if (unlikely(__atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE) != TP_STATUS_AVAILABLE))
		return false;
	vnet_from_packet(p, &vh);
	need = vh.hdr_len;
	vh.hdr_len = (uint16_t)MIN(p->len, LINEAR_BYTES); /* see the header */
	vh.hdr_len = MAX(vh.hdr_len, need);
	memcpy(d, &vh, VNET_HLEN);
	memcpy(d + VNET_HLEN, p->data, p->len);
	h->tp_len = p->len + VNET_HLEN;
	__atomic_store_n(&h->tp_status, TP_STATUS_SEND_REQUEST, __ATOMIC_RELEASE);
	t->next++;
	t->pending++;
	return true;
}

/* Fills slots until a frame needs something else; returns how many frames it took. */
static unsigned fill_some(struct af_tx *t, struct packet *const pkts[], unsigned n)
{
	uint32_t room = t->ring.slot_bytes - AF_TX_OFS - VNET_HLEN;
	unsigned i = 0;

	lock_take(&t->lock);
	while (i < n && pkts[i]->len <= room && !pkts[i]->gso_size && fill(t, pkts[i]))
		i++;
	lock_give(&t->lock);
	return i;
}

void af_tx_put(struct af_tx *t, struct packet *const pkts[], unsigned n)
{
	uint32_t room = t->ring.slot_bytes - AF_TX_OFS - VNET_HLEN;
	bool flushed = false;

	for (unsigned i = 0; i < n;) {
		unsigned took = fill_some(t, pkts + i, n - i);

		i += took;
		if (i == n)
			return;
		if (took)
			flushed = false;
		if (!flushed) { /* makes room, and keeps the order for a long frame */
			af_tx_flush(t);
			flushed = true;
			if (pkts[i]->len <= room && !pkts[i]->gso_size)
				continue;
		}
		if (pkts[i]->len > room || pkts[i]->gso_size) {
			send_big(t, pkts[i]);
		} else {
			lock_take(&t->lock);
			count_add(&t->full, 1);
			lock_give(&t->lock);
		}
		i++;
	}
}
