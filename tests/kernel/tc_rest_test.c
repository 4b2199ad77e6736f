/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of rules that rest are not read (tc/news.h), and nothing is missing from them for that.
 *
 * Random steps (packets of a rule or of none, rules that come and go, passes over the counters)
 * against a model that adds up what was sent.  After each pass what the provider has told is that.
 * Two passes after the last packet the next one tells nothing. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/packet/packet.h"
#include "offload/provider.h"
#include "tc/tc.h"
#include "tests/kernel/tc_lab.h"
#include "tests/unit/seed.h"

#define RULES 400u
#define STEPS 300u
#define READ_BATCH 64u
#define NOBODY RULES /* a packet that no rule takes */

struct rule {
	uint64_t handle; /* 0: it is not there */
	uint64_t sent, told;
};

static const struct offload_provider_ops *ops;
static struct offload_device *dev;
static struct tc_lab_port ports[2];
static int marks;
static struct rule rules[RULES];
static struct flow_key key, mask;
static struct buf acts = BUF_INIT;
static struct rng rng;

static void open_all(void)
{
	struct error err = ERROR_INIT;

	tc_register();
	ops = offload_provider_find("tc", 2);
	for (unsigned i = 0; i < 2; i++) {
		tc_lab_veth(i);
		tc_lab_port_open(&ports[i], i + 1, tc_lab_near(i), false);
		ck_assert_msg(!ops->attach(&ports[i].up, "", &dev, &err), "%s", err.cause);
	}
	marks = tc_lab_marks(tc_lab_near(0));
	key.in_port = htonl(1);
	key.dl_dst = (struct eth_addr){ { 2, 0, 0, 0, 0, 1 } };
	key.dl_type = htons(0x0800);
	key.nw_proto = 17;
	key.nw_ttl = 64;
	mask.in_port = mask.recirc_id = UINT32_MAX;
	mask.dl_type = UINT16_MAX;
	mask.nw_frag = FLOW_FRAG_ANY | FLOW_FRAG_LATER;
	mask.nw_src = UINT32_MAX;
	ck_assert_int_eq(dp_actions_parse("2", &acts, &err), 0);
}

static void close_all(void)
{
	for (unsigned i = 0; i < 2; i++) {
		ops->detach(dev, &ports[i].up);
		tc_lab_veth_gone(i);
	}
	buf_done(&acts);
}

static struct flow_key key_of(unsigned i)
{
	struct flow_key k = key;

	k.nw_src = htonl(0x0a000000 | i);
	return k;
}

static void ask(struct offload_req *q, enum offload_req_kind kind, unsigned i)
{
	struct flow_key k = key_of(i);

	*q = (struct offload_req){ .kind = kind,
				   .handle = rules[i].handle,
				   .rule = { .ufid = { { 0x4e57, i } },
					     .key = &k,
					     .mask = &mask,
					     .actions = dp_actions_of(&acts) } };
	ck_assert_uint_eq(ops->apply(dev, q, 1), 0);
}

/* Puts a rule in or takes it out. */
static void turn(unsigned i)
{
	struct offload_req q;

	if (!rules[i].handle) {
		ask(&q, OFFLOAD_INSTALL, i);
		rules[i] = (struct rule){ .handle = q.handle };
		return;
	}
	ask(&q, OFFLOAD_REMOVE, i);
	ck_assert(q.final_ok);
	ck_assert_uint_eq(q.final.packets, rules[i].sent);
	rules[i] = (struct rule){ 0 };
}

static void send_some(unsigned i)
{
	struct flow_key k = key_of(i);
	struct packet *p = packet_compose(&k, 20);
	unsigned n = 1 + (unsigned)rng_below(&rng, 3);

	for (unsigned j = 0; j < n; j++)
		tc_lab_send(tc_lab_far(0), p->data, p->len);
	packet_free(p);
	tc_lab_settle(tc_lab_far(0), marks);
	if (i < RULES && rules[i].handle)
		rules[i].sent += n;
}

static struct rule *by_handle(uint64_t handle)
{
	for (unsigned i = 0; i < RULES; i++)
		if (rules[i].handle == handle)
			return &rules[i];
	ck_abort_msg("a record of a rule that is not there");
	return NULL;
}

/* A pass; returns how many records it had. */
static unsigned pass(void)
{
	struct offload_stat recs[READ_BATCH];
	uint64_t cursor = 0;
	unsigned n = 0;
	int got;

	while ((got = dev->ops->stats(dev, &cursor, recs, READ_BATCH)) > 0)
		for (int i = 0; i < got; i++, n++)
			by_handle(recs[i].handle)->told = recs[i].stats.packets;
	ck_assert_int_eq(got, 0);
	for (unsigned i = 0; i < RULES; i++)
		ck_assert_msg(rules[i].told == rules[i].sent, "rule %u: %lu told, %lu sent", i,
			      rules[i].told, rules[i].sent);
	return n;
}

static void come_to_rest(void)
{
	ck_assert_uint_gt(pass(), 0);
	ck_assert_uint_gt(pass(), 0);
	ck_assert_uint_eq(pass(), 0);
	ck_assert_uint_eq(pass(), 0);
}

START_TEST(nothing_is_missing)
{
	rng = rng_start("nothing_is_missing");
	for (unsigned i = 0; i < RULES; i += 2)
		turn(i);
	for (unsigned step = 0; step < STEPS; step++) {
		switch (rng_below(&rng, 8)) {
		case 0: turn((unsigned)rng_below(&rng, RULES)); break;
		case 1: send_some(NOBODY); break;
		case 2:
		case 3: send_some((unsigned)rng_below(&rng, RULES)); break;
		default: (void)pass(); break;
		}
	}
	for (unsigned i = 0; i < RULES; i++)
		if (!rules[i].handle)
			turn(i);
	send_some(3);
	come_to_rest();
	turn(7); /* whatever else is asked for meanwhile, rest it is */
	ck_assert_uint_eq(pass(), 0);
	send_some(9);
	come_to_rest();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tc rest");
	TCase *t = tcase_create("kernel");
	SRunner *run;
	int failed;

	if (!tc_lab_in_guest())
		return 77;
	run = srunner_create(s);
	tcase_add_checked_fixture(t, open_all, close_all);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, nothing_is_missing);
	suite_add_tcase(s, t);
	srunner_run_all(run, CK_NORMAL);
	failed = srunner_ntests_failed(run);
	srunner_free(run);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
