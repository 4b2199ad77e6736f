WIRE_TESTS = \
	tests/unit/ofproto/wire/interop_test
check_PROGRAMS += $(WIRE_TESTS)
TESTS += $(WIRE_TESTS)
