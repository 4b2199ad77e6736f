/* SPDX-License-Identifier: Apache-2.0 */
/* A traffic source that costs little: the kernel's BPF_PROG_TEST_RUN with live frames
 * (Documentation/bpf/bpf_prog_run.rst).
 *
 * One frame is handed in; the kernel makes copies in batches and runs a small XDP program on each,
 * which numbers the flows and redirects the frame out of a device.  No skb is made on this side, so
 * one CPU offers several times what any switch here forwards.  The device at the other end must
 * take redirected frames: a veth's peer needs NAPI (ethtool -K PEER gro on).
 *
 *   frame_gen -i DEVICE [-s BYTES] [-n FLOWS] [-w SECONDS] [-t SECONDS] [-c CPU] [-d MAC]
 *             [-o DEVICE] [-p PID]
 *
 * FLOWS differ in the UDP source port (1024 up).  After -w seconds of warming up it looks at the
 * clocks and counters for -t seconds, then stops, and prints a line of five numbers: frames offered
 * a second in that time, packets a second that device -o received, share of a CPU (percent) that
 * process -p used; frames offered and packets received from the first to the last.  The looking is
 * done in here, because a script's would be late on a busy machine. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FIRST_PORT 1024
#define ETH_LEN 14
#define IP_LEN 20
#define UDP_LEN 8
#define MIN_FRAME (ETH_LEN + IP_LEN + UDP_LEN)
#define MAX_FRAME 1514

struct options {
	const char *device, *sink; /* sink NULL: nothing is received */
	int size, flows, cpu;
	pid_t pid; /* 0: nobody's CPU time */
	double warm, seconds;
	unsigned mac[6];
};

static long bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* ---- the program ---- */

#define INSN(CODE, DST, SRC, OFF, IMM)                                                             \
	{                                                                                          \
		.code = (CODE), .dst_reg = (DST), .src_reg = (SRC), .off = (OFF), .imm = (IMM)     \
	}
#define MOV64(DST, SRC) INSN(BPF_ALU64 | BPF_MOV | BPF_X, DST, SRC, 0, 0)
#define MOV64_IMM(DST, IMM) INSN(BPF_ALU64 | BPF_MOV | BPF_K, DST, 0, 0, IMM)
#define ADD64_IMM(DST, IMM) INSN(BPF_ALU64 | BPF_ADD | BPF_K, DST, 0, 0, IMM)
#define ALU32_IMM(OP, DST, IMM) INSN(BPF_ALU | (OP) | BPF_K, DST, 0, 0, IMM)
#define LOAD(SIZE, DST, SRC, OFF) INSN(BPF_LDX | BPF_MEM | (SIZE), DST, SRC, OFF, 0)
#define STORE(SIZE, DST, OFF, SRC) INSN(BPF_STX | BPF_MEM | (SIZE), DST, SRC, OFF, 0)
#define CALL(FN) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, FN)
#define EXIT() INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

/* The map's only element counts the frames. */
static int make_counter(void)
{
	union bpf_attr a = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 1
	};
	int fd = (int)bpf(BPF_MAP_CREATE, &a);

	if (fd < 0)
		die("BPF map");
	return fd;
}

static int load_program(int map, int ifindex, int flows)
{
	const struct bpf_insn code[] = {
		MOV64(BPF_REG_6, BPF_REG_1), /* r6 = context */
		MOV64_IMM(BPF_REG_2, 0),     /* key 0 */
		STORE(BPF_W, BPF_REG_10, -4, BPF_REG_2),
		MOV64(BPF_REG_2, BPF_REG_10),
		ADD64_IMM(BPF_REG_2, -4),
		INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, map),
		INSN(0, 0, 0, 0, 0),
		CALL(BPF_FUNC_map_lookup_elem),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 13, 0), /* to `out` */
		LOAD(BPF_DW, BPF_REG_7, BPF_REG_0, 0),
		LOAD(BPF_W, BPF_REG_2, BPF_REG_6, offsetof(struct xdp_md, data)),
		LOAD(BPF_W, BPF_REG_3, BPF_REG_6, offsetof(struct xdp_md, data_end)),
		MOV64(BPF_REG_4, BPF_REG_2),
		ADD64_IMM(BPF_REG_4, MIN_FRAME),
		INSN(BPF_JMP | BPF_JGT | BPF_X, BPF_REG_4, BPF_REG_3, 7, 0), /* to `out` */
		MOV64(BPF_REG_4, BPF_REG_7),
		ALU32_IMM(BPF_MOD, BPF_REG_4, flows),
		ALU32_IMM(BPF_ADD, BPF_REG_4, FIRST_PORT),
		INSN(BPF_ALU | BPF_END | BPF_TO_BE, BPF_REG_4, 0, 0, 16),
		STORE(BPF_H, BPF_REG_2, ETH_LEN + IP_LEN, BPF_REG_4),
		ADD64_IMM(BPF_REG_7, 1),
		STORE(BPF_DW, BPF_REG_0, 0, BPF_REG_7),
		/* out: */
		MOV64_IMM(BPF_REG_1, ifindex),
		MOV64_IMM(BPF_REG_2, 0),
		CALL(BPF_FUNC_redirect),
		EXIT(),
	};
	static char log[8192];
	union bpf_attr a = { .prog_type = BPF_PROG_TYPE_XDP,
			     .insns = (uintptr_t)code,
			     .insn_cnt = sizeof(code) / sizeof(code[0]),
			     .license = (uintptr_t) "GPL",
			     .log_buf = (uintptr_t)log,
			     .log_size = sizeof(log),
			     .log_level = 1 };
	int fd = (int)bpf(BPF_PROG_LOAD, &a);

	if (fd < 0) {
		(void)fprintf(stderr, "%s", log);
		die("BPF program");
	}
	return fd;
}

static uint64_t read_counter(int map)
{
	uint32_t key = 0;
	uint64_t n = 0;
	union bpf_attr a = { .map_fd = (uint32_t)map };

	a.key = (uintptr_t)&key;
	a.value = (uintptr_t)&n;
	if (bpf(BPF_MAP_LOOKUP_ELEM, &a))
		die("BPF map");
	return n;
}

/* ---- the frame: UDP from 10.0.0.1 to 10.0.0.2, port 9, no UDP checksum ---- */

static void put16(uint8_t *p, unsigned x)
{
	p[0] = (uint8_t)(x >> 8);
	p[1] = (uint8_t)x;
}

static void make_frame(uint8_t *f, const struct options *o)
{
	static const uint8_t ip[IP_LEN] = { 0x45, 0, 0,  0, 0, 0, 0,  0, 64, 17,
					    0,    0, 10, 0, 0, 1, 10, 0, 0,  2 };
	static const uint8_t src[6] = { 0x02, 0, 0, 0, 0xaa, 1 };
	uint32_t sum = 0;

	memset(f, 0, (size_t)o->size);
	for (int i = 0; i < 6; i++)
		f[i] = (uint8_t)o->mac[i];
	memcpy(f + 6, src, sizeof(src));
	put16(f + 12, 0x0800);
	memcpy(f + ETH_LEN, ip, sizeof(ip));
	put16(f + ETH_LEN + 2, (unsigned)o->size - ETH_LEN);
	for (int i = 0; i < IP_LEN; i += 2)
		sum += (uint32_t)(f[ETH_LEN + i] << 8 | f[ETH_LEN + i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	put16(f + ETH_LEN + 10, ~(sum + (sum >> 16)) & 0xffff);
	put16(f + ETH_LEN + IP_LEN, FIRST_PORT);
	put16(f + ETH_LEN + IP_LEN + 2, 9);
	put16(f + ETH_LEN + IP_LEN + 4, (unsigned)o->size - ETH_LEN - IP_LEN);
}

/* ---- looking ---- */

struct sample {
	double at, cpu_s;
	uint64_t offered, received;
};

static volatile sig_atomic_t stop;

static double seconds_of(clockid_t clock)
{
	struct timespec t = { 0 };

	(void)clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t received_by(const char *device)
{
	unsigned long long n = 0;
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/rx_packets", device);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%llu", &n) != 1)
		die(path);
	(void)fclose(f);
	return n;
}

static double cpu_of(pid_t pid)
{
	clockid_t clock;

	return pid && !clock_getcpuclockid(pid, &clock) ? seconds_of(clock) : 0;
}

static struct sample look(const struct options *o, int map)
{
	return (struct sample){ .at = seconds_of(CLOCK_MONOTONIC),
				.cpu_s = cpu_of(o->pid),
				.offered = read_counter(map),
				.received = o->sink ? received_by(o->sink) : 0 };
}

static void wait_for(double seconds)
{
	struct timespec t = { .tv_sec = (time_t)seconds };

	t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
	while (!stop && clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &t) == EINTR)
		;
}

static void report(const struct sample *a, const struct sample *b)
{
	double s = b->at - a->at;

	printf("%.0f %.0f %.0f", (double)(b->offered - a->offered) / s,
	       (double)(b->received - a->received) / s, (b->cpu_s - a->cpu_s) / s * 100);
}

/* ---- running ---- */

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

struct source { /* what the sending thread needs; borrowed */
	const struct options *o;
	uint8_t *frame;
	int prog, ifindex;
};

/* One call runs for long (each call waits for a grace period at its end), until a signal ends it.
 */
static void *send_frames(void *arg)
{
	const struct source *src = arg;
	struct xdp_md ctx = { .data_end = (uint32_t)src->o->size,
			      .ingress_ifindex = (uint32_t)src->ifindex };
	union bpf_attr a;

	while (!stop) {
		memset(&a, 0, sizeof(a));
		a.test.prog_fd = (uint32_t)src->prog;
		a.test.repeat = 1u << 30;
		a.test.data_in = (uintptr_t)src->frame;
		a.test.data_size_in = (uint32_t)src->o->size;
		a.test.ctx_in = (uintptr_t)&ctx;
		a.test.ctx_size_in = sizeof(ctx);
		a.test.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
		a.test.batch_size = 64;
		if (bpf(BPF_PROG_TEST_RUN, &a) && errno != EINTR)
			die("BPF_PROG_TEST_RUN");
	}
	return NULL;
}

static void settle(const struct options *o, uint64_t received)
{
	uint64_t was;

	do {
		struct timespec t = { .tv_nsec = 100000000 };

		was = received;
		(void)nanosleep(&t, NULL);
		received = received_by(o->sink);
	} while (received != was);
}

static void measure(const struct options *o, struct source *src, int map)
{
	struct sample first = look(o, map), a, b;
	struct timespec t = { .tv_nsec = 1000000 };
	pthread_t sender;

	if (pthread_create(&sender, NULL, send_frames, src))
		die("thread");
	wait_for(o->warm);
	a = look(o, map);
	wait_for(o->seconds);
	b = look(o, map);
	stop = 1;
	while (pthread_kill(sender, SIGUSR1) == 0 && pthread_tryjoin_np(sender, NULL))
		(void)nanosleep(&t, NULL);
	report(&a, &b);
	if (o->sink)
		settle(o, b.received);
	b = look(o, map);
	printf(" %llu %llu\n", (unsigned long long)(b.offered - first.offered),
	       (unsigned long long)(b.received - first.received));
}

static void usage(void)
{
	(void)fprintf(stderr, "frame_gen -i DEVICE [-s BYTES] [-n FLOWS] [-w SECONDS] "
			      "[-t SECONDS] [-c CPU] [-d MAC] [-o DEVICE] [-p PID]\n");
	exit(2);
}

static void parse_options(int argc, char **argv, struct options *o)
{
	int c;

	while ((c = getopt(argc, argv, "i:s:n:w:t:c:d:o:p:")) != -1) {
		switch (c) {
		case 'i': o->device = optarg; break;
		case 's': o->size = atoi(optarg); break;
		case 'n': o->flows = atoi(optarg); break;
		case 'w': o->warm = atof(optarg); break;
		case 't': o->seconds = atof(optarg); break;
		case 'o': o->sink = optarg; break;
		case 'p': o->pid = (pid_t)atoi(optarg); break;
		case 'c': o->cpu = atoi(optarg); break;
		case 'd':
			if (sscanf(optarg, "%x:%x:%x:%x:%x:%x", &o->mac[0], &o->mac[1], &o->mac[2],
				   &o->mac[3], &o->mac[4], &o->mac[5]) != 6)
				usage();
			break;
		default: usage();
		}
	}
	if (!o->device || o->size < MIN_FRAME || o->size > MAX_FRAME || o->flows < 1 ||
	    o->flows > 60000)
		usage();
}

int main(int argc, char **argv)
{
	struct options o = { .size = 60,
			     .flows = 1,
			     .cpu = 0,
			     .warm = 0.5,
			     .seconds = 3,
			     .mac = { 2, 0, 0, 0, 0xbb, 2 } };
	struct source src = { .o = &o };
	uint8_t frame[MAX_FRAME];
	cpu_set_t cpus;
	int map;

	parse_options(argc, argv, &o);
	src.ifindex = (int)if_nametoindex(o.device);
	if (!src.ifindex)
		die(o.device);
	CPU_ZERO(&cpus);
	CPU_SET((unsigned)o.cpu, &cpus);
	(void)sched_setaffinity(0, sizeof(cpus), &cpus); /* figures are worse without */
	(void)signal(SIGUSR1, on_signal);
	(void)signal(SIGINT, on_signal);
	(void)signal(SIGTERM, on_signal);
	make_frame(frame, &o);
	map = make_counter();
	src.frame = frame;
	src.prog = load_program(map, src.ifindex, o.flows);
	measure(&o, &src, map);
	return 0;
}
