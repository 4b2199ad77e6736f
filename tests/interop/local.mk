# Interoperability: Debian's Open vSwitch clients, os-ken, promtool and tshark against shuntd, beside Open vSwitch's own
# switch where both can be asked the same.  Each script makes its own namespaces; one that lacks a client is skipped.
INTEROP_TESTS = \
	tests/interop/appctl_test.py \
	tests/interop/async_test.py \
	tests/interop/conjunction_test.py \
	tests/interop/errors_test.py \
	tests/interop/flowmod_test.py \
	tests/interop/flows_test.py \
	tests/interop/idl_test.py \
	tests/interop/meters_test.py \
	tests/interop/metrics_test.py \
	tests/interop/normal_test.py \
	tests/interop/ofctl_test.py \
	tests/interop/osken_test.py \
	tests/interop/plan_test.py \
	tests/interop/sflow_test.py \
	tests/interop/trace_test.py \
	tests/interop/tunnel_test.py \
	tests/interop/vsctl_test.py \
	tests/interop/wire_test.py
dist_check_SCRIPTS += $(INTEROP_TESTS)
EXTRA_DIST += tests/interop/lab.py tests/interop/osken_app.py
TESTS += $(INTEROP_TESTS)
