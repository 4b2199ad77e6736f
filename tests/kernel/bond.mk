# Bonds, whose rules stand at the slaves, and internal ports, whose rules stand where the host sends.
EXTRA_DIST += tests/kernel/bond.sh tests/kernel/bond_test.sh tests/kernel/bond_user_test.sh tests/kernel/internal_test.sh tests/nic/bond_test.sh
KERNEL_TESTS += tests/kernel/bond_test.sh tests/kernel/bond_user_test.sh tests/kernel/internal_test.sh
NIC_TESTS += tests/nic/bond_test.sh
