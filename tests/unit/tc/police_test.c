/* SPDX-License-Identifier: Apache-2.0 */
/* Police actions: what fits, and that a request says what an answer is read for. */
#include <check.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "core/io/nl.h"
#include "tc/police.h"
#include "tests/unit/seed.h"

#define ROUNDS 2000

static const struct {
	struct dp_meter m;
	bool fits;
} rows[] = {
	{ { .n_bands = 0 }, false },
	{ { .n_bands = 1, .bands = { { 1000, 0 } } }, true },
	{ { .packets = true, .n_bands = 1, .bands = { { 1, 0 } } }, true },
	{ { .n_bands = 2, .bands = { { 1000, 0 }, { 2000, 0 } } }, false },
	{ { .n_bands = 1, .bands = { { 0, 7 } } }, false },
	{ { .n_bands = 1, .bands = { { UINT32_MAX, 1 } } }, true },
	{ { .n_bands = 1, .bands = { { UINT32_MAX, UINT32_MAX } } }, true },
	{ { .n_bands = 1, .bands = { { 1, 274 } } }, true },
	{ { .n_bands = 1, .bands = { { 1, 275 } } }, false },
	{ { .packets = true, .n_bands = 1, .bands = { { 2, 1000 } } }, false },
};

START_TEST(what_fits)
{
	ck_assert_msg(rows[_i].fits == !police_unfit(&rows[_i].m), "row %d", _i);
}
END_TEST

static void keep(const struct police_seen *s, void *arg)
{
	struct police_seen *to = arg;

	ck_assert_msg(!to->index, "one action");
	*to = *s;
}

static const struct nlattr *find(const void *p, size_t len, unsigned type)
{
	const struct nlattr *a;
	bool bad = false;

	NLATTR_FOR_EACH(a, p, len, &bad)
	if (nlattr_type(a) == type)
		return a;
	ck_abort_msg("no attribute %u", type);
}

static const struct nlattr *within(const struct nlattr *a, unsigned type)
{
	return find(nlattr_data(a), nlattr_len(a), type);
}

/* The burst as the kernel will have it: its time, at the rate. */
static void check_rate(const struct dp_meter *m, const struct nlattr *options, bool hw)
{
	uint64_t want = m->bands[0].burst ? m->bands[0].burst : m->bands[0].rate, ticks, rate;
	struct tc_police p;

	memcpy(&p, nlattr_data(within(options, TCA_POLICE_TBF)), sizeof(p));
	ck_assert_int_eq(p.action, TC_ACT_SHOT);
	ck_assert_uint_eq(nlattr_u32(within(options, TCA_POLICE_RESULT)), TC_ACT_PIPE);
	if (m->packets) {
		rate = nlattr_u64(within(options, TCA_POLICE_PKTRATE64));
		ticks = nlattr_u64(within(options, TCA_POLICE_PKTBURST64));
		ck_assert_uint_eq(rate, m->bands[0].rate);
	} else {
		rate = p.rate.rate == UINT32_MAX ? nlattr_u64(within(options, TCA_POLICE_RATE64))
						 : p.rate.rate;
		ticks = p.burst;
		ck_assert_uint_eq(rate, (uint64_t)m->bands[0].rate * 125);
		ck_assert_uint_eq(nlattr_len(within(options, TCA_POLICE_RATE)), 1024);
		ck_assert_uint_eq(p.rate.overhead, hw ? 0 : 14);
	}
	if (ticks > 1) /* to a tick, which is what the kernel has */
		ck_assert(want * 1000000000.0 / m->bands[0].rate - (double)ticks * 64 < 64.5);
}

START_TEST(requests_say_what_is_read)
{
	struct rng r = rng_start("requests_say_what_is_read");

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct dp_meter m = { .packets = rng_next(&r) & 1, .n_bands = 1 };
		bool hw = rng_next(&r) & 1, kernel = rng_next(&r) & 1;
		uint32_t id = (uint32_t)rng_next(&r) & POLICE_ID;
		uint32_t index = police_index(kernel, id, hw);
		struct police_seen seen = { .index = 0 };
		const struct nlattr *act;
		struct nla_bitfield32 flags;
		struct nlmsghdr *h;
		struct nl_batch b;

		m.bands[0].rate = (uint32_t)(rng_next(&r) >> (32 + rng_next(&r) % 32)) | 1;
		m.bands[0].burst = (uint32_t)(rng_next(&r) >> (32 + rng_next(&r) % 32));
		if (police_unfit(&m))
			continue;
		nl_batch_init(&b);
		(void)police_put(&b, index, &m, rng_next(&r) & 1);
		h = (struct nlmsghdr *)(void *)b.buf.data;
		h->nlmsg_len = (uint32_t)b.buf.len; /* as when it is sent */
		ck_assert_int_eq(h->nlmsg_type, RTM_NEWACTION);
		ck_assert_int_eq(police_get(h, keep, &seen), 0);
		ck_assert(seen.ours && seen.limits);
		ck_assert_uint_eq(seen.index, index);
		act = within(find(b.buf.data + NLMSG_SPACE(sizeof(struct tcamsg)),
				  b.buf.len - NLMSG_SPACE(sizeof(struct tcamsg)), TCA_ACT_TAB),
			     1);
		memcpy(&flags, nlattr_data(within(act, TCA_ACT_FLAGS)), sizeof(flags));
		ck_assert_uint_eq(flags.value, hw ? TCA_ACT_FLAGS_SKIP_SW : TCA_ACT_FLAGS_SKIP_HW);
		check_rate(&m, within(act, TCA_ACT_OPTIONS), hw);
		nl_batch_done(&b);
	}
}
END_TEST

START_TEST(numbers_do_not_meet)
{
	for (uint32_t id = 0; id < 3; id++)
		for (unsigned i = 0; i < 16; i++) {
			uint32_t a = police_index(i & 1, id, i & 2),
				 b = police_index(i & 4, id, i & 8);

			ck_assert_uint_eq(a & POLICE_MASK, POLICE_FIRST);
			ck_assert_uint_eq(a & POLICE_ID, id);
			ck_assert(!(a & POLICE_TRIAL));
			ck_assert((a == b) == ((i & 3) == i >> 2));
		}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tc/police");
	TCase *c = tcase_create("police");
	SRunner *run = srunner_create(s);
	int failed;

	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, what_fits, 0, (int)ARRAY_SIZE(rows));
	tcase_add_test(c, requests_say_what_is_read);
	tcase_add_test(c, numbers_do_not_meet);
	suite_add_tcase(s, c);
	srunner_run_all(run, CK_NORMAL);
	failed = srunner_ntests_failed(run);
	srunner_free(run);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
