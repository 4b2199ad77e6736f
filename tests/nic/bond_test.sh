#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A bond of two uplinks of a NIC: what comes in by either is switched in hardware.
# shellcheck source=tests/kernel/bond.sh
. "${srcdir:-.}/tests/kernel/bond.sh"
# shellcheck source=tests/nic/lib.sh
. "${srcdir:-.}/tests/nic/lib.sh"

echo "add n ports=1 uplinks=2 table=100" >/sys/kernel/debug/nicsim/control
nic_host nv0 b 10.0.0.2/24
ip link set nr0 up
bond_host nw nu1w
the_bond n nu1
exact_bridge bond0 nr0
in_nic() { # each slave's driver has each
	[[ $(tc filter show block "$(block_of n)" | grep -cw 'in_hw_count 2') -ge $STREAMS && $(nic_rules) -ge $((2 * STREAMS)) ]]
}
bond_steps hardware n nu1 nw nu1w
