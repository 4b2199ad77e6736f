/* SPDX-License-Identifier: Apache-2.0 */
/* Type "system": a Linux interface, by AF_PACKET rings (af_ring.h).
 *
 * Options: n_rxq (1-16): receive queues, which the kernel fills by flow hash (PACKET_FANOUT).
 *
 * Counters are the device's own, so that what a NIC switches by itself counts too; our drops are
 * added. */
#include <errno.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "core/base/xalloc.h"
#include "core/port/af_ring.h"
#include "core/port/count.h"
#include "core/port/kinds.h"
#include "core/port/linux_link.h"

#define MAX_RXQ 16u
#define VLAN_HLEN 4u

struct af_port {
	struct port up;
	int ifindex;
	_Atomic uint32_t mtu;
	unsigned n_rxq;
	struct af_rx *rx; /* owned; n_rxq */
	struct af_tx tx;
	uint64_t too_long; /* any thread, locked additions */

	struct lock stats_lock;
	uint64_t ring_drops
		GUARDED_BY(stats_lock); /* of the kernel's counter, which reading resets */
};

static struct af_port *af(struct port *p)
{
	return container_of(p, struct af_port, up);
}

static const struct af_port *af_const(const struct port *p)
{
	return (const struct af_port *)(const void *)p; /* `up` comes first */
}

/* ---- open and close ---- */

static int check_ethernet(int fd, const char *name, struct error *err)
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, SIOCGIFHWADDR, &ifr))
		return error_set(err, errno, "name", "%s: %s", name, strerror(errno));
	if (ifr.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return error_set(err, EPROTONOSUPPORT, "name", "%s is not an Ethernet device",
				 name);
	return 0;
}

/* The first queue makes the group, the others join it. */
static int join_fanout(struct af_port *a)
{
	int arg = (PACKET_FANOUT_HASH | PACKET_FANOUT_FLAG_UNIQUEID) << 16;
	socklen_t len = sizeof(arg);

	for (unsigned i = 0; i < a->n_rxq && a->n_rxq > 1; i++) {
		if (setsockopt(a->rx[i].ring.fd, SOL_PACKET, PACKET_FANOUT, &arg, sizeof(arg)))
			return -errno;
		if (!i && getsockopt(a->rx[0].ring.fd, SOL_PACKET, PACKET_FANOUT, &arg, &len))
			return -errno;
		arg = (arg & 0xffff) | PACKET_FANOUT_HASH << 16;
	}
	return 0;
}

static void af_free(struct af_port *a)
{
	for (unsigned i = 0; i < a->n_rxq; i++)
		af_rx_close(&a->rx[i]);
	free(a->rx);
	af_tx_close(&a->tx);
	lock_done(&a->stats_lock);
	free(a);
}

static void af_close(struct port *p)
{
	af_free(af(p));
}

static int open_rings(struct af_port *a)
{
	uint32_t frame = a->mtu + ETH_HLEN + 2 * VLAN_HLEN;
	struct af_making *rx[MAX_RXQ] = { NULL }, *tx = af_ring_start(AF_TX, frame);
	int rc, one;

	for (unsigned i = 0; i < a->n_rxq; i++)
		rx[i] = af_ring_start(AF_RX, frame);
	rc = af_tx_open(&a->tx, a->ifindex, tx);
	for (unsigned i = 0; i < a->n_rxq; i++) {
		one = af_rx_open(&a->rx[i], a->ifindex, rx[i]);
		rc = rc ? rc : one;
	}
	for (unsigned i = 0; i < a->n_rxq && !rc; i++)
		rc = af_rx_start(&a->rx[i], a->ifindex);
	return rc ? rc : join_fanout(a);
}

static int get_n_rxq(const struct port_config *cfg, unsigned *n, struct error *err)
{
	const char *s = port_config_get(cfg, "n_rxq");
	char *end;

	*n = 1;
	if (!s)
		return 0;
	*n = (unsigned)strtoul(s, &end, 10);
	if (*end || *n < 1 || *n > MAX_RXQ)
		return error_set(err, EINVAL, "options:n_rxq", "\"%s\" is not 1 to %u", s, MAX_RXQ);
	return 0;
}

/* MTU and address that the configuration asks for. */
static int apply(struct af_port *a, const struct port_config *cfg, struct error *err)
{
	int rc = linux_link_set(a->ifindex, NULL, cfg->mtu);

	if (rc)
		return error_set(err, -rc, "mtu_request", "%s refuses MTU %u: %s", cfg->name,
				 cfg->mtu, strerror(-rc));
	a->mtu = linux_link_mtu(a->ifindex);
	return 0;
}

static int prepare(struct af_port *a, const struct port_config *cfg, struct error *err)
{
	int rc = get_n_rxq(cfg, &a->n_rxq, err);

	if (rc)
		return rc;
	if (linux_link_find(cfg->name, &a->ifindex))
		return error_set(err, ENODEV, "name", "there is no device %s", cfg->name);
	rc = linux_link_is_free(cfg->name, err);
	if (!rc)
		rc = apply(a, cfg, err);
	if (rc)
		return rc;
	a->rx = xcalloc(a->n_rxq, sizeof(a->rx[0]));
	for (unsigned i = 0; i < a->n_rxq; i++)
		a->rx[i].ring = AF_RING_NONE;
	rc = open_rings(a);
	if (rc)
		return error_set(err, -rc, NULL, "%s: no packet rings: %s", cfg->name,
				 strerror(-rc));
	return check_ethernet(a->tx.ring.fd, cfg->name, err);
}

static int af_open(const struct port_config *cfg, struct port **portp, struct error *err)
{
	struct af_port *a = xzalloc_cacheline(sizeof(*a));
	int rc;

	port_init(&a->up, &port_af_packet_ops, cfg->name);
	lock_init(&a->stats_lock);
	a->tx.ring = AF_RING_NONE;
	a->tx.big_fd = -1;
	rc = prepare(a, cfg, err);
	if (rc) {
		if (!a->rx)
			a->n_rxq = 0;
		af_free(a);
		return rc;
	}
	*portp = &a->up;
	return 0;
}

static int af_reconfigure(struct port *p, const struct port_config *cfg, struct error *err)
{
	unsigned n;
	int rc = get_n_rxq(cfg, &n, err);

	if (rc)
		return rc;
	return n == af(p)->n_rxq ? apply(af(p), cfg, err) : -EBUSY;
}

/* ---- packets ---- */

static unsigned af_n_rxq(const struct port *p)
{
	return af_const(p)->n_rxq;
}

static unsigned af_rx(struct port *p, unsigned queue, struct packet *pkts[PACKET_BATCH])
{
	return af_rx_burst(&af(p)->rx[queue], pkts, p->no);
}

static void af_rx_end(struct port *p, unsigned queue)
{
	af_rx_done(&af(p)->rx[queue]);
}

/* Longest frame: the MTU, Ethernet and one tag, as the kernel's own senders may (packet(7)). */
static bool fits(struct af_port *a, const struct packet *p)
{
	uint32_t extra = ETH_HLEN;
	be16 type;

	if (p->gso_size || p->len <= a->mtu + ETH_HLEN)
		return true;
	memcpy(&type, p->data + 2 * ETH_ALEN, sizeof(type));
	if (type == htons(ETH_P_8021Q) || type == htons(ETH_P_8021AD))
		extra += VLAN_HLEN;
	if (p->len <= a->mtu + extra)
		return true;
	/* Rare enough to ask whether the device's MTU has grown. */
	a->mtu = linux_link_mtu(a->ifindex);
	return p->len <= a->mtu + extra;
}

static void af_tx(struct port *p, struct packet *const pkts[], unsigned n)
{
	struct af_port *a = af(p);
	unsigned from = 0, i;

	for (i = 0; i < n; i++) {
		if (likely(fits(a, pkts[i])))
			continue;
		af_tx_put(&a->tx, pkts + from, i - from);
		__atomic_fetch_add(&a->too_long, 1, __ATOMIC_RELAXED);
		from = i + 1;
	}
	if (from < n)
		af_tx_put(&a->tx, pkts + from, n - from);
}

static void af_flush(struct port *p)
{
	af_tx_flush(&af(p)->tx);
}

static int af_rx_fd(const struct port *p, unsigned queue)
{
	return af_const(p)->rx[queue].ring.fd;
}

/* ---- state ---- */

static int af_state(struct port *p, struct port_state *st)
{
	struct af_port *a = af(p);
	int rc = linux_link_state(a->ifindex, st);

	if (!rc)
		a->mtu = st->mtu;
	return rc;
}

static int af_set_up(struct port *p, bool up)
{
	return linux_link_set_up(af(p)->ifindex, up);
}

static uint64_t read_ring_drops(struct af_port *a)
{
	uint64_t n;

	lock_take(&a->stats_lock);
	for (unsigned i = 0; i < a->n_rxq; i++) {
		struct tpacket_stats st;
		socklen_t len = sizeof(st);

		if (!getsockopt(a->rx[i].ring.fd, SOL_PACKET, PACKET_STATISTICS, &st, &len))
			a->ring_drops += st.tp_drops;
	}
	n = a->ring_drops;
	lock_give(&a->stats_lock);
	return n;
}

static int af_stats(struct port *p, struct port_stats *st)
{
	struct af_port *a = af(p);
	int rc = linux_link_stats(a->ifindex, st);
	uint64_t refused;

	if (rc)
		memset(st, 0, sizeof(*st));
	st->drops[PORT_DROP_RX_RING] = read_ring_drops(a);
	for (unsigned i = 0; i < a->n_rxq; i++)
		st->drops[PORT_DROP_RX_TRUNC] += count_get(&a->rx[i].truncated);
	lock_take(&a->tx.lock);
	st->drops[PORT_DROP_TX_RING] = a->tx.full;
	st->drops[PORT_DROP_TX_DOWN] = a->tx.down;
	refused = a->tx.refused;
	lock_give(&a->tx.lock);
	st->drops[PORT_DROP_TX_LEN] = __atomic_load_n(&a->too_long, __ATOMIC_RELAXED);
	st->rx_dropped += st->drops[PORT_DROP_RX_RING] + st->drops[PORT_DROP_RX_TRUNC];
	/* What the device has refused it has counted, once for each try. */
	st->tx_dropped -= MIN(st->tx_dropped, refused);
	st->tx_dropped += st->drops[PORT_DROP_TX_RING] + st->drops[PORT_DROP_TX_DOWN] +
			  st->drops[PORT_DROP_TX_LEN];
	return rc;
}

const struct port_ops port_af_packet_ops = {
	.type = "system",
	.open = af_open,
	.reconfigure = af_reconfigure,
	.close = af_close,
	.n_rxq = af_n_rxq,
	.rx = af_rx,
	.rx_done = af_rx_end,
	.tx = af_tx,
	.tx_flush = af_flush,
	.rx_fd = af_rx_fd,
	.state = af_state,
	.set_up = af_set_up,
	.stats = af_stats,
};
