/* SPDX-License-Identifier: Apache-2.0 */
/* Type "vxlan": the one port of a datapath for all tunnels of a UDP port (RFC 7348).
 *
 * A packet that is received carries the outer header that it came with (struct packet's tnl), one
 * that is sent the outer header that it is to have.  In from the host's UDP sockets (vxlan_rx.c),
 * out past the host's stack, with headers from its live routes and neighbours (vxlan_tx.c,
 * underlay.h).
 *
 * Options: dst_port (4789), exts=gbp (the group policy extension is spoken).
 *
 * Receive queues: one for each address family that the kernel has. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "core/packet/vxlan.h"
#include "core/port/count.h"
#include "core/port/kinds.h"
#include "core/port/vxlan_priv.h"

#define DEFAULT_PORT 4789u

/* --- open and close --- */

static int read_options(struct vxlan_port *v, const struct port_config *cfg, struct error *err)
{
	const char *port = port_config_get(cfg, "dst_port"), *exts = port_config_get(cfg, "exts");
	unsigned long x;
	char *end;

	v->dst_port = DEFAULT_PORT;
	v->gbp = exts && !strcmp(exts, "gbp");
	if (!port)
		return 0;
	x = strtoul(port, &end, 10);
	if (*end || !*port || !x || x > UINT16_MAX)
		return error_set(err, EINVAL, "options:dst_port", "\"%s\" is not a UDP port", port);
	v->dst_port = (uint16_t)x;
	return 0;
}

static int open_sockets(struct vxlan_port *v, struct error *err)
{
	for (unsigned i = 0; i < VXLAN_FAMILIES; i++) {
		int rc = vxlan_rx_open(&v->rx[v->n_rxq], v->dst_port, i);

		if (!rc)
			v->n_rxq++;
		else if (rc != -EAFNOSUPPORT)
			return error_set(err, -rc, "options:dst_port",
					 "%s: UDP port %u cannot be had: %s", v->up.name,
					 v->dst_port, strerror(-rc));
	}
	if (!v->n_rxq)
		return error_set(err, EAFNOSUPPORT, NULL, "%s: the kernel has no IP", v->up.name);
	return 0;
}

static void vxlan_free(struct vxlan_port *v)
{
	underlay_free(v->underlay);
	for (unsigned i = 0; i < v->n_rxq; i++)
		vxlan_rx_close(&v->rx[i]);
	vxlan_tx_done(&v->tx);
	free(v);
}

static void vxlan_close(struct port *p)
{
	vxlan_free(vxlan_of(p));
}

static void send_waited(void *arg, struct packet *p)
{
	struct vxlan_port *v = arg;
	struct packet *one[1] = { p };

	vxlan_send(v, one, 1);
	underlay_flush(v->underlay);
}

static void drop_waited(void *arg, enum underlay_state why)
{
	vxlan_count_drop(arg, why);
}

static int vxlan_open(const struct port_config *cfg, struct port **portp, struct error *err)
{
	static const struct underlay_ops ops = { .send = send_waited, .drop = drop_waited };
	struct vxlan_port *v = xzalloc_cacheline(sizeof(*v));
	int rc;

	port_init(&v->up, &port_vxlan_ops, cfg->name);
	vxlan_tx_init(&v->tx);
	rc = read_options(v, cfg, err);
	if (!rc)
		rc = open_sockets(v, err);
	if (!rc) {
		v->underlay = underlay_new(&ops, v, err);
		rc = v->underlay ? 0 : -EIO;
	}
	if (rc) {
		vxlan_free(v);
		return rc;
	}
	*portp = &v->up;
	return 0;
}

static int vxlan_reconfigure(struct port *p, const struct port_config *cfg, struct error *err)
{
	struct vxlan_port now;
	int rc = read_options(&now, cfg, err);

	if (rc)
		return rc;
	return now.dst_port == vxlan_of(p)->dst_port && now.gbp == vxlan_of(p)->gbp ? 0 : -EBUSY;
}

/* --- packets --- */

static unsigned vxlan_n_rxq(const struct port *p)
{
	return ((const struct vxlan_port *)(const void *)p)->n_rxq; /* `up` comes first */
}

static unsigned vxlan_rx(struct port *p, unsigned queue, struct packet *pkts[PACKET_BATCH])
{
	return vxlan_rx_burst(&vxlan_of(p)->rx[queue], vxlan_of(p), pkts);
}

static int vxlan_rx_fd(const struct port *p, unsigned queue)
{
	return ((const struct vxlan_port *)(const void *)p)->rx[queue].fd;
}

static void vxlan_tx(struct port *p, struct packet *const pkts[], unsigned n)
{
	vxlan_send(vxlan_of(p), pkts, n);
}

static void vxlan_flush(struct port *p)
{
	underlay_flush(vxlan_of(p)->underlay);
}

/* --- state --- */

/* No device: there as long as it is configured. */
static int vxlan_state(struct port *p UNUSED, struct port_state *st)
{
	memset(st, 0, sizeof(*st));
	st->admin_up = st->carrier = true;
	return 0;
}

static int vxlan_stats(struct port *p, struct port_stats *st)
{
	struct vxlan_port *v = vxlan_of(p);
	struct underlay_stats u;

	memset(st, 0, sizeof(*st));
	underlay_get_stats(v->underlay, &u);
	for (unsigned i = 0; i < v->n_rxq; i++) {
		const struct vxlan_rxq *q = &v->rx[i];

		st->rx_packets += count_get(&q->packets);
		st->rx_bytes += count_get(&q->bytes);
		st->drops[PORT_DROP_RX_TRUNC] += count_get(&q->truncated);
		st->drops[PORT_DROP_RX_BAD_TUNNEL] += count_get(&q->bad);
		st->drops[PORT_DROP_RX_RING] += __atomic_load_n(&q->overflows, __ATOMIC_RELAXED);
	}
	st->tx_packets = v->tx.packets;
	st->tx_bytes = v->tx.bytes;
	for (unsigned i = PORT_DROP_TX_RING; i < PORT_N_DROPS; i++) {
		st->drops[i] = v->tx.drops[i];
		if (i == PORT_DROP_TX_RING)
			st->drops[i] += u.full;
		if (i == PORT_DROP_TX_DOWN)
			st->drops[i] += u.down;
		st->tx_dropped += st->drops[i];
	}
	/* A frame that a device had no room for was counted as sent on its way there. */
	st->tx_packets -= MIN(st->tx_packets, u.full + u.down);
	st->rx_dropped = st->drops[PORT_DROP_RX_RING] + st->drops[PORT_DROP_RX_TRUNC];
	st->rx_errors = st->drops[PORT_DROP_RX_BAD_TUNNEL];
	return 0;
}

struct underlay *port_vxlan_underlay(struct port *p)
{
	return p->ops == &port_vxlan_ops ? vxlan_of(p)->underlay : NULL;
}

const struct port_ops port_vxlan_ops = {
	.type = "vxlan",
	.open = vxlan_open,
	.reconfigure = vxlan_reconfigure,
	.close = vxlan_close,
	.n_rxq = vxlan_n_rxq,
	.rx = vxlan_rx,
	.tx = vxlan_tx,
	.tx_flush = vxlan_flush,
	.rx_fd = vxlan_rx_fd,
	.state = vxlan_state,
	.stats = vxlan_stats,
};
