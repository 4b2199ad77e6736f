/* SPDX-License-Identifier: Apache-2.0 */
/* Packets out of tunnels, from UDP sockets of the host (udp(7), ip(7), ipv6(7)).
 *
 * The host's stack has done with the outer header what a host does: it was for one of our
 * addresses, its checksum is right, fragments are whole.  What the key needs of it comes as
 * ancillary data.
 *
 * What a socket does not say matters when the far end is a stack of this very machine: that the
 * inner checksum is still to be made (csum_note_partial()), and that the inner frame is a large
 * segment, which the kernel hands over whole.  How long its parts are to be is lost; as long as the
 * device that it came by had room for is right for whoever is behind us. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "core/packet/csum.h"
#include "core/packet/vxlan.h"
#include "core/packet/wire.h"
#include "core/port/count.h"
#include "core/port/linux_link.h"
#include "core/port/vnet.h"
#include "core/port/vxlan_priv.h"

#define UDP_NO_CHECK6_RX 102 /* linux/udp.h, whose other names are netinet/udp.h's */
#define RCVBUF_BYTES (8 << 20)
/* A slot for each datagram of a batch; a page that none reaches is never there. */
#define SLOT_BYTES ROUND_UP(PACKET_HEADROOM + PACKET_MAX_LEN, 4096u)
#define CONTROL_BYTES 128
#define TCP_OFFSET_OFS 12
#define TCP_CSUM_OFS 16

struct vxlan_msg {
	struct iovec iov;
	struct sockaddr_in6 from; /* of either family */
	_Alignas(struct cmsghdr) uint8_t control[CONTROL_BYTES];
};

/* --- set-up --- */

static int set_int(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) ? -errno : 0;
}

static int set_options(int fd, bool v6)
{
	static const struct {
		bool v6;
		int level, option;
	} options[] = {
		{ false, IPPROTO_IP, IP_PKTINFO },
		{ false, IPPROTO_IP, IP_RECVTOS },
		{ false, IPPROTO_IP, IP_RECVTTL },
		{ true, IPPROTO_IPV6, IPV6_V6ONLY },
		{ true, IPPROTO_IPV6, IPV6_RECVPKTINFO },
		{ true, IPPROTO_IPV6, IPV6_RECVTCLASS },
		{ true, IPPROTO_IPV6, IPV6_RECVHOPLIMIT },
		{ true, IPPROTO_UDP, UDP_NO_CHECK6_RX }, /* RFC 6935: tunnels may leave it out */
	};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(options) && !rc; i++)
		if (options[i].v6 == v6)
			rc = set_int(fd, options[i].level, options[i].option, 1);
	if (rc)
		return rc;
	(void)set_int(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);               /* else losses are not seen */
	(void)set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, RCVBUF_BYTES); /* a wish */
	return 0;
}

static int bind_any(int fd, bool v6, uint16_t port)
{
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	const void *a = v6 ? (const void *)&a6 : (const void *)&a4;

	return bind(fd, a, v6 ? sizeof(a6) : sizeof(a4)) ? -errno : 0;
}

static void make_buffers(struct vxlan_rxq *q)
{
	q->slots = xmalloc(PACKET_BATCH * (size_t)SLOT_BYTES);
	q->msgs = xcalloc(PACKET_BATCH, sizeof(*q->msgs));
	q->bufs = xcalloc(PACKET_BATCH, sizeof(*q->bufs));
	for (unsigned i = 0; i < PACKET_BATCH; i++) {
		/* The inner frame has the headroom that ports promise. */
		uint8_t *payload = q->slots + i * (size_t)SLOT_BYTES + PACKET_HEADROOM - VXLAN_HLEN;
		struct msghdr *m = &q->msgs[i].msg_hdr;

		q->bufs[i].iov =
			(struct iovec){ payload, SLOT_BYTES - PACKET_HEADROOM + VXLAN_HLEN };
		m->msg_iov = &q->bufs[i].iov;
		m->msg_iovlen = 1;
		m->msg_name = &q->bufs[i].from;
		m->msg_control = q->bufs[i].control;
	}
}

int vxlan_rx_open(struct vxlan_rxq *q, uint16_t udp_port, bool v6)
{
	int rc;

	q->v6 = v6;
	q->fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (q->fd < 0)
		return -errno;
	rc = set_options(q->fd, v6);
	if (!rc)
		rc = bind_any(q->fd, v6, udp_port);
	if (rc) {
		vxlan_rx_close(q);
		return rc;
	}
	make_buffers(q);
	return 0;
}

void vxlan_rx_close(struct vxlan_rxq *q)
{
	if (q->fd >= 0)
		close(q->fd);
	q->fd = -1;
	free(q->slots);
	free(q->msgs);
	free(q->bufs);
	q->slots = NULL;
	q->msgs = NULL;
	q->bufs = NULL;
}

/* --- receiving --- */

static int int_of(const struct cmsghdr *c)
{
	int x = 0;

	memcpy(&x, CMSG_DATA(c), MIN(c->cmsg_len - CMSG_LEN(0), sizeof(x)));
	return x;
}

static void read_ipv4(const struct cmsghdr *c, struct flow_tnl *t, int *ifindex)
{
	struct in_pktinfo info;

	switch (c->cmsg_type) {
	case IP_PKTINFO:
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		t->dst = info.ipi_addr.s_addr;
		*ifindex = info.ipi_ifindex;
		break;
	case IP_TOS: t->tos = *CMSG_DATA(c); break;
	case IP_TTL: t->ttl = (uint8_t)int_of(c); break;
	}
}

static void read_ipv6(const struct cmsghdr *c, struct flow_tnl *t, int *ifindex)
{
	struct in6_pktinfo info;

	switch (c->cmsg_type) {
	case IPV6_PKTINFO:
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		memcpy(&t->dst6, &info.ipi6_addr, sizeof(t->dst6));
		*ifindex = (int)info.ipi6_ifindex;
		break;
	case IPV6_TCLASS: t->tos = (uint8_t)int_of(c); break;
	case IPV6_HOPLIMIT: t->ttl = (uint8_t)int_of(c); break;
	}
}

static void read_control(struct vxlan_rxq *q, struct msghdr *m, struct flow_tnl *t, int *ifindex)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP)
			read_ipv4(c, t, ifindex);
		else if (c->cmsg_level == IPPROTO_IPV6)
			read_ipv6(c, t, ifindex);
		else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL)
			__atomic_store_n(&q->overflows, (uint32_t)int_of(c), __ATOMIC_RELAXED);
	}
}

static void read_sender(const struct sockaddr_in6 *from, bool v6, struct flow_tnl *t)
{
	const struct sockaddr_in *v4 = (const void *)from;

	t->tp_src = v6 ? from->sin6_port : v4->sin_port;
	if (v6)
		memcpy(&t->src6, &from->sin6_addr, sizeof(t->src6));
	else
		t->src = v4->sin_addr.s_addr;
}

static uint32_t mtu_of(struct vxlan_rxq *q, int ifindex)
{
	uint64_t now = clock_mono_ns();

	if (q->mtu_ifindex != ifindex || now - q->mtu_ns > NSEC_PER_SEC) {
		q->mtu = linux_link_mtu(ifindex);
		q->mtu_ifindex = ifindex;
		q->mtu_ns = now;
	}
	return q->mtu;
}

/* A TCP frame longer than the way here had room for. */
static void note_large(struct vxlan_rxq *q, struct packet *p, const struct flow_tnl *t, int ifindex)
{
	uint32_t room, headers;

	if (p->csum_ofs != TCP_CSUM_OFS || p->len < (uint32_t)p->csum_start + TCP_HLEN)
		return;
	room = mtu_of(q, ifindex) + ETH_HLEN;
	headers = p->csum_start + (p->data[p->csum_start + TCP_OFFSET_OFS] >> 4) * 4u;
	if (room <= headers + vxlan_overhead(t) || p->len <= room - vxlan_overhead(t))
		return;
	p->gso_size = (uint16_t)(room - vxlan_overhead(t) - headers);
	p->gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
	if (p->csum_start >= ETH_HLEN + IPV6_HLEN && p->data[p->csum_start - IPV6_HLEN] >> 4 == 6 &&
	    p->data[p->csum_start - IPV6_HLEN + 6] == IPP_TCP)
		p->gso_type = VIRTIO_NET_HDR_GSO_TCPV6;
}

/* Message i, decapsulated into p and t; false when there is no inner frame. */
static bool take(struct vxlan_rxq *q, const struct vxlan_port *v, unsigned i, struct packet *p,
		 struct flow_tnl *t)
{
	struct msghdr *m = &q->msgs[i].msg_hdr;
	uint8_t *payload = q->bufs[i].iov.iov_base;
	uint32_t len = q->msgs[i].msg_len;
	int ifindex = 0;
	unsigned skip;

	if (m->msg_flags & MSG_TRUNC) {
		count_add(&q->truncated, 1);
		return false;
	}
	memset(t, 0, sizeof(*t));
	read_control(q, m, t, &ifindex);
	skip = vxlan_parse(payload, len, v->gbp, t);
	if (!skip) {
		count_add(&q->bad, 1);
		return false;
	}
	read_sender(&q->bufs[i].from, q->v6, t);
	t->tp_dst = htons(v->dst_port);
	memset(p, 0, sizeof(*p));
	p->data = payload + skip;
	p->len = len - skip;
	p->headroom = PACKET_HEADROOM;
	p->l3_ofs = p->l4_ofs = PACKET_NO_OFS;
	p->in_port = v->up.no;
	p->tnl = t;
	csum_note_partial(p);
	if (unlikely(p->flags & PACKET_F_CSUM_PARTIAL))
		note_large(q, p, t, ifindex);
	return true;
}

unsigned vxlan_rx_burst(struct vxlan_rxq *q, const struct vxlan_port *v, struct packet *pkts[])
{
	unsigned n = 0;
	int got;

	for (unsigned i = 0; i < PACKET_BATCH; i++) {
		q->msgs[i].msg_hdr.msg_namelen = sizeof(q->bufs[i].from);
		q->msgs[i].msg_hdr.msg_controllen = CONTROL_BYTES;
	}
	got = recvmmsg(q->fd, q->msgs, PACKET_BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < got; i++) {
		if (!take(q, v, (unsigned)i, &q->pkts[n], &q->tnl[n]))
			continue;
		count_add(&q->bytes, q->pkts[n].len);
		pkts[n] = &q->pkts[n];
		n++;
	}
	count_add(&q->packets, n);
	return n;
}
