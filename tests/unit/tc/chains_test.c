/* SPDX-License-Identifier: Apache-2.0 */
/* How long packets are in chains.  A random web of rules that join in any order: one is refused
 * when it would bring packets of another length to where some come already, and never else; what is
 * known of the others is what a walk from the first chain finds, and nothing is left behind. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/packet/match.h"
#include "tc/chains.h"
#include "tc/device.h"
#include "tests/unit/seed.h"

#define RULES 40
#define CHAINS 8 /* from 1; 0 is where packets come in */
#define ROUNDS 3000

static struct tc_device d;

static void setup(void)
{
	memset(&d, 0, sizeof(d));
	lock_init(&d.lock);
	htable_init(&d.chains);
}

static void teardown(void)
{
	ck_assert_uint_eq(d.chains.n, 0);
	htable_done(&d.chains);
	lock_done(&d.lock);
}

static bool join(struct tc_rule *r, const char *match, const char *actions)
{
	struct error err = ERROR_INIT;
	struct flow_key key, mask;
	struct buf acts = BUF_INIT;
	bool ok;

	memset(&key, 0, sizeof(key));
	memset(&mask, 0, sizeof(mask));
	ck_assert_msg(!match_parse_dp(&key, &mask, match, &err), "%s: %s", match, err.cause);
	ck_assert_msg(!dp_actions_parse(actions, &acts, &err), "%s: %s", actions, err.cause);
	lock_take(&d.lock);
	ok = tc_chain_join(&d, r, &key, &mask, dp_actions_of(&acts));
	lock_give(&d.lock);
	buf_done(&acts);
	return ok;
}

static void leave(struct tc_rule *r)
{
	lock_take(&d.lock);
	tc_chain_leave(&d, r);
	lock_give(&d.lock);
}

#define UNTAGGED "recirc_id(0),in_port(1),eth_type(0x8847)"
#define TAGGED "recirc_id(0),in_port(1),eth_type(0x8100),vlan(vid=5),encap(eth_type(0x8847))"
#define TAGS2                                                                                      \
	"recirc_id(0),in_port(1),eth_type(0x88a8),vlan(vid=5),encap(eth_type(0x8100),vlan(vid=6)," \
	"encap(eth_type(0x0800)))"

static const struct {
	const char *match, *actions;
	int moved;
} lists[] = {
	{ UNTAGGED, "ct(zone=5),recirc(0x7)", 0 },
	{ UNTAGGED, "pop_mpls(eth_type=0x800),recirc(0x7)", -4 },
	{ UNTAGGED, "2,clone(pop_mpls(eth_type=0x800),recirc(0x7))", -4 },
	{ UNTAGGED, "push_vlan(vid=5,pcp=0),recirc(0x7)", 0 },
	{ UNTAGGED, "push_vlan(vid=5,pcp=0),push_vlan(vid=6,pcp=0),recirc(0x7)", 4 },
	{ TAGGED, "pop_vlan,pop_mpls(eth_type=0x8847),recirc(0x7)", -4 },
	{ TAGGED, "push_vlan(vid=6,pcp=0),recirc(0x7)", 4 },
	{ TAGS2, "pop_vlan,recirc(0x7)", -4 },
	{ TAGS2, "pop_vlan,pop_vlan,recirc(0x7)", -4 },
};

START_TEST(a_list_says_how_long_packets_become)
{
	struct tc_rule first = { .at = { .chain = 0 } }, second = { .at = { .chain = 7 } };

	ck_assert(join(&second, UNTAGGED, "2"));
	ck_assert(join(&first, lists[_i].match, lists[_i].actions));
	ck_assert_int_eq(tc_chain_moved(&second), lists[_i].moved);
	ck_assert_int_eq(tc_chain_moved(&first), 0);
	leave(&first);
	ck_assert_int_eq(tc_chain_moved(&second), lists[_i].moved); /* it has counted such */
	leave(&second);
}
END_TEST

/* --- against a dumb model --- */

struct rule {
	struct tc_rule r;
	bool in;
	unsigned from, to; /* 0: nowhere */
	int moved;
};

/* What comes to each chain from the first one, by as many walks as there are rules.  False: two
 * lengths come to one. */
static bool walk(const struct rule *rules, bool known[], int moved[])
{
	bool ok = true;

	memset(known, 0, sizeof(*known) * (CHAINS + 1));
	known[0] = true;
	moved[0] = 0;
	for (unsigned k = 0; k <= RULES; k++)
		for (unsigned i = 0; i < RULES; i++) {
			const struct rule *x = &rules[i];

			if (!x->in || !x->to || !known[x->from])
				continue;
			ok &= !known[x->to] || moved[x->to] == moved[x->from] + x->moved;
			if (!known[x->to])
				moved[x->to] = moved[x->from] + x->moved;
			known[x->to] = true;
		}
	return ok;
}

static void come(struct rng *r, struct rule *x)
{
	bool pops = !rng_below(r, 4);
	char acts[80];

	*x = (struct rule){ .from = (unsigned)rng_below(r, CHAINS),
			    .to = (unsigned)rng_below(r, CHAINS + 1),
			    .moved = pops ? -4 : 0 };
	x->r.at.chain = x->from;
	(void)snprintf(acts, sizeof(acts), "%s,recirc(%#x)",
		       pops ? "pop_mpls(eth_type=0x8847)" : "ct(zone=5)", x->to);
	x->in = join(&x->r, UNTAGGED, x->to ? acts : "2");
}

START_TEST(chains_are_as_a_walk_finds_them)
{
	struct rng r = rng_start("tc/chains");
	int moved[CHAINS + 1] = { 0 };
	bool known[CHAINS + 1];
	unsigned refused = 0;

	for (unsigned round = 0; round < ROUNDS; round++) {
		struct rule rules[RULES] = { 0 };

		for (unsigned i = 0; i < RULES; i++) {
			struct rule *x = &rules[i];
			bool ok;

			come(&r, x);
			ok = x->in;
			x->in = true;
			ck_assert_int_eq(walk(rules, known, moved), ok);
			x->in = ok;
			refused += !ok;
			(void)walk(rules, known, moved);
			for (unsigned k = 0; k <= i; k++)
				if (rules[k].in)
					ck_assert_int_eq(tc_chain_moved(&rules[k].r),
							 known[rules[k].from] ? moved[rules[k].from]
									      : 0);
		}
		for (unsigned i = 0; i < RULES; i++)
			if (rules[i].in)
				leave(&rules[i].r);
		ck_assert_uint_eq(d.chains.n, 0);
	}
	printf("%u rules refused\n", refused);
	ck_assert_uint_gt(refused, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tc/chains");
	TCase *t = tcase_create("all");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_list_says_how_long_packets_become, 0, (int)ARRAY_SIZE(lists));
	tcase_add_test(t, chains_are_as_a_walk_finds_them);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
