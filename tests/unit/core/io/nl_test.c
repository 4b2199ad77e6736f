/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes alone; requests and dumps against this machine's kernel, in a network namespace of the
 * test's own: thousands of addresses on its loopback device. */
#include "core/io/nl.h"

#include <check.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/io/genl.h"
#include "core/io/nl_dumps.h"
#include "tests/conform/netns.h"
#include "tests/unit/seed.h"

static struct nl_chan *chan;
static struct nl_batch batch;

/* ---- attributes ---- */

START_TEST(what_was_written_is_read)
{
	static const struct nlattr_policy policy[8] = {
		[1] = NLATTR_EXACT(1), [2] = NLATTR_EXACT(2), [3] = NLATTR_EXACT(4),
		[4] = NLATTR_EXACT(8), [5] = { 1, 10 },       [6] = NLATTR_ANY,
	};
	const struct nlattr *a[8], *in[8];
	struct buf b = BUF_INIT;
	char text[4];
	size_t mark;

	nlattr_put_u8(&b, 1, 0x12);
	nlattr_put_u16(&b, 2, 0x1234);
	nlattr_put_be32(&b, 3, htonl(5));
	nlattr_put_u64(&b, 4, UINT64_C(1) << 40);
	nlattr_put_str(&b, 5, "eth0");
	mark = nlattr_nest_flagged(&b, 6);
	nlattr_put_u8(&b, 1, 7);
	nlattr_put_flag(&b, 7);
	nlattr_nest_end(&b, mark);
	ck_assert_uint_eq(b.len % 4, 0);
	ck_assert_int_eq(nlattr_parse(b.data, b.len, policy, 8, a), 0);
	ck_assert_uint_eq(nlattr_u8(a[1]), 0x12);
	ck_assert_uint_eq(nlattr_u16(a[2]), 0x1234);
	ck_assert_uint_eq(ntohl(nlattr_be32(a[3])), 5);
	ck_assert_uint_eq(nlattr_u64(a[4]), UINT64_C(1) << 40);
	ck_assert(!nlattr_str(a[5], text, sizeof(text)));
	ck_assert_str_eq(text, "eth");
	ck_assert_int_eq(nlattr_parse_nested(a[6], policy, 8, in), 1); /* 7 is not looked at */
	ck_assert_uint_eq(nlattr_u8(in[1]), 7);
	ck_assert_ptr_null(in[2]);
	buf_done(&b);
}
END_TEST

START_TEST(bad_lengths_are_refused)
{
	static const struct nlattr_policy policy[3] = { [1] = NLATTR_EXACT(4), [2] = { 1, 3 } };
	const struct nlattr *a[3];
	struct buf b = BUF_INIT;

	nlattr_put_u16(&b, 1, 9);
	ck_assert_int_eq(nlattr_parse(b.data, b.len, policy, 3, a), -EBADMSG);
	buf_clear(&b);
	nlattr_put_str(&b, 2, "four");
	ck_assert_int_eq(nlattr_parse(b.data, b.len, policy, 3, a), -EBADMSG);
	buf_clear(&b);
	nlattr_put_u32(&b, 1, 9);
	for (size_t cut = 1; cut < b.len; cut++)
		ck_assert_int_eq(nlattr_parse(b.data, cut, policy, 3, a), -EBADMSG);
	b.data[0] = 3; /* shorter than its own header */
	ck_assert_int_eq(nlattr_parse(b.data, b.len, policy, 3, a), -EBADMSG);
	buf_done(&b);
}
END_TEST

/* Whatever the bytes are, a reader stays inside them (the sanitizers see to it) and ends. */
START_TEST(random_bytes_are_read_safely)
{
	static const struct nlattr_policy policy[4] = { [1] = NLATTR_ANY, [2] = { 0, 8 } };
	struct rng r = rng_start("random_bytes_are_read_safely");

	for (unsigned round = 0; round < 20000; round++) {
		const struct nlattr *a[4];
		size_t len = rng_below(&r, 64);
		uint8_t *p = malloc(len + 1); /* exact, but never nothing */

		for (size_t i = 0; i < len; i++)
			p[i] = (uint8_t)(rng_below(&r, 3) ? rng_below(&r, 12) : rng_below(&r, 256));
		(void)!nlattr_parse(p, len, policy, 4, a);
		free(p);
	}
}
END_TEST

/* ---- a kernel ---- */

static void setup(void)
{
	struct error err = ERROR_INIT;

	netns_enter();
	ck_assert_msg(!nl_chan_open(NETLINK_ROUTE, &chan, &err), "%s", err.cause);
	nl_batch_init(&batch);
}

static void teardown(void)
{
	nl_batch_done(&batch);
	nl_chan_close(chan);
}

static void add_address(unsigned i)
{
	struct ifaddrmsg m = { .ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = 1 };

	(void)nl_batch_add(&batch, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
	buf_put(&batch.buf, &m, sizeof(m));
	nlattr_put_be32(&batch.buf, IFA_LOCAL, htonl(0x7f010000 + i));
}

/* Tells how often it found each address; the result is nl_dump_next()'s last. */
static int dump(uint8_t *seen, unsigned n, unsigned disturb_at)
{
	struct ifaddrmsg m = { .ifa_family = AF_INET };
	const struct nlmsghdr *h;
	struct nl_batch b;
	unsigned found = 0;
	int rc;

	nl_batch_init(&b);
	(void)nl_batch_add(&b, RTM_GETADDR, 0);
	buf_put(&b.buf, &m, sizeof(m));
	ck_assert_int_eq(nl_dump_begin(chan, &b), 0);
	nl_batch_done(&b);
	while ((rc = nl_dump_next(chan, &h)) > 0) {
		static const struct nlattr_policy policy[] = { [IFA_LOCAL] = NLATTR_EXACT(4) };
		const struct nlattr *a[ARRAY_SIZE(policy)];
		size_t skip = NLMSG_SPACE(sizeof(m));

		if (++found == disturb_at)
			must("ip addr add 127.9.9.9/32 dev lo");
		ck_assert_int_ge(nlattr_parse((const uint8_t *)h + skip, h->nlmsg_len - skip,
					      policy, ARRAY_SIZE(policy), a),
				 0);
		if (a[IFA_LOCAL] && ntohl(nlattr_be32(a[IFA_LOCAL])) - 0x7f010000 < n)
			seen[ntohl(nlattr_be32(a[IFA_LOCAL])) - 0x7f010000]++;
	}
	nl_dump_end(chan);
	return rc;
}

/* Each request of a batch has its own result, in its place. */
START_TEST(answers_find_their_requests)
{
	enum { N = 3000 };
	uint8_t *seen = calloc(1, N);
	struct nl_chan_stats st;

	for (unsigned i = 0; i < N; i += 3)
		add_address(i);
	ck_assert_int_eq(nl_chan_do(chan, &batch), 0);
	nl_batch_clear(&batch);
	for (unsigned i = 0; i < N; i++)
		add_address(i);
	ck_assert_int_eq(nl_chan_do(chan, &batch), 0);
	for (unsigned i = 0; i < N; i++)
		ck_assert_int_eq(nl_batch_code(&batch, i), i % 3 ? 0 : -EEXIST);
	nl_chan_get_stats(chan, &st);
	ck_assert_uint_eq(st.requests, N + N / 3);
	ck_assert_uint_lt(st.sends, st.requests / 10);
	ck_assert_uint_eq(st.overruns, 0);
	ck_assert_int_eq(dump(seen, N, 0), 0);
	for (unsigned i = 0; i < N; i++)
		ck_assert_uint_eq(seen[i], 1);
	free(seen);
}
END_TEST

/* Quiet and loud ones, those that tell and those that have nothing to tell, good and bad, in one
 * batch: each has its own result, and the good quiet ones have no acknowledgement. */
START_TEST(quiet_requests_have_their_results_too)
{
	enum { N = 2000, EACH = 4 };
	struct ifinfomsg lo = { .ifi_index = 1 }, none = { .ifi_index = 12345 };
	struct rng r = rng_start("quiet_requests_have_their_results_too");
	struct nl_chan_stats before, after;
	bool quiet[N];

	nl_chan_get_stats(chan, &before);
	for (unsigned i = 0; i < N; i++) {
		quiet[i] = rng_below(&r, 8) > 0;
		if (i % EACH < 2) { /* an address, and the same again */
			add_address(i / EACH);
		} else {
			(void)nl_batch_add(&batch, RTM_GETLINK, 0);
			buf_put(&batch.buf, i % EACH == 2 ? &lo : &none, sizeof(lo));
		}
		if (quiet[i])
			nl_batch_quiet(&batch, i % EACH > 1);
		if (!rng_below(&r, 16))
			nl_batch_fail(&batch, i, -ECANCELED);
	}
	ck_assert_int_eq(nl_chan_do(chan, &batch), 0);
	for (unsigned i = 0; i < N; i++) {
		int code = nl_batch_code(&batch, i);

		if (code == -ECANCELED)
			continue;
		if (i % EACH == 1 && nl_batch_code(&batch, i - 1) == -ECANCELED)
			ck_assert_int_eq(code, 0);
		else
			ck_assert_int_eq(code, i % EACH == 1   ? -EEXIST
					       : i % EACH == 3 ? -ENODEV
							       : 0);
		ck_assert(!nl_batch_data(&batch, i) == (i % EACH != 2));
	}
	nl_chan_get_stats(chan, &after);
	/* An error or data for three of four, and hardly more. */
	ck_assert_uint_lt(after.datagrams - before.datagrams, N);
	ck_assert_uint_eq(after.overruns, 0);
}
END_TEST

/* One that should have told and did not is not taken for done. */
START_TEST(silence_is_not_taken_for_data)
{
	add_address(1);
	nl_batch_quiet(&batch, true); /* in truth it has nothing to tell */
	add_address(2);
	ck_assert_int_eq(nl_chan_do(chan, &batch), 0);
	ck_assert_int_eq(nl_batch_code(&batch, 0), -ENOBUFS);
	ck_assert_int_eq(nl_batch_code(&batch, 1), 0);
}
END_TEST

/* Long dumps are not whole when the table changes under them, and say so; the channel works on. */
START_TEST(an_interrupted_dump_says_so)
{
	enum { N = 6000 };
	uint8_t *seen = calloc(1, N);
	uint64_t before;

	for (unsigned i = 0; i < N; i++)
		add_address(i);
	ck_assert_int_eq(nl_chan_do(chan, &batch), 0);
	before = nl_dumps_interruptions(NL_DUMPS_OTHER);
	ck_assert_int_eq(dump(seen, N, 1), -EINTR);
	ck_assert_uint_eq(nl_dumps_interruptions(NL_DUMPS_OTHER), before + 1);
	memset(seen, 0, N);
	ck_assert_int_eq(dump(seen, N, 0), 0);
	ck_assert_uint_eq(nl_dumps_interruptions(NL_DUMPS_OTHER), before + 1);
	for (unsigned i = 0; i < N; i++)
		ck_assert_uint_eq(seen[i], 1);
	free(seen);
}
END_TEST

START_TEST(data_comes_with_its_request)
{
	struct ifinfomsg m = { .ifi_index = 1 }, none = { .ifi_index = 12345 };

	(void)nl_batch_add(&batch, RTM_GETLINK, 0);
	buf_put(&batch.buf, &none, sizeof(none));
	(void)nl_batch_add(&batch, RTM_GETLINK, 0);
	buf_put(&batch.buf, &m, sizeof(m));
	(void)nl_batch_add(&batch, RTM_GETLINK, 0);
	nl_batch_undo(&batch);
	ck_assert_int_eq(nl_chan_do(chan, &batch), 0);
	ck_assert_int_eq(nl_batch_code(&batch, 0), -ENODEV);
	ck_assert_ptr_null(nl_batch_data(&batch, 0));
	ck_assert_int_eq(nl_batch_code(&batch, 1), 0);
	ck_assert_ptr_nonnull(nl_batch_data(&batch, 1));
	ck_assert_int_eq(nl_batch_data(&batch, 1)->nlmsg_type, RTM_NEWLINK);
}
END_TEST

/* What is too long or was given up is not sent, and does not keep the others back. */
START_TEST(requests_that_cannot_be_sent)
{
	add_address(1);
	add_address(2);
	(void)nlattr_put_zeros(&batch.buf, 99, 60000);
	(void)nlattr_put_zeros(&batch.buf, 99, 60000);
	add_address(3);
	nl_batch_fail(&batch, 2, -ECANCELED);
	add_address(4);
	ck_assert_int_eq(nl_chan_do(chan, &batch), 0);
	ck_assert_int_eq(nl_batch_code(&batch, 0), 0);
	ck_assert_int_eq(nl_batch_code(&batch, 1), -E2BIG);
	ck_assert_int_eq(nl_batch_code(&batch, 2), -ECANCELED);
	ck_assert_int_eq(nl_batch_code(&batch, 3), 0);
}
END_TEST

START_TEST(errors_bring_the_kernels_words)
{
	struct error err = ERROR_INIT;
	struct ifaddrmsg m = { .ifa_family = AF_INET, .ifa_prefixlen = 99, .ifa_index = 1 };

	(void)nl_batch_add(&batch, RTM_NEWADDR, NLM_F_CREATE);
	buf_put(&batch.buf, &m, sizeof(m));
	nlattr_put_be32(&batch.buf, IFA_LOCAL, htonl(0x7f020000));
	ck_assert_int_eq(nl_chan_do(chan, &batch), 0);
	ck_assert_int_lt(nl_batch_error(&batch, 0, &err, "adding an address"), 0);
	ck_assert_msg(strstr(err.cause, "adding an address: ") == err.cause, "%s", err.cause);
	ck_assert_uint_gt(strlen(nl_batch_words(&batch, 0)), 0);
}
END_TEST

static void count(const struct nlmsghdr *h, void *arg)
{
	*(unsigned *)arg += h->nlmsg_type == RTM_NEWADDR;
}

START_TEST(notices_come_to_who_joined)
{
	struct error err = ERROR_INIT;
	struct nl_chan *ears;
	unsigned n = 0;

	ck_assert_int_eq(nl_chan_open(NETLINK_ROUTE, &ears, &err), 0);
	ck_assert_int_eq(nl_chan_join(ears, RTNLGRP_IPV4_IFADDR), 0);
	for (unsigned i = 0; i < 100; i++)
		add_address(i);
	ck_assert_int_eq(nl_chan_do(chan, &batch), 0);
	ck_assert_int_eq(nl_chan_notices(ears, count, &n), 100);
	ck_assert_uint_eq(n, 100);
	ck_assert_int_eq(nl_chan_notices(ears, count, &n), 0);
	nl_chan_close(ears);
}
END_TEST

START_TEST(own_notices_stay_away)
{
	struct error err = ERROR_INIT;
	struct nl_chan *ears, *other;
	uint32_t own[2] = { 12345, nl_chan_portid(chan) };
	unsigned n = 0;

	ck_assert_int_eq(nl_chan_open(NETLINK_ROUTE, &ears, &err), 0);
	ck_assert_int_eq(nl_chan_open(NETLINK_ROUTE, &other, &err), 0);
	ck_assert_int_eq(nl_chan_join(ears, RTNLGRP_IPV4_IFADDR), 0);
	ck_assert_int_eq(nl_chan_ignore(ears, own, 2), 0);
	for (unsigned i = 0; i < 10; i++)
		add_address(i);
	ck_assert_int_eq(nl_chan_do(chan, &batch), 0);
	ck_assert_int_eq(nl_chan_notices(ears, count, &n), 0);
	nl_batch_clear(&batch);
	for (unsigned i = 10; i < 20; i++)
		add_address(i);
	ck_assert_int_eq(nl_chan_do(other, &batch), 0);
	ck_assert_int_eq(nl_chan_notices(ears, count, &n), 10);
	nl_batch_clear(&batch);
	ck_assert_int_eq(nl_chan_ignore(ears, own, 1), 0); /* no longer */
	for (unsigned i = 20; i < 30; i++)
		add_address(i);
	ck_assert_int_eq(nl_chan_do(chan, &batch), 0);
	ck_assert_int_eq(nl_chan_notices(ears, count, &n), 10);
	nl_chan_close(other);
	nl_chan_close(ears);
}
END_TEST

START_TEST(families_have_numbers_and_groups)
{
	struct error err = ERROR_INIT;
	struct genl_family f;
	struct nl_chan *c;

	ck_assert_int_eq(nl_chan_open(NETLINK_GENERIC, &c, &err), 0);
	ck_assert_int_eq(genl_find(c, "nlctrl", &f, &err), 0);
	ck_assert_uint_eq(f.id, 16); /* GENL_ID_CTRL */
	ck_assert_uint_ne(genl_group(&f, "notify"), 0);
	ck_assert_uint_eq(genl_group(&f, "nothing"), 0);
	ck_assert_int_eq(genl_find(c, "no_such_family", &f, &err), -ENOENT);
	ck_assert_str_eq(err.cause, "this kernel has no no_such_family");
	nl_chan_close(c);
}
END_TEST

/* Generic families by the numbers that they have now. */
START_TEST(dumps_are_told_apart)
{
	const uint16_t ct = NFNL_SUBSYS_CTNETLINK << 8 | 1;

	ck_assert_int_eq(nl_dumps_of(NETLINK_ROUTE, RTM_GETLINK), NL_DUMPS_LINK);
	ck_assert_int_eq(nl_dumps_of(NETLINK_ROUTE, RTM_GETROUTE), NL_DUMPS_ROUTE);
	ck_assert_int_eq(nl_dumps_of(NETLINK_ROUTE, RTM_GETTFILTER), NL_DUMPS_FILTER);
	ck_assert_int_eq(nl_dumps_of(NETLINK_ROUTE, RTM_GETADDR), NL_DUMPS_OTHER);
	ck_assert_int_eq(nl_dumps_of(NETLINK_NETFILTER, ct), NL_DUMPS_CONNTRACK);
	ck_assert_int_eq(nl_dumps_of(NETLINK_NETFILTER, RTM_GETLINK), NL_DUMPS_OTHER);
	ck_assert_int_eq(nl_dumps_of(NETLINK_GENERIC, 31), NL_DUMPS_OTHER);
	nl_dumps_family("ovs_flow", 31);
	nl_dumps_family("conntrack", 32); /* no family of generic netlink */
	ck_assert_int_eq(nl_dumps_of(NETLINK_GENERIC, 31), NL_DUMPS_OVS_FLOW);
	ck_assert_int_eq(nl_dumps_of(NETLINK_GENERIC, 32), NL_DUMPS_OTHER);
	ck_assert_int_eq(nl_dumps_of(NETLINK_GENERIC, 0), NL_DUMPS_OTHER);
	nl_dumps_family("ovs_flow", 35); /* loaded again */
	ck_assert_int_eq(nl_dumps_of(NETLINK_GENERIC, 31), NL_DUMPS_OTHER);
	ck_assert_int_eq(nl_dumps_of(NETLINK_GENERIC, 35), NL_DUMPS_OVS_FLOW);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("nl");
	TCase *t = tcase_create("attributes");
	SRunner *r;
	int failed;

	tcase_add_test(t, what_was_written_is_read);
	tcase_add_test(t, bad_lengths_are_refused);
	tcase_add_test(t, random_bytes_are_read_safely);
	tcase_add_test(t, dumps_are_told_apart);
	suite_add_tcase(s, t);
	t = tcase_create("kernel");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, answers_find_their_requests);
	tcase_add_test(t, quiet_requests_have_their_results_too);
	tcase_add_test(t, silence_is_not_taken_for_data);
	tcase_add_test(t, an_interrupted_dump_says_so);
	tcase_add_test(t, data_comes_with_its_request);
	tcase_add_test(t, requests_that_cannot_be_sent);
	tcase_add_test(t, errors_bring_the_kernels_words);
	tcase_add_test(t, notices_come_to_who_joined);
	tcase_add_test(t, own_notices_stay_away);
	tcase_add_test(t, families_have_numbers_and_groups);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
