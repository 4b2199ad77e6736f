/* SPDX-License-Identifier: Apache-2.0 */
#include "core/port/fake.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/base/lock.h"
#include "core/base/xalloc.h"
#include "core/port/count.h"
#include "core/port/kinds.h"

#define MAX_RXQ 16u

/* Injectors (under the port's lock) produce, the worker that polls the queue consumes. */
struct fake_queue {
	int fd; /* eventfd */
	_Atomic bool signalled;
	_Atomic uint32_t head; /* written by injectors */
	_Atomic uint32_t tail; /* written by the worker */
	struct packet *ring[FAKE_QUEUE];
	struct packet *held[PACKET_BATCH]; /* given by the last rx */
	unsigned n_held;
	uint64_t rx_packets, rx_bytes;
	/* replay */
	struct packet *copies; /* owned: working copies that rx gives */
	uint64_t left;
	unsigned next;
};

struct fake_port {
	struct port up;
	struct cds_list_head node; /* in all_ports */
	unsigned n_queues;
	struct fake_queue *queues;
	bool discard;
	uint32_t mtu;
	struct eth_addr mac;
	_Atomic bool gone, carrier, admin;
	_Atomic uint32_t link_resets;
	struct packet **templates; /* owned, shared by the queues */
	unsigned n_templates;

	struct lock inject_lock;

	struct lock lock;
	struct packet **sent; /* ring of FAKE_SENT_MAX */
	unsigned sent_head, sent_tail;
	uint64_t tx_packets, tx_bytes;
	uint64_t drops[PORT_N_DROPS];
};

static struct lock ports_lock = LOCK_INIT;
static CDS_LIST_HEAD(all_ports);

static struct fake_port *fake(struct port *p)
{
	return container_of(p, struct fake_port, up);
}

static const struct fake_port *fake_const(const struct port *p)
{
	return (const struct fake_port *)(const void *)p; /* `up` comes first */
}

struct port *fake_find(const char *name)
{
	struct port *found = NULL;
	struct fake_port *f = NULL;

	lock_take(&ports_lock);
	cds_list_for_each_entry (f, &all_ports, node) {
		if (!strcmp(f->up.name, name))
			found = port_ref(&f->up);
	}
	lock_give(&ports_lock);
	return found;
}

static int signal_queue(struct fake_queue *q)
{
	uint64_t one = 1;

	if (!atomic_exchange(&q->signalled, true))
		(void)!write(q->fd, &one, sizeof(one)); /* full: readable anyhow */
	return 0;
}

int fake_inject(struct port *p, unsigned queue, const struct packet *pkt)
{
	struct fake_port *f = fake(p);
	struct fake_queue *q = &f->queues[queue % f->n_queues];
	int rc = -ENOBUFS;

	lock_take(&f->inject_lock);
	if (q->head - q->tail < FAKE_QUEUE) {
		q->ring[q->head % FAKE_QUEUE] = packet_clone(pkt);
		q->head++;
		rc = signal_queue(q);
	}
	lock_give(&f->inject_lock);
	return rc;
}

unsigned fake_collect(struct port *p, struct packet *out[], unsigned max)
{
	struct fake_port *f = fake(p);
	unsigned n = 0;

	lock_take(&f->lock);
	while (n < max && f->sent_tail != f->sent_head)
		out[n++] = f->sent[f->sent_tail++ % FAKE_SENT_MAX];
	lock_give(&f->lock);
	return n;
}

void fake_replay(struct port *p, struct packet *const templates[], unsigned n, uint64_t total)
{
	struct fake_port *f = fake(p);

	f->templates = xcalloc(n, sizeof(struct packet *));
	for (unsigned i = 0; i < n; i++)
		f->templates[i] = packet_clone(templates[i]);
	f->n_templates = n;
	for (unsigned i = 0; i < f->n_queues; i++) {
		f->queues[i].copies = xcalloc(PACKET_BATCH, sizeof(struct packet));
		__atomic_store_n(&f->queues[i].left, total, __ATOMIC_RELEASE);
		signal_queue(&f->queues[i]);
	}
}

void fake_set_carrier(struct port *p, bool carrier)
{
	struct fake_port *f = fake(p);

	if (atomic_exchange(&f->carrier, carrier) != carrier)
		f->link_resets++;
}

void fake_set_gone(struct port *p, bool gone)
{
	fake(p)->gone = gone;
}

/* ---- the vtable ---- */

static void queue_init(struct fake_queue *q)
{
	q->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

static void queue_done(struct fake_queue *q)
{
	while (q->tail != q->head)
		packet_free(q->ring[q->tail++ % FAKE_QUEUE]);
	for (unsigned i = 0; i < q->n_held; i++)
		packet_free(q->held[i]);
	free(q->copies);
	if (q->fd >= 0)
		close(q->fd);
}

static void fake_close(struct port *p)
{
	struct fake_port *f = fake(p);

	lock_take(&ports_lock);
	cds_list_del(&f->node);
	lock_give(&ports_lock);
	for (unsigned i = 0; i < f->n_queues; i++)
		queue_done(&f->queues[i]);
	while (f->sent_tail != f->sent_head)
		packet_free(f->sent[f->sent_tail++ % FAKE_SENT_MAX]);
	for (unsigned i = 0; i < f->n_templates; i++)
		packet_free(f->templates[i]);
	free(f->templates);
	free(f->sent);
	free(f->queues);
	lock_done(&f->inject_lock);
	lock_done(&f->lock);
	free(f);
}

static int fake_reconfigure(struct port *p, const struct port_config *cfg, struct error *err)
{
	struct fake_port *f = fake(p);
	const char *n_rxq = port_config_get(cfg, "n_rxq");
	const char *discard = port_config_get(cfg, "discard");
	unsigned n = n_rxq ? (unsigned)strtoul(n_rxq, NULL, 10) : 1;

	if (n < 1 || n > MAX_RXQ)
		return error_set(err, EINVAL, "options:n_rxq", "must be 1 to %u", MAX_RXQ);
	if (f->n_queues && n != f->n_queues)
		return -EBUSY;
	f->n_queues = n;
	f->discard = discard && !strcmp(discard, "true");
	f->mtu = cfg->mtu ? cfg->mtu : 1500;
	if (cfg->mac_set)
		f->mac = cfg->mac;
	return 0;
}

static int fake_open(const struct port_config *cfg, struct port **portp, struct error *err)
{
	struct fake_port *f = xzalloc(sizeof(*f));
	int rc = fake_reconfigure(&f->up, cfg, err);

	if (rc) {
		free(f);
		return rc;
	}
	port_init(&f->up, &port_fake_ops, cfg->name);
	f->queues = xcalloc(f->n_queues, sizeof(*f->queues));
	for (unsigned i = 0; i < f->n_queues; i++)
		queue_init(&f->queues[i]);
	f->sent = xcalloc(FAKE_SENT_MAX, sizeof(struct packet *));
	f->carrier = f->admin = true;
	lock_init(&f->inject_lock);
	lock_init(&f->lock);
	lock_take(&ports_lock);
	cds_list_add_tail(&f->node, &all_ports);
	lock_give(&ports_lock);
	*portp = &f->up;
	return 0;
}

static unsigned fake_n_rxq(const struct port *p)
{
	return fake_const(p)->n_queues;
}

static unsigned replay(struct fake_port *f, struct fake_queue *q, struct packet *pkts[])
{
	unsigned n = (unsigned)MIN(q->left, (uint64_t)PACKET_BATCH);

	for (unsigned i = 0; i < n; i++) {
		q->copies[i] = *f->templates[q->next];
		q->copies[i].in_port = f->up.no;
		pkts[i] = &q->copies[i];
		if (++q->next == f->n_templates)
			q->next = 0;
	}
	q->left -= n;
	return n;
}

static unsigned take_injected(struct fake_port *f, struct fake_queue *q, struct packet *pkts[])
{
	while (q->n_held < PACKET_BATCH && q->tail != q->head) {
		struct packet *p = q->ring[q->tail % FAKE_QUEUE];

		q->tail++;
		p->in_port = f->up.no;
		pkts[q->n_held] = p;
		q->held[q->n_held++] = p;
	}
	return q->n_held;
}

static unsigned fake_rx(struct port *p, unsigned queue, struct packet *pkts[PACKET_BATCH])
{
	struct fake_port *f = fake(p);
	struct fake_queue *q = &f->queues[queue];
	unsigned n;
	uint64_t x;

	if (f->gone)
		return 0;
	n = __atomic_load_n(&q->left, __ATOMIC_ACQUIRE) ? replay(f, q, pkts)
							: take_injected(f, q, pkts);
	if (!n && q->signalled) {
		(void)!read(q->fd, &x, sizeof(x)); /* an injector may come between: look again */
		q->signalled = false;
		n = take_injected(f, q, pkts);
	}
	count_add(&q->rx_packets, n);
	for (unsigned i = 0; i < n; i++)
		count_add(&q->rx_bytes, pkts[i]->len);
	return n;
}

static void fake_rx_done(struct port *p, unsigned queue)
{
	struct fake_queue *q = &fake(p)->queues[queue];

	for (unsigned i = 0; i < q->n_held; i++)
		packet_free(q->held[i]);
	q->n_held = 0;
}

static void fake_send(struct fake_port *f, const struct packet *p)
{
	if (f->gone || !f->carrier || !f->admin) {
		count_add(&f->drops[PORT_DROP_TX_DOWN], 1);
		return;
	}
	if (!p->gso_size && p->len > f->mtu + 22) { /* Ethernet and two tags */
		count_add(&f->drops[PORT_DROP_TX_LEN], 1);
		return;
	}
	if (!f->discard) {
		if (f->sent_head - f->sent_tail == FAKE_SENT_MAX) {
			count_add(&f->drops[PORT_DROP_TX_RING], 1);
			return;
		}
		f->sent[f->sent_head++ % FAKE_SENT_MAX] = packet_clone(p);
	}
	count_add(&f->tx_packets, 1);
	count_add(&f->tx_bytes, p->len);
}

static void fake_tx(struct port *p, struct packet *const pkts[], unsigned n)
{
	struct fake_port *f = fake(p);

	lock_take(&f->lock);
	for (unsigned i = 0; i < n; i++)
		fake_send(f, pkts[i]);
	lock_give(&f->lock);
}

static int fake_rx_fd(const struct port *p, unsigned queue)
{
	return fake_const(p)->queues[queue].fd;
}

static int fake_state(struct port *p, struct port_state *st)
{
	const struct fake_port *f = fake(p);

	if (f->gone)
		return -ENODEV;
	*st = (struct port_state){
		.mac = f->mac,
		.mtu = f->mtu,
		.admin_up = f->admin,
		.carrier = f->carrier,
		.link_resets = f->link_resets,
		.driver = "fake",
	};
	return 0;
}

static int fake_set_up(struct port *p, bool up)
{
	fake(p)->admin = up;
	return 0;
}

static int fake_stats(struct port *p, struct port_stats *st)
{
	const struct fake_port *f = fake(p);

	memset(st, 0, sizeof(*st));
	for (unsigned i = 0; i < f->n_queues; i++) {
		st->rx_packets += count_get(&f->queues[i].rx_packets);
		st->rx_bytes += count_get(&f->queues[i].rx_bytes);
	}
	st->tx_packets = count_get(&f->tx_packets);
	st->tx_bytes = count_get(&f->tx_bytes);
	for (unsigned i = 0; i < PORT_N_DROPS; i++)
		st->drops[i] = count_get(&f->drops[i]);
	st->tx_dropped = st->drops[PORT_DROP_TX_RING] + st->drops[PORT_DROP_TX_LEN] +
			 st->drops[PORT_DROP_TX_DOWN];
	return 0;
}

const struct port_ops port_fake_ops = {
	.type = "fake",
	.open = fake_open,
	.reconfigure = fake_reconfigure,
	.close = fake_close,
	.n_rxq = fake_n_rxq,
	.rx = fake_rx,
	.rx_done = fake_rx_done,
	.tx = fake_tx,
	.rx_fd = fake_rx_fd,
	.state = fake_state,
	.set_up = fake_set_up,
	.stats = fake_stats,
};
