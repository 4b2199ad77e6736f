/* SPDX-License-Identifier: Apache-2.0 */
/* Types "internal" and "tap": a TAP device that lives as long as the port (linux/if_tun.h).
 *
 * The host's own stack is at the other end: a bridge's local port, the namespace of a container.
 * Frames come and go with their virtio header (vnet.h), so the host may leave checksums and
 * segmentation to us and we to it.  One system call a frame: there is no other way to a TAP. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/base/xalloc.h"
#include "core/port/count.h"
#include "core/port/kinds.h"
#include "core/port/linux_link.h"
#include "core/port/vnet.h"

/* A slot for each frame of a batch; a page that no frame reaches is never there. */
#define SLOT_BYTES ROUND_UP(PACKET_HEADROOM + PACKET_MAX_LEN + ETH_HLEN, 4096u)
#define VLAN_HLEN 4u

struct tap_port {
	struct port up;
	int fd, ifindex;
	_Atomic uint32_t mtu;
	uint8_t *slots; /* owned */
	struct packet pkts[PACKET_BATCH];
	uint64_t rx_packets, rx_bytes; /* the worker's */
	/* any thread; a locked addition is nothing beside the system call */
	_Atomic uint64_t tx_packets, tx_bytes, drops[PORT_N_DROPS];
};

static struct tap_port *tap(struct port *p)
{
	return container_of(p, struct tap_port, up);
}

/* ---- open and close ---- */

static void tap_free(struct tap_port *t)
{
	if (t->fd >= 0)
		close(t->fd); /* the device goes with it */
	free(t->slots);
	free(t);
}

static void tap_close(struct port *p)
{
	tap_free(tap(p));
}

static int make_device(struct tap_port *t, const char *name, struct error *err)
{
	static const unsigned offloads[] = { TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN,
					     TUN_F_CSUM, 0 };
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int hlen = VNET_HLEN;

	if (strlen(name) >= IFNAMSIZ)
		return error_set(err, ENAMETOOLONG, "name", "a device's name has at most %d bytes",
				 IFNAMSIZ - 1);
	t->fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (t->fd < 0)
		return error_set(err, errno, NULL, "/dev/net/tun: %s", strerror(errno));
	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(t->fd, TUNSETIFF, &ifr) || ioctl(t->fd, TUNSETVNETHDRSZ, &hlen))
		return error_set(err, errno, "name", "%s cannot be a TAP device: %s", name,
				 strerror(errno));
	for (unsigned i = 0; i < ARRAY_SIZE(offloads); i++) {
		if (!ioctl(t->fd, TUNSETOFFLOAD, offloads[i]))
			break; /* the most that this kernel has */
	}
	if (linux_link_find(name, &t->ifindex))
		return error_set(err, ENODEV, "name", "%s vanished at once", name);
	return 0;
}

static int tap_reconfigure(struct port *p, const struct port_config *cfg, struct error *err)
{
	struct tap_port *t = tap(p);
	int rc = linux_link_set(t->ifindex, cfg->mac_set ? &cfg->mac : NULL, 0);

	if (rc)
		return error_set(err, -rc, "mac", "%s refuses its address: %s", cfg->name,
				 strerror(-rc));
	rc = linux_link_set(t->ifindex, NULL, cfg->mtu);
	if (rc)
		return error_set(err, -rc, "mtu_request", "%s refuses MTU %u: %s", cfg->name,
				 cfg->mtu, strerror(-rc));
	t->mtu = linux_link_mtu(t->ifindex);
	return 0;
}

static int tap_open_as(const struct port_ops *ops, const struct port_config *cfg,
		       struct port **portp, struct error *err)
{
	struct tap_port *t = xzalloc(sizeof(*t));
	int rc;

	port_init(&t->up, ops, cfg->name);
	rc = make_device(t, cfg->name, err);
	if (!rc)
		rc = tap_reconfigure(&t->up, cfg, err);
	if (rc) {
		tap_free(t);
		return rc;
	}
	t->slots = xmalloc(PACKET_BATCH * (size_t)SLOT_BYTES);
	*portp = &t->up;
	return 0;
}

static int internal_open(const struct port_config *cfg, struct port **portp, struct error *err)
{
	return tap_open_as(&port_internal_ops, cfg, portp, err);
}

static int tap_open(const struct port_config *cfg, struct port **portp, struct error *err)
{
	return tap_open_as(&port_tap_ops, cfg, portp, err);
}

/* ---- packets ---- */

static bool read_one(struct tap_port *t, unsigned i)
{
	struct packet *p = &t->pkts[i];
	uint8_t *data = t->slots + i * (size_t)SLOT_BYTES + PACKET_HEADROOM;
	uint32_t room = SLOT_BYTES - PACKET_HEADROOM;
	struct virtio_net_hdr vh;
	struct iovec iov[2] = { { &vh, sizeof(vh) }, { data, room } };
	ssize_t n = readv(t->fd, iov, 2);

	if (n < (ssize_t)sizeof(vh))
		return false; /* nothing now, or the device is gone or down */
	memset(p, 0, sizeof(*p));
	p->data = data;
	p->len = (uint32_t)n - VNET_HLEN;
	p->headroom = PACKET_HEADROOM;
	p->tailroom = (uint16_t)MIN(room - p->len, (uint32_t)UINT16_MAX);
	p->l3_ofs = p->l4_ofs = PACKET_NO_OFS;
	p->in_port = t->up.no;
	vnet_to_packet(&vh, p);
	return true;
}

static unsigned tap_rx(struct port *p, unsigned queue, struct packet *pkts[PACKET_BATCH])
{
	struct tap_port *t = tap(p);
	unsigned n = 0;

	while (n < PACKET_BATCH && read_one(t, n)) {
		pkts[n] = &t->pkts[n];
		count_add(&t->rx_bytes, pkts[n]->len);
		n++;
	}
	count_add(&t->rx_packets, n);
	return n;
}

static bool fits(const struct tap_port *t, const struct packet *p)
{
	return p->gso_size || p->len <= t->mtu + ETH_HLEN + VLAN_HLEN;
}

/* The kernel serialises writers, so that nobody waits for another's system call here. */
static void send_one(struct tap_port *t, const struct packet *p)
{
	struct virtio_net_hdr vh;
	struct iovec iov[2] = { { &vh, sizeof(vh) }, { p->data, p->len } };

	if (!fits(t, p)) {
		t->mtu = linux_link_mtu(t->ifindex); /* has it grown? */
		if (!fits(t, p)) {
			t->drops[PORT_DROP_TX_LEN]++;
			return;
		}
	}
	vnet_from_packet(p, &vh);
	if (writev(t->fd, iov, 2) < 0) {
		t->drops[errno == EIO || errno == EBADFD ? PORT_DROP_TX_DOWN : PORT_DROP_TX_RING]++;
		return;
	}
	t->tx_packets++;
	t->tx_bytes += p->len;
}

static void tap_tx(struct port *p, struct packet *const pkts[], unsigned n)
{
	struct tap_port *t = tap(p);

	for (unsigned i = 0; i < n; i++)
		send_one(t, pkts[i]);
}

static int tap_rx_fd(const struct port *p, unsigned queue)
{
	return ((const struct tap_port *)(const void *)p)->fd; /* `up` comes first */
}

/* ---- state ---- */

static int tap_state(struct port *p, struct port_state *st)
{
	struct tap_port *t = tap(p);
	int rc = linux_link_state(t->ifindex, st);

	if (!rc)
		t->mtu = st->mtu;
	return rc;
}

static int tap_set_up(struct port *p, bool up)
{
	return linux_link_set_up(tap(p)->ifindex, up);
}

/* Our own counts: the device's are the host's, the other way round. */
static int tap_stats(struct port *p, struct port_stats *st)
{
	struct tap_port *t = tap(p);

	memset(st, 0, sizeof(*st));
	st->rx_packets = count_get(&t->rx_packets);
	st->rx_bytes = count_get(&t->rx_bytes);
	st->tx_packets = t->tx_packets;
	st->tx_bytes = t->tx_bytes;
	for (unsigned i = 0; i < PORT_N_DROPS; i++)
		st->drops[i] = t->drops[i];
	st->tx_dropped = st->drops[PORT_DROP_TX_RING] + st->drops[PORT_DROP_TX_LEN] +
			 st->drops[PORT_DROP_TX_DOWN];
	return 0;
}

#define TAP_OPS(TYPE, OPEN)                                                                        \
	{                                                                                          \
		.type = TYPE, .open = OPEN, .reconfigure = tap_reconfigure, .close = tap_close,    \
		.rx = tap_rx, .tx = tap_tx, .rx_fd = tap_rx_fd, .state = tap_state,                \
		.set_up = tap_set_up, .stats = tap_stats,                                          \
	}

const struct port_ops port_internal_ops = TAP_OPS("internal", internal_open);
const struct port_ops port_tap_ops = TAP_OPS("tap", tap_open);
