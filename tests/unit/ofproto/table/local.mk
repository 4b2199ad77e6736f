TABLE_TESTS = \
	tests/unit/ofproto/table/wheel_test
check_PROGRAMS += $(TABLE_TESTS)
TESTS += $(TABLE_TESTS)
