# What only a kernel with openvswitch can show; `make check-kernel` runs them there (tests/lab/run-tests).
KERNEL_DP_TESTS = tests/kernel/dp_kernel_test
KERNEL_DP_SCRIPTS = tests/kernel/system_test.sh
check_PROGRAMS += $(KERNEL_DP_TESTS)
KERNEL_TESTS += $(KERNEL_DP_TESTS) $(KERNEL_DP_SCRIPTS)
EXTRA_DIST += $(KERNEL_DP_SCRIPTS) tests/kernel/lib.sh
tests_kernel_dp_kernel_test_SOURCES = tests/kernel/dp_kernel_test.c $(DP_CONFORM) tests/conform/netns.h tests/conform/wire.h
