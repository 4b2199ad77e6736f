# What only a kernel with openvswitch can show; `make check-kernel` runs them there.
KERNEL_DP_TESTS = tests/kernel/dp_kernel_test
check_PROGRAMS += $(KERNEL_DP_TESTS)
KERNEL_TESTS += $(KERNEL_DP_TESTS)
tests_kernel_dp_kernel_test_SOURCES = tests/kernel/dp_kernel_test.c $(DP_CONFORM) tests/conform/netns.h tests/conform/wire.h
