/* SPDX-License-Identifier: Apache-2.0 */
/* VLAN modes against truth tables read off ovs-vswitchd.conf.db(5). */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "ofproto/l2/vlan.h"

#define NO_TAG (-1)
#define TAG(VID, PCP) ((VID) | (PCP) << 13)

static uint64_t trunks[VLAN_BITMAP_WORDS]; /* 10 and 20 */
static uint64_t zero_and_ten[VLAN_BITMAP_WORDS];

static void fill_bitmaps(void)
{
	vlan_bit_set(trunks, 10);
	vlan_bit_set(trunks, 20);
	vlan_bit_set(zero_and_ten, 0);
	vlan_bit_set(zero_and_ten, 10);
}

static void tags_of(int outer, int inner, struct flow_vlan vlans[FLOW_N_VLANS])
{
	const int tci[FLOW_N_VLANS] = { outer, inner };

	memset(vlans, 0, sizeof(*vlans) * FLOW_N_VLANS);
	for (int i = 0; i < FLOW_N_VLANS && tci[i] != NO_TAG; i++)
		vlans[i] =
			(struct flow_vlan){ htons(0x8100), htons((uint16_t)(tci[i] | VLAN_CFI)) };
}

static const struct input_case {
	struct vlan_conf conf;
	int outer, inner; /* tci or NO_TAG */
	int vid;          /* or -drop */
} input_cases[] = {
	/* a trunk of everything */
	{ { .mode = VLAN_TRUNK }, NO_TAG, NO_TAG, 0 },
	{ { .mode = VLAN_TRUNK }, TAG(0, 3), NO_TAG, 0 },
	{ { .mode = VLAN_TRUNK }, TAG(10, 3), NO_TAG, 10 },
	{ { .mode = VLAN_TRUNK }, TAG(4095, 0), TAG(7, 0), 4095 },
	/* a trunk of 10 and 20 */
	{ { .mode = VLAN_TRUNK, .trunks = trunks }, NO_TAG, NO_TAG, -VLAN_DROP_NOT_TRUNKED },
	{ { .mode = VLAN_TRUNK, .trunks = trunks }, TAG(0, 7), NO_TAG, -VLAN_DROP_NOT_TRUNKED },
	{ { .mode = VLAN_TRUNK, .trunks = trunks }, TAG(10, 0), NO_TAG, 10 },
	{ { .mode = VLAN_TRUNK, .trunks = trunks }, TAG(11, 0), NO_TAG, -VLAN_DROP_NOT_TRUNKED },
	{ { .mode = VLAN_TRUNK, .trunks = zero_and_ten }, NO_TAG, NO_TAG, 0 },
	/* access: a VID is dropped even when it is the port's own */
	{ { .mode = VLAN_ACCESS, .tag = 10 }, NO_TAG, NO_TAG, 10 },
	{ { .mode = VLAN_ACCESS, .tag = 10 }, TAG(0, 5), NO_TAG, 10 },
	{ { .mode = VLAN_ACCESS, .tag = 10 }, TAG(10, 0), NO_TAG, -VLAN_DROP_TAGGED_ON_ACCESS },
	{ { .mode = VLAN_ACCESS, .tag = 10 }, TAG(11, 0), NO_TAG, -VLAN_DROP_TAGGED_ON_ACCESS },
	/* native: always trunks the native VLAN */
	{ { .mode = VLAN_NATIVE_TAGGED, .tag = 5, .trunks = trunks }, NO_TAG, NO_TAG, 5 },
	{ { .mode = VLAN_NATIVE_TAGGED, .tag = 5, .trunks = trunks }, TAG(0, 1), NO_TAG, 5 },
	{ { .mode = VLAN_NATIVE_TAGGED, .tag = 5, .trunks = trunks }, TAG(5, 0), NO_TAG, 5 },
	{ { .mode = VLAN_NATIVE_TAGGED, .tag = 5, .trunks = trunks }, TAG(20, 0), NO_TAG, 20 },
	{ { .mode = VLAN_NATIVE_UNTAGGED, .tag = 5, .trunks = trunks },
	  TAG(21, 0),
	  NO_TAG,
	  -VLAN_DROP_NOT_TRUNKED },
	{ { .mode = VLAN_NATIVE_UNTAGGED, .tag = 5 }, NO_TAG, NO_TAG, 5 },
	{ { .mode = VLAN_NATIVE_UNTAGGED, .tag = 5 }, TAG(21, 0), NO_TAG, 21 },
	/* dot1q-tunnel: everything is in the service VLAN */
	{ { .mode = VLAN_DOT1Q_TUNNEL, .tag = 100 }, NO_TAG, NO_TAG, 100 },
	{ { .mode = VLAN_DOT1Q_TUNNEL, .tag = 100 }, TAG(9, 0), NO_TAG, 100 },
	{ { .mode = VLAN_DOT1Q_TUNNEL, .tag = 100, .cvlans = trunks }, TAG(10, 0), NO_TAG, 100 },
	{ { .mode = VLAN_DOT1Q_TUNNEL, .tag = 100, .cvlans = trunks },
	  TAG(9, 0),
	  NO_TAG,
	  -VLAN_DROP_CVLAN },
	{ { .mode = VLAN_DOT1Q_TUNNEL, .tag = 100, .cvlans = trunks },
	  NO_TAG,
	  NO_TAG,
	  -VLAN_DROP_CVLAN },
};

START_TEST(input_follows_the_manual)
{
	const struct input_case *c = &input_cases[_i];
	struct flow_vlan vlans[FLOW_N_VLANS];
	struct vlan_in in;

	fill_bitmaps();
	tags_of(c->outer, c->inner, vlans);
	ck_assert_int_eq(vlan_input(&c->conf, vlans, &in), c->vid);
	if (c->vid < 0) {
		ck_assert_str_ne(vlan_drop_text((enum vlan_drop) - c->vid), "unknown");
		return;
	}
	ck_assert_int_eq(in.vid, c->vid);
	ck_assert(in.strip == (c->outer != NO_TAG && c->conf.mode != VLAN_DOT1Q_TUNNEL));
}
END_TEST

#define NOT_CARRIED (-2)
static const struct output_case {
	struct vlan_conf conf;
	uint16_t vid, cvid;
	uint8_t pcp;
	bool tagged;
	int tag; /* TAG(), NO_TAG or NOT_CARRIED */
} output_cases[] = {
	{ { .mode = VLAN_TRUNK }, 10, 0, 0, false, TAG(10, 0) },
	{ { .mode = VLAN_TRUNK }, 10, 0, 6, true, TAG(10, 6) },
	{ { .mode = VLAN_TRUNK }, 0, 0, 0, false, NO_TAG },
	{ { .mode = VLAN_TRUNK, .trunks = trunks }, 11, 0, 0, true, NOT_CARRIED },
	{ { .mode = VLAN_TRUNK, .trunks = trunks }, 0, 0, 0, false, NOT_CARRIED },
	{ { .mode = VLAN_TRUNK, .trunks = trunks }, 20, 0, 0, false, TAG(20, 0) },
	{ { .mode = VLAN_ACCESS, .tag = 10 }, 10, 0, 3, true, NO_TAG },
	{ { .mode = VLAN_ACCESS, .tag = 10 }, 11, 0, 0, true, NOT_CARRIED },
	{ { .mode = VLAN_NATIVE_TAGGED, .tag = 5, .trunks = trunks }, 5, 0, 0, 0, TAG(5, 0) },
	{ { .mode = VLAN_NATIVE_TAGGED, .tag = 5, .trunks = trunks }, 10, 0, 0, 0, TAG(10, 0) },
	{ { .mode = VLAN_NATIVE_TAGGED, .tag = 5, .trunks = trunks }, 11, 0, 0, 0, NOT_CARRIED },
	{ { .mode = VLAN_NATIVE_UNTAGGED, .tag = 5, .trunks = trunks }, 5, 0, 0, 0, NO_TAG },
	{ { .mode = VLAN_NATIVE_UNTAGGED, .tag = 5 }, 6, 0, 0, 0, TAG(6, 0) },
	/* untagged it would be one of VLAN 5 */
	{ { .mode = VLAN_NATIVE_UNTAGGED, .tag = 5 }, 0, 0, 0, 0, NOT_CARRIED },
	{ { .mode = VLAN_NATIVE_TAGGED, .tag = 5 }, 0, 0, 0, 0, NOT_CARRIED },
	{ { .mode = VLAN_NATIVE_UNTAGGED }, 0, 0, 0, 0, NO_TAG },
	{ { .mode = VLAN_DOT1Q_TUNNEL, .tag = 100 }, 100, 9, 3, true, NO_TAG },
	{ { .mode = VLAN_DOT1Q_TUNNEL, .tag = 100 }, 101, 9, 0, true, NOT_CARRIED },
	{ { .mode = VLAN_DOT1Q_TUNNEL, .tag = 100, .cvlans = trunks }, 100, 9, 0, 0, NOT_CARRIED },
	{ { .mode = VLAN_DOT1Q_TUNNEL, .tag = 100, .cvlans = trunks }, 100, 20, 0, 0, NO_TAG },
	/* priority tags */
	{ { .mode = VLAN_TRUNK }, 0, 0, 5, true, NO_TAG },
	{ { .mode = VLAN_TRUNK, .priority_tags = VLAN_PRIO_IF_NONZERO }, 0, 0, 5, 1, TAG(0, 5) },
	{ { .mode = VLAN_TRUNK, .priority_tags = VLAN_PRIO_IF_NONZERO }, 0, 0, 0, 1, NO_TAG },
	{ { .mode = VLAN_TRUNK, .priority_tags = VLAN_PRIO_ALWAYS }, 0, 0, 0, 1, TAG(0, 0) },
	{ { .mode = VLAN_TRUNK, .priority_tags = VLAN_PRIO_ALWAYS }, 0, 0, 0, 0, NO_TAG },
	{ { .mode = VLAN_ACCESS, .tag = 10, .priority_tags = VLAN_PRIO_IF_NONZERO },
	  10,
	  0,
	  2,
	  true,
	  TAG(0, 2) },
	{ { .mode = VLAN_NATIVE_UNTAGGED, .tag = 5, .priority_tags = VLAN_PRIO_IF_NONZERO },
	  5,
	  0,
	  2,
	  true,
	  TAG(0, 2) },
};

START_TEST(output_follows_the_manual)
{
	const struct output_case *c = &output_cases[_i];
	struct vlan_in in = { c->vid, c->cvid, c->pcp, c->tagged, c->tagged, htons(0x8100) };
	struct vlan_out out = { .push = true };

	fill_bitmaps();
	ck_assert(vlan_output(&c->conf, &in, &out) == (c->tag != NOT_CARRIED));
	if (c->tag == NOT_CARRIED)
		return;
	ck_assert(out.push == (c->tag != NO_TAG));
	ck_assert_int_eq(ntohs(out.tag.tci), out.push ? c->tag | VLAN_CFI : 0);
	ck_assert_int_eq(ntohs(out.tag.tpid), out.push ? 0x8100 : 0);
}
END_TEST

/* A customer's tag crosses the provider's trunk inside a service tag and comes out as it was. */
START_TEST(tunnel_crosses_a_trunk)
{
	const struct vlan_conf tunnel = { .mode = VLAN_DOT1Q_TUNNEL, .tag = 100 };
	const struct vlan_conf trunk = { .mode = VLAN_TRUNK };
	struct flow_vlan vlans[FLOW_N_VLANS];
	struct vlan_out out;
	struct vlan_in in;

	tags_of(TAG(9, 4), NO_TAG, vlans);
	ck_assert_int_eq(vlan_input(&tunnel, vlans, &in), 100);
	ck_assert(!in.strip);
	ck_assert(vlan_output(&trunk, &in, &out));
	ck_assert_int_eq(ntohs(out.tag.tpid), 0x88a8);
	ck_assert_int_eq(ntohs(out.tag.tci), 100 | VLAN_CFI);

	vlans[1] = vlans[0];
	vlans[0] = out.tag;
	ck_assert_int_eq(vlan_input(&trunk, vlans, &in), 100);
	ck_assert(in.strip);
	ck_assert_int_eq(in.cvid, 9);
	ck_assert(vlan_output(&tunnel, &in, &out));
	ck_assert(!out.push);
}
END_TEST

START_TEST(names_round_trip)
{
	for (int i = 0; i < VLAN_N_MODES; i++)
		ck_assert_int_eq(vlan_mode_parse(vlan_mode_name((enum vlan_mode)i)), i);
	ck_assert_int_eq(vlan_mode_parse("hybrid"), -EINVAL);
	ck_assert_int_eq(vlan_priority_tags_parse("always"), VLAN_PRIO_ALWAYS);
	ck_assert_int_eq(vlan_priority_tags_parse("true"), VLAN_PRIO_IF_NONZERO);
	ck_assert_int_eq(vlan_priority_tags_parse("sometimes"), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vlan");
	TCase *tc = tcase_create("vlan");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, input_follows_the_manual, 0, ARRAY_SIZE(input_cases));
	tcase_add_loop_test(tc, output_follows_the_manual, 0, ARRAY_SIZE(output_cases));
	tcase_add_test(tc, tunnel_crosses_a_trunk);
	tcase_add_test(tc, names_round_trip);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
