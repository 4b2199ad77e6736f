check_PROGRAMS += tests/unit/ofproto/flows/exact_test
TESTS += tests/unit/ofproto/flows/exact_test
tests_unit_ofproto_flows_exact_test_SOURCES = \
	tests/unit/ofproto/flows/exact_test.c \
	tests/unit/ofproto/xlate/world.c \
	tests/unit/ofproto/xlate/world.h
check_PROGRAMS += tests/unit/ofproto/flows/adopt_test
TESTS += tests/unit/ofproto/flows/adopt_test
tests_unit_ofproto_flows_adopt_test_SOURCES = tests/unit/ofproto/flows/adopt_test.c $(SURVIVOR)
check_PROGRAMS += tests/unit/ofproto/flows/limit_test
TESTS += tests/unit/ofproto/flows/limit_test
check_PROGRAMS += tests/unit/ofproto/flows/slow_device_test
TESTS += tests/unit/ofproto/flows/slow_device_test
tests_unit_ofproto_flows_slow_device_test_SOURCES = tests/unit/ofproto/flows/slow_device_test.c $(SURVIVOR)
tests_unit_ofproto_flows_limit_test_SOURCES = tests/unit/ofproto/flows/limit_test.c $(SURVIVOR)
