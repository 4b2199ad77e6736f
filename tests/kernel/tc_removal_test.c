/* SPDX-License-Identifier: Apache-2.0 */
/* Removal and replacement of a rule in TC's software while another processor switches packets of
 * it: none is lost from the counts.  What the rules counted and what the filter behind them counted
 * is together what was sent. */
#include <stdio.h>

#include "tests/kernel/tc_flood.h"
#include "tests/kernel/tc_lab.h"

#define LIVES_US 500u /* each rule */

static struct tc_lab_port port;
static struct offload_device *dev;

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
	struct offload_req q;

	tc_flood_rule(&q);
	for (unsigned i = 0; i < rounds; i++) {
		tc_flood_apply(dev, &q, OFFLOAD_INSTALL, LIVES_US);
		for (unsigned j = 0; j < i % 3; j++) {
			tc_flood_apply(dev, &q, OFFLOAD_REPLACE, LIVES_US);
			add(t, &q);
		}
		tc_flood_apply(dev, &q, OFFLOAD_REMOVE, LIVES_US);
		add(t, &q);
	}
}

START_TEST(every_packet_is_counted)
{
	unsigned rounds = tc_flood_rounds(100);
	struct tally t = { 0, 0 };
	uint64_t missed, sent;
	size_t length;

	tc_flood_start(tc_lab_far(0), tc_lab_near(0));
	length = tc_flood_length();
	churn(&t, rounds);
	tc_flood_stop();
	missed = tc_flood_missed();
	sent = tc_flood_sent();
	printf("sent %llu: %llu counted by %u rules, %llu missed them; %lld are in no count\n",
	       (unsigned long long)sent, (unsigned long long)t.packets, rounds * 2,
	       (unsigned long long)missed, (long long)(sent - t.packets - missed));
	ck_assert_uint_eq(t.packets + missed, sent);
	ck_assert_uint_eq(t.bytes, t.packets * length);
	ck_assert_uint_gt(t.packets, 0);
}
END_TEST

static void setup(void)
{
	tc_lab_veth(0);
	tc_lab_run("ip link set " TC_LAB_NEAR "0 up");
	tc_lab_port_open(&port, 1, tc_lab_near(0), false);
	dev = tc_lab_attach(&port);
}

static void teardown(void)
{
	dev->ops->detach(dev, &port.up);
	tc_lab_veth_gone(0);
}

int main(void)
{
	return tc_flood_main("tc_removal", every_packet_is_counted, 1, setup, teardown);
}
