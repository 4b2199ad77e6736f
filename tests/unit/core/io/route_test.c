/* SPDX-License-Identifier: Apache-2.0 */
/* Routes and neighbours as the kernel has them, in a network namespace of its own for each test;
 * passed over where that is not allowed. */
#include "core/io/route.h"

#include <check.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/ip_addr.h"
#include "core/base/log.h"
#include "core/io/loop.h"
#include "core/io/neigh.h"

static struct loop *l;
static struct routes *routes;
static struct neighs *neighs;
static unsigned n_changes, n_news;
static struct neigh_info last_news;
static const struct be128 any;

static void changed(void *arg UNUSED)
{
	n_changes++;
}

static void news(int ifindex UNUSED, const struct be128 *addr, const struct neigh_info *now,
		 void *arg UNUSED)
{
	struct be128 far = ip_addr4(htonl(0x0a010002));

	if (!addr || !ip_addr_equal(addr, &far))
		return;
	n_news++;
	last_news = *now;
}

static void ip(const char *arguments)
{
	char command[256];

	(void)snprintf(command, sizeof(command), "ip %s", arguments);
	ck_assert_msg(!system(command), "%s", command);
}

/* False: this machine does not let us. */
static bool start(void)
{
	struct error err = ERROR_INIT;

	log_set_all(LD_CONSOLE, LL_OFF);
	log_set_all(LD_SYSLOG, LL_OFF);
	if ((unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET)) ||
	    system("ip link add va type veth peer name vb 2>/dev/null")) {
		printf("route: no namespaces or no veth here; skipped\n");
		return false;
	}
	ip("addr add 10.1.0.1/24 dev va");
	ip("link set va up");
	ip("link set vb up");
	l = loop_new(NULL);
	routes = routes_new(l, changed, NULL, &err);
	ck_assert_msg(routes != NULL, "%s", err.cause);
	neighs = neighs_new(l, news, NULL, &err);
	ck_assert_msg(neighs != NULL, "%s", err.cause);
	return true;
}

static void stop(void)
{
	neighs_free(neighs);
	routes_free(routes);
	loop_free(l);
}

/* Turns until *what is at least n. */
static void wait_for(const unsigned *what, unsigned n)
{
	for (int i = 0; i < 1000 && *what < n; i++)
		ck_assert_int_eq(loop_turn(l, 10 * NSEC_PER_MSEC), 0);
	ck_assert_uint_ge(*what, n);
}

static struct be128 addr(const char *text)
{
	struct in_addr v4;
	struct be128 a;

	if (inet_pton(AF_INET, text, &v4) == 1)
		return ip_addr4(v4.s_addr);
	ck_assert_int_eq(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static int look(const char *dst, struct route *r)
{
	struct be128 d = addr(dst);

	return route_lookup(routes, &d, &any, r);
}

static void expect_addr(const struct be128 *a, const char *text)
{
	char buf[IP_ADDR_TEXT];

	ck_assert_str_eq(ip_addr_text(a, buf), text);
}

START_TEST(the_kernel_answers)
{
	struct be128 dst, src;
	struct route r;
	int va;

	if (!start())
		return;
	ck_assert_int_eq(look("10.1.0.2", &r), 0);
	va = r.ifindex;
	expect_addr(&r.src, "10.1.0.1");
	expect_addr(&r.next, "10.1.0.2");
	ck_assert(!r.local && !r.mtu);
	ck_assert_int_eq(look("10.1.0.1", &r), 0);
	ck_assert(r.local);
	ck_assert_int_eq(look("192.0.2.1", &r), -ENETUNREACH);

	ip("route add 192.0.2.0/24 via 10.1.0.9 mtu 1400");
	ip("addr add 10.1.0.77/32 dev va");
	ck_assert_int_eq(look("192.0.2.1", &r), 0);
	ck_assert_int_eq(r.ifindex, va);
	expect_addr(&r.next, "10.1.0.9");
	ck_assert_uint_eq(r.mtu, 1400);
	dst = addr("192.0.2.1");
	src = addr("10.1.0.77");
	ck_assert_int_eq(route_lookup(routes, &dst, &src, &r), 0);
	expect_addr(&r.src, "10.1.0.77");
	src = addr("10.5.5.5");
	ck_assert_int_lt(route_lookup(routes, &dst, &src, &r), 0);
	ip("route add unreachable 198.51.100.0/24");
	ck_assert_int_eq(look("198.51.100.1", &r), -EHOSTUNREACH);
	ip("route add prohibit 203.0.113.0/24");
	ck_assert_int_eq(look("203.0.113.1", &r), -EACCES);
	stop();
}
END_TEST

START_TEST(ipv6_too)
{
	struct route r;

	if (!start())
		return;
	if (system("echo 0 > /proc/sys/net/ipv6/conf/va/disable_ipv6 2>/dev/null; "
		   "ip -6 addr add fd00:1::1/64 dev va nodad 2>/dev/null")) {
		stop();
		return;
	}
	ip("-6 route add fd00:2::/64 via fd00:1::9");
	ck_assert_int_eq(look("fd00:2::5", &r), 0);
	expect_addr(&r.src, "fd00:1::1");
	expect_addr(&r.next, "fd00:1::9");
	ip("route add 192.0.2.0/24 via inet6 fd00:1::9"); /* RFC 5549 */
	ck_assert_int_eq(look("192.0.2.1", &r), 0);
	expect_addr(&r.next, "fd00:1::9");
	ck_assert_int_lt(look("fd00:3::5", &r), 0);
	stop();
}
END_TEST

START_TEST(changes_are_told)
{
	static const char *const commands[] = {
		"route add 192.0.2.0/24 via 10.1.0.9",
		"rule add from 10.9.9.9 table 99",
		"addr add 10.2.0.1/24 dev va",
		"link set va mtu 1400",
		"route del 192.0.2.0/24",
		"link set va down",
	};

	if (!start())
		return;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		n_changes = 0;
		ip(commands[i]);
		wait_for(&n_changes, 1);
	}
	/* Many at once are few. */
	ip("link set va up");
	n_changes = 0;
	ck_assert_int_eq(system("for i in $(seq 100); do echo route add 10.77.$i.0/24 dev va; "
				"done | ip -b -"),
			 0);
	wait_for(&n_changes, 1);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(loop_turn(l, 10 * NSEC_PER_MSEC), 0);
	ck_assert_uint_le(n_changes, 10);
	stop();
}
END_TEST

START_TEST(neighbours_are_followed)
{
	struct be128 far = addr("10.1.0.2");
	struct neigh_info now;
	struct route r;

	if (!start())
		return;
	ck_assert_int_eq(look("10.1.0.2", &r), 0);
	ck_assert_int_eq(neigh_get(neighs, r.ifindex, &far, &now), 0);
	ck_assert_int_eq(now.state, NEIGH_UNKNOWN);
	/* Asked for: the kernel begins to ask, and in the end nobody has answered. */
	ck_assert_int_eq(neigh_use(neighs, r.ifindex, &far), 0);
	ck_assert_int_eq(neigh_get(neighs, r.ifindex, &far, &now), 0);
	ck_assert_int_eq(now.state, NEIGH_ASKING);
	for (int i = 0; i < 1000 && last_news.state != NEIGH_FAILED; i++)
		ck_assert_int_eq(loop_turn(l, 10 * NSEC_PER_MSEC), 0);
	ck_assert_int_eq(last_news.state, NEIGH_FAILED);

	n_news = 0;
	ip("neigh replace 10.1.0.2 lladdr 02:00:00:00:00:05 dev va nud reachable");
	wait_for(&n_news, 1);
	ck_assert_int_eq(last_news.state, NEIGH_VALID);
	ck_assert_uint_eq(last_news.mac.b[5], 5);
	n_news = 0;
	ip("neigh replace 10.1.0.2 lladdr 02:00:00:00:00:06 dev va nud permanent");
	wait_for(&n_news, 1);
	ck_assert_uint_eq(last_news.mac.b[5], 6);
	ck_assert_int_eq(neigh_get(neighs, r.ifindex, &far, &now), 0);
	ck_assert(now.state == NEIGH_VALID && now.mac.b[5] == 6);
	ck_assert_int_eq(neigh_use(neighs, r.ifindex, &far), 0);
	ck_assert_int_eq(neigh_get(neighs, r.ifindex, &far, &now), 0);
	ck_assert(now.state == NEIGH_VALID && now.mac.b[5] == 6);
	n_news = 0;
	ip("neigh del 10.1.0.2 dev va");
	wait_for(&n_news, 1);
	ck_assert(last_news.state != NEIGH_VALID);
	stop();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("route");
	TCase *tc = tcase_create("route");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, the_kernel_answers);
	tcase_add_test(tc, ipv6_too);
	tcase_add_test(tc, changes_are_told);
	tcase_add_test(tc, neighbours_are_followed);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
