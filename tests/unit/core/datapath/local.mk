DATAPATH_TESTS = tests/unit/core/datapath/exact_test
check_PROGRAMS += $(DATAPATH_TESTS)
TESTS += $(DATAPATH_TESTS)
