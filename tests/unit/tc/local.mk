TC_TESTS = tests/unit/tc/chains_test tests/unit/tc/flower_test tests/unit/tc/number_test tests/unit/tc/police_test tests/unit/tc/prio_test \
	tests/unit/tc/sample_group_test
check_PROGRAMS += $(TC_TESTS)
TESTS += $(TC_TESTS)
EXTRA_DIST += tests/unit/tc/env.h tests/unit/tc/near.h tests/unit/tc/random_rule.h
