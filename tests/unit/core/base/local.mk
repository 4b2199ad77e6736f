BASE_TESTS = \
	tests/unit/core/base/base_test \
	tests/unit/core/base/log_test \
	tests/unit/core/base/rcu_test \
	tests/unit/core/base/small_test
check_PROGRAMS += $(BASE_TESTS)
TESTS += $(BASE_TESTS)
