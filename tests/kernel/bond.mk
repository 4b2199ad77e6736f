# Bonds as ports: their rules stand at the slaves.
EXTRA_DIST += tests/kernel/bond.sh tests/kernel/bond_test.sh tests/nic/bond_test.sh
KERNEL_TESTS += tests/kernel/bond_test.sh
NIC_TESTS += tests/nic/bond_test.sh
