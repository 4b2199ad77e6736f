/* SPDX-License-Identifier: Apache-2.0 */
/* Type "pcap": frames from one capture file, and to another (pcap-savefile(5), by libpcap).
 *
 * Options: rx_pcap=FILE is received once, as fast as the switch takes it; tx_pcap=FILE is written
 * with what the switch sends.  At least one. */
#include <errno.h>
#include <pcap/pcap.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/lock.h"
#include "core/base/xalloc.h"
#include "core/port/count.h"
#include "core/port/kinds.h"
#include "core/port/vnet.h"

#define SLOT_BYTES (PACKET_HEADROOM + PACKET_MAX_LEN + 1u)

struct pcap_port {
	struct port up;
	char *rx_file, *tx_file; /* owned; NULL = none */
	int fd;                  /* eventfd, readable until the file's end */
	pcap_t *in;              /* owned; NULL = nothing (more) to receive */
	uint8_t *slots;          /* owned */
	struct packet pkts[PACKET_BATCH];
	uint64_t rx_packets, rx_bytes, rx_truncated, rx_errors; /* the worker's */
	_Atomic bool admin;

	struct lock lock;
	pcap_t *out_form; /* owned: what the dumper belongs to */
	pcap_dumper_t *out GUARDED_BY(lock);
	uint64_t tx_packets GUARDED_BY(lock), tx_bytes GUARDED_BY(lock);
	uint64_t tx_down GUARDED_BY(lock), tx_failed GUARDED_BY(lock);
};

static struct pcap_port *pp(struct port *p)
{
	return container_of(p, struct pcap_port, up);
}

/* ---- open and close ---- */

static void pcap_port_free(struct pcap_port *c)
{
	if (c->in)
		pcap_close(c->in);
	if (c->out)
		pcap_dump_close(c->out);
	if (c->out_form)
		pcap_close(c->out_form);
	if (c->fd >= 0)
		close(c->fd);
	lock_done(&c->lock);
	free(c->slots);
	free(c->rx_file);
	free(c->tx_file);
	free(c);
}

static void pcap_port_close(struct port *p)
{
	pcap_port_free(pp(p));
}

static int open_in(struct pcap_port *c, struct error *err)
{
	char why[PCAP_ERRBUF_SIZE];
	uint64_t one = 1;

	if (!c->rx_file)
		return 0;
	c->in = pcap_open_offline(c->rx_file, why);
	if (!c->in)
		return error_set(err, ENOENT, "options:rx_pcap", "%s", why);
	if (pcap_datalink(c->in) != DLT_EN10MB)
		return error_set(err, EPROTONOSUPPORT, "options:rx_pcap",
				 "%s is not a capture of Ethernet frames", c->rx_file);
	c->slots = xmalloc(PACKET_BATCH * (size_t)SLOT_BYTES);
	return write(c->fd, &one, sizeof(one)) == sizeof(one) ? 0 : -errno;
}

static int open_out(struct pcap_port *c, struct error *err)
{
	if (!c->tx_file)
		return 0;
	c->out_form = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, PACKET_MAX_LEN + 1,
							   PCAP_TSTAMP_PRECISION_NANO);
	c->out = c->out_form ? pcap_dump_open(c->out_form, c->tx_file) : NULL;
	if (!c->out)
		return error_set(err, EIO, "options:tx_pcap", "%s",
				 c->out_form ? pcap_geterr(c->out_form) : "out of memory");
	return 0;
}

static int pcap_port_open(const struct port_config *cfg, struct port **portp, struct error *err)
{
	const char *rx = port_config_get(cfg, "rx_pcap"), *tx = port_config_get(cfg, "tx_pcap");
	struct pcap_port *c;
	int rc;

	if (!rx && !tx)
		return error_set(err, EINVAL, "options", "rx_pcap or tx_pcap must name a file");
	c = xzalloc(sizeof(*c));
	port_init(&c->up, &port_pcap_ops, cfg->name);
	lock_init(&c->lock);
	c->rx_file = rx ? xstrdup(rx) : NULL;
	c->tx_file = tx ? xstrdup(tx) : NULL;
	c->admin = true;
	c->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	rc = c->fd < 0 ? -errno : open_in(c, err);
	if (!rc)
		rc = open_out(c, err);
	if (rc) {
		pcap_port_free(c);
		return rc;
	}
	*portp = &c->up;
	return 0;
}

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static int pcap_port_reconfigure(struct port *p, const struct port_config *cfg, struct error *err)
{
	const struct pcap_port *c = pp(p);

	return same(c->rx_file, port_config_get(cfg, "rx_pcap")) &&
			       same(c->tx_file, port_config_get(cfg, "tx_pcap"))
		       ? 0
		       : -EBUSY;
}

/* ---- packets ---- */

static void end_of_file(struct pcap_port *c)
{
	uint64_t x;

	(void)!read(c->fd, &x, sizeof(x)); /* no more readable */
	pcap_close(c->in);
	c->in = NULL;
}

/* False at the end of the file; *got says whether there is a packet. */
static bool read_one(struct pcap_port *c, unsigned i, bool *got)
{
	struct packet *p = &c->pkts[i];
	struct pcap_pkthdr *h;
	const u_char *bytes;
	int rc = pcap_next_ex(c->in, &h, &bytes);

	*got = false;
	if (rc != 1) {
		count_add(&c->rx_errors, rc == PCAP_ERROR);
		end_of_file(c);
		return false;
	}
	if (h->caplen < h->len || h->caplen > PACKET_MAX_LEN) {
		count_add(&c->rx_truncated, 1);
		return true;
	}
	memset(p, 0, sizeof(*p));
	p->data = c->slots + i * (size_t)SLOT_BYTES + PACKET_HEADROOM;
	p->len = h->caplen;
	p->headroom = PACKET_HEADROOM;
	p->l3_ofs = p->l4_ofs = PACKET_NO_OFS;
	p->in_port = c->up.no;
	memcpy(p->data, bytes, h->caplen);
	*got = true;
	return true;
}

static unsigned pcap_port_rx(struct port *p, unsigned queue, struct packet *pkts[PACKET_BATCH])
{
	struct pcap_port *c = pp(p);
	unsigned n = 0;
	bool got;

	while (n < PACKET_BATCH && c->in && read_one(c, n, &got)) {
		if (!got)
			continue;
		pkts[n] = &c->pkts[n];
		count_add(&c->rx_bytes, pkts[n]->len);
		n++;
	}
	count_add(&c->rx_packets, n);
	return n;
}

static void dump(struct pcap_port *c, const struct packet *p) REQUIRES(c->lock)
{
	uint64_t now = clock_wall_ns();
	struct pcap_pkthdr h = {
		.ts = { .tv_sec = (time_t)(now / NSEC_PER_SEC),
			.tv_usec = (suseconds_t)(now % NSEC_PER_SEC) }, /* nanoseconds: the file's
									   precision */
		.caplen = p->len,
		.len = p->len,
	};

	if (p->flags & PACKET_F_CSUM_PARTIAL) {
		struct packet *whole = packet_clone(p);

		vnet_finish_csum(whole);
		pcap_dump((u_char *)c->out, &h, whole->data);
		packet_free(whole);
	} else {
		pcap_dump((u_char *)c->out, &h, p->data);
	}
	count_add(&c->tx_packets, 1);
	count_add(&c->tx_bytes, p->len);
}

static void pcap_port_tx(struct port *p, struct packet *const pkts[], unsigned n)
{
	struct pcap_port *c = pp(p);

	lock_take(&c->lock);
	for (unsigned i = 0; i < n; i++) {
		if (!c->admin)
			count_add(&c->tx_down, 1);
		else if (c->out)
			dump(c, pkts[i]);
		else
			count_add(&c->tx_failed, 1);
	}
	lock_give(&c->lock);
}

static void pcap_port_flush(struct port *p)
{
	struct pcap_port *c = pp(p);

	lock_take(&c->lock);
	if (c->out && pcap_dump_flush(c->out))
		count_add(&c->tx_failed, 1);
	lock_give(&c->lock);
}

static int pcap_port_fd(const struct port *p, unsigned queue)
{
	return ((const struct pcap_port *)(const void *)p)->fd; /* `up` comes first */
}

/* ---- state ---- */

static int pcap_port_state(struct port *p, struct port_state *st)
{
	*st = (struct port_state){
		.mtu = PACKET_MAX_LEN, .admin_up = pp(p)->admin, .carrier = true, .driver = "pcap"
	};
	return 0;
}

static int pcap_port_set_up(struct port *p, bool up)
{
	pp(p)->admin = up;
	return 0;
}

static int pcap_port_stats(struct port *p, struct port_stats *st)
{
	struct pcap_port *c = pp(p);

	memset(st, 0, sizeof(*st));
	st->rx_packets = count_get(&c->rx_packets);
	st->rx_bytes = count_get(&c->rx_bytes);
	st->rx_errors = count_get(&c->rx_errors);
	st->drops[PORT_DROP_RX_TRUNC] = st->rx_dropped = count_get(&c->rx_truncated);
	lock_take(&c->lock);
	st->tx_packets = c->tx_packets;
	st->tx_bytes = c->tx_bytes;
	st->drops[PORT_DROP_TX_DOWN] = c->tx_down;
	st->drops[PORT_DROP_TX_RING] = c->tx_failed;
	lock_give(&c->lock);
	st->tx_dropped = st->drops[PORT_DROP_TX_DOWN] + st->drops[PORT_DROP_TX_RING];
	return 0;
}

const struct port_ops port_pcap_ops = {
	.type = "pcap",
	.open = pcap_port_open,
	.reconfigure = pcap_port_reconfigure,
	.close = pcap_port_close,
	.rx = pcap_port_rx,
	.tx = pcap_port_tx,
	.tx_flush = pcap_port_flush,
	.rx_fd = pcap_port_fd,
	.state = pcap_port_state,
	.set_up = pcap_port_set_up,
	.stats = pcap_port_stats,
};
