/* SPDX-License-Identifier: Apache-2.0 */
/* Linux devices: a packet socket at the far end of each. */
#include <check.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/packet/wire.h"
#include "tests/agree/wires.h"
#include "tests/kernel/tc_lab.h"

static int far_socket(const char *device)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = (int)if_nametoindex(device) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)), 0);
	ck_assert_int_eq(setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)), 0);
	ck_assert_int_eq(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)), 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void veth_open(struct wires *w)
{
	for (unsigned i = 0; i < AGREE_PORTS; i++) {
		tc_lab_veth(w->base + i);
		(void)snprintf(w->near[i], sizeof(w->near[i]), "%s", tc_lab_near(w->base + i));
		(void)snprintf(w->far[i], sizeof(w->far[i]), "%s", tc_lab_far(w->base + i));
		w->fd[i] = far_socket(w->far[i]);
	}
}

static void veth_close(struct wires *w)
{
	for (unsigned i = 0; i < AGREE_PORTS; i++) {
		(void)close(w->fd[i]);
		tc_lab_veth_gone(w->base + i);
	}
}

/* The uplink is the last port. */
static void nicsim_open(struct wires *w)
{
	unsigned n = w->base;

	tc_lab_run("sysctl -qw net.ipv6.conf.default.disable_ipv6=1 && "
		   "echo add n%u ports=%d table=1000 >/sys/kernel/debug/nicsim/control",
		   n, AGREE_PORTS - 1);
	for (unsigned i = 0; i < AGREE_PORTS; i++) {
		bool up = i == AGREE_PORTS - 1;

		(void)snprintf(w->near[i], sizeof(w->near[i]), up ? "n%u" : "n%ur%u", n, i);
		(void)snprintf(w->far[i], sizeof(w->far[i]), up ? "n%uw" : "n%uv%u", n, i);
		tc_lab_run("ip link set dev %s up && ip link set dev %s up", w->near[i], w->far[i]);
		w->fd[i] = far_socket(w->far[i]);
	}
}

static void nicsim_close(struct wires *w)
{
	for (unsigned i = 0; i < AGREE_PORTS; i++)
		(void)close(w->fd[i]);
	tc_lab_run("echo del n%u >/sys/kernel/debug/nicsim/control", w->base);
}

static void device_join(struct wires *w, unsigned i, struct port *p)
{
	(void)w;
	(void)i;
	(void)p;
}

static bool device_send(struct wires *w, const struct agree_packet *p)
{
	struct virtio_net_hdr h = { .flags = 0 };
	struct packet *in = wires_packet(p);
	struct iovec iov[2] = { { &h, sizeof(h) }, { in->data, in->len } };
	ssize_t n;

	if (in->flags & PACKET_F_CSUM_PARTIAL)
		h = (struct virtio_net_hdr){ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
					     .csum_start = in->csum_start,
					     .csum_offset = in->csum_ofs };
	n = writev(w->fd[p->port - 1], iov, 2);
	packet_free(in);
	return n > 0;
}

/* Puts the tag back that the kernel took out. */
static size_t retag(struct msghdr *m, uint8_t *frame, size_t len)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		struct tpacket_auxdata aux;

		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		if (!(aux.tp_status & TP_STATUS_VLAN_VALID))
			continue;
		memmove(frame + 16, frame + 12, len - 12);
		st16(frame + 12, htons(aux.tp_vlan_tpid));
		st16(frame + 14, htons(aux.tp_vlan_tci));
		return len + 4;
	}
	return len;
}

static size_t device_receive(struct wires *w, unsigned i, uint8_t *frame)
{
	struct virtio_net_hdr h;
	char control[256];
	struct iovec iov[2] = { { &h, sizeof(h) }, { frame, WIRES_ROOM - VLAN_HLEN } };
	struct msghdr m = { .msg_iov = iov,
			    .msg_iovlen = 2,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(w->fd[i], &m, 0);
	size_t len, whole;

	if (n <= (ssize_t)sizeof(h) + ETH_HLEN - 1)
		return 0;
	len = (size_t)n - sizeof(h);
	whole = retag(&m, frame, len);
	if (h.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		wires_finish(frame, whole, h.csum_start + whole - len, h.csum_offset);
	return whole;
}

const struct wires_ops wires_veth = {
	.type = "",
	.guest = true,
	.open = veth_open,
	.join = device_join,
	.close = veth_close,
	.send = device_send,
	.receive = device_receive,
};

const struct wires_ops wires_nicsim = {
	.type = "",
	.guest = true,
	.open = nicsim_open,
	.join = device_join,
	.close = nicsim_close,
	.send = device_send,
	.receive = device_receive,
};
