/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams of sFlow against a reader of the specification, cookies both ways, addresses as people
 * write them, and an agent with a collector on the loopback. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "ofproto/export/sflow.h"
#include "ofproto/export/sflow_target.h"
#include "ofproto/export/sflow_wire.h"
#include "tests/unit/seed.h"

/* --- a reader: each sample whole or not at all --- */

struct model_flow {
	struct sflow_flow_sample s;
	uint8_t header[SFLOW_HEADER_MAX];
};

static void read_flow(struct cursor *c, struct model_flow *m)
{
	uint32_t n;

	memset(m, 0, sizeof(*m));
	m->s.sequence = cursor_be32(c);
	m->s.source = cursor_be32(c);
	m->s.rate = cursor_be32(c);
	m->s.pool = cursor_be32(c);
	m->s.drops = cursor_be32(c);
	m->s.input = cursor_be32(c);
	m->s.output = cursor_be32(c);
	ck_assert_uint_eq(cursor_be32(c), 2);
	ck_assert_uint_eq(cursor_be32(c), 1); /* raw packet header */
	n = cursor_be32(c);
	ck_assert_uint_eq(cursor_be32(c), 1); /* Ethernet */
	m->s.frame_len = cursor_be32(c) - 4;  /* FCS */
	ck_assert_uint_eq(cursor_be32(c), 4);
	m->s.header_len = cursor_be32(c);
	ck_assert_uint_eq(n, 16 + (m->s.header_len + 3) / 4 * 4);
	ck_assert_uint_le(m->s.header_len, SFLOW_HEADER_MAX);
	cursor_copy(c, m->header, m->s.header_len);
	for (uint32_t i = m->s.header_len; i % 4; i++)
		ck_assert_uint_eq(cursor_u8(c), 0);
	ck_assert_uint_eq(cursor_be32(c), 1001); /* extended switch */
	ck_assert_uint_eq(cursor_be32(c), 16);
	m->s.in_tci = (uint16_t)cursor_be32(c);
	m->s.in_tci |= (uint16_t)(cursor_be32(c) << 13);
	m->s.out_tci = (uint16_t)cursor_be32(c);
	m->s.out_tci |= (uint16_t)(cursor_be32(c) << 13);
}

static void read_counters(struct cursor *c, struct sflow_counter_sample *m)
{
	uint32_t n, status, direction;

	memset(m, 0, sizeof(*m));
	m->sequence = cursor_be32(c);
	m->ifindex = cursor_be32(c);
	n = cursor_be32(c);
	m->ethernet = n == 2;
	ck_assert(n == 1 || n == 2);
	ck_assert_uint_eq(cursor_be32(c), 1); /* generic */
	ck_assert_uint_eq(cursor_be32(c), 88);
	ck_assert_uint_eq(cursor_be32(c), m->ifindex);
	ck_assert_uint_eq(cursor_be32(c), 6);
	m->speed_bps = cursor_be64(c);
	direction = cursor_be32(c);
	m->duplex_known = direction != 0;
	m->full_duplex = direction == 1;
	status = cursor_be32(c);
	m->admin_up = status & 1;
	m->oper_up = status & 2;
	m->rx_bytes = cursor_be64(c);
	m->rx_packets = cursor_be32(c);
	ck_assert_uint_eq(cursor_be32(c), UINT32_MAX);
	ck_assert_uint_eq(cursor_be32(c), UINT32_MAX);
	m->rx_dropped = cursor_be32(c);
	m->rx_errors = cursor_be32(c);
	ck_assert_uint_eq(cursor_be32(c), UINT32_MAX);
	m->tx_bytes = cursor_be64(c);
	m->tx_packets = cursor_be32(c);
	ck_assert_uint_eq(cursor_be32(c), UINT32_MAX);
	ck_assert_uint_eq(cursor_be32(c), UINT32_MAX);
	m->tx_dropped = cursor_be32(c);
	m->tx_errors = cursor_be32(c);
	ck_assert_uint_eq(cursor_be32(c), 0);
	if (!m->ethernet)
		return;
	ck_assert_uint_eq(cursor_be32(c), 2);
	ck_assert_uint_eq(cursor_be32(c), 52);
	m->alignment_errors = cursor_be32(c);
	m->fcs_errors = cursor_be32(c);
	for (unsigned i = 2; i < 11; i++)
		ck_assert_uint_eq(cursor_be32(c), UINT32_MAX);
	m->overruns = cursor_be32(c);
	ck_assert_uint_eq(cursor_be32(c), UINT32_MAX);
}

/* --- random samples --- */

#define MOST 64

struct one {
	bool is_flow;
	struct model_flow f;
	struct sflow_counter_sample c;
};

static void random_flow(struct rng *r, struct model_flow *m)
{
	memset(m, 0, sizeof(*m));
	m->s = (struct sflow_flow_sample){
		.sequence = (uint32_t)rng_next(r),
		.source = (uint32_t)rng_below(r, 1 << 24),
		.rate = (uint32_t)rng_next(r),
		.pool = (uint32_t)rng_next(r),
		.drops = (uint32_t)rng_next(r),
		.input = (uint32_t)rng_next(r),
		.output = (uint32_t)rng_next(r),
		.frame_len = (uint32_t)rng_below(r, 70000),
		.header_len = (uint32_t)rng_below(r, rng_below(r, 4) ? 140 : SFLOW_HEADER_MAX + 1),
		.in_tci = (uint16_t)(rng_next(r) & SFLOW_COOKIE_TCI),
		.out_tci = (uint16_t)(rng_next(r) & SFLOW_COOKIE_TCI),
	};
	for (uint32_t i = 0; i < m->s.header_len; i++)
		m->header[i] = (uint8_t)rng_next(r);
	m->s.header = m->header;
}

static void random_counters(struct rng *r, struct sflow_counter_sample *c)
{
	memset(c, 0, sizeof(*c));
	c->sequence = (uint32_t)rng_next(r);
	c->ifindex = (uint32_t)rng_next(r);
	c->speed_bps = rng_next(r);
	c->duplex_known = rng_below(r, 2);
	c->full_duplex = c->duplex_known && rng_below(r, 2);
	c->admin_up = rng_below(r, 2);
	c->oper_up = rng_below(r, 2);
	c->rx_bytes = rng_next(r);
	c->tx_bytes = rng_next(r);
	c->rx_packets = (uint32_t)rng_next(r);
	c->tx_packets = (uint32_t)rng_next(r);
	c->rx_dropped = (uint32_t)rng_next(r);
	c->tx_dropped = (uint32_t)rng_next(r);
	c->rx_errors = (uint32_t)rng_next(r);
	c->tx_errors = (uint32_t)rng_next(r);
	c->ethernet = rng_below(r, 2);
	if (!c->ethernet)
		return;
	c->alignment_errors = (uint32_t)rng_next(r);
	c->fcs_errors = (uint32_t)rng_next(r);
	c->overruns = (uint32_t)rng_next(r);
}

static void check_flow(const struct model_flow *want, const struct model_flow *got)
{
	struct sflow_flow_sample w = want->s, g = got->s;

	w.header = g.header = NULL;
	ck_assert_mem_eq(&w, &g, sizeof(w));
	ck_assert_mem_eq(want->header, got->header, sizeof(got->header));
}

static void check_datagram(const struct sflow_datagram *d, const struct be128 *agent,
			   const struct one *ones, unsigned n)
{
	struct cursor c = cursor_init(d->data, d->len);
	struct be128 ip;

	ck_assert_uint_le(d->len, SFLOW_DATAGRAM_MAX);
	ck_assert_uint_eq(cursor_be32(&c), 5);
	if (ip_addr_is4(agent)) {
		ck_assert_uint_eq(cursor_be32(&c), 1);
		ip = ip_addr4(htonl(cursor_be32(&c)));
	} else {
		ck_assert_uint_eq(cursor_be32(&c), 2);
		cursor_copy(&c, &ip, sizeof(ip));
	}
	ck_assert(ip_addr_equal(&ip, agent));
	ck_assert_uint_eq(cursor_be32(&c), 7);
	ck_assert_uint_eq(cursor_be32(&c), 42);
	ck_assert_uint_eq(cursor_be32(&c), 1234567);
	ck_assert_uint_eq(cursor_be32(&c), n);
	for (unsigned i = 0; i < n; i++) {
		static struct one got;
		uint32_t format = cursor_be32(&c), len = cursor_be32(&c);
		size_t left = cursor_left(&c);

		ck_assert_uint_eq(format, ones[i].is_flow ? 1 : 2);
		if (ones[i].is_flow) {
			read_flow(&c, &got.f);
			check_flow(&ones[i].f, &got.f);
		} else {
			read_counters(&c, &got.c);
			ck_assert_mem_eq(&ones[i].c, &got.c, sizeof(got.c));
		}
		ck_assert_uint_eq(left - cursor_left(&c), len);
	}
	ck_assert(!c.bad && !cursor_left(&c));
}

static bool put_one(struct rng *r, struct sflow_datagram *d, struct one *o)
{
	o->is_flow = rng_below(r, 2);
	if (o->is_flow) {
		random_flow(r, &o->f);
		return sflow_put_flow(d, &o->f.s);
	}
	random_counters(r, &o->c);
	return sflow_put_counters(d, &o->c);
}

START_TEST(datagrams_say_what_was_put)
{
	static struct one ones[MOST];
	struct rng r = rng_start("sFlow datagrams");

	for (int round = 0; round < 2000; round++) {
		struct be128 agent = ip_addr4((be32)rng_next(&r) | 1);
		struct sflow_datagram d;
		unsigned n = 0, most = (unsigned)rng_below(&r, MOST);

		if (rng_below(&r, 2))
			for (unsigned i = 0; i < 16; i++)
				agent.b[i] = (uint8_t)(rng_next(&r) | 1);
		memset(&d, 0xa5, sizeof(d));
		sflow_begin(&d, &agent, 7);
		while (n < most && put_one(&r, &d, &ones[n]))
			n++;
		ck_assert(n || !most); /* an empty one has room for any */
		sflow_end(&d, 42, 1234567);
		check_datagram(&d, &agent, ones, n);
	}
}
END_TEST

START_TEST(cookies_come_back)
{
	struct rng r = rng_start("sFlow cookies");

	for (int i = 0; i < 100000; i++) {
		struct sflow_cookie c = { (uint32_t)rng_next(&r),
					  (uint32_t)rng_below(&r, UINT32_MAX) + 1, rng_below(&r, 2),
					  0 },
				    back;
		uint64_t cookie[4], again[4];

		if (c.retagged)
			c.tci = (uint16_t)(rng_next(&r) & SFLOW_COOKIE_TCI);
		sflow_cookie_pack(&c, cookie);
		ck_assert(sflow_cookie_unpack(cookie, &back));
		ck_assert(back.output == c.output && back.rate == c.rate &&
			  back.retagged == c.retagged && back.tci == c.tci);
		/* What is taken for one is one: it packs to the same. */
		cookie[rng_below(&r, 4)] ^= UINT64_C(1) << rng_below(&r, 64);
		if (!sflow_cookie_unpack(cookie, &back))
			continue;
		sflow_cookie_pack(&back, again);
		ck_assert_mem_eq(cookie, again, sizeof(again));
	}
}
END_TEST

/* --- addresses --- */

static const struct {
	const char *text, *ip; /* NULL: refused */
	uint16_t port;
} targets[] = {
	{ "192.0.2.1:6344", "192.0.2.1", 6344 },
	{ "192.0.2.1", "192.0.2.1", 6343 },
	{ "[2001:db8::1]:1", "2001:db8::1", 1 },
	{ "[2001:db8::1]", "2001:db8::1", 6343 },
	{ "2001:db8::1", "2001:db8::1", 6343 },
	{ "", NULL, 0 },
	{ ":", NULL, 0 },
	{ ":6343", NULL, 0 },
	{ "192.0.2.1:", NULL, 0 },
	{ "192.0.2.1:0", NULL, 0 },
	{ "192.0.2.1:65536", NULL, 0 },
	{ "192.0.2.1:-1", NULL, 0 },
	{ "192.0.2.1:6343x", NULL, 0 },
	{ "192.0.2:6343", NULL, 0 },
	{ "collector.example:6343", NULL, 0 },
	{ "[2001:db8::1", NULL, 0 },
	{ "[2001:db8::1]6343", NULL, 0 },
	{ "[]:6343", NULL, 0 },
	{ "2001:db8::1:::6343", NULL, 0 },
	{ "ssl:192.0.2.1:6343", NULL, 0 },
	{ "[1111111111111111111111111111111111111111111111111111111111111111111111]:5", NULL, 0 },
};

START_TEST(targets_as_people_write_them)
{
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		struct sflow_address a;
		struct error err = ERROR_INIT;
		int rc = sflow_target_parse(targets[i].text, &a, &err);
		char ip[INET6_ADDRSTRLEN];
		const struct sockaddr_in *v4 = (const void *)&a.sa;
		const struct sockaddr_in6 *v6 = (const void *)&a.sa;

		if (!targets[i].ip) {
			ck_assert_msg(rc == -EINVAL, "%s", targets[i].text);
			ck_assert(strstr(err.cause, "it is written"));
			continue;
		}
		ck_assert_msg(!rc, "%s: %s", targets[i].text, err.cause);
		if (a.sa.ss_family == AF_INET)
			ck_assert(inet_ntop(AF_INET, &v4->sin_addr, ip, sizeof(ip)));
		else
			ck_assert(inet_ntop(AF_INET6, &v6->sin6_addr, ip, sizeof(ip)));
		ck_assert_str_eq(ip, targets[i].ip);
		ck_assert_uint_eq(ntohs(a.sa.ss_family == AF_INET ? v4->sin_port : v6->sin6_port),
				  targets[i].port);
	}
}
END_TEST

START_TEST(agents_are_addresses_or_devices)
{
	struct error err = ERROR_INIT;
	struct be128 ip;
	char text[IP_ADDR_TEXT];

	ck_assert(!sflow_agent_address("192.0.2.9", &ip, &err));
	ck_assert_str_eq(ip_addr_text(&ip, text), "192.0.2.9");
	ck_assert(!sflow_agent_address("2001:db8::9", &ip, &err));
	ck_assert_str_eq(ip_addr_text(&ip, text), "2001:db8::9");
	ck_assert_int_eq(sflow_agent_address("nosuchdevice0", &ip, &err), -EADDRNOTAVAIL);
	ck_assert(strstr(err.cause, "nosuchdevice0"));
}
END_TEST

/* --- an agent --- */

struct rig {
	struct loop *loop;
	struct sflow *s;
	int fd;
	char target[32];
	unsigned changes;
};

static void no_ports(void *ctx UNUSED, struct sflow *s)
{
	struct port_state st = { .ifindex = 5, .admin_up = true, .carrier = true };

	sflow_visit(s, &st, NULL);
	st.ifindex = 0; /* nobody knows it by a number */
	sflow_visit(s, &st, NULL);
}

static int no_stats(void *ctx UNUSED, void *port UNUSED, struct port_stats *st)
{
	st->rx_packets = 77;
	return 0;
}

static void count_changes(void *ctx)
{
	((struct rig *)ctx)->changes++;
}

static void rig_init(struct rig *g)
{
	static const struct sflow_ops ops = { no_ports, no_stats, count_changes };
	struct sockaddr_in sa = { .sin_family = AF_INET };
	struct timeval patience = { .tv_sec = 10 };
	socklen_t n = sizeof(sa);

	memset(g, 0, sizeof(*g));
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	g->fd = socket(AF_INET, SOCK_DGRAM, 0);
	ck_assert(g->fd >= 0 && !bind(g->fd, (const struct sockaddr *)&sa, sizeof(sa)) &&
		  !getsockname(g->fd, (struct sockaddr *)&sa, &n) &&
		  !setsockopt(g->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)));
	(void)snprintf(g->target, sizeof(g->target), "127.0.0.1:%u", ntohs(sa.sin_port));
	g->loop = loop_new(NULL);
	ck_assert(g->loop);
	g->s = sflow_new(g->loop, 7, &ops, g);
}

static void rig_done(struct rig *g)
{
	sflow_free(g->s);
	loop_free(g->loop);
	close(g->fd);
}

static void configure(struct rig *g, const char *agent, const char *target, uint32_t polling)
{
	struct sflow_config cfg = { .agent = agent,
				    .targets = &target,
				    .n_targets = target != NULL,
				    .rate = 1,
				    .header = 128,
				    .polling_s = polling };

	sflow_configure(g->s, &cfg);
}

static void put(struct rig *g, unsigned n)
{
	static const uint8_t frame[60];
	struct sflow_sample x = { .in_ifindex = 5,
				  .what = { .output = SFLOW_DROPPED_UNKNOWN, .rate = 3 },
				  .data = frame,
				  .data_len = sizeof(frame),
				  .frame_len = sizeof(frame) };

	while (n--)
		sflow_put(g->s, &x);
}

static void second(struct rig *g)
{
	loop_warp(g->loop, NSEC_PER_SEC);
	for (int i = 0; i < 3; i++)
		(void)loop_turn(g->loop, 0);
}

/* Reads datagrams until n samples of packets have come; their order and pool are right. */
static void expect_samples(struct rig *g, unsigned n, uint32_t first_datagram, uint32_t first)
{
	for (unsigned got = 0; got < n; first_datagram++) {
		uint8_t data[SFLOW_DATAGRAM_MAX + 1];
		ssize_t len = recv(g->fd, data, sizeof(data), 0);
		struct cursor c;
		uint32_t samples;

		ck_assert_int_gt(len, 28);
		ck_assert_int_le(len, SFLOW_DATAGRAM_MAX);
		c = cursor_init(data, (size_t)len);
		(void)cursor_take(&c, 16);
		ck_assert_uint_eq(cursor_be32(&c), first_datagram);
		(void)cursor_be32(&c);
		samples = cursor_be32(&c);
		for (; samples; samples--, got++) {
			static struct model_flow m;

			ck_assert_uint_eq(cursor_be32(&c), 1);
			(void)cursor_be32(&c);
			read_flow(&c, &m);
			ck_assert_uint_eq(m.s.sequence, first + got);
			ck_assert_uint_eq(m.s.pool, 3 * (first + got));
			ck_assert_uint_eq(m.s.rate, 3);
			ck_assert_uint_eq(m.s.output, SFLOW_DROPPED_UNKNOWN);
		}
		ck_assert(!c.bad && !cursor_left(&c));
	}
}

START_TEST(samples_go_out_within_a_second)
{
	struct sflow_stats st;
	struct rig g;

	rig_init(&g);
	configure(&g, "127.0.0.1", g.target, 0);
	ck_assert(sflow_is_on(g.s) && !*sflow_error(g.s) && g.changes == 1);
	put(&g, 100);
	second(&g);
	expect_samples(&g, 100, 1, 1);
	configure(&g, "127.0.0.1", g.target, 0); /* nothing new: numbers go on */
	put(&g, 1);
	sflow_get_stats(g.s, &st);
	ck_assert_uint_eq(st.samples, 100);
	second(&g);
	expect_samples(&g, 1, (uint32_t)st.datagrams + 1, 101);
	ck_assert_uint_eq(g.changes, 1);
	rig_done(&g);
}
END_TEST

/* An idle port is not one that is gone. */
START_TEST(numbers_go_on_while_the_port_is_there)
{
	struct sflow_stats st;
	struct rig g;

	rig_init(&g);
	configure(&g, "127.0.0.1", g.target, 0);
	put(&g, 2);
	second(&g);
	expect_samples(&g, 2, 1, 1);
	for (int i = 0; i < 200; i++)
		second(&g);
	put(&g, 1);
	second(&g);
	sflow_get_stats(g.s, &st);
	ck_assert_uint_eq(st.datagrams, 2);
	expect_samples(&g, 1, 2, 3);
	rig_done(&g);
}
END_TEST

START_TEST(counters_go_out_each_polling)
{
	struct sflow_stats st;
	struct rig g;

	rig_init(&g);
	configure(&g, "127.0.0.1", g.target, 3);
	for (int i = 0; i < 9; i++) { /* or fewer, where time itself goes on */
		second(&g);
		sflow_get_stats(g.s, &st);
		if (st.counter_samples == 3)
			break;
	}
	ck_assert_uint_eq(st.counter_samples, 3);
	for (uint32_t i = 1; i <= 3; i++) {
		uint8_t data[SFLOW_DATAGRAM_MAX];
		struct sflow_counter_sample m;
		ssize_t len = recv(g.fd, data, sizeof(data), 0);
		struct cursor c = cursor_init(data, len > 0 ? (size_t)len : 0);

		(void)cursor_take(&c, 24);
		ck_assert_uint_eq(cursor_be32(&c), 1);
		ck_assert_uint_eq(cursor_be32(&c), 2);
		(void)cursor_be32(&c);
		read_counters(&c, &m);
		ck_assert(!c.bad && !cursor_left(&c));
		ck_assert_uint_eq(m.sequence, i);
		ck_assert_uint_eq(m.ifindex, 5);
		ck_assert_uint_eq(m.rx_packets, 77);
		ck_assert(m.admin_up && m.oper_up && !m.duplex_known);
	}
	rig_done(&g);
}
END_TEST

START_TEST(what_is_missing_is_said)
{
	struct sflow_stats st;
	struct rig g;

	rig_init(&g);
	configure(&g, "nosuchdevice0", g.target, 0);
	ck_assert(!sflow_is_on(g.s) && strstr(sflow_error(g.s), "nosuchdevice0"));
	put(&g, 5);
	configure(&g, "127.0.0.1", "collector.example", 0);
	ck_assert(!sflow_is_on(g.s) && strstr(sflow_error(g.s), "collector.example"));
	configure(&g, NULL, NULL, 0);
	ck_assert(!sflow_is_on(g.s) && strstr(sflow_error(g.s), "name a collector"));
	configure(&g, NULL, g.target, 0); /* the way there knows an address */
	ck_assert(sflow_is_on(g.s) && !*sflow_error(g.s));
	sflow_get_stats(g.s, &st);
	ck_assert_uint_eq(st.samples, 0);
	rig_done(&g);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sFlow");
	TCase *c = tcase_create("all");
	SRunner *sr;
	int failed;

	tcase_set_timeout(c, 60);
	tcase_add_test(c, datagrams_say_what_was_put);
	tcase_add_test(c, cookies_come_back);
	tcase_add_test(c, targets_as_people_write_them);
	tcase_add_test(c, agents_are_addresses_or_devices);
	tcase_add_test(c, samples_go_out_within_a_second);
	tcase_add_test(c, numbers_go_on_while_the_port_is_there);
	tcase_add_test(c, counters_go_out_each_polling);
	tcase_add_test(c, what_is_missing_is_said);
	suite_add_tcase(s, c);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
