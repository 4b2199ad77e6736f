#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# VXLAN in a NIC, both ways: a function's packets are put into the tunnel by the rule at its representor, what comes in at the
# uplink is taken out by the rule at the tunnel's device; each option on the wire, exact counts.
# shellcheck source=tests/kernel/lib.sh
. "${srcdir:-.}/tests/kernel/lib.sh"
# shellcheck source=tests/system/tunnel_lib.sh
. "${srcdir:-.}/tests/system/tunnel_lib.sh"
# shellcheck source=tests/kernel/vxlan_lib.sh
. "${srcdir:-.}/tests/kernel/vxlan_lib.sh"
# shellcheck source=tests/nic/vxlan_lib.sh
. "${srcdir:-.}/tests/nic/vxlan_lib.sh"
tier=hardware near=nr0 here=n

nic_machine
start_shuntd
system_bridge br0
vsctl set Open_vSwitch . other_config:max-idle=600000
vsctl add-port br0 nr0
listen
base_steps
option_steps
refused_step
stop_shuntd
equal "$(complaints | grep -v 'no tunnel port has these')" "" "the log's complaints"
