#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each option of a VXLAN port in the kernel's datapath, judged on the wire and by a plain Linux device at the other end.
# shellcheck source=tests/kernel/lib.sh
. "${srcdir:-.}/tests/kernel/lib.sh"
# shellcheck source=tests/system/tunnel_lib.sh
. "${srcdir:-.}/tests/system/tunnel_lib.sh"
# shellcheck source=tests/kernel/vxlan_lib.sh
. "${srcdir:-.}/tests/kernel/vxlan_lib.sh"
tier=kernel near=pa here=ul

far_machine
underlay_ipv6 ul 1
ethtool -K ul tx off >/dev/null # checksums are finished before the wire
host a 10.0.0.1/24
ip -n a link set eth0 mtu 1400
start_shuntd
system_bridge br0
vsctl set Open_vSwitch . other_config:hw-offload=false other_config:max-idle=600000
vsctl add-port br0 pa
listen
base_steps
option_steps
neighbour_step
stop_shuntd
equal "$(complaints | grep -v 'no tunnel port has these')" "" "the log's complaints"
