# What only a kernel with openvswitch can show; `make check-kernel` runs them there (tests/lab/run-tests).
KERNEL_DP_TESTS = tests/kernel/dp_kernel_test tests/kernel/enomem_test tests/kernel/faults_test tests/kernel/meters_ct_test \
	tests/kernel/words_test tests/kernel/removal_test
KERNEL_DP_SHELL = tests/kernel/ct_commands_test.sh tests/kernel/ct_timeouts_test.sh tests/kernel/ct_test.sh tests/kernel/dp_tamper_test.sh tests/kernel/meter_test.sh \
	tests/kernel/sflow_test.sh tests/kernel/system_test.sh tests/kernel/vxlan_test.sh
check_PROGRAMS += $(KERNEL_DP_TESTS)
KERNEL_TESTS += $(KERNEL_DP_TESTS) $(KERNEL_DP_SHELL)
EXTRA_DIST += $(KERNEL_DP_SHELL) tests/kernel/lib.sh
KERNEL_RIG = tests/kernel/rig.h tests/conform/netns.h tests/conform/wire.h
tests_kernel_dp_kernel_test_SOURCES = tests/kernel/dp_kernel_test.c $(DP_CONFORM) tests/conform/netns.h tests/conform/wire.h
tests_kernel_meters_ct_test_SOURCES = tests/kernel/meters_ct_test.c $(KERNEL_RIG)
tests_kernel_words_test_SOURCES = tests/kernel/words_test.c $(KERNEL_RIG) tests/unit/core/packet/random_key.h
tests_kernel_faults_test_SOURCES = tests/kernel/faults_test.c $(KERNEL_RIG)
tests_kernel_removal_test_SOURCES = tests/kernel/removal_test.c $(KERNEL_RIG)
tests_kernel_enomem_test_SOURCES = tests/kernel/enomem_test.c tests/kernel/fail_nth.h tests/kernel/sweep.h $(KERNEL_RIG)
