/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/datapath/dp_features.h"

/* The lines that ovs-vswitchd 3.1 prints, in its order: scripts read them. */
START_TEST(text_has_the_known_form)
{
	struct dp_features f = { .actions = 1u << DP_ACT_CLONE | 1u << DP_ACT_CT_CLEAR,
				 .max_vlans = 2,
				 .max_mpls = 3,
				 .sample_depth = 10,
				 .set_masked = true,
				 .ufid = true,
				 .recirc = true,
				 .ct_state = true,
				 .nd_ext = true };
	struct str s = STR_INIT;

	dp_features_format(&f, &s);
	ck_assert_str_eq(str_cstr(&s),
			 "Masked set action: Yes\nTunnel push pop: No\nUfid: Yes\n"
			 "Truncate action: No\nClone action: Yes\nSample nesting: 10\n"
			 "Conntrack eventmask: No\nConntrack clear: Yes\nMax dp_hash algorithm: 0\n"
			 "Check pkt length action: No\nConntrack timeout policy: No\n"
			 "Explicit Drop action: No\nOptimized Balance TCP mode: No\n"
			 "Conntrack all-zero IP SNAT: No\nMPLS Label add: No\n"
			 "Max VLAN headers: 2\nMax MPLS depth: 3\nRecirc: Yes\nCT state: Yes\n"
			 "CT zone: No\nCT mark: No\nCT label: No\nCT state NAT: No\n"
			 "CT orig tuple: No\nCT orig tuple for IPv6: No\nIPv6 ND Extension: Yes\n");
	str_done(&s);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("features");
	TCase *t = tcase_create("features");
	SRunner *r;
	int failed;

	tcase_add_test(t, text_has_the_known_form);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
