# Whole-system tests, each in namespaces of its own (see lib.sh).
SYSTEM_TESTS = \
	tests/system/interfaces_test.sh \
	tests/system/lifecycle_test.sh \
	tests/system/load_test.sh \
	tests/system/log_test.sh \
	tests/system/mpls_test.sh \
	tests/system/no_kernel_test.sh \
	tests/system/offload_config_test.sh \
	tests/system/offload_policy_test.sh \
	tests/system/patch_internal_test.sh \
	tests/system/restart_test.sh \
	tests/system/sflow_test.sh \
	tests/system/short_packets_test.sh \
	tests/system/top_test.sh \
	tests/system/traffic_test.sh \
	tests/system/vlan_test.sh \
	tests/system/vxlan_internal_test.sh \
	tests/system/vxlan_linux_test.sh \
	tests/system/vxlan_test.sh
dist_check_SCRIPTS += $(SYSTEM_TESTS)
EXTRA_DIST += tests/system/lib.sh tests/system/pinger.py tests/system/sflow.py tests/system/sflow_lib.sh tests/system/tunnel_lib.sh
TESTS += $(SYSTEM_TESTS)
