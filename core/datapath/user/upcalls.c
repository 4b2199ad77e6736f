/* SPDX-License-Identifier: Apache-2.0 */
/* Queues from packet threads to upcall handlers.
 *
 * Each pair of producer (a worker, or everybody else under a lock) and handler has a ring of bytes,
 * one side writing its head, the other its tail: a producer never waits for anybody.  A record
 * holds the key's non-zero words and the frame, so a ring of fixed size bounds bytes and packets at
 * once.
 *
 * Fairness: a port may hold at most twice the bytes that are still free (dynamic threshold, as
 * shared-buffer switches do it).  A port alone gets two thirds of the ring; a hog leaves room for
 * the others; nothing is set aside for ports that are silent. */
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/base/xalloc.h"
#include "core/datapath/user/user.h"

#define RING_BYTES (1u << 20) /* a power of two; more than the largest record */
#define PORT_BUCKETS 256u     /* in_port modulo this; sharing one costs fairness only */
#define SHARE 2u              /* times the free bytes */
#define TAILROOM 64u          /* behind the packets that recv gives */
/* How long a handler that had work looks for more before it sleeps: waking it costs the worker a
 * system call, and both of them some of this time. */
#define LINGER_NS (50 * NSEC_PER_USEC)

struct up_rec {
	uint32_t size; /* of the record with all that follows, a multiple of 8 */
	uint8_t kind;  /* enum upcall_kind, or REC_SKIP: nothing until the ring's end */
	uint8_t flags, csum_ofs, gso_type;
	uint16_t gso_size, csum_start, l3_ofs, l4_ofs;
	uint32_t len;       /* bytes of the frame that follow */
	uint32_t whole_len; /* bytes that it had */
	uint32_t in_port;
	uint64_t rx_ns;
	uint64_t map;
	uint64_t cookie[4];
	uint64_t words[]; /* popcount(map), then the frame */
};
#define REC_SKIP UINT8_MAX

struct upq {
	_Atomic uint64_t head CACHE_ALIGNED; /* producer's: bytes ever put */
	_Atomic uint64_t tail CACHE_ALIGNED; /* handler's: bytes ever taken */
	_Atomic uint32_t held[PORT_BUCKETS]; /* bytes of each port's records */
	uint8_t *ring;                       /* owned */
	struct lock lock;                    /* producer 0 only: serialises everybody else */
};

static struct upq *upq_new(void)
{
	struct upq *q = xzalloc_cacheline(sizeof(*q));

	q->ring = xmalloc(RING_BYTES);
	lock_init(&q->lock);
	return q;
}

static void upq_free(struct upq *q)
{
	lock_done(&q->lock);
	free(q->ring);
	free(q);
}

static struct up_rec *rec_at(const struct upq *q, uint64_t pos)
{
	return (struct up_rec *)(void *)(q->ring + pos % RING_BYTES);
}

/* Room for `size` bytes in one piece: skips the ring's end when it is too short.  NULL when full.
 */
static struct up_rec *reserve(struct upq *q, uint32_t size, uint32_t free_bytes, uint64_t *head)
{
	uint32_t to_end = RING_BYTES - (uint32_t)(*head % RING_BYTES);

	if (size > to_end) {
		struct up_rec *skip = rec_at(q, *head);

		if (free_bytes < to_end + size)
			return NULL;
		skip->size = to_end;
		skip->kind = REC_SKIP;
		*head += to_end;
	} else if (free_bytes < size) {
		return NULL;
	}
	return rec_at(q, *head);
}

static void fill(struct up_rec *rec, const struct upcall_req *r, uint64_t map, uint32_t len)
{
	const uint64_t *w = flow_words_const(r->key);
	const struct packet *p = r->packet;
	unsigned i, n = 0;

	rec->kind = (uint8_t)r->kind;
	rec->flags = p->flags;
	rec->csum_ofs = p->csum_ofs;
	rec->gso_type = p->gso_type;
	rec->gso_size = p->gso_size;
	rec->csum_start = p->csum_start;
	rec->l3_ofs = p->l3_ofs;
	rec->l4_ofs = p->l4_ofs;
	rec->len = len;
	rec->whole_len = p->len;
	rec->in_port = p->in_port.v;
	rec->rx_ns = p->rx_ns;
	rec->map = map;
	if (r->cookie)
		memcpy(rec->cookie, r->cookie, sizeof(rec->cookie));
	else
		memset(rec->cookie, 0, sizeof(rec->cookie));
	FLOW_MAP_FOR_EACH (i, map)
		rec->words[n++] = w[i];
	memcpy(&rec->words[n], p->data, len);
}

static bool upq_put(struct upq *q, const struct upcall_req *r, enum dp_drop *why)
{
	uint64_t map = flow_map_of(r->key),
		 head = atomic_load_explicit(&q->head, memory_order_relaxed);
	uint64_t tail = atomic_load_explicit(&q->tail, memory_order_acquire);
	uint32_t free_bytes = RING_BYTES - (uint32_t)(head - tail);
	uint32_t len = MIN(r->packet->len, r->max_len);
	uint32_t size = (uint32_t)(sizeof(struct up_rec) + 8 * (unsigned)__builtin_popcountll(map) +
				   ROUND_UP(len, 8));
	_Atomic uint32_t *held = &q->held[r->packet->in_port.v % PORT_BUCKETS];
	struct up_rec *rec;

	if (atomic_load_explicit(held, memory_order_relaxed) + size > SHARE * free_bytes) {
		*why = DP_DROP_UPCALL_RATE;
		if (free_bytes < size)
			*why = DP_DROP_UPCALL_FULL;
		return false;
	}
	rec = reserve(q, size, free_bytes, &head);
	if (!rec) {
		*why = DP_DROP_UPCALL_FULL;
		return false;
	}
	rec->size = size;
	fill(rec, r, map, len);
	atomic_fetch_add_explicit(held, size, memory_order_relaxed);
	atomic_store_explicit(&q->head, head + size, memory_order_release);
	return true;
}

bool dpu_upcall(struct dpu_handlers *hs, unsigned producer, const struct upcall_req *r,
		uint32_t hash, enum dp_drop *why, unsigned *handler)
{
	struct upq *q;
	bool ok;

	*why = DP_DROP_UPCALL_FULL;
	if (!hs || !hs->n)
		return false;
	*handler = (unsigned)((uint64_t)hash * hs->n >> 32);
	q = hs->h[*handler]->rings[producer];
	if (producer)
		return upq_put(q, r, why);
	lock_take(&q->lock);
	ok = upq_put(q, r, why);
	lock_give(&q->lock);
	return ok;
}

void dpu_upcall_kick(struct dpu_handlers *hs, unsigned handler)
{
	struct dpu_handler *h;
	uint64_t one = 1;

	if (!hs || handler >= hs->n)
		return;
	h = hs->h[handler];
	/* Pairs with the fence in dpu_upcall_recv(): either we see it asleep or it sees the ring.
	 */
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&h->sleeping, memory_order_relaxed) &&
	    atomic_exchange(&h->sleeping, false))
		(void)!write(h->fd, &one, sizeof(one)); /* full: readable anyhow */
}

static void take(struct upq *q, const struct up_rec *rec, struct dp_upcall *out)
{
	unsigned i, n = 0;
	struct packet *p;

	memset(out, 0, sizeof(*out));
	out->kind = rec->kind;
	FLOW_MAP_FOR_EACH (i, rec->map)
		flow_words(&out->key)[i] = rec->words[n++];
	memcpy(out->cookie, rec->cookie, sizeof(out->cookie));
	out->len = rec->whole_len;
	p = packet_new(&rec->words[n], rec->len, TAILROOM);
	p->flags = rec->flags;
	p->csum_ofs = rec->csum_ofs;
	p->gso_type = rec->gso_type;
	p->gso_size = rec->gso_size;
	p->csum_start = rec->csum_start;
	p->l3_ofs = rec->l3_ofs;
	p->l4_ofs = rec->l4_ofs;
	p->in_port.v = rec->in_port;
	p->rx_ns = rec->rx_ns;
	out->packet = p;
	atomic_fetch_sub_explicit(&q->held[rec->in_port % PORT_BUCKETS], rec->size,
				  memory_order_relaxed);
}

static unsigned upq_get(struct upq *q, struct dp_upcall *out, unsigned max)
{
	uint64_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);
	unsigned n = 0;

	while (n < max && tail != atomic_load_explicit(&q->head, memory_order_acquire)) {
		const struct up_rec *rec = rec_at(q, tail);

		if (rec->kind != REC_SKIP)
			take(q, rec, &out[n++]);
		tail += rec->size;
		atomic_store_explicit(&q->tail, tail, memory_order_release);
	}
	return n;
}

/* Each ring gets its share of a full answer, so that a busy worker does not starve another. */
static unsigned recv_rings(struct dpu_handler *h, struct dp_upcall *out, unsigned max)
{
	unsigned n = 0, share = MAX(max / h->n_rings, 1u);
	bool more = true;

	while (more && n < max) {
		more = false;
		for (unsigned i = 0; i < h->n_rings && n < max; i++) {
			struct upq *q = h->rings[(h->next + i) % h->n_rings];
			unsigned got = upq_get(q, out + n, MIN(share, max - n));

			n += got;
			more |= got != 0;
		}
		h->next++;
	}
	return n;
}

static unsigned linger(struct dpu_handler *h, struct dp_upcall *out, unsigned max)
{
	uint64_t until = clock_mono_ns() + LINGER_NS;
	unsigned n;

	do {
		(void)sched_yield(); /* the worker may wait for this very CPU */
		n = recv_rings(h, out, max);
	} while (!n && clock_mono_ns() < until);
	return n;
}

unsigned dpu_upcall_recv(struct dpu_handler *h, struct dp_upcall *out, unsigned max)
{
	unsigned n = recv_rings(h, out, max);
	uint64_t x;

	if (!n && max && h->busy)
		n = linger(h, out, max);
	h->busy = n != 0;
	if (n || !max)
		return n;
	(void)!read(h->fd, &x, sizeof(x));
	atomic_store(&h->sleeping, true);
	atomic_thread_fence(memory_order_seq_cst);
	n = recv_rings(h, out, max);
	if (n && atomic_exchange(&h->sleeping, false)) {
		x = 1; /* there may be more: stay readable */
		(void)!write(h->fd, &x, sizeof(x));
	}
	return n;
}

/* ---- making and retiring sets of handlers ---- */

static struct dpu_handler *handler_new(struct dpu_handler *old, unsigned n_rings, int *rc)
{
	struct dpu_handler *h;

	if (old) /* a ring may still hold upcalls of a worker that is no more */
		n_rings = MAX(n_rings, old->n_rings);
	h = xzalloc(sizeof(*h) + n_rings * sizeof(struct upq *));
	h->fd = old ? old->fd : eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (h->fd < 0) {
		*rc = -errno;
		free(h);
		return NULL;
	}
	h->n_rings = n_rings;
	for (unsigned i = 0; i < n_rings; i++)
		h->rings[i] = old && i < old->n_rings ? old->rings[i] : upq_new();
	/* Its thread may sleep on the eventfd now: the first upcall is to write it. */
	h->sleeping = true;
	return h;
}

struct dpu_handlers *dpu_handlers_new(struct dpu_handlers *old, unsigned n, unsigned n_workers,
				      int *rc)
{
	struct dpu_handlers *hs = xzalloc(sizeof(*hs));

	for (; hs->n < n; hs->n++) {
		struct dpu_handler *was = old && hs->n < old->n ? old->h[hs->n] : NULL;

		hs->h[hs->n] = handler_new(was, n_workers + 1, rc);
		if (!hs->h[hs->n]) {
			dpu_handlers_retire(hs, old);
			return NULL;
		}
	}
	return hs;
}

static uint64_t drain(struct upq *q)
{
	struct dp_upcall up;
	uint64_t n = 0;

	for (; upq_get(q, &up, 1); n++)
		packet_free(up.packet);
	return n;
}

static bool has_ring(const struct dpu_handler *h, const struct upq *q)
{
	for (unsigned i = 0; h && i < h->n_rings; i++) {
		if (h->rings[i] == q)
			return true;
	}
	return false;
}

uint64_t dpu_handlers_retire(struct dpu_handlers *old, const struct dpu_handlers *next)
{
	uint64_t lost = 0;

	for (unsigned i = 0; old && i < old->n; i++) {
		struct dpu_handler *h = old->h[i];
		const struct dpu_handler *heir = next && i < next->n ? next->h[i] : NULL;

		for (unsigned j = 0; j < h->n_rings; j++) {
			if (has_ring(heir, h->rings[j]))
				continue;
			lost += drain(h->rings[j]);
			upq_free(h->rings[j]);
		}
		if (!heir || heir->fd != h->fd)
			close(h->fd);
		free(h);
	}
	free(old);
	return lost;
}
