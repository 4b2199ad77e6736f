/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/kernel/tc_flood.h"

#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/conform/wire.h"
#include "tests/kernel/tc_lab.h"

static pthread_t sender;
static char far_name[16], near_name[16];
static struct packet *frame;
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
	int fd = wire_open(far_name);

	(void)arg;
	pin(0);
	while (!atomic_load(&ending)) {
		wire_send(fd, frame->data, frame->len);
		atomic_fetch_add(&sent, 1);
	}
	(void)close(fd);
	return NULL;
}

void tc_flood_start(const char *far, const char *near)
{
	struct flow_key key;

	(void)snprintf(far_name, sizeof(far_name), "%s", far);
	(void)snprintf(near_name, sizeof(near_name), "%s", near);
	make_key(&key);
	frame = packet_compose(&key, 100);
	tc_lab_run("tc qdisc show dev %s | grep -q clsact || tc qdisc add dev %s clsact", near,
		   near);
	tc_lab_run("tc filter add dev %s ingress prio 65000 protocol all matchall action drop",
		   near);
	pin(1);
	atomic_store(&ending, false);
	atomic_store(&sent, 0);
	ck_assert_int_eq(pthread_create(&sender, NULL, send_all, NULL), 0);
}

void tc_flood_stop(void)
{
	atomic_store(&ending, true);
	(void)pthread_join(sender, NULL);
	packet_free(frame);
	frame = NULL;
}

uint64_t tc_flood_sent(void)
{
	return atomic_load(&sent);
}

size_t tc_flood_length(void)
{
	return frame->len;
}

uint64_t tc_flood_missed(void)
{
	const char *s = strstr(
		tc_lab_read("tc -s filter show dev %s ingress prio 65000", near_name), " pkt");

	ck_assert_ptr_nonnull(s);
	while (s[-1] != ' ')
		s--;
	return strtoull(s, NULL, 10);
}

void tc_flood_rule(struct offload_req *q)
{
	static struct flow_key key, mask;

	make_key(&key);
	memset(&mask, 0, sizeof(mask));
	mask.in_port = mask.recirc_id = UINT32_MAX;
	mask.dl_type = UINT16_MAX;
	mask.nw_proto = UINT8_MAX;
	mask.tp_dst = UINT16_MAX;
	memset(q, 0, sizeof(*q));
	q->rule.ufid = (struct ufid){ { 5, 5 } };
	q->rule.key = &key;
	q->rule.mask = &mask;
}

void tc_flood_apply(struct offload_device *dev, struct offload_req *q, enum offload_req_kind kind,
		    unsigned after_us)
{
	struct timespec t = { .tv_sec = after_us / 1000000,
			      .tv_nsec = (long)(after_us % 1000000) * 1000 };

	(void)nanosleep(&t, NULL);
	q->kind = kind;
	ck_assert_uint_eq(dev->ops->apply(dev, q, 1), 0);
}

unsigned tc_flood_rounds(unsigned otherwise)
{
	const char *text = getenv("ROUNDS");

	return text ? (unsigned)atoi(text) : otherwise;
}

int tc_flood_main(const char *name, const TTest *test, unsigned runs, void (*setup)(void),
		  void (*teardown)(void))
{
	TCase *t = tcase_create("removal");
	Suite *s = suite_create(name);
	SRunner *r;
	int failed;

	if (!tc_lab_in_guest())
		return 77;
	tcase_set_timeout(t, 300);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, test, 0, (int)runs);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_set_fork_status(r, CK_NOFORK);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
