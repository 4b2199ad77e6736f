/* SPDX-License-Identifier: Apache-2.0 */
/* Frames through a switch and back into one process, in a closed loop: what comes out is counted,
 * so nothing has to be believed about what went in.
 *
 *   probe setup -g DEVICE -s DEVICE -n FLOWS [-w WINDOW] [-f FIRST] [-m SECONDS] [-r NETNS]
 *       Sends one frame of each of FLOWS flows (UDP; they differ in the source address, 10.x.x.x,
 *       from FIRST up) into DEVICE g, with at most WINDOW under way, and waits for each at DEVICE
 *       s.  One that has not come after 0.2 s is taken for lost and replaced by another flow.
 *       With -r it then waits until the kernel has told of as many rules that were added to TC in
 *       the network namespace NETNS, a file.  Prints: arrived, lost, seconds, arrivals a second.
 *   probe start -g DEVICE -s DEVICE [-m SECONDS] -- COMMAND...
 *       Starts the command, sends a frame each 0.2 ms and prints the milliseconds from the start
 *       of the command to the first frame that arrives.  The command is left running. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define FRAME 60
#define BATCH 64u
#define MAX_WINDOW 4096u
#define SRC_OFS (ETH_HLEN + 12)
#define LOST_S 0.2
#define START_EVERY_NS 200000
#define RCVBUF (8 << 20)

struct options {
	const char *in, *out;
	unsigned flows, window, first;
	double seconds;    /* at most */
	const char *rules; /* namespace whose rules are waited for; NULL: none */
	char **command;
};

static void die(const char *what)
{
	(void)fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- sockets ---- */

static int open_device(const char *name, int protocol)
{
	struct sockaddr_ll a = { .sll_family = AF_PACKET,
				 .sll_ifindex = (int)if_nametoindex(name) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), size = RCVBUF;

	a.sll_protocol = htons((uint16_t)protocol);
	if (fd < 0 || !a.sll_ifindex || bind(fd, (struct sockaddr *)&a, sizeof(a)))
		die(name);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return fd;
}

/* ---- the frame: UDP from 10.x.x.x to 10.0.0.2, port 9, no UDP checksum ---- */

static const uint8_t template[FRAME] = {
	0x02, 0, 0, 0,  0xbb, 2,  0x02, 0, 0,  0,  0xaa, 1, 0x08, 0, /* Ethernet */
	0x45, 0, 0, 46, 0,    0,  0,    0, 64, 17, 0,    0, 10,   0, 0, 1, 10, 0, 0, 2, /* IP */
	0x04, 0, 0, 9,  0,    26, 0,    0,                                              /* UDP */
};

static void put_checksum(uint8_t *ip)
{
	uint32_t sum = 0;

	ip[10] = ip[11] = 0;
	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~(sum + (sum >> 16)) & 0xffff;
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
}

static void make_frame(uint8_t *f, unsigned flow)
{
	memcpy(f, template, FRAME);
	f[SRC_OFS + 1] = (uint8_t)(flow >> 16);
	f[SRC_OFS + 2] = (uint8_t)(flow >> 8);
	f[SRC_OFS + 3] = (uint8_t)flow;
	put_checksum(f + ETH_HLEN);
}

static bool is_ours(const uint8_t *f, ssize_t len)
{
	return len >= FRAME && !memcmp(f, template, ETH_HLEN);
}

struct frames {
	struct mmsghdr m[BATCH];
	struct iovec io[BATCH];
	_Alignas(8) uint8_t f[BATCH][128];
};

static void frames_init(struct frames *b)
{
	memset(b, 0, sizeof(*b));
	for (unsigned i = 0; i < BATCH; i++) {
		b->io[i] = (struct iovec){ b->f[i], FRAME };
		b->m[i].msg_hdr.msg_iov = &b->io[i];
		b->m[i].msg_hdr.msg_iovlen = 1;
	}
}

static unsigned send_flows(int fd, struct frames *b, unsigned first, unsigned n)
{
	int sent;

	if (n > BATCH)
		n = BATCH;
	for (unsigned i = 0; i < n; i++)
		make_frame(b->f[i], first + i);
	sent = sendmmsg(fd, b->m, n, 0);
	if (sent < 0 && errno != EAGAIN && errno != ENOBUFS)
		die("send");
	return sent < 0 ? 0 : (unsigned)sent;
}

static unsigned receive(int fd, struct frames *b)
{
	int n = recvmmsg(fd, b->m, BATCH, MSG_DONTWAIT, NULL);
	unsigned ours = 0;

	for (int i = 0; i < n; i++)
		ours += is_ours(b->f[i], (ssize_t)b->m[i].msg_len);
	return ours;
}

static void wait_for(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	(void)poll(&p, 1, ms);
}

/* ---- rules ---- */

/* Of another namespace; this one is left and entered again. */
static int open_notices(const char *netns)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_groups = 1u << (RTNLGRP_TC - 1) };
	int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int there = open(netns, O_RDONLY | O_CLOEXEC), fd, size = 4 * RCVBUF;

	if (here < 0 || there < 0 || setns(there, CLONE_NEWNET))
		die(netns);
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) || setns(here, CLONE_NEWNET))
		die("netlink");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	(void)close(here);
	(void)close(there);
	return fd;
}

/* A notice is a datagram; only its header is read. */
static unsigned receive_rules(int fd, struct frames *b)
{
	unsigned rules = 0;
	int n;

	while ((n = recvmmsg(fd, b->m, BATCH, MSG_DONTWAIT, NULL)) > 0)
		for (int i = 0; i < n; i++)
			rules += ((const struct nlmsghdr *)(const void *)b->f[i])->nlmsg_type ==
				 RTM_NEWTFILTER;
	if (n < 0 && errno != EAGAIN)
		die("notices of rules");
	return rules;
}

static bool await_rules(int fd, struct frames *b, unsigned n, double until)
{
	unsigned rules = 0;

	while ((rules += receive_rules(fd, b)) < n) {
		if (now() > until)
			return false;
		wait_for(fd, 10);
	}
	return true;
}

/* ---- set-ups ---- */

static int run_setup(const struct options *o)
{
	static struct frames tx, rx;
	int in = open_device(o->in, 0), out = open_device(o->out, ETH_P_ALL);
	int notices = o->rules ? open_notices(o->rules) : -1;
	unsigned next = o->first, arrived = 0, lost = 0, under_way = 0;
	double start = now(), last = start, end;

	frames_init(&tx);
	frames_init(&rx);
	while (arrived < o->flows && now() - start < o->seconds) {
		unsigned room = o->window - under_way, left = o->flows - arrived - under_way, n;

		n = send_flows(in, &tx, next, room < left ? room : left);
		next += n;
		under_way += n;
		n = receive(out, &rx);
		if (n) {
			last = now();
			arrived += n;
			under_way -= n < under_way ? n : under_way; /* one came late */
		} else if (now() - last > LOST_S) {
			lost += under_way;
			under_way = 0;
			last = now();
		} else if (under_way == o->window || arrived + under_way >= o->flows) {
			wait_for(out, 10);
		}
	}
	if (o->rules && !await_rules(notices, &rx, o->flows, start + o->seconds)) {
		(void)fprintf(stderr, "probe: not all rules are there in time\n");
		return 1;
	}
	end = now();
	printf("%u %u %.4f %.0f\n", arrived, lost, end - start, arrived / (end - start));
	return arrived < o->flows;
}

/* ---- start ---- */

static int run_start(const struct options *o)
{
	static struct frames tx, rx;
	int in = open_device(o->in, 0), out = open_device(o->out, ETH_P_ALL);
	struct timespec pause = { .tv_nsec = START_EVERY_NS };
	double start;
	pid_t pid;

	frames_init(&tx);
	frames_init(&rx);
	(void)signal(SIGCHLD, SIG_IGN);
	start = now();
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		(void)signal(SIGCHLD, SIG_DFL);
		if (!freopen("/dev/null", "w", stdout)) /* who reads our figure waits for its end */
			die("/dev/null");
		(void)execvp(o->command[0], o->command);
		die(o->command[0]);
	}
	while (!receive(out, &rx)) {
		if (now() - start > o->seconds) {
			(void)fprintf(stderr, "probe: nothing arrived in %.0f s\n", o->seconds);
			return 1;
		}
		(void)send_flows(in, &tx, o->first, 1); /* a queue that is full is as good */
		(void)nanosleep(&pause, NULL);
	}
	printf("%.2f\n", (now() - start) * 1e3);
	return 0;
}

/* ---- options ---- */

static int usage(void)
{
	(void)fprintf(stderr, "probe setup -g DEVICE -s DEVICE -n FLOWS [-w WINDOW] [-f FIRST] "
			      "[-m SECONDS] [-r NETNS]\n"
			      "probe start -g DEVICE -s DEVICE [-m SECONDS] -- COMMAND...\n");
	return 2;
}

static bool parse_options(int argc, char **argv, struct options *o)
{
	int c;

	while ((c = getopt(argc, argv, "+g:s:n:w:f:m:r:")) != -1) {
		switch (c) {
		case 'g': o->in = optarg; break;
		case 's': o->out = optarg; break;
		case 'n': o->flows = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'w': o->window = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'f': o->first = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'r': o->rules = optarg; break;
		case 'm': o->seconds = strtod(optarg, NULL); break;
		default: return false;
		}
	}
	o->command = argv + optind;
	return o->in && o->out && o->window >= 1 && o->window <= MAX_WINDOW && o->seconds > 0;
}

int main(int argc, char **argv)
{
	struct options o = { .window = 128, .seconds = 60 };

	if (argc < 2 || !parse_options(argc - 1, argv + 1, &o))
		return usage();
	if (!strcmp(argv[1], "setup") && o.flows)
		return run_setup(&o);
	if (!strcmp(argv[1], "start") && o.command[0])
		return run_start(&o);
	return usage();
}
