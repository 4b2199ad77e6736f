#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Exact accounting in a NIC.
# shellcheck source=tests/kernel/exact.sh
. "${srcdir:-.}/tests/kernel/exact.sh"
# shellcheck source=tests/nic/lib.sh
. "${srcdir:-.}/tests/nic/lib.sh"

nic 2 table=100
exact_bridge nr0 nr1
in_nic() { # by iproute2 and by the NIC
	[[ $(tc filter show dev nr0 ingress | grep -cw in_hw) -ge $STREAMS && $(nic_rules) -ge $STREAMS ]] &&
		! tc filter show dev nr0 ingress | grep -qw not_in_hw
}
restart_and_count hardware kill_shuntd stop_shuntd
place_and_count hardware
expect in_nic
replace_and_count hardware
remove_and_count hardware
toggle_and_count hardware
stop_shuntd
