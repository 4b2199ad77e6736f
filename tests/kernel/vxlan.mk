# VXLAN on the kernel's datapath, in TC's software and in a NIC; vxlan_test.sh is local.mk's.
VXLAN_KERNEL_SHELL = tests/kernel/vxlan_pmtu_test.sh tests/kernel/vxlan_options_test.sh tests/kernel/vxlan_pair_tc_test.sh tests/kernel/vxlan_tc_test.sh
VXLAN_NIC_SHELL = tests/nic/vxlan_neigh_test.sh tests/nic/vxlan_pair_test.sh tests/nic/vxlan_test.sh
KERNEL_TESTS += $(VXLAN_KERNEL_SHELL)
NIC_TESTS += $(VXLAN_NIC_SHELL)
EXTRA_DIST += $(VXLAN_KERNEL_SHELL) $(VXLAN_NIC_SHELL) tests/kernel/vxlan_lib.sh tests/kernel/vxlan_pair.sh tests/kernel/vxlan_wire.py tests/nic/vxlan_lib.sh
