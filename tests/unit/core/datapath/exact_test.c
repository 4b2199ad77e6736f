/* SPDX-License-Identifier: Apache-2.0 */
/* Every packet is counted once: flows come, change and go, workers are added and taken away, while
 * packets run. */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/rcu.h"
#include "core/datapath/user/dp_user.h"
#include "core/packet/parse.h"
#include "core/port/fake.h"
#include "tests/unit/seed.h"

#define N_IN 3u
#define N_FLOWS 48u
#define PER_PORT 150000u
#define BATCH 16u

static struct dp *dp;
static struct dp_port in_no[N_IN], out_no;
static struct port *in_port[N_IN], *out_port;
static _Atomic unsigned running;

static struct port *add(const char *name, const char *discard, struct dp_port *no)
{
	const char *keys[] = { "discard" }, *values[] = { discard };
	struct port_config cfg = {
		.name = name, .type = "fake", .keys = keys, .values = values, .n_options = 1
	};

	ck_assert_int_eq(dp->ops->port_add(dp, &cfg, (struct dp_port){ DP_PORT_NONE }, no, NULL),
			 0);
	return fake_find(name);
}

static void setup(void)
{
	static const char *const names[N_IN] = { "in0", "in1", "in2" };

	ports_init();
	dp_user_init();
	ck_assert_int_eq(dp_type_find("netdev")->open("t", &dp, NULL), 0);
	for (unsigned i = 0; i < N_IN; i++)
		in_port[i] = add(names[i], "false", &in_no[i]);
	out_port = add("out", "true", &out_no);
}

static void teardown(void)
{
	for (unsigned i = 0; i < N_IN; i++)
		port_unref(in_port[i]);
	port_unref(out_port);
	dp->ops->close(dp, false);
}

static struct flow_key key_of(unsigned flow)
{
	struct flow_key k;

	memset(&k, 0, sizeof(k));
	k.dl_type = htons(0x0800);
	k.nw_src = htonl(0x0a000000 + flow);
	k.nw_proto = 17;
	k.nw_ttl = 64;
	k.tp_dst = htons((uint16_t)(flow + 1));
	return k;
}

/* Sends PER_PORT packets of the flows in turn. */
static void *inject(void *arg)
{
	struct port *port = arg;
	struct packet *p[N_FLOWS];

	rcu_thread_start();
	for (unsigned i = 0; i < N_FLOWS; i++) {
		struct flow_key k = key_of(i);

		p[i] = packet_compose(&k, i);
	}
	for (unsigned i = 0; i < PER_PORT; i++) {
		while (fake_inject(port, 0, p[i % N_FLOWS]))
			usleep(50);
	}
	for (unsigned i = 0; i < N_FLOWS; i++)
		packet_free(p[i]);
	running--;
	rcu_thread_stop();
	return NULL;
}

/* One flow of the random mix: by one of three masks, so that several are searched. */
static void fill_put(struct dp_flow_op *op, unsigned flow, struct flow_key *key,
		     struct flow_key *mask, struct dp_actions acts)
{
	*key = key_of(flow);
	memset(mask, 0, sizeof(*mask));
	mask->nw_src = UINT32_MAX;
	if (flow % 3)
		mask->dl_type = UINT16_MAX;
	if (flow % 3 == 2)
		mask->nw_proto = UINT8_MAX;
	op->kind = DP_FLOW_PUT;
	op->key = key;
	op->mask = mask;
	op->actions = acts;
}

struct tally {
	uint64_t packets, bytes;
	bool there[N_FLOWS];
};

static void churn(struct rng *r, struct tally *t, const struct buf *acts)
{
	struct dp_flow_op ops[BATCH];
	struct flow_key key[BATCH], mask[BATCH];
	unsigned flow[BATCH];

	memset(ops, 0, sizeof(ops));
	for (unsigned i = 0; i < BATCH; i++) {
		struct dp_actions a = dp_actions_of(&acts[rng_below(r, 2)]);

		flow[i] = (unsigned)rng_below(r, N_FLOWS);
		ops[i].ufid = (struct ufid){ { flow[i] * UINT64_C(77777), flow[i] } };
		if (!t->there[flow[i]]) {
			fill_put(&ops[i], flow[i], &key[i], &mask[i], a);
		} else {
			ops[i].kind = rng_below(r, 2) ? DP_FLOW_DEL : DP_FLOW_MODIFY;
			ops[i].actions = a;
		}
		t->there[flow[i]] = ops[i].kind != DP_FLOW_DEL;
	}
	ck_assert_uint_eq(dp->ops->flow_batch(dp, ops, BATCH), 0);
	for (unsigned i = 0; i < BATCH; i++) {
		if (ops[i].kind == DP_FLOW_DEL) {
			t->packets += ops[i].stats.packets;
			t->bytes += ops[i].stats.bytes;
		}
	}
}

static void remove_all(struct tally *t)
{
	for (unsigned i = 0; i < N_FLOWS; i++) {
		struct dp_flow_op op = { .kind = DP_FLOW_DEL,
					 .ufid = { { i * UINT64_C(77777), i } } };

		if (!t->there[i])
			continue;
		ck_assert_int_eq(dp_flow_do(dp, &op), 0);
		t->packets += op.stats.packets;
		t->bytes += op.stats.bytes;
	}
}

static uint64_t received(void)
{
	struct port_stats st;
	uint64_t n = 0;

	for (unsigned i = 0; i < N_IN; i++) {
		ck_assert_int_eq(in_port[i]->ops->stats(in_port[i], &st), 0);
		n += st.rx_packets;
	}
	return n;
}

START_TEST(every_packet_is_counted_once)
{
	struct rng r = rng_start("exact");
	struct tally t = { 0 };
	struct buf acts[2] = { BUF_INIT, BUF_INIT };
	struct act_push_vlan v = { htons(0x8100), htons(VLAN_CFI | 1) };
	struct port_stats out;
	struct dp_stats st;
	pthread_t th[N_IN];
	unsigned turn = 0;

	dp_actions_put_output(&acts[0], out_no);
	dp_actions_put(&acts[1], DP_ACT_PUSH_VLAN, &v, sizeof(v));
	dp_actions_put(&acts[1], DP_ACT_POP_VLAN, NULL, 0);
	dp_actions_put_output(&acts[1], out_no);
	running = N_IN;
	for (unsigned i = 0; i < N_IN; i++)
		ck_assert_int_eq(pthread_create(&th[i], NULL, inject, in_port[i]), 0);
	while (running || received() < N_IN * PER_PORT) {
		churn(&r, &t, acts);
		if (++turn % 50 == 0) {
			struct dp_config cfg = { .n_workers = 1 + (unsigned)rng_below(&r, 3) };

			ck_assert_int_eq(dp->ops->configure(dp, &cfg, NULL), 0);
		}
		if (turn % 7 == 0)
			usleep((useconds_t)rng_below(&r, 2000));
	}
	for (unsigned i = 0; i < N_IN; i++)
		pthread_join(th[i], NULL);
	/* Every packet has been received; the last batches may still be on their way. */
	for (unsigned i = 0; i < 1000; i++) {
		dp->ops->stats(dp, &st);
		if (st.hits + st.misses == N_IN * PER_PORT)
			break;
		usleep(1000);
	}
	remove_all(&t);
	dp->ops->stats(dp, &st);
	ck_assert_uint_eq(st.hits + st.misses, N_IN * PER_PORT);
	ck_assert_uint_eq(t.packets, st.hits);
	ck_assert_uint_eq(st.lost, st.misses); /* no handlers here */
	ck_assert_uint_gt(st.hits, 0);
	ck_assert_uint_eq(st.n_flows, 0);
	ck_assert_int_eq(out_port->ops->stats(out_port, &out), 0);
	ck_assert_uint_eq(out.tx_packets, st.hits);
	ck_assert_uint_eq(out.tx_bytes, t.bytes);
	buf_done(&acts[0]);
	buf_done(&acts[1]);
}
END_TEST

/* ---- ports that come and go under traffic ---- */

START_TEST(ports_come_and_go_under_traffic)
{
	struct buf acts = BUF_INIT;
	struct flow_key mask = { 0 }, key = key_of(1);
	struct dp_flow_op op = { .kind = DP_FLOW_PUT, .ufid = { { 1, 1 } }, .key = &key };
	pthread_t th;

	mask.dl_type = UINT16_MAX;
	op.mask = &mask;
	dp_actions_put_output(&acts, out_no);
	dp_actions_put_output(&acts, (struct dp_port){ 77 });
	op.actions = dp_actions_of(&acts);
	ck_assert_int_eq(dp_flow_do(dp, &op), 0);
	running = 1;
	ck_assert_int_eq(pthread_create(&th, NULL, inject, in_port[0]), 0);
	while (running) {
		struct port_config cfg = { .name = "guest", .type = "fake" };
		struct dp_port no;

		ck_assert_int_eq(dp->ops->port_add(dp, &cfg, (struct dp_port){ 77 }, &no, NULL), 0);
		usleep(500);
		ck_assert_int_eq(dp->ops->port_del(dp, no), 0);
	}
	pthread_join(th, NULL);
	op.kind = DP_FLOW_DEL;
	while (received() < PER_PORT)
		usleep(1000);
	usleep(20000); /* the last batch */
	ck_assert_int_eq(dp_flow_do(dp, &op), 0);
	ck_assert_uint_eq(op.stats.packets, PER_PORT);
	buf_done(&acts);
}
END_TEST

/* ---- rest ---- */

static double cpu_seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

START_TEST(idle_workers_sleep)
{
	struct flow_key k = key_of(1);
	struct packet *p = packet_compose(&k, 1);
	double before;

	ck_assert_int_eq(fake_inject(in_port[0], 0, p), 0);
	usleep(50000); /* the active phase ends */
	before = cpu_seconds();
	usleep(400000);
	ck_assert(cpu_seconds() - before < 0.02);
	packet_free(p);
}
END_TEST

START_TEST(sleeping_workers_wake)
{
	struct flow_key k = key_of(1);
	struct packet *p = packet_compose(&k, 1);
	uint64_t worst = 0;
	struct dp_stats st;

	for (unsigned i = 1; i <= 20; i++) {
		uint64_t start;

		usleep(3000);
		start = clock_mono_ns();
		ck_assert_int_eq(fake_inject(in_port[i % N_IN], 0, p), 0);
		do {
			dp->ops->stats(dp, &st);
			ck_assert(clock_mono_ns() - start < 5 * NSEC_PER_SEC);
		} while (st.misses < i);
		worst = MAX(worst, clock_mono_ns() - start);
	}
	printf("slowest wake-up of 20: %.0f us\n", (double)worst / 1000);
	packet_free(p);
}
END_TEST

/* ---- the hook at a port's ingress ---- */

struct hook {
	struct port_ingress in;
	unsigned taken, left, flushes;
};

/* Takes every other packet. */
static unsigned take_half(void *ctx, struct port *p, struct packet *pkts[], unsigned n)
{
	struct hook *h = ctx;
	unsigned out = 0;

	for (unsigned i = 0; i < n; i++) {
		if ((h->taken + h->left) % 2) {
			pkts[out++] = pkts[i];
			h->left++;
		} else {
			h->taken++;
		}
	}
	return out;
}

static void note_flush(void *ctx)
{
	struct hook *h = ctx;

	h->flushes++;
}

START_TEST(ingress_comes_first)
{
	struct hook h = { .in = { .fn = take_half, .ctx = &h, .flush = note_flush } };
	struct flow_key k = key_of(1);
	struct packet *p = packet_compose(&k, 1);
	struct dp_stats st;

	ck_assert_ptr_null(port_set_ingress(in_port[0], &h.in));
	for (unsigned i = 0; i < 100; i++)
		ck_assert_int_eq(fake_inject(in_port[0], 0, p), 0);
	for (unsigned i = 0; i < 5000; i++) {
		dp->ops->stats(dp, &st);
		if (st.misses == 50)
			break;
		usleep(1000);
	}
	ck_assert_uint_eq(st.misses, 50);
	ck_assert_ptr_eq(port_set_ingress(in_port[0], NULL), &h.in);
	rcu_wait();
	ck_assert_uint_eq(h.taken, 50);
	ck_assert_uint_ge(h.flushes, 1);
	packet_free(p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("user datapath");
	TCase *t = tcase_create("threads");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 300);
	tcase_add_test(t, every_packet_is_counted_once);
	tcase_add_test(t, ports_come_and_go_under_traffic);
	tcase_add_test(t, idle_workers_sleep);
	tcase_add_test(t, sleeping_workers_wake);
	tcase_add_test(t, ingress_comes_first);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
