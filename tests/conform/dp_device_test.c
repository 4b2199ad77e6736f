/* SPDX-License-Identifier: Apache-2.0 */
/* The user datapath between real stacks: two namespaces joined by veth pairs to AF_PACKET ports,
 * and the host's own leg by a TAP device, all with their offloads on.  TCP must arrive as it was
 * sent: large segments, unfinished checksums, tags and rewritten headers included. */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "core/base/hash.h"
#include "core/datapath/user/dp_user.h"
#include "tests/conform/wire.h"

#define TRANSFER (24u << 20)
#define PORT 7000

static struct dp *dp;
static struct dp_port no[4]; /* p0 (to A), p1 (to B), what else a test has */
static pid_t stack[2];
static int talk[2]; /* to each stack's process */

/* ---- the stacks: processes in namespaces of their own that run commands ---- */

struct order {
	char what; /* 's' serve, 'c' connect, 'x' command */
	char arg[200];
	uint16_t port;
};

static uint64_t serve(const struct order *o)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(o->port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1, c;
	static char buf[1 << 16];
	uint64_t h = 0, got = 0;
	ssize_t n;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 1))
		abort();
	(void)alarm(30);
	c = accept(fd, NULL, NULL);
	while ((n = recv(c, buf, sizeof(buf), MSG_WAITALL)) > 0) {
		h = hash_bytes(buf, (size_t)n, h);
		got += (uint64_t)n;
	}
	close(c);
	close(fd);
	(void)alarm(0);
	return h ^ got;
}

static uint64_t send_all(const struct order *o)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(o->port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	static char buf[1 << 16];
	uint64_t h = 0;

	(void)inet_pton(AF_INET, o->arg, &a.sin_addr);
	for (unsigned i = 0; connect(fd, (struct sockaddr *)&a, sizeof(a)); i++) {
		if (i == 50)
			return 0;
		usleep(50000);
		close(fd);
		fd = socket(AF_INET, SOCK_STREAM, 0);
	}
	for (uint64_t sent = 0; sent < TRANSFER; sent += sizeof(buf)) {
		for (unsigned i = 0; i < sizeof(buf); i += 8) {
			uint64_t x = hash_u64(sent + i, 1);

			memcpy(buf + i, &x, 8);
		}
		if (send(fd, buf, sizeof(buf), 0) != (ssize_t)sizeof(buf))
			return 0;
		h = hash_bytes(buf, sizeof(buf), h);
	}
	close(fd);
	return h ^ TRANSFER;
}

static void run_stack(int fd)
{
	struct order o;

	while (read(fd, &o, sizeof(o)) == (ssize_t)sizeof(o)) {
		uint64_t r = o.what == 's'   ? serve(&o)
			     : o.what == 'c' ? send_all(&o)
					     : (uint64_t)(system(o.arg) != 0);

		if (write(fd, &r, sizeof(r)) != (ssize_t)sizeof(r))
			break;
	}
	_exit(0);
}

static void start_stack(unsigned i)
{
	int s[2];
	char go;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	stack[i] = fork();
	if (!stack[i]) {
		close(s[0]);
		if (unshare(CLONE_NEWNET))
			_exit(1);
		(void)!write(s[1], "g", 1);
		run_stack(s[1]);
	}
	close(s[1]);
	talk[i] = s[0];
	ck_assert_int_eq(read(talk[i], &go, 1), 1);
}

static void order(unsigned i, char what, const char *arg, uint16_t port)
{
	struct order o = { .what = what, .port = port };

	(void)snprintf(o.arg, sizeof(o.arg), "%s", arg);
	ck_assert_int_eq(write(talk[i], &o, sizeof(o)), sizeof(o));
}

static uint64_t answer(unsigned i)
{
	uint64_t r;

	ck_assert_int_eq(read(talk[i], &r, sizeof(r)), sizeof(r));
	return r;
}

static void run_in(unsigned i, const char *command)
{
	order(i, 'x', command, 0);
	ck_assert_msg(!answer(i), "%s", command);
}

/* `from` sends to `to` at addr:port; what arrives at `at` must be the same. */
static void transfer(unsigned from, unsigned to, const char *addr, uint16_t port, uint16_t at)
{
	uint64_t sent, got;

	order(to, 's', "", at);
	order(from, 'c', addr, port);
	sent = answer(from);
	ck_assert_uint_ne(sent, 0);
	got = answer(to);
	ck_assert_uint_eq(sent, got);
}

/* ---- set-up ---- */

static struct dp_port add(const char *name, const char *type)
{
	struct port_config cfg = { .name = name, .type = type };
	struct error err = ERROR_INIT;
	struct dp_port n;

	ck_assert_msg(!dp->ops->port_add(dp, &cfg, (struct dp_port){ DP_PORT_NONE }, &n, &err),
		      "%s", err.cause);
	return n;
}

static void remove_devices(void)
{
	(void)!system("for d in p0 p1 p2; do ip link del $d; done 2>/dev/null");
}

static void setup(void)
{
	static const char end[2] = { 'a', 'b' };
	char cmd[256];

	ports_init();
	dp_user_init();
	(void)signal(SIGPIPE, SIG_IGN);
	remove_devices(); /* of a test that failed */
	for (unsigned i = 0; i < 2; i++) {
		start_stack(i);
		(void)snprintf(
			cmd, sizeof(cmd),
			"ip link add p%u type veth peer name %c0 netns %d && ip link set p%u up", i,
			end[i], (int)stack[i], i);
		must(cmd);
		(void)snprintf(
			cmd, sizeof(cmd),
			"ip link set lo up && ip addr add 10.9.0.%u/24 dev %c0 && ip link set "
			"%c0 up",
			i + 1, end[i], end[i]);
		run_in(i, cmd);
	}
	ck_assert_int_eq(dp_type_find("netdev")->open("t", &dp, NULL), 0);
	no[0] = add("p0", "system");
	no[1] = add("p1", "system");
}

static void teardown(void)
{
	dp->ops->close(dp, false);
	for (unsigned i = 0; i < 2; i++) {
		close(talk[i]);
		(void)kill(stack[i], SIGKILL);
		(void)waitpid(stack[i], NULL, 0);
	}
	remove_devices();
}

static void put(unsigned n, unsigned from, const struct flow_key *key, const struct flow_key *mask,
		struct buf *acts)
{
	struct flow_key k = *key, m = *mask;
	struct dp_flow_op op = { .kind = DP_FLOW_PUT,
				 .ufid = { { n, n } },
				 .key = &k,
				 .mask = &m,
				 .actions = dp_actions_of(acts) };

	k.in_port = htonl(no[from].v);
	m.in_port = UINT32_MAX;
	ck_assert_int_eq(dp_flow_do(dp, &op), 0);
	buf_done(acts);
	buf_init(acts);
}

static const struct flow_key any;

static void put_wire(unsigned n, unsigned from, unsigned to)
{
	struct buf acts = BUF_INIT;

	dp_actions_put_output(&acts, no[to]);
	put(n, from, &any, &any, &acts);
	buf_done(&acts);
}

/* ---- tests ---- */

START_TEST(tcp_crosses_between_veths)
{
	put_wire(1, 0, 1);
	put_wire(2, 1, 0);
	transfer(0, 1, "10.9.0.2", PORT, PORT);
	transfer(1, 0, "10.9.0.1", PORT, PORT);
}
END_TEST

/* Stacks without any offload send and expect finished frames. */
START_TEST(tcp_crosses_without_offloads)
{
	put_wire(1, 0, 1);
	put_wire(2, 1, 0);
	run_in(0, "ethtool -K a0 tx off rx off tso off gso off gro off >/dev/null 2>&1 || true");
	transfer(0, 1, "10.9.0.2", PORT, PORT);
	transfer(1, 0, "10.9.0.1", PORT, PORT);
}
END_TEST

/* Ports of a connection are rewritten on its way: checksums that are only begun must survive. */
START_TEST(tcp_crosses_with_rewritten_ports)
{
	struct flow_key key = { .dl_type = htons(0x0800), .nw_proto = 6 }, mask = { 0 };
	union field_value v = { .be16 = htons(PORT) }, m = { .be16 = UINT16_MAX };
	struct buf acts = BUF_INIT;

	mask.dl_type = UINT16_MAX;
	mask.nw_proto = UINT8_MAX;
	mask.nw_frag = UINT8_MAX;
	dp_actions_put_set(&acts, FIELD_TCP_DST, &v, &m);
	dp_actions_put_output(&acts, no[1]);
	put(1, 0, &key, &mask, &acts);
	v.be16 = htons(PORT + 1);
	dp_actions_put_set(&acts, FIELD_TCP_SRC, &v, &m);
	dp_actions_put_output(&acts, no[0]);
	put(2, 1, &key, &mask, &acts);
	/* everything that is not TCP: ARP */
	key.dl_type = htons(0x0806);
	mask.nw_proto = mask.nw_frag = 0;
	dp_actions_put_output(&acts, no[1]);
	put(3, 0, &key, &mask, &acts);
	dp_actions_put_output(&acts, no[0]);
	put(4, 1, &key, &mask, &acts);
	transfer(0, 1, "10.9.0.2", PORT + 1, PORT);
}
END_TEST

/* Between two more ports, wired to each other, every frame carries a tag. */
START_TEST(tcp_crosses_with_a_tag)
{
	struct act_push_vlan v = { htons(0x8100), htons(VLAN_CFI | 5) };
	struct buf acts = BUF_INIT;
	unsigned n = 0;

	must("ip link add p2 type veth peer name p3 && ip link set p2 up && ip link set p3 up");
	no[2] = add("p2", "system");
	no[3] = add("p3", "system");
	for (unsigned i = 0; i < 2; i++) { /* stack i is at port i, beside it is port i + 2 */
		struct flow_key key = { 0 }, mask = { 0 };

		dp_actions_put(&acts, DP_ACT_PUSH_VLAN, &v, sizeof(v));
		dp_actions_put_output(&acts, no[i + 2]);
		put(++n, i, &any, &any, &acts);
		key.vlans[0] = (struct flow_vlan){ v.tpid, v.tci };
		mask.vlans[0] = (struct flow_vlan){ UINT16_MAX, htons(VLAN_CFI | 0xfff) };
		dp_actions_put(&acts, DP_ACT_POP_VLAN, NULL, 0);
		dp_actions_put_output(&acts, no[i]);
		put(++n, i + 2, &key, &mask, &acts);
	}
	transfer(0, 1, "10.9.0.2", PORT, PORT);
	transfer(1, 0, "10.9.0.1", PORT, PORT);
}
END_TEST

START_TEST(tcp_reaches_the_host)
{
	struct order o = { .port = PORT };
	pid_t child;
	int status;

	if (access("/dev/net/tun", R_OK | W_OK))
		return;
	no[2] = add("br0", "internal");
	must("ip addr add 10.9.0.9/24 dev br0 && ip link set br0 up");
	put_wire(1, 0, 2);
	put_wire(2, 2, 0);
	order(0, 's', "", PORT); /* from the host to A */
	(void)snprintf(o.arg, sizeof(o.arg), "10.9.0.1");
	child = fork();
	if (!child) {
		uint64_t sent = send_all(&o), got = answer(0);

		_exit(sent && sent == got ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	child = fork(); /* and back */
	if (!child) {
		uint64_t got = serve(&o), sent = answer(0);

		_exit(sent && sent == got ? 0 : 1);
	}
	order(0, 'c', "10.9.0.9", PORT);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

static double cpu_seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Devices that go down or vanish under a polling worker do not make it spin, and what comes up
 * again works again. */
START_TEST(devices_that_go_do_not_make_workers_spin)
{
	double before;

	put_wire(1, 0, 1);
	put_wire(2, 1, 0);
	run_in(0, "ping -q -c 1 -W 2 10.9.0.2 >/dev/null");
	must("ip link set p0 down");
	usleep(300000);
	before = cpu_seconds();
	usleep(500000);
	ck_assert(cpu_seconds() - before < 0.05);
	must("ip link set p0 up");
	run_in(0, "ping -q -c 5 -i 0.3 -W 1 10.9.0.2 >/dev/null");
	must("ip link del p0");
	usleep(300000);
	before = cpu_seconds();
	usleep(500000);
	ck_assert(cpu_seconds() - before < 0.05);
	ck_assert_int_eq(dp->ops->port_del(dp, no[0]), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("user datapath on devices");
	TCase *t = tcase_create("devices");
	SRunner *r;
	int failed;

	netns_enter();
	r = srunner_create(s);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, tcp_crosses_between_veths);
	tcase_add_test(t, tcp_crosses_without_offloads);
	tcase_add_test(t, tcp_crosses_with_rewritten_ports);
	tcase_add_test(t, tcp_crosses_with_a_tag);
	tcase_add_test(t, tcp_reaches_the_host);
	tcase_add_test(t, devices_that_go_do_not_make_workers_spin);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
