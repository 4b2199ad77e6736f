TEXT_TESTS = \
	tests/unit/ofproto/text/flow_text_test
check_PROGRAMS += $(TEXT_TESTS)
TESTS += $(TEXT_TESTS)
