/* SPDX-License-Identifier: Apache-2.0 */
/* What stands alone: reasons, ledger, queue, shapes, names, capability checks. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "core/packet/match.h"
#include "offload/caps.h"
#include "offload/engine.h"
#include "offload/queue.h"
#include "offload/shape.h"
#include "tests/unit/core/packet/random_key.h"

/* --- reasons --- */

START_TEST(every_reason_has_its_row)
{
	for (unsigned i = 0; i < OFFLOAD_N_REASONS; i++) {
		const struct offload_reason_info *r = &offload_reason_table[i];

		ck_assert_uint_eq(r->reason, i);
		ck_assert(r->name && *r->name && r->text && *r->text && r->advice && *r->advice);
		ck_assert(r->cause && *r->cause && r->cause[strlen(r->cause) - 1] == '.');
		for (unsigned k = 0; k < i; k++)
			ck_assert_str_ne(r->name, offload_reason_table[k].name);
	}
	for (unsigned i = 0; i < OFFLOAD_N_STATES; i++)
		ck_assert_ptr_nonnull(offload_state_name[i]);
	for (unsigned i = 0; i < OFFLOAD_N_RETRIES; i++)
		ck_assert_ptr_nonnull(offload_retry_text[i]);
}
END_TEST

START_TEST(a_refusal_names_field_limit_and_driver)
{
	struct offload_refusal r;
	struct str s = STR_INIT;

	offload_refusal_set(&r, OFFLOAD_FIELD);
	ck_assert_uint_gt(r.at_ns, 0);
	r.field = FIELD_TUN_ID;
	strcpy(r.driver, "no such key");
	r.limit = 7;
	offload_refusal_format(&r, &s);
	ck_assert_str_eq(str_cstr(&s),
			 "field tun_id: the device cannot match this field (limit 7); "
			 "driver: no such key");
	str_clear(&s);
	offload_refusal_set(&r, OFFLOAD_ACTION);
	r.action = DP_ACT_CT;
	offload_refusal_format(&r, &s);
	ck_assert_str_eq(str_cstr(&s), "action ct: the device cannot do this action");
	str_done(&s);
}
END_TEST

/* --- ledger --- */

static void read(struct ledger *l, enum ledger_tier t, uint64_t packets, struct flow_stats *d)
{
	struct flow_stats s = { .packets = packets, .bytes = packets * 100 };

	ledger_read(l, t, &s, d);
}

START_TEST(ledger_adds_generations)
{
	struct flow_stats d, total;
	struct ledger l;

	ledger_init(&l);
	ledger_open(&l, LEDGER_USER);
	read(&l, LEDGER_USER, 10, &d);
	ck_assert_uint_eq(d.packets, 10);
	read(&l, LEDGER_USER, 10, &d);
	ck_assert_uint_eq(d.packets, 0);
	ledger_open(&l, LEDGER_HARDWARE);
	read(&l, LEDGER_HARDWARE, 5, NULL);
	ledger_open(&l, LEDGER_HARDWARE);
	read(&l, LEDGER_HARDWARE, 5, &d);
	ck_assert_uint_eq(d.packets, 5);
	ledger_total(&l, &total);
	ck_assert_uint_eq(total.packets, 20);
	ck_assert_uint_eq(total.bytes, 2000);
	read(&l, LEDGER_HARDWARE, 3, &d); /* ran back */
	ck_assert_uint_eq(d.packets, 0);
	ck_assert_uint_eq(l.tier[LEDGER_HARDWARE].went_back, 1);
	read(&l, LEDGER_HARDWARE, 4, &d);
	ck_assert_uint_eq(d.packets, 1);
	ledger_total(&l, &total);
	ck_assert_uint_eq(total.packets, 21);
}
END_TEST

/* --- queue --- */

START_TEST(queue_changes_first_then_value)
{
	struct queue_item it[6] = { 0 };
	struct queue q;

	queue_init(&q, 3);
	ck_assert_ptr_null(queue_next(&q));
	ck_assert_ptr_null(queue_add_install(&q, &it[0], 0, 1));
	ck_assert_ptr_null(queue_add_install(&q, &it[1], 100, 2));
	ck_assert_ptr_null(queue_add_install(&q, &it[2], 5, 3));
	ck_assert_uint_eq(queue_oldest_ns(&q), 1);
	ck_assert_ptr_eq(queue_add_install(&q, &it[3], 0.5, 4), &it[3]); /* the least of all */
	ck_assert_ptr_eq(queue_add_install(&q, &it[3], 50, 5), &it[0]);
	ck_assert_uint_eq(it[0].place, QUEUE_NOWHERE);
	ck_assert_uint_eq(q.shed, 2);
	queue_add_change(&q, &it[4], 6);
	queue_add_change(&q, &it[5], 7);
	ck_assert_uint_eq(queue_depth(&q), 5);
	queue_drop(&q, &it[4]);
	queue_drop(&q, &it[4]);
	ck_assert_ptr_eq(queue_next(&q), &it[5]);
	ck_assert_ptr_eq(queue_next(&q), &it[1]);
	ck_assert_ptr_eq(queue_next(&q), &it[3]);
	ck_assert_ptr_eq(queue_next(&q), &it[2]);
	ck_assert_ptr_null(queue_next(&q));
	ck_assert_uint_eq(queue_oldest_ns(&q), 0);
}
END_TEST

START_TEST(queue_raises_what_carries_more)
{
	struct queue_item it[4] = { 0 };
	struct queue q;

	queue_init(&q, 3);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_ptr_null(queue_add_install(&q, &it[i], 0, i + 1));
	queue_raise(&q, &it[2], 1000);
	queue_raise(&q, &it[1], 1000);
	queue_raise(&q, &it[2], 3); /* what falls stays */
	queue_raise(&q, &it[3], 1000);
	ck_assert_uint_eq(it[3].place, QUEUE_NOWHERE);
	ck_assert_uint_eq(queue_depth(&q), 3);
	ck_assert_ptr_eq(queue_add_install(&q, &it[3], 5, 4), &it[0]);
	ck_assert_ptr_eq(queue_next(&q), &it[2]);
	ck_assert_ptr_eq(queue_next(&q), &it[1]);
	ck_assert_ptr_eq(queue_next(&q), &it[3]);
	ck_assert_ptr_null(queue_next(&q));
}
END_TEST

/* --- shapes --- */

static void make_rule(struct offload_rule *r, struct match *m, struct buf *acts, const char *match,
		      const char *actions)
{
	struct error err = ERROR_INIT;

	buf_init(acts);
	ck_assert_msg(!match_parse(m, match, NULL, NULL, &err), "%s: %s", match, err.cause);
	ck_assert_msg(!dp_actions_parse(actions, acts, &err), "%s: %s", actions, err.cause);
	memset(r, 0, sizeof(*r));
	r->key = &m->key;
	r->mask = &m->mask;
	r->actions = dp_actions_of(acts);
}

START_TEST(shapes_ignore_values_but_not_kinds)
{
	static const struct {
		const char *match, *actions;
		bool same;
	} cases[] = {
		{ "tcp,nw_src=1.2.3.4,tp_dst=80", "2", true },
		{ "tcp,nw_src=9.9.9.9,tp_dst=81", "7", true },
		{ "udp,nw_src=1.2.3.4,tp_dst=80", "2", false },
		{ "tcp,nw_src=1.2.3.0/24,tp_dst=80", "2", false },
		{ "tcp,nw_src=1.2.3.4,tp_dst=80", "2,3", false },
		{ "tcp,nw_src=1.2.3.4,tp_dst=80", "pop_vlan,2", false },
	};
	struct shapes *s = shapes_new();
	struct offload_refusal why;

	offload_refusal_set(&why, OFFLOAD_DRIVER_REFUSED);
	strcpy(why.driver, "no");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct offload_rule r;
		struct match m;
		struct buf b;

		make_rule(&r, &m, &b, cases[i].match, cases[i].actions);
		if (!i) {
			ck_assert_ptr_null(shapes_find(s, &r));
			shapes_learn(s, &r, &why);
			shapes_learn(s, &r, &why);
		}
		ck_assert_msg((shapes_find(s, &r) != NULL) == cases[i].same, "case %zu", i);
		buf_done(&b);
	}
	ck_assert_uint_eq(shapes_count(s), 1);
	shapes_forget(s);
	ck_assert_uint_eq(shapes_count(s), 0);
	shapes_free(s);
	shapes_free(NULL);
}
END_TEST

START_TEST(shapes_are_bounded)
{
	struct shapes *s = shapes_new();
	struct offload_refusal why;
	struct flow_key key, mask;
	struct offload_rule r = { .key = &key, .mask = &mask };

	offload_refusal_set(&why, OFFLOAD_DRIVER_REFUSED);
	memset(&key, 0, sizeof(key));
	memset(&mask, 0, sizeof(mask));
	for (uint32_t i = 1; i <= SHAPES_MAX + 10; i++) {
		mask.nw_src = htonl(i);
		shapes_learn(s, &r, &why);
	}
	ck_assert_uint_eq(shapes_count(s), SHAPES_MAX);
	ck_assert_ptr_nonnull(shapes_find(s, &r));
	mask.nw_src = htonl(1); /* the oldest has left */
	ck_assert_ptr_null(shapes_find(s, &r));
	shapes_free(s);
}
END_TEST

/* --- names --- */

START_TEST(ufids_round_trip)
{
	struct ufid u = { { UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210) } }, v;
	char text[UFID_TEXT_LEN + 1];

	ck_assert_str_eq(offload_ufid_print(u, text), "01234567-89ab-cdef-fedc-ba9876543210");
	ck_assert(offload_ufid_parse(text, &v));
	ck_assert(u.u[0] == v.u[0] && u.u[1] == v.u[1]);
	ck_assert(offload_ufid_parse("ufid:0123456789ABCDEFfedcba9876543210", &v));
	ck_assert(u.u[0] == v.u[0] && u.u[1] == v.u[1]);
	ck_assert(!offload_ufid_parse("0123", &v));
	ck_assert(!offload_ufid_parse("0123456789abcdefg", &v));
	ck_assert(!offload_ufid_parse("0123456789abcdeffedcba98765432100", &v));
	ck_assert(!offload_ufid_parse("", &v));
}
END_TEST

/* --- capabilities --- */

static void set_names(uint64_t *set, const char *names)
{
	char *copy = xstrdup(names), *save = NULL;

	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		ck_assert_msg(field_by_name(w, strlen(w)) != NULL, "%s", w);
		caps_field_add(set, field_by_name(w, strlen(w))->id);
	}
	free(copy);
}

static void some_caps(struct offload_caps *c)
{
	memset(c, 0, sizeof(*c));
	set_names(c->fields, "in_port recirc_id eth_type ip_proto nw_src nw_dst vlan_vid vlan_pcp "
			     "tcp_src tcp_dst ip_dscp");
	set_names(c->fields_prefix, "nw_dst");
	set_names(c->fields_masked, "nw_src");
	set_names(c->fields_set, "nw_src ip_dscp");
	c->actions = 1u << DP_ACT_OUTPUT | 1u << DP_ACT_SET | 1u << DP_ACT_DROP;
	c->max_outputs = 2;
	c->max_actions = 3;
}

START_TEST(masks_are_consumed)
{
	static const struct {
		const char *match;
		enum offload_reason reason;
		int field;
	} cases[] = {
		{ "in_port=1", OFFLOAD_OK, -1 },
		{ "in_port=1,tcp,tp_dst=80", OFFLOAD_OK, -1 },
		{ "tcp,nw_src=1.2.0.4/255.255.0.255", OFFLOAD_OK, -1 },
		{ "tcp,nw_dst=1.2.3.0/24", OFFLOAD_OK, -1 },
		{ "tcp,nw_dst=1.2.0.4/255.255.0.255", OFFLOAD_MASK, FIELD_IPV4_DST },
		{ "tcp,tp_dst=0x50/0xfff0", OFFLOAD_MASK, FIELD_TCP_DST },
		{ "udp,tp_dst=53", OFFLOAD_FIELD, FIELD_UDP_DST },
		{ "ip,nw_tos=32", OFFLOAD_OK, -1 },
		{ "ip,nw_ecn=1", OFFLOAD_FIELD, FIELD_IP_ECN },
		{ "dl_src=00:00:00:00:00:01", OFFLOAD_FIELD, FIELD_ETH_SRC },
		{ "dl_vlan=5", OFFLOAD_OK, -1 },
		{ "dl_vlan=5,dl_vlan_pcp=3", OFFLOAD_OK, -1 },
		{ "vlan_tci=0x1000/0x1000", OFFLOAD_OK, -1 },
		{ "vlan_tci=0x0000/0x1fff", OFFLOAD_OK, -1 },
		{ "vlan_tci=0x0000", OFFLOAD_OK, -1 },
		{ "vlan_tci=0x1005/0x100f", OFFLOAD_MASK, FIELD_VLAN_VID },
		{ "pkt_mark=0", OFFLOAD_OK, -1 },
		{ "pkt_mark=3", OFFLOAD_FIELD, FIELD_PKT_MARK },
		{ "tun_id=0", OFFLOAD_OK, -1 },
		{ "tun_id=5", OFFLOAD_FIELD, FIELD_TUN_ID },
	};
	struct offload_caps c;

	some_caps(&c);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct offload_refusal why;
		struct offload_rule r;
		struct match m;
		struct buf b;
		bool ok;

		make_rule(&r, &m, &b, cases[i].match, "1");
		offload_refusal_set(&why, OFFLOAD_OK);
		ok = caps_fit_mask(&c, false, &r, &why);
		ck_assert_msg(ok == (cases[i].reason == OFFLOAD_OK) &&
				      why.reason == cases[i].reason && why.field == cases[i].field,
			      "%s: %s, field %d", cases[i].match,
			      offload_reason_table[why.reason].name, why.field);
		buf_done(&b);
	}
}
END_TEST

START_TEST(bits_that_the_match_rules_out_are_free)
{
	struct offload_refusal why;
	struct offload_caps c;
	struct match m;
	struct offload_rule r = { .key = &m.key, .mask = &m.mask };

	some_caps(&c);
	match_init_catchall(&m);
	m.key.dl_type = htons(0x0806); /* ARP: there are no ports to look at */
	m.mask.dl_type = UINT16_MAX;
	m.mask.tp_dst = UINT16_MAX;
	ck_assert(caps_fit_mask(&c, false, &r, &why));
	m.mask.dl_type = 0; /* now there may be */
	ck_assert(!caps_fit_mask(&c, false, &r, &why));
}
END_TEST

/* A mask as datapaths tell them: what decides about headers, some of the rest, and all the zeros.
 */
static void told_mask(struct rng *r, const struct flow_key *key, struct flow_key *mask)
{
	const uint64_t *k = flow_words_const(key);

	memset(mask, 0, sizeof(*mask));
	for (unsigned w = FLOW_L2_WORD; w < FLOW_WORDS; w++)
		if (rng_below(r, 2))
			flow_words(mask)[w] =
				k[w] ? rng_next(r) & rng_next(r) & rng_next(r) & ~k[w] : UINT64_MAX;
	mask->dl_type = rng_below(r, 8) ? UINT16_MAX : 0;
	mask->nw_proto = rng_below(r, 4) ? UINT8_MAX : 0;
	mask->nw_frag = rng_below(r, 2) ? UINT8_MAX : 0;
	mask->dl_src = mask->dl_dst = (struct eth_addr){ { 0 } };
	for (unsigned i = 0; i < FLOW_N_VLANS; i++)
		mask->vlans[i].tci |= rng_below(r, 2) ? htons(VLAN_CFI) : 0;
}

START_TEST(a_plain_mask_takes_the_same_packets)
{
	struct rng r = rng_start("a_plain_mask_takes_the_same_packets");
	unsigned hits = 0, plainer = 0;

	for (unsigned n = 0; n < 20000; n++) {
		struct flow_key key, other, mask;
		struct match was, plain;

		memset(&key, 0, sizeof(key));
		random_packet_key(&r, &key);
		told_mask(&r, &key, &mask);
		match_init(&was, &key, &mask);
		caps_mask_plain(&key, &mask);
		match_init(&plain, &key, &mask);
		plainer += !match_equal(&was, &plain);
		ck_assert(match_within(&was, &plain));
		ck_assert(caps_same_frames(&was, &plain));
		for (unsigned i = 0; i < 20; i++) {
			memset(&other, 0, sizeof(other));
			random_packet_key(&r, &other);
			if (!match_hits(&plain, &other))
				continue;
			hits++;
			ck_assert(match_hits(&was, &other));
		}
	}
	ck_assert_uint_gt(plainer, 10000);
	ck_assert_uint_gt(hits, 1000);
}
END_TEST

START_TEST(inner_tag_needs_the_profile)
{
	struct offload_refusal why;
	struct offload_caps c;
	struct match m;
	struct offload_rule r = { .key = &m.key, .mask = &m.mask };

	some_caps(&c);
	match_init_catchall(&m);
	for (unsigned i = 0; i < 2; i++) {
		m.key.vlans[i] = (struct flow_vlan){ htons(0x8100), htons(0x1005) };
		m.mask.vlans[i] = (struct flow_vlan){ UINT16_MAX, UINT16_MAX };
	}
	ck_assert(!caps_fit_mask(&c, false, &r, &why));
	ck_assert_int_eq(why.field, FIELD_VLAN_VID);
	ck_assert(caps_fit_mask(&c, true, &r, &why));
	m.mask.vlans[1].tci = htons(0x1f00);
	ck_assert(!caps_fit_mask(&c, true, &r, &why));
}
END_TEST

START_TEST(recirculated_packets_are_no_nic_s)
{
	struct offload_refusal why;
	struct offload_caps c;
	struct match m;
	struct offload_rule r = { .key = &m.key, .mask = &m.mask };

	some_caps(&c);
	match_init_catchall(&m);
	m.mask.recirc_id = UINT32_MAX;
	ck_assert(caps_fit_mask(&c, false, &r, &why));
	m.key.recirc_id = htonl(1);
	ck_assert(!caps_fit_mask(&c, false, &r, &why));
	ck_assert_int_eq(why.reason, OFFLOAD_RECIRC);
}
END_TEST

START_TEST(actions_are_counted_and_named)
{
	static const struct {
		const char *actions;
		enum offload_reason reason;
	} cases[] = {
		{ "drop", OFFLOAD_OK },
		{ "1,2", OFFLOAD_OK },
		{ "1,2,3", OFFLOAD_N_ACTIONS },
		{ "set(ipv4(src=1.1.1.1)),1", OFFLOAD_OK },
		{ "set(ipv4(dst=1.1.1.1)),1", OFFLOAD_SET_FIELD },
		{ "pop_vlan,1", OFFLOAD_ACTION },
		{ "recirc(1)", OFFLOAD_RECIRC },
	};
	struct offload_caps c;

	some_caps(&c);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct offload_refusal why;
		struct error err = ERROR_INIT;
		struct buf b = BUF_INIT;

		ck_assert_msg(!dp_actions_parse(cases[i].actions, &b, &err), "%s: %s",
			      cases[i].actions, err.cause);
		offload_refusal_set(&why, OFFLOAD_OK);
		(void)caps_fit_actions(&c, dp_actions_of(&b), &why);
		ck_assert_msg(why.reason == cases[i].reason, "%s: %s", cases[i].actions,
			      offload_reason_table[why.reason].name);
		buf_done(&b);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("offload parts");
	TCase *t = tcase_create("parts");
	SRunner *r;
	int failed;

	tcase_add_test(t, every_reason_has_its_row);
	tcase_add_test(t, a_refusal_names_field_limit_and_driver);
	tcase_add_test(t, ledger_adds_generations);
	tcase_add_test(t, queue_changes_first_then_value);
	tcase_add_test(t, queue_raises_what_carries_more);
	tcase_add_test(t, shapes_ignore_values_but_not_kinds);
	tcase_add_test(t, shapes_are_bounded);
	tcase_add_test(t, ufids_round_trip);
	tcase_add_test(t, masks_are_consumed);
	tcase_add_test(t, bits_that_the_match_rules_out_are_free);
	tcase_add_test(t, a_plain_mask_takes_the_same_packets);
	tcase_add_test(t, inner_tag_needs_the_profile);
	tcase_add_test(t, recirculated_packets_are_no_nic_s);
	tcase_add_test(t, actions_are_counted_and_named);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
