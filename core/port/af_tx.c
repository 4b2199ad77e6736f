/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/port/af_ring.h"
#include "core/port/count.h"

#define RING_SLOTS 512u
#define BLOCK_BYTES (64u << 10)
#define SNDBUF_BYTES (16 << 20) /* the ring bounds what is under way, not this */
#define DATA_OFS                                                                                   \
	TPACKET_ALIGN(sizeof(struct tpacket2_hdr)) /* where the kernel looks for a frame           \
						    */
#define FLUSH_TRIES 3
#define LINEAR_BYTES                                                                               \
	3072u /* of a frame, at most; what fits one page with the kernel's own data                \
	       */

static struct tpacket2_hdr *slot(const struct af_tx *t, uint32_t i)
{
	return (struct tpacket2_hdr *)(void *)(t->map +
					       (size_t)(i & (t->n_slots - 1)) * t->slot_bytes);
}

/* ---- set-up ---- */

static int set_int(int fd, int option, int value)
{
	return setsockopt(fd, SOL_PACKET, option, &value, sizeof(value)) ? -errno : 0;
}

static int set_ring(struct af_tx *t)
{
	struct tpacket_req req = {
		.tp_block_size = MAX(BLOCK_BYTES, t->slot_bytes),
		.tp_frame_size = t->slot_bytes,
		.tp_frame_nr = t->n_slots,
	};

	req.tp_block_nr = t->n_slots / (req.tp_block_size / t->slot_bytes);
	if (setsockopt(t->fd, SOL_PACKET, PACKET_TX_RING, &req, sizeof(req)))
		return -errno;
	t->map_len = (size_t)req.tp_block_size * req.tp_block_nr;
	t->map = mmap(NULL, t->map_len, PROT_READ | PROT_WRITE, MAP_SHARED, t->fd, 0);
	if (t->map == MAP_FAILED) {
		t->map = NULL;
		return -errno;
	}
	return 0;
}

/* A socket that sends to the device and receives nothing (protocol 0). */
static int open_socket(int ifindex, int *fd)
{
	struct sockaddr_ll sll = { .sll_family = AF_PACKET, .sll_ifindex = ifindex };
	int bytes = SNDBUF_BYTES;

	*fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		return -errno;
	(void)setsockopt(*fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)); /* a wish */
	if (bind(*fd, (const struct sockaddr *)&sll, sizeof(sll)))
		return -errno;
	return set_int(*fd, PACKET_VNET_HDR, 1);
}

int af_tx_open(struct af_tx *t, int ifindex, uint32_t frame_bytes)
{
	int rc;

	memset(t, 0, sizeof(*t));
	lock_init(&t->lock);
	t->fd = t->big_fd = -1;
	t->n_slots = RING_SLOTS;
	t->slot_bytes = 2048;
	while (t->slot_bytes < frame_bytes + DATA_OFS + VNET_HLEN)
		t->slot_bytes *= 2;
	rc = open_socket(ifindex, &t->big_fd);
	if (!rc)
		rc = open_socket(ifindex, &t->fd);
	if (!rc)
		rc = set_int(t->fd, PACKET_VERSION, TPACKET_V2);
	if (!rc)
		rc = set_int(t->fd, PACKET_QDISC_BYPASS, 1);
	if (!rc)
		rc = set_int(t->fd, PACKET_LOSS, 1); /* skip what it refuses, do not stop there */
	if (!rc)
		rc = set_ring(t);
	if (rc)
		af_tx_close(t);
	return rc;
}

void af_tx_close(struct af_tx *t)
{
	if (t->map)
		munmap(t->map, t->map_len);
	if (t->fd >= 0)
		close(t->fd);
	if (t->big_fd >= 0)
		close(t->big_fd);
	lock_done(&t->lock);
	t->map = NULL;
	t->fd = t->big_fd = -1;
}

/* ---- sending ---- */

/* What is filled and was not taken is ours again; the kernel stands at the first of these slots. */
static uint64_t take_back(struct af_tx *t) REQUIRES(t->lock)
{
	uint64_t n = 0;

	while (n < t->n_slots) {
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
		if (sendto(t->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0) {
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
	uint8_t *d = (uint8_t *)h + DATA_OFS;
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
	uint32_t room = t->slot_bytes - DATA_OFS - VNET_HLEN;
	unsigned i = 0;

	lock_take(&t->lock);
	while (i < n && pkts[i]->len <= room && !pkts[i]->gso_size && fill(t, pkts[i]))
		i++;
	lock_give(&t->lock);
	return i;
}

void af_tx_put(struct af_tx *t, struct packet *const pkts[], unsigned n)
{
	uint32_t room = t->slot_bytes - DATA_OFS - VNET_HLEN;
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
