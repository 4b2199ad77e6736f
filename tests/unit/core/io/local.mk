IO_TESTS = \
	tests/unit/core/io/loop_test \
	tests/unit/core/io/reconnect_test
check_PROGRAMS += $(IO_TESTS)
TESTS += $(IO_TESTS)
