/* SPDX-License-Identifier: Apache-2.0 */
/* The other end of a Linux device: a packet socket on it. */
#pragma once

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/conform/netns.h"

/* Bound to `device`, taking frames of every type that come in there. */
static inline int wire_open(const char *device)
{
	struct sockaddr_ll sll = { .sll_family = AF_PACKET,
				   .sll_protocol = htons(ETH_P_ALL),
				   .sll_ifindex = (int)if_nametoindex(device) };
	int fd = socket(AF_PACKET, SOCK_RAW, 0), one = 1, bytes = 8 << 20;

	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&sll, sizeof(sll)))
		abort();
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)); /* a wish */
	return fd;
}

static inline void wire_send(int fd, const void *frame, size_t len)
{
	if (send(fd, frame, len, 0) != (ssize_t)len)
		abort();
}

/* Puts the tag back that the kernel took out. */
static inline size_t wire_retag(struct msghdr *m, uint8_t *f, size_t len)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		struct tpacket_auxdata aux;
		be16 tag[2];

		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		if (!(aux.tp_status & TP_STATUS_VLAN_VALID))
			continue;
		tag[0] = htons(aux.tp_vlan_tpid);
		tag[1] = htons(aux.tp_vlan_tci);
		memmove(f + 16, f + 12, len - 12);
		memcpy(f + 12, tag, sizeof(tag));
		return len + 4;
	}
	return len;
}

/* The next frame of EtherType `type`, tagged or not, within a second; 0 = none. */
static inline size_t wire_recv(int fd, void *frame, size_t size, uint16_t type)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	uint8_t *f = frame;

	while (poll(&pfd, 1, 1000) == 1) {
		char aux[128];
		struct iovec iov = { frame, size - 4 };
		struct msghdr m = { .msg_iov = &iov,
				    .msg_iovlen = 1,
				    .msg_control = aux,
				    .msg_controllen = sizeof(aux) };
		ssize_t n = recvmsg(fd, &m, 0);
		size_t len = n > 14 ? wire_retag(&m, f, (size_t)n) : 0, at;

		if (!len)
			continue;
		at = f[12] == 0x81 && f[13] == 0 ? 16 : 12;
		if (f[at] << 8 == (type & 0xff00) && f[at + 1] == (type & 0xff))
			return len;
	}
	return 0;
}
