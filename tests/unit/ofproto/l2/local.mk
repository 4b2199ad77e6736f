L2_TESTS = \
	tests/unit/ofproto/l2/mac_test \
	tests/unit/ofproto/l2/tunnel_test \
	tests/unit/ofproto/l2/vlan_test
check_PROGRAMS += $(L2_TESTS)
TESTS += $(L2_TESTS)
