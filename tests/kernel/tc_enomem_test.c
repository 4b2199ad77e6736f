/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel has no memory for rules: each allocation that requests, readings and dumps of the TC
 * provider take fails in turn.  What was answered is true, nothing stands that nobody knows of, and
 * nothing is left over. */
#include "tests/kernel/sweep.h"
#include "tests/kernel/tc_lab.h"

#define RULES 3u
#define PACKETS 2u

static struct tc_lab_pair lab;
static struct offload_req reqs[RULES];
static uint64_t handles[RULES]; /* of rules that stand; 0: none */

static struct flow_key key_of(unsigned n)
{
	struct flow_key k;

	memset(&k, 0, sizeof(k));
	k.in_port = htonl(1);
	k.dl_dst = (struct eth_addr){ { 2, 0, 0, 0, 0, 1 } };
	k.dl_src = (struct eth_addr){ { 2, 0, 0, 0, 0, 2 } };
	k.dl_type = htons(0x0800);
	k.nw_src = htonl(0x0a000001);
	k.nw_dst = htonl(0x0a000002);
	k.nw_proto = 17;
	k.nw_ttl = 64;
	k.tp_src = htons((uint16_t)(1000 + n));
	k.tp_dst = htons(80);
	return k;
}

static void send_some(unsigned n)
{
	struct flow_key key = key_of(n);

	tc_lab_pair_send(&lab, &key, PACKETS);
}

/* RULES requests in one call; the worst result. */
static int ask(enum offload_req_kind kind, const char *actions)
{
	struct error err = ERROR_INIT;
	struct buf acts = BUF_INIT;
	struct flow_key key[RULES], mask;
	int worst = 0;

	ck_assert_int_eq(dp_actions_parse(actions, &acts, &err), 0);
	memset(&mask, 0, sizeof(mask));
	mask.in_port = mask.recirc_id = UINT32_MAX;
	mask.dl_type = mask.tp_src = UINT16_MAX;
	mask.nw_proto = UINT8_MAX;
	mask.nw_frag = FLOW_FRAG_ANY | FLOW_FRAG_LATER;
	memset(reqs, 0, sizeof(reqs));
	for (unsigned i = 0; i < RULES; i++) {
		key[i] = key_of(i);
		reqs[i].kind = kind;
		reqs[i].handle = handles[i];
		reqs[i].rule = (struct offload_rule){ .ufid = { { 8, i } },
						      .key = &key[i],
						      .mask = &mask,
						      .actions = dp_actions_of(&acts) };
	}
	(void)lab.ops->apply(lab.dev, reqs, RULES); /* each has its result */
	buf_done(&acts);
	for (unsigned i = 0; i < RULES; i++) {
		int rc = reqs[i].result;

		if (rc && kind != OFFLOAD_REMOVE)
			ck_assert(reqs[i].refusal.reason == OFFLOAD_IO_ERROR ||
				  reqs[i].refusal.reason == OFFLOAD_ECHO_DIFFERS);
		if (!rc)
			handles[i] = kind == OFFLOAD_REMOVE ? 0 : reqs[i].handle;
		sweep_refused += rc != 0;
		worst = rc ? rc : worst;
	}
	return worst;
}

static unsigned standing(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < RULES; i++)
		n += handles[i] != 0;
	return n;
}

/* What the device holds is what was said to stand. */
static int dump(void)
{
	struct offload_dump_rec recs[8];
	uint64_t cursor = 0;
	unsigned held = 0;
	int n;

	while ((n = lab.ops->dump(lab.dev, &cursor, recs, 8)) > 0)
		for (int i = 0; i < n; i++, held++)
			ck_assert_uint_eq(recs[i].handle, handles[recs[i].ufid.u[1] % RULES]);
	if (!n)
		ck_assert_uint_eq(held, standing());
	return sweep_weigh(n);
}

static int stats(void)
{
	struct offload_stat st[8];
	uint64_t cursor = 0;
	int n;

	while ((n = lab.ops->stats(lab.dev, &cursor, st, 8)) > 0)
		for (int i = 0; i < n; i++)
			ck_assert_uint_eq(st[i].stats.packets, PACKETS);
	return sweep_weigh(n);
}

static bool is_ours(uint64_t handle)
{
	bool ours = false;

	for (unsigned i = 0; i < RULES; i++)
		ours |= handles[i] == handle;
	return ours;
}

/* As the engine's audit does: what a lost answer has left behind is found and taken out. */
static void audit(void)
{
	struct offload_dump_rec recs[16];
	uint64_t cursor = 0, orphans[16];
	unsigned n_orphans = 0;
	int n;

	while ((n = lab.ops->dump(lab.dev, &cursor, recs, 8)) > 0)
		for (int i = 0; i < n; i++)
			if (!is_ours(recs[i].handle) && n_orphans < ARRAY_SIZE(orphans))
				orphans[n_orphans++] = recs[i].handle;
	ck_assert_int_eq(n, 0);
	for (unsigned i = 0; i < n_orphans; i++) {
		struct offload_req q = { .kind = OFFLOAD_REMOVE, .handle = orphans[i] };

		(void)lab.ops->apply(lab.dev, &q, 1);
		ck_assert_int_eq(q.result, 0);
	}
	ck_assert_int_eq(dump(), 0);
}

/* --- scenarios --- */

static int install(void)
{
	return ask(OFFLOAD_INSTALL, "2");
}

static int replace(void)
{
	return ask(OFFLOAD_REPLACE, "set(ipv4(ttl=9)),2");
}

static int take_out(void)
{
	return ask(OFFLOAD_REMOVE, "2");
}

static void all_in(void)
{
	ck_assert_int_eq(install(), 0);
	for (unsigned i = 0; i < RULES; i++)
		send_some(i);
}

static void all_out(void)
{
	audit();
	for (unsigned i = 0; i < RULES; i++) {
		struct offload_req q = { .kind = OFFLOAD_REMOVE, .handle = handles[i] };

		if (!handles[i])
			continue;
		(void)lab.ops->apply(lab.dev, &q, 1);
		ck_assert(!q.result || q.result == -ENOENT); /* done before, and not answered */
		handles[i] = 0;
	}
	audit();
}

/* What was taken out has told its last reading. */
static void after_removal(void)
{
	for (unsigned i = 0; i < RULES; i++)
		if (!reqs[i].result && reqs[i].final_ok)
			ck_assert_uint_eq(reqs[i].final.packets, PACKETS);
	for (unsigned i = 0; i < RULES; i++) {
		struct offload_req q = { .kind = OFFLOAD_REMOVE, .handle = handles[i] };

		if (!handles[i])
			continue;
		(void)lab.ops->apply(lab.dev, &q, 1);
		ck_assert(q.result == -ENOENT || (!q.result && q.final.packets == PACKETS));
		handles[i] = 0;
	}
	audit();
}

static int usage_and_caps(void)
{
	struct offload_usage u;
	struct offload_caps c;

	(void)lab.ops->caps(lab.dev, &c);
	(void)lab.ops->usage(lab.dev, &u);
	return 0;
}

static const struct scenario scenarios[] = {
	{ "install", NULL, install, all_out },
	{ "replace", all_in, replace, all_out },
	{ "remove", all_in, take_out, after_removal },
	{ "stats", all_in, stats, all_out },
	{ "dump", all_in, dump, all_out },
};

static void setup(void)
{
	tc_lab_pair_begin(&lab);
	ck_assert_int_eq(usage_and_caps(), 0);
}

static void teardown(void)
{
	tc_lab_pair_end(&lab);
}

START_TEST(nothing_is_left_of_what_fails)
{
	sweep(&scenarios[_i]);
}
END_TEST

int main(void)
{
	TCase *t;
	Suite *s;
	SRunner *r;
	int failed;

	if (!tc_lab_in_guest())
		return 77;
	if (!fail_nth_there()) {
		puts("skipped: this kernel cannot make allocations fail (CONFIG_FAILSLAB)");
		return 77;
	}
	t = tcase_create("no memory");
	s = suite_create("rules without memory");
	tcase_set_timeout(t, 300);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, nothing_is_left_of_what_fails, 0, ARRAY_SIZE(scenarios));
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
