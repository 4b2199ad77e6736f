/* SPDX-License-Identifier: Apache-2.0 */
/* In a network namespace of its own for each test; passed over where that is not allowed. */
#include "core/io/rtnl.h"

#include <check.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/str.h"
#include "core/io/loop.h"

static struct loop *l;
static struct rtnl *r;
static struct rtnl_watch *watch;
static struct str told; /* "new a; changed a; gone a; " */
static unsigned int n_told;

static void note(enum rtnl_change change, const struct link_info *was, const struct link_info *now,
		 void *arg UNUSED)
{
	static const char *const words[] = { "new", "changed", "gone" };

	ck_assert((was != NULL) == (change != RTNL_NEW));
	ck_assert((now != NULL) == (change != RTNL_GONE));
	str_printf(&told, "%s %s; ", words[change], now ? now->name : was->name);
	n_told++;
}

static void ip(const char *arguments)
{
	char command[256];

	(void)snprintf(command, sizeof(command), "ip %s", arguments);
	ck_assert_int_eq(system(command), 0);
}

/* False: this machine does not let us. */
static bool start(void)
{
	struct error err = ERROR_INIT;

	log_set_all(LD_CONSOLE, LL_OFF);
	log_set_all(LD_SYSLOG, LL_OFF);
	if ((unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET)) ||
	    system("ip link add probe0 type veth peer name probe1 2>/dev/null && "
		   "ip link del probe0")) {
		printf("rtnl: no namespaces or no veth here; skipped\n");
		return false;
	}
	ip("link add va type veth peer name vb");
	l = loop_new(NULL);
	r = rtnl_new(l, &err);
	ck_assert_msg(r != NULL, "%s", err.cause);
	watch = rtnl_watch_new(r, note, NULL);
	return true;
}

static void stop(void)
{
	rtnl_watch_free(watch);
	rtnl_free(r);
	loop_free(l);
	str_done(&told);
}

static void settle(void)
{
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(loop_turn(l, NSEC_PER_MSEC), 0);
}

static const struct link_info *get(const char *name)
{
	const struct link_info *link = rtnl_by_name(r, name);

	ck_assert_msg(link != NULL, "no %s", name);
	ck_assert_ptr_eq(link, rtnl_by_index(r, link->ifindex));
	return link;
}

START_TEST(links_are_known_and_followed)
{
	struct rtnl_stats st;
	int ifindex;

	if (!start())
		return;
	ck_assert_str_eq(get("va")->kind, "veth");
	ck_assert(get("va")->has_mac && !get("va")->up && !get("va")->running);
	ck_assert_uint_eq(get("va")->mtu, 1500);
	ck_assert_int_eq(get("va")->link, get("vb")->ifindex);
	ck_assert_str_eq(get("lo")->kind, "");
	ck_assert_str_eq(str_cstr(&told), "");

	ifindex = get("va")->ifindex;
	ip("link set va name vc");
	settle();
	ck_assert_str_eq(told.s, "changed vc; ");
	ck_assert_ptr_null(rtnl_by_name(r, "va"));
	ck_assert_int_eq(get("vc")->ifindex, ifindex);

	ip("link set vb up");
	ip("link set vc up");
	settle();
	ck_assert(get("vc")->up && get("vc")->running);
	ip("link set vb down");
	settle();
	ck_assert(get("vc")->up && !get("vc")->running);

	str_clear(&told);
	ip("link del vc");
	settle();
	ck_assert_ptr_nonnull(strstr(told.s, "gone vc; "));
	ck_assert_ptr_nonnull(strstr(told.s, "gone vb; "));
	ck_assert_ptr_null(rtnl_by_index(r, ifindex));
	str_clear(&told);
	ip("link add vd type veth peer name ve");
	settle();
	ck_assert_ptr_nonnull(strstr(told.s, "new vd; "));
	rtnl_get_stats(r, &st);
	ck_assert_uint_ge(st.links, 3);
	ck_assert_uint_eq(st.dumps, 1);
	stop();
}
END_TEST

START_TEST(links_can_be_changed)
{
	const struct eth_addr mac = { { 2, 0, 0, 0, 0, 1 } };
	struct error err = ERROR_INIT;
	int a;

	if (!start())
		return;
	a = get("va")->ifindex;
	ck_assert_int_eq(rtnl_set_up(r, a, true, &err), 0);
	ck_assert_int_eq(rtnl_set_mtu(r, a, 1400, &err), 0);
	ck_assert_int_eq(rtnl_set_mac(r, a, &mac, &err), 0);
	settle();
	ck_assert(get("va")->up);
	ck_assert_uint_eq(get("va")->mtu, 1400);
	ck_assert_mem_eq(&get("va")->mac, &mac, sizeof(mac));
	ck_assert_int_eq(rtnl_set_up(r, a, false, &err), 0);
	ck_assert_int_eq(rtnl_set_up(r, 99999, true, &err), -ENODEV);
	error_clear(&err);
	ck_assert_int_eq(rtnl_set_mtu(r, a, 1000000, &err), -EINVAL);
	ck_assert_msg(strstr(err.cause, "mtu") != NULL, "%s", err.cause);
	settle();
	ck_assert(!get("va")->up);
	stop();
}
END_TEST

START_TEST(overruns_are_made_good)
{
	struct rtnl_stats st;
	int a;

	if (!start())
		return;
	a = get("va")->ifindex;
	ip("link add gone type veth peer name gone2");
	settle();
	for (uint32_t i = 0; i < 5000; i++)
		ck_assert_int_eq(rtnl_set_mtu(r, a, 1000 + i % 2, NULL), 0);
	ip("link del gone");
	ip("link add late type veth peer name late2");
	settle();
	rtnl_get_stats(r, &st);
	ck_assert_uint_ge(st.overruns, 1);
	ck_assert_uint_ge(st.dumps, 2);
	ck_assert_uint_eq(get("va")->mtu, 1001);
	ck_assert_ptr_null(rtnl_by_name(r, "gone"));
	ck_assert_ptr_nonnull(rtnl_by_name(r, "late"));
	ck_assert_ptr_nonnull(strstr(told.s, "gone gone; "));
	ck_assert_ptr_nonnull(strstr(told.s, "new late; "));
	stop();
}
END_TEST

static void free_self(enum rtnl_change change UNUSED, const struct link_info *was UNUSED,
		      const struct link_info *now UNUSED, void *arg)
{
	struct rtnl_watch **w = arg;

	rtnl_watch_free(*w);
	*w = NULL;
}

static bool stop_at_second(const struct link_info *link UNUSED, void *arg)
{
	int *n = arg;

	return ++*n < 2;
}

START_TEST(watchers_may_leave_in_a_callback)
{
	struct rtnl_watch *w;
	int n = 0;

	if (!start())
		return;
	w = rtnl_watch_new(r, free_self, &w);
	ip("link set va up");
	settle();
	ck_assert_ptr_null(w);
	ck_assert_uint_ge(n_told, 1);
	rtnl_each(r, stop_at_second, &n);
	ck_assert_int_eq(n, 2);
	stop();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rtnl");
	TCase *tc = tcase_create("rtnl");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, links_are_known_and_followed);
	tcase_add_test(tc, links_can_be_changed);
	tcase_add_test(tc, overruns_are_made_good);
	tcase_add_test(tc, watchers_may_leave_in_a_callback);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
