/* SPDX-License-Identifier: Apache-2.0 */
/* What the provider finds out about a kernel, beside what the kernel's version says. */
#include <check.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "tc/kernel.h"

static bool is_at_least(unsigned major, unsigned minor)
{
	struct utsname u;
	unsigned long a, b;
	char *end;

	ck_assert_int_eq(uname(&u), 0);
	a = strtoul(u.release, &end, 10);
	ck_assert_int_eq(*end, '.');
	b = strtoul(end + 1, NULL, 10);
	printf("Linux %s\n", u.release);
	return a > major || (a == major && b >= minor);
}

/* Whether iproute2 sees an action of the kind. */
static bool actions_are_left(void)
{
	FILE *f = popen("tc actions ls action tunnel_key", "r");
	char line[256];
	bool any = false;

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f))
		any |= !!strstr(line, "tunnel_key");
	ck_assert_int_eq(pclose(f), 0);
	return any;
}

START_TEST(tunnel_df)
{
	struct error err = ERROR_INIT;
	struct nl_chan *c;
	bool can = is_at_least(6, 4);

	ck_assert_int_eq(nl_chan_open(NETLINK_ROUTE, &c, &err), 0);
	for (int i = 0; i < 2; i++) { /* nothing is left that the second one would meet */
		ck_assert_int_eq(tc_kernel_tunnel_df(c), can);
		ck_assert(!actions_are_left());
	}
	nl_chan_close(c);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tc facts");
	TCase *t = tcase_create("kernel");
	SRunner *run = srunner_create(s);
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, tunnel_df);
	suite_add_tcase(s, t);
	srunner_run_all(run, CK_NORMAL);
	failed = srunner_ntests_failed(run);
	srunner_free(run);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
