/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/lab_main.h"

#include <stdlib.h>

int lab_main(int argc, char *argv[], const TTest *test, unsigned *n_flows, unsigned *seconds)
{
	Suite *s = suite_create(test->name);
	TCase *t = tcase_create(test->name);
	SRunner *r;
	int failed;

	if (argc > 1)
		*n_flows = (unsigned)atoi(argv[1]);
	if (argc > 2)
		*seconds = (unsigned)atoi(argv[2]);
	tcase_set_timeout(t, 0);
	tcase_add_test(t, test);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_set_fork_status(r, CK_NOFORK);
	srunner_run_all(r, CK_SILENT);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
