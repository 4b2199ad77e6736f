/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conform/port_conform.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"

#define FRAME_MAX 2048
#define PATIENCE_NS NSEC_PER_SEC

static const struct port_env *env;
static struct port *port;

static void setup(void)
{
	port = env->open();
	port->no.v = 7;
}

static void teardown(void)
{
	port_release(port);
}

/* ---- frames ---- */

static void make_frame(uint8_t *f, size_t len, uint32_t n)
{
	static const uint8_t macs[12] = { 2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 8 };

	for (size_t i = 0; i < len; i++)
		f[i] = (uint8_t)(i * 7 + n);
	memcpy(f, macs, sizeof(macs));
	f[12] = CONFORM_TYPE >> 8;
	f[13] = CONFORM_TYPE & 0xff;
	memcpy(f + 14, &n, sizeof(n));
}

/* The same with a VLAN tag. */
static void make_tagged(uint8_t *f, size_t len, uint32_t n)
{
	static const uint8_t tag[4] = { 0x81, 0x00, 0x60, 0x05 };

	make_frame(f + 4, len - 4, n);
	memmove(f, f + 4, 12);
	memcpy(f + 12, tag, sizeof(tag));
}

static bool is_mine(const uint8_t *d, size_t len)
{
	size_t at = len > 18 && d[12] == 0x81 && d[13] == 0 ? 16 : 12;

	return len > at + 1 && d[at] == CONFORM_TYPE >> 8 && d[at + 1] == (CONFORM_TYPE & 0xff);
}

static void send_frame(uint8_t *f, size_t len)
{
	struct packet *p = packet_new(f, len, 0);

	port->ops->tx(port, &p, 1);
	if (port->ops->tx_flush)
		port->ops->tx_flush(port);
	packet_free(p);
}

/* Receives until n of the test's frames have come; check() sees each. */
static unsigned receive(unsigned n, void (*check)(const struct packet *p, unsigned i, void *arg),
			void *arg)
{
	uint64_t end = clock_mono_ns() + PATIENCE_NS;
	unsigned got = 0;

	while (got < n && clock_mono_ns() < end) {
		struct packet *pkts[PACKET_BATCH];
		unsigned k = port->ops->rx(port, 0, pkts);

		for (unsigned i = 0; i < k; i++) {
			if (is_mine(pkts[i]->data, pkts[i]->len))
				check(pkts[i], got++, arg);
		}
		if (k && port->ops->rx_done)
			port->ops->rx_done(port, 0);
		if (!k)
			usleep(200);
	}
	return got;
}

static void ignore(const struct packet *p, unsigned i, void *arg)
{
	(void)p;
	(void)i;
	(void)arg;
}

/* ---- tests ---- */

START_TEST(sends_frames_as_they_are)
{
	static const size_t lens[] = { 18, 60, 61, 64, 128, 777, 1500, 1514 };
	uint8_t f[FRAME_MAX], got[FRAME_MAX];

	for (unsigned i = 0; i < ARRAY_SIZE(lens); i++) {
		make_frame(f, lens[i], i);
		send_frame(f, lens[i]);
		ck_assert_uint_eq(env->peer_recv(got, sizeof(got)), lens[i]);
		ck_assert_int_eq(memcmp(f, got, lens[i]), 0);
	}
	make_tagged(f, 100, 99);
	send_frame(f, 100);
	ck_assert_uint_eq(env->peer_recv(got, sizeof(got)), 100);
	ck_assert_int_eq(memcmp(f, got, 100), 0);
}
END_TEST

static void check_numbered(const struct packet *p, unsigned i, void *arg)
{
	static const size_t lens[] = { 18, 60, 333, 1514 };
	uint8_t f[FRAME_MAX];
	size_t len = lens[i % ARRAY_SIZE(lens)];

	(void)arg;
	make_frame(f, len, i);
	ck_assert_uint_eq(p->len, len);
	ck_assert_int_eq(memcmp(p->data, f, len), 0);
	ck_assert_uint_eq(p->in_port.v, 7);
	ck_assert_uint_ge(p->headroom, PACKET_HEADROOM);
	/* The headroom is really there. */
	memset(p->data - p->headroom, 0xee, p->headroom);
}

START_TEST(receives_frames_in_order)
{
	static const size_t lens[] = { 18, 60, 333, 1514 };
	uint8_t f[FRAME_MAX];

	for (unsigned i = 0; i < 300; i++) {
		make_frame(f, lens[i % ARRAY_SIZE(lens)], i);
		env->peer_send(f, lens[i % ARRAY_SIZE(lens)]);
	}
	ck_assert_uint_eq(receive(300, check_numbered, NULL), 300);
}
END_TEST

static void check_tagged(const struct packet *p, unsigned i, void *arg)
{
	uint8_t f[FRAME_MAX];

	(void)arg;
	make_tagged(f, 200, i);
	ck_assert_uint_eq(p->len, 200);
	ck_assert_int_eq(memcmp(p->data, f, 200), 0);
	ck_assert_uint_ge(p->headroom, PACKET_HEADROOM - 4);
}

START_TEST(receives_vlan_tags_in_the_frame)
{
	uint8_t f[FRAME_MAX];

	for (unsigned i = 0; i < 3; i++) {
		make_tagged(f, 200, i);
		env->peer_send(f, 200);
	}
	ck_assert_uint_eq(receive(3, check_tagged, NULL), 3);
}
END_TEST

START_TEST(sends_bursts_in_order)
{
	struct packet *pkts[PACKET_BATCH];
	uint8_t f[FRAME_MAX], got[FRAME_MAX];

	for (unsigned burst = 0; burst < 40; burst++) {
		for (unsigned i = 0; i < PACKET_BATCH; i++) {
			make_frame(f, 64, burst * PACKET_BATCH + i);
			pkts[i] = packet_new(f, 64, 0);
		}
		port->ops->tx(port, pkts, PACKET_BATCH);
		if (port->ops->tx_flush)
			port->ops->tx_flush(port);
		for (unsigned i = 0; i < PACKET_BATCH; i++) {
			make_frame(f, 64, burst * PACKET_BATCH + i);
			ck_assert_uint_eq(env->peer_recv(got, sizeof(got)), 64);
			ck_assert_int_eq(memcmp(f, got, 64), 0);
			/* tx left them as they were */
			ck_assert_int_eq(memcmp(f, pkts[i]->data, 64), 0);
			packet_free(pkts[i]);
		}
	}
}
END_TEST

START_TEST(counts_exactly)
{
	struct port_stats was, st;
	uint8_t f[FRAME_MAX], got[FRAME_MAX];

	ck_assert_int_eq(port->ops->stats(port, &was), 0);
	for (unsigned i = 0; i < 50; i++) {
		make_frame(f, 100, i);
		send_frame(f, 100);
		ck_assert_uint_eq(env->peer_recv(got, sizeof(got)), 100);
		make_frame(f, 64, i);
		env->peer_send(f, 64);
	}
	ck_assert_uint_eq(receive(50, ignore, NULL), 50);
	ck_assert_int_eq(port->ops->stats(port, &st), 0);
	ck_assert_uint_ge(st.rx_packets - was.rx_packets, 50);
	ck_assert_uint_ge(st.tx_packets - was.tx_packets, 50);
	if (env->other_traffic)
		return;
	ck_assert_uint_eq(st.rx_packets - was.rx_packets, 50);
	ck_assert_uint_eq(st.tx_packets - was.tx_packets, 50);
	ck_assert_uint_eq(st.rx_bytes - was.rx_bytes, 50 * 64);
	ck_assert_uint_eq(st.tx_bytes - was.tx_bytes, 50 * 100);
	ck_assert_uint_eq(st.rx_dropped + st.tx_dropped, was.rx_dropped + was.tx_dropped);
}
END_TEST

START_TEST(drops_and_counts_what_is_too_long)
{
	struct port_stats was, st;
	uint8_t f[FRAME_MAX], got[FRAME_MAX];

	if (!env->mtu)
		return;
	ck_assert_int_eq(port->ops->stats(port, &was), 0);
	make_frame(f, env->mtu + 40, 1);
	send_frame(f, env->mtu + 40);
	make_frame(f, 60, 2); /* the next one is not hurt */
	send_frame(f, 60);
	ck_assert_uint_eq(env->peer_recv(got, sizeof(got)), 60);
	ck_assert_int_eq(memcmp(f, got, 60), 0);
	ck_assert_int_eq(port->ops->stats(port, &st), 0);
	ck_assert_uint_eq(st.drops[PORT_DROP_TX_LEN] - was.drops[PORT_DROP_TX_LEN], 1);
	ck_assert_uint_eq(st.tx_dropped - was.tx_dropped, 1);
}
END_TEST

START_TEST(link_down_drops_and_comes_back)
{
	struct port_stats was, st;
	struct port_state state;
	uint8_t f[FRAME_MAX], got[FRAME_MAX];
	unsigned back = 0;
	uint64_t end;

	if (!env->has_link)
		return;
	ck_assert_int_eq(port->ops->stats(port, &was), 0);
	ck_assert_int_eq(port->ops->set_up(port, false), 0);
	ck_assert_int_eq(port->ops->state(port, &state), 0);
	ck_assert(!state.admin_up);
	for (unsigned i = 0; i < 3; i++) {
		make_frame(f, 60, i);
		send_frame(f, 60);
	}
	ck_assert_int_eq(port->ops->stats(port, &st), 0);
	ck_assert_uint_eq(st.tx_dropped - was.tx_dropped, 3);
	ck_assert_uint_eq(st.tx_packets, was.tx_packets);
	ck_assert_int_eq(port->ops->set_up(port, true), 0);
	for (end = clock_mono_ns() + PATIENCE_NS; clock_mono_ns() < end; usleep(1000)) {
		ck_assert_int_eq(port->ops->state(port, &state), 0);
		if (state.admin_up && state.carrier)
			break;
	}
	make_frame(f, 60, 77);
	send_frame(f, 60);
	ck_assert_uint_eq(env->peer_recv(got, sizeof(got)), 60);
	ck_assert_int_eq(memcmp(f, got, 60), 0);
	/* Linux lets the other end send a moment later (its link watch). */
	for (unsigned i = 0; i < 5 && !back; i++) {
		env->peer_send(f, 60);
		back = receive(1, ignore, NULL);
	}
	ck_assert_uint_eq(back, 1);
}
END_TEST

static void drain(void)
{
	struct packet *pkts[PACKET_BATCH];

	while (port->ops->rx(port, 0, pkts)) {
		if (port->ops->rx_done)
			port->ops->rx_done(port, 0);
	}
}

START_TEST(descriptor_tells_when_there_is_something)
{
	struct pollfd pfd = { .events = POLLIN };
	uint8_t f[FRAME_MAX];

	pfd.fd = port->ops->rx_fd(port, 0);
	ck_assert_int_ge(pfd.fd, 0);
	for (unsigned i = 0; i < 20; i++) {
		drain();
		make_frame(f, 60, i);
		env->peer_send(f, 60);
		ck_assert_int_eq(poll(&pfd, 1, 1000), 1);
	}
	drain();
	if (!env->other_traffic)
		ck_assert_int_eq(poll(&pfd, 1, 20), 0);
}
END_TEST

START_TEST(state_says_what_is_there)
{
	struct port_state st;

	ck_assert_int_eq(port->ops->state(port, &st), 0);
	ck_assert(st.admin_up);
	ck_assert(st.carrier);
	ck_assert_uint_gt(st.mtu, 0);
	ck_assert_uint_ne(strlen(st.driver), 0);
}
END_TEST

/* A vanished device neither crashes nor spins nor blocks whoever still uses the port. */
START_TEST(a_vanished_device_is_reported)
{
	struct packet *pkts[PACKET_BATCH];
	struct port_stats was, st;
	struct port_state state;
	uint8_t f[FRAME_MAX];

	if (!env->vanish)
		return;
	(void)port->ops->stats(port, &was);
	env->vanish();
	make_frame(f, 60, 1);
	for (unsigned i = 0; i < 5; i++) {
		send_frame(f, 60);
		drain();
		ck_assert_uint_eq(port->ops->rx(port, 0, pkts), 0);
	}
	ck_assert_int_eq(port->ops->state(port, &state), -ENODEV);
	(void)port->ops->stats(port, &st);
	ck_assert_uint_eq(st.drops[PORT_DROP_TX_DOWN] - was.drops[PORT_DROP_TX_DOWN], 5);
}
END_TEST

Suite *port_conform_suite(const struct port_env *e)
{
	Suite *s = suite_create(e->name);
	TCase *t = tcase_create("conformance");

	env = e;
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, sends_frames_as_they_are);
	tcase_add_test(t, receives_frames_in_order);
	tcase_add_test(t, receives_vlan_tags_in_the_frame);
	tcase_add_test(t, sends_bursts_in_order);
	tcase_add_test(t, counts_exactly);
	tcase_add_test(t, drops_and_counts_what_is_too_long);
	tcase_add_test(t, link_down_drops_and_comes_back);
	tcase_add_test(t, descriptor_tells_when_there_is_something);
	tcase_add_test(t, state_says_what_is_there);
	tcase_add_test(t, a_vanished_device_is_reported);
	suite_add_tcase(s, t);
	return s;
}
