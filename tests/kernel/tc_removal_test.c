/* SPDX-License-Identifier: Apache-2.0 */
/* Removal and replacement of a rule in TC's software while another processor switches packets of
 * it: none is lost from the counts.
 *
 * One thread sends frames of one flow as fast as it can, on a processor of its own where there are
 * several; the other puts the rule in, replaces it and takes it out.  Frames that met the rule are
 * in its last readings, the others in the counter of a filter behind it; together they are what was
 * sent. */
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "offload/provider.h"
#include "tc/tc.h"
#include "tests/conform/wire.h"
#include "tests/kernel/tc_lab.h"

static struct tc_lab_port port;
static struct offload_device *dev;
static _Atomic bool ending;
static _Atomic uint64_t sent;

static void pin(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	(void)sched_setaffinity(0, sizeof(set), &set); /* fails where there is one */
}

static void make_key(struct flow_key *k)
{
	memset(k, 0, sizeof(*k));
	k->in_port = htonl(1);
	k->dl_dst = (struct eth_addr){ { 2, 0, 0, 0, 0, 1 } };
	k->dl_src = (struct eth_addr){ { 2, 0, 0, 0, 0, 2 } };
	k->dl_type = htons(0x0800);
	k->nw_src = htonl(0x0a000001);
	k->nw_dst = htonl(0x0a000002);
	k->nw_proto = 17;
	k->nw_ttl = 64;
	k->tp_dst = htons(80);
}

static void *send_all(void *arg)
{
	struct packet *p = arg;
	int fd = wire_open(tc_lab_far(0));

	pin(0);
	while (!atomic_load(&ending)) {
		wire_send(fd, p->data, p->len);
		atomic_fetch_add(&sent, 1);
	}
	(void)close(fd);
	return NULL;
}

static void pause_us(unsigned us)
{
	struct timespec t = { .tv_nsec = (long)us * 1000 };

	(void)nanosleep(&t, NULL);
}

static void apply(struct offload_req *q, enum offload_req_kind kind)
{
	pause_us(500);
	q->kind = kind;
	ck_assert_uint_eq(dev->ops->apply(dev, q, 1), 0);
}

/* What the filter behind has counted. */
static uint64_t behind(void)
{
	const char *s = strstr(
		tc_lab_read("tc -s filter show dev " TC_LAB_NEAR "0 ingress prio 65000"), " pkt");

	ck_assert_ptr_nonnull(s);
	while (s[-1] != ' ')
		s--;
	return strtoull(s, NULL, 10);
}

struct tally {
	uint64_t packets, bytes;
};

static void add(struct tally *t, const struct offload_req *q)
{
	ck_assert(q->final_ok);
	t->packets += q->final.packets;
	t->bytes += q->final.bytes;
}

static void churn(struct tally *t, unsigned rounds)
{
	struct flow_key key, mask;
	struct offload_req q;

	make_key(&key);
	memset(&mask, 0, sizeof(mask));
	mask.in_port = mask.recirc_id = UINT32_MAX;
	mask.dl_type = UINT16_MAX;
	mask.nw_proto = UINT8_MAX;
	mask.tp_dst = UINT16_MAX;
	memset(&q, 0, sizeof(q));
	q.rule.ufid = (struct ufid){ { 5, 5 } };
	q.rule.key = &key;
	q.rule.mask = &mask; /* and no actions: a drop */
	for (unsigned i = 0; i < rounds; i++) {
		apply(&q, OFFLOAD_INSTALL);
		for (unsigned j = 0; j < i % 3; j++) {
			apply(&q, OFFLOAD_REPLACE);
			add(t, &q);
		}
		apply(&q, OFFLOAD_REMOVE);
		add(t, &q);
	}
}

START_TEST(every_packet_is_counted)
{
	const char *text = getenv("ROUNDS");
	unsigned rounds = text ? (unsigned)atoi(text) : 100;
	struct tally t = { 0, 0 };
	struct packet *frame;
	struct flow_key key;
	uint64_t missed;
	pthread_t thread;

	make_key(&key);
	frame = packet_compose(&key, 100);
	tc_lab_run("tc qdisc add dev " TC_LAB_NEAR "0 clsact && tc filter add dev " TC_LAB_NEAR
		   "0 ingress prio 65000 protocol all matchall action drop");
	pin(1);
	ck_assert_int_eq(pthread_create(&thread, NULL, send_all, frame), 0);
	churn(&t, rounds);
	atomic_store(&ending, true);
	(void)pthread_join(thread, NULL);
	missed = behind();
	printf("sent %llu: %llu counted by %u rules, %llu missed them; %lld are in no count\n",
	       (unsigned long long)sent, (unsigned long long)t.packets, rounds * 2,
	       (unsigned long long)missed, (long long)(sent - t.packets - missed));
	ck_assert_uint_eq(t.packets + missed, sent);
	ck_assert_uint_eq(t.bytes, t.packets * frame->len);
	ck_assert_uint_gt(t.packets, 0);
	packet_free(frame);
}
END_TEST

static void setup(void)
{
	struct error err = ERROR_INIT;
	struct offload_caps caps;

	tc_lab_veth(0);
	tc_lab_run("ip link set " TC_LAB_NEAR "0 up");
	tc_lab_port_open(&port, 1, tc_lab_near(0), false);
	tc_register();
	ck_assert_msg(!offload_provider_find("tc", 2)->attach(&port.up, "", &dev, &err), "%s",
		      err.cause);
	ck_assert_int_eq(dev->ops->caps(dev, &caps), 0);
}

static void teardown(void)
{
	dev->ops->detach(dev, &port.up);
	tc_lab_veth_gone(0);
}

int main(void)
{
	Suite *s = suite_create("tc_removal");
	TCase *t = tcase_create("removal");
	SRunner *r;
	int failed;

	if (!tc_lab_in_guest())
		return 77;
	tcase_set_timeout(t, 300);
	tcase_add_unchecked_fixture(t, setup, teardown);
	tcase_add_test(t, every_packet_is_counted);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_set_fork_status(r, CK_NOFORK);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
