/* SPDX-License-Identifier: Apache-2.0 */
/* The masks that the classifier returns are not only sound but small: tables whose smallest mask is
 * known. */
#include "core/classify/classifier.h"

#include <check.h>

#include "core/base/xalloc.h"

#define N_MAX 300

static struct classifier *c;
static struct cls_rule rules[N_MAX];
static unsigned n_rules;

static void setup(void)
{
	c = classifier_new();
	n_rules = 0;
}

static void teardown(void)
{
	for (unsigned i = 0; i < n_rules; i++)
		if (rules[i].subtable)
			classifier_remove(c, &rules[i]);
	rcu_settle();
	for (unsigned i = 0; i < n_rules; i++)
		cls_rule_done(&rules[i]);
	classifier_free(c);
}

static struct cls_rule *add(int32_t priority, const struct flow_key *key,
			    const struct flow_key *mask)
{
	struct cls_rule *r = &rules[n_rules++];
	struct match m;

	match_init(&m, key, mask);
	cls_rule_init(r, &m, priority);
	classifier_insert(c, r, CLS_VERSION_MIN);
	return r;
}

/* ip,nw_dst=ADDR/LEN */
static struct cls_rule *add_dst(int32_t priority, uint32_t addr, unsigned len)
{
	struct flow_key key = { .dl_type = htons(0x0800), .nw_dst = htonl(addr) };
	struct flow_key mask = { .dl_type = 0xffff, .nw_dst = htonl(UINT32_MAX << (32 - len)) };

	return add(priority, &key, &mask);
}

static struct cls_rule *add_any(int32_t priority)
{
	struct flow_key none = { .in_port = 0 };

	return add(priority, &none, &none);
}

static struct flow_key tcp_packet(uint32_t dst, uint16_t port)
{
	return (struct flow_key){ .in_port = htonl(1),
				  .dl_type = htons(0x0800),
				  .nw_src = htonl(0xc0a80001),
				  .nw_dst = htonl(dst),
				  .nw_proto = 6,
				  .nw_ttl = 64,
				  .tp_src = htons(1234),
				  .tp_dst = htons(port) };
}

/* Looks p up and expects the rule and exactly the mask. */
static void expect(const struct flow_key *p, const struct cls_rule *rule,
		   const struct flow_key *want)
{
	struct flow_key mask = { .in_port = 0 };

	rcu_read_lock();
	ck_assert_ptr_eq(classifier_lookup(c, CLS_VERSION_MIN, p, &mask), rule);
	rcu_read_unlock();
	for (unsigned i = 0; i < FLOW_WORDS; i++)
		ck_assert_msg(flow_words(&mask)[i] == flow_words_const(want)[i],
			      "word %u: %016llx, not %016llx", i,
			      (unsigned long long)be64toh(flow_words(&mask)[i]),
			      (unsigned long long)be64toh(flow_words_const(want)[i]));
}

START_TEST(an_empty_table_looks_at_nothing)
{
	struct flow_key p = tcp_packet(0x0a010203, 80), want = { .in_port = 0 };

	expect(&p, NULL, &want);
	expect(&p, add_any(0), &want);
}
END_TEST

START_TEST(only_as_many_prefix_bits_as_needed)
{
	struct cls_rule *wide = add_dst(8, 0x0a000000, 8), *any = add_any(0);
	struct cls_rule *narrow = add_dst(24, 0x0a010100, 24);
	struct flow_key p, want = { .dl_type = 0xffff };

	/* 10.1.2.3 leaves 10.1.1/24 at bit 23. */
	p = tcp_packet(0x0a010203, 80);
	want.nw_dst = htonl(0xfffffe00);
	expect(&p, wide, &want);
	/* 10.200.0.1 at bit 9. */
	p = tcp_packet(0x0ac80001, 80);
	want.nw_dst = htonl(0xff800000);
	expect(&p, wide, &want);
	/* 138.0.0.1 at bit 1. */
	p = tcp_packet(0x8a000001, 80);
	want.nw_dst = htonl(0x80000000);
	expect(&p, any, &want);
	/* A hit needs its rule's bits and no more. */
	p = tcp_packet(0x0a010199, 80);
	want.nw_dst = htonl(0xffffff00);
	expect(&p, narrow, &want);
}
END_TEST

START_TEST(l2_rules_say_nothing_of_l3)
{
	struct flow_key key = { .dl_dst = { { 2, 0, 0, 0, 0, 1 } } };
	struct flow_key mask = { .dl_dst = { { 255, 255, 255, 255, 255, 255 } } };
	struct flow_key p = tcp_packet(0x0a010203, 80);
	struct cls_rule *any;

	add(10, &key, &mask);
	any = add_any(0);
	expect(&p, any, &mask);
}
END_TEST

START_TEST(a_miss_in_metadata_says_nothing_of_the_packet)
{
	struct flow_key key = { .in_port = htonl(7),
				.dl_type = htons(0x0800),
				.nw_dst = htonl(0x0a010203),
				.nw_proto = 6,
				.tp_dst = htons(80) };
	struct flow_key mask = { .in_port = UINT32_MAX,
				 .dl_type = 0xffff,
				 .nw_dst = UINT32_MAX,
				 .nw_proto = 0xff,
				 .tp_dst = 0xffff };
	struct flow_key want = { .in_port = UINT32_MAX };
	struct flow_key p = tcp_packet(0x0a010203, 80);

	add(10, &key, &mask);
	expect(&p, add_any(0), &want);
	/* From port 7, but another type: no address. */
	p.in_port = htonl(7);
	p.dl_type = htons(0x86dd);
	want.dl_type = 0xffff;
	expect(&p, &rules[1], &want);
}
END_TEST

START_TEST(ports_cost_prefixes_too)
{
	struct flow_key key = { .dl_type = htons(0x0800), .nw_proto = 6, .tp_dst = htons(80) };
	struct flow_key mask = { .dl_type = 0xffff, .nw_proto = 0xff, .tp_dst = 0xffff };
	struct flow_key p = tcp_packet(0x0a010203, 0x8001), want = mask;
	struct cls_rule *any;

	add(10, &key, &mask);
	any = add_any(0);
	want.tp_dst = htons(0x8000);
	expect(&p, any, &want);
	p.nw_proto = 17; /* ends in L3 */
	want.tp_dst = 0;
	expect(&p, any, &want);
}
END_TEST

START_TEST(ipv6_prefixes)
{
	struct flow_key key = { .dl_type = htons(0x86dd) }, mask = { .dl_type = 0xffff };
	struct flow_key p = { .dl_type = htons(0x86dd) }, want = { .dl_type = 0xffff };
	struct cls_rule *any = add_any(0);

	key.ipv6_dst.w[0] = p.ipv6_dst.w[0] = htonl(0x20010db8);
	key.ipv6_dst.w[2] = htonl(1);
	mask.ipv6_dst.d[0] = UINT64_MAX;
	mask.ipv6_dst.w[2] = UINT32_MAX; /* /96 */
	add(10, &key, &mask);
	want.ipv6_dst = mask.ipv6_dst; /* bit 96 is the one that differs */
	expect(&p, any, &want);
	p.ipv6_dst.w[0] = htonl(0x20010db9);
	want.ipv6_dst.d[0] = 0;
	want.ipv6_dst.d[1] = 0;
	want.ipv6_dst.w[0] = UINT32_MAX;
	expect(&p, any, &want);
}
END_TEST

/* A rule that wins makes lower subtables not looked at; one that went is forgotten. */
START_TEST(lower_priorities_are_not_looked_at)
{
	struct flow_key p = tcp_packet(0x0a010203, 80), want = { .dl_type = 0xffff };
	struct cls_rule *low = add_dst(5, 0x0a000000, 8), *top = add_any(9);
	struct flow_key none = { .in_port = 0 };

	expect(&p, top, &none);
	classifier_remove(c, top);
	want.nw_dst = htonl(0xff000000);
	expect(&p, low, &want);
}
END_TEST

/* The trie of a field that a removed rule alone used is gone with it, as are stages. */
START_TEST(removed_rules_leave_no_trace)
{
	struct flow_key p = tcp_packet(0x0a010203, 80), none = { .in_port = 0 };
	struct cls_rule *any = add_any(1);

	for (unsigned i = 0; i < 200; i++)
		add_dst(10 + (int32_t)i, 0x0a010200 + i, 20 + i % 13);
	for (unsigned i = 1; i < n_rules; i++)
		classifier_remove(c, &rules[i]);
	expect(&p, any, &none);
	ck_assert_uint_eq(classifier_n_masks(c), 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("core/classify/masks");
	TCase *t = tcase_create("masks");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, an_empty_table_looks_at_nothing);
	tcase_add_test(t, only_as_many_prefix_bits_as_needed);
	tcase_add_test(t, l2_rules_say_nothing_of_l3);
	tcase_add_test(t, a_miss_in_metadata_says_nothing_of_the_packet);
	tcase_add_test(t, ports_cost_prefixes_too);
	tcase_add_test(t, ipv6_prefixes);
	tcase_add_test(t, lower_priorities_are_not_looked_at);
	tcase_add_test(t, removed_rules_leave_no_trace);
	suite_add_tcase(s, t);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
