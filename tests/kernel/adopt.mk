# Restarts under traffic, with rules in TC's software and in a NIC.
EXTRA_DIST += tests/kernel/upgrade.sh tests/kernel/upgrade_tc_test.sh tests/kernel/upgrade_nic_test.sh tests/kernel/adopt.sh tests/kernel/adopt_tc_test.sh tests/kernel/adopt_nic_test.sh
KERNEL_TESTS += tests/kernel/adopt_tc_test.sh tests/kernel/upgrade_tc_test.sh
NIC_TESTS += tests/kernel/adopt_nic_test.sh tests/kernel/upgrade_nic_test.sh
