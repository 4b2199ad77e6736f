#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Exact accounting through what a NIC does of its own accord: counters that lag, a full table, a reset.
# shellcheck source=tests/kernel/exact.sh
. "${srcdir:-.}/tests/kernel/exact.sh"
# shellcheck source=tests/nic/lib.sh
. "${srcdir:-.}/tests/nic/lib.sh"

nic 2 table=100
exact_bridge nr0 nr1
in_nic() { # by the NIC itself
	[[ $(nic_rules) -ge $STREAMS ]]
}

step "counters that lag: the count is right when the NIC has told it"
nic_command lag 700
place_and_count hardware
nic_command lag 0

step "a table that is full: flows come and go by what they carry, what is out of it is in the kernel's software"
vsctl set Interface nr0 other_config:hw-offload=false
eventually all_in software
nic_command table 4
vsctl remove Interface nr0 other_config hw-offload
streams_on
eventually some_in tc
eventually some_in hardware
expect test "$(nic_rules)" -le 4
sleep 5
streams_off
exact "eviction"
nic_command table 100

step "the NIC's driver is reset: links go down for a while, rules are lost; what got as far as the port is counted"
streams_on
eventually all_in hardware
nic_command reset
eventually in_nic
eventually all_in hardware
sleep 1
streams_off
# Of what was sent while links were down nothing came in.
came_in() { minus "$(of_port rx nr0)" "$base_of_rx"; }
went_out() { minus "$(of_port tx nr1)" "$base_of_tx"; }
what_came_is_counted() { [[ $(came_in) == "$(rules_by_port | sum)" && $(went_out) == "$(minus "$(linux_port b eth0 rx)" "$base_b")" ]]; }
eventually what_came_is_counted
echo "exact: reset: $(came_in) packets and bytes so far"
expect_not rules_agree # or no link was down
stop_shuntd
