/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/kernel/tc_lab.h"

#include <check.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/str.h"
#include "core/packet/packet.h"
#include "core/port/linux_link.h"
#include "tc/tc.h"

bool tc_lab_in_guest(void)
{
	if (getenv("SHUNT_LAB"))
		return true;
	puts("skipped: runs in a guest of the lab only: make check-kernel");
	return false;
}

static const char *name_of(const char *stem, unsigned i)
{
	static char names[4][16];
	static unsigned next;
	char *n = names[next++ % 4];

	(void)snprintf(n, sizeof(names[0]), "%s%u", stem, i);
	return n;
}

const char *tc_lab_near(unsigned i)
{
	return name_of(TC_LAB_NEAR, i);
}

const char *tc_lab_far(unsigned i)
{
	return name_of(TC_LAB_FAR, i);
}

void tc_lab_run(const char *fmt, ...)
{
	struct str cmd = STR_INIT;
	va_list args;
	int rc;

	va_start(args, fmt);
	str_vprintf(&cmd, fmt, args);
	va_end(args);
	rc = system(str_cstr(&cmd));
	ck_assert_msg(!rc, "%s: exit status %d", str_cstr(&cmd), rc);
	str_done(&cmd);
}

const char *tc_lab_read(const char *fmt, ...)
{
	static char text[65536];
	struct str cmd = STR_INIT;
	va_list args;
	size_t n;
	FILE *f;

	va_start(args, fmt);
	str_vprintf(&cmd, fmt, args);
	va_end(args);
	f = popen(str_cstr(&cmd), "re");
	ck_assert_ptr_nonnull(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	ck_assert_msg(!pclose(f), "%s", str_cstr(&cmd));
	str_done(&cmd);
	return text;
}

void tc_lab_veth(unsigned i)
{
	tc_lab_run("sysctl -qw net.ipv6.conf.default.disable_ipv6=1 && " /* every frame is ours */
		   "ip link add near%u up type veth peer name far%u && ip link set far%u up",
		   i, i, i);
}

void tc_lab_veth_gone(unsigned i)
{
	tc_lab_run("ip link del near%u", i);
}

static int lab_state(struct port *p, struct port_state *st)
{
	return linux_link_state(container_of(p, struct tc_lab_port, up)->ifindex, st);
}

static unsigned lab_rx(struct port *p, unsigned queue, struct packet *pkts[PACKET_BATCH])
{
	(void)p;
	(void)queue;
	(void)pkts;
	return 0;
}

static const struct port_ops kernel_ops = { .type = "lab", .state = lab_state };
static const struct port_ops user_ops = { .type = "lab", .state = lab_state, .rx = lab_rx };

void tc_lab_port_open(struct tc_lab_port *p, uint32_t no, const char *device, bool user)
{
	memset(p, 0, sizeof(*p));
	port_init(&p->up, user ? &user_ops : &kernel_ops, device);
	p->up.no.v = no;
	p->ifindex = (int)if_nametoindex(device);
	ck_assert_int_gt(p->ifindex, 0);
}

struct offload_device *tc_lab_attach(struct tc_lab_port *p)
{
	struct error err = ERROR_INIT;
	struct offload_device *dev;
	struct offload_caps caps;

	tc_register();
	ck_assert_msg(!offload_provider_find("tc", 2)->attach(&p->up, "", &dev, &err), "%s",
		      err.cause);
	ck_assert_int_eq(dev->ops->caps(dev, &caps), 0);
	return dev;
}

static int raw_socket(const char *device, uint16_t protocol)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(protocol),
				  .sll_ifindex = (int)if_nametoindex(device) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

void tc_lab_send(const char *device, const void *frame, size_t len)
{
	int fd = raw_socket(device, 0);

	ck_assert_int_eq(send(fd, frame, len, 0), (int)len);
	(void)close(fd);
}

#define MARK_TYPE 0x88b5 /* "local experimental" (IEEE 802) */

int tc_lab_marks(const char *device)
{
	return raw_socket(device, MARK_TYPE);
}

/* A mark comes behind all that waited before it; what those led to waits behind the mark, so that a
 * second one is needed. */
void tc_lab_settle(const char *far, int marks)
{
	uint8_t frame[60] = {
		2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, MARK_TYPE >> 8, MARK_TYPE & 0xff
	};
	struct pollfd p = { .fd = marks, .events = POLLIN };

	for (unsigned i = 0; i < 2; i++) {
		tc_lab_send(far, frame, sizeof(frame));
		ck_assert_int_eq(poll(&p, 1, 10000), 1);
		ck_assert_int_gt(recv(marks, frame, sizeof(frame), 0), 0);
	}
}

/* --- two ports --- */

static void open_pair(struct tc_lab_pair *l)
{
	for (unsigned i = 0; i < 2; i++) {
		tc_lab_port_open(&l->ports[i], i + 1, tc_lab_near(i), false);
		l->dev = tc_lab_attach(&l->ports[i]);
	}
	l->ops = l->dev->ops;
}

static void close_pair(struct tc_lab_pair *l)
{
	for (unsigned i = 0; i < 2; i++)
		l->ops->detach(l->dev, &l->ports[i].up);
}

void tc_lab_pair_begin(struct tc_lab_pair *l)
{
	for (unsigned i = 0; i < 2; i++)
		tc_lab_veth(i);
	open_pair(l);
	l->marks = tc_lab_marks(tc_lab_near(0));
}

void tc_lab_pair_end(struct tc_lab_pair *l)
{
	(void)close(l->marks);
	close_pair(l);
	for (unsigned i = 0; i < 2; i++)
		tc_lab_veth_gone(i);
}

void tc_lab_pair_anew(struct tc_lab_pair *l)
{
	close_pair(l);
	open_pair(l);
}

void tc_lab_pair_send(struct tc_lab_pair *l, const struct flow_key *key, unsigned n)
{
	struct packet *p = packet_compose(key, 20);

	for (unsigned i = 0; i < n; i++)
		tc_lab_send(tc_lab_far(0), p->data, p->len);
	packet_free(p);
	tc_lab_settle(tc_lab_far(0), l->marks);
}

void tc_lab_udp(struct flow_key *key, struct flow_key *mask)
{
	memset(key, 0, sizeof(*key));
	key->in_port = htonl(1);
	key->dl_dst = (struct eth_addr){ { 2, 0, 0, 0, 0, 1 } };
	key->dl_type = htons(0x0800);
	key->nw_proto = 17;
	key->nw_ttl = 64;
	memset(mask, 0, sizeof(*mask));
	mask->in_port = mask->recirc_id = UINT32_MAX;
	mask->dl_type = UINT16_MAX;
	mask->nw_frag = FLOW_FRAG_ANY | FLOW_FRAG_LATER;
}

int tc_lab_listen(const char *device)
{
	int on = 1, fd = raw_socket(device, ETH_P_ALL);

	ck_assert_int_eq(setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)), 0);
	return fd;
}

static size_t with_tag(struct msghdr *m, uint8_t *frame, size_t len)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		struct tpacket_auxdata aux;
		uint16_t tag[2];

		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		if (!(aux.tp_status & TP_STATUS_VLAN_VALID))
			continue;
		tag[0] = htons(aux.tp_status & TP_STATUS_VLAN_TPID_VALID ? aux.tp_vlan_tpid
									 : ETH_P_8021Q);
		tag[1] = htons(aux.tp_vlan_tci);
		memmove(frame + 16, frame + 12, len - 12);
		memcpy(frame + 12, tag, sizeof(tag));
		len += sizeof(tag);
	}
	return len;
}

size_t tc_lab_receive(int fd, void *frame, size_t size)
{
	char control[256];
	struct sockaddr_ll from;
	struct iovec iov = { frame, size - 4 };
	struct msghdr m = { .msg_name = &from,
			    .msg_namelen = sizeof(from),
			    .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	ssize_t n;

	do {
		m.msg_controllen = sizeof(control);
		n = recvmsg(fd, &m, MSG_DONTWAIT);
	} while (n > 0 && from.sll_pkttype == PACKET_OUTGOING);
	return n > 0 ? with_tag(&m, frame, (size_t)n) : 0;
}
