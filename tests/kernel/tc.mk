# The TC provider against a kernel that has flower.
TC_LAB = tests/kernel/tc_lab.c tests/kernel/tc_lab.h
TC_KERNEL_TESTS = tests/kernel/tc_agree_test tests/kernel/tc_conform_test tests/kernel/tc_removal_test \
	tests/kernel/tc_covered_test tests/kernel/tc_enomem_test tests/kernel/tc_facts_test tests/kernel/tc_rest_test \
	tests/kernel/tc_unplug_test
check_PROGRAMS += $(TC_KERNEL_TESTS)
KERNEL_TESTS += $(TC_KERNEL_TESTS)
tests_kernel_tc_conform_test_SOURCES = tests/kernel/tc_conform_test.c $(TC_LAB) tests/conform/provider_conform.c \
	tests/conform/provider_conform.h
TC_FLOOD = tests/kernel/tc_flood.c tests/kernel/tc_flood.h tests/conform/netns.h tests/conform/wire.h
tests_kernel_tc_removal_test_SOURCES = tests/kernel/tc_removal_test.c $(TC_LAB) $(TC_FLOOD)
tests_kernel_tc_covered_test_SOURCES = tests/kernel/tc_covered_test.c $(TC_LAB)
tests_kernel_tc_rest_test_SOURCES = tests/kernel/tc_rest_test.c $(TC_LAB)
tests_kernel_tc_unplug_test_SOURCES = tests/kernel/tc_unplug_test.c $(TC_LAB)
tests_kernel_tc_enomem_test_SOURCES = tests/kernel/tc_enomem_test.c tests/kernel/fail_nth.h tests/kernel/sweep.h $(TC_LAB)
TC_AGREE = tests/kernel/tc_agree.c tests/kernel/tc_agree.h
tests_kernel_tc_agree_test_SOURCES = tests/kernel/tc_agree_test.c $(TC_AGREE) $(TC_LAB)

# And at a NIC whose driver takes rules.
TC_NIC_TESTS = tests/nic/tc_agree_test tests/nic/tc_conform_test tests/nic/tc_removal_test
check_PROGRAMS += $(TC_NIC_TESTS)
NIC_TESTS += $(TC_NIC_TESTS)
tests_nic_tc_conform_test_SOURCES = tests/nic/tc_conform_test.c $(TC_LAB) tests/conform/provider_conform.c \
	tests/conform/provider_conform.h
tests_nic_tc_removal_test_SOURCES = tests/nic/tc_removal_test.c $(TC_LAB) $(TC_FLOOD)
tests_nic_tc_agree_test_SOURCES = tests/nic/tc_agree_test.c $(TC_AGREE) $(TC_LAB)

# The whole switch.
TC_SHELL = tests/kernel/bridges_tc_test.sh tests/kernel/foreign_test.sh tests/kernel/metered_tc_test.sh tests/kernel/tc_ct_test.sh \
	tests/kernel/tc_sflow_test.sh tests/kernel/tc_switch_test.sh
EXTRA_DIST += $(TC_SHELL) tests/kernel/tamper.sh
KERNEL_TESTS += $(TC_SHELL)

# Kernels that lack a part.
LACKING_SHELL = tests/kernel/lacking_test.sh
EXTRA_DIST += $(LACKING_SHELL)
LACKING_TESTS += $(LACKING_SHELL)

# Exact accounting on each tier.
EXACT_SHELL = tests/kernel/bytes_test.sh tests/kernel/exact_kernel_test.sh tests/kernel/exact_tc_test.sh
EXTRA_DIST += $(EXACT_SHELL) tests/kernel/bytes.py tests/kernel/bytes.sh tests/kernel/exact.sh tests/kernel/metered.sh tests/kernel/stream.py tests/nic/lib.sh
KERNEL_TESTS += $(EXACT_SHELL)
NIC_SHELL = tests/nic/bytes_test.sh tests/nic/conns_test.sh tests/nic/ct_test.sh tests/nic/exact_faults_test.sh tests/nic/exact_test.sh \
	tests/nic/faults_test.sh tests/nic/metered_test.sh tests/nic/passes_test.sh tests/nic/plan_test.sh \
	tests/nic/switch_test.sh tests/nic/tamper_test.sh
EXTRA_DIST += $(NIC_SHELL)
NIC_TESTS += $(NIC_SHELL)
