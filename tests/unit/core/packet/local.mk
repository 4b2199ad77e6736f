PACKET_TESTS = \
	tests/unit/core/packet/action_exec_test \
	tests/unit/core/packet/action_test \
	tests/unit/core/packet/csum_test \
	tests/unit/core/packet/dp_text_test \
	tests/unit/core/packet/field_test \
	tests/unit/core/packet/match_test \
	tests/unit/core/packet/parse_test \
	tests/unit/core/packet/segment_test \
	tests/unit/core/packet/vxlan_test
check_PROGRAMS += $(PACKET_TESTS)
TESTS += $(PACKET_TESTS)
EXTRA_DIST += tests/unit/core/packet/random_key.h
