/* SPDX-License-Identifier: Apache-2.0 */
#include "core/port/af_make.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/list.h"
#include "core/base/lock.h"
#include "core/base/xalloc.h"
#include "core/packet/packet.h"
#include "core/port/vnet.h"

#define SLOT_BYTES 2048u        /* or more for longer frames, by powers of two */
#define BLOCK_BYTES (64u << 10) /* contiguous memory that the kernel allocates at a time */
#define MAX_THREADS 32u
#define MAX_EXPECTED 1024u
#define N_OPTIONS 5

/* Options that have to be set before the ring is (packet(7)). */
static const struct direction {
	int ring;
	uint32_t n_slots, overhead; /* bytes of a slot that are not the frame's */
	struct {
		int name, value;
	} options[N_OPTIONS]; /* name 0: no more */
} directions[AF_N_DIRS] = {
	[AF_RX] = { PACKET_RX_RING,
		    1024,
		    TPACKET2_HDRLEN + PACKET_HEADROOM + 64,
		    { { PACKET_VERSION, TPACKET_V2 },
		      { PACKET_VNET_HDR, 1 },
		      { PACKET_RESERVE, PACKET_HEADROOM },
		      { PACKET_IGNORE_OUTGOING, 1 },
		      { PACKET_COPY_THRESH, 1 } } },
	[AF_TX] = { PACKET_TX_RING,
		    512,
		    AF_TX_OFS + VNET_HLEN,
		    { { PACKET_VERSION, TPACKET_V2 },
		      { PACKET_VNET_HDR, 1 },
		      { PACKET_QDISC_BYPASS, 1 },
		      { PACKET_LOSS, 1 } } }, /* skip what the device refuses, do not stop there */
};

struct af_making {
	struct cds_list_head node;  /* in `todo` */
	struct cds_list_head spare; /* in `spares` */
	enum af_dir dir;
	struct af_ring ring;
	bool closing; /* the other way round: nobody waits */
	bool done;
	int rc;
};

static struct lock lock = LOCK_INIT;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static CDS_LIST_HEAD(todo);   /* guarded by the lock, as is the rest */
static CDS_LIST_HEAD(spares); /* made ahead: done or not */
static unsigned n_threads GUARDED_BY_STATIC(lock);

/* ---- one socket ---- */

static uint32_t slot_bytes_for(enum af_dir dir, uint32_t frame_bytes)
{
	uint32_t n = SLOT_BYTES;

	while (n < frame_bytes + directions[dir].overhead)
		n *= 2;
	return n;
}

static int set_options(int fd, const struct direction *d)
{
	for (unsigned i = 0; i < N_OPTIONS && d->options[i].name; i++) {
		if (setsockopt(fd, SOL_PACKET, d->options[i].name, &d->options[i].value,
			       sizeof(int)))
			return -errno;
	}
	return 0;
}

static int set_ring(struct af_ring *r, const struct direction *d)
{
	struct tpacket_req req = {
		.tp_block_size = MAX(BLOCK_BYTES, r->slot_bytes),
		.tp_frame_size = r->slot_bytes,
		.tp_frame_nr = d->n_slots,
	};
	void *map;

	req.tp_block_nr = d->n_slots / (req.tp_block_size / r->slot_bytes);
	if (setsockopt(r->fd, SOL_PACKET, d->ring, &req, sizeof(req)))
		return -errno;
	r->map_len = (size_t)req.tp_block_size * req.tp_block_nr;
	map = mmap(NULL, r->map_len, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	r->map = map;
	r->n_slots = d->n_slots;
	return 0;
}

static void close_ring(struct af_ring *r)
{
	if (r->map)
		munmap(r->map, r->map_len);
	if (r->fd >= 0)
		close(r->fd);
	*r = AF_RING_NONE;
}

static int make_ring(struct af_ring *r, enum af_dir dir)
{
	int rc = set_options(r->fd, &directions[dir]);

	if (!rc)
		rc = set_ring(r, &directions[dir]);
	if (rc)
		close_ring(r);
	return rc;
}

/* ---- threads ---- */

/* Does the first thing that there is to do, without the lock. */
static void work(void) REQUIRES(lock)
{
	struct af_making *m = cds_list_first_entry(&todo, struct af_making, node);
	bool closing = m->closing;

	cds_list_del(&m->node);
	lock_give(&lock);
	if (closing)
		close_ring(&m->ring);
	else
		m->rc = make_ring(&m->ring, m->dir);
	lock_take(&lock);
	if (closing)
		free(m);
	else if (m->closing) /* not wanted any more meanwhile */
		cds_list_add_tail(&m->node, &todo);
	else
		m->done = true;
	pthread_cond_broadcast(&changed);
}

static void work_off(void) REQUIRES(lock)
{
	while (!cds_list_empty(&todo))
		work();
}

static void *thread_main(void *arg UNUSED)
{
	(void)pthread_setname_np(pthread_self(), "ring"); /* what ps shows */
	lock_take(&lock);
	work_off();
	n_threads--;
	pthread_cond_broadcast(&changed);
	lock_give(&lock);
	return NULL;
}

/* Signals are the main loop's. */
static int start_thread(void)
{
	sigset_t all, old;
	pthread_t id;
	int rc;

	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&id, NULL, thread_main, NULL);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!rc)
		(void)pthread_detach(id);
	return -rc;
}

static void submit(struct af_making *m) REQUIRES(lock)
{
	cds_list_add_tail(&m->node, &todo);
	if (n_threads >= MAX_THREADS)
		return;
	if (!start_thread())
		n_threads++;
	else if (!n_threads) /* then the caller has to wait */
		work_off();
}

/* ---- making and closing ---- */

/* With its socket, which belongs to the caller's network namespace. */
static struct af_making *begin(enum af_dir dir, uint32_t slot_bytes) REQUIRES(lock)
{
	struct af_making *m = xzalloc(sizeof(*m));

	m->dir = dir;
	m->ring = AF_RING_NONE;
	m->ring.slot_bytes = slot_bytes;
	m->ring.fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (m->ring.fd >= 0) {
		submit(m);
	} else {
		m->rc = -errno;
		m->done = true;
	}
	return m;
}

static struct af_making *take_spare(enum af_dir dir, uint32_t slot_bytes) REQUIRES(lock)
{
	struct af_making *m;

	cds_list_for_each_entry (m, &spares, spare) {
		if (m->dir != dir || m->ring.slot_bytes != slot_bytes)
			continue;
		cds_list_del(&m->spare);
		return m;
	}
	return NULL;
}

struct af_making *af_ring_start(enum af_dir dir, uint32_t frame_bytes)
{
	uint32_t slot_bytes = slot_bytes_for(dir, frame_bytes);
	struct af_making *m;

	lock_take(&lock);
	m = take_spare(dir, slot_bytes);
	if (!m)
		m = begin(dir, slot_bytes);
	lock_give(&lock);
	return m;
}

int af_ring_finish(struct af_making *m, struct af_ring *r)
{
	int rc;

	lock_take(&lock);
	while (!m->done)
		pthread_cond_wait(&changed, &lock.m);
	lock_give(&lock);
	*r = m->ring;
	rc = m->rc;
	free(m);
	return rc;
}

void af_ring_close(struct af_ring *r)
{
	struct af_making *m;

	if (r->fd < 0)
		return;
	m = xzalloc(sizeof(*m));
	m->closing = true;
	m->ring = *r;
	*r = AF_RING_NONE;
	lock_take(&lock);
	submit(m);
	lock_give(&lock);
}

/* ---- ahead ---- */

/* Whoever works on it finds the mark when he is done. */
static void drop(struct af_making *m) REQUIRES(lock)
{
	cds_list_del(&m->spare);
	m->closing = true;
	if (m->done)
		submit(m);
}

void af_rings_expect(unsigned n)
{
	struct af_making *m, *next;
	unsigned have[AF_N_DIRS] = { 0 };

	lock_take(&lock);
	cds_list_for_each_entry_safe (m, next, &spares, spare) {
		if (n)
			have[m->dir]++;
		else
			drop(m);
	}
	for (unsigned dir = 0; dir < AF_N_DIRS; dir++) {
		for (; have[dir] < MIN(n, MAX_EXPECTED); have[dir]++)
			cds_list_add_tail(&begin(dir, SLOT_BYTES)->spare, &spares);
	}
	lock_give(&lock);
}

void af_rings_settle(void)
{
	lock_take(&lock);
	while (n_threads || !cds_list_empty(&todo))
		pthread_cond_wait(&changed, &lock.m);
	lock_give(&lock);
}
