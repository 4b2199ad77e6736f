TABLE_TESTS = \
	tests/unit/ofproto/table/conjunction_test \
	tests/unit/ofproto/table/group_test \
	tests/unit/ofproto/table/meter_test \
	tests/unit/ofproto/table/model_test \
	tests/unit/ofproto/table/tables_test \
	tests/unit/ofproto/table/threads_test \
	tests/unit/ofproto/table/wheel_test
check_PROGRAMS += $(TABLE_TESTS)
TESTS += $(TABLE_TESTS)
EXTRA_DIST += tests/unit/ofproto/table/fixture.h
