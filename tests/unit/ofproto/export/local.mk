EXPORT_TESTS = tests/unit/ofproto/export/sflow_test
check_PROGRAMS += $(EXPORT_TESTS)
TESTS += $(EXPORT_TESTS)
