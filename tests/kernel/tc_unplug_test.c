/* SPDX-License-Identifier: Apache-2.0 */
/* A device is unplugged while a batch of rules for it is on its way: the one where they stand, or
 * the one where they lead to.  Every request is answered, those that failed say that the device is
 * gone, and all that is asked afterwards is answered as well. */
#include <check.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/io/nl.h"
#include "offload/provider.h"
#include "tc/tc.h"
#include "tests/kernel/tc_lab.h"

#define RULES 400u
#define ROUNDS 12u

static const struct offload_provider_ops *ops;
static struct offload_device *dev;
static struct tc_lab_port ports[2];

static void open_ports(void)
{
	struct error err = ERROR_INIT;

	for (unsigned i = 0; i < 2; i++) {
		tc_lab_veth(i);
		tc_lab_port_open(&ports[i], i + 1, tc_lab_near(i), false);
		ck_assert_msg(!ops->attach(&ports[i].up, "", &dev, &err), "%s", err.cause);
	}
}

struct job {
	int ifindex;
	uint64_t after_ns;
};

static void *unplug(void *arg)
{
	const struct job *j = arg;
	struct ifinfomsg m = { .ifi_index = j->ifindex };
	struct nl_chan *c;
	struct nl_batch b;

	ck_assert_int_eq(nl_chan_open(NETLINK_ROUTE, &c, NULL), 0);
	nl_batch_init(&b);
	(void)nl_batch_add(&b, RTM_DELLINK, 0);
	buf_put(&b.buf, &m, sizeof(m));
	(void)usleep((useconds_t)(j->after_ns / NSEC_PER_USEC));
	ck_assert_int_eq(nl_chan_do(c, &b), 0);
	ck_assert_int_eq(nl_batch_code(&b, 0), 0);
	nl_batch_done(&b);
	nl_chan_close(c);
	return NULL;
}

static void fill(struct offload_req *reqs, struct flow_key *keys, const struct flow_key *mask,
		 struct dp_actions acts)
{
	memset(reqs, 0, RULES * sizeof(*reqs));
	for (unsigned i = 0; i < RULES; i++) {
		memset(&keys[i], 0, sizeof(keys[i]));
		keys[i].in_port = htonl(1);
		keys[i].dl_type = htons(0x0800);
		keys[i].nw_proto = 17;
		keys[i].tp_src = htons((uint16_t)(1 + i));
		reqs[i].rule = (struct offload_rule){
			.ufid = { { 5, i } }, .key = &keys[i], .mask = mask, .actions = acts
		};
	}
}

/* Those that went well. */
static unsigned judge(const struct offload_req *reqs)
{
	unsigned n = 0;

	for (unsigned i = 0; i < RULES; i++) {
		const struct offload_req *q = &reqs[i];

		n += !q->result;
		if (q->result && q->result != -EAGAIN)
			ck_assert_msg(q->refusal.reason == OFFLOAD_GONE, "%d, %s: %s", q->result,
				      offload_reason_table[q->refusal.reason].name,
				      q->refusal.driver);
	}
	return n;
}

static void look(void)
{
	struct offload_stat *st = calloc(RULES, sizeof(*st));
	struct offload_dump_rec *held = calloc(RULES, sizeof(*held));
	struct offload_usage u;
	uint64_t at = 0;

	while (ops->stats(dev, &at, st, RULES) > 0)
		;
	at = 0;
	while (ops->dump(dev, &at, held, RULES) > 0)
		;
	ck_assert_int_eq(ops->usage(dev, &u), 0);
	free(st);
	free(held);
}

static void take_out(struct offload_req *reqs)
{
	for (unsigned i = 0; i < RULES; i++) {
		struct offload_req q = { .kind = OFFLOAD_REMOVE, .handle = reqs[i].handle };

		if (reqs[i].result)
			continue;
		(void)ops->apply(dev, &q, 1);
		ck_assert_msg(!q.result || q.result == -ENOENT, "%d", q.result);
	}
}

static unsigned n_cut;
static uint64_t whole_ns; /* what a batch takes that nobody disturbs */

/* after_ns 0: when the batch is in. */
static void round_of(unsigned which, uint64_t after_ns)
{
	struct offload_req *reqs = calloc(RULES, sizeof(*reqs));
	struct flow_key *keys = calloc(RULES, sizeof(*keys)), mask;
	struct job job = { .after_ns = after_ns };
	struct buf acts = BUF_INIT;
	uint64_t begin;
	pthread_t thread;
	unsigned n;

	open_ports();
	memset(&mask, 0, sizeof(mask));
	mask.in_port = mask.recirc_id = UINT32_MAX;
	mask.dl_type = mask.tp_src = UINT16_MAX;
	mask.nw_proto = UINT8_MAX;
	mask.nw_frag = FLOW_FRAG_ANY | FLOW_FRAG_LATER;
	ck_assert_int_eq(dp_actions_parse("2", &acts, NULL), 0);
	fill(reqs, keys, &mask, dp_actions_of(&acts));
	job.ifindex = ports[which].ifindex;
	if (after_ns)
		ck_assert_int_eq(pthread_create(&thread, NULL, unplug, &job), 0);
	begin = clock_mono_ns();
	(void)ops->apply(dev, reqs, RULES); /* each has its result */
	whole_ns = after_ns ? whole_ns : clock_mono_ns() - begin;
	if (after_ns)
		pthread_join(thread, NULL);
	else
		(void)unplug(&job);
	n = judge(reqs);
	n_cut += n && n < RULES;
	look();
	take_out(reqs);
	for (unsigned i = 0; i < 2; i++)
		ops->detach(dev, &ports[i].up);
	tc_lab_veth_gone(!which);
	buf_done(&acts);
	free(reqs);
	free(keys);
}

START_TEST(every_request_is_answered)
{
	tc_register();
	ops = offload_provider_find("tc", 2);
	round_of((unsigned)_i, 0);
	for (unsigned i = 0; i < ROUNDS; i++)
		round_of((unsigned)_i, 1 + whole_ns * i / ROUNDS);
	printf("%u of %u batches were cut\n", n_cut, ROUNDS);
	ck_assert_uint_gt(n_cut, 0);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("unplugged");
	Suite *s = suite_create("devices that are unplugged");
	SRunner *r;
	int failed;

	if (!tc_lab_in_guest())
		return 77;
	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, every_request_is_answered, 0, 2);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
